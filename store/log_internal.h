/* Shared by the log*.c files only. */
#ifndef MR_STORE_LOG_INTERNAL_H
#define MR_STORE_LOG_INTERNAL_H

#include <assert.h>
#include <stdatomic.h>

#include "proto/base/bytes.h"
#include "store/kv.h"
#include "store/log.h"

enum {
    LOG_RECORDS = MR_LOG_TABLES, /* the table of records stands behind the tables of rows */
    LOG_TABLES_COUNT,
    LOG_FORMAT = 1,
    LOG_KEY_BYTES = 8,
};

struct mr_log {
    struct mr_kv *kv;
    bool read_only;
    _Atomic uint64_t head;
    _Atomic int64_t head_recorded_us;
    atomic_bool batch_open;
};

/* Last number of a snapshot, 0 when empty; *ret_value (may be NULL) is its value. */
int mr_log_last(struct mr_kv_txn *txn, uint64_t *ret_number, struct mr_slice *ret_value);

static inline uint32_t mr_log_table_index(enum mr_log_table table)
{
    assert(table >= 0 && table < MR_LOG_TABLES);
    return (uint32_t)table;
}

#endif
