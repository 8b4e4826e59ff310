/*
 * A receiver whose process is stopped (SIGSTOP): its connection lives, nobody in it does. The hub finds that
 * by its pings, lets the session go, and serves the others meanwhile; the process goes on where it was, and
 * gets what it missed: nothing lost, nothing twice, in order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "proto/base/clock.h"
#include "tests/support/crowd.h"

enum { HUNG, PRODUCER, OTHER, SYSTEMS, EVENTS = 400, TIMES = 2, DEADLINE_MS = 120 * 1000 };

struct env {
    struct crowd crowd;
    pid_t hung, others;
};

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    assert_non_null(env);
    crowd_init(&env->crowd, SYSTEMS, NULL, "  ping_interval_ms: 250\n");
    env->crowd.silence_us = 1000 * 1000;
    spawn_start(&env->crowd.spawn);
    env->hung = crowd_fork(&env->crowd, HUNG, PRODUCER);
    env->others = crowd_fork(&env->crowd, PRODUCER, SYSTEMS);
    *state = env;
    return 0;
}

static void end_process(pid_t *pid)
{
    if (*pid > 0) {
        (void)kill(*pid, SIGKILL);
        (void)waitpid(*pid, NULL, 0);
    }
    *pid = 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    end_process(&env->hung);
    end_process(&env->others);
    crowd_fini(&env->crowd);
    free(env);
    return 0;
}

static void wait_for(struct env *env, const char *what, bool (*fn)(const struct env *env))
{
    int64_t until = mr_clock_monotonic_us(mr_clock_system()) + DEADLINE_MS * (int64_t)1000;

    while (!fn(env)) {
        if (waitpid(-1, NULL, WNOHANG) > 0)
            fail_msg("a process ended: %s", what);
        if (mr_clock_monotonic_us(mr_clock_system()) > until)
            fail_msg("did not happen in time: %s", what);
        (void)poll(NULL, 0, 5);
    }
}

static bool all_done(const struct env *env)
{
    return crowd_all_acked(&env->crowd) && crowd_all_received(&env->crowd);
}

static bool others_done(const struct env *env)
{
    const struct crowd_member *members = env->crowd.members;

    /* each gets every second event of the two others */
    return crowd_all_acked(&env->crowd) && members[OTHER].received == members[PRODUCER].made / 2 &&
           members[PRODUCER].received == members[OTHER].made / 2;
}

static bool hung_is_away(const struct env *env)
{
    return crowd_is_away(&env->crowd, HUNG, PRODUCER);
}

static void test_stopped_and_continued(void **state)
{
    struct env *env = *state;
    const struct crowd_member *hung = &env->crowd.members[HUNG];
    uint64_t had;

    for (int i = 0; i < TIMES; i++) {
        crowd_publish(&env->crowd, PRODUCER, EVENTS);
        crowd_publish(&env->crowd, OTHER, EVENTS);
        wait_for(env, "all have received", all_done);
        had = hung->received;
        assert_int_equal(kill(env->hung, SIGSTOP), 0);
        crowd_publish(&env->crowd, PRODUCER, EVENTS);
        crowd_publish(&env->crowd, OTHER, EVENTS);
        wait_for(env, "the others go on", others_done);
        wait_for(env, "the hub lets the stopped one go", hung_is_away);
        assert_int_equal(hung->received, had);
        assert_int_equal(kill(env->hung, SIGCONT), 0);
        wait_for(env, "it has what it missed", all_done);
        assert_int_equal(hung->received, had + EVENTS);
    }
    assert_true(spawn_logged(&env->crowd.spawn, "why=silent"));
    crowd_expect_balance(&env->crowd);
    end_process(&env->hung);
    end_process(&env->others);
    spawn_stop(&env->crowd.spawn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_stopped_and_continued, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
