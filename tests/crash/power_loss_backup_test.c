/*
 * The power fails while a backup is written beside a hub that goes on. For hundreds of moments of what the
 * tool wrote its folder is made anew as a disk may have it: it is no backup, which is said with what, where
 * and what to do; or it verifies, and then it is the very one that the tool made. Once the tool has said that
 * it is made, it verifies always. The hub's own store holds at every moment meanwhile (replay/reopened.h).
 *
 * MR_SEED, MR_CUTS: as in power_loss_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hub/keep/backup.h"
#include "tests/crash/replay/cuts.h"
#include "tests/support/tmpdir.h"

#ifdef __SANITIZE_ADDRESS__
enum { CUTS = 100, STORE_CUTS = 20 };
#else
enum { CUTS = 300, STORE_CUTS = 60 };
#endif
enum { AT_END = 10, IS_WHOLE = 0, IS_REFUSED = 1, IS_WRONG = 2, MUTANT_CUTS = 30 };

static const char name[] = "backup";

struct copy {
    struct scene *scene;
    char *dir; /* the backup is a folder in it */
    struct trace trace;
    struct mr_backup made;
    const char *mutant; /* of the recorder; NULL: none */
    unsigned whole, refused, bad;
};

/* More and more events, until they are enough for a segment. */
static bool has_segment(void *ctx)
{
    struct history *history = ((const struct scene *)ctx)->history;

    history_step(history, true);
    return access(mr_tmpdir_path(history->hub.dir, "store/log/segments/00000000000000000001-1/data.mdb"),
                   F_OK) == 0;
}

static void trace_path(const struct copy *copy, char ret[static 256])
{
    (void)snprintf(ret, 256, "%s.trace", copy->dir);
}

static void exec_backup(const struct copy *copy)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    char path[256];

    trace_path(copy, path);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)dup2(fd, STDOUT_FILENO);
    (void)setenv("LD_PRELOAD", MR_BIN_DIR "/libmr-recorder.so", 1);
    (void)setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
    (void)setenv("MR_RECORD", path, 1);
    (void)setenv("MR_RECORD_BELOW", copy->dir, 1);
    if (copy->mutant)
        (void)setenv("MR_RECORD_FORGET", copy->mutant, 1);
    (void)execl(MR_BIN_DIR "/marshrut", "marshrut", "-c", copy->scene->history->hub.config, "backup",
            mr_tmpdir_path(copy->dir, name), (char *)NULL);
    _exit(127);
}

/* Events come meanwhile. */
static void make_backup(struct copy *copy)
{
    char path[256];
    int status;
    pid_t pid;

    trace_path(copy, path);
    trace_create(&copy->trace, path);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        exec_backup(copy);
    do
        history_step(copy->scene->history, false);
    while (waitpid(pid, &status, WNOHANG) == 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(
            mr_backup_verify(mr_tmpdir_path(copy->dir, name), &copy->made, NULL, NULL, NULL, NULL), 0);
}

static bool is_the_one(const struct mr_backup *a, const struct mr_backup *b)
{
    bool same = strcmp(a->made, b->made) == 0 && a->head == b->head && a->signed_size == b->signed_size &&
                memcmp(a->root, b->root, sizeof a->root) == 0 && a->files_count == b->files_count;

    for (size_t i = 0; same && i < a->files_count; i++)
        same = strcmp(a->files[i].path, b->files[i].path) == 0 &&
               memcmp(a->files[i].sha256, b->files[i].sha256, sizeof a->files[i].sha256) == 0;
    return same;
}

/* In a process of its own. */
static int judge(const struct copy *copy, const char *dir)
{
    struct mr_error error = {0};
    struct mr_backup found;
    int r = mr_backup_verify(mr_tmpdir_path(dir, name), &found, NULL, NULL, NULL, &error);

    if (r == 0)
        return is_the_one(&found, &copy->made) ? IS_WHOLE : IS_WRONG;
    if ((r == MR_ENOTFOUND || r == MR_ECORRUPT) && error.where[0] && error.what[0] && error.cure[0])
        return IS_REFUSED;
    print_message("%s: %s: %s (%s)\n", mr_err_name(r), error.where, error.what, error.cure);
    return IS_WRONG;
}

static void look_at(struct copy *copy, const struct disk *disk, uint64_t at, uint64_t seed)
{
    bool told = at == trace_now(&copy->trace);
    char *dir = cuts_folder();
    int status;
    pid_t pid;

    disk_make(disk, seed % DISK_CHOICES, seed, dir);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(judge(copy, dir));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) > IS_REFUSED || (told && WEXITSTATUS(status) != IS_WHOLE))
        copy->bad++;
    if (copy->bad > 0 && !copy->mutant)
        fail_msg("after %llu of %llu entries, seed %llu (MR_SEED=%llu): status %x; see %s",
                (unsigned long long)at, (unsigned long long)trace_now(&copy->trace), (unsigned long long)seed,
                (unsigned long long)copy->scene->seed, (unsigned)status, dir);
    copy->whole += WEXITSTATUS(status) == IS_WHOLE;
    copy->refused += WEXITSTATUS(status) == IS_REFUSED;
    mr_tmpdir_free(dir);
}

