/* Records that an id leads to: event id, hub id, number of a document, correlation. By the index, then in its
 * tail. */
#ifndef MR_HUB_AUDIT_FIND_H
#define MR_HUB_AUDIT_FIND_H

#include "hub/house.h"

enum { MR_FIND_MAX = 1000 };

struct mr_found {
    uint64_t numbers[MR_FIND_MAX]; /* ascending, distinct */
    size_t count;
    bool more; /* there are more than these */
};

/* Needs the keys, for what is looked for is stored as keyed digests. */
int mr_find(const struct mr_house *house, const char *id, struct mr_found *ret, struct mr_error *reterr);

#endif
