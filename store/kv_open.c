#include "store/kv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/folder.h"
#include "store/kv_internal.h"
#include "store/kv_pages.h"

enum { UNWRITTEN_PAGES_MAX = 64, CLOSED_MAP_BYTES = 1 << 20 };

/*
 * The one process-wide state: which environments this process has open. LMDB does not notice a second open,
 * and the first close then drops the process's fcntl lock, so that the next process resets the reader table
 * under live readers. Only the process can know, hence a process-wide list.
 */
static struct {
    pthread_mutex_t lock;
    struct mr_list open;
} registry = {PTHREAD_MUTEX_INITIALIZER, {&registry.open, &registry.open}};

static bool registry_add(struct mr_kv *kv)
{
    bool fresh = true;

    pthread_mutex_lock(&registry.lock);
    mr_list_foreach (it, &registry.open) {
        const struct mr_kv *other = MR_CONTAINER(it, struct mr_kv, link);

        if (other->dev == kv->dev && other->ino == kv->ino && other->pid == kv->pid) /* not a parent's */
            fresh = false;
    }
    if (fresh)
        mr_list_push_back(&registry.open, &kv->link);
    pthread_mutex_unlock(&registry.lock);
    return fresh;
}

static void registry_remove(struct mr_kv *kv)
{
    pthread_mutex_lock(&registry.lock);
    mr_list_remove(&kv->link);
    pthread_mutex_unlock(&registry.lock);
}

static int prepare_dir(struct mr_kv *kv, struct mr_error *reterr)
{
    struct stat st;
    int r = kv->read_only ? 0 : mr_folder_make(kv->dir, reterr);

    if (r < 0)
        return r;
    if (stat(kv->dir, &st) < 0)
        return mr_error_set(reterr, mr_err_from_errno(errno), kv->dir, "check the path in the configuration",
                "no store here: %s", strerror(errno));
    kv->dev = st.st_dev;
    kv->ino = st.st_ino;
    return 0;
}

