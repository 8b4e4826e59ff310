/* Entries under numbers that are passed: of records that could not be read when it was their turn. */
#include <assert.h>
#include <string.h>

#include "proto/base/bytes.h"
#include "store/index_internal.h"

/* What stands where the entry belongs. */
struct place {
    struct mr_slice key; /* of the block that it goes into; empty: it becomes a block */
    uint8_t key_bytes[MR_INDEX_BLOCK_KEY_BYTES];
    uint8_t bytes[MR_INDEX_BLOCK_BYTES];
    size_t size;
};

static int keep(struct place *place, struct mr_slice key, struct mr_slice value)
{
    if (value.size > sizeof place->bytes)
        return MR_ECORRUPT;
    memcpy(place->key_bytes, key.data, sizeof place->key_bytes); /* the write changes the pages under it */
    memcpy(place->bytes, value.data, value.size);
    place->key = mr_slice(place->key_bytes, sizeof place->key_bytes);
    place->size = value.size;
    return 0;
}

/* The block of its kind that begins last at or before the entry. */
static int find_place(struct mr_kv_txn *txn, const struct mr_index_run *run,
        const struct mr_index_entry *entry, struct place *ret)
{
    uint8_t bytes[MR_INDEX_BLOCK_KEY_BYTES] = {0};
    struct mr_slice wanted = mr_slice(bytes, sizeof bytes), key, value;
    struct mr_kv_cursor *cursor;
    int r = mr_kv_cursor_open(txn, MR_INDEX_BLOCK, &cursor);

    if (r < 0)
        return r;
    mr_index_block_key(run->id, entry, bytes);
    ret->key = (struct mr_slice){0};
    r = mr_kv_cursor_seek(cursor, wanted, &key, &value);
    if (r == MR_ENOTFOUND)
        r = mr_kv_cursor_last(cursor, &key, &value);
    else if (r == 0 && !mr_slice_equal(key, wanted))
        r = mr_kv_cursor_prev(cursor, &key, &value);
    if (r == 0 && key.size == sizeof bytes && memcmp(key.data, bytes, 9) == 0) /* run and kind */
        r = keep(ret, key, value);
    mr_kv_cursor_close(cursor);
    return r == MR_ENOTFOUND ? 0 : r;
}

/* The entries of the place with the new one among them. 1: it is there already, nothing was written. */
static int write_with(struct mr_index_out *out, const struct mr_index_run *run, const struct place *place,
        const struct mr_index_entry *entry, bool write)
{
    struct mr_index_block block;
    int order = 1, more = 1;
    int r = mr_index_block_open(&block, run, place->key, mr_slice(place->bytes, place->size));

    for (; r == 0 && more == 1; more = mr_index_block_next(&block)) {
        int before = order;

        order = mr_index_entry_compare(entry, &block.entry);
        if (order == 0)
            return 1;
        if (write && order < 0 && before > 0)
            mr_index_out_put(out, entry);
        if (write)
            mr_index_out_put(out, &block.entry);
    }
    if (write && order > 0)
        mr_index_out_put(out, entry);
    return r < 0 ? r : more;
}

static int insert_block(struct mr_kv_txn *txn, struct mr_index_run *run, const struct place *place,
        const struct mr_index_entry *entry)
{
    struct mr_index_out out;
    uint64_t entries = run->entries + 1;
    int r = place->key.size > 0 ? write_with(NULL, run, place, entry, /* write= */ false) : 0;

    if (r != 0)
        return r < 0 ? r : 0;
    mr_index_out_begin(&out, txn, run, NULL);
    if (place->key.size == 0)
        mr_index_out_put(&out, entry);
    else if ((r = mr_kv_del(txn, MR_INDEX_BLOCK, place->key)) == 0)
        r = write_with(&out, run, place, entry, /* write= */ true);
    mr_index_out_flush(&out);
    run->entries = entries;
    return r < 0 ? r : mr_index_run_put(txn, run);
}

static int insert_one(
        struct mr_kv_txn *txn, const struct mr_index_runs *live, const struct mr_index_entry *entry)
{
    struct mr_index_run *run = NULL;
    struct place place;
    int r;

    for (size_t i = 0; i < live->count && !run; i++)
        if (live->items[i].first <= entry->number && entry->number <= live->items[i].last)
            run = &live->items[i];
    if (!run)
        return MR_ECORRUPT; /* each number has a run: at least that it was damaged is in it */
    r = find_place(txn, run, entry, &place);
    if (r == 0)
        r = insert_block(txn, run, &place, entry);
    if (r == 0 && entry->kind == MR_INDEX_IDENT)
        r = mr_index_filter_grow(txn, run->id, entry->hash);
    return r;
}

static int insert_all(struct mr_index *index, const struct mr_buf *buf)
{
    const struct mr_index_entry *entries = (const void *)buf->data;
    struct mr_index_runs live = {0};
    struct mr_kv_txn *txn;
    int r = mr_kv_begin_write(index->kv, &txn);

    if (r < 0)
        return r;
    r = mr_index_runs_load(txn, MR_INDEX_LIVE, &live);
    for (size_t i = 0; r == 0 && i < buf->size / sizeof *entries; i++) {
        assert(entries[i].number <= atomic_load(&index->through));
        r = insert_one(txn, &live, &entries[i]);
    }
    mr_index_runs_fini(&live);
    if (r == 0)
        return mr_kv_commit(txn);
    mr_kv_abort(txn);
    return r;
}

int mr_index_batch_insert(struct mr_index_batch *batch)
{
    struct mr_index *index = batch->index;
    int r = mr_buf_failed(&batch->entries) ? MR_ENOMEM : 0;

    if (r == 0) {
        (void)pthread_mutex_lock(&index->writing);
        mr_index_merging_cancel(index); /* it has read where these go */
        r = insert_all(index, &batch->entries);
        (void)pthread_mutex_unlock(&index->writing);
    }
    mr_index_batch_abort(batch);
    return r;
}
