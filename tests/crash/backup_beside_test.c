/*
 * Backups one after the other while terms pass (segments are written anew), and while a person is erased
 * (keys, index, views and log are written anew). Each one that ended well verifies and can be put back: the
 * hub starts on it, goes on with what was under way, balance and tree hold. One whose keys/ were rotated
 * since is refused with the words for that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/sdk/file.h"
#include "proto/base/list.h"
#include "tests/crash/replay/job_erasure.h"
#include "tests/crash/replay/job_retention.h"
#include "tests/support/run_program.h"
#include "tests/support/tmpdir.h"

enum { BACKUPS_MAX = 8, STOPS_MAX = 50, EXIT_VERIFY = 1, EXIT_REFUSED = 76 };

struct beside {
    struct scene *scene;
    char *dir; /* backups 0, 1, ...; "over" when the job is */
    pid_t pid;
    int made;
};

static const char *backup_dir(const struct beside *b, int i)
{
    char name[16];

    (void)snprintf(name, sizeof name, "%d", i);
    return mr_tmpdir_path(b->dir, name);
}

/* Exit status of the tool; what it said on stderr has `said` (NULL: anything). */
static int tool(const struct beside *b, const char *const words[], const char *said)
{
    const char *argv[16] = {"marshrut", "-c", b->scene->history->hub.config};
    struct run_program run = {0};
    size_t n = 3;

    while (*words)
        argv[n++] = *words++;
    run_program(&run, argv);
    if (said && !strstr(run_program_err(&run), said))
        fail_msg(
                "%s %s: not said: %s, but: %s", argv[3], argv[4] ? argv[4] : "", said, run_program_err(&run));
    run_program_fini(&run);
    return run.status;
}

static bool is_over(void *ctx)
{
    return access(mr_tmpdir_path(((const struct beside *)ctx)->dir, "over"), F_OK) == 0;
}

/* A process of its own makes backups until the job is over, and one behind it. Its exit status: how many, or
 * 100 when one failed. */
static void begin(struct beside *b)
{
    b->dir = mr_tmpdir_new();
    b->pid = fork();
    assert_true(b->pid >= 0);
    if (b->pid == 0) {
        bool over = false;
        int i = 0;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (; i < BACKUPS_MAX && !over; i++) {
            while (i == BACKUPS_MAX - 1 && !is_over(b))
                (void)poll(NULL, 0, 5); /* the last one is begun behind the job */
            over = is_over(b);
            if (tool(b, WORDS("backup", backup_dir(b, i)), NULL) != 0)
                _exit(100);
        }
        _exit(i);
    }
}

static bool has_begun(void *ctx)
{
    return access(backup_dir(ctx, 0), F_OK) == 0;
}

static void end(struct beside *b)
{
    int status = 0;

    assert_int_equal(mr_file_write(b->dir, "over", mr_slice_str(""), 0600), 0);
    assert_int_equal(waitpid(b->pid, &status, 0), b->pid);
    assert_true(WIFEXITED(status));
    b->made = WEXITSTATUS(status);
    assert_in_range(b->made, 2, BACKUPS_MAX);
}

/* They are in no backup, and kept. */
static void take_acts(const char *dir, const char *before)
{
    char acts[64];

    (void)snprintf(acts, sizeof acts, "%s/acts", before);
    if (access(mr_tmpdir_path(dir, acts), F_OK) == 0)
        assert_int_equal(rename(mr_tmpdir_path(dir, acts), mr_tmpdir_path(dir, "store/acts")), 0);
}

/* The hub has stopped. Its store makes room, and so does what was signed since. */
static void put_back(const struct beside *b, int i)
{
    const char *dir = b->scene->history->hub.dir;
    struct mr_buf note = MR_BUF_INIT;
    char name[32];

    (void)snprintf(name, sizeof name, "store-before-%d", i);
    assert_int_equal(rename(mr_tmpdir_path(dir, "store"), mr_tmpdir_path(dir, name)), 0);
    assert_int_equal(tool(b, WORDS("restore", backup_dir(b, i)), NULL), 0);
    assert_int_equal(mr_file_read(mr_tmpdir_path(backup_dir(b, i), "log.checkpoint"), 1 << 16, &note), 0);
    (void)unlink(mr_tmpdir_path(dir, "root/log.checkpoint"));
    assert_int_equal(
            mr_file_write(mr_tmpdir_path(dir, "root"), "log.checkpoint", mr_buf_slice(&note), 0600), 0);
    mr_buf_fini(&note);
    take_acts(dir, name);
}

