/*
 * The power fails under an adapter: a real marshrut-school under the recorder reads files into its outbox,
 * sends them to a hub of the test's own, and writes what that delivers, killed once in between. For hundreds
 * of moments its folders are made anew as a disk may have them, and an adapter goes on there, with a hub that
 * knows what the hub knew at that moment. What was acknowledged is in out/ already; then every row of every
 * file comes to the hub, under one id with the same bytes each time (the hub knows repeats by that), and
 * nothing else; every file has its receipt; everything delivered is in out/ once, whole.
 *
 * MR_SEED, MR_CUTS: as in power_loss_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/school/school.h"
#include "adapters/sdk/adapter.h"
#include "tests/crash/replay/adapter_recording.h"
#include "tests/crash/replay/cuts.h"
#include "tests/support/tmpdir.h"

#ifdef __SANITIZE_ADDRESS__
enum { CUTS = 60 };
#else
enum { CUTS = 200 };
#endif
enum { AT_ONCE = 2, MUTANT_CUTS = 40, WAIT_S = 120 };

/* ---- a moment of it ---- */

struct look {
    struct recording_desk desk;
    const struct recording *of;
    const char *dir;
    bool had_any; /* events, at that moment */
    struct mr_config *config;
    struct mr_school *school;
    bool closed;
};

/* What the hub had at that moment. */
static void remember(struct look *look, uint64_t at)
{
    const struct recording_desk *all = &look->of->desk;

    for (size_t i = 0; i < all->events_count; i++)
        if (all->events[i].at <= at)
            look->desk.events[look->desk.events_count++] = all->events[i];
    look->had_any = look->desk.events_count > 0;
    for (size_t i = 0; i < all->acks_count; i++)
        if (all->acks[i].at <= at)
            look->desk.cursor = all->acks[i].through;
}

/* So many sequences of its epoch are at the hub. */
static void remember_sequences(struct look *look, uint64_t at)
{
    struct fake_hub *hub = &look->desk.hub;
    const struct fake_hub *all = &look->of->desk.hub;

    hub->epoch = all->epoch;
    for (size_t i = 0; i < look->of->desk.taken_count; i++)
        hub->stored += look->of->desk.taken_at[i] <= at;
    memcpy(hub->sums, all->sums, sizeof hub->sums);
    memcpy(hub->sizes, all->sizes, sizeof hub->sizes);
}

static bool is_over(void *ctx)
{
    struct look *look = ctx;
    struct mr_adapter_status status;

    mr_adapter_status(mr_school_adapter(look->school), &status);
    return look->desk.problem[0] ||
           (status.up && status.outbox_waiting == 0 && look->desk.cursor == RECORDING_DELIVERIES &&
                   recording_count(recording_folder(&look->desk, look->dir, "in"), "", ".csv") == 0);
}

static void on_closed(void *ctx)
{
    ((struct look *)ctx)->closed = true;
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer; /* files have no event of the loop */
}

