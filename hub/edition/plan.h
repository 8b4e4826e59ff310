/*
 * What a configuration would have done with events that are in the log: each is opened, matched anew and
 * compared with where it was matched to. Nothing of an event is told but its number. Any thread that may
 * take its time.
 */
#ifndef MR_HUB_EDITION_PLAN_H
#define MR_HUB_EDITION_PLAN_H

#include "hub/house.h"

enum { MR_PLAN_EXAMPLES = 5 };

struct mr_plan_row {
    const char *name;       /* of the subscription; lives in the configuration or in the names of the log */
    bool added;             /* not in the configuration that the hub has now */
    bool removed;           /* not in the new one */
    uint64_t before, after; /* events that it got, and would get */
    uint64_t gained, lost;
    uint64_t gained_at[MR_PLAN_EXAMPLES]; /* the first ones */
    uint64_t lost_at[MR_PLAN_EXAMPLES];
    uint64_t seen_before, seen_after; /* the number that was counted last */
};

struct mr_plan {
    struct mr_plan_row *rows;
    size_t count;
    uint64_t from, to;                        /* numbers */
    uint64_t looked;                          /* events that were matched anew */
    uint64_t unreadable;                      /* erased, blocked, expired or damaged: left out */
    uint64_t unwanted_before, unwanted_after; /* that no subscription wants */
};

/* Every so many events; non-zero stops, and is returned. */
typedef int (*mr_plan_progress_fn)(void *ctx, const struct mr_plan *plan);

/*
 * Numbers from to to, both included. config is checked already; it is borrowed until fini. house needs its
 * keyring.
 */
int mr_plan_make(struct mr_plan *ret, const struct mr_house *house, const struct mr_config *config,
        uint64_t from, uint64_t to, mr_plan_progress_fn progress, void *ctx, struct mr_error *reterr);
void mr_plan_fini(struct mr_plan *plan);

#endif
