/*
 * The fault matrix, below the steps of an erasure: the new root key, escrow, the old root's end, and the
 * files that are written anew; and file calls of the latter that fail. Otherwise as fault_erasure_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "proto/base/list.h"
#include "tests/crash/replay/job_erasure.h"
#include "tests/crash/replay/points.h"

static struct job_erasure ctx;

static int group_setup(void **state)
{
    return matrix_job_setup(state, &job_erasure, &ctx);
}

static void test_points(void **state)
{
#ifdef MR_FAULT_POINTS
    points_run(*state, ERASURE_KEYS);
#else
    (void)state;
    skip();
#endif
}

/*
 * Of the file that is written anew beside, and of the names that it takes. When the folder cannot be synced
 * behind that, either file may have the name after the power fails: nothing more may be acknowledged.
 */
static void test_calls(void **state)
{
    static const struct {
        const char *call, *file;
        const char *how;
        enum outcome outcome;
    } calls[] = {
            {"write", "store/log/compact/data.mdb", "KILL", KILLED},
            {"sync", "store/log/compact/data.mdb", "LOST", KILLED},
            {"sync", "store/log/compact/data.mdb", "EIO", EXITS},
            {"write", "store/log/compact/data.mdb", "ENOSPC", GOES_ON},
            {"rename", "store/log/lock.mdb", "KILL", KILLED},
            {"rename", "store/log/data.mdb", "KILL", KILLED},
            {"rename", "store/log/data.mdb", "LOST", KILLED},
            {"rename", "store/log/data.mdb", "EIO", EXITS},
            {"syncdir", "store/log", "KILL", KILLED},
            {"syncdir", "store/log", "EIO", EXITS},
            {"syncdir", "store/keys", "EIO", EXITS},
            {"syncdir", "store/index", "EIO", EXITS},
    };

    for (size_t i = 0; i < MR_COUNT(calls); i++) {
        char fault[200], met[200];

        (void)snprintf(fault, sizeof fault, "MR_RECORD_FAIL=%s:%s:1:1:%s", calls[i].call, calls[i].file,
                calls[i].how);
        (void)snprintf(met, sizeof met, "fault=%s:%s", calls[i].call, calls[i].file);
        matrix_cell(*state, fault, met, calls[i].outcome);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup(test_calls, matrix_setup),
            cmocka_unit_test_setup(test_points, matrix_setup),
    };

    return cmocka_run_group_tests(tests, group_setup, matrix_group_teardown);
}
