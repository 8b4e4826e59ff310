/*
 * The durable outbox behind mr_outbox_*() of adapter.h: sequence -> sealed event, the adapter's own rows, and
 * how far verdicts have been taken note of. The functions here are for link and adapter, and for tests. Loop
 * thread only.
 */
#ifndef MR_SDK_OUTBOX_H
#define MR_SDK_OUTBOX_H

#include "adapters/sdk/adapter.h"
#include "proto/base/buf.h"
#include "proto/base/clock.h"

struct mr_outbox;

/* state_dir is created. MR_EEXISTS: another process has it. */
int mr_outbox_open(
        struct mr_outbox **ret, const char *state_dir, const struct mr_clock *clock, struct mr_error *reterr);
void mr_outbox_close(struct mr_outbox *outbox); /* NULL is fine */
/* Called after each commit that added events. */
void mr_outbox_on_added(struct mr_outbox *outbox, void (*fn)(void *ctx), void *ctx);

int mr_outbox_txn_begin(struct mr_outbox *outbox, struct mr_outbox_txn **ret);
void mr_outbox_keyed_digest(struct mr_outbox *outbox, struct mr_slice data, uint8_t ret[static 16]);

uint64_t mr_outbox_epoch(const struct mr_outbox *outbox);
uint64_t mr_outbox_last(const struct mr_outbox *outbox);  /* last sequence given; 0: none yet */
uint64_t mr_outbox_noted(const struct mr_outbox *outbox); /* verdicts up to here are durably noted */

/* One opened row. error: 0, or why it cannot be opened (its key is gone): it will never be sent. */
struct mr_outbox_item {
    uint64_t sequence;
    int error;
    struct mr_slice event, ref; /* borrowed until fn returns */
};
/* Ascending from sequence `from`, until fn returns non-zero (1: enough, returned as 0; negative: passed up).
 */
int mr_outbox_walk(struct mr_outbox *outbox, uint64_t from,
        int (*fn)(void *ctx, const struct mr_outbox_item *item), void *ctx);

/* Opens one row into plain (reset first); ref points into it. MR_ENOTFOUND. */
int mr_outbox_open_row(
        struct mr_outbox_txn *txn, uint64_t sequence, struct mr_buf *plain, struct mr_slice *ret_ref);
/* Verdicts up to here have been taken note of: the rows go. */
int mr_outbox_note(struct mr_outbox_txn *txn, uint64_t through);

/*
 * The hub knows later sequences of our epoch than we do (the state folder came from a backup): a new epoch,
 * the waiting rows numbered anew from 1. Events that the hub has are recognised by their ids.
 */
int mr_outbox_renumber(struct mr_outbox *outbox);

#endif
