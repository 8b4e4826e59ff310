/*
 * The event log: numbered records from 1 without gaps, and the rows that move with them in the same commit
 * (verdicts, intake, cursors, deliveries, quarantine, documents, names). Knows nothing of what a record's
 * leaf says. LMDB is behind it; nothing above may know that, so that a replicated engine can stand here.
 *
 * Threads: one thread at a time holds the batch (the writer thread in the hub); readers are free, one reader
 * object per thread. mr_log_head() is lock-free.
 */
#ifndef MR_STORE_LOG_H
#define MR_STORE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/err.h"
#include "proto/base/slice.h"
#include "store/merkle.h"
#include "store/record.h"

struct mr_kv_compaction;
struct mr_log;
struct mr_log_batch;
struct mr_log_reader;

/* Rows beside the records. Keys and values are the owner module's; all integers in them are big-endian. */
enum mr_log_table {
    MR_LOG_VERDICT,    /* u16 system, u64 epoch, u64 sequence -> verdict that was not "simply stored" */
    MR_LOG_INTAKE,     /* u64 running number -> one received batch and how it was divided */
    MR_LOG_PRODUCER,   /* u16 system -> epoch, stored sequence, seen sequence */
    MR_LOG_CURSOR,     /* u16 subscription -> cursor, first number */
    MR_LOG_DELIVERY,   /* u16 subscription, u64 from -> acknowledged range (decision 20) */
    MR_LOG_NACK,       /* u16 subscription, u64 number, u32 attempt -> reason */
    MR_LOG_PARKED,     /* u16 subscription, u64 number -> reason, since */
    MR_LOG_QUARANTINE, /* u64 number -> state, reason, field, cure; the body is in the record's sealed slot */
    MR_LOG_DOCUMENT,   /* stored passports and campaign state: key by owner */
    MR_LOG_NAME,       /* u8 kind, name -> u16 id; systems and subscriptions keep their id for ever */
    MR_LOG_CONFIG,     /* u32 version -> configuration text as applied */
    MR_LOG_CHECKPOINT, /* u64 size -> signed note over the tree of that size */
    MR_LOG_SEGMENT,    /* u64 first -> a closed segment: struct mr_log_segment */
    MR_LOG_STRIP,      /* u64 number -> u16 mask of slots that the compactor is to empty (bit i: slot i) */
    MR_LOG_HOLD,       /* 16-byte id -> legal hold: hub, retention */
    MR_LOG_ACCESS,     /* u8 kind, 16-byte id -> who may use the HTTP API: hub/http/token.h */
    MR_LOG_META,       /* layout version, log id ... */
    MR_LOG_TABLES
};

struct mr_log_options {
    const char *dir;
    bool read_only;
};

/*
 * Not read_only: this process owns the log. MR_EEXISTS (in use by another process), MR_ENOTFOUND (read_only,
 * no log), MR_EUNSUPPORTED (of another layout), MR_ECORRUPT (numbers or rows of the tree are
 * missing; a read_only log opens all the same, so that a tool can look), MR_ENOSPACE, MR_EDENIED ...
 */
int mr_log_open(struct mr_log **ret, const struct mr_log_options *options, struct mr_error *reterr);
void mr_log_close(struct mr_log *log);

/* Number of the last durable record, 0 for an empty log. Any thread. A read-only log asks the store each
 * time. */
uint64_t mr_log_head(struct mr_log *log);
int64_t mr_log_head_recorded_us(struct mr_log *log); /* recorded_us of that record; 0 for an empty log */

/* Housekeeping (frees what killed readers held): every 10 to 30 s, any thread. Returns how many, or negative.
 */
int mr_log_maintain(struct mr_log *log);

struct mr_log_usage {
    uint64_t used_bytes; /* in use within the file */
    uint64_t file_bytes;
    uint64_t disk_free_bytes;
};
int mr_log_usage(struct mr_log *log, struct mr_log_usage *ret); /* any thread */

/*
 * Writes the growing environment anew (mr_kv_compact): of what was changed or taken out of it no byte stays.
 * Closed segments are not touched. Batches go on beside it and wait, as readers do, for the swap. The
 * owner's, any thread without a reader that is not paused. MR_EAGAIN: somebody reads for too long.
 */
int mr_log_compact(struct mr_log *log, struct mr_kv_compaction *ret, struct mr_error *reterr);

/* ---- writing: one batch at a time ---- */

/* What mr_record_encode() made for a number, and the leaf's RFC 6962 hash (NULL: taken here). */
struct mr_log_encoded {
    uint64_t number;
    int64_t recorded_us;
    struct mr_slice value;
    const uint8_t *leaf_hash;
};

int mr_log_batch_begin(struct mr_log *log, struct mr_log_batch **ret);
uint64_t mr_log_batch_head(
        const struct mr_log_batch *batch); /* with what it appended: the next is one more */
int64_t mr_log_batch_recorded_us(const struct mr_log_batch *batch); /* of that record: the next is not less */
/*
 * record->number must be the next one, recorded_us not less than the last one's (asserted: they are assigned
 * by one place). Failures are sticky: commit then returns the first one and writes nothing, so a builder may
 * check once.
 */
