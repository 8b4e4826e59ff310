/* What a cut-off erasure or run of retention needs to come to its end, in the process that looks
 * (reopened.h). */
#ifndef MR_TESTS_FINISH_H
#define MR_TESTS_FINISH_H

#include "tests/crash/replay/job_erasure.h"
#include "tests/crash/replay/reopened.h"

struct finish_erasures {
    const struct job_erasure *jobs; /* in the order of their requests */
    size_t count;
};

/* Whoever was being erased is erased; the keys' ids are in no file then. ctx: struct finish_erasures. */
void finish_erasures(struct look *look, struct again *again, const void *ctx);

/* A run of retention, `days` (ctx: long) later, when terms had begun to pass. */
void finish_retention(struct look *look, struct again *again, const void *ctx);

#endif
