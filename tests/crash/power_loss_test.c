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

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "adapters/sdk/file.h"
#include "proto/base/list.h"
#include "tests/crash/replay/cuts.h"
#include "tests/support/tmpdir.h"

#ifdef __SANITIZE_ADDRESS__
enum { CUTS = 400, START_CUTS = 100 }; /* an address space that is slow to fork */
#else
enum { CUTS = 1600, START_CUTS = 400 };
#endif
enum { START_ENTRIES = 300, LOST_CUTS = 100, MUTANT_CUTS = 100, BATCHES = 240, MUTANT_BATCHES = 90 };
enum { SIGN_EVERY = 20, KILLS = 2 };

static int setup(void **state)
{
    *state = scene_new("", NULL);
    return 0;
}

static int teardown(void **state)
{
    scene_free(*state);
    return 0;
}

static void expect_killed(struct scene *scene)
{
    int status = scene_until_gone(scene);

    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* The hub lives KILLS + 1 times; the last time it stops in order. */
static void run(struct scene *scene, uint64_t batches)
{
    uint64_t random = scene->seed;

    for (unsigned life = 0; life <= KILLS; life++) {
        scene_begin(scene);
        for (uint64_t i = 0; i < batches / (KILLS + 1); i++) {
            history_step(scene->history, disk_random(&random) % 2 == 0);
            if (i % SIGN_EVERY == SIGN_EVERY - 1)
                history_await_signed(scene->history);
        }
        if (life == KILLS) {
            scene_stop(scene);
        } else {
            trace_kill(&scene->history->trace, 1 + disk_random(&random) % 60);
            expect_killed(scene);
            trace_kill(&scene->history->trace, 0);
        }
    }
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
    char *dir = cuts_folder();
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

/* How many segments got their names: a number of twenty digits and a generation. */
static size_t segments_made(const struct trace *trace)
{
    enum { DIGITS = 20 };
    size_t count = 0;

    for (const struct trace_entry *e = trace_first(trace); e; e = trace_next(trace, e))
        count += e->op == TRACE_RENAME && strspn(e->name2, "0123456789") == DIGITS;
    return count;
}

static void test_power_loss(void **state)
{
    struct scene *scene = *state;
    struct cuts cuts = {.scene = scene};
    uint64_t count = scene_setting("MR_CUTS", CUTS), end;

    run(scene, scene_setting("MR_BATCHES", BATCHES));
    end = trace_now(&scene->history->trace);
    print_message("%zu segments\n", segments_made(&scene->history->trace));
    assert_true(segments_made(&scene->history->trace) > 1);
    expect_whole_trace(scene);
    cuts_make(&cuts, 0, end, count);
    cuts_make(&cuts, 0, START_ENTRIES, count * START_CUTS / CUTS); /* while everything is being made */
    cuts_expect_good(&cuts);
    assert_true(cuts.reopened.notes_count > 5);
}

/*
 * The hub dies when the meta page of a commit is in the page cache and not on the disk. The next one sees
 * that commit as any other, tells clients and signs; and then the power fails.
 */
static void test_killed_before_meta_is_durable(void **state)
{
    struct scene *scene = *state;
    struct cuts cuts = {.scene = scene};
    uint64_t from;

    scene_begin(scene);
    for (int i = 0; i < 10; i++)
        history_step(scene->history, true);
    scene_stop(scene);
    scene_preload(scene, "MR_RECORD_FAIL=meta:store/log/data.mdb:4:1:LOST");
    scene_begin(scene);
    expect_killed(scene);
    from = trace_now(&scene->history->trace);
    scene_preload(scene, NULL);
    scene_begin(scene);
    history_await_signed(scene->history);
    scene_stop(scene);
    cuts_make(&cuts, from, trace_now(&scene->history->trace), LOST_CUTS);
    cuts_expect_good(&cuts);
}

/* The test itself: a store that does not wait for the disk must not pass. */
static void expect_found(struct scene *scene, const char *mutant)
{
    struct cuts cuts = {.scene = scene, .quiet = true};

    scene_preload(scene, mutant);
    run(scene, MUTANT_BATCHES);
    cuts_make(&cuts, 0, trace_now(&scene->history->trace), MUTANT_CUTS);
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
