/* Taking entries out, the digest of all, and what it weighs. */
#include <stdlib.h>
#include <string.h>

#include "proto/base/bytes.h"
#include "store/index_internal.h"
#include "store/sha256.h"
#include "store/scrub.h"

/* ---- forgetting ---- */

/* Writes the entries of a block again, without one. They fit where they were. */
static int rewrite(struct mr_kv_txn *txn, struct mr_index_run *run, const struct mr_index_entry *without,
        struct mr_slice key, struct mr_slice value)
{
    uint8_t key_copy[MR_INDEX_BLOCK_KEY_BYTES], copy[MR_INDEX_BLOCK_BYTES];
    struct mr_index_block block;
    struct mr_index_out out;
    uint64_t entries = run->entries - 1;
    int r;

    if (value.size > sizeof copy)
        return MR_ECORRUPT;
    memcpy(key_copy, key.data, sizeof key_copy); /* the write changes the pages under the views */
    memcpy(copy, value.data, value.size);
    key = mr_slice(key_copy, sizeof key_copy);
    value = mr_slice(copy, value.size);
    r = mr_kv_del(txn, MR_INDEX_BLOCK, key);
    if (r == 0)
        r = mr_index_block_open(&block, run, key, value);
    mr_index_out_begin(&out, txn, run, NULL);
    for (int more = r == 0; more == 1;) {
        if (mr_index_entry_compare(&block.entry, without) != 0)
            mr_index_out_put(&out, &block.entry);
        more = mr_index_block_next(&block);
        r = more < 0 ? more : 0;
    }
    mr_index_out_flush(&out);
    run->entries = entries;
    return r < 0 ? r : mr_index_run_put(txn, run);
}

static int forget_in_run(struct mr_kv_txn *txn, struct mr_index_run *run, const struct mr_index_entry *entry)
{
    struct mr_index_scan scan = {.run = run};
    uint8_t bytes[MR_INDEX_BLOCK_KEY_BYTES];
    struct mr_slice key, value;
    int r = mr_kv_cursor_open(txn, MR_INDEX_BLOCK, &scan.cursor);

    if (r < 0)
        return r;
    r = mr_index_scan_seek(&scan, entry);
    if (r == 1 && mr_index_entry_compare(&scan.block.entry, entry) == 0) {
        /* The block that it stands in: the last one whose key is not behind it. */
        mr_index_block_key(run->id, entry, bytes);
        r = mr_kv_cursor_seek(scan.cursor, mr_slice(bytes, sizeof bytes), &key, &value);
        if (r == MR_ENOTFOUND)
            r = mr_kv_cursor_last(scan.cursor, &key, &value);
        else if (r == 0 && !mr_slice_equal(key, mr_slice(bytes, sizeof bytes)))
            r = mr_kv_cursor_prev(scan.cursor, &key, &value);
        if (r == 0)
            r = rewrite(txn, run, entry, key, value);
    }
    mr_kv_cursor_close(scan.cursor);
    return r < 0 ? r : 0;
}

static int forget_one(struct mr_kv_txn *txn, struct mr_index_runs *runs, const struct mr_index_entry_ref *ref)
{
    struct mr_index_entry entry = {
            .kind = (uint8_t)ref->kind, .hash = mr_index_hash(ref->key), .number = ref->number};
    int r = 0;

    /* Dropped ones too: their rows may stand for a while. */
    for (size_t i = 0; r == 0 && i < runs->count; i++)
        if (runs->items[i].first <= ref->number && ref->number <= runs->items[i].last)
            r = forget_in_run(txn, &runs->items[i], &entry);
    return r;
}

int mr_index_forget(struct mr_index *index, const struct mr_index_entry_ref *refs, size_t count)
{
    struct mr_index_runs runs = {0};
    struct mr_kv_txn *txn;
    int r;

    (void)pthread_mutex_lock(&index->writing);
    mr_index_merging_cancel(index); /* it has read what is to be forgotten */
    r = mr_kv_begin_write(index->kv, &txn);
    if (r == 0) {
        r = mr_index_runs_load(txn, 0, &runs);
        for (size_t i = 0; r == 0 && i < count; i++)
            r = forget_one(txn, &runs, &refs[i]);
        if (r == 0)
            r = mr_kv_commit(txn);
        else
            mr_kv_abort(txn);
    }
    (void)pthread_mutex_unlock(&index->writing);
    mr_index_runs_fini(&runs);
    return r;
}

/* ---- the digest ---- */

