/*
 * Terms pass while the hub of a scene goes on: some hundred events, eleven days, a run of retention. A hold
 * keeps everything until the run is asked for. The scene's configuration needs JOB_RETENTION_CONFIG.
 */
#ifndef MR_TESTS_JOB_RETENTION_H
#define MR_TESTS_JOB_RETENTION_H

#include "tests/crash/replay/scene.h"

#define JOB_RETENTION_CONFIG                                                                                 \
    "operators:\n  - {name: officer, roles: [pd-officer]}\n"                                                 \
    "retention:\n  classes: [{types: [nms.programme.], keep_days: 10}]\n"

struct job_retention {
    struct scene *scene;
    char hold[40]; /* "": none */
};

/* The hub runs: events, some of them in closed segments; days pass, and it is started again. */
void job_retention_prepare(struct job_retention *job);
/* Asks for the run. The hub may end meanwhile. */
void job_retention_go(struct job_retention *job);
/* Asks again until it is done; everything of before the days has expired. */
void job_retention_finish(struct job_retention *job);

#endif
