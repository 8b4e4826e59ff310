#include "store/index.h"

#include <assert.h>
#include <stdlib.h>

#include "store/fault.h"
#include "store/index_internal.h"

enum { LAYOUT = 1 };

/* ---- opening ---- */

/* Runs that a merge left half written, and the next id. Only the owner's. */
static int recover(struct mr_index *index)
{
    struct mr_index_runs runs = {0};
    struct mr_kv_txn *txn;
    int r = mr_kv_begin_write(index->kv, &txn);

    if (r < 0)
        return r;
    index->next_run = 1;
    r = mr_index_runs_load(txn, 0, &runs);
    for (size_t i = 0; r == 0 && i < runs.count; i++) {
        struct mr_index_run *run = &runs.items[i];

        if (run->id >= index->next_run)
            index->next_run = run->id + 1;
        if (run->state == MR_INDEX_BUILDING) {
            run->state = MR_INDEX_DROPPED;
            (void)mr_index_run_put(txn, run);
        }
    }
    mr_index_runs_fini(&runs);
    if (r < 0) {
        mr_kv_abort(txn);
        return r;
    }
    return mr_kv_commit(txn);
}

static int clear_tables(struct mr_index *index)
{
    struct mr_kv_txn *txn;
    int r = mr_kv_begin_write(index->kv, &txn);

    if (r < 0)
        return r;
    for (uint32_t table = 0; table < MR_INDEX_META; table++) /* failures are sticky */
        (void)mr_kv_clear(txn, table);
    (void)mr_kv_set_through(txn, MR_INDEX_META, 0);
    r = mr_kv_commit(txn);
    if (r == 0)
        atomic_store(&index->through, 0);
    return r;
}

static int load_through(struct mr_index *index)
{
    struct mr_kv_txn *txn;
    uint64_t through;
    int r = mr_kv_begin_read(index->kv, &txn);

    if (r < 0)
        return r;
    r = mr_kv_through(txn, MR_INDEX_META, &through);
    mr_kv_abort(txn);
    if (r == 0)
        atomic_store(&index->through, through);
    return r;
}

static int start(struct mr_index *index, struct mr_error *reterr)
{
    int r = mr_kv_layout(index->kv, MR_INDEX_META, LAYOUT, reterr);

    if (r < 0)
        return r;
    r = load_through(index);
    if (r == 0 && !index->read_only)
        r = recover(index);
    return r == 0 ? 0
                  : mr_error_set(reterr, r, mr_kv_dir(index->kv), "delete the folder and rebuild",
                            "cannot read: %s", mr_err_text(r));
}

int mr_index_open(struct mr_index **ret, const char *dir, bool read_only, struct mr_error *reterr)
{
    static const char *const names[] = {[MR_INDEX_BLOCK] = "block",
            [MR_INDEX_RUN] = "run",
            [MR_INDEX_FILTER] = "filter",
            [MR_INDEX_META] = "meta"};
    const struct mr_kv_options options = {.dir = dir,
            .tables = names,
            .tables_count = MR_INDEX_TABLES,
            .checked = 1 << MR_INDEX_META, /* the others have their own CRCs */
            .read_only = read_only,
            .exclusive = !read_only};
    struct mr_index *index = calloc(1, sizeof *index);
    int r;

    if (!index)
        return mr_error_set(reterr, MR_ENOMEM, dir, "", "out of memory");
    index->read_only = read_only;
    (void)pthread_mutex_init(&index->writing, NULL);
    r = mr_kv_open(&index->kv, &options, reterr);
    if (r == 0)
        r = start(index, reterr);
    if (r < 0) {
        mr_index_close(index);
        return r;
    }
    *ret = index;
    return 0;
}

void mr_index_close(struct mr_index *index)
{
    if (!index)
        return;
    mr_index_merging_cancel(index);
    mr_kv_close(index->kv);
    (void)pthread_mutex_destroy(&index->writing);
    free(index);
}

uint64_t mr_index_through(struct mr_index *index)
{
    if (index->read_only)
        (void)load_through(index); /* keeps what it knew on failure */
    return atomic_load_explicit(&index->through, memory_order_acquire);
}

int mr_index_maintain(struct mr_index *index)
{
    return mr_kv_reader_check(index->kv);
}

int mr_index_compact(struct mr_index *index, struct mr_kv_compaction *ret, struct mr_error *reterr)
{
    return mr_kv_compact(index->kv, ret, reterr);
}

