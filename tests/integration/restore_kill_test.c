/*
 * restore and rebuild --check killed at every point: the hub refuses a store that is half restored, the same
 * restore begins anew, and what a check built beside is gone with the next one or the next start.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/list.h"
#include "store/fault.h"
#include "tests/support/bus_client.h"
#include "tests/support/hub_env.h"
#include "tests/support/run_program.h"
#include "tests/support/spawn.h"
#include "tests/support/tmpdir.h"

enum { EVENTS = 100, EPOCH = 3, MOMENT_MS = 300 };

/* Events of which no other call sends one. */
static void send_events(struct bus_client *client, uint64_t epoch)
{
    struct mr_buf events[EVENTS] = {0};
    char id[48];

    for (size_t i = 0; i < EVENTS; i++) {
        (void)snprintf(id, sizeof id, "e-%" PRIu64 "-%zu", epoch, i);
        hub_env_deficit(&events[i], id, "11223344595", NULL);
    }
    bus_publish(client, 1, events, EVENTS);
    for (size_t i = 0; i < EVENTS; i++)
        mr_buf_fini(&events[i]);
}

static void publish(const struct spawn *hub)
{
    struct bus_client client;
    bus_frame *frame;

    bus_connect_as(&client, hub, SPAWN_COPMKP);
    (void)bus_hello(&client, EPOCH, 0);
    send_events(&client, EPOCH);
    frame = bus_receive(&client, SPAWN_DEADLINE_MS);
    assert_non_null(frame);
    assert_int_equal(frame->publish_ack->through, EVENTS);
    bus_close(&client);
}

static const char *path(const struct spawn *hub, const char *name)
{
    return mr_tmpdir_path(hub->dir, name);
}

static bool is_there(const struct spawn *hub, const char *name)
{
    return access(path(hub, name), F_OK) == 0;
}

/* Exit status of the tool; a part of what it said on stderr (NULL: anything). */
static int tool(const struct spawn *hub, const char *a, const char *b, const char *said)
{
    const char *argv[] = {"marshrut", "-c", hub->config, a, b, NULL};
    struct run_program run = {0};

    run_program(&run, argv);
    if (said && !strstr(run_program_err(&run), said))
        fail_msg("not said: %s, but: %s", said, run_program_err(&run));
    run_program_fini(&run);
    return run.status;
}

static int setup(void **state)
{
    struct spawn *hub = calloc(1, sizeof *hub);

    spawn_init(hub, "");
    spawn_start(hub);
    publish(hub);
    *state = hub;
    return 0;
}

static int teardown(void **state)
{
    spawn_fini(*state);
    free(*state);
    return 0;
}

/* keys/ that no restore brought is not a restore's to remove. */
static void test_keys_of_somebody(void **state)
{
    struct spawn *hub = *state;

    spawn_stop(hub);
    assert_int_equal(tool(hub, "backup", path(hub, "backup"), NULL), 0);
    assert_int_equal(rename(path(hub, "store/log"), path(hub, "log-away")), 0);
    assert_int_equal(tool(hub, "restore", path(hub, "backup"), "a store is here already"), 73);
    assert_true(is_there(hub, "store/keys/data.mdb"));
    assert_false(is_there(hub, "store/restoring"));
}

#ifdef MR_FAULT_POINTS

