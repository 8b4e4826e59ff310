/*
 * index/ and views/ made again from the log (decision 29), and the proof that they would be the same. For the
 * tool; blocking; needs the keys of persons.
 */
#ifndef MR_HUB_INDEX_REBUILD_H
#define MR_HUB_INDEX_REBUILD_H

#include "proto/base/tick.h"
#include "proto/config/config.h"

enum mr_rebuild_what { MR_REBUILD_INDEX = 1, MR_REBUILD_VIEWS = 2, MR_REBUILD_ALL = 3 };

struct mr_rebuilt {
    uint64_t through;
    bool index_same, views_same; /* of a check */
    uint64_t entries, entries_again;
    uint64_t facts, facts_again;
    uint64_t blocked; /* events of blocked persons, whose facts were not compared */
};

/* Removes what is there, whatever its state, and builds anew. tick: events so far; NULL: nobody wants to
 * know, here and below. MR_EEXISTS: a hub runs. */
int mr_rebuild(const struct mr_config *config, enum mr_rebuild_what what, const struct mr_tick *tick,
        struct mr_rebuilt *ret, struct mr_error *reterr);

/*
 * Builds both beside, up to where the present ones are, compares, and removes it again; with a hub running or
 * without. Facts of events with a blocked person are left out: the present ones were made before the block.
 * MR_EAGAIN: for a minute the index did not stand still long enough.
 */
int mr_rebuild_check(const struct mr_config *config, const struct mr_tick *tick, struct mr_rebuilt *ret,
        struct mr_error *reterr);

#endif
