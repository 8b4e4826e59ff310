/*
 * Power loss. A real hub runs under the recorder (recorder/) with real clients, is killed and started again
 * in between; then, for thousands of moments of its trace, the folder is made anew as the disk may have been
 * left (replay/disk.h has the rules) and opened (replay/reopened.h says what must hold).
 *
 * MR_SEED repeats a run's choices, MR_CUTS asks for another number of moments, MR_BATCHES for another
 * history. The processes' own timing is not repeated: a finding names its moment and the folder is kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/sdk/file.h"
#include "proto/base/list.h"
#include "tests/crash/replay/disk.h"
#include "tests/crash/replay/reopened.h"
#include "tests/support/tmpdir.h"

#ifdef __SANITIZE_ADDRESS__
enum { CUTS = 400, START_CUTS = 100 }; /* an address space that is slow to fork */
#else
enum { CUTS = 1600, START_CUTS = 400 };
#endif
enum { START_ENTRIES = 300, LOST_CUTS = 100, MUTANT_CUTS = 100, BATCHES = 240, MUTANT_BATCHES = 90 };
enum { SIGN_EVERY = 20, KILLS = 2, AT_ONCE = 2, SHOWN_MAX = 12 };

struct scene {
    uint64_t seed;
    struct history *history;
    char variables[6][256];
    const char *environment[8];
};

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

/* ---- the run that is recorded ---- */

/* more: one more variable, or NULL. */
static void preload(struct scene *scene, const char *more)
{
    struct spawn *hub = &scene->history->hub;
    int n = 0;

    (void)snprintf(scene->variables[n++], 256, "LD_PRELOAD=%s/libmr-recorder.so", MR_BIN_DIR);
    (void)snprintf(scene->variables[n++], 256, "ASAN_OPTIONS=verify_asan_link_order=0");
    (void)snprintf(scene->variables[n++], 256, "MR_RECORD_BELOW=%s", hub->dir);
    (void)snprintf(scene->variables[n++], 256, "MR_RECORD=%s.trace", hub->dir);
    if (more)
        (void)snprintf(scene->variables[n++], 256, "%s", more);
    memset(scene->environment, 0, sizeof scene->environment);
    for (int i = 0; i < n; i++)
        scene->environment[i] = scene->variables[i];
    hub->environment = scene->environment;
}

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    char path[256];

    assert_non_null(scene);
    scene->seed = setting("MR_SEED", 0);
    if (scene->seed == 0)
        assert_int_equal(getrandom(&scene->seed, sizeof scene->seed, 0), sizeof scene->seed);
    scene->history = history_new(scene->seed);
    spawn_init(&scene->history->hub, "");
    (void)snprintf(path, sizeof path, "%s.trace", scene->history->hub.dir);
    trace_create(&scene->history->trace, path);
    preload(scene, NULL);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    char path[256];

    (void)snprintf(path, sizeof path, "%s.trace", scene->history->hub.dir);
    (void)unlink(path);
    trace_close(&scene->history->trace);
    spawn_fini(&scene->history->hub);
    history_free(scene->history);
    free(scene);
    return 0;
}

static void begin(struct scene *scene)
{
    spawn_start(&scene->history->hub);
    history_connect(scene->history);
}

static void expect_killed(struct scene *scene)
{
    int status;

    while (history_step_or_gone(scene->history))
        continue;
    status = spawn_wait(&scene->history->hub);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    history_disconnect(scene->history);
}

static void stop(struct scene *scene)
{
    history_settle(scene->history);
    spawn_stop(&scene->history->hub);
    history_disconnect(scene->history);
}

/* The hub lives KILLS + 1 times; the last time it stops in order. */
static void run(struct scene *scene, uint64_t batches)
{
    uint64_t random = scene->seed;

    for (unsigned life = 0; life <= KILLS; life++) {
        begin(scene);
        for (uint64_t i = 0; i < batches / (KILLS + 1); i++) {
            history_step(scene->history, disk_random(&random) % 2 == 0);
            if (i % SIGN_EVERY == SIGN_EVERY - 1)
                history_await_signed(scene->history);
        }
        if (life == KILLS) {
            stop(scene);
        } else {
            trace_kill(&scene->history->trace, 1 + disk_random(&random) % 60);
            expect_killed(scene);
            trace_kill(&scene->history->trace, 0);
        }
    }
}

