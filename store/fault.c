#include "store/fault.h"

#ifdef MR_FAULT_POINTS

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/err.h"

/* What was asked for. Process-wide because MR_FAULT is; in debug builds only. The lock is for tests that ask
 * for another point while threads of the hub are at work. */
static struct {
    pthread_once_t once;
    pthread_mutex_t lock;
    char name[64];
    char action[16];
    unsigned nth;
    const char *when; /* NULL: always */
    atomic_uint hits;
} wanted = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_point(const char *name)
{
    static const char *const points[] = {
#define MR_FAULT_NAME(name_) name_,
            MR_FAULT_TABLE(MR_FAULT_NAME)
#undef MR_FAULT_NAME
    };

    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
        if (strcmp(points[i], name) == 0)
            return true;
    return false;
}

static void parse(const char *spec)
{
    wanted.name[0] = '\0';
    atomic_store(&wanted.hits, 0);
    if (!spec || !*spec)
        return;
    if (sscanf(spec, "%63[^:]:%u:%15s", wanted.name, &wanted.nth, wanted.action) != 3 ||
            !is_point(wanted.name)) {
        (void)fprintf(stderr, "MR_FAULT=%s: not name:nth:action, or no such point\n", spec);
        abort();
    }
}

static void parse_environment(void)
{
    parse(getenv("MR_FAULT"));
    wanted.when = getenv("MR_FAULT_WHEN");
}

void mr_fault_set(const char *spec)
{
    (void)pthread_once(&wanted.once, parse_environment);
    (void)pthread_mutex_lock(&wanted.lock);
    parse(spec);
    (void)pthread_mutex_unlock(&wanted.lock);
}

unsigned mr_fault_hits(void)
{
    return atomic_load(&wanted.hits);
}

/* Whether this hit is the one asked for, and then what is to happen. */
static bool is_wanted(const char *name, char action[static sizeof wanted.action])
{
    bool is;

    (void)pthread_mutex_lock(&wanted.lock);
    is = strcmp(wanted.name, name) == 0 && (!wanted.when || access(wanted.when, F_OK) == 0);
    if (is) {
        unsigned hit = atomic_fetch_add(&wanted.hits, 1) + 1;

        is = hit == wanted.nth || (hit > wanted.nth && strcmp(wanted.action, "wait") == 0);
    }
    memcpy(action, wanted.action, sizeof wanted.action);
    (void)pthread_mutex_unlock(&wanted.lock);
    return is;
}

static int wait_at_gate(void)
{
    const char *path = getenv("MR_FAULT_GATE");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n;
    char byte;

    assert(fd >= 0);
    do
        n = read(fd, &byte, 1);
    while (n < 0 && errno == EINTR);
    (void)close(fd);
    return 0;
}

int mr_fault_hit(const char *name)
{
    char action[sizeof wanted.action];

    (void)pthread_once(&wanted.once, parse_environment);
    assert(is_point(name));
    if (!is_wanted(name, action))
        return 0;
    (void)fprintf(stderr, "fault=%s action=%s\n", name, action);
    if (strcmp(action, "kill") == 0)
        (void)raise(SIGKILL);
    if (strcmp(action, "stop") == 0) {
        (void)kill(getpid(), SIGSTOP); /* every thread */
        return 0;
    }
    if (strcmp(action, "wait") == 0)
        return wait_at_gate();
    if (strcmp(action, "eio") == 0)
        return MR_EIO;
    if (strcmp(action, "enospc") == 0)
        return MR_ENOSPACE;
    abort();
}

#endif
