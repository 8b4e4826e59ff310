#include "adapters/sdk/erasure_files.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "adapters/sdk/erasure_search.h"
#include "adapters/sdk/file.h"
#include "proto/base/buf.h"

enum { FILE_BYTES_MAX = 64 * 1024 * 1024 };

#define NOTE ".removed.txt"
static const char note_text[] = "\xef\xbb\xbf"
                                "Строки, которые не были приняты, и отчёт о них удалены: среди них были "
                                "данные человека, о котором есть\r\n"
                                "требование уничтожить персональные данные. Остальные строки исправьте в "
                                "своём файле и пришлите снова.\r\n";

struct removal {
    const Nms__Event__V1__HubErasureNotice *notice;
    struct mr_buf groups; /* of the folder: beginnings of names, NUL-terminated, one after another */
    bool rejected;        /* one of them was of rejected rows */
    uint32_t *files;
};

/*
 * "list.csv.20261122T101500.123Z" of "list.csv.20261122T101500.123Z.rejected.csv", its report and its
 * receipt; any other name is its own.
 */
static size_t group_size(const char *name)
{
    static const char *const endings[] = {"Z.rejected.", "Z.report.", "Z.refused", "Z.receipt."};

    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        const char *at = strstr(name, endings[i]);

        if (at)
            return (size_t)(at - name) + 1;
    }
    return strlen(name);
}

static int look(struct removal *removal, const char *dir, const char *name)
{
    struct mr_buf content = MR_BUF_INIT;
    char path[PATH_MAX];
    int r;

    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return MR_EINVAL;
    r = mr_file_read(path, FILE_BYTES_MAX, &content);
    if (r == 0)
        r = mr_erasure_search(removal->notice, name, mr_buf_slice(&content));
    mr_buf_wipe(&content);
    if (r == MR_ENOTFOUND)
        return 0; /* somebody took it */
    if (r == 1) {
        mr_buf_put(&removal->groups, name, group_size(name));
        mr_buf_put_u8(&removal->groups, 0);
        removal->rejected |= strstr(name, "Z.rejected.") != NULL;
        r = mr_buf_failed(&removal->groups) ? MR_ENOMEM : 0;
    }
    return r;
}

static bool in_groups(const struct removal *removal, const char *name)
{
    const char *groups = (const char *)removal->groups.data;

    for (size_t at = 0; at < removal->groups.size; at += strlen(groups + at) + 1) {
        size_t size = strlen(groups + at);

        if (strncmp(name, groups + at, size) == 0 && (name[size] == 0 || name[size] == '.'))
            return true;
    }
    return false;
}

static int take_away(struct removal *removal, const char *dir, const char *name)
{
    char path[PATH_MAX];
    const char *ending = strstr(name, NOTE);
    int r;

    if (!in_groups(removal, name) || (ending && ending[strlen(NOTE)] == 0))
        return 0;
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    r = mr_file_destroy(path);
    if (r == 0)
        ++*removal->files;
    return r;
}

static bool is_plain(const char *dir, const char *name)
{
    char path[PATH_MAX];
    struct stat st;

    return snprintf(path, sizeof path, "%s/%s", dir, name) < (int)sizeof path && lstat(path, &st) == 0 &&
           S_ISREG(st.st_mode);
}

static int each_file(struct removal *removal, const char *dir,
        int (*fn)(struct removal *removal, const char *dir, const char *name))
{
    DIR *entries = opendir(dir);
    struct dirent *entry;
    int r = 0;

    if (!entries)
        return errno == ENOENT ? 0 : mr_err_from_errno(errno);
    while (r == 0 && (entry = readdir(entries)) != NULL)
        if (is_plain(dir, entry->d_name))
            r = fn(removal, dir, entry->d_name);
    (void)closedir(entries);
    return r;
}

static int write_note(const struct removal *removal, const char *dir)
{
    char name[NAME_MAX + 1];

    (void)snprintf(name, sizeof name, "%.200s" NOTE, (const char *)removal->groups.data);
    return mr_file_write(dir, name, mr_slice(note_text, sizeof note_text - 1), 0640);
}

static int clean_dir(struct removal *removal, const char *dir)
{
    int r = each_file(removal, dir, look);

    if (r == 0 && removal->groups.size > 0)
        r = each_file(removal, dir, take_away);
    if (r == 0 && removal->rejected)
        r = write_note(removal, dir);
    mr_buf_reset(&removal->groups);
    removal->rejected = false;
    return r;
}

/* The folder, then those below it. */
static int clean_tree(struct removal *removal, const char *dir)
{
    DIR *entries = opendir(dir);
    struct dirent *entry;
    char path[PATH_MAX];
    int r;

    if (!entries)
        return errno == ENOENT ? 0 : mr_err_from_errno(errno);
    r = clean_dir(removal, dir);
    while (r == 0 && (entry = readdir(entries)) != NULL) {
        struct stat st;

        if (entry->d_name[0] == '.' ||
                snprintf(path, sizeof path, "%s/%s", dir, entry->d_name) >= (int)sizeof path)
            continue;
        if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
            r = clean_dir(removal, path);
    }
    (void)closedir(entries);
    return r;
}

int mr_erasure_files(const char *const *dirs, size_t dirs_count,
        const Nms__Event__V1__HubErasureNotice *notice, uint32_t *files)
{
    struct removal removal = {.notice = notice, .files = files};
    int r = 0;

    for (size_t i = 0; r == 0 && i < dirs_count; i++)
        if (dirs[i])
            r = clean_tree(&removal, dirs[i]);
    mr_buf_wipe(&removal.groups);
    return r;
}
