/* Section 7, «Результативность работы системы»: deficits, the pace of journeys, indicators 1 and 3 of
 * aksay-2021. */
#include <stdlib.h>
#include <string.h>

#include "hub/project/cell_build.h"
#include "hub/project/timeline.h"

enum { RANK_DEFICITS = 10, RANK_MEDIANS = 20, RANK_INDICATORS = 30 };

/* ---- deficits ---- */

static void count_deficit(struct mr_cell_builder *b, const struct mr_fold_deficit *d,
        struct mr_cell *identified, struct mr_cell *closed, struct mr_cell *share)
{
    bool withdrawn = d->closed && strcmp(d->closed->code, "withdrawn") == 0;

    if (!d->identified) {
        if (mr_in_period(b, d->closed->on))
            mr_cell_miss(closed, "unidentified", 1);
        return;
    }
    if (!mr_in_period(b, d->identified->on))
        return;
    if (withdrawn) {
        mr_cell_miss(identified, "withdrawn", 1);
        return;
    }
    identified->count++;
    mr_cell_rest(b, identified, d->identified);
    mr_cell_rest(b, share, d->identified);
    if (!d->closed || d->closed->on > b->to)
        return;
    closed->count++;
    mr_cell_rest(b, closed, d->closed);
    mr_cell_rest(b, share, d->closed);
}

static void deficits(struct mr_cell_builder *b)
{
    struct mr_cell *identified = mr_cell_get(
            b, "7.deficits.identified", MR_RULE_DEFICITS_IDENTIFIED, RANK_DEFICITS, "Выявлено дефицитов");
    struct mr_cell *closed = mr_cell_get(
            b, "7.deficits.closed", MR_RULE_DEFICITS_CLOSED, RANK_DEFICITS + 1, "Устранено дефицитов");
    struct mr_cell *share = mr_cell_get(
            b, "7.deficits.share", MR_RULE_DEFICITS_SHARE, RANK_DEFICITS + 2, "Доля устранённых дефицитов");

    for (size_t i = 0; i < b->fold->deficits.count; i++)
        count_deficit(b, &MR_VEC(b->fold->deficits, struct mr_fold_deficit)[i], identified, closed, share);
    mr_cell_set_share(share, closed->count, identified->count);
    if (!identified->count)
        mr_cell_miss(share, "no-value", 1);
}

/* ---- medians ---- */

struct pace {
    struct mr_cell_builder *b;
    struct mr_timeline diagnostics, routes, courses;
};

/* The fact that a reference leads to, when it is of that kind. */
static const struct mr_fact *referred(
        const struct mr_fold *fold, bool has, const uint8_t *ident, enum mr_fact_kind kind)
{
    const struct mr_fact *fact = has ? mr_fold_by_ident(fold, ident) : NULL;

    return fact && fact->kind == kind ? fact : NULL;
}

static const struct mr_fact *fact_of(const struct mr_fold_deed *deed)
{
    return deed ? deed->fact : NULL;
}

static const struct mr_fact *diagnostic_of_route(const struct pace *p, const struct mr_fold_deed *route)
{
    const struct mr_fact *f =
            referred(p->b->fold, route->fact->has_ref, route->fact->ref, MR_FACT_DIAGNOSTIC);

    return f ? f : fact_of(mr_timeline_before(&p->diagnostics, route->person, route->on));
}

static const struct mr_fact *route_of_course(const struct pace *p, const struct mr_fold_deed *course)
{
    const struct mr_fact *f = fact_of(mr_timeline_by_id(&p->routes, course->person, course->fact->id));

    return f ? f : fact_of(mr_timeline_before(&p->routes, course->person, course->on));
}

static const struct mr_fact *course_of_rediagnostic(const struct pace *p, const struct mr_fold_deed *again)
{
    const struct mr_fact *f =
            referred(p->b->fold, again->fact->has_ref2, again->fact->ref2, MR_FACT_FINISHED);

    return f ? f : fact_of(mr_timeline_before(&p->courses, again->person, again->on));
}

static const struct mr_fact *baseline_of(const struct pace *p, const struct mr_fold_deed *again)
{
    return referred(p->b->fold, again->fact->has_ref, again->fact->ref, MR_FACT_DIAGNOSTIC);
}

static const struct step {
    const char *code, *title, *miss;
    enum mr_rule_id rule;
    size_t ends; /* timeline in struct pace, or the fold's re-diagnostics */
    const struct mr_fact *(*start)(const struct pace *p, const struct mr_fold_deed *end);
} steps[] = {
        {"7.median.diagnostic-route", "Медиана дней: диагностика — ИОМ", "no-diagnostic",
                MR_RULE_MEDIAN_ROUTE, offsetof(struct pace, routes), diagnostic_of_route},
        {"7.median.route-course", "Медиана дней: ИОМ — окончание курса", "no-route", MR_RULE_MEDIAN_COURSE,
                offsetof(struct pace, courses), route_of_course},
        {"7.median.course-rediagnostic", "Медиана дней: окончание курса — повторная диагностика", "no-course",
                MR_RULE_MEDIAN_REDIAGNOSTIC, 0, course_of_rediagnostic},
        {"7.median.diagnostic-rediagnostic", "Медиана дней: диагностика — повторная диагностика",
                "no-baseline", MR_RULE_MEDIAN_JOURNEY, 0, baseline_of},
};

