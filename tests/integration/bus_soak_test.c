/*
 * Processes with systems in them, that publish to each other through a hub, while processes are killed,
 * stopped and continued, and the hub is killed. Every event has effect once, in its producer's order; the
 * balance holds; then, with nothing happening to the hub itself, its memory stays flat. In the suite some
 * rounds; with MR_MINUTES (`./run soak`) as long as that, and only then the memory is judged. MR_SEED: which
 * round is what.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/list.h"
#include "tests/support/crowd.h"

enum {
    PROCESSES = 4,
    EACH = 3, /* systems a process */
    SYSTEMS = PROCESSES * EACH,
    ROUNDS = 3,  /* one of each */
    EVENTS = 60, /* a system and round; ten times that in a long run */
    DEADLINE_MS = 120 * 1000,
    SAMPLES_MAX = 100000,
    GROWTH_KIB_MAX = 24 * 1024, /* from the second third of the samples to the last */
};

struct soak {
    struct crowd crowd;
    pid_t processes[PROCESSES];
    unsigned seed;
    int64_t until_us; /* 0: by rounds */
    bool calm;        /* nothing happens to the hub any more */
    long *kib;        /* anonymous memory of the hub after each calm round */
    size_t samples;
    unsigned kills, hangs, hub_kills;
};

static int64_t now_us(void)
{
    return mr_clock_monotonic_us(mr_clock_system());
}

static void start_process(struct soak *soak, size_t i)
{
    soak->processes[i] = crowd_fork(&soak->crowd, i * EACH, (i + 1) * EACH);
}

static int setup(void **state)
{
    struct soak *soak = calloc(1, sizeof *soak);
    const char *minutes = getenv("MR_MINUTES"), *seed = getenv("MR_SEED");

    assert_non_null(soak);
    soak->kib = calloc(SAMPLES_MAX, sizeof *soak->kib);
    assert_non_null(soak->kib);
    soak->seed = seed ? (unsigned)strtoul(seed, NULL, 10) : 1;
    if (minutes)
        soak->until_us = now_us() + (int64_t)(strtod(minutes, NULL) * 60e6);
    /* what is not indexed yet is kept in memory: that is to be full soon */
    crowd_init(&soak->crowd, SYSTEMS, NULL, "  ping_interval_ms: 400\n  index_lag_max: 2000\n");
    soak->crowd.silence_us = 1600 * 1000;
    spawn_start(&soak->crowd.spawn);
    for (size_t i = 0; i < PROCESSES; i++)
        start_process(soak, i);
    *state = soak;
    return 0;
}

static void kill_process(struct soak *soak, size_t i)
{
    int status;

    assert_int_equal(waitpid(soak->processes[i], &status, WNOHANG), 0); /* it has found nothing wrong */
    (void)kill(soak->processes[i], SIGKILL);
    assert_int_equal(waitpid(soak->processes[i], &status, 0), soak->processes[i]);
    soak->processes[i] = 0;
}

static int teardown(void **state)
{
    struct soak *soak = *state;

    for (size_t i = 0; i < PROCESSES; i++)
        if (soak->processes[i] > 0)
            (void)kill(soak->processes[i], SIGKILL);
    crowd_fini(&soak->crowd);
    free(soak->kib);
    free(soak);
    return 0;
}

/* ---- waiting ---- */

static void wait_for(
        struct soak *soak, const char *what, bool (*fn)(struct soak *soak, size_t which), size_t which)
{
    int64_t until = now_us() + DEADLINE_MS * (int64_t)1000;

    while (!fn(soak, which)) {
        for (size_t i = 0; i < PROCESSES; i++)
            if (soak->processes[i] > 0 && waitpid(soak->processes[i], NULL, WNOHANG) != 0)
                fail_msg("a process with systems ended: %s", what);
        if (now_us() > until)
            fail_msg("did not happen in time: %s (seed %u)", what, soak->seed);
        (void)poll(NULL, 0, 5);
    }
}

static bool all_done(struct soak *soak, size_t which)
{
    (void)which;
    return crowd_all_acked(&soak->crowd) && crowd_all_received(&soak->crowd);
}

static bool some_received(struct soak *soak, size_t sum)
{
    size_t received = 0;

    for (size_t i = 0; i < SYSTEMS; i++)
        received += soak->crowd.members[i].received;
    return received >= sum;
}

