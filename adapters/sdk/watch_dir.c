#include "adapters/sdk/watch_dir.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "adapters/sdk/file.h"
#include "proto/base/list.h"

enum { RESCAN_MS = 5000, FOLDERS_MAX = 100000 };

struct entry {
    struct mr_list member;
    char *folder, *name;
    int64_t size, changed_ns;
    uint64_t still_since_ms; /* loop time */
    enum mr_watch_odd odd;   /* 0: a file to read */
    bool told;
    bool seen; /* in this scan */
};

struct folder {
    struct mr_list member;
    char *name;
    uv_fs_event_t event;
    bool watched;
    struct mr_watch_dir *watch;
};

struct mr_watch_dir {
    struct mr_watch_dir_options options;
    char *dir;
    struct mr_list entries; /* hundreds at most: processed files leave */
    struct mr_list folders;
    uv_timer_t timer;
    int open_handles;
    bool closing;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

static void scan(struct mr_watch_dir *watch);

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), e = strlen(end);

    return n >= e && strcmp(name + n - e, end) == 0;
}

static bool ignored(const char *name)
{
    return name[0] == '.' || strncmp(name, "~$", 2) == 0 || ends_with(name, ".tmp") ||
           ends_with(name, ".part") || ends_with(name, ".crdownload");
}

/* ---- entries ---- */

static struct entry *find_entry(struct mr_watch_dir *watch, const char *folder, const char *name)
{
    mr_list_foreach (it, &watch->entries) {
        struct entry *entry = MR_CONTAINER(it, struct entry, member);

        if (strcmp(entry->name, name) == 0 && strcmp(entry->folder, folder) == 0)
            return entry;
    }
    return NULL;
}

static void free_entry(struct entry *entry)
{
    mr_list_remove(&entry->member);
    free(entry->folder);
    free(entry->name);
    free(entry);
}

static struct entry *add_entry(struct mr_watch_dir *watch, const char *folder, const char *name)
{
    struct entry *entry = calloc(1, sizeof *entry);

    if (!entry)
        return NULL;
    mr_list_push_back(&watch->entries, &entry->member);
    entry->folder = strdup(folder);
    entry->name = strdup(name);
    if (!entry->folder || !entry->name) {
        free_entry(entry);
        return NULL;
    }
    return entry;
}

static enum mr_watch_odd odd_of(const struct stat *st, bool stray)
{
    if (S_ISREG(st->st_mode))
        return stray ? MR_WATCH_STRAY : 0;
    return S_ISLNK(st->st_mode)   ? MR_WATCH_SYMLINK
           : S_ISDIR(st->st_mode) ? MR_WATCH_FOLDER
                                  : MR_WATCH_SPECIAL;
}

static void look_at(
        struct mr_watch_dir *watch, const char *path, const char *folder, const char *name, bool stray)
{
    struct stat st;
    struct entry *entry;
    int64_t changed_ns;

    if (ignored(name) || lstat(path, &st) != 0 || (odd_of(&st, stray) && !watch->options.on_odd))
        return;
    entry = find_entry(watch, folder, name);
    if (!entry && !(entry = add_entry(watch, folder, name)))
        return;
    entry->seen = true;
    changed_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    if (entry->size == st.st_size && entry->changed_ns == changed_ns && entry->still_since_ms != 0)
        return;
    entry->odd = odd_of(&st, stray);
    entry->size = st.st_size;
    entry->changed_ns = changed_ns;
    entry->still_since_ms = uv_now(watch->options.loop) + 1; /* never 0 */
    entry->told = false;
}

/* ---- folders ---- */

static void on_change(uv_fs_event_t *event, const char *name, int events, int status)
{
    struct folder *folder = event->data;

    (void)name;
    (void)events;
    (void)status;
    if (!folder->watch->closing && uv_timer_get_due_in(&folder->watch->timer) > 20)
        (void)uv_timer_start(
                &folder->watch->timer, folder->watch->timer.timer_cb, 20, 0); /* gathers a burst */
}

static bool folder_known(const struct mr_watch_dir *watch, const char *name)
{
    mr_list_foreach (it, &watch->folders)
        if (strcmp(MR_CONTAINER(it, struct folder, member)->name, name) == 0)
            return true;
    return false;
}

/* A folder that cannot be watched (no inotify, too many) is left to the rescan. */
static void watch_folder(struct mr_watch_dir *watch, const char *path, const char *name)
{
    struct folder *folder;

    if (folder_known(watch, name))
        return;
    folder = calloc(1, sizeof *folder);
    if (!folder)
        return;
    folder->watch = watch;
    folder->name = strdup(name);
    if (!folder->name || uv_fs_event_init(watch->options.loop, &folder->event) != 0) {
        free(folder->name);
        free(folder);
        return;
    }
    folder->event.data = folder;
    watch->open_handles++;
    mr_list_push_back(&watch->folders, &folder->member);
    folder->watched = uv_fs_event_start(&folder->event, on_change, path, 0) == 0;
}

static void scan_files(struct mr_watch_dir *watch, const char *path, const char *folder)
{
    DIR *dir = opendir(path);
    struct dirent *file;

    if (!dir)
        return;
    watch_folder(watch, path, folder);
    while ((file = readdir(dir)) != NULL) {
        char full[PATH_MAX];

        if (snprintf(full, sizeof full, "%s/%s", path, file->d_name) < (int)sizeof full)
            look_at(watch, full, folder, file->d_name, false);
    }
    (void)closedir(dir);
}

