#include "hub/tool/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "proto/base/clock.h"

enum { TICK_US = 250 * 1000 };

#define CLEAR_LINE "\r\033[K"

void tool_progress_show(struct tool_progress *progress, const char *method, uint64_t done, uint64_t total)
{
    if (!isatty(STDERR_FILENO))
        return;
    progress->shown = true;
    if (total > 0)
        (void)fprintf(stderr, CLEAR_LINE "%s: %" PRIu64 " of %" PRIu64 ", %u %%", method, done, total,
                (unsigned)(done < total ? (double)done * 100 / (double)total : 100));
    else if (done > 0)
        (void)fprintf(stderr, CLEAR_LINE "%s: %" PRIu64, method, done);
    else
        (void)fprintf(stderr, CLEAR_LINE "%s: waits for its turn", method);
    (void)fflush(stderr);
}

void tool_progress_tick(void *ctx, const char *what, uint64_t done, uint64_t total)
{
    struct tool_progress *progress = ctx;
    int64_t now_us = mr_clock_monotonic_us(mr_clock_system());

    if (now_us - progress->at_us < TICK_US)
        return;
    progress->at_us = now_us;
    tool_progress_show(progress, what, done, total);
}

void tool_progress_end(struct tool_progress *progress)
{
    if (!progress->shown)
        return;
    (void)fprintf(stderr, CLEAR_LINE);
    (void)fflush(stderr);
    progress->shown = false;
}
