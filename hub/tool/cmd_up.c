/*
 * up: hub and adapters of one configuration as child processes. A child that ends by itself is started again
 * after a growing pause; stopping asks the adapters first, then the hub, and kills what does not go.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hub/tool/bin_dir.h"
#include "hub/tool/tool.h"
#include "proto/base/clock.h"
#include "proto/base/list.h"
#include "proto/base/logfmt.h"
#include "proto/loop/backoff.h"

enum { CHILDREN_MAX = 8, STOP_TIMEOUT_S = 20, STEADY_S = 30 };

struct child {
    const char *program;
    pid_t pid; /* 0: not running */
    int64_t started_us;
    int64_t start_at_us; /* when to start it again */
    struct mr_backoff backoff;
};

struct up {
    const char *config_path;
    char bin_dir[PATH_MAX];
    struct child children[CHILDREN_MAX];
    size_t count;
};

static int64_t now_us(void)
{
    return mr_clock_monotonic_us(mr_clock_system());
}

static void add_child(struct up *up, const char *program)
{
    up->children[up->count++] =
            (struct child){.program = program, .backoff = {.first_ms = 250, .max_ms = 30000}};
}

static void exec_child(const struct up *up, const struct child *child, const sigset_t *mask)
{
    char path[PATH_MAX + 64];
    const char *argv[] = {child->program, "-c", up->config_path, NULL};

    (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* nothing is left running when this process is killed */
    (void)sigprocmask(SIG_SETMASK, mask, NULL);
    (void)snprintf(path, sizeof path, "%s/%s", up->bin_dir, child->program);
    (void)execv(path, (char *const *)argv);
    mr_err("up.exec", "program", child->program, "error", strerror(errno));
    _exit(127);
}

static void start_child(struct up *up, struct child *child, const sigset_t *mask)
{
    pid_t pid = fork();

    if (pid == 0)
        exec_child(up, child, mask);
    child->started_us = now_us();
    child->start_at_us = INT64_MAX;
    if (pid < 0) {
        child->start_at_us = child->started_us + 1000000;
        mr_err("up.fork", "program", child->program, "error", strerror(errno));
        return;
    }
    child->pid = pid;
    mr_info("up.started", "program", child->program, "pid", MR_N(pid));
}

static struct child *child_of(struct up *up, pid_t pid)
{
    for (size_t i = 0; i < up->count; i++)
        if (up->children[i].pid == pid)
            return &up->children[i];
    return NULL;
}

static void reap(struct up *up, bool stopping)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct child *child = child_of(up, pid);

        if (!child)
            continue;
        child->pid = 0;
        if (stopping)
            continue;
        if (now_us() - child->started_us > STEADY_S * 1000000LL)
            mr_backoff_reset(&child->backoff);
        child->start_at_us =
                now_us() + (int64_t)mr_backoff_next(&child->backoff, (uint32_t)pid * 2654435761u) * 1000;
        mr_warn("up.ended", "program", child->program, "status",
                MR_N(WIFEXITED(status) ? WEXITSTATUS(status) : -1), "signal",
                MR_N(WIFSIGNALED(status) ? WTERMSIG(status) : 0));
    }
}

static int64_t start_due(struct up *up, const sigset_t *mask)
{
    int64_t next = now_us() + 3600 * 1000000LL;

    for (size_t i = 0; i < up->count; i++) {
        struct child *child = &up->children[i];

        if (child->pid == 0 && child->start_at_us <= now_us())
            start_child(up, child, mask);
        if (child->pid == 0 && child->start_at_us < next)
            next = child->start_at_us;
    }
    return next;
}

/* Waits for a signal of `set` until a time; the signal, or 0. */
static int wait_signal(const sigset_t *set, int64_t until_us)
{
    int64_t left = until_us - now_us();
    struct timespec timeout = {
            .tv_sec = left > 0 ? left / 1000000 : 0, .tv_nsec = left > 0 ? left % 1000000 * 1000 : 0};
    int number = sigtimedwait(set, NULL, &timeout);

    return number > 0 ? number : 0;
}

static size_t running(const struct up *up, size_t from)
{
    size_t n = 0;

    for (size_t i = from; i < up->count; i++)
        n += up->children[i].pid != 0;
    return n;
}

/* Stops children [from, count) and waits for them. */
static void stop_children(struct up *up, size_t from, const sigset_t *set)
{
    int64_t until = now_us() + STOP_TIMEOUT_S * 1000000LL;

    for (size_t i = from; i < up->count; i++)
        if (up->children[i].pid)
            (void)kill(up->children[i].pid, SIGTERM);
    reap(up, true);
    while (running(up, from) > 0 && now_us() < until) {
        (void)wait_signal(set, until);
        reap(up, true);
    }
    for (size_t i = from; i < up->count; i++)
        if (up->children[i].pid) {
            mr_err("up.killed", "program", up->children[i].program, "reason", "did not stop in time");
            (void)kill(up->children[i].pid, SIGKILL);
            (void)waitpid(up->children[i].pid, NULL, 0);
            up->children[i].pid = 0;
        }
}

static void plan_children(struct up *up, const struct mr_config *config)
{
    add_child(up, "marshrutd"); /* the first: stopped last */
    if (config->adapters.school)
        add_child(up, "marshrut-school");
    if (config->adapters.copmkp)
        add_child(up, "marshrut-copmkp");
    if (config->adapters.cnppm)
        add_child(up, "marshrut-cnppm");
    if (config->adapters.portal)
        add_child(up, "marshrut-portal");
}

static int up_run(struct tool *tool, int argc, char **argv)
{
    const struct mr_config *config;
    struct up up = {.config_path = tool->config_path};
    sigset_t set;
    sigset_t before;
    int number = 0;

    (void)argv;
    if (argc != 1)
        return tool_usage(&tool_up, "takes no arguments");
    config = tool_config(tool);
    if (!config)
        return mr_err_exit(MR_ECONFIG);
    if (tool_bin_dir(up.bin_dir) < 0)
        return mr_err_exit(MR_ESYSTEM);
    plan_children(&up, config);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGCHLD);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &set, &before);
    while (number != SIGINT && number != SIGTERM) {
        number = wait_signal(&set, start_due(&up, &before));
        reap(&up, false);
    }
    mr_info("up.stopping");
    stop_children(&up, 1, &set);
    stop_children(&up, 0, &set);
    return 0;
}

const struct tool_command tool_up = {
        .name = "up",
        .usage = "",
        .summary = "run hub and adapters of a configuration, supervised",
        .help = "Starts marshrutd and each configured adapter from the folder of this program, starts again "
                "what ends by\n"
                "itself, and stops everything on Ctrl-C or SIGTERM. Where adapters have machines of their "
                "own, start "
                "each\n"
                "program there: marshrut-school -c FILE and so on.\n",
        .run = up_run,
};
