#include "tests/crash/replay/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "adapters/sdk/file.h"
#include "tests/support/run_program.h"

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

/* One more line of the section `hub`, behind its first. */
static void add_hub_setting(const char *path, const char *line)
{
    struct mr_buf text = MR_BUF_INIT;
    FILE *file;
    char *at;

    assert_int_equal(mr_file_read(path, 1 << 20, &text), 0);
    at = strstr(mr_buf_str(&text), "hub:\n");
    assert_non_null(at);
    at += strlen("hub:\n");
    file = fopen(path, "we");
    assert_non_null(file);
    (void)fwrite(text.data, 1, (size_t)(at - (char *)text.data), file);
    (void)fprintf(file, "  %s\n%s", line, at);
    assert_int_equal(fclose(file), 0);
    mr_buf_fini(&text);
}

struct scene *scene_new(const char *more, const char *hub)
{
    struct scene *scene = calloc(1, sizeof *scene);
    char path[256];

    assert_non_null(scene);
    scene->seed = scene_setting("MR_SEED", 0);
    if (scene->seed == 0)
        assert_int_equal(getrandom(&scene->seed, sizeof scene->seed, 0), sizeof scene->seed);
    scene->history = history_new(scene->seed);
    spawn_init(&scene->history->hub, more);
    add_hub_setting(scene->history->hub.config, "segment_events: 100"); /* the least: segments are made too */
    if (hub)
        add_hub_setting(scene->history->hub.config, hub);
    trace_create(&scene->history->trace, trace_path(scene, path));
    scene_preload(scene, NULL);
    return scene;
}

void scene_free(struct scene *scene)
{
    char path[256];

    (void)unlink(trace_path(scene, path));
    scene_arm(scene, false);
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
    (void)snprintf(scene->variables[n++], 256, "MR_FAULT_WHEN=%s.armed", hub->dir);
    (void)snprintf(scene->variables[n++], 256, "MR_RECORD_DAYS=%ld", scene->days);
    if (more)
        (void)snprintf(scene->variables[n++], 256, "%s", more);
    memset(scene->environment, 0, sizeof scene->environment);
    for (int i = 0; i < n; i++)
        scene->environment[i] = scene->variables[i];
    hub->environment = scene->environment;
}

void scene_clock(struct scene *scene, long days)
{
    scene->days += days;
    for (int i = 0; scene->environment[i]; i++)
        if (strncmp(scene->variables[i], "MR_RECORD_DAYS=", strlen("MR_RECORD_DAYS=")) == 0)
            (void)snprintf(scene->variables[i], 256, "MR_RECORD_DAYS=%ld", scene->days);
}

int scene_tool(const struct scene *scene, const char *input, json_t **ret, const char *const words[])
{
    const char *argv[24] = {"marshrut", "-c", scene->history->hub.config, "--json"};
    struct run_program run = {.input = input};
    size_t n = 4;

    while (*words)
        argv[n++] = *words++;
    run_program(&run, argv);
    if (ret)
        *ret = json_loads(run_program_out(&run), JSON_DISABLE_EOF_CHECK, NULL);
    if (run.status != 0 && getenv("MR_VERBOSE"))
        print_message("%s", run_program_err(&run));
    run_program_fini(&run);
    return run.status;
}

void scene_arm(struct scene *scene, bool armed)
{
    char path[256];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s.armed", scene->history->hub.dir);
    trace_arm(&scene->history->trace, armed);
    if (!armed) {
        (void)unlink(path);
        return;
    }
    file = fopen(path, "we");
    assert_non_null(file);
    (void)fclose(file);
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
