/*
 * Does the hub get on? Looked at once a second by the loop, so that the loop turns is in the look itself; the
 * writer gets on when nothing waits for it, or when it has tried a commit since the last look. A commit that
 * found no room counts: a full disk is no stall, and starting again would not mend it. Ten looks in a row
 * without progress are a stall. What is made of it: no more "WATCHDOG=1" (proto/loop/watchdog.h).
 * Loop thread only.
 */
#ifndef MR_HUB_WATCH_PULSE_H
#define MR_HUB_WATCH_PULSE_H

#include "store/writer.h"

enum { MR_PULSE_LOOKS_MAX = 10 };

struct mr_pulse {
    uint64_t attempts; /* the writer's, at the last look */
    uint32_t still;    /* looks in a row without progress, at most MR_PULSE_LOOKS_MAX */
};

/* One look. Logs hub.writer_stalled and hub.writer_goes_on, once each. */
void mr_pulse_look(struct mr_pulse *pulse, const struct mr_writer_stats *writer);
bool mr_pulse_beats(const struct mr_pulse *pulse);

#endif