static void median(struct pace *p, unsigned which)
{
    const struct step *step = &steps[which];
    const struct mr_timeline *timeline =
            step->ends ? (const struct mr_timeline *)((const char *)p + step->ends) : NULL;
    const struct mr_fold_deed *ends =
            timeline ? timeline->items : MR_VEC(p->b->fold->rediagnostics, struct mr_fold_deed);
    size_t count = timeline ? timeline->count : p->b->fold->rediagnostics.count, found = 0;
    struct mr_cell *cell = mr_cell_get(p->b, step->code, step->rule, RANK_MEDIANS + which, "%s", step->title);
    int64_t *days = calloc(count + 1, sizeof *days);

    if (!days) {
        p->b->cells->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct mr_fact *start;

        if (!mr_in_period(p->b, ends[i].on))
            continue;
        start = step->start(p, &ends[i]);
        if (!start || !start->on || start->on > ends[i].on) {
            mr_cell_miss(cell, step->miss, 1);
            continue;
        }
        days[found++] = mr_fact_day(ends[i].on) - mr_fact_day(start->on);
        mr_cell_rest(p->b, cell, start);
        mr_cell_rest(p->b, cell, ends[i].fact);
    }
    mr_cell_set_median(cell, days, found);
    free(days);
}

static void medians(struct mr_cell_builder *b)
{
    struct pace p = {.b = b};

    if (mr_timeline_of_deeds(&p.diagnostics, &b->fold->diagnostics) < 0 ||
            mr_timeline_of_deeds(&p.routes, &b->fold->routes) < 0 ||
            mr_timeline_of_courses(&p.courses, b->fold) < 0)
        b->cells->failed = true;
    else
        for (unsigned which = 0; which < sizeof steps / sizeof steps[0]; which++)
            median(&p, which);
    mr_timeline_fini(&p.diagnostics);
    mr_timeline_fini(&p.routes);
    mr_timeline_fini(&p.courses);
}

/* ---- indicators ---- */

/* Marks persons of the staff once each; returns how many. seen has a byte for each person. */
static uint64_t mark(struct mr_cell_builder *b, struct mr_cell *cell, uint8_t *seen, uint32_t person,
        const struct mr_fact *fact)
{
    bool new = !seen[person];

    seen[person] = 1;
    if (!b->staff->persons[person].active) {
        mr_cell_miss(cell, "not-staff", new);
        return 0;
    }
    mr_cell_rest(b, cell, fact);
    return new;
}

static uint64_t with_document(struct mr_cell_builder *b, struct mr_cell *cell, uint8_t *seen)
{
    const struct mr_fold_course *c = MR_VEC(b->fold->courses, struct mr_fold_course);
    uint64_t count = 0;

    for (size_t i = 0; i < b->fold->courses.count; i++)
        if (c[i].document && mr_in_period(b, c[i].issued_on))
            count += mark(b, cell, seen, c[i].person, c[i].document);
    for (size_t i = 0; i < b->fold->courses.count; i++) {
        if (c[i].document || !c[i].finished || !mr_in_period(b, c[i].ended_on) || seen[c[i].person])
            continue;
        seen[c[i].person] = 1;
        mr_cell_miss(cell, "no-document", b->staff->persons[c[i].person].active);
    }
    return count;
}

static uint64_t in_contest(struct mr_cell_builder *b, struct mr_cell *cell, uint8_t *seen)
{
    const struct mr_fold_deed *d = MR_VEC(b->fold->contests, struct mr_fold_deed);
    uint64_t count = 0;

    for (size_t i = 0; i < b->fold->contests.count; i++)
        if (mr_in_period(b, d[i].on))
            count += mark(b, cell, seen, d[i].person, d[i].fact);
    return count;
}

static const struct {
    const char *number; /* as configured, with or without the set's name */
    const char *code, *title;
    enum mr_rule_id rule;
    uint64_t (*count)(struct mr_cell_builder *b, struct mr_cell *cell, uint8_t *seen);
} indicators[] = {
        {"1", "7.indicator.aksay-2021.1",
                "Доля педагогических работников и управленческих кадров, повысивших квалификацию и "
                "профессиональную "
                "переподготовку",
                MR_RULE_AKSAY_1, with_document},
        {"3", "7.indicator.aksay-2021.3",
                "Доля педагогических работников и управленческих кадров, принявших участие в конкурсах "
                "профессионального мастерства на различных уровнях",
                MR_RULE_AKSAY_3, in_contest},
};

static bool wanted(const struct mr_config_passport *passport, const char *number)
{
    for (uint32_t i = 0; i < passport->indicators_count; i++) {
        const char *name = passport->indicators[i];
        size_t set = strlen("aksay-2021.");

        if (strncmp(name, "aksay-2021.", set) == 0)
            name += set;
        if (strcmp(name, number) == 0)
            return true;
    }
    return false;
}

static void indicator(struct mr_cell_builder *b, unsigned which)
{
    struct mr_cell *cell = mr_cell_get(b, indicators[which].code, indicators[which].rule,
            RANK_INDICATORS + which, "%s", indicators[which].title);
    uint8_t *seen = calloc(b->staff->persons_count + 1, 1);

    if (!seen) {
        b->cells->failed = true;
        return;
    }
    mr_cell_set_share(cell, indicators[which].count(b, cell, seen), b->staff->active_count);
    if (!b->staff->active_count)
        mr_cell_miss(cell, "no-staff", 1);
    for (size_t i = 0; i < b->staff->jobs_count; i++) /* the denominator rests on the staff */
        mr_cell_rest(b, cell, b->staff->jobs[i]);
    free(seen);
}

void mr_section_results(struct mr_cell_builder *b)
{
    deficits(b);
    medians(b);
    for (unsigned which = 0; which < sizeof indicators / sizeof indicators[0]; which++)
        if (wanted(&b->config->passport, indicators[which].number))
            indicator(b, which);
}
