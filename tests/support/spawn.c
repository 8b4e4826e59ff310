#include "tests/support/spawn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/tmpdir.h"

static const char *const names[SPAWN_SYSTEMS] = {"cnppm", "copmkp", "portal", "school"};
static const char *const publishes[SPAWN_SYSTEMS] = {"nms.route., nms.course.",
        "nms.diagnostic., nms.rediagnostic., nms.deficit.", "nms.programme., nms.course.",
        "nms.person., nms.org., nms.employment."};

const char *spawn_system(int system)
{
    return names[system];
}

const char *spawn_source(int system)
{
    static const char *const sources[SPAWN_SYSTEMS] = {"urn:marshrut:24:cnppm", "urn:marshrut:24:copmkp",
            "urn:marshrut:24:portal", "urn:marshrut:24:school"};

    return sources[system];
}

static int64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A turn of waiting for something outside that has no descriptor. */
static void turn(void)
{
    (void)poll(NULL, 0, 5);
}

void spawn_until(const char *what, bool (*fn)(void *ctx), void *ctx)
{
    int64_t deadline = now_ms() + SPAWN_DEADLINE_MS;

    while (!fn(ctx)) {
        if (now_ms() > deadline)
            fail_msg("did not happen in time: %s", what);
        turn();
    }
}

/* A client of a test answers pings when the test comes to it, which on a slow machine is late: nobody is to
 * be taken for silent who is only behind. */
static const char seldom[] = "  ping_interval_ms: 60000\n";

static void write_config(const struct spawn *spawn, const char *extra, const char *hub)
{
    FILE *file = fopen(spawn->config, "we");

    assert_non_null(file);
    (void)fprintf(file,
            "version: 1\nregion: \"24\"\nhub:\n  source: urn:marshrut:24:hub\n  listen: [\"%s\"]\n"
            "  admin: run/hub.sock\n"
            "  store: store\n  root_key: root\n  secret_key_file: hub.key\n  public_key: '%s'\n"
            "  publish_window: 4096\n%s%ssystems:\n",
            spawn->endpoint, spawn->hub_key.public_key, strstr(hub, "ping_interval_ms") ? "" : seldom, hub);
    for (int i = 0; i < SPAWN_SYSTEMS; i++)
        (void)fprintf(file, "  - {name: %s, kind: %s, source: \"%s\", public_key: '%s', publish: [%s]}\n",
                names[i], names[i], spawn_source(i), spawn->keys[i].public_key, publishes[i]);
    (void)fprintf(file,
            "subscriptions:\n"
            "  - {name: cnppm-programmes, system: cnppm, personal: none, attempts_max: 3,\n"
            "     filters: [{prefix: {type: nms.programme.}}]}\n"
            "  - {name: cnppm-deficits, system: cnppm, personal: full, filters: [{prefix: {type: "
            "nms.deficit.}}]}\n"
            "%s",
            extra);
    assert_int_equal(fclose(file), 0);
}

void spawn_init(struct spawn *spawn, const char *extra)
{
    spawn_init_hub(spawn, extra, SPAWN_HUB);
}

void spawn_init_hub(struct spawn *spawn, const char *extra, const char *hub)
{
    char secret[128], public[128];

    *spawn = (struct spawn){.dir = mr_tmpdir_new()};
    (void)snprintf(spawn->config, sizeof spawn->config, "%s/marshrut.yaml", spawn->dir);
    (void)snprintf(spawn->log, sizeof spawn->log, "%s/stderr", spawn->dir);
    (void)snprintf(spawn->admin, sizeof spawn->admin, "ipc://%s/run/hub.sock", spawn->dir);
    assert_true(port_claim_make(&spawn->port));
    (void)snprintf(spawn->endpoint, sizeof spawn->endpoint, "tcp://127.0.0.1:%u", spawn->port.port);
    (void)snprintf(secret, sizeof secret, "%s/hub.key", spawn->dir);
    (void)snprintf(public, sizeof public, "%s/hub.pub", spawn->dir);
    assert_int_equal(mr_curvekey_create_files(secret, public, &spawn->hub_key, NULL), 0);
    for (int i = 0; i < SPAWN_SYSTEMS; i++)
        assert_int_equal(mr_curvekey_generate(&spawn->keys[i]), 0);
    write_config(spawn, extra, hub);
}

