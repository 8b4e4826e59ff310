/*
 * The fault matrix, of the steps of an erasure: at every fault point of it the hub is killed, the disk fails,
 * or is full, each time with another person and while events go on. The erasure comes to its end, afterwards
 * if not before; nothing of the person opens, the id of the key is in no file, and everything else is as it
 * was (replay/matrix.h). What lies below the steps: fault_keys_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/crash/replay/job_erasure.h"
#include "tests/crash/replay/points.h"

#ifdef MR_FAULT_POINTS

static struct job_erasure ctx;

static int erasure_setup(void **state)
{
    return matrix_job_setup(state, &job_erasure, &ctx);
}

static int answer_setup(void **state)
{
    return matrix_job_setup(state, &job_erasure_answered, &ctx);
}

static void test_points(void **state)
{
    points_run(*state, ERASURE);
}

static void test_points_of_answers(void **state)
{
    points_run(*state, ANSWER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_points, matrix_setup)};
    const struct CMUnitTest answers[] = {cmocka_unit_test_setup(test_points_of_answers, matrix_setup)};

    return cmocka_run_group_tests(tests, erasure_setup, matrix_group_teardown) +
           cmocka_run_group_tests(answers, answer_setup, matrix_group_teardown);
}

#else

int main(void)
{
    return 0; /* no fault points in this build */
}

#endif
