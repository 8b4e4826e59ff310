#include "tests/crash/replay/points.h"

#include <stdio.h>

#include "proto/base/list.h"

/* A point behind what is durable cannot fail, only be the place of a death: eio and enospc go on there. */
const struct point points[] = {
        {"store.fill.before", TRAFFIC, 20, KILLED, EXITS, WAITS, NULL},
        {"store.commit.before", TRAFFIC, 20, KILLED, EXITS, WAITS, NULL},
        {"store.commit.after", TRAFFIC, 20, KILLED, GOES_ON, GOES_ON, NULL},
        {"store.done.before", TRAFFIC, 20, KILLED, GOES_ON, GOES_ON, NULL},
        {"segment.write.before", TRAFFIC, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"segment.rename.before", TRAFFIC, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"segment.rename.after", TRAFFIC, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"segment.row.before", TRAFFIC, 1, KILLED, EXITS, WAITS, NULL},
        {"segment.trim.before", TRAFFIC, 1, KILLED, EXITS, WAITS, NULL},
        {"segment.strip.before", ERASURE, 1, KILLED, EXITS, WAITS, NULL},
        {"segment.remove.before", RETENTION, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"owed.settle", RETENTION, 1, KILLED, EXITS, GOES_ON, NULL},
        {"index.commit.before", TRAFFIC, 2, KILLED, EXITS, GOES_ON, NULL},
        {"view.commit.before", TRAFFIC, 2, KILLED, EXITS, GOES_ON, NULL},
        /* escrow, then the compaction of keys, index, views, log */
        {"kv.copy", ERASURE_KEYS, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"kv.copy", ERASURE_KEYS, 2, KILLED, EXITS, GOES_ON, NULL},
        {"kv.copy", ERASURE_KEYS, 3, KILLED, EXITS, GOES_ON, NULL},
        {"kv.copy", ERASURE_KEYS, 4, KILLED, EXITS, GOES_ON, NULL},
        {"kv.copy", ERASURE_KEYS, 5, KILLED, EXITS, GOES_ON, NULL},
        {"kv.swap", ERASURE_KEYS, 1, KILLED, EXITS, GOES_ON, NULL},
        {"kv.swap", ERASURE_KEYS, 2, KILLED, EXITS, GOES_ON, NULL},
        {"kv.swap", ERASURE_KEYS, 3, KILLED, EXITS, GOES_ON, NULL},
        {"kv.swap", ERASURE_KEYS, 4, KILLED, EXITS, GOES_ON, NULL},
        {"kv.swapped", ERASURE_KEYS, 1, KILLED, EXITS, EXITS, NULL},
        {"kv.swapped", ERASURE_KEYS, 2, KILLED, NOT_ASKED, NOT_ASKED, NULL},
        {"kv.swapped", ERASURE_KEYS, 3, KILLED, NOT_ASKED, NOT_ASKED, NULL},
        {"kv.swapped", ERASURE_KEYS, 4, KILLED, EXITS, NOT_ASKED, NULL},
        {"keys.erase.root", ERASURE_KEYS, 1, KILLED, EXITS, GOES_ON, NULL},
        {"keys.erase.commit", ERASURE_KEYS, 1, KILLED, EXITS, GOES_ON, NULL},
        {"keys.erase.committed", ERASURE_KEYS, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"keys.escrow.root", ERASURE_KEYS, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"keys.escrow.keys", ERASURE_KEYS, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"keys.escrow.forget", ERASURE_KEYS, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"keys.erase.destroy", ERASURE_KEYS, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"keys.erase.destroyed", ERASURE_KEYS, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"erase.requested", ERASURE, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"erase.collected", ERASURE, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"erase.told", ERASURE, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"erase.cleaned", ERASURE, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"erase.drafted", ERASURE, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"erase.ready", ERASURE, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"erase.keys", ERASURE, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"erase.destroyed", ERASURE, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"erase.confirmed", ERASURE, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"erase.stripped", ERASURE, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"erase.written", ERASURE, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"erase.completed", ERASURE, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"erase.saved", ERASURE, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"erase.answered", ANSWER, 1, KILLED, GOES_ON, GOES_ON, NULL},
        {"desk.discarded", TOOL, 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/desk_test.c"},
        {"desk.proposed", TOOL, 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/desk_test.c"},
        {"desk.corrected", TOOL, 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/desk_test.c"},
        {"desk.rejected", TOOL, 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/desk_test.c"},
        {"desk.emptied", TOOL, 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/desk_test.c"},
        {"restore.begun", TOOL, 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/restore_kill_test.c"},
        {"restore.copied", TOOL, 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/restore_kill_test.c"},
        {"restore.keys", TOOL, 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/restore_kill_test.c"},
        {"restore.log", TOOL, 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/restore_kill_test.c"},
        {"question.told", TOOL, 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/question_test.c"},
        {"rebuild.built", TOOL, 1, NOT_ASKED, NOT_ASKED, NOT_ASKED, "integration/restore_kill_test.c"},
};
const size_t points_count = MR_COUNT(points);

void points_run(struct matrix *matrix, enum work work)
{
    static const char *const actions[] = {"kill", "eio", "enospc"};

    for (size_t p = 0; p < points_count; p++)
        for (size_t a = 0; points[p].work == work && a < MR_COUNT(actions); a++) {
            const enum outcome outcomes[] = {points[p].kill, points[p].eio, points[p].enospc};
            char fault[160], met[160];

            if (outcomes[a] == NOT_ASKED)
                continue;
            (void)snprintf(
                    fault, sizeof fault, "MR_FAULT=%s:%u:%s", points[p].name, points[p].nth, actions[a]);
            (void)snprintf(met, sizeof met, "fault=%s action=%s", points[p].name, actions[a]);
            matrix_cell(matrix, fault, met, outcomes[a]);
        }
}
