/* How far the index is behind is told, and bounded: acknowledgements wait for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <time.h>

#include "hub/index/indexer.h"
#include "tests/support/hub_env.h"

enum { EVENTS = 60, LAG_MAX = 50, WAIT_MS = 200 };

static void make(struct mr_buf *events, const char *what)
{
    for (unsigned i = 0; i < EVENTS; i++) {
        char id[32];

        (void)snprintf(id, sizeof id, "%s-%u", what, i);
        hub_env_programme(&events[i], id);
    }
}

static void free_all(struct mr_buf *events)
{
    for (unsigned i = 0; i < EVENTS; i++)
        mr_buf_fini(&events[i]);
}

/* Is it answered within a moment? A slow machine can only make it look as if it waited. */
static bool answered(sem_t *done)
{
    struct timespec until;
    int r;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += WAIT_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    do
        r = sem_timedwait(done, &until);
    while (r != 0 && errno == EINTR);
    return r == 0;
}

static void producers_wait_for_the_index(void **state)
{
    struct hub_env *env = *state;
    struct mr_buf first[EVENTS] = {0}, second[EVENTS] = {0};
    struct mr_intake *intake;
    struct mr_index_lag lag;
    sem_t done;

    assert_int_equal(sem_init(&done, 0, 0), 0);
    env->config->hub.index_lag_max = LAG_MAX;
    make(first, "a");
    make(second, "b");
    assert_int_equal(mr_indexer_lag(&env->house, &lag), 0);
    assert_int_equal(lag.events, 0);
    assert_int_equal(lag.oldest_us, 0);
    mr_intake_free(hub_env_publish(env, "portal", first, EVENTS, 1));
    assert_int_equal(mr_indexer_lag(&env->house, &lag), 0);
    assert_int_equal(lag.events, EVENTS);
    assert_int_equal(lag.view_events, EVENTS);
    assert_true(lag.oldest_us >= 0 && lag.oldest_us < INT64_C(3600) * 1000 * 1000);
    intake = hub_env_submit(env, "portal", second, EVENTS, 1 + EVENTS, &done);
    assert_false(answered(&done));
    assert_int_equal(mr_log_head(env->house.log), EVENTS);
    assert_int_equal(mr_indexer_run_once(&env->house, NULL), 0);
    while (sem_wait(&done) != 0)
        continue;
    assert_int_equal(intake->status, 0);
    assert_int_equal(mr_log_head(env->house.log), 2 * EVENTS);
    mr_intake_free(intake);
    (void)sem_destroy(&done);
    free_all(first);
    free_all(second);
}

/* A stop does not wait for the index: what was taken is finished and answered. */
static void a_stop_is_not_kept_waiting(void **state)
{
    struct hub_env *env = *state;
    struct mr_buf first[EVENTS] = {0}, second[EVENTS] = {0};
    struct mr_intake *intake;
    sem_t done;

    assert_int_equal(sem_init(&done, 0, 0), 0);
    env->config->hub.index_lag_max = LAG_MAX;
    make(first, "a");
    make(second, "b");
    mr_intake_free(hub_env_publish(env, "portal", first, EVENTS, 1));
    intake = hub_env_submit(env, "portal", second, EVENTS, 1 + EVENTS, &done);
    hub_env_close(env);
    while (sem_wait(&done) != 0)
        continue;
    assert_int_equal(intake->status, 0);
    mr_intake_free(intake);
    hub_env_open(env);
    assert_int_equal(mr_log_head(env->house.log), 2 * EVENTS);
    (void)sem_destroy(&done);
    free_all(first);
    free_all(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(producers_wait_for_the_index, hub_env_setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(a_stop_is_not_kept_waiting, hub_env_setup, hub_env_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
