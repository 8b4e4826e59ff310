/* packaging/: the units as systemd's own tools see them, and the hub as a unit of Type=notify. */
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

#include "adapters/sdk/file.h"
#include "proto/base/list.h"
#include "tests/support/notify_socket.h"
#include "tests/support/spawn.h"
#include "tests/support/tmpdir.h"

/* In tenths, as systemd-analyze's --threshold: below is "OK". */
enum { EXPOSURE_TENTHS_MAX = 20 };

static const char *const units[] = {
        "marshrutd", "marshrut-school", "marshrut-copmkp", "marshrut-cnppm", "marshrut-portal"};

static void need(const char *tool)
{
    char path[128];

    (void)snprintf(path, sizeof path, "/usr/bin/%s", tool);
    if (access(path, X_OK) != 0)
        skip();
}

/* Runs it with what it says on both outputs; fails the test with that when its status is not 0. */
static void must(const char *command)
{
    static char text[64 * 1024];
    char line[1024];
    FILE *pipe;
    size_t n;

    (void)snprintf(line, sizeof line, "%s 2>&1", command);
    pipe = popen(line, "r");
    assert_non_null(pipe);
    n = fread(text, 1, sizeof text - 1, pipe);
    text[n] = 0;
    assert_true(n < sizeof text - 1);
    if (pclose(pipe) != 0)
        fail_msg("%s:\n%s", command, text);
}

static void read_unit(const char *name, char *out, size_t out_bytes)
{
    char path[512];
    FILE *file;
    size_t n;

    (void)snprintf(path, sizeof path, "%s/packaging/systemd/%s.service", MR_SOURCE_DIR, name);
    file = fopen(path, "re");
    assert_non_null(file);
    n = fread(out, 1, out_bytes - 1, file);
    assert_true(n < out_bytes - 1);
    out[n] = 0;
    (void)fclose(file);
}

/* The unit with this build's program instead of the installed one, for `verify` looks whether it is there. */
static void write_unit(const char *dir, const char *name)
{
    static const char installed[] = "ExecStart=/usr/local/bin";
    char text[8192], file_name[64];
    char *start;
    FILE *file;

    read_unit(name, text, sizeof text);
    start = strstr(text, installed);
    assert_non_null(start);
    (void)snprintf(file_name, sizeof file_name, "%s.service", name);
    file = fopen(mr_tmpdir_path(dir, file_name), "we");
    assert_non_null(file);
    (void)fprintf(
            file, "%.*sExecStart=%s%s", (int)(start - text), text, MR_BIN_DIR, start + strlen(installed));
    (void)fclose(file);
}

static void systemd_takes_the_units(void **state)
{
    char command[512];
    char *dir;

    (void)state;
    need("systemd-analyze");
    dir = mr_tmpdir_new();
    for (size_t i = 0; i < MR_COUNT(units); i++) {
        write_unit(dir, units[i]);
        (void)snprintf(
                command, sizeof command, "systemd-analyze verify --man=no %s/%s.service", dir, units[i]);
        must(command);
        (void)snprintf(command, sizeof command,
                "systemd-analyze security --no-pager --offline=true --threshold=%d %s/%s.service",
                EXPOSURE_TENTHS_MAX, dir, units[i]);
        must(command);
    }
    mr_tmpdir_free(dir);
}

/* What no tool of systemd asks for, and the programs need. */
static void every_unit_has_what_it_needs(void **state)
{
    static const char *const wanted[] = {"\nType=notify\n", "\nWatchdogSec=60\n",
            "\nLoadCredential=", "\nProtectSystem=strict\n", "\nMemoryDenyWriteExecute=yes\n",
            "\nNoNewPrivileges=yes\n", "\nCapabilityBoundingSet=\n", "\nLimitNOFILE=", "\nLimitMEMLOCK=8M\n",
            "\nLimitCORE=0\n", "\nRestartPreventExitStatus=64 65 66 73 76 77 78\n",
            "\nStateDirectoryMode=0700\n"};
    char text[8192], user[64];

    (void)state;
    for (size_t i = 0; i < MR_COUNT(units); i++) {
        read_unit(units[i], text, sizeof text);
        for (size_t j = 0; j < MR_COUNT(wanted); j++)
            if (!strstr(text, wanted[j]))
                fail_msg("%s.service lacks%s", units[i], wanted[j]);
        (void)snprintf(user, sizeof user, "\nUser=%s\n", i == 0 ? "marshrut" : units[i]);
        assert_non_null(strstr(text, user));
        assert_null(strstr(text, "\nLimitAS="));
    }
}

