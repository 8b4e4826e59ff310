/*
 * Whose term has passed: the configured terms held against one record of the log, with legal holds and those
 * who still wait for it. A judge is made for one run: it reads holds, cursors, parked and waiting numbers
 * once and keeps no snapshot. Only a hold may appear meanwhile that would change a verdict, so whoever acts
 * on it compares mr_retention_holds_same() in the commit.
 *
 * One thread at a time. Types stand openly in the leaf, so only holds on persons need the keyring: a house
 * without one does not know them.
 */
#ifndef MR_HUB_KEEP_RETENTION_H
#define MR_HUB_KEEP_RETENTION_H

#include "hub/house.h"
#include "store/log_segment.h"

enum mr_retention_verdict {
    MR_RETENTION_KEEP, /* no term, or it has not passed, or the record has expired already */
    MR_RETENTION_DUE,
    MR_RETENTION_HELD,    /* its term has passed: a legal hold keeps it */
    MR_RETENTION_WAITING, /* ... a receiver has not got it, or has parked it, or it waits for correction */
};

/* Of one class of the configuration; the last one is the default. */
struct mr_retention_count {
    uint64_t due, held, waiting;
    uint64_t bytes; /* of leaves and slots that are due */
};

struct mr_retention;

int mr_retention_open(struct mr_retention **ret, const struct mr_house *house, struct mr_error *reterr);
void mr_retention_close(struct mr_retention *retention); /* NULL is fine */

uint32_t mr_retention_classes(const struct mr_retention *retention); /* with the default */
bool mr_retention_has_terms(const struct mr_retention *retention);
/* Nothing recorded later than this can be due; INT64_MIN without any term. */
int64_t mr_retention_youngest_us(const struct mr_retention *retention);

/* Verdict and class of a record, or a negative failure; counts it when counts (one a class) is not NULL. */
int mr_retention_judge(struct mr_retention *retention, const struct mr_record *record, uint32_t *ret_class,
        struct mr_retention_count *counts);
/*
 * Judges numbers from..to, as far as any can be due; counts (one a class) and the last due number (0: none)
 * are added to. Renews the reader now and then. stop: asked now and then; true ends it with MR_ECLOSED; may
 * be NULL.
 */
int mr_retention_scan(struct mr_retention *retention, struct mr_log_reader *reader, uint64_t from,
        uint64_t to, struct mr_retention_count *counts, uint64_t *last_due, bool (*stop)(void *ctx),
        void *ctx);

/* Are the holds in the batch those that the judge knows? 1 yes, 0 no, or negative. Writer thread. */
int mr_retention_holds_same(const struct mr_retention *retention, struct mr_log_batch *batch);

#endif
