/*
 * The clocks of a spawned hub, moved by the test (MR_CLOCK_AHEAD): what happens after hours is seen at once,
 * and no pause of the machine is long against them. Timers of the loop are as they are.
 */
#ifndef MR_TESTS_CLOCK_AHEAD_H
#define MR_TESTS_CLOCK_AHEAD_H

#include "tests/support/spawn.h"

struct clock_ahead {
    char variable[192];
    const char *environment[2];
};

/* Between spawn_init() and spawn_start(). Lives as long as the hub. */
void clock_ahead_init(struct clock_ahead *clock, struct spawn *spawn);
/* From now on: so many seconds ahead of the real ones. Only ever forward. */
void clock_ahead_set(const struct spawn *spawn, unsigned seconds);

#endif