/* Until it is over; what does not come is a finding, not a failure of this process. */
static void turn(struct look *look)
{
    uint64_t until = uv_hrtime() + WAIT_S * UINT64_C(1000000000);
    uv_timer_t tick;

    (void)uv_timer_init(&look->desk.loop, &tick);
    (void)uv_timer_start(&tick, on_tick, 5, 5);
    while (!is_over(look)) {
        if (uv_hrtime() > until)
            (void)snprintf(look->desk.problem, RECORDING_PROBLEM_MAX, "it does not come to its end");
        (void)uv_run(&look->desk.loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&tick, NULL);
    (void)uv_run(&look->desk.loop, UV_RUN_NOWAIT);
}

static void go_on(struct look *look)
{
    struct mr_error error = {0};

    if (mr_config_load(&look->config, mr_tmpdir_path(look->dir, "marshrut.yaml"), &error) != 0 ||
            mr_school_open(&look->school, &look->desk.loop, look->config, "marshrut-school/test", &error) !=
                    0) {
        (void)snprintf(look->desk.problem, RECORDING_PROBLEM_MAX, "%.100s: %.100s", error.where, error.what);
        return;
    }
    turn(look);
    mr_school_close(look->school, on_closed, look);
    while (!look->closed)
        (void)uv_run(&look->desk.loop, UV_RUN_ONCE);
}

static void expect_written(struct look *look, uint64_t through, const char *when)
{
    for (uint64_t number = 1; number <= through && !look->desk.problem[0]; number++)
        if (!recording_is_written(&look->desk, look->dir, number))
            (void)snprintf(look->desk.problem, RECORDING_PROBLEM_MAX,
                    "delivery %llu of %llu is not in out/ %s", (unsigned long long)number,
                    (unsigned long long)through, when);
}

/* The hub had none of it: ids are under a secret of the adapter, which may be another one now. */
static void expect_as_many(struct look *look)
{
    if (look->desk.events_count != look->of->desk.events_count)
        (void)snprintf(look->desk.problem, RECORDING_PROBLEM_MAX, "%zu events instead of %zu",
                look->desk.events_count, look->of->desk.events_count);
}

static void expect_each(struct look *look)
{
    struct recording_desk *desk = &look->desk;
    const struct recording_desk *all = &look->of->desk;

    for (size_t i = 0; i < all->events_count && !desk->problem[0]; i++)
        if (!recording_desk_find(desk, all->events[i].id))
            (void)snprintf(desk->problem, RECORDING_PROBLEM_MAX, "lost: %s", all->events[i].id);
    for (size_t i = 0; i < desk->events_count && !desk->problem[0]; i++)
        if (!recording_desk_find(all, desk->events[i].id))
            (void)snprintf(desk->problem, RECORDING_PROBLEM_MAX, "nobody wrote: %s", desk->events[i].id);
}

static void expect_answers(struct look *look)
{
    struct recording_desk *desk = &look->desk;

    for (unsigned i = 0; i < RECORDING_FILES && !desk->problem[0]; i++) {
        char begin[32];

        (void)snprintf(begin, sizeof begin, "list-%u.csv.", i);
        if (recording_count(recording_folder(desk, look->dir, "done"), begin, ".receipt.txt") == 0)
            (void)snprintf(desk->problem, RECORDING_PROBLEM_MAX, "no receipt of %s", begin);
    }
    if (!desk->problem[0] &&
            recording_count(recording_folder(desk, look->dir, "out"), "", "") != RECORDING_DELIVERIES)
        (void)snprintf(desk->problem, RECORDING_PROBLEM_MAX, "too many files in out/");
}

/* In a process of its own. */
static int judge(const struct recording *r, const char *dir, uint64_t at)
{
    struct look *look = calloc(1, sizeof *look);

    look->of = r;
    look->dir = dir;
    look->desk.school = r->desk.school;
    memcpy(look->desk.ogrn, r->desk.ogrn, sizeof look->desk.ogrn);
    remember(look, at);
    remember_sequences(look, at);
    expect_written(look, look->desk.cursor, "though it was acknowledged");
    recording_desk_open(&look->desk);
    recording_desk_config(&look->desk, dir);
    if (!look->desk.problem[0])
        go_on(look);
    expect_written(look, RECORDING_DELIVERIES, "in the end");
    if (!look->desk.problem[0] && look->had_any)
        expect_each(look);
    else if (!look->desk.problem[0])
        expect_as_many(look);
    expect_answers(look);
    if (look->desk.problem[0] && !r->mutant)
        print_message("after %llu entries (MR_SEED=%llu): %s; see %s\n", (unsigned long long)at,
                (unsigned long long)r->seed, look->desk.problem, dir);
    return look->desk.problem[0] != 0;
}

struct judged {
    pid_t pid;
    char *dir;
};

/* The first bad one's folder is kept. */
static unsigned take(const struct recording *r, struct judged *judged)
{
    int status;
    bool bad;

    assert_int_equal(waitpid(judged->pid, &status, 0), judged->pid);
    bad = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    if (!bad || r->mutant)
        mr_tmpdir_free(judged->dir);
    else
        free(judged->dir);
    return bad;
}

static struct judged begin(const struct recording *r, const struct disk *disk, uint64_t at, uint64_t seed)
{
    struct judged judged = {.dir = cuts_folder()};

    disk_make(disk, seed % DISK_CHOICES, seed, judged.dir);
    judged.pid = fork();
    assert_true(judged.pid >= 0);
    if (judged.pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)alarm(2 * WAIT_S); /* also when what is broken is read in circles */
        _exit(judge(r, judged.dir, at));
    }
    return judged;
}

/* How many of `wanted` moments are bad. */
static unsigned cut(const struct recording *r, uint64_t wanted)
{
    struct disk *disk = disk_new(r->dir);
    const struct trace_entry *entry = trace_first(&r->trace);
    struct judged open[AT_ONCE] = {0};
    uint64_t at = 0, end = trace_now(&r->trace), random = r->seed ^ wanted;
    unsigned bad = 0;

    for (uint64_t i = 1; i <= wanted + AT_ONCE; i++) {
        struct judged *judged = &open[i % AT_ONCE];

        if (judged->pid)
            bad += take(r, judged);
        judged->pid = 0;
        if (i > wanted)
            continue;
        for (; at < r->from + i * (end - r->from) / wanted; entry = trace_next(&r->trace, entry))
            disk_add(disk, at++, entry);
        *judged = begin(r, disk, at, disk_random(&random));
    }
    disk_free(disk);
    print_message("%llu cuts of %llu entries, %zu events, %u bad\n", (unsigned long long)wanted,
            (unsigned long long)end, r->desk.events_count, bad);
    return bad;
}

static void test_nothing_is_lost_and_nothing_doubled(void **state)
{
    struct recording *r = recording_new(NULL);

    (void)state;
    assert_true(r->desk.events_count >= RECORDING_FILES * RECORDING_ROWS);
    assert_int_equal(cut(r, scene_setting("MR_CUTS", CUTS)), 0);
    recording_free(r);
}

/* Without the marks of fsync something is lost: the test would see it. */
static void test_it_sees_what_is_lost(void **state)
{
    struct recording *r = recording_new("sync");

    (void)state;
    assert_true(cut(r, MUTANT_CUTS) > 0);
    recording_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_nothing_is_lost_and_nothing_doubled),
            cmocka_unit_test(test_it_sees_what_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