static void launch(struct spawn *spawn)
{
    pid_t parent = getpid();
    int fd = open(spawn->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    spawn->log_from = lseek(fd, 0, SEEK_END);
    spawn->pid = fork();
    assert_true(spawn->pid >= 0);
    if (spawn->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)dup2(fd, STDERR_FILENO);
        for (const char *const *more = spawn->environment; more && *more; more++)
            (void)putenv((char *)*more);
        if (getppid() == parent)
            (void)execl(MR_BIN_DIR "/marshrutd", "marshrutd", "-c", spawn->config, (char *)NULL);
        _exit(127);
    }
    (void)close(fd);
}

static char *read_log(const struct spawn *spawn, long from)
{
    FILE *file = fopen(spawn->log, "re");
    char *text = calloc(1, 4 * 1024 * 1024);

    assert_non_null(text);
    if (!file)
        return text;
    (void)fseek(file, from, SEEK_SET);
    text[fread(text, 1, 4 * 1024 * 1024 - 1, file)] = 0;
    (void)fclose(file);
    return text;
}

bool spawn_logged(const struct spawn *spawn, const char *text)
{
    char *log = read_log(spawn, spawn->log_from);
    bool found = strstr(log, text) != NULL;

    free(log);
    return found;
}

static bool is_ready_or_gone(void *ctx)
{
    struct spawn *spawn = ctx;
    siginfo_t info = {0};

    (void)waitid(P_PID, (id_t)spawn->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid != 0 || spawn_logged(spawn, "event=hub.ready");
}

void spawn_print_log(const struct spawn *spawn)
{
    char *log = read_log(spawn, spawn->log_from);

    print_error("%s\n", log);
    free(log);
}

static int wait_exit(struct spawn *spawn)
{
    int status = 0;

    while (waitpid(spawn->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    spawn->pid = 0;
    return status;
}

void spawn_start(struct spawn *spawn)
{
    launch(spawn);
    spawn_until("hub.ready", is_ready_or_gone, spawn);
    if (!spawn_logged(spawn, "event=hub.ready")) {
        spawn_print_log(spawn);
        fail_msg("marshrutd did not start: it ended with %d", wait_exit(spawn));
    }
}

int spawn_start_ends(struct spawn *spawn)
{
    launch(spawn);
    spawn_until("exit", is_ready_or_gone, spawn);
    assert_false(spawn_logged(spawn, "event=hub.ready"));
    return wait_exit(spawn);
}

int spawn_start_fails(struct spawn *spawn)
{
    int status = spawn_start_ends(spawn);

    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

bool spawn_gone(const struct spawn *spawn)
{
    siginfo_t info = {0};

    (void)waitid(P_PID, (id_t)spawn->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid != 0;
}

static bool is_gone(void *ctx)
{
    return spawn_gone(ctx);
}

int spawn_wait(struct spawn *spawn)
{
    spawn_until("its end", is_gone, spawn);
    return wait_exit(spawn);
}

void spawn_forget(struct spawn *spawn)
{
    assert_int_equal(truncate(spawn->log, 0), 0);
}

void spawn_kill(struct spawn *spawn)
{
    assert_int_equal(kill(spawn->pid, SIGKILL), 0);
    (void)wait_exit(spawn);
}

void spawn_scan(const struct spawn *spawn)
{
    static const char *const bad[] = {"AddressSanitizer", "LeakSanitizer",
            "runtime error:", "ThreadSanitizer", "Assertion", "level=error"};
    char *log = read_log(spawn, 0);

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (strstr(log, bad[i])) {
            print_error("%.900s\n", strstr(log, bad[i]));
            fail_msg("the hub's stderr has \"%s\"", bad[i]);
        }
    }
    free(log);
}

void spawn_end(struct spawn *spawn)
{
    int status;

    assert_int_equal(kill(spawn->pid, SIGTERM), 0);
    status = wait_exit(spawn);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        spawn_print_log(spawn);
        fail_msg("marshrutd ended with status %d", status);
    }
}

void spawn_stop(struct spawn *spawn)
{
    spawn_end(spawn);
    spawn_scan(spawn);
}

void spawn_fini(struct spawn *spawn)
{
    if (spawn->pid)
        spawn_stop(spawn);
    port_claim_end(&spawn->port);
    mr_tmpdir_free(spawn->dir);
    spawn->dir = NULL;
}
