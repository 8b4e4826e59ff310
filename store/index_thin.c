/* Taking out what leads to expired records: block after block of the runs that cover them. */
#include <stdlib.h>
#include <string.h>

#include "store/index_internal.h"

enum { STEP_BLOCKS = 1024, KINDS_END = 32 };

struct thin {
    struct mr_index *index;
    uint32_t kinds;
    mr_index_gone_fn gone;
    void *ctx;
    struct mr_index_entry at; /* where to go on in the run */
    size_t written;           /* blocks, in the open transaction */
};

struct block_copy {
    uint8_t key[MR_INDEX_BLOCK_KEY_BYTES];
    uint8_t value[MR_INDEX_BLOCK_BYTES];
    size_t size;
};

/* Its entries written again without those that go; `at` is behind its last one. 1: something went. */
static int rewrite(struct thin *t, struct mr_kv_txn *txn, struct mr_index_run *run,
        const struct block_copy *copy, bool write)
{
    struct mr_slice key = mr_slice(copy->key, sizeof copy->key), value = mr_slice(copy->value, copy->size);
    struct mr_index_block block;
    struct mr_index_out out;
    int went = 0, more = 1;
    int r = mr_index_block_open(&block, run, key, value);

    mr_index_out_begin(&out, txn, run, NULL);
    for (; r == 0 && more == 1; more = mr_index_block_next(&block)) {
        bool goes = t->gone(t->ctx, block.entry.number);

        went |= goes;
        t->at = block.entry;
        if (write)
            run->entries--;
        if (write && !goes)
            mr_index_out_put(&out, &block.entry);
    }
    t->at.number++;
    if (write)
        mr_index_out_flush(&out);
    return r < 0 ? r : more < 0 ? more : went;
}

static int thin_block(
        struct thin *t, struct mr_kv_txn *txn, struct mr_index_run *run, const struct block_copy *copy)
{
    int went = rewrite(t, txn, run, copy, /* write= */ false), r;

    if (went <= 0)
        return went;
    r = mr_kv_del(txn, MR_INDEX_BLOCK, mr_slice(copy->key, sizeof copy->key));
    t->written++;
    return r < 0 ? r : rewrite(t, txn, run, copy, /* write= */ true);
}

/* The block at or behind `at`. 1: there is one, 0: the run ends. */
static int next_block(
        const struct thin *t, struct mr_kv_txn *txn, const struct mr_index_run *run, struct block_copy *ret)
{
    uint8_t bytes[MR_INDEX_BLOCK_KEY_BYTES];
    struct mr_kv_cursor *cursor;
    struct mr_slice key, value;
    int r = mr_kv_cursor_open(txn, MR_INDEX_BLOCK, &cursor);

    if (r < 0)
        return r;
    mr_index_block_key(run->id, &t->at, bytes);
    r = mr_kv_cursor_seek(cursor, mr_slice(bytes, sizeof bytes), &key, &value);
    if (r == 0 && (key.size != sizeof ret->key || memcmp(key.data, bytes, 8) != 0))
        r = MR_ENOTFOUND;
    if (r == 0 && value.size > sizeof ret->value)
        r = MR_ECORRUPT;
    if (r == 0) {
        memcpy(ret->key, key.data, sizeof ret->key);
        memcpy(ret->value, value.data, value.size);
        ret->size = value.size;
    }
    mr_kv_cursor_close(cursor);
    return r == MR_ENOTFOUND ? 0 : r < 0 ? r : 1;
}

/* One commit's worth. 1: there is more in the run. */
static int thin_step(struct thin *t, struct mr_kv_txn *txn, struct mr_index_run *run, struct block_copy *copy)
{
    int r;

    while ((r = next_block(t, txn, run, copy)) == 1 && t->written < STEP_BLOCKS) {
        uint8_t kind = copy->key[8];

        if (kind >= KINDS_END)
            return MR_ECORRUPT;
        if (t->kinds & UINT32_C(1) << kind)
            r = thin_block(t, txn, run, copy);
        else
            t->at = (struct mr_index_entry){.kind = (uint8_t)(kind + 1)};
        if (r < 0)
            return r;
    }
    return r;
}

static int thin_run(struct thin *t, struct mr_index_run *run)
{
    struct block_copy *copy = malloc(sizeof *copy);
    int more = copy ? 1 : MR_ENOMEM;

    t->at = (struct mr_index_entry){0};
    while (more == 1) {
        struct mr_kv_txn *txn;
        int r = mr_kv_begin_write(t->index->kv, &txn);

        if (r < 0) {
            more = r;
            break;
        }
        t->written = 0;
        more = thin_step(t, txn, run, copy);
        if (more >= 0 && t->written > 0)
            (void)mr_index_run_put(txn, run); /* sticky */
        if (more >= 0 && t->written > 0)
            r = mr_kv_commit(txn);
        else
            mr_kv_abort(txn);
        if (r < 0)
            more = r;
    }
    free(copy);
    return more;
}

static int live_runs(struct mr_index *index, struct mr_index_runs *ret)
{
    struct mr_kv_txn *txn;
    int r = mr_kv_begin_read(index->kv, &txn);

    if (r < 0)
        return r;
    r = mr_index_runs_load(txn, MR_INDEX_LIVE, ret);
    mr_kv_abort(txn);
    return r;
}

int mr_index_thin(struct mr_index *index, uint32_t kinds, uint64_t first, uint64_t last,
        mr_index_gone_fn gone, void *ctx)
{
    struct thin thin = {.index = index, .kinds = kinds, .gone = gone, .ctx = ctx};
    struct mr_index_runs runs = {0};
    int r;

    (void)pthread_mutex_lock(&index->writing);
    mr_index_merging_cancel(index); /* it has read what is to go */
    r = live_runs(index, &runs);
    for (size_t i = 0; r == 0 && i < runs.count; i++)
        if (runs.items[i].first <= last && runs.items[i].last >= first)
            r = thin_run(&thin, &runs.items[i]);
    (void)pthread_mutex_unlock(&index->writing);
    mr_index_runs_fini(&runs);
    return r;
}