static void scan_folders(struct mr_watch_dir *watch)
{
    DIR *dir = opendir(watch->dir);
    struct dirent *child;
    int count = 0;

    if (!dir)
        return;
    watch_folder(watch, watch->dir, "");
    while ((child = readdir(dir)) != NULL && count++ < FOLDERS_MAX) {
        char full[PATH_MAX];
        struct stat st;

        if (child->d_name[0] == '.' ||
                snprintf(full, sizeof full, "%s/%s", watch->dir, child->d_name) >= (int)sizeof full)
            continue;
        if (lstat(full, &st) == 0 && S_ISDIR(st.st_mode) && mr_file_name_ok(child->d_name))
            scan_files(watch, full, child->d_name);
        else
            look_at(watch, full, "", child->d_name, true);
    }
    (void)closedir(dir);
}

/* ---- telling ---- */

static struct entry *oldest_settled(struct mr_watch_dir *watch, uint64_t now, bool *ret_waiting)
{
    struct entry *oldest = NULL;

    mr_list_foreach (it, &watch->entries) {
        struct entry *entry = MR_CONTAINER(it, struct entry, member);

        if (entry->told)
            continue;
        if (now + 1 - entry->still_since_ms < watch->options.settle_ms)
            *ret_waiting = true;
        else if (!oldest || entry->changed_ns < oldest->changed_ns ||
                 (entry->changed_ns == oldest->changed_ns && strcmp(entry->name, oldest->name) < 0))
            oldest = entry;
    }
    return oldest;
}

static void forget_vanished(struct mr_watch_dir *watch)
{
    mr_list_foreach_safe (it, &watch->entries) {
        struct entry *entry = MR_CONTAINER(it, struct entry, member);

        if (!entry->seen)
            free_entry(entry);
        else
            entry->seen = false;
    }
}

static void on_timer(uv_timer_t *timer)
{
    scan(timer->data);
}

/* One file a turn, so that the loop serves the link between two files. */
static void scan(struct mr_watch_dir *watch)
{
    uint64_t now = uv_now(watch->options.loop);
    bool waiting = false;
    struct entry *entry;
    uint64_t next_ms = watch->options.rescan_ms;

    if (watch->options.sub_folders)
        scan_folders(watch);
    else
        scan_files(watch, watch->dir, "");
    forget_vanished(watch);
    entry = oldest_settled(watch, now, &waiting);
    if (waiting)
        next_ms = watch->options.settle_ms / 2 + 1;
    if (entry) {
        entry->told = true;
        next_ms = 1;
    }
    (void)uv_timer_start(&watch->timer, on_timer, next_ms, 0);
    if (entry && entry->odd)
        watch->options.on_odd(watch->options.ctx, entry->folder, entry->name, entry->odd);
    else if (entry)
        watch->options.on_file(watch->options.ctx, entry->folder, entry->name);
}

void mr_watch_dir_again(struct mr_watch_dir *watch, const char *folder, const char *name)
{
    struct entry *entry = find_entry(watch, folder, name);

    if (!entry)
        return;
    entry->told = false;
    entry->still_since_ms = uv_now(watch->options.loop) + 1;
    if (!watch->closing)
        (void)uv_timer_start(&watch->timer, on_timer, watch->options.settle_ms / 2 + 1, 0);
}

/* ---- birth and death ---- */

int mr_watch_dir_open(
        struct mr_watch_dir **ret, const struct mr_watch_dir_options *options, struct mr_error *reterr)
{
    struct mr_watch_dir *watch;
    int r = mr_file_make_dirs(options->dir);

    if (r < 0)
        return mr_error_set(reterr, r, options->dir, "create it or correct its rights", "watched folder");
    watch = calloc(1, sizeof *watch);
    if (!watch)
        return MR_ENOMEM;
    watch->options = *options;
    if (watch->options.rescan_ms == 0)
        watch->options.rescan_ms = RESCAN_MS;
    watch->dir = strdup(options->dir);
    if (!watch->dir) {
        free(watch);
        return MR_ENOMEM;
    }
    mr_list_init(&watch->entries);
    mr_list_init(&watch->folders);
    (void)uv_timer_init(options->loop, &watch->timer);
    watch->timer.data = watch;
    watch->open_handles = 1;
    (void)uv_timer_start(&watch->timer, on_timer, 0, 0);
    *ret = watch;
    return 0;
}

static void closed_one(struct mr_watch_dir *watch)
{
    struct mr_list *member;

    if (--watch->open_handles > 0)
        return;
    while (!mr_list_empty(&watch->entries))
        free_entry(MR_CONTAINER(watch->entries.next, struct entry, member));
    while ((member = mr_list_pop_front(&watch->folders)) != NULL) {
        struct folder *folder = MR_CONTAINER(member, struct folder, member);

        free(folder->name);
        free(folder);
    }
    if (watch->on_closed)
        watch->on_closed(watch->closed_ctx);
    free(watch->dir);
    free(watch);
}

static void on_timer_closed(uv_handle_t *handle)
{
    closed_one(handle->data);
}

static void on_event_closed(uv_handle_t *handle)
{
    closed_one(((struct folder *)handle->data)->watch);
}

void mr_watch_dir_close(struct mr_watch_dir *watch, void (*on_closed)(void *ctx), void *ctx)
{
    watch->closing = true;
    watch->on_closed = on_closed;
    watch->closed_ctx = ctx;
    mr_list_foreach (it, &watch->folders)
        uv_close((uv_handle_t *)&MR_CONTAINER(it, struct folder, member)->event, on_event_closed);
    uv_close((uv_handle_t *)&watch->timer, on_timer_closed);
}
