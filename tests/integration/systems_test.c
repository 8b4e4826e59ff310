/*
 * Many connected systems. In the suite: 200 of them are welcomed, publish and receive, and 40 that break off
 * come back at once; nothing is lost, nothing comes twice. With MR_SYSTEMS=N (`./run bench systems`): the
 * figures of docs/bench.md for N systems, held against their limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "tests/support/crowd.h"

enum {
    SYSTEMS = 200,
    SHARE_BACK = 5, /* every fifth breaks off */
    DEADLINE_MS = 120 * 1000,
    SPREAD_EVENTS = 20000,
    IDLE_SECONDS = 30,
    ANONYMOUS_MIB_MAX = 128,
    IDLE_PERCENT_MAX = 2,
    BACK_MS_MAX = 5000,
};

static size_t wanted(void)
{
    const char *text = getenv("MR_SYSTEMS");

    return text ? strtoul(text, NULL, 10) : 0;
}

static int64_t now_ms(void)
{
    return mr_clock_monotonic_us(mr_clock_system()) / 1000;
}

static int setup(void **state)
{
    struct crowd *crowd = calloc(1, sizeof *crowd);
    size_t count = wanted() ? wanted() : SYSTEMS;

    assert_non_null(crowd);
    crowd_init(crowd, count, NULL, "");
    spawn_start(&crowd->spawn);
    *state = crowd;
    return 0;
}

static int teardown(void **state)
{
    struct crowd *crowd = *state;

    crowd_fini(crowd);
    free(crowd);
    return 0;
}

/* Everybody says Hello, subscribes and publishes one event for a neighbour. */
static int64_t connect_all(struct crowd *crowd)
{
    int64_t from = now_ms();

    for (size_t i = 0; i < crowd->count; i++) {
        crowd_connect(crowd, i);
        crowd_publish(crowd, i, 1);
    }
    crowd_until(crowd, "all are welcomed", crowd_all_welcomed, DEADLINE_MS);
    crowd_until(crowd, "all are acknowledged", crowd_all_acked, DEADLINE_MS);
    crowd_until(crowd, "all have received", crowd_all_received, DEADLINE_MS);
    return now_ms() - from;
}

/* Some break off and come back at once: Welcome, and one event acknowledged, for each. */
static int64_t come_back(struct crowd *crowd)
{
    int64_t from;

    for (size_t i = 0; i < crowd->count; i += SHARE_BACK)
        crowd_leave(crowd, i);
    from = now_ms();
    for (size_t i = 0; i < crowd->count; i += SHARE_BACK) {
        crowd_connect(crowd, i);
        crowd_publish(crowd, i, 1);
    }
    crowd_until(crowd, "they are welcomed again", crowd_all_welcomed, DEADLINE_MS);
    crowd_until(crowd, "they are acknowledged again", crowd_all_acked, DEADLINE_MS);
    return now_ms() - from;
}

static double cpu_seconds(pid_t pid)
{
    char path[64], line[1024];
    unsigned long user, system;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    (void)fclose(file);
    assert_int_equal(sscanf(strrchr(line, ')') + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                             &user, &system),
            2);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* Share of one core that the hub uses while everybody only answers its pings. */
static double idle_percent(struct crowd *crowd)
{
    int64_t from = now_ms(), until = from + IDLE_SECONDS * 1000;
    double cpu = cpu_seconds(crowd->spawn.pid);

    while (now_ms() < until)
        crowd_turn(crowd, 100);
    return 100 * 1000 * (cpu_seconds(crowd->spawn.pid) - cpu) / (double)(now_ms() - from);
}

/* One system publishes for all the others: events a second until the last one is taken, and what one of them
 * costs the hub. */
static double spread(struct crowd *crowd, double *ret_us_an_event)
{
    double cpu = cpu_seconds(crowd->spawn.pid);
    int64_t from = now_ms();

    crowd_publish(crowd, 0, SPREAD_EVENTS);
    crowd_until(crowd, "all are acknowledged", crowd_all_acked, DEADLINE_MS);
    crowd_until(crowd, "all have received", crowd_all_received, DEADLINE_MS);
    *ret_us_an_event = 1e6 * (cpu_seconds(crowd->spawn.pid) - cpu) / SPREAD_EVENTS;
    return 1000.0 * SPREAD_EVENTS / (double)(now_ms() - from);
}

static void test_all_are_served(void **state)
{
    struct crowd *crowd = *state;

    if (wanted())
        skip();
    (void)connect_all(crowd);
    (void)come_back(crowd);
    crowd_until(crowd, "all have received again", crowd_all_received, DEADLINE_MS);
    for (size_t i = 0; i < crowd->count; i++)
        assert_int_equal(crowd->members[i].refusals, 0);
    crowd_expect_balance(crowd);
    spawn_stop(&crowd->spawn);
}

static void test_figures(void **state)
{
    struct crowd *crowd = *state;
    int64_t connect_ms, back_ms;
    double idle, rate, us_an_event;
    long kib;

    if (!wanted())
        skip();
    connect_ms = connect_all(crowd);
    idle = idle_percent(crowd);
    back_ms = come_back(crowd);
    crowd_until(crowd, "all have received again", crowd_all_received, DEADLINE_MS);
    rate = spread(crowd, &us_an_event);
    kib = crowd_hub_kib(crowd);
    crowd_expect_balance(crowd);
    (void)printf("%zu systems: connected and served in %lld ms; anonymous memory %.1f MiB (limit %d); "
                 "idle %.2f %% of one core over %d s (limit %d); %zu back at once in %lld ms (limit %d); one "
                 "publishes for all: %.0f events/s to the last taken, %.0f us of processor time of the hub "
                 "an event\n",
            crowd->count, (long long)connect_ms, (double)kib / 1024, ANONYMOUS_MIB_MAX, idle, IDLE_SECONDS,
            IDLE_PERCENT_MAX, (crowd->count + SHARE_BACK - 1) / SHARE_BACK, (long long)back_ms, BACK_MS_MAX,
            rate, us_an_event);
    assert_true(kib <= ANONYMOUS_MIB_MAX * 1024L);
    assert_true(idle < IDLE_PERCENT_MAX);
    assert_true(back_ms <= BACK_MS_MAX);
    spawn_stop(&crowd->spawn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_all_are_served, setup, teardown),
            cmocka_unit_test_setup_teardown(test_figures, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
