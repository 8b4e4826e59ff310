/*
 * The fault matrix, of retention: terms pass while events go on, and at every fault point of that the hub is
 * killed, the disk fails, or is full. Afterwards everything that was to expire has, and nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/crash/replay/job_retention.h"
#include "tests/crash/replay/points.h"

#ifdef MR_FAULT_POINTS

static void init(struct matrix *matrix)
{
    *(struct job_retention *)matrix->ctx = (struct job_retention){.scene = matrix->scene};
}

static void prepare(void *ctx)
{
    job_retention_prepare(ctx);
}

static void go(void *ctx)
{
    job_retention_go(ctx);
}

static void finish(void *ctx)
{
    job_retention_finish(ctx);
}

static int group_setup(void **state)
{
    static const struct matrix_job job = {JOB_RETENTION_CONFIG, NULL, init, prepare, go, finish};
    static struct job_retention ctx;

    return matrix_job_setup(state, &job, &ctx);
}

static void test_points(void **state)
{
    points_run(*state, RETENTION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_points, matrix_setup)};

    return cmocka_run_group_tests(tests, group_setup, matrix_group_teardown);
}

#else

int main(void)
{
    return 0; /* no fault points in this build */
}

#endif
