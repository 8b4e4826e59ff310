#include "tests/crash/replay/job_retention.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

enum { STEPS = 90, DAYS = 11 };

static void place_hold(struct job_retention *job)
{
    json_t *placed = NULL;

    assert_int_equal(
            scene_tool(job->scene, NULL, &placed,
                    WORDS("hold", "place", "--type", "nms.", "--case", "2-17/2026", "--as", "officer")),
            0);
    (void)snprintf(job->hold, sizeof job->hold, "%s", json_string_value(json_object_get(placed, "hold")));
    json_decref(placed);
    assert_int_equal(strlen(job->hold), 32);
}

static int release_hold(const struct job_retention *job)
{
    return scene_tool(job->scene, NULL, NULL,
            WORDS("hold", "release", job->hold, "--case", "2-17/2026", "--as", "officer"));
}

static bool is_rolled(void *ctx)
{
    json_t *segments = NULL;
    bool rolled;

    history_serve(((const struct scene *)ctx)->history);
    assert_int_equal(scene_tool(ctx, NULL, &segments, WORDS("log", "segments")), 0);
    rolled = json_integer_value(json_object_get(segments, "growing")) <= 200; /* two segments */
    json_decref(segments);
    return rolled;
}

void job_retention_prepare(struct job_retention *job)
{
    struct scene *scene = job->scene;

    place_hold(job);
    for (int i = 0; i < STEPS; i++)
        history_step(scene->history, i % 10 == 9);
    history_await_delivered(scene->history);
    spawn_until("the log is rolled", is_rolled, scene);
    scene_stop(scene);
    scene_clock(scene, DAYS);
    scene_begin(scene);
    history_await_indexed(scene->history);
}

static int run(const struct job_retention *job)
{
    return scene_tool(job->scene, NULL, NULL, WORDS("retention", "run", "--as", "officer"));
}

void job_retention_go(struct job_retention *job)
{
    history_expiring(job->scene->history);
    if (release_hold(job) == 0) {
        job->hold[0] = 0;
        (void)run(job); /* it may end before it answers */
    }
}

static bool has_run(void *ctx)
{
    history_serve(((struct job_retention *)ctx)->scene->history);
    return run(ctx) == 0;
}

void job_retention_finish(struct job_retention *job)
{
    if (job->hold[0] && release_hold(job) == 0)
        job->hold[0] = 0;
    spawn_until("the terms have passed", has_run, job);
    history_expired(job->scene->history);
}
