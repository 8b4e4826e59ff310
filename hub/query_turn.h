/*
 * Whose question runs on the pool next (ADR 0031), of those that are asked over HTTP. Each who asks, a token
 * or an account, has a bounded share: one long question at a time and some short ones; what is beyond that
 * waits, in the order of its coming, behind those who have had less; and beyond what may wait, nobody asks.
 * All long ones together leave half of the pool to the short ones. The tool takes no turns. Loop thread.
 */
#ifndef MR_HUB_QUERY_TURN_H
#define MR_HUB_QUERY_TURN_H

#include <stdbool.h>

#include "proto/base/list.h"

enum {
    MR_TURN_WHO_BYTES = 64,
    MR_TURN_LONG_RUNNING_MAX = 2, /* of all; libuv's pool has four threads */
    MR_TURN_LONG_OF_ONE_MAX = 5,  /* one runs, the others wait */
    MR_TURN_SHORT_RUNNING_OF_ONE_MAX = 4,
    MR_TURN_SHORT_OF_ONE_MAX = 64,
};

struct mr_turn {
    struct mr_list link; /* of turns->running or ->waiting; alone: none is taken */
    bool takes_long;
    char who[MR_TURN_WHO_BYTES];
};

struct mr_turns {
    struct mr_list running;
    struct mr_list waiting; /* whoever is first and may, runs next */
};

void mr_turns_init(struct mr_turns *turns);
/* May who ask one more? */
bool mr_turns_may(const struct mr_turns *turns, const char *who, bool takes_long);
/* The turn waits from now on. It stays where it is until mr_turns_leave(). */
void mr_turns_wait(struct mr_turns *turns, struct mr_turn *turn, const char *who, bool takes_long);
/* The next one that runs from now on; NULL: none may. */
struct mr_turn *mr_turns_next(struct mr_turns *turns);
/* It is over, or given up. What else waits for the same asker goes behind what others wait for. */
void mr_turns_leave(struct mr_turns *turns, struct mr_turn *turn);

#endif
