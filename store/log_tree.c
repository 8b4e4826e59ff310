/* The Merkle tree of the log: rows by tile level, the range at their end, proofs out of a snapshot. */
#include "store/log.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/checkpoint.h"
#include "store/log_internal.h"

static const char RESTORE[] = "restore the folder from a backup";

/* ---- writing ---- */

/* Only the nodes that are entries of a tile are kept; the others are made of at most 128 of them. */
static int keep_node(void *ctx, unsigned height, uint64_t index, const uint8_t hash[static MR_MERKLE_BYTES])
{
    struct mr_kv_txn *txn = ctx;
    uint8_t key[LOG_KEY_BYTES];

    if (height % LOG_TREE_LEVEL_HEIGHT != 0)
        return 0;
    assert(height / LOG_TREE_LEVEL_HEIGHT < LOG_TREE_LEVELS);
    mr_put_be64(key, index);
    return mr_kv_append(txn, LOG_TREE + height / LOG_TREE_LEVEL_HEIGHT, mr_slice(key, sizeof key),
            mr_slice(hash, MR_MERKLE_BYTES));
}

int mr_log_tree_append(struct mr_kv_txn *txn, struct mr_merkle_range *range,
        const uint8_t (*leaves)[MR_MERKLE_BYTES], size_t count)
{
    return mr_merkle_append_many(range, leaves, count, keep_node, txn);
}

/* ---- reading ---- */

typedef int (*row_fn)(void *ctx, const uint8_t hash[static MR_MERKLE_BYTES]);

/* `count` hashes of a level from `first` on, each to fn. */
static int read_row(
        struct mr_kv_txn *txn, unsigned level, uint64_t first, uint64_t count, row_fn fn, void *ctx)
{
    struct mr_slice key = {0}, value = {0};
    struct mr_kv_cursor *cursor;
    uint8_t want[LOG_KEY_BYTES];
    int r = mr_kv_cursor_open(txn, LOG_TREE + level, &cursor);

    if (r < 0)
        return r;
    for (uint64_t i = 0; r == 0 && i < count; i++) {
        mr_put_be64(want, first + i);
        if (i == 0)
            r = mr_kv_cursor_seek(cursor, mr_slice(want, sizeof want), &key, &value);
        else
            r = mr_kv_cursor_next(cursor, &key, &value);
        if (r == MR_ENOTFOUND || (r == 0 && (!mr_slice_equal(key, mr_slice(want, sizeof want)) ||
                                                    value.size != MR_MERKLE_BYTES)))
            r = MR_ECORRUPT;
        if (r == 0)
            r = fn(ctx, value.data);
    }
    mr_kv_cursor_close(cursor);
    return r;
}

static int fold(void *ctx, const uint8_t hash[static MR_MERKLE_BYTES])
{
    return mr_merkle_append(ctx, hash, NULL, NULL);
}

static int read_node(void *ctx, unsigned height, uint64_t index, uint8_t ret[static MR_MERKLE_BYTES])
{
    unsigned above = height % LOG_TREE_LEVEL_HEIGHT;
    struct mr_merkle_range range;
    int r;

    range.size = 0;
    r = read_row(ctx, height / LOG_TREE_LEVEL_HEIGHT, index << above, (uint64_t)1 << above, fold, &range);
    if (r == 0)
        mr_merkle_range_root(&range, ret);
    return r;
}

static struct mr_merkle_source source_of(struct mr_kv_txn *txn)
{
    return (struct mr_merkle_source){.read = read_node, .ctx = txn};
}

int mr_log_leaf_hash(struct mr_log_reader *reader, uint64_t number, uint8_t ret[static MR_MERKLE_BYTES])
{
    assert(!reader->paused);
    if (number == 0 || number > reader->head)
        return MR_EINVAL;
    return read_node(reader->txn, 0, number - 1, ret);
}

int mr_log_tree_root(struct mr_log_reader *reader, uint64_t size, uint8_t ret[static MR_MERKLE_BYTES])
{
    struct mr_merkle_source source = source_of(reader->txn);

    assert(!reader->paused);
    return size > reader->head ? MR_EINVAL : mr_merkle_root(&source, size, ret);
}

int mr_log_inclusion(struct mr_log_reader *reader, uint64_t number, uint64_t size, struct mr_merkle_path *ret)
{
    struct mr_merkle_source source = source_of(reader->txn);

    assert(!reader->paused);
    if (number == 0 || size > reader->head)
        return MR_EINVAL;
    return mr_merkle_inclusion(&source, number - 1, size, ret);
}

int mr_log_consistency(
        struct mr_log_reader *reader, uint64_t older, uint64_t newer, struct mr_merkle_path *ret)
{
    struct mr_merkle_source source = source_of(reader->txn);

    assert(!reader->paused);
    return newer > reader->head ? MR_EINVAL : mr_merkle_consistency(&source, older, newer, ret);
}