/* ---- what may be left of it ---- */

/* In memory, where there is such a place: thousands of stores are made and synced. */
static char *new_folder(void)
{
    char *before = getenv("TMPDIR") ? strdup(getenv("TMPDIR")) : NULL, *dir;

    if (access("/dev/shm", W_OK) == 0)
        (void)setenv("TMPDIR", "/dev/shm", 1);
    dir = mr_tmpdir_new();
    if (before)
        (void)setenv("TMPDIR", before, 1);
    else
        (void)unsetenv("TMPDIR");
    free(before);
    return dir;
}

static void copy_config(const struct scene *scene, const char *dir)
{
    struct mr_buf text = MR_BUF_INIT;
    FILE *file = fopen(mr_tmpdir_path(dir, "marshrut.yaml"), "we");

    assert_int_equal(mr_file_read(scene->history->hub.config, 1 << 20, &text), 0);
    assert_non_null(file);
    assert_int_equal(fwrite(text.data, 1, text.size, file), text.size);
    assert_int_equal(fclose(file), 0);
    mr_buf_fini(&text);
}

struct cut {
    uint64_t at; /* entries of the trace that happened */
    enum disk_choice choice;
    uint64_t seed;
    char *dir;
    struct reopened_run run;
};

struct cuts {
    struct scene *scene;
    struct reopened reopened;
    struct cut open[AT_ONCE];
    size_t open_count;
    uint64_t done, bad;
    bool keep; /* the folder of the first bad one */
};

static void finish(struct cuts *cuts)
{
    struct cut cut = cuts->open[0];
    char problem[REOPENED_PROBLEM_MAX];

    cuts->open_count--;
    memmove(cuts->open, cuts->open + 1, cuts->open_count * sizeof cut);
    cuts->done++;
    if (reopened_end(&cut.run, problem)) {
        mr_tmpdir_free(cut.dir);
        return;
    }
    if (cuts->bad++ < SHOWN_MAX && cuts->keep)
        print_message("after %llu entries, choice %d, seed %llu (MR_SEED=%llu): %s; opened in %s\n",
                (unsigned long long)cut.at, (int)cut.choice, (unsigned long long)cut.seed,
                (unsigned long long)cuts->scene->seed, problem, cut.dir);
    if (cuts->bad == 1 && cuts->keep)
        free(cut.dir);
    else
        mr_tmpdir_free(cut.dir);
}

static void cut_here(struct cuts *cuts, const struct disk *disk, uint64_t at, uint64_t seed)
{
    struct cut *cut;

    if (cuts->open_count == AT_ONCE)
        finish(cuts);
    cut = &cuts->open[cuts->open_count++];
    *cut = (struct cut){.at = at, .choice = seed % DISK_CHOICES, .seed = seed, .dir = new_folder()};
    disk_make(disk, cut->choice, seed, cut->dir);
    copy_config(cuts->scene, cut->dir);
    reopened_begin(&cut->run, &cuts->reopened, cut->dir, at);
}

/* `count` moments between two of the trace, spread evenly with a random offset each; one may come twice. */
static void make_cuts(struct cuts *cuts, uint64_t from, uint64_t to, uint64_t count)
{
    const struct trace *trace = &cuts->scene->history->trace;
    struct disk *disk = disk_new(cuts->scene->history->hub.dir);
    uint64_t at = 0, random = cuts->scene->seed ^ count;
    const struct trace_entry *entry = trace_first(trace);

    reopened_init(&cuts->reopened, cuts->scene->history);
    assert_true(to <= trace_now(trace));
    for (uint64_t made = 0; made < count; made++) {
        uint64_t next = from + made * (to - from) / count + disk_random(&random) % ((to - from) / count + 1);

        for (; entry && at < next; entry = trace_next(trace, entry))
            disk_add(disk, at++, entry);
        cut_here(cuts, disk, at, disk_random(&random));
    }
    while (cuts->open_count > 0)
        finish(cuts);
    disk_free(disk);
}

static void note(const struct cuts *cuts)
{
    print_message("%llu cuts of %llu entries, %zu signed checkpoints, %llu bad\n",
            (unsigned long long)cuts->done, (unsigned long long)trace_now(&cuts->scene->history->trace),
            cuts->reopened.notes_count, (unsigned long long)cuts->bad);
}

/* ---- tests ---- */

