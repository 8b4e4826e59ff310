/*
 * Tells tools how far their questions are, about once a second, when that has changed; and that one still
 * waits for its turn. So a tool can wait for what takes minutes, and gives up soon when nobody works. Loop
 * thread; the figures come from the pool.
 */
#ifndef MR_HUB_QUERY_PROGRESS_H
#define MR_HUB_QUERY_PROGRESS_H

#include <stdbool.h>
#include <uv.h>

#include "hub/session/gateway.h"
#include "proto/base/list.h"
#include "proto/base/tick.h"

struct mr_tellings {
    struct mr_gateway *gateway;
    struct mr_list list;
    uv_timer_t timer; /* runs while there are any */
};

/* Of one question. */
struct mr_telling {
    struct mr_list link;
    struct mr_tellings *all;
    struct mr_peer peer;
    uint64_t id;
    struct mr_tick tick; /* of the house of who is at work: a thread of the pool */
    _Atomic uint64_t done, total;
    uint64_t told;
    unsigned turns;
    _Atomic bool begun; /* set by the pool when it is at work */
};

void mr_tellings_open(struct mr_tellings *all, uv_loop_t *loop, struct mr_gateway *gateway);
void mr_tellings_close(struct mr_tellings *all); /* none is left */

void mr_telling_begin(
        struct mr_tellings *all, struct mr_telling *telling, const struct mr_peer *peer, uint64_t id);
void mr_telling_end(struct mr_telling *telling); /* zeroed, or ended already, is fine */

#endif
