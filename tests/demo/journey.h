/*
 * The demo's story: what is fed in step by step, and how many events of each type must be in the log
 * afterwards. The expected counts come from the made-up region, not from the hub, so a lost or doubled event
 * is seen.
 */
#ifndef MR_TESTS_DEMO_JOURNEY_H
#define MR_TESTS_DEMO_JOURNEY_H

#include "hub/tool/tool.h"
#include "tests/demo/region.h"
#include "tests/demo/setup.h"

struct journey {
    const struct region *region;
    const struct setup *setup;
    struct tool *tool;        /* asks the hub */
    int (*tick)(void *ctx);   /* called while waiting; negative stops (a child died for good, Ctrl-C) */
    bool (*quiet)(void *ctx); /* is everything that was to go wrong behind us? */
    void *ctx;
};

/* Runs all steps with progress on stdout. 0, or negative after saying what did not come true. */
int journey_run(struct journey *journey, struct mr_error *reterr);

/* Compares the passport's figures with the region's. 0, or negative with the first difference. */
int journey_check_passport(struct journey *journey, struct mr_error *reterr);

#endif