int mr_log_batch_append(struct mr_log_batch *batch, const struct mr_record *record);
int mr_log_batch_append_encoded(struct mr_log_batch *batch, const struct mr_log_encoded *encoded);
/*
 * Puts a damaged record of the growing environment back: only one whose leaf the tree has under this number.
 * MR_EEXISTS: it is not damaged; MR_ENOTFOUND: it lies in a segment; MR_EDENIED: another leaf; MR_EINVAL.
 * None of them is sticky.
 */
int mr_log_batch_mend(struct mr_log_batch *batch, const struct mr_record *record);
int mr_log_batch_get(
        struct mr_log_batch *batch, enum mr_log_table table, struct mr_slice key, struct mr_slice *ret);
int mr_log_batch_put(
        struct mr_log_batch *batch, enum mr_log_table table, struct mr_slice key, struct mr_slice value);
int mr_log_batch_del(struct mr_log_batch *batch, enum mr_log_table table, struct mr_slice key);
/* As mr_log_rows(), with what the batch has put and deleted; fn must not write to the table. */
typedef int (*mr_log_row_fn)(void *ctx, struct mr_slice key, struct mr_slice value);
int mr_log_batch_rows(struct mr_log_batch *batch, enum mr_log_table table, struct mr_slice prefix,
        struct mr_slice from, mr_log_row_fn fn, void *ctx);
/*
 * Frees the batch in every case. 0: durable, and mr_log_head() says so. MR_ENOSPACE: nothing was written, the
 * same batch may be built again later. Any other failure is fatal for the process: stop acknowledging and
 * exit.
 */
int mr_log_batch_commit(struct mr_log_batch *batch);
void mr_log_batch_abort(struct mr_log_batch *batch);

/* ---- reading: a snapshot; keep it for one turn, then renew ---- */

int mr_log_reader_open(struct mr_log *log, struct mr_log_reader **ret);
void mr_log_reader_close(struct mr_log_reader *reader);
int mr_log_reader_renew(struct mr_log_reader *reader); /* newest snapshot; old views are invalid */
void mr_log_reader_pause(
        struct mr_log_reader *reader); /* gives the snapshot back; renew before the next read */
uint64_t mr_log_reader_head(struct mr_log_reader *reader);

/*
 * Slices in ret borrow until the reader reads another number. MR_ENOTFOUND (0, or behind the snapshot's
 * head), MR_ECORRUPT (that record is damaged or missing; others can be read), MR_EUNSUPPORTED (that record is
 * of a later layout).
 */
int mr_log_read(
        struct mr_log_reader *reader, uint64_t number, struct mr_record_view *ret, struct mr_error *reterr);
/*
 * Sequential read: keeps a cursor, so that next costs no search. Same results as mr_log_read() of the number
 * after the one read last, found damaged or not; at the end it stays, and reads on after a renewal.
 */
int mr_log_read_next(struct mr_log_reader *reader, struct mr_record_view *ret, struct mr_error *reterr);

/*
 * The Merkle tree over the leaves (RFC 6962): its rows are written in the commit of the records. A tree of
 * size n is over the records 1 to n; any size up to the snapshot's head may be asked. MR_EINVAL: no such
 * number or size; MR_ECORRUPT: a row is damaged or missing.
 */
int mr_log_leaf_hash(struct mr_log_reader *reader, uint64_t number, uint8_t ret[static MR_MERKLE_BYTES]);
int mr_log_tree_root(struct mr_log_reader *reader, uint64_t size, uint8_t ret[static MR_MERKLE_BYTES]);
int mr_log_inclusion(
        struct mr_log_reader *reader, uint64_t number, uint64_t size, struct mr_merkle_path *ret);
int mr_log_consistency(
        struct mr_log_reader *reader, uint64_t older, uint64_t newer, struct mr_merkle_path *ret);
/*
 * `count` hashes of a row from `first` on, as a tile of c2sp.org/tlog-tiles has them: level 0 are leaf
 * hashes, each hash of the next level is the root of a full tile of 256.
 */
int mr_log_tile(struct mr_log_reader *reader, unsigned level, uint64_t first, size_t count,
        uint8_t (*ret)[MR_MERKLE_BYTES]);
/* The newest signed checkpoint; the note borrows from the snapshot. MR_ENOTFOUND: there is none yet. */
int mr_log_checkpoint(struct mr_log_reader *reader, uint64_t *ret_size, struct mr_slice *ret_note);

int mr_log_row(
        struct mr_log_reader *reader, enum mr_log_table table, struct mr_slice key, struct mr_slice *ret);
/*
 * Calls fn for the rows from key `from` on (>=) whose key starts with `prefix`, ascending, until fn returns
 * non-zero. Returns that value, or 0 at the end, or a negative failure.
 */
int mr_log_rows(struct mr_log_reader *reader, enum mr_log_table table, struct mr_slice prefix,
        struct mr_slice from, mr_log_row_fn fn, void *ctx);
/* The same downwards: from key `last` (<=, not empty) on, descending. */
int mr_log_rows_down(struct mr_log_reader *reader, enum mr_log_table table, struct mr_slice prefix,
        struct mr_slice last, mr_log_row_fn fn, void *ctx);

#endif