/* Nobody is being erased any more; an erasure that asks for what is gone would be for ever. */
static bool is_quiet(void *ctx)
{
    const struct beside *b = ctx;
    json_t *list = NULL, *one;
    bool quiet = true;
    size_t i;

    assert_int_equal(scene_tool(b->scene, NULL, &list, WORDS("erase", "list")), 0);
    json_array_foreach (json_object_get(list, "requests"), i, one) {
        const char *state = json_string_value(json_object_get(one, "state"));

        quiet = quiet && (strcmp(state, "completed") == 0 || strcmp(state, "requested") == 0);
    }
    json_decref(list);
    return quiet;
}

static void expect_whole(struct beside *b)
{
    spawn_start(&b->scene->history->hub);
    spawn_until("nobody is being erased", is_quiet, b);
    assert_int_equal(tool(b, WORDS("balance"), NULL), 0);
    assert_int_equal(tool(b, WORDS("log", "verify"), NULL), 0);
    assert_int_equal(tool(b, WORDS("scrub"), NULL), 0);
    spawn_stop(&b->scene->history->hub);
}

static void fini(struct beside *b)
{
    mr_tmpdir_free(b->dir);
    scene_free(b->scene);
}

static void test_while_terms_pass(void **state)
{
    struct beside b = {.scene = scene_new(JOB_RETENTION_CONFIG, NULL)};
    struct job_retention job = {.scene = b.scene};

    (void)state;
    scene_begin(b.scene);
    job_retention_prepare(&job);
    begin(&b);
    spawn_until("a backup", has_begun, &b);
    job_retention_go(&job);
    job_retention_finish(&job);
    end(&b);
    scene_stop(b.scene);
    print_message("%d backups beside\n", b.made);
    for (int i = 0; i < b.made; i++) {
        assert_int_equal(tool(&b, WORDS("backup", "verify", backup_dir(&b, i)), NULL), 0);
        put_back(&b, i);
        expect_whole(&b);
    }
    fini(&b);
}

static void test_while_a_person_is_erased(void **state)
{
    struct beside b = {.scene = scene_new(JOB_ERASURE_CONFIG, JOB_ERASURE_HUB)};
    struct job_erasure job;
    int good = 0;

    (void)state;
    job_erasure_init(&job, b.scene);
    scene_begin(b.scene);
    job_erasure_prepare(&job);
    history_await_signed(b.scene->history);
    begin(&b);
    spawn_until("a backup", has_begun, &b);
    job_erasure_go(&job);
    job_erasure_finish(&job);
    end(&b);
    scene_stop(b.scene);
    for (int i = 0; i < b.made; i++) {
        int status = tool(&b, WORDS("backup", "verify", backup_dir(&b, i)), NULL);

        if (status == EXIT_VERIFY) { /* of before the new root key */
            (void)tool(&b, WORDS("backup", "verify", backup_dir(&b, i)),
                    "it was changed by an erasure after the backup");
            continue;
        }
        assert_int_equal(status, 0);
        good++;
        put_back(&b, i);
        expect_whole(&b);
    }
    print_message("%d backups beside, %d open\n", b.made, good);
    assert_true(good > 0); /* the last one was begun behind it */
    fini(&b);
}

/* ---- between log/ and keys/ ---- */

/* More and more events, until they are enough for one. */
static bool has_segment(void *ctx)
{
    const struct beside *b = ctx;

    history_step(b->scene->history, true);
    return access(mr_tmpdir_path(
                          b->scene->history->hub.dir, "store/log/segments/00000000000000000001-1/data.mdb"),
                   F_OK) == 0;
}

