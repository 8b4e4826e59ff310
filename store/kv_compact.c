#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/fault.h"
#include "store/folder.h"
#include "store/kv_internal.h"

/*
 * The copy is made in DIR/compact beside readers and writers, and opened there: a failure leaves the old file
 * in use. What is written meanwhile is noted and applied to it, round by round; writers are kept out for the
 * last of it only. Then, while nothing is open here, the lock file takes its name, then the data file:
 * whoever opens both in between, data first, has the old file, which is not written any more.
 *
 *   DIR/compact/{data,lock}.mdb   the copy        DIR/old.mdb   a second name of the old file, to overwrite
 * it by
 *
 * A crash leaves either file under the name and some of these, which the next owner removes.
 */
enum {
    OLD_WAIT_MS = 2000,      /* for those that were inside before */
    WRITERS_WAIT_MS = 10000, /* for the one that commits */
    ALL_WAIT_MS = 500,       /* for readers; nobody comes in meanwhile */
    ATTEMPTS = 6,
    ROUNDS = 30,
    LAST_BYTES = 64 << 10, /* of notes, while writers wait */
    ZEROS_BYTES = 1 << 18,
    SYNC_BYTES = 8 << 20
};

struct paths {
    char folder[PATH_MAX];
    char data[PATH_MAX];
    char lock[PATH_MAX];
    char old[PATH_MAX];
    char old_lock[PATH_MAX];
    char live_data[PATH_MAX];
    char live_lock[PATH_MAX];
};

static int paths_init(struct paths *p, const char *dir)
{
    const struct {
        char *path;
        const char *name;
    } all[] = {
            {p->folder, "compact"},
            {p->data, "compact/data.mdb"},
            {p->lock, "compact/lock.mdb"},
            {p->old, "old.mdb"},
            {p->old_lock, "old-lock.mdb"},
            {p->live_data, "data.mdb"},
            {p->live_lock, "lock.mdb"},
    };

    for (size_t i = 0; i < MR_COUNT(all); i++) {
        int n = snprintf(all[i].path, PATH_MAX, "%s/%s", dir, all[i].name);

        if (n < 0 || n >= PATH_MAX)
            return MR_EINVAL;
    }
    return 0;
}

/* ---- the old file ---- */

static void overwrite(int fd, uint64_t size)
{
    uint8_t *zeros = calloc(1, ZEROS_BYTES);

    for (uint64_t at = 0; zeros && at < size;) {
        uint64_t left = size - at;
        ssize_t n = pwrite(fd, zeros, left < ZEROS_BYTES ? left : ZEROS_BYTES, (off_t)at);

        if (n <= 0)
            break;
        at += (uint64_t)n;
        if (at % SYNC_BYTES == 0)
            (void)fdatasync(fd); /* the syncs of others do not wait for all of it */
    }
    (void)fsync(fd);
    free(zeros);
}

/*
 * Best effort. A write lease is given only when nobody else has the file open: another process that still
 * reads must not find zeros under it. The name is gone by then, so nobody can come to it.
 */
