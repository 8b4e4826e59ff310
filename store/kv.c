#include "store/kv.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "proto/base/bytes.h"
#include "store/kv_internal.h"

/*
 * LMDB reports a short write as EIO, and that is what a full tmpfs, a quota or RLIMIT_FSIZE gives it. What
 * fitted is written by then, so nearly nothing is left.
 */
static bool disk_is_full(const struct mr_kv *kv)
{
    const uint64_t nearly_nothing = 256 * 1024;
    mdb_filehandle_t fd;
    struct statvfs vfs;
    struct rlimit limit;
    struct stat st;

    if (!kv->env || mdb_env_get_fd(kv->env, &fd))
        return false;
    if (fstatvfs(fd, &vfs) == 0 && (uint64_t)vfs.f_bavail * vfs.f_frsize < nearly_nothing)
        return true;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && fstat(fd, &st) == 0 &&
           (uint64_t)st.st_size + nearly_nothing > limit.rlim_cur;
}

int mr_kv_error(const struct mr_kv *kv, int rc)
{
    static const struct {
        int from;
        int to;
    } map[] = {
            {0, 0}, {MDB_NOTFOUND, MR_ENOTFOUND}, {MDB_KEYEXIST, MR_EEXISTS}, {MDB_MAP_FULL, MR_ENOSPACE},
            {MDB_READERS_FULL, MR_EAGAIN},
            {MDB_MAP_RESIZED, MR_EAGAIN}, /* another process has the larger map: open again */
            {MDB_TXN_FULL, MR_ETOOBIG}, {MDB_BAD_VALSIZE, MR_EINVAL}, {MDB_VERSION_MISMATCH, MR_EUNSUPPORTED},
            {MDB_INCOMPATIBLE, MR_EUNSUPPORTED}, {MDB_INVALID, MR_ECORRUPT}, /* no LMDB file */
            {MDB_CORRUPTED, MR_ECORRUPT}, {MDB_PAGE_NOTFOUND, MR_ECORRUPT}, {MDB_CURSOR_FULL, MR_ECORRUPT},
            {MDB_PANIC, MR_EIO}, /* a meta page could not be written: nothing works until reopened */
    };

    for (size_t i = 0; i < MR_COUNT(map); i++)
        if (map[i].from == rc)
            return map[i].to;
    if (rc == EIO && disk_is_full(kv))
        return MR_ENOSPACE;
    return rc > 0 ? mr_err_from_errno(rc) : MR_ESYSTEM;
}

int mr_kv_txn_result(struct mr_kv_txn *txn, int rc)
{
    int r = rc ? mr_kv_error(txn->kv, rc) : 0;

    if (r < 0 && r != MR_ENOTFOUND)
        txn->ret = r;
    return r;
}

static int begin(struct mr_kv *kv, bool write, struct mr_kv_txn **ret)
{
    unsigned flags = write ? 0 : MDB_RDONLY;
    struct mr_kv_txn *txn;
    int rc;

    assert(kv->pid == getpid());
    txn = calloc(1, sizeof *txn);
    if (!txn)
        return MR_ENOMEM;
    txn->kv = kv;
    txn->write = write;
    mr_kv_gate_enter(&kv->gate, &txn->pass, write);
    rc = write && kv->nameless ? EIO : mdb_txn_begin(kv->env, NULL, flags, &txn->mdb);
    if (rc == MDB_READERS_FULL && mr_kv_reader_check(kv) > 0)
        rc = mdb_txn_begin(kv->env, NULL, flags, &txn->mdb);
    if (rc) {
        rc = mr_kv_error(kv, rc);
        mr_kv_gate_leave(&kv->gate, &txn->pass);
        free(txn);
        return rc;
    }
    txn->noting = write && atomic_load(&kv->notes.taken);
    *ret = txn;
    return 0;
}

int mr_kv_begin_read(struct mr_kv *kv, struct mr_kv_txn **ret)
{
    return begin(kv, false, ret);
}

int mr_kv_begin_write(struct mr_kv *kv, struct mr_kv_txn **ret)
{
    assert(!kv->read_only);
    return begin(kv, true, ret);
}

void mr_kv_pause(struct mr_kv_txn *txn)
{
    assert(!txn->write);
    if (!txn->paused)
        mdb_txn_reset(txn->mdb);
    txn->paused = true;
}

int mr_kv_renew(struct mr_kv_txn *txn)
{
    int rc;

    mr_kv_pause(txn);
    rc = mdb_txn_renew(txn->mdb);
    if (rc == MDB_READERS_FULL && mr_kv_reader_check(txn->kv) > 0)
        rc = mdb_txn_renew(txn->mdb);
    if (rc)
        return mr_kv_error(txn->kv, rc); /* still paused: may be tried again */
    txn->paused = false;
    txn->ret = 0;
    return 0;
}

