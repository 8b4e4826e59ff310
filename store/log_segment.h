/*
 * Closed segments: ranges of records moved out of the growing environment, each an LMDB environment of its
 * own that is written once and never changed (log/segments/<first>-<generation>/, docs/storage.md). What must
 * change in one (slots emptied, records expired) goes into a new generation beside it; the row in
 * MR_LOG_SEGMENT says which one counts. Number, head and place in the tree of a record stay in every case.
 *
 * The order that survives a kill at every point: mr_log_segment_write() -> mr_log_batch_segment() in a commit
 * -> mr_log_batch_trim() in as many commits as it takes -> mr_log_segment_remove() of what was replaced. What
 * no row speaks of is removed when the owner opens the log.
 *
 * Threads: one thread at a time writes and removes (the compactor); the batch's calls are the batch's
 * thread's; reading is everybody's, through the readers of store/log.h, which do not tell where a record
 * lies.
 */
#ifndef MR_STORE_LOG_SEGMENT_H
#define MR_STORE_LOG_SEGMENT_H

#include "store/log.h"

struct mr_log_segment {
    uint64_t first; /* number of its first record; the segments follow each other from 1 on */
    uint64_t last;
    uint32_t generation; /* from 1; each rewriting is one more */
    uint64_t expired;    /* of its records, also of those that are damaged by now */
    uint64_t stripped;
    uint64_t bytes; /* of its file */
};

/* ---- what there is ---- */

/* The segments of a snapshot, ascending, until fn returns non-zero; returns that, 0, or a failure. */
typedef int (*mr_log_segment_fn)(void *ctx, const struct mr_log_segment *segment);
int mr_log_segments(struct mr_log_reader *reader, mr_log_segment_fn fn, void *ctx);
/* The one that has the number. MR_ENOTFOUND: none has. */
int mr_log_segment_find(struct mr_log_reader *reader, uint64_t number, struct mr_log_segment *ret);
/* The last one. MR_ENOTFOUND: there is none. */
int mr_log_segment_last(struct mr_log_reader *reader, struct mr_log_segment *ret);
/* Up to this number records are in segments alone; what is behind it lies in the growing environment. */
uint64_t mr_log_trimmed(struct mr_log_reader *reader);

/* ---- writing one ---- */

/* What is to become of a record; all zero: it stays as it is. */
struct mr_log_change {
    bool expire;             /* slots go, `remnant` takes the leaf's place */
    struct mr_slice remnant; /* valid until the next call */
    uint16_t strip;          /* slots to empty, bit i: slot i */
};
/* Not asked about damaged records: they are copied as they are. Negative: the writing fails with it. */
typedef int (*mr_log_change_fn)(void *ctx, const struct mr_record *record, struct mr_log_change *ret);

/*
 * For a damaged record: the one to write in its place, borrowed until the next call, and what is to become of
 * it. It is written only when its leaf has the hash that the tree has. MR_ENOTFOUND: nothing is known, it
 * stays as it is. Another failure: the writing fails with it.
 */
typedef int (*mr_log_mend_fn)(
        void *ctx, uint64_t number, struct mr_record **ret, struct mr_log_change *ret_change);

struct mr_log_segment_plan {
    uint64_t first, last; /* first: behind the last segment, or a segment's; last: not the newest record */
    uint32_t generation;
    mr_log_change_fn change; /* NULL: nothing changes */
    mr_log_mend_fn mend;     /* NULL: damage is copied as it is */
    void *ctx;
};

/*
 * Copies the range, wherever it lies now, into a new segment: durable when it returns, and counted by nobody
 * until its row is committed. Takes short snapshots. MR_ECORRUPT (a record is missing), MR_ENOSPACE, MR_EIO
 * (nothing is left of it: try again later) ...
 */
int mr_log_segment_write(struct mr_log *log, const struct mr_log_segment_plan *plan,
        struct mr_log_segment *ret, struct mr_error *reterr);
/* Removes a generation that no row speaks of any more; readers that have it open keep it until they let go.
 */
int mr_log_segment_remove(struct mr_log *log, uint64_t first, uint32_t generation);

/* ---- in a batch ---- */

/* From this commit on the segment counts: it follows the last one, or takes the place of an older generation.
 */
int mr_log_batch_segment(struct mr_log_batch *batch, const struct mr_log_segment *segment);
/*
 * Takes up to `max` records that a segment has out of the growing environment. 1: there are more. Until they
 * are out, readers read them in the segment all the same; nothing else may be done to the range before.
 */
int mr_log_batch_trim(struct mr_log_batch *batch, uint32_t max);
/*
 * Empties slots of a record in the growing environment, and its row of MR_LOG_STRIP goes. MR_ENOTFOUND: it is
 * in a segment; MR_ECORRUPT: it is damaged; both write nothing and are not sticky.
 */
int mr_log_batch_strip(struct mr_log_batch *batch, uint64_t number, uint16_t slots);

#endif