static bool wipe_old(const struct paths *p)
{
    struct stat old, live;
    bool wiped = false;
    int fd = open(p->old, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return false;
    (void)unlink(p->old);
    if (fstat(fd, &old) == 0 && stat(p->live_data, &live) == 0 && old.st_ino != live.st_ino &&
            old.st_nlink <= 1 && fcntl(fd, F_SETLEASE, F_WRLCK) == 0) {
        overwrite(fd, (uint64_t)old.st_size);
        (void)fcntl(fd, F_SETLEASE, F_UNLCK);
        wiped = true;
    }
    close(fd);
    return wiped;
}

static void remove_copy(const struct paths *p)
{
    (void)unlink(p->data);
    (void)unlink(p->lock);
    (void)unlink(p->old_lock);
    (void)rmdir(p->folder);
}

int mr_kv_compact_recover(const char *dir)
{
    struct paths p;
    int r = paths_init(&p, dir);

    if (r < 0)
        return r;
    if (access(p.old, F_OK) == 0 && (r = mr_folder_sync(dir)) < 0)
        return r; /* until the new name is durable the old file may still be the one */
    remove_copy(&p);
    (void)wipe_old(&p);
    return 0;
}

/* ---- the swap ---- */

static int make_copy(struct mr_kv *kv, const struct paths *p, struct mr_error *reterr)
{
    remove_copy(p);
    (void)unlink(p->old);
    if (mkdir(p->folder, 0700) < 0)
        return mr_kv_system_error(reterr, p->folder, "cannot create the folder");
    return mr_kv_copy_rows_inside(kv, p->folder, reterr);
}

/* The old lock file keeps its open ends; the new one is that of the environment in `compact`. */
static int swap_names(const struct paths *p, struct mr_error *reterr)
{
    int saved;

    if (link(p->live_data, p->old) < 0 || link(p->live_lock, p->old_lock) < 0)
        return mr_kv_system_error(reterr, p->old, "cannot link the old files");
    if (rename(p->lock, p->live_lock) < 0)
        return mr_kv_system_error(reterr, p->live_lock, "cannot rename the lock file");
    if (rename(p->data, p->live_data) == 0)
        return 0;
    saved = errno;
    (void)rename(p->old_lock, p->live_lock); /* the old pair goes on */
    errno = saved;
    return mr_kv_system_error(reterr, p->live_data, "cannot rename the compacted file");
}

/* Nothing is open here. */
static int swap(struct mr_kv *kv, struct mr_kv *fresh, const struct paths *p, struct mr_error *reterr)
{
    MDB_env *env = kv->env;
    int r = MR_FAULT("kv.swap");

    if (r < 0)
        return mr_error_set(reterr, r, kv->dir, "", "cannot put the compacted file into place");
    r = swap_names(p, reterr);
    if (r < 0)
        return r;
    kv->env = fresh->env;
    memcpy(kv->tables, fresh->tables, sizeof kv->tables);
    fresh->env = env;
    kv->nameless = MR_FAULT("kv.swapped") < 0 || mr_folder_sync(kv->dir) < 0;
    if (kv->nameless)
        return mr_error_set(reterr, MR_EIO, kv->dir, "stop the hub and look at the disk",
                "cannot sync the folder of the compacted file");
    return 0;
}

static uint64_t size_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* Until little is left; writers may be faster for a while. */
static int follow(struct mr_kv *kv, struct mr_kv *fresh, struct mr_error *reterr)
{
    size_t bytes = SIZE_MAX;
    int r = 0;

    for (int i = 0; i < ROUNDS && r == 0 && bytes > LAST_BYTES; i++)
        r = mr_kv_catch_up(kv, fresh, &bytes, reterr);
    return r;
}

/* MR_EAGAIN: somebody inside does not leave; the gate is as it was. */
static int swap_alone(struct mr_kv *kv, struct mr_kv *fresh, const struct paths *p, struct mr_error *reterr)
{
    size_t bytes;
    int r = mr_kv_gate_outwait(&kv->gate, OLD_WAIT_MS);

    if (r == 0)
        r = follow(kv, fresh, reterr);
    if (r == 0)
        r = mr_kv_gate_close_for_writers(&kv->gate, WRITERS_WAIT_MS);
    if (r < 0)
        return r;
    r = mr_kv_catch_up(kv, fresh, &bytes, reterr);
    if (r == 0)
        r = mr_kv_gate_close_for_all(&kv->gate, ALL_WAIT_MS);
    if (r == 0)
        r = swap(kv, fresh, p, reterr);
    mr_kv_gate_open(&kv->gate);
    return r;
}

static int swap_soon(struct mr_kv *kv, struct mr_kv *fresh, const struct paths *p, struct mr_error *reterr)
{
    int r = MR_EAGAIN;

    for (int i = 0; i < ATTEMPTS && r == MR_EAGAIN; i++)
        r = swap_alone(kv, fresh, p, reterr);
    return r;
}

static int copy_and_swap(
        struct mr_kv *kv, struct mr_kv *fresh, const struct paths *p, struct mr_error *reterr)
{
    int r;

    mr_kv_notes_start(&kv->notes);
    r = mr_kv_gate_outwait(&kv->gate, OLD_WAIT_MS); /* from here on every writer notes */
    if (r == 0)
        r = make_copy(kv, p, reterr);
    if (r == 0)
        r = mr_kv_open_env(fresh, reterr);
    if (r == 0)
        r = swap_soon(kv, fresh, p, reterr);
    mr_kv_notes_stop(&kv->notes);
    return r == MR_EAGAIN ? mr_error_set(reterr, r, kv->dir, "try again later",
                                    "somebody writes or reads for too long")
                          : r;
}

static int compact(
        struct mr_kv *kv, const struct paths *p, struct mr_kv_compaction *ret, struct mr_error *reterr)
{
    struct mr_kv fresh = {.dir = (char *)p->folder, .names = kv->names, .tables_count = kv->tables_count};
    int r;

    ret->before_bytes = size_of(p->live_data);
    r = copy_and_swap(kv, &fresh, p, reterr);
    if (fresh.env) /* the old one, when it went well */
        mdb_env_close(fresh.env);
    ret->after_bytes = size_of(p->live_data);
    ret->overwritten = r == 0 && wipe_old(p); /* the new name is durable */
    remove_copy(p);
    return r;
}

int mr_kv_compact(struct mr_kv *kv, struct mr_kv_compaction *ret, struct mr_error *reterr)
{
    struct paths p;
    int r = paths_init(&p, kv->dir);

    *ret = (struct mr_kv_compaction){0};
    if (r < 0)
        return mr_error_set(reterr, r, kv->dir, "give a shorter path", "the path is too long");
    if (kv->read_only || kv->unlocked)
        return mr_error_set(reterr, MR_EDENIED, kv->dir, "", "not the owner of the store");
    r = mr_kv_gate_begin(&kv->gate);
    if (r < 0)
        return mr_error_set(reterr, r, kv->dir, "try again later", "it is being compacted already");
    r = compact(kv, &p, ret, reterr);
    mr_kv_gate_end(&kv->gate);
    return r;
}