/* The tool, killed at the point. */
static void killed_at(const struct spawn *hub, const char *point, const char *a, const char *b)
{
    char fault[64];
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

        (void)snprintf(fault, sizeof fault, "%s:1:kill", point);
        (void)setenv("MR_FAULT", fault, 1);
        (void)dup2(fd, STDOUT_FILENO);
        (void)dup2(fd, STDERR_FILENO);
        (void)execl(MR_BIN_DIR "/marshrut", "marshrut", "-c", hub->config, a, b, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Everything is there and in order. */
static void expect_whole(struct spawn *hub)
{
    spawn_start(hub);
    assert_int_equal(tool(hub, "balance", NULL, NULL), 0);
    assert_int_equal(tool(hub, "scrub", NULL, NULL), 0);
    assert_false(is_there(hub, "store/restoring"));
    spawn_stop(hub);
    assert_int_equal(tool(hub, "log", "verify", NULL), 0);
}

/* Neither the hub nor the tool takes it for a store; a stray file of the first attempt does not stay. */
static void half_restored(struct spawn *hub, const char *point)
{
    static const char begun[] = "a restore into this store was begun and did not end";
    FILE *stray;

    print_message("killed at %s\n", point);
    killed_at(hub, point, "restore", path(hub, "backup"));
    assert_true(is_there(hub, "store/restoring"));
    assert_int_equal(spawn_start_fails(hub), 76);
    assert_true(spawn_logged(hub, begun));
    assert_false(is_there(hub, "store/log")); /* nothing was made beside */
    assert_int_equal(unlink(hub->log), 0);    /* the refusal is an error line on purpose */
    assert_int_equal(tool(hub, "rebuild", "all", begun), 76);
    stray = fopen(path(hub, "store/restoring/stray"), "we");
    (void)fclose(stray);
    assert_int_equal(tool(hub, "restore", path(hub, "backup"), NULL), 0);
    expect_whole(hub);
}

static void move_store_away(const struct spawn *hub, unsigned n)
{
    char name[32];

    (void)snprintf(name, sizeof name, "before-%u", n);
    assert_int_equal(rename(path(hub, "store"), path(hub, name)), 0);
}

static bool is_signed(void *ctx)
{
    return access(path(ctx, "root/log.checkpoint"), F_OK) == 0;
}

static void test_restore_killed(void **state)
{
    static const char *const points[] = {"restore.begun", "restore.copied", "restore.keys"};
    struct spawn *hub = *state;

    spawn_until("signed", is_signed, hub);
    spawn_stop(hub);
    assert_int_equal(tool(hub, "backup", path(hub, "backup"), NULL), 0);
    for (unsigned i = 0; i < MR_COUNT(points); i++) {
        move_store_away(hub, i);
        half_restored(hub, points[i]);
    }
    move_store_away(hub, MR_COUNT(points));
    killed_at(hub, "restore.log", "restore", path(hub, "backup")); /* it is whole, and said to be one */
    assert_int_equal(tool(hub, "restore", path(hub, "backup"), "a store is here already"), 73);
    spawn_start(hub);
    assert_int_equal(tool(hub, "balance", NULL, NULL), 0);
}

/* The disk fails, or is full: the tool says so, nothing is taken for a store, and the same again brings it.
 */
static void test_restore_fails(void **state)
{
    static const char *const points[] = {"restore.begun", "restore.copied", "restore.keys"};
    static const char *const hows[] = {"eio", "enospc"};
    struct spawn *hub = *state;
    unsigned n = 0;
    char fault[64];

    spawn_until("signed", is_signed, hub);
    spawn_stop(hub);
    assert_int_equal(tool(hub, "backup", path(hub, "backup"), NULL), 0);
    for (unsigned i = 0; i < MR_COUNT(points); i++)
        for (unsigned h = 0; h < MR_COUNT(hows); h++) {
            print_message("%s: %s\n", points[i], hows[h]);
            move_store_away(hub, n++);
            (void)snprintf(fault, sizeof fault, "%s:1:%s", points[i], hows[h]);
            (void)setenv("MR_FAULT", fault, 1);
            assert_int_not_equal(tool(hub, "restore", path(hub, "backup"), NULL), 0);
            (void)unsetenv("MR_FAULT");
            assert_false(is_there(hub, "store/log"));
            assert_int_equal(tool(hub, "restore", path(hub, "backup"), NULL), 0);
            assert_int_equal(tool(hub, "log", "verify", NULL), 0);
            assert_false(is_there(hub, "store/restoring"));
        }
    expect_whole(hub);
}

/* ---- rebuild --check ---- */

static unsigned count_beside(const struct spawn *hub)
{
    DIR *folder = opendir(path(hub, "store"));
    struct dirent *entry;
    unsigned count = 0;

    while ((entry = readdir(folder)) != NULL)
        count += strncmp(entry->d_name, "rebuild-", 8) == 0;
    (void)closedir(folder);
    return count;
}

static void test_check_killed(void **state)
{
    struct spawn *hub = *state;

    killed_at(hub, "rebuild.built", "rebuild", "--check");
    assert_int_equal(count_beside(hub), 1);
    killed_at(hub, "rebuild.built", "rebuild", "--check");
    assert_int_equal(count_beside(hub), 1); /* the first one's is gone */
    assert_int_equal(tool(hub, "rebuild", "--check", NULL), 0);
    assert_int_equal(count_beside(hub), 0);
    (void)setenv("MR_FAULT", "rebuild.built:1:eio", 1);
    assert_int_not_equal(tool(hub, "rebuild", "--check", NULL), 0);
    (void)unsetenv("MR_FAULT");
    assert_int_equal(count_beside(hub), 0);
    killed_at(hub, "rebuild.built", "rebuild", "--check");
    spawn_stop(hub);
    spawn_start(hub);
    assert_int_equal(count_beside(hub), 0);
    assert_int_equal(tool(hub, "balance", NULL, NULL), 0);
}

/* The tool, in a process of its own. */
static pid_t checking(const struct spawn *hub)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

        (void)dup2(fd, STDOUT_FILENO);
        (void)execl(
                MR_BIN_DIR "/marshrut", "marshrut", "-c", hub->config, "rebuild", "--check", (char *)NULL);
        _exit(127);
    }
    return pid;
}

