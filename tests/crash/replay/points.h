/*
 * The table of the fault matrix: every named fault point (store/fault.h) with what must come of it when it
 * kills, fails with EIO, finds no space; and in what work of the hub it is reached.
 */
#ifndef MR_TESTS_POINTS_H
#define MR_TESTS_POINTS_H

#include "tests/crash/replay/matrix.h"

enum work {
    TRAFFIC,
    RETENTION,
    ERASURE,      /* its steps */
    ERASURE_KEYS, /* the same, below them: keys, escrow, files written anew */
    ANSWER,       /* to the notice of an erasure */
    TOOL,         /* not here: another test makes it fail */
};

struct point {
    const char *name;
    enum work work;
    unsigned nth; /* hit */
    enum outcome kill, eio, enospc;
    const char *elsewhere; /* TOOL: the test, below tests/ */
};

extern const struct point points[];
extern const size_t points_count;

/* Every point that is reached in this work, with every action. */
void points_run(struct matrix *matrix, enum work work);

#endif
