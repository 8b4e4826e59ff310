#include "proto/loop/watchdog.h"

#include <systemd/sd-daemon.h>

#include "proto/base/err.h"

enum { LOOKS_IN_A_TERM = 3, US_IN_MS = 1000 };

static void on_look(uv_timer_t *timer)
{
    struct mr_watchdog *watchdog = timer->data;

    watchdog->looks++;
    if (watchdog->progress && !watchdog->progress(watchdog->ctx))
        return;
    watchdog->said++;
    (void)sd_notify(0, "WATCHDOG=1");
}

int mr_watchdog_open(struct mr_watchdog *watchdog, uv_loop_t *loop, bool (*progress)(void *ctx), void *ctx)
{
    uint64_t term_us = 0;
    uint64_t period_ms;
    int enabled = sd_watchdog_enabled(0, &term_us);

    *watchdog = (struct mr_watchdog){.progress = progress, .ctx = ctx};
    if (enabled <= 0)
        return enabled < 0 ? MR_EINVAL : 0;
    period_ms = term_us / LOOKS_IN_A_TERM / US_IN_MS;
    if (uv_timer_init(loop, &watchdog->timer) != 0)
        return MR_ESYSTEM;
    watchdog->timer.data = watchdog;
    (void)uv_timer_start(&watchdog->timer, on_look, 0, period_ms > 0 ? period_ms : 1);
    uv_unref((uv_handle_t *)&watchdog->timer);
    watchdog->open = true;
    return 0;
}

void mr_watchdog_close(struct mr_watchdog *watchdog)
{
    if (!watchdog->open)
        return;
    watchdog->open = false;
    uv_close((uv_handle_t *)&watchdog->timer, NULL);
}
