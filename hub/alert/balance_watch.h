/*
 * Draws the balance (hub/audit/query_balance.c) from time to time, on libuv's pool: what `marshrut balance`
 * says, without anybody asking. It reads the whole log; a hub that stops does not wait for it. Loop thread.
 */
#ifndef MR_HUB_ALERT_BALANCE_WATCH_H
#define MR_HUB_ALERT_BALANCE_WATCH_H

#include <stdatomic.h>
#include <uv.h>

#include "hub/house.h"

enum { MR_BALANCE_FIRST_MS = 10 * 60 * 1000 }; /* after the start, unless the pause is shorter */

struct mr_balance_watch {
    struct mr_house *house;
    struct mr_house shared; /* the work's */
    uv_loop_t *loop;
    uv_timer_t timer;
    uv_work_t work;
    uint64_t pause_ms;
    bool open;
    bool running;
    _Atomic bool stopping;
    int status; /* the work's, as the next: nobody else touches them while it runs */
    uint64_t found;
    uint64_t differences; /* of the last one that ended */
    uint64_t drawn;       /* how many have ended */
};

/* pause_ms 0: off, until it has another. */
void mr_balance_watch_open(
        struct mr_balance_watch *watch, uv_loop_t *loop, struct mr_house *house, uint64_t pause_ms);
/* Another one from now on; the one that runs, runs on. */
void mr_balance_watch_pause(struct mr_balance_watch *watch, uint64_t pause_ms);
/* Ends the one that runs, turning the loop; the loop runs to its end after it. */
void mr_balance_watch_close(struct mr_balance_watch *watch);

#endif