static int take_hash(void *ctx, const uint8_t hash[static MR_MERKLE_BYTES])
{
    uint8_t **at = ctx;

    memcpy(*at, hash, MR_MERKLE_BYTES);
    *at += MR_MERKLE_BYTES;
    return 0;
}

int mr_log_tile(struct mr_log_reader *reader, unsigned level, uint64_t first, size_t count,
        uint8_t (*ret)[MR_MERKLE_BYTES])
{
    uint8_t *at = ret[0];
    uint64_t there;

    assert(!reader->paused);
    if (level >= LOG_TREE_LEVELS)
        return MR_EINVAL;
    there = reader->head >> (level * LOG_TREE_LEVEL_HEIGHT);
    if (first > there || count > there - first)
        return MR_EINVAL;
    return read_row(reader->txn, level, first, count, take_hash, &at);
}

static int last_checkpoint(struct mr_kv_txn *txn, uint64_t *ret_size, struct mr_slice *ret_note)
{
    struct mr_kv_cursor *cursor;
    struct mr_slice key;
    int r = mr_kv_cursor_open(txn, MR_LOG_CHECKPOINT, &cursor);

    if (r < 0)
        return r;
    r = mr_kv_cursor_last(cursor, &key, ret_note);
    mr_kv_cursor_close(cursor);
    if (r == 0 && key.size != LOG_KEY_BYTES)
        r = MR_ECORRUPT;
    if (r == 0)
        *ret_size = mr_get_be64(key.data);
    return r;
}

int mr_log_checkpoint(struct mr_log_reader *reader, uint64_t *ret_size, struct mr_slice *ret_note)
{
    assert(!reader->paused);
    return last_checkpoint(reader->txn, ret_size, ret_note);
}

/* ---- opening ---- */

int mr_log_tree_load(
        struct mr_kv_txn *txn, uint64_t size, struct mr_merkle_range *ret, struct mr_error *reterr)
{
    struct mr_merkle_source source = source_of(txn);
    char where[32];
    int r;

    for (unsigned level = 0; level < LOG_TREE_LEVELS; level++) {
        uint64_t expected = size >> (level * LOG_TREE_LEVEL_HEIGHT);
        uint64_t count = mr_kv_count(txn, LOG_TREE + level);

        (void)snprintf(where, sizeof where, "log table row%u", level);
        if (count != expected)
            return mr_error_set(reterr, MR_ECORRUPT, where, RESTORE,
                    "%llu records need %llu rows of the tree, there are %llu", (unsigned long long)size,
                    (unsigned long long)expected, (unsigned long long)count);
    }
    r = mr_merkle_range_read(ret, &source, size);
    return r < 0 ? mr_error_set(reterr, r, "log tables row0 to row7", RESTORE, "the tree cannot be read: %s",
                           mr_err_text(r))
                 : 0;
}

static int check_checkpoint(
        struct mr_kv_txn *txn, uint64_t head, uint64_t size, struct mr_slice bytes, struct mr_error *reterr)
{
    struct mr_merkle_source source = source_of(txn);
    struct mr_note *note = malloc(sizeof *note);
    struct mr_checkpoint checkpoint;
    uint8_t root[MR_MERKLE_BYTES];
    int r = note ? mr_note_parse(note, bytes, NULL) : MR_ENOMEM;

    if (r == 0)
        r = mr_checkpoint_parse(&checkpoint, note->text, NULL);
    free(note);
    if (r == 0 && size <= head)
        r = mr_merkle_root(&source, size, root);
    if (r == 0 && (size > head || checkpoint.size != size || memcmp(root, checkpoint.root, sizeof root) != 0))
        r = MR_ECORRUPT;
    return r < 0 ? mr_error_set(reterr, MR_ECORRUPT, "log table cp", RESTORE,
                           "the log has %llu records and does not agree with its checkpoint of %llu",
                           (unsigned long long)head, (unsigned long long)size)
                 : 0;
}

int mr_log_tree_check(
        struct mr_log *log, struct mr_kv_txn *txn, const struct mr_record *last, struct mr_error *reterr)
{
    uint64_t head = atomic_load(&log->head);
    uint8_t stored[MR_MERKLE_BYTES], leaf[MR_MERKLE_BYTES];
    struct mr_slice note;
    uint64_t size;
    int r = 0;

    if (last) {
        mr_merkle_leaf(last->leaf, leaf);
        r = read_node(txn, 0, head - 1, stored);
        if (r < 0 || memcmp(stored, leaf, sizeof leaf) != 0)
            return mr_error_set(reterr, MR_ECORRUPT, "log table row0", RESTORE,
                    "the tree has another hash for record %llu", (unsigned long long)head);
    }
    r = last_checkpoint(txn, &size, &note);
    if (r == 0)
        return check_checkpoint(txn, head, size, note, reterr);
    return r == MR_ENOTFOUND ? 0 : mr_error_set(reterr, r, "log table cp", RESTORE, "cannot be read");
}
