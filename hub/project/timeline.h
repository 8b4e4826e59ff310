/* What persons did, ordered by person and day: to find the last thing before a day. Borrows the facts. */
#ifndef MR_HUB_PROJECT_TIMELINE_H
#define MR_HUB_PROJECT_TIMELINE_H

#include "hub/project/fold.h"

struct mr_timeline {
    struct mr_fold_deed *items;
    size_t count;
};

int mr_timeline_of_deeds(struct mr_timeline *ret, const struct mr_vec *deeds);
int mr_timeline_of_courses(struct mr_timeline *ret, const struct mr_fold *fold); /* on: last day */
void mr_timeline_fini(struct mr_timeline *timeline);

/* The person's last one on or before the day; NULL. */
const struct mr_fold_deed *mr_timeline_before(
        const struct mr_timeline *timeline, uint32_t person, uint32_t on);
/* The person's with this id (of the fact); NULL. */
const struct mr_fold_deed *mr_timeline_by_id(
        const struct mr_timeline *timeline, uint32_t person, const char *id);

#endif
