/* hub/query_turn.h: nobody's questions keep another's from their turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "hub/query_turn.h"

enum { MANY = 60 };

static int setup(void **state)
{
    static struct mr_turns turns;

    mr_turns_init(&turns);
    *state = &turns;
    return 0;
}

/* As many as may; how many that were. */
static int ask(struct mr_turns *turns, struct mr_turn *list, int count, const char *who, bool takes_long)
{
    int asked = 0;

    for (int i = 0; i < count && mr_turns_may(turns, who, takes_long); i++)
        mr_turns_wait(turns, &list[asked++], who, takes_long);
    return asked;
}

static int run_all(struct mr_turns *turns)
{
    int running = 0;

    while (mr_turns_next(turns))
        running++;
    return running;
}

static void one_runs_one_long_question_and_few_wait(void **state)
{
    struct mr_turns *turns = *state;
    struct mr_turn list[MANY];

    assert_int_equal(ask(turns, list, MANY, "a", true), MR_TURN_LONG_OF_ONE_MAX);
    assert_int_equal(run_all(turns), 1);
    assert_false(mr_turns_may(turns, "a", true));
    assert_true(mr_turns_may(turns, "a", false)); /* its short ones are not held up by them */
    assert_true(mr_turns_may(turns, "b", true));
    mr_turns_leave(turns, &list[0]);
    assert_true(mr_turns_may(turns, "a", true));
    assert_ptr_equal(mr_turns_next(turns), &list[1]);
}

static void short_ones_run_beside_all_long_ones(void **state)
{
    struct mr_turns *turns = *state;
    struct mr_turn long_ones[MANY], short_one;
    char who[16];

    for (int i = 0; i < MANY; i++) {
        (void)snprintf(who, sizeof who, "a-%d", i);
        assert_int_equal(ask(turns, &long_ones[i], 1, who, true), 1);
    }
    assert_int_equal(run_all(turns), MR_TURN_LONG_RUNNING_MAX);
    assert_int_equal(ask(turns, &short_one, 1, "b", false), 1);
    assert_ptr_equal(mr_turns_next(turns), &short_one);
}

static void short_ones_of_one_are_bounded_too(void **state)
{
    struct mr_turns *turns = *state;
    struct mr_turn list[2 * MANY], other;

    assert_int_equal(ask(turns, list, 2 * MANY, "a", false), MR_TURN_SHORT_OF_ONE_MAX);
    assert_int_equal(run_all(turns), MR_TURN_SHORT_RUNNING_OF_ONE_MAX);
    assert_int_equal(ask(turns, &other, 1, "b", false), 1);
    assert_ptr_equal(mr_turns_next(turns), &other);
}

/* a came first with five, then b, then c: each runs before a's second one has run. */
static void who_had_a_turn_goes_behind_the_others(void **state)
{
    struct mr_turns *turns = *state;
    struct mr_turn a[MR_TURN_LONG_OF_ONE_MAX], b, c, d;

    (void)ask(turns, a, MR_TURN_LONG_OF_ONE_MAX, "a", true);
    (void)ask(turns, &b, 1, "b", true);
    (void)ask(turns, &c, 1, "c", true);
    (void)ask(turns, &d, 1, "d", true);
    assert_ptr_equal(mr_turns_next(turns), &a[0]);
    assert_ptr_equal(mr_turns_next(turns), &b);
    assert_null(mr_turns_next(turns));
    mr_turns_leave(turns, &a[0]);
    assert_ptr_equal(mr_turns_next(turns), &c);
    mr_turns_leave(turns, &c);
    assert_ptr_equal(mr_turns_next(turns), &d);
    mr_turns_leave(turns, &b);
    assert_ptr_equal(mr_turns_next(turns), &a[1]); /* and its own stay in their order */
    mr_turns_leave(turns, &a[1]);
    assert_ptr_equal(mr_turns_next(turns), &a[2]);
}

/* Given up before it ran. */
static void who_leaves_while_waiting_is_forgotten(void **state)
{
    struct mr_turns *turns = *state;
    struct mr_turn list[2];

    assert_int_equal(ask(turns, list, 2, "a", true), 2);
    mr_turns_leave(turns, &list[0]);
    assert_ptr_equal(mr_turns_next(turns), &list[1]);
    mr_turns_leave(turns, &list[1]);
    assert_null(mr_turns_next(turns));
    assert_int_equal(ask(turns, list, 1, "a", true), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup(one_runs_one_long_question_and_few_wait, setup),
            cmocka_unit_test_setup(short_ones_run_beside_all_long_ones, setup),
            cmocka_unit_test_setup(short_ones_of_one_are_bounded_too, setup),
            cmocka_unit_test_setup(who_had_a_turn_goes_behind_the_others, setup),
            cmocka_unit_test_setup(who_leaves_while_waiting_is_forgotten, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
