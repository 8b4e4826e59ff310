#include "store/log.h"

#include <stdlib.h>
#include <string.h>

#include "store/fault.h"
#include "store/log_internal.h"

int mr_log_batch_begin(struct mr_log *log, struct mr_log_batch **ret)
{
    struct mr_log_batch *batch;
    bool was_open;
    int r;

    assert(!log->read_only);
    batch = calloc(1, sizeof *batch);
    if (!batch)
        return MR_ENOMEM;
    was_open = atomic_exchange(&log->batch_open, true);
    assert(!was_open);
    (void)was_open;
    r = mr_kv_begin_write(log->kv, &batch->txn);
    if (r < 0) {
        atomic_store(&log->batch_open, false);
        free(batch);
        return r;
    }
    batch->log = log;
    batch->head = atomic_load(&log->head);
    batch->recorded_us = atomic_load(&log->head_recorded_us);
    batch->range = log->range;
    *ret = batch;
    return 0;
}

static void batch_free(struct mr_log_batch *batch)
{
    mr_buf_fini(&batch->scratch);
    atomic_store(&batch->log->batch_open, false);
    free(batch);
}

uint64_t mr_log_batch_head(const struct mr_log_batch *batch)
{
    return batch->head;
}

int64_t mr_log_batch_recorded_us(const struct mr_log_batch *batch)
{
    return batch->recorded_us;
}

/* The leaves that wait go into the tree: many at once are less work. */
static int grow_tree(struct mr_log_batch *batch)
{
    int r = mr_log_tree_append(batch->txn, &batch->range, batch->leaves, batch->leaves_count);

    batch->leaves_count = 0;
    return r < 0 ? batch->ret = r : 0;
}

static void take_leaf(struct mr_log_batch *batch, const struct mr_log_encoded *encoded)
{
    uint8_t *leaf = batch->leaves[batch->leaves_count++];

    if (encoded->leaf_hash)
        memcpy(leaf, encoded->leaf_hash, MR_MERKLE_BYTES);
    else
        mr_merkle_leaf(mr_record_leaf(encoded->value), leaf);
}

int mr_log_batch_append_encoded(struct mr_log_batch *batch, const struct mr_log_encoded *encoded)
{
    uint8_t key[LOG_KEY_BYTES];
    int r;

    if (batch->ret < 0)
        return batch->ret;
    assert(encoded->number == batch->head + 1);
    assert(encoded->recorded_us >= batch->recorded_us);
    mr_put_be64(key, encoded->number);
    r = mr_kv_append(batch->txn, LOG_RECORDS, mr_slice(key, sizeof key), encoded->value);
    if (r < 0)
        return r; /* sticky in the transaction */
    take_leaf(batch, encoded);
    if (batch->leaves_count == MR_MERKLE_MANY && (r = grow_tree(batch)) < 0)
        return r;
    batch->head = encoded->number;
    batch->recorded_us = encoded->recorded_us;
    return 0;
}

int mr_log_batch_append(struct mr_log_batch *batch, const struct mr_record *record)
{
    int r;

    if (batch->ret < 0)
        return batch->ret;
    mr_buf_reset(&batch->scratch);
    r = mr_record_encode(&batch->scratch, record);
    if (r < 0)
        return batch->ret = r;
    return mr_log_batch_append_encoded(batch, &(struct mr_log_encoded){.number = record->number,
                                                      .recorded_us = record->recorded_us,
                                                      .value = mr_buf_slice(&batch->scratch)});
}

int mr_log_batch_get(
        struct mr_log_batch *batch, enum mr_log_table table, struct mr_slice key, struct mr_slice *ret)
{
    return mr_kv_get(batch->txn, mr_log_table_index(table), key, ret);
}

int mr_log_batch_put(
        struct mr_log_batch *batch, enum mr_log_table table, struct mr_slice key, struct mr_slice value)
{
    return mr_kv_put(batch->txn, mr_log_table_index(table), key, value);
}

int mr_log_batch_del(struct mr_log_batch *batch, enum mr_log_table table, struct mr_slice key)
{
    return mr_kv_del(batch->txn, mr_log_table_index(table), key);
}

int mr_log_batch_rows(struct mr_log_batch *batch, enum mr_log_table table, struct mr_slice prefix,
        struct mr_slice from, mr_log_row_fn fn, void *ctx)
{
    return mr_kv_rows(batch->txn, mr_log_table_index(table), prefix, from, fn, ctx);
}

int mr_log_batch_commit(struct mr_log_batch *batch)
{
    struct mr_log *log = batch->log;
    int r = batch->ret;

    if (r == 0)
        r = grow_tree(batch);
    if (r == 0)
        r = MR_FAULT("store.commit.before");
    if (r < 0) {
        mr_log_batch_abort(batch);
        return r;
    }
    r = mr_kv_commit(batch->txn);
    if (r == 0) {
        (void)MR_FAULT("store.commit.after");
        log->range = batch->range;
        atomic_store_explicit(&log->head_recorded_us, batch->recorded_us, memory_order_release);
        atomic_store_explicit(&log->head, batch->head, memory_order_release);
    }
    batch_free(batch);
    return r;
}

void mr_log_batch_abort(struct mr_log_batch *batch)
{
    if (!batch)
        return;
    mr_kv_abort(batch->txn);
    batch_free(batch);
}
