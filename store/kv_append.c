/*
 * Rows that are appended one after the other. LMDB's MDB_APPEND goes down the tree from its root for each of
 * them, and asks of every page on the way whether the transaction has it already. A cursor that stands on the
 * last row finds the place behind it without that, but without the flag a page that is full would be divided
 * in two halves. So it is kept in mind how much room the last page has: since a row began a new page it is
 * known, and the next one that does not fit goes with MDB_APPEND again and begins the next page.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/bytes.h"
#include "store/kv_internal.h"
#include "store/kv_page.h"

struct mr_kv_tail {
    MDB_cursor *cursor; /* on the row appended last */
    uint64_t last;      /* its key: a number, as all that are appended often */
    size_t room;        /* so much is left in its page; 0: not known */
};

/* No cursor stands on pages that are changed past it. */
void mr_kv_append_moved(struct mr_kv_txn *txn, uint32_t table)
{
    struct mr_kv_tail *tail = txn->tails ? &txn->tails[table] : NULL;

    if (!tail || !tail->cursor)
        return;
    mdb_cursor_close(tail->cursor);
    *tail = (struct mr_kv_tail){0};
}

void mr_kv_append_end(struct mr_kv_txn *txn)
{
    for (uint32_t i = 0; txn->tails && i < txn->kv->tables_count; i++)
        if (txn->tails[i].cursor)
            mdb_cursor_close(txn->tails[i].cursor);
    free(txn->tails);
    txn->tails = NULL;
}

static int tail_of(struct mr_kv_txn *txn, uint32_t table, struct mr_kv_tail **ret)
{
    assert(table < txn->kv->tables_count);
    if (!txn->tails)
        txn->tails = calloc(txn->kv->tables_count, sizeof *txn->tails);
    if (!txn->tails)
        return ENOMEM;
    *ret = &txn->tails[table];
    return (*ret)->cursor ? 0 : mdb_cursor_open(txn->mdb, txn->kv->tables[table], &(*ret)->cursor);
}

/* What a row takes of a page at most: one that is too large for it lies on pages of its own, and takes less.
 */
static size_t node_bytes(const MDB_val *key, const MDB_val *value)
{
    size_t size = PAGE_NODE_HEAD + key->mv_size + value->mv_size;

    return size + (size & 1) + sizeof(uint16_t);
}

static bool is_number(const MDB_val *key)
{
    return key->mv_size == sizeof(uint64_t);
}

static int put_at_end(struct mr_kv_txn *txn, struct mr_kv_tail *tail, uint32_t table, MDB_val *key,
        MDB_val *value, unsigned flags)
{
    MDB_dbi dbi = txn->kv->tables[table];
    MDB_stat before, after;
    size_t size = node_bytes(key, value);
    int rc = mdb_stat(txn->mdb, dbi, &before);

    if (!rc)
        rc = mdb_cursor_put(tail->cursor, key, value, flags | MDB_APPEND);
    if (!rc)
        rc = mdb_stat(txn->mdb, dbi, &after);
    if (!rc && after.ms_leaf_pages > before.ms_leaf_pages && size + PAGE_HEAD < after.ms_psize &&
            is_number(key))
        tail->room = after.ms_psize - PAGE_HEAD - size;
    else
        tail->room = 0;
    return rc;
}

int mr_kv_append_row(struct mr_kv_txn *txn, uint32_t table, MDB_val *key, MDB_val *value, unsigned flags)
{
    struct mr_kv_tail *tail = NULL;
    int rc = tail_of(txn, table, &tail);
    size_t size = node_bytes(key, value);
    uint64_t number;

    if (rc)
        return rc;
    number = is_number(key) ? mr_get_be64(key->mv_data) : 0;
    if (size > tail->room || number <= tail->last) {
        rc = put_at_end(txn, tail, table, key, value, flags);
    } else {
        tail->room -= size;
        rc = mdb_cursor_put(tail->cursor, key, value, flags);
    }
    tail->last = number;
    return rc;
}