int mr_index_clear(struct mr_index *index)
{
    int r;

    (void)pthread_mutex_lock(&index->writing);
    mr_index_merging_cancel(index);
    r = clear_tables(index);
    (void)pthread_mutex_unlock(&index->writing);
    return r;
}

/* ---- building ---- */

int mr_index_batch_begin(struct mr_index *index, struct mr_index_batch **ret)
{
    struct mr_index_batch *batch;

    assert(!index->read_only);
    batch = calloc(1, sizeof *batch);
    if (!batch)
        return MR_ENOMEM;
    batch->index = index;
    *ret = batch;
    return 0;
}

int mr_index_batch_put(struct mr_index_batch *batch, enum mr_index_kind kind,
        const uint8_t key[static MR_INDEX_KEY_BYTES], uint64_t number)
{
    struct mr_index_entry entry = {.kind = (uint8_t)kind, .hash = mr_index_hash(key), .number = number};

    mr_buf_put(&batch->entries, &entry, sizeof entry);
    return mr_buf_failed(&batch->entries) ? MR_ENOMEM : 0;
}

/* Sorts, and tells how many are MR_INDEX_IDENT. */
static uint64_t sort(struct mr_index_entry *entries, size_t count)
{
    uint64_t idents = 0;

    mr_index_sort(entries, count);
    for (size_t i = 0; i < count; i++)
        idents += entries[i].kind == MR_INDEX_IDENT;
    return idents;
}

static void write_entries(struct mr_kv_txn *txn, struct mr_index_run *run, struct mr_index_filter *filter,
        const struct mr_index_entry *entries, size_t count)
{
    struct mr_index_out out;

    mr_index_out_begin(&out, txn, run, filter);
    for (size_t i = 0; i < count; i++) {
        assert(entries[i].number >= run->first && entries[i].number <= run->last);
        if (i == 0 || mr_index_entry_compare(&entries[i], &entries[i - 1]) != 0)
            mr_index_out_put(&out, &entries[i]);
    }
    mr_index_out_flush(&out);
}

static int write_run(struct mr_index *index, struct mr_kv_txn *txn, struct mr_buf *buf, uint64_t through)
{
    struct mr_index_entry *entries = (void *)buf->data;
    size_t count = buf->size / sizeof *entries;
    struct mr_index_run run = {.id = index->next_run,
            .first = atomic_load(&index->through) + 1,
            .last = through,
            .state = MR_INDEX_LIVE};
    struct mr_index_filter filter;
    uint64_t idents = sort(entries, count);
    int r = mr_index_filter_init(&filter, idents);

    if (r < 0)
        return r;
    write_entries(txn, &run, &filter, entries, count);
    (void)mr_index_filter_put(txn, run.id, &filter);
    mr_index_filter_fini(&filter);
    return mr_index_run_put(txn, &run);
}

static int commit(struct mr_index *index, struct mr_buf *entries, uint64_t through)
{
    struct mr_kv_txn *txn;
    int r = mr_kv_begin_write(index->kv, &txn);

    if (r < 0)
        return r;
    if (entries->size > 0)
        r = write_run(index, txn, entries, through);
    if (r == 0)
        r = MR_FAULT("index.commit.before");
    if (r < 0) {
        mr_kv_abort(txn);
        return r;
    }
    (void)mr_kv_set_through(txn, MR_INDEX_META, through);
    r = mr_kv_commit(txn);
    if (r < 0)
        return r;
    index->next_run++;
    atomic_store_explicit(&index->through, through, memory_order_release);
    return 0;
}

int mr_index_batch_commit(struct mr_index_batch *batch, uint64_t through)
{
    struct mr_index *index = batch->index;
    uint64_t before = atomic_load(&index->through);
    int r = mr_buf_failed(&batch->entries) ? MR_ENOMEM : 0;

    assert(through >= before);
    if (r == 0 && through > before) {
        (void)pthread_mutex_lock(&index->writing);
        r = commit(index, &batch->entries, through);
        (void)pthread_mutex_unlock(&index->writing);
    }
    mr_index_batch_abort(batch);
    return r;
}

void mr_index_batch_abort(struct mr_index_batch *batch)
{
    if (!batch)
        return;
    mr_buf_fini(&batch->entries);
    free(batch);
}
