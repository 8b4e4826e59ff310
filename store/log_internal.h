/* Shared by the log*.c files only. */
#ifndef MR_STORE_LOG_INTERNAL_H
#define MR_STORE_LOG_INTERNAL_H

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "proto/base/bytes.h"
#include "proto/base/list.h"
#include "store/kv.h"
#include "store/log_segment.h"
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

/* A closed segment that is open. */
struct log_file {
    struct mr_list link; /* in the log's list, the one used last at its end */
    uint64_t first;
    uint32_t generation;
    uint32_t readers;
    bool replaced; /* closed when the last reader lets go */
    struct mr_kv *kv;
};

struct mr_log {
    struct mr_kv *kv;
    pthread_mutex_t files_lock; /* guards the list and what hangs on it */
    struct mr_list files;
    bool read_only;
    _Atomic uint64_t head;
    _Atomic int64_t head_recorded_us;
    atomic_bool batch_open;
    struct mr_merkle_range range; /* of the durable tree: whoever holds the batch */
};

struct mr_log_reader {
    struct mr_log *log;
    struct mr_kv_txn *txn; /* this and the cursor: NULL while paused */
    struct mr_kv_cursor *cursor;
    uint64_t head;   /* of the snapshot */
    uint64_t rolled; /* the same: up to here segments have the records */
    uint64_t at;     /* number read last */
    bool positioned; /* the cursor stands on `at` */
    bool paused;
    struct log_file *file; /* the segment read last, NULL: none; gone with a pause */
    struct mr_log_segment segment;
    struct mr_kv_txn *file_txn;
    struct mr_kv_cursor *file_cursor;
    uint64_t file_at; /* where its cursor stands; 0: nowhere */
};

struct mr_log_batch {
    struct mr_log *log;
    struct mr_kv_txn *txn;
    struct mr_buf scratch; /* the record being encoded */
    uint64_t head;         /* with what is appended so far */
    int64_t recorded_us;
    struct mr_merkle_range range; /* the same of the tree, without the leaves below */
    uint8_t leaves[MR_MERKLE_MANY][MR_MERKLE_BYTES];
    size_t leaves_count;
    int ret; /* first failure that is not the transaction's: sticky as well */
};

/* Last number of a snapshot, 0 when empty; *ret_value (may be NULL) is its value. */
int mr_log_last(struct mr_kv_txn *txn, uint64_t *ret_number, struct mr_slice *ret_value);

/* ---- the tree (log_tree.c) ---- */

/* Writes what the leaves complete into the rows and grows the range. */
int mr_log_tree_append(struct mr_kv_txn *txn, struct mr_merkle_range *range,
        const uint8_t (*leaves)[MR_MERKLE_BYTES], size_t count);
/* The range of a snapshot with that many records; MR_ECORRUPT: rows are missing or too many. */
int mr_log_tree_load(
        struct mr_kv_txn *txn, uint64_t size, struct mr_merkle_range *ret, struct mr_error *reterr);
/* The last record's leaf and the newest checkpoint against the rows. MR_ECORRUPT. */
int mr_log_tree_check(
        struct mr_log *log, struct mr_kv_txn *txn, const struct mr_record *last, struct mr_error *reterr);

/* ---- reading a record's bytes (log_read.c) ---- */

/* As mr_log_read(), undecoded. Borrows until the next read. */
int mr_log_read_value(
        struct mr_log_reader *reader, uint64_t number, struct mr_slice *ret, struct mr_error *reterr);

/* ---- records put back (log_mend.c) ---- */

/* Has its leaf the hash that the tree has? MR_EDENIED: another; MR_EINVAL: the tree has none, or it has
 * expired and its leaf is gone. */
int mr_log_same_leaf(struct mr_kv_txn *txn, uint64_t number, const struct mr_record *record);

/* ---- segments: rows (log_segment.c) ---- */

int mr_log_segment_row(struct mr_kv_txn *txn, uint64_t number, struct mr_log_segment *ret);
/* Up to this number the segments count; 0: there are none, or their table is damaged. */
uint64_t mr_log_rolled(struct mr_kv_txn *txn);
int mr_log_trimmed_row(struct mr_kv_txn *txn, uint64_t *ret);
int mr_log_segments_walk(struct mr_kv_txn *txn, mr_log_segment_fn fn, void *ctx);
/* The rows follow each other from 1 on and reach as far as records were taken out. MR_ECORRUPT. */
int mr_log_segments_check(struct mr_log *log, struct mr_kv_txn *txn, struct mr_error *reterr);

/* ---- segments: files (log_file.c) ---- */

enum { LOG_PATH_MAX = 4096 };
enum { LOG_FILE_RECORDS, LOG_FILE_META, LOG_FILE_TABLES };
#define LOG_FILE_WORKING "working-" /* before its name while it is being written */
extern const char *const mr_log_file_tables[LOG_FILE_TABLES];

/* Path of the folder of segments (name NULL), or of what is in it. MR_ETOOBIG. */
int mr_log_file_path(const struct mr_log *log, const char *name, char ret[static LOG_PATH_MAX]);
enum { LOG_FILE_NAME_MAX = 48 };
char *mr_log_file_name(uint64_t first, uint32_t generation, char ret[static LOG_FILE_NAME_MAX]);
/* Row of LOG_FILE_META: u64 first, u64 last, u32 generation, the log's id. */
#define LOG_FILE_IDENTITY "segment"
enum { LOG_FILE_IDENTITY_BYTES = 36 };
int mr_log_file_identity(const struct mr_log *log, const struct mr_log_segment *segment,
        uint8_t ret[static LOG_FILE_IDENTITY_BYTES]);
/* The open segment; unpin it. MR_ENOTFOUND: it is not there (any more). */
int mr_log_file_pin(struct mr_log *log, const struct mr_log_segment *segment, struct log_file **ret,
        struct mr_error *reterr);
void mr_log_file_unpin(struct mr_log *log, struct log_file *file);
void mr_log_files_close(struct mr_log *log); /* none is pinned */
/* Each segment of the snapshot has its file, as long as its row says. MR_ECORRUPT. */
int mr_log_files_check(struct mr_log *log, struct mr_kv_txn *txn, struct mr_error *reterr);
/* Removes what no row of the snapshot speaks of. The owner's, at open. */
int mr_log_files_sweep(struct mr_log *log, struct mr_kv_txn *txn);
int mr_log_file_remove_folder(const char *path); /* and its files; 0 too when it is not there */
int mr_log_file_sync(const char *folder);
int mr_log_file_stat(const char *folder, struct stat *ret); /* of its data.mdb; -1 and errno */

static inline uint32_t mr_log_table_index(enum mr_log_table table)
{
    assert(table >= 0 && table < MR_LOG_TABLES);
    return (uint32_t)table;
}

#endif