/* For a moment; too short a one only makes the test weaker. */
static bool still_runs(pid_t pid)
{
    int fd = pidfd_open(pid, 0);
    struct pollfd ended = {.fd = fd, .events = POLLIN};
    int r = poll(&ended, 1, MOMENT_MS);

    (void)close(fd);
    return r == 0;
}

/* The index is committed and the views beside it are not, for as long as the disk wants: it is waited for. */
static void test_check_between_commits(void **state)
{
    struct spawn *hub = *state;
    char when[128];
    const char *const stop[] = {"MR_FAULT=view.commit.before:1:stop", when, NULL};
    struct bus_client client;
    pid_t tool_pid;
    bool waits;
    int status;

    (void)snprintf(when, sizeof when, "MR_FAULT_WHEN=%s", path(hub, "now"));
    spawn_stop(hub);
    hub->environment = stop;
    spawn_start(hub);
    hub->environment = NULL;
    bus_connect_as(&client, hub, SPAWN_COPMKP);
    (void)bus_hello(&client, EPOCH + 1, 0);
    (void)fclose(fopen(path(hub, "now"), "we"));
    send_events(&client, EPOCH + 1);
    assert_int_equal(waitpid(hub->pid, &status, WUNTRACED), hub->pid);
    assert_true(WIFSTOPPED(status));
    tool_pid = checking(hub);
    waits = still_runs(tool_pid);
    assert_int_equal(kill(hub->pid, SIGCONT), 0);
    assert_int_equal(waitpid(tool_pid, &status, 0), tool_pid);
    assert_true(waits && WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    bus_close(&client);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_keys_of_somebody, setup, teardown),
#ifdef MR_FAULT_POINTS
            cmocka_unit_test_setup_teardown(test_restore_killed, setup, teardown),
            cmocka_unit_test_setup_teardown(test_restore_fails, setup, teardown),
            cmocka_unit_test_setup_teardown(test_check_killed, setup, teardown),
            cmocka_unit_test_setup_teardown(test_check_between_commits, setup, teardown),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
