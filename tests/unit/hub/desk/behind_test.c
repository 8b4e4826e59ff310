/* The order of the key: later events of a sender about a person wait behind one that waits, and no others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "tests/support/desk_env.h"

static const struct mr_desk_word word = {"op-1", "admin", "case-7"};

#define STORED MR_VERDICT_STORED
#define HELD   MR_VERDICT_QUARANTINED

static void end(struct desk_env *f, uint64_t number)
{
    struct mr_desk_done done;
    struct mr_error error = {0};

    if (mr_desk_discard(f->desk, &f->env->house, number, &word, &done, &error) != 0)
        fail_msg("%s", error.what);
}

/* 1 is wrong; 2 and 4 are of the same person, by the local id; 3 is of another one. */
static void put_four(struct desk_env *f)
{
    assert_int_equal(desk_env_deficit(f, "e-1", WRONG_SNILS, "t-1", HELD, "snils-checkdigit"), 1);
    assert_int_equal(desk_env_deficit(f, "e-2", GOOD_SNILS, "t-1", HELD, "behind"), 2);
    assert_int_equal(desk_env_deficit(f, "e-3", OTHER_SNILS, "t-3", STORED, ""), 3);
    assert_int_equal(desk_env_deficit(f, "e-4", GOOD_SNILS, NULL, HELD, "behind"), 4);
    assert_int_equal(desk_env_row(f, 2).behind, 1);
    assert_int_equal(desk_env_row(f, 4).behind, 2);
}

static void check_in_order(struct desk_env *f)
{
    struct mr_quarantine_row second = desk_env_await(f, 2, MR_QUARANTINE_RELEASED);
    struct mr_quarantine_row fourth = desk_env_await(f, 4, MR_QUARANTINE_RELEASED);

    assert_true(second.replaced_by > 4 && second.replaced_by < fourth.replaced_by);
    assert_string_equal(second.ended_by, "hub");
    desk_env_balance(f);
}

static void the_rest_of_the_key_waits_and_goes_on(void **state)
{
    struct desk_env *f = *state;

    put_four(f);
    end(f, 1);
    check_in_order(f);
}

static void it_waits_after_a_restart_too(void **state)
{
    struct desk_env *f = *state;

    put_four(f);
    desk_env_restart(f);
    assert_int_equal(desk_env_deficit(f, "e-5", NULL, "t-1", HELD, "behind"), 5);
    end(f, 1);
    check_in_order(f);
    (void)desk_env_await(f, 5, MR_QUARANTINE_RELEASED);
}

static void nobody_is_released_past_an_earlier_one(void **state)
{
    struct desk_env *f = *state;
    struct mr_desk_done done;
    struct mr_error error = {0};

    put_four(f);
    assert_int_equal(mr_desk_release(f->desk, &f->env->house, 4, &word, &done, &error), MR_EINVAL);
    assert_non_null(strstr(error.what, "behind"));
    assert_int_equal(desk_env_row(f, 4).state, MR_QUARANTINE_WAITING);
    end(f, 1);
    check_in_order(f);
}

/* The sender mends under the same id, wrong again: its place is kept, and at last all go on. */
static void what_is_mended_keeps_its_place(void **state)
{
    struct desk_env *f = *state;

    put_four(f);
    assert_int_equal(desk_env_deficit(f, "e-1", OTHER_WRONG_SNILS, "t-1", HELD, "snils-checkdigit"), 5);
    assert_int_equal(desk_env_row(f, 1).state, MR_QUARANTINE_REPLACED);
    assert_int_equal(desk_env_row(f, 2).state, MR_QUARANTINE_WAITING);
    assert_int_equal(desk_env_row(f, 5).place, 1);
    desk_env_restart(f);
    assert_int_equal(desk_env_row(f, 2).state, MR_QUARANTINE_WAITING);
    assert_int_equal(desk_env_deficit(f, "e-1", GOOD_SNILS, "t-1", STORED, ""), 6);
    check_in_order(f);
}

/* What waits for another event does not hold that one back. */
static void the_cure_is_not_held_back(void **state)
{
    struct desk_env *f = *state;

    assert_int_equal(desk_env_deficit(f, "e-1", NULL, "t-1", HELD, "person-unresolved"), 1);
    assert_int_equal(desk_env_deficit(f, "e-2", GOOD_SNILS, "t-1", STORED, ""), 2);
    assert_int_equal(desk_env_deficit(f, "e-1", NULL, "t-1", STORED, ""), 3);
}

/* What comes free and is wrong itself waits on with its own reason, and holds nothing back. */
static void what_is_wrong_itself_says_so(void **state)
{
    struct desk_env *f = *state;
    struct mr_quarantine_row row;

    assert_int_equal(desk_env_deficit(f, "e-1", WRONG_SNILS, "t-1", HELD, "snils-checkdigit"), 1);
    assert_int_equal(desk_env_deficit(f, "e-2", NULL, "t-1", HELD, "behind"), 2);
    assert_int_equal(desk_env_deficit(f, "e-3", GOOD_SNILS, "t-1", HELD, "behind"), 3);
    end(f, 1);
    (void)desk_env_await(f, 3, MR_QUARANTINE_RELEASED);
    row = desk_env_row(f, 2);
    assert_int_equal(row.state, MR_QUARANTINE_WAITING);
    assert_string_equal(row.text.code, "person-unresolved");
    assert_int_equal(row.behind, 0);
    desk_env_balance(f);
}

/* Under a new id, with the attribute: the old one does not wait any more. */
static void a_new_id_mends_too(void **state)
{
    struct desk_env *f = *state;
    struct mr_buf event = MR_BUF_INIT;
    struct mr_quarantine_row row;

    assert_int_equal(desk_env_deficit(f, "e-1", WRONG_SNILS, "t-1", HELD, "snils-checkdigit"), 1);
    desk_env_mending(&event, "e-2", "e-1", GOOD_SNILS, "t-1");
    assert_int_equal(desk_env_publish(f, "copmkp", &event, STORED, ""), 2);
    row = desk_env_row(f, 1);
    assert_int_equal(row.state, MR_QUARANTINE_REPLACED);
    assert_int_equal(row.replaced_by, 2);
    desk_env_mending(&event, "e-3", "e-1", GOOD_SNILS, "t-1"); /* over already: an event like any other */
    assert_int_equal(desk_env_publish(f, "copmkp", &event, STORED, ""), 3);
    assert_int_equal(desk_env_row(f, 1).replaced_by, 2);
    desk_env_balance(f);
}

static void lists_of_schools_do_not_wait(void **state)
{
    struct desk_env *f = *state;
    struct mr_buf event = MR_BUF_INIT;

    hub_env_employment(&event, "s-1", WRONG_SNILS, "p-1", "1022402127461", true);
    (void)desk_env_publish(f, "school", &event, HELD, "snils-checkdigit");
    hub_env_employment(&event, "s-2", GOOD_SNILS, "p-1", "1022402127461", true);
    (void)desk_env_publish(f, "school", &event, STORED, "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, desk_env_setup, desk_env_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(the_rest_of_the_key_waits_and_goes_on),
            TEST(it_waits_after_a_restart_too), TEST(nobody_is_released_past_an_earlier_one),
            TEST(what_is_mended_keeps_its_place), TEST(the_cure_is_not_held_back),
            TEST(what_is_wrong_itself_says_so), TEST(a_new_id_mends_too), TEST(lists_of_schools_do_not_wait)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
