/* Shared by the log*.c files only. */
#ifndef MR_STORE_LOG_INTERNAL_H
#define MR_STORE_LOG_INTERNAL_H

#include <assert.h>
#include <stdatomic.h>

#include "proto/base/bytes.h"
#include "store/kv.h"
#include "store/log.h"
#include "store/merkle.h"

enum {
    LOG_TREE_LEVELS = 8,         /* tables row0 ... row7: one tile level each */
    LOG_TREE_LEVEL_HEIGHT = 8,   /* a tile is 256 wide */
    LOG_RECORDS = MR_LOG_TABLES, /* the table of records stands behind the tables of rows */
    LOG_TREE,                    /* row0; the other levels follow */
    LOG_TABLES_COUNT = LOG_TREE + LOG_TREE_LEVELS,
    LOG_LAYOUT = 1,
    LOG_KEY_BYTES = 8,
    LOG_CHECKED =
            (1 << MR_LOG_TABLES) - 1, /* rows that end in a CRC: records and the tree prove themselves */
};

struct mr_log {
    struct mr_kv *kv;
    bool read_only;
    _Atomic uint64_t head;
    _Atomic int64_t head_recorded_us;
    atomic_bool batch_open;
    struct mr_merkle_range range; /* of the durable tree: whoever holds the batch */
};

struct mr_log_reader {
    struct mr_log *log;
    struct mr_kv_txn *txn;
    struct mr_kv_cursor *cursor;
    uint64_t head;   /* of the snapshot */
    uint64_t at;     /* number read last */
    bool positioned; /* the cursor stands on `at` */
    bool paused;
};

/* Last number of a snapshot, 0 when empty; *ret_value (may be NULL) is its value. */
int mr_log_last(struct mr_kv_txn *txn, uint64_t *ret_number, struct mr_slice *ret_value);

/* ---- the tree (log_tree.c) ---- */

/* Writes what the leaf completes into the rows and grows the range. */
int mr_log_tree_append(
        struct mr_kv_txn *txn, struct mr_merkle_range *range, const uint8_t leaf[static MR_MERKLE_BYTES]);
/* The range of a snapshot with that many records; MR_ECORRUPT: rows are missing or too many. */
int mr_log_tree_load(
        struct mr_kv_txn *txn, uint64_t size, struct mr_merkle_range *ret, struct mr_error *reterr);
/* The last record's leaf and the newest checkpoint against the rows. MR_ECORRUPT. */
int mr_log_tree_check(
        struct mr_log *log, struct mr_kv_txn *txn, const struct mr_record *last, struct mr_error *reterr);

static inline uint32_t mr_log_table_index(enum mr_log_table table)
{
    assert(table >= 0 && table < MR_LOG_TABLES);
    return (uint32_t)table;
}

#endif
