/*
 * The hub's own words, and changes of the keyring, from a thread that may wait: never the loop, prepare, the
 * writer or the indexer. Each call returns when everything is durable. MR_ECLOSED: the hub is going down,
 * nothing happened.
 */
#ifndef MR_HUB_OWN_H
#define MR_HUB_OWN_H

#include "hub/intake/prepare.h"

/* Set by the caller: bytes (a serialized CloudEvent) and to_one; number and item_key come back. */
struct mr_own_event {
    struct mr_buf bytes; /* wiped by mr_own_fini */
    uint16_t to_one;     /* subscription of a type that is for one system; 0: matched as any other */
    uint64_t number;
    uint8_t item_key[MR_PERSON_ID_BYTES];
};

struct mr_own {
    struct mr_own_event *events; /* may be none: rows alone */
    size_t count;
    /* Rows of the same commit, when the numbers are given. Writer thread; may be called again. May be NULL.
     */
    int (*rows)(struct mr_own *own, struct mr_log_batch *batch);
    void *ctx;
};

/* An event that is not simply stored is a defect of the hub: MR_EINVAL, with its code in reterr. */
int mr_own_say(struct mr_prepare *prepare, struct mr_own *own, struct mr_error *reterr);

/* Submits an intake, which stays the caller's, and waits until it is durable; its status. Sets done and
 * owner.
 */
int mr_own_wait(struct mr_prepare *prepare, struct mr_intake *intake);

/* Runs fn on the prepare thread, between its transactions; returns its result. */
int mr_own_task(struct mr_prepare *prepare, int (*fn)(void *ctx, struct mr_keyring *keyring), void *ctx);

void mr_own_fini(struct mr_own_event *events, size_t count);

#endif
