#include "tests/demo/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/clock.h"

enum { KILL_GAP_MS_MIN = 40, KILL_GAP_MS_SPAN = 260, SUPERVISED_MAX = 8 };

static int64_t now_us(void)
{
    return mr_clock_monotonic_us(mr_clock_system());
}

static uint32_t random_next(struct crew *crew)
{
    crew->random = crew->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(crew->random >> 33);
}

static void exec_member(const char *log_path, const char *const argv[])
{
    char self[PATH_MAX];
    char path[PATH_MAX + 64];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    int fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (n > 0 && fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0 && dup2(fd, STDERR_FILENO) >= 0) {
        self[n] = 0;
        (void)snprintf(path, sizeof path, "%s/%s", dirname(self), argv[0]);
        (void)execv(path, (char *const *)argv);
    }
    _exit(127);
}

static pid_t start_member(const struct setup *setup, const char *log, const char *const argv[])
{
    char log_path[PATH_MAX];
    pid_t pid;

    (void)snprintf(log_path, sizeof log_path, "%s/%s.log", setup->dir, log);
    pid = fork();
    if (pid == 0)
        exec_member(log_path, argv);
    return pid;
}

static void plan_kill(struct crew *crew)
{
    crew->next_kill_us = now_us() + (KILL_GAP_MS_MIN + random_next(crew) % KILL_GAP_MS_SPAN) * 1000LL;
}

int crew_start(struct crew *ret, const struct setup *setup, int kills, uint64_t seed, struct mr_error *reterr)
{
    char cnppm_port[8];
    char portal_port[8];
    char feed[PATH_MAX];
    const char *up[] = {"marshrut", "-c", setup->config, "up", NULL};
    const char *cnppm[] = {"mr-counterpart", "--role", "cnppm", "--port", cnppm_port, NULL};
    const char *portal[] = {
            "mr-counterpart", "--role", "portal", "--port", portal_port, "--feed", feed, NULL};

    (void)snprintf(cnppm_port, sizeof cnppm_port, "%u", setup->cnppm_outside);
    (void)snprintf(portal_port, sizeof portal_port, "%u", setup->portal_outside);
    (void)snprintf(feed, sizeof feed, "%s/outside/feed.jsonl", setup->dir);
    *ret = (struct crew){.random = seed, .kills_left = kills};
    ret->pids[1] = start_member(setup, "outside-cnppm", cnppm);
    ret->pids[2] = start_member(setup, "outside-portal", portal);
    ret->pids[0] = start_member(setup, "hub", up);
    for (int i = 0; i < CREW_MEMBERS; i++)
        if (ret->pids[i] < 0)
            return mr_error_set(
                    reterr, MR_ESYSTEM, "fork", "look at the limit of processes", "%s", strerror(errno));
    plan_kill(ret);
    return 0;
}

void crew_stop(struct crew *crew)
{
    for (int i = 0; i < CREW_MEMBERS; i++) {
        if (crew->pids[i] <= 0)
            continue;
        (void)kill(crew->pids[i], SIGTERM);
        (void)waitpid(crew->pids[i], NULL, 0);
        crew->pids[i] = 0;
    }
}

/* Children of `up`: what it supervises. */
static int supervised(pid_t parent, pid_t out[static SUPERVISED_MAX])
{
    char path[64];
    FILE *file;
    int n = 0;
    int pid;

    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    file = fopen(path, "re");
    if (!file)
        return 0;
    while (n < SUPERVISED_MAX && fscanf(file, "%d", &pid) == 1)
        out[n++] = pid;
    (void)fclose(file);
    return n;
}

int crew_tick(struct crew *crew)
{
    pid_t pids[SUPERVISED_MAX];
    int n;

    for (int i = 0; i < CREW_MEMBERS; i++)
        if (waitpid(crew->pids[i], NULL, WNOHANG) == crew->pids[i]) {
            crew->pids[i] = 0;
            return MR_ECLOSED;
        }
    if (crew->kills_left == 0 || now_us() < crew->next_kill_us)
        return 0;
    n = supervised(crew->pids[0], pids);
    if (n > 0) {
        pid_t victim = pids[random_next(crew) % (uint32_t)n];

        (void)kill(victim, SIGKILL);
        crew->kills_left--;
        crew->kills_done++;
    }
    plan_kill(crew);
    return 0;
}
