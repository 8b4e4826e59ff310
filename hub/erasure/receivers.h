/*
 * Who may have got a record: its subscriptions as they were, in every version of the configuration from the
 * one under which it was matched on. A subscription that was taken away since, or that shows less now, had
 * what it had.
 */
#ifndef MR_HUB_ERASURE_RECEIVERS_H
#define MR_HUB_ERASURE_RECEIVERS_H

#include "hub/house.h"

struct mr_receivers;

/* Reads every version that the log has, and the house's. One that this program cannot read any more is left
 * out, with a line in the log. */
int mr_receivers_open(struct mr_receivers **ret, const struct mr_house *house, struct mr_log_reader *reader);
void mr_receivers_free(struct mr_receivers *receivers); /* NULL is fine */

/* One call for each way in which a system had the subscription. Non-zero stops, and is returned. */
typedef int (*mr_receiver_fn)(void *ctx, const char *system, enum mr_personal personal, uint32_t withheld);
int mr_receivers_of(
        const struct mr_receivers *receivers, const struct mr_record *record, mr_receiver_fn fn, void *ctx);

#endif
