#include "hub/project/staff.h"

#include <stdlib.h>
#include <string.h>

#include "proto/base/err.h"

const struct mr_fold_org *mr_staff_org(const struct mr_fold *fold, const struct mr_fact *employment)
{
    uint32_t index;

    if (mr_keymap_find(&fold->org_ids, mr_slice_str(employment->org), &index) < 0)
        return NULL;
    return &MR_VEC(fold->orgs, struct mr_fold_org)[index];
}

static bool is_pr(const struct mr_fact *job)
{
    return strcmp(job->code, "PR") == 0;
}

/* NULL: it counts on that day; else why not. */
static const char *why_not(const struct mr_fold *fold, const struct mr_fold_employment *e, uint32_t on)
{
    const struct mr_fold_org *org = mr_staff_org(fold, e->fact);

    if (is_pr(e->fact) && org && org->fact && strcmp(org->fact->code, "university") == 0)
        return "university";
    if (e->fact->from > on)
        return "not-begun";
    if (e->ended && e->ended->on < on) /* ended_on is the last day in the post */
        return "ended";
    if (org && org->closed && org->closed->on < on)
        return "closed-org";
    return NULL;
}

static bool overlaps(
        const struct mr_fold *fold, const struct mr_fold_employment *e, uint32_t from, uint32_t to)
{
    const char *why = why_not(fold, e, to);

    if (!why)
        return true;
    return strcmp(why, "university") != 0 && e->fact->from <= to && (!e->ended || e->ended->on >= from) &&
           (strcmp(why, "closed-org") != 0 || mr_staff_org(fold, e->fact)->closed->on >= from);
}

/* Main place before part-time; then the one told first. */
static bool more_main(const struct mr_fact *job, const struct mr_fact *than)
{
    bool a, b;

    if (!than)
        return true;
    a = strcmp(job->text, "part-time") != 0;
    b = strcmp(than->text, "part-time") != 0;
    return a != b ? a : job->number < than->number;
}

static void count_job(struct mr_staff_person *p, const struct mr_fact *job)
{
    p->active = true;
    p->pr = p->pr || is_pr(job);
    p->uk = p->uk || !is_pr(job);
    if (more_main(job, p->main))
        p->main = job;
    if (job->detail[0] && more_main(job, p->qualified))
        p->qualified = job;
    if (job->on && (!p->serving || job->on < p->serving->on))
        p->serving = job;
    p->jobs++;
}

static void look(struct mr_staff *staff, const struct mr_fold *fold, const struct mr_fold_employment *e,
        uint32_t from, uint32_t to)
{
    struct mr_staff_person *p = &staff->persons[e->person];
    const char *why;

    if (!e->fact)
        return; /* only its end was told */
    p->in_period = p->in_period || overlaps(fold, e, from, to);
    why = why_not(fold, e, to);
    if (!why)
        count_job(p, e->fact);
    else if (!p->miss || strcmp(p->miss, "ended") == 0)
        p->miss = why;
}

static int gather_jobs(struct mr_staff *staff, const struct mr_fold *fold, uint32_t to)
{
    const struct mr_fold_employment *all = MR_VEC(fold->employments, struct mr_fold_employment);
    uint32_t at = 0;

    for (size_t i = 0; i < staff->persons_count; i++) {
        staff->persons[i].first_job = at;
        at += staff->persons[i].jobs;
        staff->active_count += staff->persons[i].active;
        staff->persons[i].jobs = 0;
    }
    staff->jobs_count = at;
    staff->jobs = calloc(at + 1, sizeof *staff->jobs);
    if (!staff->jobs)
        return MR_ENOMEM;
    for (size_t i = 0; i < fold->employments.count; i++) {
        struct mr_staff_person *p = &staff->persons[all[i].person];

        if (all[i].fact && !why_not(fold, &all[i], to))
            staff->jobs[p->first_job + p->jobs++] = all[i].fact;
    }
    return 0;
}

int mr_staff_create(struct mr_staff **ret, const struct mr_fold *fold, uint32_t from, uint32_t to)
{
    const struct mr_fold_employment *all = MR_VEC(fold->employments, struct mr_fold_employment);
    struct mr_staff *staff = calloc(1, sizeof *staff);
    int r;

    if (!staff)
        return MR_ENOMEM;
    staff->persons_count = fold->persons.count;
    staff->persons = calloc(fold->persons.count + 1, sizeof *staff->persons);
    if (!staff->persons) {
        mr_staff_free(staff);
        return MR_ENOMEM;
    }
    for (size_t i = 0; i < fold->employments.count; i++)
        look(staff, fold, &all[i], from, to);
    r = gather_jobs(staff, fold, to);
    if (r < 0) {
        mr_staff_free(staff);
        return r;
    }
    *ret = staff;
    return 0;
}

void mr_staff_free(struct mr_staff *staff)
{
    if (!staff)
        return;
    free(staff->persons);
    free(staff->jobs);
    free(staff);
}
