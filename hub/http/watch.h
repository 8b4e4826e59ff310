/*
 * GET /api/v1/events/watch: records as they come, as server-sent events (WHATWG HTML, section 9.2), by the
 * same search and with the same fields as GET /api/v1/events. Watching is reading: nothing counts as
 * delivered. How many watch is bounded, and so is what is kept for one who reads slowly. Loop thread.
 */
#ifndef MR_HUB_HTTP_WATCH_H
#define MR_HUB_HTTP_WATCH_H

#include <uv.h>

#include "proto/base/list.h"

struct mr_api;

enum { MR_WATCHERS_MAX = 32, MR_WATCHERS_OF_ONE_MAX = 8 };

struct mr_watchers {
    struct mr_list list; /* who was asked for longest ago first */
    size_t count;
    size_t asking; /* questions to hub/query that are under way */
    uv_timer_t timer;
};

void mr_watchers_open(struct mr_api *api, uv_loop_t *loop);
/* After the server was closed: questions that are under way are answered to nobody. */
void mr_watchers_close(struct mr_api *api);

#endif