/* The owner's lock is a file of its own: LMDB's lock.mdb must not be opened by anybody but LMDB. */
static int take_owner_lock(struct mr_kv *kv, struct mr_error *reterr)
{
    char *path = NULL;
    int saved;

    if (asprintf(&path, "%s/owner.lock", kv->dir) < 0)
        return MR_ENOMEM;
    kv->owner_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    saved = errno;
    free(path);
    if (kv->owner_fd < 0)
        return mr_error_set(reterr, mr_err_from_errno(saved), kv->dir, "check the owner of the folder",
                "cannot open owner.lock: %s", strerror(saved));
    if (flock(kv->owner_fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        return mr_error_set(reterr, MR_EEXISTS, kv->dir,
                "stop the other hub, or give this one its own data folder", "in use by another process");
    return mr_error_set(
            reterr, mr_err_from_errno(errno), kv->dir, "", "cannot lock owner.lock: %s", strerror(errno));
}

/*
 * A file that was cut off (a copy that stopped, a lost tail) opens well and then kills the process with
 * SIGBUS at the first missing page. Pages that a transaction took and gave back at the end of the file may
 * never have been written, so a few may be missing in a whole file.
 */
static int check_length(struct mr_kv *kv)
{
    MDB_envinfo info;
    MDB_stat stat_;
    mdb_filehandle_t fd;
    struct stat st;
    uint64_t pages;
    int rc = mdb_env_info(kv->env, &info);

    if (!rc)
        rc = mdb_env_stat(kv->env, &stat_);
    if (!rc)
        rc = mdb_env_get_fd(kv->env, &fd);
    if (rc)
        return rc;
    if (fstat(fd, &st) < 0)
        return errno;
    pages = (uint64_t)st.st_size / stat_.ms_psize;
    return pages + UNWRITTEN_PAGES_MAX < (uint64_t)info.me_last_pgno + 1 ? MDB_CORRUPTED : 0;
}

static int open_env_sized(struct mr_kv *kv, size_t map_bytes)
{
    int rc = mdb_env_create(&kv->env);

    if (rc)
        return rc;
    (void)mdb_env_set_assert(kv->env, mr_kv_on_assert);
    rc = mdb_env_set_mapsize(kv->env, map_bytes);
    if (!rc)
        rc = mdb_env_set_maxdbs(kv->env, MR_KV_TABLES_MAX);
    if (!rc)
        rc = mdb_env_set_maxreaders(kv->env, MR_KV_READERS_MAX);
    if (!rc)
        rc = mdb_env_open(kv->env, kv->dir,
                MDB_NOTLS | (kv->read_only ? MDB_RDONLY : 0) | (kv->unlocked ? MDB_NOLOCK : 0), 0600);
    if (!rc)
        rc = check_length(kv);
    if (rc) {
        mdb_env_close(kv->env);
        kv->env = NULL;
    }
    return rc;
}

/*
 * The map is virtual: without WRITEMAP the file does not grow with it, and it is never resized. Less than 1
 * TiB only where address space is short (a sanitizer's, RLIMIT_AS); then MDB_MAP_FULL may come, which is
 * MR_ENOSPACE.
 */
static int open_env(struct mr_kv *kv, struct mr_error *reterr)
{
    static const size_t sizes[] = {(size_t)1 << 40, (size_t)64 << 30, (size_t)8 << 30};
    int rc = ENOMEM;

    if (kv->unlocked && kv->read_only)
        rc = open_env_sized(kv, CLOSED_MAP_BYTES); /* LMDB makes it as large as the file */
    for (size_t i = 0; i < MR_COUNT(sizes) && rc == ENOMEM; i++)
        rc = open_env_sized(kv, sizes[i]);
    if (!rc)
        return 0;
    if (kv->read_only && mr_kv_pages_check_metas(kv->dir, reterr) == MR_ECORRUPT)
        return MR_ECORRUPT; /* a wrong meta page asks for a map that cannot be: ENOMEM says nothing of it */
    return mr_error_set(reterr, mr_kv_error(kv, rc), kv->dir,
            rc == EACCES ? "a reader needs write permission to lock.mdb: run it as the hub's user"
            : rc == MDB_INVALID || rc == MDB_CORRUPTED ? "restore the folder from a backup"
                                                       : "",
            "cannot open the store: %s", mdb_strerror(rc));
}

static int open_tables(struct mr_kv *kv, struct mr_error *reterr)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(kv->env, NULL, kv->read_only ? MDB_RDONLY : 0, &txn);

    if (rc)
        return mr_error_set(reterr, mr_kv_error(kv, rc), kv->dir, "", "cannot begin: %s", mdb_strerror(rc));
    for (uint32_t i = 0; i < kv->tables_count; i++) {
        rc = mdb_dbi_open(txn, kv->names[i], kv->read_only ? 0 : MDB_CREATE, &kv->tables[i]);
        if (rc) {
            mdb_txn_abort(txn);
            return mr_error_set(reterr, mr_kv_error(kv, rc), kv->dir,
                    rc == MDB_NOTFOUND ? "start the hub once: it adds what is missing" : "",
                    "cannot open table %s: %s", kv->names[i], mdb_strerror(rc));
        }
    }
    rc = mdb_txn_commit(txn); /* frees txn also when it fails */
    if (rc)
        return mr_error_set(reterr, mr_kv_error(kv, rc), kv->dir, "", "cannot commit: %s", mdb_strerror(rc));
    return 0;
}

int mr_kv_open_env(struct mr_kv *kv, struct mr_error *reterr)
{
    int r = open_env(kv, reterr);

    return r < 0 ? r : open_tables(kv, reterr);
}

static int name_tables(struct mr_kv *kv, const struct mr_kv_options *options)
{
    kv->names = calloc(MR_KV_TABLES_MAX, sizeof *kv->names);
    if (!kv->names)
        return MR_ENOMEM;
    kv->checked = options->checked;
    for (; kv->tables_count < options->tables_count; kv->tables_count++) {
        const char *name = options->tables[kv->tables_count];

        kv->names[kv->tables_count] = strdup(name);
        if (!kv->names[kv->tables_count])
            return MR_ENOMEM;
        kv->seeds[kv->tables_count] = mr_kv_row_seed(name);
    }
    return 0;
}

/*
 * What is found is made durable before anybody relies on it: after a kill the last commit's meta page may be
 * in the page cache only, and looks like any other. For a new file these are the first meta pages, see
 * mr_kv_drop_unfinished().
 */
static int sync_found(struct mr_kv *kv, struct mr_error *reterr)
{
    int rc = mdb_env_sync(kv->env, 1);

    return rc ? mr_error_set(reterr, mr_kv_error(kv, rc), kv->dir, "check the disk",
                        "what is there cannot be made durable: %s", mdb_strerror(rc))
              : 0;
}

static int open_locked(struct mr_kv *kv, const struct mr_kv_options *options, struct mr_error *reterr)
{
    int r = 0;

    if (options->exclusive)
        r = take_owner_lock(kv, reterr);
    if (r == 0 && options->exclusive)
        r = mr_kv_compact_recover(kv->dir);
    if (r == 0 && options->exclusive)
        r = mr_kv_drop_unfinished(kv->dir, reterr);
    if (r == 0 && options->exclusive)
        r = mr_kv_pages_check(kv->dir, reterr);
    if (r == 0 && kv->unlocked && kv->read_only)
        r = mr_kv_pages_check_metas(kv->dir, reterr);
    if (r == 0 && !kv->unlocked)
        r = mr_kv_lock_allocate(kv->dir, reterr);
    if (r == 0)
        r = open_env(kv, reterr);
    if (r == 0 && options->exclusive)
        r = sync_found(kv, reterr);
    if (r == 0 && (r = mr_kv_reader_check(kv)) > 0)
        r = 0;
    if (r == 0)
        r = open_tables(kv, reterr);
    if (r == 0 && !kv->read_only && (r = mr_folder_sync(kv->dir)) < 0)
        mr_error_set(reterr, r, kv->dir, "check the disk", "cannot make the folder durable");
    return r;
}

int mr_kv_open(struct mr_kv **ret, const struct mr_kv_options *options, struct mr_error *reterr)
{
    struct mr_kv *kv;
    int r;

    assert(options->dir && options->tables_count <= MR_KV_TABLES_MAX);
    assert(!(options->exclusive && options->read_only));
    kv = calloc(1, sizeof *kv);
    if (!kv)
        return mr_error_set(reterr, MR_ENOMEM, options->dir, "", "out of memory");
    mr_list_init(&kv->link);
    mr_kv_gate_init(&kv->gate);
    mr_kv_notes_init(&kv->notes);
    kv->owner_fd = -1;
    kv->pid = getpid();
    kv->read_only = options->read_only;
    kv->unlocked = options->unlocked;
    kv->dir = strdup(options->dir);
    r = kv->dir && name_tables(kv, options) == 0
                ? prepare_dir(kv, reterr)
                : mr_error_set(reterr, MR_ENOMEM, options->dir, "", "out of memory");
    if (r == 0 && !kv->unlocked && !registry_add(kv)) /* without locks there is none to lose */
        r = mr_error_set(reterr, MR_EEXISTS, kv->dir, "use the open one", "already open in this process");
    if (r == 0)
        r = open_locked(kv, options, reterr);
    if (r < 0) {
        mr_kv_close(kv);
        return r;
    }
    *ret = kv;
    return 0;
}

void mr_kv_close(struct mr_kv *kv)
{
    if (!kv)
        return;
    assert(kv->pid == getpid());
    if (kv->env)
        mdb_env_close(kv->env);
    if (kv->owner_fd >= 0)
        close(kv->owner_fd);
    registry_remove(kv);
    mr_kv_gate_fini(&kv->gate);
    mr_kv_notes_fini(&kv->notes);
    for (uint32_t i = 0; kv->names && i < MR_KV_TABLES_MAX; i++)
        free(kv->names[i]);
    free(kv->names);
    free(kv->dir);
    free(kv);
}

const char *mr_kv_dir(const struct mr_kv *kv)
{
    return kv->dir;
}

int mr_kv_reader_check(struct mr_kv *kv)
{
    struct mr_kv_pass pass;
    int dead = 0;
    int rc;

    mr_kv_gate_enter(&kv->gate, &pass, false);
    rc = mdb_reader_check(kv->env, &dead);
    rc = rc ? mr_kv_error(kv, rc) : dead;
    mr_kv_gate_leave(&kv->gate, &pass);
    return rc;
}

/* Pages on the free list: its values are arrays of page numbers with their count in front. */
static int count_free_pages(MDB_txn *txn, uint64_t *ret)
{
    const MDB_dbi free_list = 0;
    MDB_cursor *cursor;
    MDB_val key, value;
    size_t count;
    int rc = mdb_cursor_open(txn, free_list, &cursor);

    *ret = 0;
    if (rc)
        return rc;
    while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        memcpy(&count, value.mv_data, sizeof count);
        *ret += count;
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int mr_kv_usage(struct mr_kv *kv, struct mr_kv_usage *ret)
{
    struct mr_kv_txn *txn;
    uint64_t free_pages = 0;
    MDB_envinfo info;
    MDB_stat stat_;
    struct stat st;
    mdb_filehandle_t fd;
    int rc;
    int r = mr_kv_begin_read(kv, &txn);

    if (r < 0)
        return r;
    rc = mdb_env_info(kv->env, &info);
    if (!rc)
        rc = mdb_env_stat(kv->env, &stat_);
    if (!rc)
        rc = count_free_pages(txn->mdb, &free_pages);
    if (!rc)
        rc = mdb_env_get_fd(kv->env, &fd);
    if (!rc && fstat(fd, &st) < 0)
        rc = errno;
    mr_kv_abort(txn);
    if (rc)
        return mr_kv_error(kv, rc);
    *ret = (struct mr_kv_usage){
            .used_bytes = (info.me_last_pgno + 1 - free_pages) * stat_.ms_psize,
            .file_bytes = (uint64_t)st.st_size,
            .readers = info.me_numreaders,
    };
    return 0;
}
