/*
 * The fault matrix, first half: every named fault point (store/fault.h) with kill, EIO and ENOSPC in the real
 * hub (replay/matrix.h). A point that has no row here fails the test by its name. The other half, failing
 * file calls, is fault_calls_test.c.
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
#include "tests/crash/replay/matrix.h"

/*
 * kill, eio, enospc here; or the test below tests/ that makes this point fail; or neither, which is told: a
 * gap.
 */
static const struct point {
    const char *name;
    unsigned nth; /* hit */
    enum outcome kill, eio, enospc;
    const char *elsewhere;
} points[] = {
        {"store.fill.before", 20, KILLED, EXITS, WAITS, NULL},
        {"store.commit.before", 20, KILLED, EXITS, WAITS, NULL},
        {"store.commit.after", 20, KILLED, NOT_ASKED, NOT_ASKED, NULL},
        {"store.done.before", 20, KILLED, NOT_ASKED, NOT_ASKED, NULL},
        {"segment.write.before", 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"segment.rename.before", 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"segment.rename.after", 1, KILLED, GOES_ON, NOT_ASKED, NULL},
        {"segment.row.before", 1, KILLED, EXITS, WAITS, NULL},
        {"segment.trim.before", 1, KILLED, EXITS, WAITS, NULL},
        {"segment.strip.before", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "property/segment_model_test.c"},
        {"segment.remove.before", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/retention_test.c"},
        {"owed.settle", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/retention_test.c"},
        {"kv.copy", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "unit/store/kv_compact_test.c"},
        {"kv.swap", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "unit/store/kv_compact_test.c"},
        {"kv.swapped", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "unit/store/kv_compact_test.c"},
        {"keys.erase.root", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "unit/store/erasure_crash_test.c"},
        {"keys.erase.commit", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "unit/store/erasure_crash_test.c"},
        {"keys.erase.committed", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "unit/store/erasure_crash_test.c"},
        {"keys.escrow.root", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "unit/store/erasure_crash_test.c"},
        {"keys.escrow.keys", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "unit/store/erasure_crash_test.c"},
        {"keys.escrow.forget", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "unit/store/erasure_crash_test.c"},
        {"keys.erase.destroy", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "unit/store/erasure_crash_test.c"},
        {"keys.erase.destroyed", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "unit/store/erasure_crash_test.c"},
        {"erase.requested", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/erasure_test.c"},
        {"erase.collected", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/erasure_test.c"},
        {"erase.told", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/erasure_test.c"},
        {"erase.cleaned", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/erasure_test.c"},
        {"erase.drafted", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/erasure_test.c"},
        {"erase.ready", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/erasure_test.c"},
        {"erase.keys", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/erasure_test.c"},
        {"erase.destroyed", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/erasure_test.c"},
        {"erase.confirmed", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/erasure_test.c"},
        {"erase.stripped", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/erasure_test.c"},
        {"erase.written", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/erasure_test.c"},
        {"erase.completed", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/erasure_test.c"},
        {"erase.saved", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/erasure_test.c"},
        {"erase.answered", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/erasure_test.c"},
        {"restore.begun", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/restore_kill_test.c"},
        {"restore.copied", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/restore_kill_test.c"},
        {"restore.keys", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/restore_kill_test.c"},
        {"restore.log", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/restore_kill_test.c"},
        {"rebuild.built", 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/restore_kill_test.c"},
};

static const struct point *row_of(const char *name)
{
    const struct point *row = NULL;

    for (size_t p = 0; p < MR_COUNT(points); p++)
        if (strcmp(points[p].name, name) == 0)
            row = &points[p];
    if (!row)
        fail_msg("fault point %s has no row in the matrix", name);
    return row;
}

/* The test there names the point, or goes through the table and takes those of its kind. */
static void expect_elsewhere(const struct point *point)
{
    struct mr_buf text = MR_BUF_INIT;
    char path[256], kind[32];

    (void)snprintf(path, sizeof path, MR_SOURCE_DIR "/tests/%s", point->elsewhere);
    (void)snprintf(
            kind, sizeof kind, "\"%.*s\"", (int)(strchr(point->name, '.') + 1 - point->name), point->name);
    assert_int_equal(mr_file_read(path, 1 << 20, &text), 0);
    if (!strstr(mr_buf_str(&text), point->name) &&
            !(strstr(mr_buf_str(&text), "MR_FAULT_TABLE") && strstr(mr_buf_str(&text), kind)))
        fail_msg("%s says nothing of %s", point->elsewhere, point->name);
    mr_buf_fini(&text);
}

static void test_every_point_has_a_row(void **state)
{
    static const char *const all[] = {
#define POINT(name) name,
            MR_FAULT_TABLE(POINT)
#undef POINT
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(all); i++) {
        const struct point *point = row_of(all[i]);

        if (point->elsewhere)
            expect_elsewhere(point);
        else if (point->kill == NOT_ASKED)
            print_message("gap: no test makes %s fail in the hub\n", point->name);
    }
    assert_int_equal(MR_COUNT(points), MR_COUNT(all));
}

static void test_points(void **state)
{
#ifdef MR_FAULT_POINTS
    static const char *const actions[] = {"kill", "eio", "enospc"};

    for (size_t p = 0; p < MR_COUNT(points); p++)
        for (size_t a = 0; a < MR_COUNT(actions); a++) {
            const enum outcome outcomes[] = {points[p].kill, points[p].eio, points[p].enospc};
            char fault[160], met[160];

            if (outcomes[a] == NOT_ASKED)
                continue;
            (void)snprintf(
                    fault, sizeof fault, "MR_FAULT=%s:%u:%s", points[p].name, points[p].nth, actions[a]);
            (void)snprintf(met, sizeof met, "fault=%s action=%s", points[p].name, actions[a]);
            matrix_cell(*state, fault, met, outcomes[a]);
        }
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
