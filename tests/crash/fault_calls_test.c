/*
 * The fault matrix, second half: every kind of file call of every file that the hub keeps, made to fail in
 * the real hub by the recorder (replay/matrix.h): killed before and behind it, EIO, EIO with the bytes left
 * in the page cache, ENOSPC. At the end the power fails at moments of all that: nothing may rely on a sync
 * that was tried again after it failed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/list.h"
#include "tests/crash/replay/matrix.h"

enum { CUTS = 300 };

struct call {
    const char *call, *file;
    unsigned nth;
    enum outcome kill, lost, eio, late, enospc;
};

static void test_calls(struct matrix *matrix, const struct call *calls, size_t count)
{
    static const char *const hows[] = {"KILL", "LOST", "EIO", "LATE", "ENOSPC"};

    for (size_t c = 0; c < count; c++) {
        const struct call *call = &calls[c];
        const enum outcome outcomes[] = {call->kill, call->lost, call->eio, call->late, call->enospc};

        for (size_t h = 0; h < MR_COUNT(hows); h++) {
            char fault[200], met[200];

            if (outcomes[h] == NOT_ASKED)
                continue;
            (void)snprintf(fault, sizeof fault, "MR_RECORD_FAIL=%s:%s:%u:1:%s", call->call, call->file,
                    call->nth, hows[h]);
            (void)snprintf(met, sizeof met, "fault=%s:%s", call->call, call->file);
            matrix_cell(matrix, fault, met, outcomes[h]);
        }
    }
}

static void test_log_and_keys(void **state)
{
    /* A meta page that could not be written leaves LMDB in a state that only a new start ends. */
    static const struct call calls[] = {
            {"write", "log/data.mdb", 3, KILLED, KILLED, EXITS, EXITS, WAITS},
            {"sync", "log/data.mdb", 3, KILLED, KILLED, EXITS, NOT_ASKED, WAITS},
            {"meta", "log/data.mdb", 3, KILLED, KILLED, EXITS, EXITS, EXITS},
            {"write", "keys/data.mdb", 1, KILLED, KILLED, EXITS, EXITS, WAITS},
            {"sync", "keys/data.mdb", 2, KILLED, KILLED, EXITS, NOT_ASKED, WAITS},
            {"meta", "keys/data.mdb", 1, KILLED, KILLED, EXITS, EXITS, EXITS},
    };

    test_calls(*state, calls, MR_COUNT(calls));
}

/* Derived: want of space is waited for behind the log; a failed device ends the hub all the same. */
static void test_derived(void **state)
{
    static const struct call calls[] = {
            {"write", "index/data.mdb", 2, KILLED, NOT_ASKED, EXITS, NOT_ASKED, GOES_ON},
            {"sync", "index/data.mdb", 2, KILLED, NOT_ASKED, EXITS, NOT_ASKED, GOES_ON},
            {"meta", "index/data.mdb", 2, KILLED, KILLED, EXITS, EXITS, EXITS},
            {"write", "views/data.mdb", 2, KILLED, NOT_ASKED, EXITS, NOT_ASKED, GOES_ON},
            {"sync", "views/data.mdb", 2, KILLED, NOT_ASKED, EXITS, NOT_ASKED, GOES_ON},
            {"meta", "views/data.mdb", 2, KILLED, KILLED, EXITS, EXITS, EXITS},
    };

    test_calls(*state, calls, MR_COUNT(calls));
}

/* log.checkpoint: file, name, folder; killed behind each: behind the last one its row is not there yet. */
static void test_checkpoint_file(void **state)
{
    static const struct call calls[] = {
            {"open", "log.checkpoint.new", 1, KILLED, NOT_ASKED, EXITS, NOT_ASKED, GOES_ON},
            {"write", "log.checkpoint.new", 1, KILLED, KILLED, EXITS, EXITS, GOES_ON},
            {"sync", "log.checkpoint.new", 1, KILLED, KILLED, EXITS, NOT_ASKED, GOES_ON},
            {"rename", "log.checkpoint", 1, KILLED, KILLED, EXITS, NOT_ASKED, GOES_ON},
            {"syncdir", "/root", 1, KILLED, KILLED, EXITS, NOT_ASKED, GOES_ON},
    };

    test_calls(*state, calls, MR_COUNT(calls));
}

/* ---- the first start ---- */

static void test_first_start(void **state)
{
    static const struct {
        const char *call, *file;
        unsigned nth;
        bool lost;
    } calls[] = {
            {"meta", "root.0", 1, true},
            {"sync", "root.0", 1, true},
            {"syncdir", "/root", 1, true},
            {"open", "log.key.new", 1, false},
            {"sync", "log.key.new", 1, true},
            {"rename", "log.key", 1, true},
            {"open", "log/data.mdb", 1, false},
            {"write", "log/data.mdb", 1, true},
            {"sync", "log/data.mdb", 1, true},
            {"sync", "log/data.mdb", 2, true},
            {"meta", "log/data.mdb", 2, true},
            {"meta", "log/data.mdb", 4, true},
            {"write", "keys/data.mdb", 2, true},
            {"meta", "keys/data.mdb", 2, true},
            {"sync", "index/data.mdb", 1, true},
            {"meta", "views/data.mdb", 1, true},
    };
    static const char *const hows[] = {"KILL", "EIO", "ENOSPC", "LOST"};

    (void)state;
    for (size_t c = 0; c < MR_COUNT(calls); c++)
        for (size_t h = 0; h < MR_COUNT(hows); h++) {
            char fault[200];

            if (h == 3 && !calls[c].lost)
                continue;
            (void)snprintf(fault, sizeof fault, "MR_RECORD_FAIL=%s:%s:%u:1:%s", calls[c].call, calls[c].file,
                    calls[c].nth, hows[h]);
            matrix_first_start(fault);
        }
}

/* ---- and power loss in all that ---- */

static void test_power_loss_around_faults(void **state)
{
    struct cuts *cuts = calloc(1, sizeof *cuts);
    struct scene *scene = ((struct matrix *)*state)->scene;

    assert_non_null(cuts);
    cuts->scene = scene;
    cuts_make(cuts, 0, trace_now(&scene->history->trace), scene_setting("MR_CUTS", CUTS));
    cuts_expect_good(cuts);
    free(cuts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup(test_log_and_keys, matrix_setup),
            cmocka_unit_test_setup(test_derived, matrix_setup),
            cmocka_unit_test_setup(test_checkpoint_file, matrix_setup),
            cmocka_unit_test_setup(test_power_loss_around_faults, matrix_setup),
            cmocka_unit_test_setup(test_first_start, matrix_setup),
    };

    return cmocka_run_group_tests(tests, matrix_group_setup, matrix_group_teardown);
}
