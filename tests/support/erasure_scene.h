/*
 * A hub with a school, an assessment centre (both real adapters, on a loop of the test's) and a portal that
 * gets pseudonyms; some hundred made-up persons with their journeys, rejected rows and quarantined events.
 * For tests of erasure.
 */
#ifndef MR_TESTS_ERASURE_SCENE_H
#define MR_TESTS_ERASURE_SCENE_H

#include <jansson.h>
#include <uv.h>

#include "adapters/school/school.h"
#include "proto/base/buf.h"
#include "store/person_group.h"
#include "tests/support/spawn.h"

enum { SCENE_PERSONS = 120, SCENE_MERGED = 3 /* has a second СНИЛС */ };

struct scene_person {
    char snils[12], second[12], family[64], given[64], birth[11], birth_typed[11], number[16];
    struct mr_person_part *parts; /* ids and keys, when looked up */
    size_t parts_count;
};

struct erasure_scene {
    struct spawn hub;
    uv_loop_t loop;
    struct mr_config *config;
    struct mr_school *school;
    void *copmkp;
    char ogrn[14];
    struct scene_person persons[SCENE_PERSONS];
    int open; /* adapters */
};

void erasure_scene_init(struct erasure_scene *scene); /* everything runs */
void erasure_scene_fini(struct erasure_scene *scene);
void erasure_scene_adapters_start(struct erasure_scene *scene);
void erasure_scene_adapters_stop(struct erasure_scene *scene);
const char *erasure_scene_path(const struct erasure_scene *scene, const char *name);

/* Lists into the school's folder: everybody; and the first `bad_count` ones again, with a wrong digit. */
void erasure_scene_drop_lists(struct erasure_scene *scene, int bad_count);
/* A deficit and a course of everybody; one person is merged with another identity. */
void erasure_scene_publish(struct erasure_scene *scene);

/* Runs marshrut on the scene's configuration; its exit status. *ret (may be NULL): what it printed, to be
 * freed. */
int erasure_scene_tool(
        const struct erasure_scene *scene, const char *input, char **ret, const char *const argv[]);
/* The document of a command that must succeed. argv without --json. */
json_t *erasure_scene_ask(const struct erasure_scene *scene, const char *const argv[]);

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
