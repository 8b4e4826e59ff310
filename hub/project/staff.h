/* Who is on the staff on the last day of the period, and who was at any time of it: persons, never
 * employments. */
#ifndef MR_HUB_PROJECT_STAFF_H
#define MR_HUB_PROJECT_STAFF_H

#include "hub/project/fold.h"

struct mr_staff_person {
    bool active;                     /* counted on the last day */
    bool in_period;                  /* worked as ПР or УК on some day of the period */
    bool pr, uk;                     /* active as */
    const struct mr_fact *main;      /* employment that decides municipality and kind of organisation */
    const struct mr_fact *qualified; /* employment that tells the qualification category */
    const struct mr_fact *serving;   /* employment with the earliest start of service */
    const char *miss;                /* not active: why (code); NULL: never employed */
    uint32_t first_job, jobs;        /* in staff->jobs: the employments that count */
};

struct mr_staff {
    struct mr_staff_person *persons; /* by person index of the fold */
    size_t persons_count;
    uint64_t active_count;
    const struct mr_fact **jobs; /* sorted by person */
    size_t jobs_count;
};

int mr_staff_create(struct mr_staff **ret, const struct mr_fold *fold, uint32_t from, uint32_t to);
void mr_staff_free(struct mr_staff *staff);

/* Organisation of an employment; NULL when nobody described it. */
const struct mr_fold_org *mr_staff_org(const struct mr_fold *fold, const struct mr_fact *employment);

#endif
