/*
 * Intake goes before the index. While events come faster than the index is promised to follow at, it leaves
 * the processors to those that somebody waits for; until what it does not have is as old, or as much, as may
 * be: then it takes a batch. What it is to have by then it writes in fewer and larger runs.
 * No locks and no clock of its own: the indexer's thread, and tests.
 */
#ifndef MR_HUB_INDEX_INDEX_PACE_H
#define MR_HUB_INDEX_INDEX_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MR_INDEX_PACE_LOOK_MS = 50,        /* it is asked about so often */
    MR_INDEX_PACE_LATE_MS = 2000,      /* older than this nothing waits */
    MR_INDEX_PACE_HEAVY_PER_S = 30000, /* events that come: more than this is heavy */
    MR_INDEX_PACE_LOOKS = 50
};

/* Where the log's head was. All zeros: has not looked yet. */
struct mr_index_pace {
    struct {
        int64_t at_us;
        uint64_t head;
    } looks[MR_INDEX_PACE_LOOKS]; /* a ring; the newest is the last one written */
    size_t count;                 /* all that were ever made */
    bool heavy;
};

/* Notes where the head is now. True: what is behind `through` may wait; ask again after a look's time. */
bool mr_index_pace_waits(
        struct mr_index_pace *pace, int64_t now_us, uint64_t head, uint64_t through, uint64_t lag_max);

#endif
