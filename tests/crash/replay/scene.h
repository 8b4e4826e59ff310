/* A hub under the recorder, with its clients and its trace. */
#ifndef MR_TESTS_SCENE_H
#define MR_TESTS_SCENE_H

#include <jansson.h>

#include "tests/crash/replay/history.h"

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

struct scene {
    uint64_t seed;
    struct history *history;
    long days; /* that the hub's clock is ahead: scene_clock() */
    char variables[9][256];
    const char *environment[10];
};

/* A folder, a trace, and nothing running yet. MR_SEED, or a seed of the moment. more: of the configuration,
 * whole sections; hub: one more line of its section `hub`. */
struct scene *scene_new(const char *more, const char *hub);
void scene_free(struct scene *scene);

/* A number from the environment. */
uint64_t scene_setting(const char *name, uint64_t otherwise);

/* What the next start of the hub gets besides: "MR_RECORD_FAIL=...", "MR_FAULT=..."; NULL: nothing. */
void scene_preload(struct scene *scene, const char *more);

/* From the next start on the hub's clock is so many days further. */
void scene_clock(struct scene *scene, long days);

/* Runs marshrut beside the hub; its exit status. input: on standard input, may be NULL. ret: the JSON that it
 * printed, the caller releases it; may be NULL. */
int scene_tool(const struct scene *scene, const char *input, json_t **ret, const char *const words[]);

/* Do its failures count now? Those of the recorder (MR_RECORD_FAIL) do at first, those of MR_FAULT do not. */
void scene_arm(struct scene *scene, bool armed);

void scene_begin(struct scene *scene); /* the hub is ready, the clients are connected */
void scene_stop(struct scene *scene);  /* in order: everything is told, the log of the hub is clean */
/* Goes on until the hub has ended by itself; its status as of waitpid(). */
int scene_until_gone(struct scene *scene);

#endif