int mr_kv_commit(struct mr_kv_txn *txn)
{
    int r = txn->ret;

    assert(txn->cursors == 0);
    assert(!txn->write || pthread_equal(txn->pass.thread, pthread_self()));
    if (r < 0) {
        mr_kv_abort(txn);
        return r;
    }
    mr_kv_append_end(txn);
    r = mr_kv_error(
            txn->kv, mdb_txn_commit(txn->mdb)); /* frees the handle also when it fails: no abort after it */
    if (r == 0)
        mr_kv_notes_committed(txn);
    mr_kv_gate_leave(&txn->kv->gate, &txn->pass);
    mr_buf_fini(&txn->notes);
    free(txn);
    return r;
}

void mr_kv_abort(struct mr_kv_txn *txn)
{
    if (!txn)
        return;
    assert(txn->cursors == 0);
    assert(!txn->write || pthread_equal(txn->pass.thread, pthread_self()));
    mr_kv_append_end(txn);
    mdb_txn_abort(txn->mdb);
    mr_kv_gate_leave(&txn->kv->gate, &txn->pass);
    mr_buf_fini(&txn->notes);
    free(txn);
}

static MDB_dbi table_of(const struct mr_kv_txn *txn, uint32_t table)
{
    assert(table < txn->kv->tables_count && !txn->paused);
    return txn->kv->tables[table];
}

int mr_kv_get(struct mr_kv_txn *txn, uint32_t table, struct mr_slice key, struct mr_slice *ret)
{
    MDB_val k = mr_kv_val(key);
    MDB_val v;
    int r;

    if (txn->ret < 0)
        return txn->ret;
    r = mr_kv_txn_result(txn, mdb_get(txn->mdb, table_of(txn, table), &k, &v));
    if (r == 0) {
        *ret = mr_kv_slice(v);
        r = mr_kv_row_open(txn->kv, table, key, ret);
    }
    return r;
}

static int put(struct mr_kv_txn *txn, uint32_t table, struct mr_slice key, MDB_val *value, unsigned flags)
{
    MDB_val k = mr_kv_val(key);

    assert(txn->write);
    if (txn->ret < 0)
        return txn->ret;
    mr_kv_note_row(txn, table, key);
    if (flags & MDB_APPEND)
        return mr_kv_txn_result(txn, mr_kv_append_row(txn, table, &k, value, flags & ~(unsigned)MDB_APPEND));
    mr_kv_append_moved(txn, table);
    return mr_kv_txn_result(txn, mdb_put(txn->mdb, table_of(txn, table), &k, value, flags));
}

/* The value, and the row's CRC behind it where the table has them. */
static int put_value(
        struct mr_kv_txn *txn, uint32_t table, struct mr_slice key, struct mr_slice value, unsigned flags)
{
    MDB_val v = mr_kv_val(value);
    uint32_t crc;
    int r;

    if (!mr_kv_is_checked(txn->kv, table))
        return put(txn, table, key, &v, flags);
    crc = mr_kv_row_crc(txn->kv->seeds[table], key, value);
    v.mv_size += MR_KV_CRC_BYTES;
    r = put(txn, table, key, &v, flags | MDB_RESERVE);
    if (r < 0)
        return r;
    if (value.size)
        memcpy(v.mv_data, value.data, value.size);
    mr_put_be32((uint8_t *)v.mv_data + value.size, crc);
    return 0;
}

int mr_kv_put(struct mr_kv_txn *txn, uint32_t table, struct mr_slice key, struct mr_slice value)
{
    return put_value(txn, table, key, value, 0);
}

int mr_kv_append(struct mr_kv_txn *txn, uint32_t table, struct mr_slice key, struct mr_slice value)
{
    return put_value(txn, table, key, value, MDB_APPEND);
}

int mr_kv_reserve(struct mr_kv_txn *txn, uint32_t table, struct mr_slice key, size_t value_size, bool append,
        uint8_t **ret)
{
    MDB_val v = {.mv_size = value_size};
    int r;

    assert(!mr_kv_is_checked(txn->kv, table));
    r = put(txn, table, key, &v, MDB_RESERVE | (append ? MDB_APPEND : 0));

    if (r == 0)
        *ret = v.mv_data;
    return r;
}

int mr_kv_del(struct mr_kv_txn *txn, uint32_t table, struct mr_slice key)
{
    MDB_val k = mr_kv_val(key);

    assert(txn->write);
    if (txn->ret < 0)
        return txn->ret;
    mr_kv_note_row(txn, table, key);
    mr_kv_append_moved(txn, table);
    return mr_kv_txn_result(txn, mdb_del(txn->mdb, table_of(txn, table), &k, NULL));
}

int mr_kv_clear(struct mr_kv_txn *txn, uint32_t table)
{
    assert(txn->write);
    if (txn->ret < 0)
        return txn->ret;
    mr_kv_note_clear(txn, table);
    mr_kv_append_moved(txn, table);
    return mr_kv_txn_result(txn, mdb_drop(txn->mdb, table_of(txn, table), 0));
}

uint64_t mr_kv_count(struct mr_kv_txn *txn, uint32_t table)
{
    MDB_stat stat;

    if (txn->ret < 0 || mr_kv_txn_result(txn, mdb_stat(txn->mdb, table_of(txn, table), &stat)) < 0)
        return 0;
    return stat.ms_entries;
}