static pid_t start_backup(const struct beside *b, const char *dir)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)dup2(fd, STDOUT_FILENO);
        (void)execl(MR_BIN_DIR "/marshrut", "marshrut", "-c", b->scene->history->hub.config, "backup", dir,
                (char *)NULL);
        _exit(127);
    }
    return pid;
}

static bool copies_segments(void *ctx)
{
    const struct beside *b = ctx;

    return access(mr_tmpdir_path(backup_dir(b, b->made), "log/segments"), F_OK) == 0;
}

/* A backup, number b->made, that stands still and has copied nothing of keys/ yet. One that was quicker comes
 * to its end, and another is taken. */
static void stop_before_keys(struct beside *b)
{
    int status = 0;

    for (b->made = 0; b->made < STOPS_MAX; b->made++) {
        b->pid = start_backup(b, backup_dir(b, b->made));
        spawn_until("a copy of log/", copies_segments, b);
        assert_int_equal(kill(b->pid, SIGSTOP), 0);
        assert_int_equal(waitpid(b->pid, &status, WUNTRACED), b->pid);
        if (WIFSTOPPED(status) && access(mr_tmpdir_path(backup_dir(b, b->made), "keys"), F_OK) != 0)
            return;
        if (WIFSTOPPED(status)) {
            assert_int_equal(kill(b->pid, SIGCONT), 0);
            assert_int_equal(waitpid(b->pid, &status, 0), b->pid);
        }
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    fail_msg("each of %d backups was done before it could be stopped", STOPS_MAX);
}

static bool is_completed(const struct beside *b)
{
    json_t *list = NULL, *one;
    bool completed;

    assert_int_equal(scene_tool(b->scene, NULL, &list, WORDS("erase", "list")), 0);
    one = json_array_get(json_object_get(list, "requests"), 0);
    completed = one && strcmp(json_string_value(json_object_get(one, "state")), "completed") == 0;
    json_decref(list);
    return completed;
}

/* It has log/ of before and stands still, until the person is gone: what it says then is whole all the same.
 */
static void test_overtaken_by_an_erasure(void **state)
{
    struct beside b = {.scene = scene_new(JOB_ERASURE_CONFIG, JOB_ERASURE_HUB), .dir = mr_tmpdir_new()};
    struct job_erasure job;
    int status;

    (void)state;
    job_erasure_init(&job, b.scene);
    scene_begin(b.scene);
    spawn_until("a segment", has_segment, &b);
    job_erasure_prepare(&job);
    job_erasure_ask(&job);
    stop_before_keys(&b);
    job_erasure_finish(&job);
    assert_int_equal(kill(b.pid, SIGCONT), 0);
    assert_int_equal(waitpid(b.pid, &status, 0), b.pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    scene_stop(b.scene);
    assert_int_equal(tool(&b, WORDS("backup", "verify", backup_dir(&b, b.made)), NULL), 0);
    put_back(&b, b.made);
    spawn_start(&b.scene->history->hub);
    assert_true(is_completed(&b)); /* its keys are gone: asked for again it could never end */
    spawn_stop(&b.scene->history->hub);
    expect_whole(&b);
    fini(&b);
}

/* ---- of before the two were compared ---- */

/* keys/ of another backup, and the manifest says so. */
static void put_keys_of(const struct beside *b, int i, int from)
{
    static const char keys[] = "keys/data.mdb";
    struct mr_buf bytes = MR_BUF_INIT;
    json_t *manifests[2], *files[2], *file = NULL;
    size_t at;

    assert_int_equal(mr_file_read(mr_tmpdir_path(backup_dir(b, from), keys), 64 << 20, &bytes), 0);
    assert_int_equal(
            mr_file_write(mr_tmpdir_path(backup_dir(b, i), "keys"), "data.mdb", mr_buf_slice(&bytes), 0600),
            0);
    mr_buf_fini(&bytes);
    manifests[0] = json_load_file(mr_tmpdir_path(backup_dir(b, from), "backup.json"), 0, NULL);
    manifests[1] = json_load_file(mr_tmpdir_path(backup_dir(b, i), "backup.json"), 0, NULL);
    for (int k = 0; k < 2; k++)
        files[k] = json_object_get(manifests[k], "files");
    json_array_foreach (files[0], at, file)
        if (strcmp(json_string_value(json_object_get(file, "path")), keys) == 0)
            break;
    assert_non_null(file);
    for (size_t k = 0; k < json_array_size(files[1]); k++)
        if (strcmp(json_string_value(json_object_get(json_array_get(files[1], k), "path")), keys) == 0)
            assert_int_equal(json_array_set(files[1], k, file), 0);
    assert_int_equal(
            json_dump_file(manifests[1], mr_tmpdir_path(backup_dir(b, i), "backup.json"), JSON_INDENT(1)), 0);
    json_decref(manifests[0]);
    json_decref(manifests[1]);
}

static bool waits_for_the_hold(void *ctx)
{
    const struct beside *b = ctx;
    json_t *list = NULL;
    const char *waits_for;
    bool is;

    history_serve(b->scene->history);
    assert_int_equal(scene_tool(b->scene, NULL, &list, WORDS("erase", "list")), 0);
    waits_for = json_string_value(
            json_object_get(json_array_get(json_object_get(list, "requests"), 0), "waits_for"));
    is = waits_for && strcmp(waits_for, "legal-hold") == 0;
    json_decref(list);
    return is;
}

/* Backup 0 while the erasure is approved and waits, 1 after its end; then 0 gets keys/ of 1. */
static void make_mixed(struct beside *b)
{
    struct scene *scene = b->scene;
    struct job_erasure job;
    json_t *placed = NULL;

    job_erasure_init(&job, scene);
    scene_begin(scene);
    job_erasure_prepare(&job);
    assert_int_equal(
            scene_tool(scene, NULL, &placed,
                    WORDS("hold", "place", "--type", "nms.", "--case", "2-17/2026", "--as", "officer")),
            0);
    job_erasure_go(&job);
    spawn_until("it waits", waits_for_the_hold, b);
    assert_int_equal(tool(b, WORDS("backup", backup_dir(b, 0)), NULL), 0);
    assert_int_equal(tool(b, WORDS("backup", "verify", backup_dir(b, 0)), NULL), 0);
    assert_int_equal(scene_tool(scene, NULL, NULL,
                             WORDS("hold", "release", json_string_value(json_object_get(placed, "hold")),
                                     "--case", "2-17/2026", "--as", "officer")),
            0);
    json_decref(placed);
    job_erasure_finish(&job);
    assert_int_equal(tool(b, WORDS("backup", backup_dir(b, 1)), NULL), 0);
    scene_stop(scene);
    put_keys_of(b, 0, 1);
}

/* Each file is as the manifest has it, and the root key opens it: it is refused all the same, before anything
 * is put in place. */
static void test_log_of_before_and_keys_of_after(void **state)
{
    static const char said[] = "keys/ of after it: the erasure could never end";
    struct beside b = {.scene = scene_new(JOB_ERASURE_CONFIG, JOB_ERASURE_HUB), .dir = mr_tmpdir_new()};
    const char *dir = b.scene->history->hub.dir;

    (void)state;
    make_mixed(&b);
    assert_int_equal(tool(&b, WORDS("backup", "verify", backup_dir(&b, 0)), said), EXIT_VERIFY);
    assert_int_equal(rename(mr_tmpdir_path(dir, "store"), mr_tmpdir_path(dir, "store-before")), 0);
    assert_int_equal(tool(&b, WORDS("restore", backup_dir(&b, 0)), said), EXIT_REFUSED);
    assert_int_not_equal(access(mr_tmpdir_path(dir, "store/keys"), F_OK), 0);
    assert_int_equal(rename(mr_tmpdir_path(dir, "store-before"), mr_tmpdir_path(dir, "store")), 0);
    put_back(&b, 1);
    expect_whole(&b);
    fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_while_terms_pass),
            cmocka_unit_test(test_overtaken_by_an_erasure),
            cmocka_unit_test(test_log_of_before_and_keys_of_after),
            cmocka_unit_test(test_while_a_person_is_erased),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
