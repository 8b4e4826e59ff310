/*
 * What the hub has delivered and the adapter has not finished, per subscription, in order of delivery; and a
 * durable cursor: the number of the last delivery of the finished front. Numbers only, never content
 * (decision 6).
 *
 * The cursor is not used to drop deliveries: a parked event may be released long after later ones were
 * finished, so a lower number is no repetition. What makes a repetition harmless is the effect, idempotent by
 * number (adapter.h).
 */
#ifndef MR_SDK_INBOX_H
#define MR_SDK_INBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/sdk/adapter.h"
#include "proto/base/list.h"

struct mr_inbox;

struct mr_inbox_subscription {
    struct mr_list member; /* of the inbox */
    char *name;
    struct mr_list items; /* this session's deliveries, in order */
    struct mr_list
            apart; /* those of them that the hub sent by themselves: an Ack of others is none of theirs */
    struct mr_list earlier; /* of sessions before; not (yet) delivered again */
    uint64_t cursor;        /* last number of the finished front */
    uint64_t saved;         /* what of it is durable */
    uint64_t ack;           /* number to acknowledge; 0: none */
    uint64_t ack_apart;     /* the same of those that came by themselves */
    uint32_t credit_events; /* to give back */
    uint64_t credit_bytes;
};

int mr_inbox_open(struct mr_inbox **ret, const char *state_dir, struct mr_error *reterr);
void mr_inbox_close(struct mr_inbox *inbox); /* NULL is fine */

/* Known ones are kept; NULL when out of memory. Valid until close. */
struct mr_inbox_subscription *mr_inbox_subscription(struct mr_inbox *inbox, const char *name);
struct mr_inbox_subscription *mr_inbox_find(struct mr_inbox *inbox, const char *name);
struct mr_list *mr_inbox_subscriptions(struct mr_inbox *inbox);

/* A new session with the hub begins: it will deliver again what was not acknowledged. */
void mr_inbox_new_session(struct mr_inbox *inbox);

enum mr_inbox_delivery { MR_INBOX_HAND_OVER = 0, MR_INBOX_KNOWN = 1 };
/*
 * HAND_OVER: to the adapter. KNOWN: it has it already, finished or not. Negative: MR_ENOMEM. apart: in a
 * Deliver that is released or replayed.
 */
int mr_inbox_deliver(struct mr_inbox_subscription *subscription, uint64_t number, size_t bytes, bool apart);
/* done false: nacked; it does not hold up later ones. MR_ENOTFOUND: not waiting for this number. */
int mr_inbox_finish(struct mr_inbox_subscription *subscription, uint64_t number, bool done);
/* Makes the cursors durable; to be called before acks are sent. */
int mr_inbox_save(struct mr_inbox *inbox);

#endif
