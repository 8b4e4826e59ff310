/*
 * The fault matrix, first part: every named fault point (store/fault.h) with kill, EIO and ENOSPC in the real
 * hub. The table is replay/points.c; here are those that events alone come to. A point that has no row there,
 * or an action that no row asks for, fails the test by its name. Further parts: fault_erasure_test.c,
 * fault_keys_test.c, fault_retention_test.c; fault_calls_test.c has the failing file calls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sdk/file.h"
#include "proto/base/list.h"
#include "store/fault.h"
#include "tests/crash/replay/points.h"

/* The test there names the point. */
static void expect_elsewhere(const struct point *point)
{
    struct mr_buf text = MR_BUF_INIT;
    char path[256];

    (void)snprintf(path, sizeof path, MR_SOURCE_DIR "/tests/%s", point->elsewhere);
    assert_int_equal(mr_file_read(path, 1 << 20, &text), 0);
    if (!strstr(mr_buf_str(&text), point->name))
        fail_msg("%s says nothing of %s", point->elsewhere, point->name);
    mr_buf_fini(&text);
}

static void expect_row(const char *name)
{
    bool asked[3] = {false}, is_tool = false;

    for (size_t p = 0; p < points_count; p++) {
        if (strcmp(points[p].name, name) != 0)
            continue;
        asked[0] |= points[p].kill != NOT_ASKED;
        asked[1] |= points[p].eio != NOT_ASKED;
        asked[2] |= points[p].enospc != NOT_ASKED;
        is_tool = points[p].work == TOOL;
        if (is_tool)
            expect_elsewhere(&points[p]);
    }
    if (!is_tool && !(asked[0] && asked[1] && asked[2]))
        fail_msg("fault point %s: the matrix does not ask for all of kill, EIO and ENOSPC", name);
}

static void test_every_point_has_a_row(void **state)
{
    static const char *const all[] = {
#define POINT(name) name,
            MR_FAULT_TABLE(POINT)
#undef POINT
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(all); i++)
        expect_row(all[i]);
}

static void test_points(void **state)
{
#ifdef MR_FAULT_POINTS
    points_run(*state, TRAFFIC);
#else
    (void)state;
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup(test_every_point_has_a_row, matrix_setup),
            cmocka_unit_test_setup(test_points, matrix_setup),
    };

    return cmocka_run_group_tests(tests, matrix_group_setup, matrix_group_teardown);
}
