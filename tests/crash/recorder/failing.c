#include "tests/crash/recorder/recorder.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Process-wide as the file calls are. */
static struct {
    pthread_once_t once;
    char call[16], end[128];
    unsigned nth, times, seen;
    int how; /* errno, or KILL_...; 0: nothing fails */
} asked = {.once = PTHREAD_ONCE_INIT};

static void parse(void)
{
    static const struct {
        const char *name;
        int how;
    } hows[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"KILL", KILL_BEFORE}, {"LOST", KILL_AFTER},
            {"LATE", FAIL_AFTER}};
    const char *spec = getenv("MR_RECORD_FAIL");
    char how[16];

    if (!spec)
        return;
    if (sscanf(spec, "%15[^:]:%127[^:]:%u:%u:%15s", asked.call, asked.end, &asked.nth, &asked.times, how) ==
            5)
        for (size_t i = 0; i < sizeof hows / sizeof hows[0]; i++)
            if (strcmp(how, hows[i].name) == 0)
                asked.how = hows[i].how;
    if (!asked.how)
        abort();
}

static bool ends_so(const char *path)
{
    size_t n = strlen(path), end = strlen(asked.end);

    return n >= end && strcmp(path + n - end, asked.end) == 0;
}

int recorder_failure(const char *call, const char *path)
{
    unsigned nth;

    (void)pthread_once(&asked.once, parse);
    if (!asked.how || strcmp(call, asked.call) != 0 || !ends_so(path) || !recorder_is_armed())
        return 0;
    nth = __atomic_add_fetch(&asked.seen, 1, __ATOMIC_SEQ_CST);
    if (nth < asked.nth || nth >= asked.nth + asked.times)
        return 0;
    (void)dprintf(STDERR_FILENO, "fault=%s:%s\n", asked.call, asked.end);
    if (asked.how == KILL_BEFORE)
        recorder_die();
    return asked.how;
}