static void make_root(const char *root)
{
    static const char *const folders[] = {"", "/etc", "/srv"};
    char path[512];

    for (size_t i = 0; i < MR_COUNT(folders); i++) {
        (void)snprintf(path, sizeof path, "%s%s", root, folders[i]);
        assert_int_equal(mkdir(path, 0755), 0);
    }
}

/* Into a root of its own: five users, and the two folders with the right owner. */
static void users_and_folders_are_made(void **state)
{
    char command[768];
    char *dir;
    struct stat st;

    (void)state;
    need("systemd-sysusers");
    need("systemd-tmpfiles");
    if (geteuid() != 0)
        skip();
    dir = mr_tmpdir_new();
    make_root(mr_tmpdir_path(dir, "root"));
    (void)snprintf(command, sizeof command,
            "systemd-sysusers --root=%s/root %s/packaging/sysusers.d/marshrut.conf", dir, MR_SOURCE_DIR);
    must(command);
    (void)snprintf(command, sizeof command,
            "systemd-tmpfiles --root=%s/root --create %s/packaging/tmpfiles.d/marshrut.conf", dir,
            MR_SOURCE_DIR);
    must(command);
    for (size_t i = 0; i < MR_COUNT(units); i++) {
        (void)snprintf(command, sizeof command, "grep -q '^%s:.*:/usr/sbin/nologin$' %s/root/etc/passwd",
                i == 0 ? "marshrut" : units[i], dir);
        must(command);
    }
    assert_int_equal(stat(mr_tmpdir_path(dir, "root/srv/marshrut-root"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_not_equal(st.st_uid, 0);
    assert_int_equal(stat(mr_tmpdir_path(dir, "root/etc/marshrut"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    mr_tmpdir_free(dir);
}

/* Ready, then alive again and again, then stopping. */
static void the_hub_notifies(void **state)
{
    struct spawn spawn;
    struct notify_socket manager;
    const char *environment[] = {NULL, "WATCHDOG_USEC=60000", NULL};

    (void)state;
    spawn_init(&spawn, "");
    notify_socket_open(&manager, spawn.dir);
    environment[0] = manager.variable;
    spawn.environment = environment;
    spawn_start(&spawn);
    notify_socket_until(&manager, "READY=1");
    for (int i = 0; i < 3; i++)
        notify_socket_until(&manager, "WATCHDOG=1");
    spawn_stop(&spawn);
    notify_socket_until(&manager, "STOPPING=1");
    notify_socket_close(&manager);
    spawn_fini(&spawn);
}

static pid_t start_school(const struct spawn *spawn, const char *notify_path)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setenv("NOTIFY_SOCKET", notify_path, 1);
    (void)setenv("WATCHDOG_USEC", "60000", 1);
    (void)execl(MR_BIN_DIR "/marshrut-school", "marshrut-school", "-c", spawn->config, NULL);
    _exit(127);
}

/* An adapter too; it needs no hub for that. */
static void an_adapter_notifies(void **state)
{
    struct spawn spawn;
    struct notify_socket manager;
    int status;
    pid_t pid;

    (void)state;
    spawn_init(&spawn,
            "adapters:\n  school:\n    system: school\n    secret_key_file: school.key\n"
            "    state: state\n    in: in\n    out: out\n    done: done\n    rejected: rejected\n");
    assert_int_equal(
            mr_file_write(spawn.dir, "school.key", mr_slice_str(spawn.keys[SPAWN_SCHOOL].secret_key), 0600),
            0);
    notify_socket_open(&manager, spawn.dir);
    pid = start_school(&spawn, strchr(manager.variable, '=') + 1);
    assert_true(pid > 0);
    notify_socket_until(&manager, "READY=1");
    for (int i = 0; i < 3; i++)
        notify_socket_until(&manager, "WATCHDOG=1");
    assert_int_equal(kill(pid, SIGTERM), 0);
    notify_socket_until(&manager, "STOPPING=1");
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    notify_socket_close(&manager);
    spawn_fini(&spawn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(systemd_takes_the_units),
            cmocka_unit_test(every_unit_has_what_it_needs),
            cmocka_unit_test(users_and_folders_are_made),
            cmocka_unit_test(the_hub_notifies),
            cmocka_unit_test(an_adapter_notifies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
