/* A hub under the recorder, with its clients and its trace. */
#ifndef MR_TESTS_SCENE_H
#define MR_TESTS_SCENE_H

#include "tests/crash/replay/history.h"

struct scene {
    uint64_t seed;
    struct history *history;
    char variables[8][256];
    const char *environment[9];
};

/* A folder, a trace, and nothing running yet. MR_SEED, or a seed of the moment. */
struct scene *scene_new(void);
void scene_free(struct scene *scene);

/* A number from the environment. */
uint64_t scene_setting(const char *name, uint64_t otherwise);

/* What the next start of the hub gets besides: "MR_RECORD_FAIL=...", "MR_FAULT=..."; NULL: nothing. */
void scene_preload(struct scene *scene, const char *more);

/* Do its failures count now? Those of the recorder (MR_RECORD_FAIL) do at first, those of MR_FAULT do not. */
void scene_arm(struct scene *scene, bool armed);

void scene_begin(struct scene *scene); /* the hub is ready, the clients are connected */
void scene_stop(struct scene *scene);  /* in order: everything is told, the log of the hub is clean */
/* Goes on until the hub has ended by itself; its status as of waitpid(). */
int scene_until_gone(struct scene *scene);

#endif
