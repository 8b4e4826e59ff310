/* A filter that a look-up found damaged, made anew of the entries of its run. */
#include <stdlib.h>

#include "store/index_internal.h"

void mr_index_filter_damaged(struct mr_index *index, uint64_t run)
{
    atomic_store(&index->damaged, run);
}

/* Its identities, counted, or put into a filter as well. */
static int walk(struct mr_kv_txn *txn, const struct mr_index_run *run, struct mr_index_filter *filter,
        uint64_t *ret_count)
{
    const struct mr_index_entry from = {.kind = MR_INDEX_IDENT};
    struct mr_index_scan scan = {.run = run};
    int r = mr_kv_cursor_open(txn, MR_INDEX_BLOCK, &scan.cursor);

    *ret_count = 0;
    if (r < 0)
        return r;
    for (r = mr_index_scan_seek(&scan, &from); r == 1 && scan.block.entry.kind == MR_INDEX_IDENT;
            r = mr_index_scan_next(&scan)) {
        ++*ret_count;
        if (filter)
            mr_index_filter_add(filter, scan.block.entry.hash);
    }
    mr_kv_cursor_close(scan.cursor);
    return r < 0 ? r : 0;
}

static int make_anew(struct mr_kv_txn *txn, const struct mr_index_run *run)
{
    struct mr_index_filter filter;
    uint64_t count;
    int r = walk(txn, run, NULL, &count);

    if (r == 0)
        r = mr_index_filter_init(&filter, count);
    if (r < 0)
        return r;
    r = walk(txn, run, &filter, &count);
    if (r == 0)
        r = mr_index_filter_put(txn, run->id, &filter);
    mr_index_filter_fini(&filter);
    return r;
}

/* 1: it was; 0: the run is gone meanwhile, merged into another. */
static int mend(struct mr_index *index, uint64_t id)
{
    struct mr_index_runs live = {0};
    struct mr_kv_txn *txn;
    int done = 0;
    int r = mr_kv_begin_write(index->kv, &txn);

    if (r < 0)
        return r;
    r = mr_index_runs_load(txn, MR_INDEX_LIVE, &live);
    for (size_t i = 0; r == 0 && i < live.count; i++)
        if (live.items[i].id == id) {
            r = make_anew(txn, &live.items[i]);
            done = 1;
        }
    mr_index_runs_fini(&live);
    if (r == 0 && done) {
        r = mr_kv_commit(txn);
        return r < 0 ? r : 1;
    }
    mr_kv_abort(txn);
    return r;
}

int mr_index_mend(struct mr_index *index, uint64_t *ret_run)
{
    uint64_t id = atomic_exchange(&index->damaged, 0);
    int r;

    if (id == 0)
        return 0;
    (void)pthread_mutex_lock(&index->writing);
    r = mend(index, id);
    (void)pthread_mutex_unlock(&index->writing);
    *ret_run = id;
    return r;
}
