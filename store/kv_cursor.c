#include "store/kv.h"

#include <assert.h>
#include <stdlib.h>

#include "store/kv_internal.h"

int mr_kv_cursor_open(struct mr_kv_txn *txn, uint32_t table, struct mr_kv_cursor **ret)
{
    struct mr_kv_cursor *cursor;
    int r;

    assert(table < txn->kv->tables_count && !txn->paused);
    if (txn->ret < 0)
        return txn->ret;
    cursor = calloc(1, sizeof *cursor);
    if (!cursor)
        return txn->ret = MR_ENOMEM;
    r = mr_kv_txn_result(txn, mdb_cursor_open(txn->mdb, txn->kv->tables[table], &cursor->mdb));
    if (r < 0) {
        free(cursor);
        return r;
    }
    cursor->txn = txn;
    cursor->table = table;
    txn->cursors++;
    *ret = cursor;
    return 0;
}

void mr_kv_cursor_close(struct mr_kv_cursor *cursor)
{
    if (!cursor)
        return;
    assert(cursor->txn->cursors > 0);
    cursor->txn->cursors--;
    mdb_cursor_close(cursor->mdb);
    free(cursor);
}

int mr_kv_cursor_renew(struct mr_kv_cursor *cursor)
{
    assert(!cursor->txn->write && !cursor->txn->paused);
    return mr_kv_txn_result(cursor->txn, mdb_cursor_renew(cursor->txn->mdb, cursor->mdb));
}

static int get(struct mr_kv_cursor *cursor, MDB_cursor_op op, struct mr_slice key, struct mr_slice *ret_key,
        struct mr_slice *ret_value)
{
    struct mr_kv_txn *txn = cursor->txn;
    MDB_val k = mr_kv_val(key);
    MDB_val v;
    int r;

    assert(!txn->paused);
    if (txn->ret < 0)
        return txn->ret;
    r = mr_kv_txn_result(txn, mdb_cursor_get(cursor->mdb, &k, &v, op));
    if (r < 0)
        return r;
    *ret_key = mr_kv_slice(k);
    *ret_value = mr_kv_slice(v);
    return mr_kv_row_open(txn->kv, cursor->table, *ret_key, ret_value);
}

int mr_kv_cursor_seek(struct mr_kv_cursor *cursor, struct mr_slice key, struct mr_slice *ret_key,
        struct mr_slice *ret_value)
{
    return get(cursor, key.size ? MDB_SET_RANGE : MDB_FIRST, key, ret_key, ret_value);
}

int mr_kv_cursor_next(struct mr_kv_cursor *cursor, struct mr_slice *ret_key, struct mr_slice *ret_value)
{
    return get(cursor, MDB_NEXT, (struct mr_slice){0}, ret_key, ret_value);
}

int mr_kv_cursor_prev(struct mr_kv_cursor *cursor, struct mr_slice *ret_key, struct mr_slice *ret_value)
{
    return get(cursor, MDB_PREV, (struct mr_slice){0}, ret_key, ret_value);
}

int mr_kv_cursor_last(struct mr_kv_cursor *cursor, struct mr_slice *ret_key, struct mr_slice *ret_value)
{
    return get(cursor, MDB_LAST, (struct mr_slice){0}, ret_key, ret_value);
}

int mr_kv_rows(struct mr_kv_txn *txn, uint32_t table, struct mr_slice prefix, struct mr_slice from,
        mr_kv_row_fn fn, void *ctx)
{
    struct mr_slice start = mr_slice_compare(from, prefix) > 0 ? from : prefix;
    struct mr_kv_cursor *cursor;
    struct mr_slice key, value;
    int answer = 0;
    int r = mr_kv_cursor_open(txn, table, &cursor);

    if (r < 0)
        return r;
    for (r = mr_kv_cursor_seek(cursor, start, &key, &value); r == 0 && answer == 0;
            r = answer == 0 ? mr_kv_cursor_next(cursor, &key, &value) : 0) {
        if (key.size < prefix.size || !mr_slice_equal(mr_slice(key.data, prefix.size), prefix))
            break;
        answer = fn(ctx, key, value);
    }
    mr_kv_cursor_close(cursor);
    if (answer != 0)
        return answer;
    return r == MR_ENOTFOUND ? 0 : r;
}

/* Puts the cursor at the last row whose key is at most `last`. */
static int seek_down(struct mr_kv_cursor *cursor, struct mr_slice last, struct mr_slice *ret_key,
        struct mr_slice *ret_value)
{
    int r = mr_kv_cursor_seek(cursor, last, ret_key, ret_value);

    if (r == MR_ENOTFOUND)
        return mr_kv_cursor_last(cursor, ret_key, ret_value);
    if (r == 0 && mr_slice_compare(*ret_key, last) > 0)
        return mr_kv_cursor_prev(cursor, ret_key, ret_value);
    return r;
}

int mr_kv_rows_down(struct mr_kv_txn *txn, uint32_t table, struct mr_slice prefix, struct mr_slice last,
        mr_kv_row_fn fn, void *ctx)
{
    struct mr_kv_cursor *cursor;
    struct mr_slice key, value;
    int answer = 0;
    int r = mr_kv_cursor_open(txn, table, &cursor);

    if (r < 0)
        return r;
    for (r = seek_down(cursor, last, &key, &value); r == 0 && answer == 0;
            r = answer == 0 ? mr_kv_cursor_prev(cursor, &key, &value) : 0) {
        if (key.size < prefix.size || !mr_slice_equal(mr_slice(key.data, prefix.size), prefix))
            break;
        answer = fn(ctx, key, value);
    }
    mr_kv_cursor_close(cursor);
    if (answer != 0)
        return answer;
    return r == MR_ENOTFOUND ? 0 : r;
}
