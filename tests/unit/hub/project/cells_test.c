/* Small logs made by hand, exact figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/support/fact_log.h"

static int setup(void **state)
{
    struct mr_fact_set *set = malloc(sizeof *set);

    mr_fact_set_init(set);
    *state = set;
    return 0;
}

static int teardown(void **state)
{
    mr_fact_set_fini(*state);
    free(*state);
    return 0;
}

static void born(struct mr_fact_set *set, unsigned who, uint32_t date)
{
    (void)fact_of(set, who, (struct mr_fact){.kind = MR_FACT_PERSON, .from = date});
}

static void test_persons_not_employments(void **state)
{
    struct mr_fact_set *set = *state;

    (void)fact_job(set, 1, "a", "PR");
    (void)fact_job(set, 1, "b", "PR"); /* a second job */
    (void)fact_job(set, 1, "c", "UK"); /* and УК: once in the total */
    (void)fact_job(set, 2, "d", "UK");
    (void)fact_job(set, 2, "d", "UK"); /* said again */
    expect_cell(set, "1.total", "2");
    expect_cell(set, "1.pr", "1");
    expect_cell(set, "1.uk", "2");
    expect_cell(set, "1.both", "1");
}

static void test_ended_closed_future_and_university(void **state)
{
    struct mr_fact_set *set = *state;
    struct mr_fact future = {
            .kind = MR_FACT_EMPLOYMENT, .id = "z", .org = "1", .code = "PR", .from = 20270109};

    (void)fact_school(set, "1022400000009", "university", "04701000");
    (void)fact_job(set, 1, "a", "PR");
    (void)fact_of(set, 1, (struct mr_fact){.kind = MR_FACT_EMPLOYMENT_ENDED, .id = "a", .on = 20260831});
    (void)fact_job(set, 2, "b", "PR"); /* ends on the last day: still counts */
    (void)fact_of(set, 2, (struct mr_fact){.kind = MR_FACT_EMPLOYMENT_ENDED, .id = "b", .on = 20261231});
    (void)fact_of(set, 3, future);
    (void)fact_of(set, 4,
            (struct mr_fact){.kind = MR_FACT_EMPLOYMENT, .id = "u", .org = "1022400000009", .code = "PR"});
    expect_cell(set, "1.total", "1");
    expect_miss(set, "1.total", "ended", 1);
    expect_miss(set, "1.total", "not-begun", 1);
    expect_miss(set, "1.total", "university", 1);
    (void)fact_job(set, 1, "a", "PR"); /* taken back */
    expect_cell(set, "1.total", "2");
}

static void test_bands(void **state)
{
    struct mr_fact_set *set = *state;
    static const uint32_t births[] = {19911231, 19920101, 19711231, 19620101};

    for (unsigned i = 0; i < 4; i++) {
        (void)fact_job(set, i + 1, "j", "PR");
        born(set, i + 1, births[i]);
    }
    (void)fact_job(set, 5, "j", "PR");       /* no birth date */
    expect_cell(set, "1.age.under-35", "1"); /* 34 on the last day; who is 35 that very day is not under it */
    expect_cell(set, "1.age.35-54", "1");
    expect_cell(set, "1.age.from-55", "2");
    expect_cell(set, "1.age.unknown", "1");
    expect_miss(set, "1.age.unknown", "birth-date", 1);
    expect_cell(set, "1.service.from-3", "5");
    expect_cell(set, "1.service.under-3", "0");
}

static void test_place_and_category(void **state)
{
    struct mr_fact_set *set = *state;
    struct mr_fact side = {.kind = MR_FACT_EMPLOYMENT,
            .id = "side",
            .org = "1022400000002",
            .code = "UK",
            .detail = "highest",
            .text = "part-time",
            .from = 20200901};

    (void)fact_school(set, "1022400000001", "school", "04701000001");
    (void)fact_school(set, "1022400000002", "cnppm", "04702000");
    (void)fact_of(set, 1, side); /* told first, but part-time */
    (void)fact_job(set, 1, "main", "PR");
    expect_cell(set, "1.municipality.04701000", "1");
    expect_cell(set, "1.orgkind.school", "1");
    expect_cell(set, "1.qual.first", "1");
    side.until = 20260101;
    (void)fact_of(set, 2, side);
    expect_cell(set, "1.qual.expired", "1");
    expect_cell(set, "1.orgkind.cnppm", "1");
}

