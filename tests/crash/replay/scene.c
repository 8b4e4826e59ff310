#include "tests/crash/replay/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

uint64_t scene_setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

static const char *trace_path(const struct scene *scene, char ret[static 256])
{
    (void)snprintf(ret, 256, "%s.trace", scene->history->hub.dir);
    return ret;
}

struct scene *scene_new(void)
{
    struct scene *scene = calloc(1, sizeof *scene);
    char path[256];

    assert_non_null(scene);
    scene->seed = scene_setting("MR_SEED", 0);
    if (scene->seed == 0)
        assert_int_equal(getrandom(&scene->seed, sizeof scene->seed, 0), sizeof scene->seed);
    scene->history = history_new(scene->seed);
    spawn_init(&scene->history->hub, "");
    trace_create(&scene->history->trace, trace_path(scene, path));
    scene_preload(scene, NULL);
    return scene;
}

void scene_free(struct scene *scene)
{
    char path[256];

    (void)unlink(trace_path(scene, path));
    trace_close(&scene->history->trace);
    spawn_fini(&scene->history->hub);
    history_free(scene->history);
    free(scene);
}

void scene_preload(struct scene *scene, const char *more)
{
    struct spawn *hub = &scene->history->hub;
    int n = 0;

    (void)snprintf(scene->variables[n++], 256, "LD_PRELOAD=%s/libmr-recorder.so", MR_BIN_DIR);
    (void)snprintf(scene->variables[n++], 256, "ASAN_OPTIONS=verify_asan_link_order=0");
    (void)snprintf(scene->variables[n++], 256, "MR_RECORD_BELOW=%s", hub->dir);
    (void)trace_path(scene, scene->variables[n]);
    memmove(scene->variables[n] + strlen("MR_RECORD="), scene->variables[n], 256 - strlen("MR_RECORD="));
    memcpy(scene->variables[n++], "MR_RECORD=", strlen("MR_RECORD="));
    if (more)
        (void)snprintf(scene->variables[n++], 256, "%s", more);
    memset(scene->environment, 0, sizeof scene->environment);
    for (int i = 0; i < n; i++)
        scene->environment[i] = scene->variables[i];
    hub->environment = scene->environment;
}

void scene_begin(struct scene *scene)
{
    spawn_start(&scene->history->hub);
    history_connect(scene->history);
}

int scene_until_gone(struct scene *scene)
{
    int status;

    while (history_step_or_gone(scene->history))
        continue;
    status = spawn_wait(&scene->history->hub);
    history_disconnect(scene->history);
    return status;
}

void scene_stop(struct scene *scene)
{
    history_settle(scene->history);
    spawn_stop(&scene->history->hub);
    history_disconnect(scene->history);
}
