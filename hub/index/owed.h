/*
 * What index/ and views/ owe to the log: ranges in which a record changed under a number that they may have
 * already, because it expired, because the body of one that waited for correction is not needed any more, or
 * because a damaged one came back. The row is put in the commit of the change
 * and goes when both are as a rebuild would make them, so a kill in between leaves it, and a later round, or
 * the next start, does it. Doing it twice is the same as once.
 *
 * Row of MR_LOG_META: "owed", u64 first -> u64 last.
 */
#ifndef MR_HUB_INDEX_OWED_H
#define MR_HUB_INDEX_OWED_H

#include "hub/house.h"

struct mr_owed {
    uint64_t first, last;
};

/* Any thread that has the batch. A row of the same first number grows, it never shrinks. */
int mr_owed_put(struct mr_log_batch *batch, const struct mr_owed *owed);
int mr_owed_del(struct mr_log_batch *batch, const struct mr_owed *owed);
/* The first one from a number on. MR_ENOTFOUND: none; MR_ECORRUPT. */
int mr_owed_next(struct mr_log_reader *reader, uint64_t from, struct mr_owed *ret);

/*
 * Makes index/ and views/ right in the range: what comes from inside of records that expired, or whose body
 * is over, goes; a record that could not be read when it was its turn, and can be now, is indexed and
 * projected. One thread at a time, beside the indexer. MR_EAGAIN: they have not come so far, ask again later;
 * MR_ECLOSED: stopping() said so.
 */
struct mr_owed_stop {
    bool (*stopping)(void *ctx); /* may be NULL */
    void *ctx;
};
int mr_owed_settle(struct mr_house *house, const struct mr_owed *owed, const struct mr_owed_stop *stop);

#endif
