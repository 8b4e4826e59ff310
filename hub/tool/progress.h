/* How far the hub is with a long question, on one line of the terminal that goes again. */
#ifndef MR_HUB_TOOL_PROGRESS_H
#define MR_HUB_TOOL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct tool_progress {
    bool shown;
    int64_t at_us; /* of what is shown */
};

/* Does nothing unless stderr is a terminal. total 0: it waits for its turn, or nobody knows how much there
 * is. */
void tool_progress_show(struct tool_progress *progress, const char *method, uint64_t done, uint64_t total);
/* The same as a struct mr_tick's fn, of work that this program does itself: a few times a second. */
void tool_progress_tick(void *ctx, const char *what, uint64_t done, uint64_t total);
void tool_progress_end(struct tool_progress *progress); /* the line is empty again */

#endif