static void test_programmes(void **state)
{
    struct mr_fact_set *set = *state;
    struct mr_fact p = {.kind = MR_FACT_PROGRAMME,
            .programme = "P-1",
            .code = "PK",
            .detail = "own",
            .hours = 36,
            .on = 20250101};

    (void)fact_add(set, p);
    p.detail = "federal"; /* in both registries: hours once */
    (void)fact_add(set, p);
    p = (struct mr_fact){.kind = MR_FACT_PROGRAMME,
            .programme = "P-2",
            .code = "PP",
            .detail = "own",
            .hours = 250,
            .on = 20250101,
            .until = 20260630};
    (void)fact_add(set, p); /* ran out */
    p.programme = "P-3";
    p.until = 0;
    (void)fact_add(set, p);
    (void)fact_add(set,
            (struct mr_fact){
                    .kind = MR_FACT_PROGRAMME_REMOVED, .programme = "P-3", .detail = "own", .on = 20260301});
    expect_cell(set, "2.programmes.own", "1");
    expect_cell(set, "2.programmes.federal.pk", "1");
    expect_cell(set, "2.programmes.own.pp", "0");
    expect_cell(set, "2.hours", "36");
    /* Kind of a course that did not say it: as listed. */
    (void)fact_of(set, 1, (struct mr_fact){.kind = MR_FACT_FINISHED, .programme = "P-3", .on = 20260210});
    (void)fact_of(set, 1, (struct mr_fact){.kind = MR_FACT_ENROLLED, .programme = "P-3", .on = 20260110});
    (void)fact_of(set, 1,
            (struct mr_fact){.kind = MR_FACT_ENROLLED, .programme = "P-3", .on = 20260111, .system = 3});
    expect_cell(set, "2.finished.pp", "1");
    expect_cell(set, "2.enrolled", "1");
}

static void test_involvement(void **state)
{
    struct mr_fact_set *set = *state;
    const struct mr_fact contest = {
            .kind = MR_FACT_CONTEST, .id = "K-1", .code = "municipal", .on = 20260310};

    (void)fact_job(set, 1, "a", "PR");
    (void)fact_job(set, 2, "b", "PR");
    (void)fact_of(set, 1, contest);
    (void)fact_of(set, 1,
            (struct mr_fact){.kind = MR_FACT_CONTEST, .id = "K-2", .code = "municipal", .on = 20260410});
    (void)fact_of(set, 9, contest); /* nobody said that this one works anywhere */
    (void)fact_of(set, 2, (struct mr_fact){.kind = MR_FACT_MENTORING, .id = "M", .on = 20250901});
    (void)fact_of(set, 2, (struct mr_fact){.kind = MR_FACT_ROUTE, .id = "R", .on = 20251231}); /* last year */
    expect_cell(set, "5.contest", "1");
    expect_cell(set, "5.contest.municipal", "1");
    expect_miss(set, "5.contest", "not-staff", 1);
    expect_cell(set, "5.mentor", "1");
    expect_cell(set, "5.route", "0");
    expect_cell(set, "5.total", "2");
    (void)fact_of(set, 2, (struct mr_fact){.kind = MR_FACT_MENTORING_ENDED, .id = "M", .on = 20251130});
    expect_cell(set, "5.mentor", "0");
}

static void test_deficits(void **state)
{
    struct mr_fact_set *set = *state;

    for (unsigned who = 1; who <= 3; who++)
        (void)fact_of(set, who, (struct mr_fact){.kind = MR_FACT_DEFICIT, .id = "D", .on = 20260201});
    (void)fact_of(set, 1, (struct mr_fact){.kind = MR_FACT_DEFICIT, .id = "D", .on = 20260201}); /* again */
    (void)fact_of(set, 1,
            (struct mr_fact){
                    .kind = MR_FACT_DEFICIT_CLOSED, .id = "D", .code = "eliminated", .on = 20260601});
    expect_cell(set, "7.deficits.identified", "3");
    expect_cell(set, "7.deficits.closed", "1");
    expect_cell(set, "7.deficits.share", "33.33");
    (void)fact_of(set, 2,
            (struct mr_fact){.kind = MR_FACT_DEFICIT_CLOSED, .id = "D", .code = "withdrawn", .on = 20260601});
    expect_cell(set, "7.deficits.share", "50.00");
    expect_miss(set, "7.deficits.identified", "withdrawn", 1);
}

/* Diagnostic 1 Feb, ИОМ 11 Feb, course 13 May, re-diagnostic 2 June; another person's ИОМ took 21 days. */
static void test_medians(void **state)
{
    struct mr_fact_set *set = *state;
    uint64_t diagnostic =
            fact_of(set, 1, (struct mr_fact){.kind = MR_FACT_DIAGNOSTIC, .id = "d", .on = 20260201});

    (void)fact_ref(set, 1, diagnostic, (struct mr_fact){.kind = MR_FACT_ROUTE, .id = "r", .on = 20260211});
    (void)fact_of(
            set, 1, (struct mr_fact){.kind = MR_FACT_FINISHED, .programme = "P", .id = "r", .on = 20260513});
    (void)fact_ref(
            set, 1, diagnostic, (struct mr_fact){.kind = MR_FACT_REDIAGNOSTIC, .id = "e", .on = 20260602});
    (void)fact_of(set, 2, (struct mr_fact){.kind = MR_FACT_DIAGNOSTIC, .id = "d2", .on = 20260301});
    (void)fact_of(set, 2, (struct mr_fact){.kind = MR_FACT_ROUTE, .id = "r2", .on = 20260322});
    (void)fact_of(set, 3, (struct mr_fact){.kind = MR_FACT_ROUTE, .id = "r3", .on = 20260322});
    expect_cell(set, "7.median.diagnostic-route", "15.5");
    expect_miss(set, "7.median.diagnostic-route", "no-diagnostic", 1);
    expect_cell(set, "7.median.route-course", "91");
    expect_cell(set, "7.median.course-rediagnostic", "20");
    expect_cell(set, "7.median.diagnostic-rediagnostic", "121");
}

