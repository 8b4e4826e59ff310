/*
 * The demo's processes: `marshrut up` (hub and adapters) and the two counterparts that stand for the outside
 * systems. Their output goes to log files in DIR. They end with this process, also when it is killed. For the
 * kill test, one of the supervised processes at a time is killed -9 at a random moment and comes back by
 * itself.
 */
#ifndef MR_TESTS_DEMO_CREW_H
#define MR_TESTS_DEMO_CREW_H

#include <stdint.h>
#include <sys/types.h>

#include "proto/base/err.h"
#include "tests/demo/setup.h"

enum { CREW_MEMBERS = 3 };

struct crew {
    pid_t pids[CREW_MEMBERS]; /* up, counterpart cnppm, counterpart portal */
    uint64_t random;          /* state for kills */
    int kills_done;
    int kills_left;
    int64_t next_kill_us;
};

int crew_start(
        struct crew *ret, const struct setup *setup, int kills, uint64_t seed, struct mr_error *reterr);
void crew_stop(struct crew *crew);

/* To be called often: kills when it is time; negative when `up` or a counterpart ended. */
int crew_tick(struct crew *crew);

#endif
