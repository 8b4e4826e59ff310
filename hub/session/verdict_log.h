/*
 * Log lines of events that a system sent and that were refused or quarantined: who looks into a trace or at a
 * sender finds them there. At most some lines a second; what is left out is counted. Nothing of the event but
 * its number and its traceparent is said. Loop thread.
 */
#ifndef MR_HUB_SESSION_VERDICT_LOG_H
#define MR_HUB_SESSION_VERDICT_LOG_H

#include "hub/intake/prepare.h"

enum { MR_VERDICT_LOG_LINES_MAX = 20 }; /* in a second */

struct mr_verdict_log {
    int64_t second; /* monotonic */
    uint32_t lines; /* in it */
    uint64_t left_out;
};

/* The intake is durable. */
void mr_verdict_log(struct mr_verdict_log *log, const struct mr_intake *intake, int64_t monotonic_us);

/* One that never was an event: nothing of it is known but why. */
void mr_verdict_log_unreadable(
        struct mr_verdict_log *log, const char *system, const char *code, int64_t monotonic_us);

#endif