static void test_indicators(void **state)
{
    struct mr_fact_set *set = *state;

    for (unsigned who = 1; who <= 3; who++)
        (void)fact_job(set, who, "j", "PR");
    (void)fact_of(set, 1,
            (struct mr_fact){.kind = MR_FACT_FINISHED, .programme = "P", .on = 20260513, .document = "1"});
    (void)fact_of(set, 2, (struct mr_fact){.kind = MR_FACT_FINISHED, .programme = "P", .on = 20260513});
    (void)fact_of(set, 8,
            (struct mr_fact){.kind = MR_FACT_DOCUMENT, .programme = "P", .until = 20260513, .document = "2"});
    (void)fact_of(set, 2, (struct mr_fact){.kind = MR_FACT_CONTEST, .id = "K", .on = 20260310});
    (void)fact_of(set, 3, (struct mr_fact){.kind = MR_FACT_CONTEST, .id = "K", .on = 20260310});
    expect_cell(set, "7.indicator.aksay-2021.1", "33.33");
    expect_miss(set, "7.indicator.aksay-2021.1", "no-document", 1);
    expect_miss(set, "7.indicator.aksay-2021.1", "not-staff", 1);
    expect_cell(set, "7.indicator.aksay-2021.3", "66.67");
}

static void test_override_and_entered(void **state)
{
    struct mr_fact_set *set = *state;

    (void)fact_job(set, 1, "a", "PR");
    (void)fact_add(
            set, (struct mr_fact){.kind = MR_FACT_OVERRIDE, .id = "1.total", .text = "17", .hours = 1});
    (void)fact_add(
            set, (struct mr_fact){.kind = MR_FACT_CELL, .id = "3.premises", .text = "12.5", .hours = 3});
    (void)fact_add(set, (struct mr_fact){.kind = MR_FACT_CELL, .id = "3.premises", .text = "13", .hours = 3});
    (void)fact_add(set, (struct mr_fact){.kind = MR_FACT_CELL, .id = "1.pr", .text = "99", .hours = 1});
    expect_cell(set, "1.total", "17");
    expect_cell(set, "1.pr", "1"); /* a computed one is never entered */
    expect_cell(set, "3.premises", "13");
}

static void test_events_and_state(void **state)
{
    struct mr_fact_set *set = *state;
    struct mr_fold *fold;
    struct mr_cells *cells;
    const struct mr_cell *total;
    uint64_t a = fact_job(set, 1, "a", "PR"), b;

    (void)fact_job(set, 2, "b", "PR");
    b = fact_job(set, 2, "b", "PR");
    set->recorded_us = INT64_C(1775000000000000); /* in the period */
    assert_int_equal(mr_fold_create(&fold, set, NULL), 0);
    assert_int_equal(mr_cells_create(&cells, fold, fact_config(), NULL), 0);
    total = mr_cells_find(cells, "1.total");
    assert_int_equal(total->events_count, 2);
    assert_int_equal(total->events[0], a);
    assert_int_equal(total->events[1], b);
    assert_string_equal(total->state, "provisional");
    mr_cells_free(cells);
    mr_fold_free(fold);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_persons_not_employments, setup, teardown),
            cmocka_unit_test_setup_teardown(test_ended_closed_future_and_university, setup, teardown),
            cmocka_unit_test_setup_teardown(test_bands, setup, teardown),
            cmocka_unit_test_setup_teardown(test_place_and_category, setup, teardown),
            cmocka_unit_test_setup_teardown(test_programmes, setup, teardown),
            cmocka_unit_test_setup_teardown(test_involvement, setup, teardown),
            cmocka_unit_test_setup_teardown(test_deficits, setup, teardown),
            cmocka_unit_test_setup_teardown(test_medians, setup, teardown),
            cmocka_unit_test_setup_teardown(test_indicators, setup, teardown),
            cmocka_unit_test_setup_teardown(test_override_and_entered, setup, teardown),
            cmocka_unit_test_setup_teardown(test_events_and_state, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
