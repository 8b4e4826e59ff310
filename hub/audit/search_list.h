/*
 * Lists of numbers out of the index, from the first or from the newest on: a lane is one key's, a condition
 * is the union of its lanes, and all conditions must agree. Internal to search.c.
 */
#ifndef MR_HUB_AUDIT_SEARCH_LIST_H
#define MR_HUB_AUDIT_SEARCH_LIST_H

#include "store/index.h"

enum { MR_LANE_NUMBERS = 128, MR_CONDITIONS_MAX = 8 };

struct mr_lane {
    enum mr_index_kind kind;
    uint8_t key[MR_INDEX_KEY_BYTES];
    uint64_t places[MR_LANE_NUMBERS]; /* ascending: numbers, or of those from the newest on their mirror */
    size_t count, at;
    bool asked; /* places are filled */
    bool ended; /* nothing comes after them */
};

struct mr_condition {
    struct mr_lane *lanes;
    size_t count, capacity;
};

struct mr_conditions {
    struct mr_index_reader *reader; /* borrowed */
    bool newest;                    /* from the newest on, descending */
    struct mr_condition items[MR_CONDITIONS_MAX];
    size_t count;
};

struct mr_condition *mr_conditions_add(struct mr_conditions *conditions); /* never NULL */
int mr_condition_lane(struct mr_condition *condition, enum mr_index_kind kind,
        const uint8_t key[static MR_INDEX_KEY_BYTES]); /* MR_ENOMEM */
void mr_conditions_fini(struct mr_conditions *conditions);

/* The rarest first, as far as one page of each tells. */
int mr_conditions_order(struct mr_conditions *conditions, uint64_t from);
/* The first number >= from (newest: <= from) on which all agree; 0: there is none. There is at least one
 * condition. */
int mr_conditions_next(struct mr_conditions *conditions, uint64_t from, uint64_t *ret);

#endif