/* Moments spread over all entries, and some behind the last one. */
static void cut(struct copy *copy, uint64_t count)
{
    struct disk *disk = disk_new(copy->dir);
    const struct trace_entry *entry = trace_first(&copy->trace);
    uint64_t at = 0, end = trace_now(&copy->trace), random = copy->scene->seed ^ count;

    for (uint64_t i = 0; i < count + AT_END; i++) {
        uint64_t next = i < count ? i * end / count : end;

        for (; at < next; entry = trace_next(&copy->trace, entry))
            disk_add(disk, at++, entry);
        look_at(copy, disk, at, disk_random(&random));
    }
    disk_free(disk);
}

static void begin(struct copy *copy)
{
    copy->scene = scene_new("", NULL);
    copy->dir = mr_tmpdir_new();
    scene_begin(copy->scene);
    spawn_until("a segment", has_segment, copy->scene);
    history_await_signed(copy->scene->history);
}

static void fini(struct copy *copy)
{
    char path[256];

    trace_path(copy, path);
    (void)unlink(path);
    trace_close(&copy->trace);
    mr_backup_fini(&copy->made);
    mr_tmpdir_free(copy->dir);
    scene_free(copy->scene);
}

static void test_while_it_is_written(void **state)
{
    struct copy copy = {0};
    struct cuts *cuts = calloc(1, sizeof *cuts);
    uint64_t count = scene_setting("MR_CUTS", CUTS), from;

    (void)state;
    assert_non_null(cuts);
    begin(&copy);
    from = trace_now(&copy.scene->history->trace);
    make_backup(&copy);
    scene_stop(copy.scene);
    cut(&copy, count);
    print_message("%llu entries: %u whole, %u refused\n", (unsigned long long)trace_now(&copy.trace),
            copy.whole, copy.refused);
    assert_true(copy.whole >= AT_END && copy.refused > 0);
    cuts->scene = copy.scene;
    cuts_make(cuts, from, trace_now(&copy.scene->history->trace), 1 + count * STORE_CUTS / CUTS);
    cuts_expect_good(cuts);
    free(cuts);
    fini(&copy);
}

/* The test itself: a backup that does not wait for the disk must not pass. */
static void test_without_sync(void **state)
{
    struct copy copy = {.mutant = "sync"};

    (void)state;
    begin(&copy);
    make_backup(&copy);
    scene_stop(copy.scene);
    cut(&copy, MUTANT_CUTS);
    assert_true(copy.bad > 0);
    fini(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_while_it_is_written),
            cmocka_unit_test(test_without_sync),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
