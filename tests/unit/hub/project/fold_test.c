/* Each thing once: courses, persons, annulments, as of a number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "hub/project/fold.h"
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

static const struct mr_fact course = {
        .kind = MR_FACT_FINISHED, .programme = "P-1", .code = "PK", .on = 20260520};

static size_t courses(const struct mr_fact_set *set)
{
    struct mr_fold *fold;
    size_t count;

    assert_int_equal(mr_fold_create(&fold, set, NULL), 0);
    count = fold->courses.count;
    mr_fold_free(fold);
    return count;
}

static void test_told_three_times_is_one_course(void **state)
{
    struct mr_fact_set *set = *state;
    struct mr_fact other = course;
    uint64_t first = fact_of(set, 1, course);

    other.system = 3;
    (void)fact_of(set, 1, other);
    other.programme = "ФРДПП-77"; /* another id, but the document's number ... */
    other.document = "24-000017";
    other.system = 4;
    (void)fact_of(set, 1, other);
    assert_int_equal(courses(set), 2);
    /* ... and a document that names both brings all three together. */
    (void)fact_ref(set, 1, first,
            (struct mr_fact){.kind = MR_FACT_DOCUMENT, .document = "24-000017", .until = 20260601});
    assert_int_equal(courses(set), 1);
    expect_cell(set, "2.finished", "1");
    expect_cell(set, "2.finished.pk", "1");
}

static void test_other_person_programme_or_day_is_another_course(void **state)
{
    struct mr_fact_set *set = *state;
    struct mr_fact other = course;

    (void)fact_of(set, 1, course);
    (void)fact_of(set, 2, course);
    other.on = 20260521;
    (void)fact_of(set, 1, other);
    other.programme = "P-2";
    (void)fact_of(set, 1, other);
    assert_int_equal(courses(set), 4);
}

static void test_annulled_did_not_happen(void **state)
{
    struct mr_fact_set *set = *state;
    uint64_t number = fact_of(set, 1, course), annulment;

    (void)fact_annul(set, number, 7); /* a stranger's alone is nothing */
    expect_cell(set, "2.finished", "1");
    annulment = fact_annul(set, number, 2);
    expect_cell(set, "2.finished", "0");
    (void)fact_annul(set, annulment, 2); /* the annulment itself was the mistake */
    expect_cell(set, "2.finished", "1");
}

static void test_two_people_may_annul(void **state)
{
    struct mr_fact_set *set = *state;
    uint64_t number = fact_of(set, 1, course);
    struct mr_fact by_two = {.kind = MR_FACT_ANNULMENT, .system = 1, .code = "two", .has_ref = true};

    fact_ident(number, by_two.ref);
    (void)fact_add(set, by_two);
    expect_cell(set, "2.finished", "0");
}

static void test_merged_persons_are_one(void **state)
{
    struct mr_fact_set *set = *state;

    (void)fact_job(set, 1, "a", "PR");
    (void)fact_job(set, 2, "b", "UK");
    (void)fact_of(set, 1, course);
    (void)fact_of(set, 2, course);
    expect_cell(set, "1.total", "2");
    expect_cell(set, "2.finished", "2");
    (void)fact_merge(set, 1, 2);
    (void)fact_merge(set, 1, 2); /* said again, and the other way round: no circle */
    (void)fact_merge(set, 2, 1);
    expect_cell(set, "1.total", "1");
    expect_cell(set, "1.both", "1");
    expect_cell(set, "2.finished", "1");
}

static void test_duplicate_of_a_document_is_no_course(void **state)
{
    struct mr_fact_set *set = *state;

    (void)fact_of(set, 1,
            (struct mr_fact){
                    .kind = MR_FACT_DOCUMENT, .document = "D-2", .detail = "duplicate", .until = 20260901});
    expect_cell(set, "2.finished", "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_told_three_times_is_one_course, setup, teardown),
            cmocka_unit_test_setup_teardown(
                    test_other_person_programme_or_day_is_another_course, setup, teardown),
            cmocka_unit_test_setup_teardown(test_annulled_did_not_happen, setup, teardown),
            cmocka_unit_test_setup_teardown(test_two_people_may_annul, setup, teardown),
            cmocka_unit_test_setup_teardown(test_merged_persons_are_one, setup, teardown),
            cmocka_unit_test_setup_teardown(test_duplicate_of_a_document_is_no_course, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
