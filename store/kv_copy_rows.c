#include <errno.h>
#include <sys/stat.h>

#include "store/fault.h"
#include "store/folder.h"
#include "store/kv_internal.h"

/*
 * Row by row into a new environment, not page by page: a branch page keeps the key of a row as a border long
 * after the row is gone, and mdb_env_copy takes it along.
 */
enum {
    PART_BYTES = 8 << 20 /* of rows, a commit and a sync: a sync of others must not wait for more of ours */,
    MAP_MARGIN_BYTES = 64 << 20
};

struct copying {
    struct mr_kv *from;
    MDB_txn *read;
    MDB_env *to;
    MDB_txn *write;
    size_t part_bytes; /* in the open write transaction */
};

/* ---- rows ---- */

static int end_part(struct copying *c)
{
    int rc = c->write ? mdb_txn_commit(c->write) : 0; /* frees it also when it fails */

    c->write = NULL;
    c->part_bytes = 0;
    return rc ? rc : mdb_env_sync(c->to, 1);
}

/* From the source's cursor on, up to PART_BYTES. MDB_NOTFOUND: the table's end. */
static int copy_part(struct copying *c, const char *name, MDB_cursor *source, MDB_cursor_op op)
{
    MDB_cursor *target;
    MDB_val key, value;
    MDB_dbi dbi;
    int rc = c->write ? 0 : mdb_txn_begin(c->to, NULL, 0, &c->write);

    if (!rc)
        rc = mdb_dbi_open(c->write, name, MDB_CREATE, &dbi);
    if (!rc)
        rc = mdb_cursor_open(c->write, dbi, &target);
    if (rc)
        return rc;
    while (!rc && c->part_bytes < PART_BYTES) {
        rc = mdb_cursor_get(source, &key, &value, op);
        op = MDB_NEXT;
        if (!rc)
            rc = mdb_cursor_put(target, &key, &value, MDB_APPEND);
        c->part_bytes += key.mv_size + value.mv_size;
    }
    mdb_cursor_close(target);
    return rc;
}

static int copy_table(struct copying *c, uint32_t table)
{
    MDB_cursor *source;
    MDB_cursor_op op = MDB_FIRST;
    int rc = mdb_cursor_open(c->read, c->from->tables[table], &source);

    if (rc)
        return rc;
    while (!(rc = copy_part(c, c->from->names[table], source, op)) && !(rc = end_part(c)))
        op = MDB_NEXT;
    mdb_cursor_close(source);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* A table of another version must not be lost. */
static int check_tables(struct copying *c)
{
    const MDB_dbi main_table = 1;
    MDB_stat stat_;
    int rc = mdb_stat(c->read, main_table, &stat_);

    return !rc && stat_.ms_entries != c->from->tables_count ? MDB_INCOMPATIBLE : rc;
}

static int copy_tables(struct copying *c)
{
    int rc = check_tables(c);

    for (uint32_t i = 0; i < c->from->tables_count && !rc; i++)
        rc = copy_table(c, i);
    return rc ? rc : end_part(c); /* synced */
}

/* ---- the file ---- */

static int open_target(struct copying *c, const char *dir)
{
    mdb_filehandle_t fd;
    struct stat st;
    int rc = mdb_env_get_fd(c->from->env, &fd);

    if (!rc && fstat(fd, &st) < 0)
        rc = errno;
    if (!rc)
        rc = mdb_env_create(&c->to);
    if (!rc)
        rc = mdb_env_set_mapsize(c->to, 2 * (size_t)st.st_size + MAP_MARGIN_BYTES);
    if (!rc)
        rc = mdb_env_set_maxdbs(c->to, MR_KV_TABLES_MAX);
    if (!rc) /* durable with each part */
        rc = mdb_env_open(c->to, dir, MDB_NOLOCK | MDB_NOTLS | MDB_NOSYNC, 0600);
    return rc;
}

static int copy_rows(struct mr_kv *kv, const char *dir)
{
    struct copying c = {.from = kv};
    int rc = open_target(&c, dir);

    if (!rc)
        rc = mdb_txn_begin(kv->env, NULL, MDB_RDONLY, &c.read);
    if (!rc)
        rc = copy_tables(&c);
    mdb_txn_abort(c.write);
    mdb_txn_abort(c.read);
    if (c.to)
        mdb_env_close(c.to);
    return rc;
}

int mr_kv_copy_rows_inside(struct mr_kv *kv, const char *dir, struct mr_error *reterr)
{
    int rc;
    int r = MR_FAULT("kv.copy");

    if (r < 0)
        return mr_error_set(reterr, r, dir, "", "cannot copy the store");
    rc = copy_rows(kv, dir);
    if (rc)
        return mr_kv_copy_error(kv, rc, dir, reterr);
    r = mr_folder_sync(dir);
    return r < 0 ? mr_error_set(reterr, r, dir, "check the disk", "cannot sync the folder of the copy") : 0;
}

int mr_kv_copy_rows(struct mr_kv *kv, const char *dir, struct mr_error *reterr)
{
    struct mr_kv_pass pass;
    int r;

    mr_kv_gate_enter(&kv->gate, &pass, false);
    r = mr_kv_copy_rows_inside(kv, dir, reterr);
    mr_kv_gate_leave(&kv->gate, &pass);
    return r;
}
