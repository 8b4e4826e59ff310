/*
 * Power loss while a person is erased, and while terms pass: as power_loss_test.c, and what was under way is
 * brought to its end after that. Then the person's event opens for nobody and the id of the key is in no
 * file; what was to expire has; and everything else is as it was told.
 *
 * MR_CUTS asks for another number of moments.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "tests/crash/replay/cuts.h"
#include "tests/crash/replay/finish.h"
#include "tests/crash/replay/job_retention.h"

#ifdef __SANITIZE_ADDRESS__
enum { CUTS = 100 };
#else
enum { CUTS = 300 };
#endif
enum { STEPS = 10, PERSONS = 3, KILL_ENTRIES = 150 };

static void steps(struct scene *scene)
{
    for (int i = 0; i < STEPS; i++)
        history_step(scene->history, i % 3 == 0);
}

/* The hub dies at some moment of the erasure, and the next one goes on. */
static void erase(struct job_erasure *job, bool killed)
{
    struct scene *scene = job->scene;

    job_erasure_prepare(job);
    steps(scene);
    if (killed)
        trace_kill(&scene->history->trace, 1 + scene->seed % KILL_ENTRIES);
    job_erasure_go(job);
    if (killed) {
        int status = scene_until_gone(scene);

        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        trace_kill(&scene->history->trace, 0);
        scene_begin(scene);
    }
    steps(scene);
    job_erasure_finish(job);
}

static void test_erasure(void **state)
{
    struct job_erasure jobs[PERSONS], job;
    struct finish_erasures finish = {jobs, PERSONS};
    struct cuts *cuts = calloc(1, sizeof *cuts);
    struct scene *scene = scene_new(JOB_ERASURE_CONFIG, JOB_ERASURE_HUB);
    uint64_t from;

    (void)state;
    assert_non_null(cuts);
    job_erasure_init(&job, scene);
    scene_begin(scene);
    steps(scene);
    from = trace_now(&scene->history->trace);
    for (size_t i = 0; i < PERSONS; i++) {
        erase(&job, i == 1);
        jobs[i] = job;
    }
    job_erasure_answer(&job);
    job_erasure_await_answered(&job);
    history_await_signed(scene->history);
    scene_stop(scene);
    *cuts = (struct cuts){.scene = scene, .finish = finish_erasures, .finish_ctx = &finish};
    cuts_make(cuts, from, trace_now(&scene->history->trace), scene_setting("MR_CUTS", CUTS));
    cuts_expect_good(cuts);
    free(cuts);
    scene_free(scene);
}

static void test_retention(void **state)
{
    struct cuts *cuts = calloc(1, sizeof *cuts);
    struct scene *scene = scene_new(JOB_RETENTION_CONFIG, NULL);
    struct job_retention job = {.scene = scene};
    uint64_t from;

    (void)state;
    assert_non_null(cuts);
    scene_begin(scene);
    job_retention_prepare(&job);
    from = trace_now(&scene->history->trace);
    trace_kill(&scene->history->trace, 1 + scene->seed % KILL_ENTRIES);
    job_retention_go(&job);
    (void)scene_until_gone(scene);
    trace_kill(&scene->history->trace, 0);
    scene_begin(scene);
    steps(scene);
    job_retention_finish(&job);
    steps(scene);
    history_await_indexed(scene->history);
    history_await_signed(scene->history);
    scene_stop(scene);
    *cuts = (struct cuts){.scene = scene, .finish = finish_retention, .finish_ctx = &scene->days};
    cuts_make(cuts, from, trace_now(&scene->history->trace), scene_setting("MR_CUTS", CUTS));
    cuts_expect_good(cuts);
    free(cuts);
    scene_free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_erasure),
            cmocka_unit_test(test_retention),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
