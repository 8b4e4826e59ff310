/*
 * Which keys of a subscription are held up by what is parked, in memory; the rows of the log are the truth.
 * Tags are keyed digests, so they are their own hash. One thread.
 */
#ifndef MR_HUB_DELIVER_PARKED_H
#define MR_HUB_DELIVER_PARKED_H

#include "hub/deliver/order.h"

enum { MR_PARKED_TAGS_MAX = 65536 };

struct mr_parked_tag {
    uint64_t tag; /* 0: free */
    uint32_t rows;
};

struct mr_parked {
    struct mr_parked_tag *tags; /* open addressing; rows 0: not held up any more */
    size_t capacity, used;
    uint64_t rows; /* that are parked, with and without a key */
    bool full;     /* there are more keys than are kept: nothing may pass until some are gone */
};

void mr_parked_fini(struct mr_parked *parked);
void mr_parked_reset(struct mr_parked *parked); /* keeps memory */

/* A row more, a row less. What finds no place makes it full. */
void mr_parked_add(struct mr_parked *parked, const struct mr_order *order);
void mr_parked_remove(struct mr_parked *parked, const struct mr_order *order);
bool mr_parked_holds(const struct mr_parked *parked, const struct mr_order *order);

#endif