static void compare_file(const char *real, const char *made)
{
    struct mr_buf a = MR_BUF_INIT, b = MR_BUF_INIT;

    assert_int_equal(mr_file_read(real, 1 << 30, &a), 0);
    assert_int_equal(mr_file_read(made, 1 << 30, &b), 0);
    if (!mr_slice_equal(mr_buf_slice(&a), mr_buf_slice(&b)))
        fail_msg("%s is not what was recorded (%zu bytes, recorded %zu)", real, a.size, b.size);
    mr_buf_fini(&a);
    mr_buf_fini(&b);
}

/* The recorder misses nothing: all entries together make the folder that is there. */
static void expect_whole_trace(const struct scene *scene)
{
    static const char *const files[] = {"store/log/data.mdb", "store/keys/data.mdb", "store/index/data.mdb",
            "store/views/data.mdb", "root/root.0", "root/log.key", "root/log.checkpoint"};
    const struct trace *trace = &scene->history->trace;
    struct disk *disk = disk_new(scene->history->hub.dir);
    char *dir = new_folder();
    uint64_t at = 0;

    for (const struct trace_entry *e = trace_first(trace); e; e = trace_next(trace, e))
        disk_add(disk, at++, e);
    assert_int_equal(at, trace_now(trace));
    disk_make(disk, DISK_ALL, 1, dir);
    for (size_t i = 0; i < MR_COUNT(files); i++)
        compare_file(mr_tmpdir_path(scene->history->hub.dir, files[i]), mr_tmpdir_path(dir, files[i]));
    mr_tmpdir_free(dir);
    disk_free(disk);
}

static void expect_good(const struct cuts *cuts)
{
    note(cuts);
    if (cuts->bad > 0)
        fail_msg("%llu of %llu moments", (unsigned long long)cuts->bad, (unsigned long long)cuts->done);
}

static void test_power_loss(void **state)
{
    struct scene *scene = *state;
    struct cuts cuts = {.scene = scene, .keep = true};
    uint64_t count = setting("MR_CUTS", CUTS), end;

    run(scene, setting("MR_BATCHES", BATCHES));
    end = trace_now(&scene->history->trace);
    expect_whole_trace(scene);
    make_cuts(&cuts, 0, end, count);
    make_cuts(&cuts, 0, START_ENTRIES, count * START_CUTS / CUTS); /* while everything is being made */
    expect_good(&cuts);
    assert_true(cuts.reopened.notes_count > 5);
}

/*
 * The hub dies when the meta page of a commit is in the page cache and not on the disk. The next one sees
 * that commit as any other, tells clients and signs; and then the power fails.
 */
static void test_killed_before_meta_is_durable(void **state)
{
    struct scene *scene = *state;
    struct cuts cuts = {.scene = scene, .keep = true};
    uint64_t from;

    begin(scene);
    for (int i = 0; i < 10; i++)
        history_step(scene->history, true);
    stop(scene);
    preload(scene, "MR_RECORD_FAIL=meta:store/log/data.mdb:4:1:LOST");
    begin(scene);
    expect_killed(scene);
    from = trace_now(&scene->history->trace);
    preload(scene, NULL);
    begin(scene);
    history_await_signed(scene->history);
    stop(scene);
    make_cuts(&cuts, from, trace_now(&scene->history->trace), LOST_CUTS);
    expect_good(&cuts);
}

/* The test itself: a store that does not wait for the disk must not pass. */
static void expect_found(struct scene *scene, const char *mutant)
{
    struct cuts cuts = {.scene = scene};

    preload(scene, mutant);
    run(scene, MUTANT_BATCHES);
    make_cuts(&cuts, 0, trace_now(&scene->history->trace), MUTANT_CUTS);
    note(&cuts);
    if (cuts.bad == 0)
        fail_msg("%s is not noticed", mutant);
}

static void test_without_sync(void **state)
{
    expect_found(*state, "MR_RECORD_FORGET=sync");
}

static void test_without_synced_meta(void **state)
{
    expect_found(*state, "MR_RECORD_FORGET=part");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_power_loss, setup, teardown),
            cmocka_unit_test_setup_teardown(test_killed_before_meta_is_durable, setup, teardown),
            cmocka_unit_test_setup_teardown(test_without_sync, setup, teardown),
            cmocka_unit_test_setup_teardown(test_without_synced_meta, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