static void digest_entry(struct mr_sha256_state *state, const struct mr_index_entry *entry)
{
    uint8_t bytes[17];

    bytes[0] = entry->kind;
    mr_put_be64(bytes + 1, entry->hash);
    mr_put_be64(bytes + 9, entry->number);
    mr_sha256_put(state, mr_slice(bytes, sizeof bytes));
}

static int digest_runs(struct mr_kv_txn *txn, const struct mr_index_runs *runs, struct mr_sha256_state *state,
        uint64_t *ret_entries)
{
    const struct mr_index_entry zero = {0};
    const struct mr_index_entry *entry;
    struct mr_index_merged merged;
    int r = mr_index_merged_open(&merged, txn, runs->items, runs->count, &zero);

    *ret_entries = 0;
    if (r < 0)
        return r;
    while (r == 0 && (entry = mr_index_merged_entry(&merged))) {
        digest_entry(state, entry);
        ++*ret_entries;
        r = mr_index_merged_next(&merged);
    }
    mr_index_merged_close(&merged);
    return r;
}

static int check_filters(struct mr_kv_txn *txn, const struct mr_index_runs *runs, struct mr_error *reterr)
{
    for (size_t i = 0; i < runs->count; i++) {
        struct mr_slice row;
        int r = mr_index_filter_get(txn, runs->items[i].id, &row);

        if (r == 0)
            r = mr_index_filter_check(row, runs->items[i].id);
        if (r < 0)
            return mr_error_set(reterr, r, "index", "run: marshrut rebuild index",
                    "the filter of run %llu is damaged", (unsigned long long)runs->items[i].id);
    }
    return 0;
}

static int digest(struct mr_kv_txn *txn, struct mr_index_runs *runs, uint8_t ret[static 32],
        uint64_t *ret_entries, struct mr_error *reterr)
{
    struct mr_sha256_state state;
    uint64_t through, wanted = 0;
    uint8_t bytes[8];
    int r = mr_kv_through(txn, MR_INDEX_META, &through);

    if (r == 0)
        r = mr_index_runs_load(txn, MR_INDEX_LIVE, runs);
    if (r < 0)
        return mr_error_set(reterr, r, "index", "run: marshrut rebuild index", "its runs cannot be read");
    r = check_filters(txn, runs, reterr);
    if (r < 0)
        return r;
    mr_sha256_init(&state);
    r = digest_runs(txn, runs, &state, ret_entries);
    for (size_t i = 0; i < runs->count; i++)
        wanted += runs->items[i].entries;
    mr_put_be64(bytes, through);
    mr_sha256_put(&state, mr_slice(bytes, sizeof bytes));
    mr_sha256_final(&state, ret);
    if (r == 0 && *ret_entries != wanted)
        r = MR_ECORRUPT;
    return r == 0 ? 0
                  : mr_error_set(reterr, r, "index", "run: marshrut rebuild index",
                            "a block is damaged or missing: %s", mr_err_text(r));
}

int mr_index_digest(
        struct mr_index *index, uint8_t ret[static 32], uint64_t *ret_entries, struct mr_error *reterr)
{
    struct mr_index_runs runs = {0};
    uint64_t entries;
    struct mr_kv_txn *txn;
    int r = mr_kv_begin_read(index->kv, &txn);

    if (r < 0)
        return mr_error_set(reterr, r, "index", "", "cannot read: %s", mr_err_text(r));
    r = digest(txn, &runs, ret, ret_entries ? ret_entries : &entries, reterr);
    mr_index_runs_fini(&runs);
    mr_kv_abort(txn);
    return r;
}

/* ---- size ---- */

int mr_index_usage(struct mr_index *index, struct mr_index_usage *ret)
{
    struct mr_index_runs runs = {0};
    struct mr_kv_usage usage;
    struct mr_kv_txn *txn;
    int r = mr_kv_begin_read(index->kv, &txn);

    if (r < 0)
        return r;
    r = mr_index_runs_load(txn, MR_INDEX_LIVE, &runs);
    mr_kv_abort(txn);
    if (r == 0)
        r = mr_kv_usage(index->kv, &usage);
    if (r == 0) {
        *ret = (struct mr_index_usage){
                .runs = runs.count, .used_bytes = usage.used_bytes, .file_bytes = usage.file_bytes};
        for (size_t i = 0; i < runs.count; i++)
            ret->entries += runs.items[i].entries;
    }
    mr_index_runs_fini(&runs);
    return r;
}

struct mr_kv *mr_index_kv(struct mr_index *index)
{
    return index->kv;
}