/* The hub has let the systems of this process go. */
static bool is_given_up(struct soak *soak, size_t process)
{
    return crowd_is_away(&soak->crowd, process * EACH, (process + 1) * EACH);
}

static uint64_t publish(struct soak *soak)
{
    size_t events = soak->until_us ? 10 * EVENTS : EVENTS;
    uint64_t made = 0;

    for (size_t i = 0; i < SYSTEMS; i++) {
        crowd_publish(&soak->crowd, i, events);
        made += soak->crowd.members[i].made;
    }
    return made;
}

/* ---- what happens ---- */

static void round_kill(struct soak *soak)
{
    size_t i = (size_t)rand_r(&soak->seed) % PROCESSES;

    kill_process(soak, i);
    start_process(soak, i);
    soak->kills++;
}

/* Stopped with all its threads, so that its library is silent too; it goes on where it was. */
static void round_hang(struct soak *soak)
{
    size_t i = (size_t)rand_r(&soak->seed) % PROCESSES;

    assert_int_equal(kill(soak->processes[i], SIGSTOP), 0);
    wait_for(soak, "the hung process is given up", is_given_up, i);
    assert_int_equal(kill(soak->processes[i], SIGCONT), 0);
    soak->hangs++;
}

static void round_hub_kill(struct soak *soak)
{
    spawn_kill(&soak->crowd.spawn);
    spawn_start(&soak->crowd.spawn);
    soak->hub_kills++;
}

static void round_nothing(struct soak *soak)
{
    (void)soak;
}

static void (*const stormy[])(struct soak *) = {round_kill, round_hang, round_hub_kill};
static void (*const calmer[])(struct soak *) = {round_kill, round_hang, round_nothing, round_nothing};

/* It happens while a part of what was published is on its way. */
static void one_round(struct soak *soak, void (*what)(struct soak *))
{
    uint64_t made = publish(soak);

    wait_for(soak, "a part is received", some_received, (size_t)(made - made / 100));
    (void)publish(soak);
    what(soak);
    wait_for(soak, "everybody has received everything", all_done, 0);
    if (soak->calm && soak->samples < SAMPLES_MAX)
        soak->kib[soak->samples++] = crowd_hub_kib(&soak->crowd);
}

/* The mean of a part of the samples. */
static long mean(const struct soak *soak, size_t from, size_t to)
{
    long sum = 0;

    for (size_t i = from; i < to; i++)
        sum += soak->kib[i];
    return sum / (long)(to - from);
}

/* The first third is for warming up: the second must not differ from the last, but for a step such as a new
 * arena of the allocator (12 MiB at once were seen, and flat behind it: docs/bench.md, "An hour"). */
static void expect_flat(struct soak *soak)
{
    size_t third = soak->samples / 3;
    long middle, last;

    assert_true(third > 0);
    middle = mean(soak, third, 2 * third);
    last = mean(soak, 2 * third, soak->samples);
    (void)printf("bus: %u kills, %u hung processes, %u kills of the hub, %llu events of the first system; "
                 "memory of "
                 "the hub in %zu rounds: %ld KiB, then %ld KiB\n",
            soak->kills, soak->hangs, soak->hub_kills, (unsigned long long)soak->crowd.members[0].made,
            soak->samples, middle, last);
    if (last - middle > GROWTH_KIB_MAX)
        fail_msg("the hub's memory grows: %ld KiB, then %ld KiB", middle, last);
}

static void test_soak(void **state)
{
    struct soak *soak = *state;
    int64_t begun = now_us();

    if (!soak->until_us) {
        for (size_t i = 0; i < ROUNDS; i++)
            one_round(soak, stormy[i % MR_COUNT(stormy)]);
    } else {
        int64_t storm_until = begun + (soak->until_us - begun) / 4;

        while (now_us() < storm_until)
            one_round(soak, stormy[(size_t)rand_r(&soak->seed) % MR_COUNT(stormy)]);
        soak->calm = true;
        while (now_us() < soak->until_us)
            one_round(soak, calmer[(size_t)rand_r(&soak->seed) % MR_COUNT(calmer)]);
        expect_flat(soak);
    }
    crowd_expect_balance(&soak->crowd);
    for (size_t i = 0; i < PROCESSES; i++)
        kill_process(soak, i);
    spawn_stop(&soak->crowd.spawn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_soak, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
