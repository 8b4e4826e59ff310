/*
 * The service manager's watchdog: while the process gets on, "WATCHDOG=1" is said three times in
 * WatchdogSec=; when it does not, nothing is said, and the manager ends and starts it. Without WatchdogSec=
 * (sd_watchdog_enabled) nothing happens. Loop thread only.
 */
#ifndef MR_LOOP_WATCHDOG_H
#define MR_LOOP_WATCHDOG_H

#include <stdbool.h>
#include <uv.h>

struct mr_watchdog {
    uv_timer_t timer;
    bool open;
    bool (*progress)(void *ctx);
    void *ctx;
    uint64_t looks; /* how often it could have said it */
    uint64_t said;
};

/*
 * progress: do the other threads get on too? Called at each look; NULL: a turn of the loop is all that
 * counts. The watchdog does not keep the loop alive. MR_EINVAL: the environment's WATCHDOG_USEC is no time.
 */
int mr_watchdog_open(struct mr_watchdog *watchdog, uv_loop_t *loop, bool (*progress)(void *ctx), void *ctx);

/* Asynchronous, idempotent, also of one that was never opened but is zero: run the loop to its end after it.
 */
void mr_watchdog_close(struct mr_watchdog *watchdog);

#endif
