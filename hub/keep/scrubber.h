/*
 * Everything that is stored, read and checked in the background (store/scrub.h): a few rows at a time out of
 * short snapshots, once in hub.scrub_days. Damage is a line scrub.damaged in the log and a count in
 * hub.status. A thread of its own. The place is kept in STORE/scrub.place, so that a restart goes on:
 * environment, table, and where it is a log number the row; nothing that stands for a person.
 */
#ifndef MR_HUB_KEEP_SCRUBBER_H
#define MR_HUB_KEEP_SCRUBBER_H

#include "hub/house.h"
#include "store/scrub.h"

struct mr_scrubber;

struct mr_scrubber_options {
    uint32_t rows_a_step;
    uint32_t pause_ms; /* between steps */
};

/* For hub.scrub_days, 1 or more, and what is stored now. */
struct mr_scrubber_options mr_scrubber_pace(const struct mr_house *house, uint32_t days);

int mr_scrubber_start(struct mr_scrubber **ret, struct mr_house *house,
        const struct mr_scrubber_options *options, struct mr_error *reterr);
void mr_scrubber_stop(struct mr_scrubber *scrubber); /* NULL is fine */

struct mr_scrubber_status {
    uint64_t passes;       /* finished since the start */
    int64_t finished_us;   /* the last one; 0: none yet */
    uint64_t rows;         /* of this pass, since the start */
    uint64_t damaged;      /* places found in this pass */
    uint64_t damaged_last; /* in the one before */
    const char *at;        /* environment */
};
void mr_scrubber_status(struct mr_scrubber *scrubber, struct mr_scrubber_status *ret); /* any thread */

#endif
