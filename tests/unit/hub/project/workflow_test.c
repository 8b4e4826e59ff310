/* The state machine: every pair of state and action, and what the refusal says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "hub/project/workflow.h"

static const bool possible[MR_PASSPORT_STATES][MR_PASSPORT_ACTIONS] = {
        /*                          set override submit approve handback send agree return copy */
        [MR_PASSPORT_DRAFT] = {1, 1, 1, 0, 0, 0, 0, 0, 0},
        [MR_PASSPORT_SUBMITTED] = {0, 0, 0, 1, 1, 0, 0, 0, 0},
        [MR_PASSPORT_HANDED_BACK] = {1, 1, 1, 0, 0, 0, 0, 0, 0},
        [MR_PASSPORT_APPROVED] = {0, 0, 0, 0, 0, 1, 0, 0, 1},
        [MR_PASSPORT_SENT] = {0, 0, 0, 0, 0, 0, 1, 1, 1},
        [MR_PASSPORT_AGREED] = {1, 1, 1, 0, 0, 0, 0, 0, 1},
        [MR_PASSPORT_RETURNED] = {1, 1, 1, 0, 0, 0, 0, 0, 0},
};

static void test_every_pair(void **state)
{
    (void)state;
    for (unsigned s = 0; s < MR_PASSPORT_STATES; s++)
        for (unsigned a = 0; a < MR_PASSPORT_ACTIONS; a++) {
            struct mr_workflow_row from = {.state = (enum mr_workflow_state)s, .version = 2}, to;
            int r = mr_workflow_step(&from, (enum mr_workflow_action)a, &to, NULL);

            assert_int_equal(r, possible[s][a] ? 0 : MR_EINVAL);
            if (r == 0 && mr_workflow_action_of_cells((enum mr_workflow_action)a))
                assert_int_equal(to.state, s);
        }
}

static void test_refusal_says_what_can_be_done(void **state)
{
    struct mr_workflow_row from = {.state = MR_PASSPORT_SUBMITTED, .version = 2}, to;
    struct mr_error error = {0};

    (void)state;
    assert_int_equal(mr_workflow_step(&from, MR_PASSPORT_SEND, &to, &error), MR_EINVAL);
    assert_string_equal(error.what, "passport v2 is submitted; it can be approved or handed back");
}

static void test_row_round_trip(void **state)
{
    struct mr_workflow_row row = {.state = MR_PASSPORT_SENT, .version = 3, .as_of = 77, .digest = {1, 2, 3}},
                           back;
    struct mr_buf value = MR_BUF_INIT;

    (void)state;
    assert_int_equal(mr_workflow_encode(&value, &row), 0);
    assert_int_equal(mr_workflow_decode(&back, mr_buf_slice(&value)), 0);
    assert_int_equal(back.state, row.state);
    assert_int_equal(back.version, row.version);
    assert_int_equal(back.as_of, row.as_of);
    assert_memory_equal(back.digest, row.digest, sizeof row.digest);
    value.size--;
    assert_int_equal(mr_workflow_decode(&back, mr_buf_slice(&value)), MR_ECORRUPT);
    mr_buf_fini(&value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_every_pair),
            cmocka_unit_test(test_refusal_says_what_can_be_done),
            cmocka_unit_test(test_row_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
