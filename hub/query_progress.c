#include "hub/query_progress.h"

#include <stdatomic.h>

#include "store/fault.h"

enum { TELL_MS = 1000, FIRST_TURN = 2 };

static void tell(const struct mr_telling *telling, uint64_t done, uint64_t total)
{
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Result result = MARSHRUT__BUS__V1__RESULT__INIT;

    result.id = telling->id;
    result.more = true;
    result.done = done;
    result.total = total;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_RESULT;
    frame.result = &result;
    (void)mr_gateway_send(telling->all->gateway, &telling->peer, &frame); /* one that is lost is followed */
}

static void on_timer(uv_timer_t *timer)
{
    struct mr_tellings *all = timer->data;

    mr_list_foreach (it, &all->list) {
        struct mr_telling *telling = MR_CONTAINER(it, struct mr_telling, link);
        uint64_t done = atomic_load_explicit(&telling->done, memory_order_relaxed);

        if (++telling->turns < FIRST_TURN || (atomic_load(&telling->begun) && done == telling->told))
            continue; /* it is young, stands still, or is of those that do not tell */
        telling->told = done;
        tell(telling, done, atomic_load_explicit(&telling->total, memory_order_relaxed));
    }
}

static void on_tick(void *ctx, const char *what, uint64_t done, uint64_t total)
{
    struct mr_telling *telling = ctx;

    (void)what;
    atomic_store_explicit(&telling->total, total, memory_order_relaxed);
    atomic_store_explicit(&telling->done, done, memory_order_relaxed);
    (void)MR_FAULT("question.told");
}

void mr_tellings_open(struct mr_tellings *all, uv_loop_t *loop, struct mr_gateway *gateway)
{
    all->gateway = gateway;
    mr_list_init(&all->list);
    (void)uv_timer_init(loop, &all->timer);
    all->timer.data = all;
}

void mr_tellings_close(struct mr_tellings *all)
{
    uv_close((uv_handle_t *)&all->timer, NULL);
}

void mr_telling_begin(
        struct mr_tellings *all, struct mr_telling *telling, const struct mr_peer *peer, uint64_t id)
{
    telling->all = all;
    telling->peer = *peer;
    telling->id = id;
    telling->tick = (struct mr_tick){on_tick, telling};
    if (mr_list_empty(&all->list))
        (void)uv_timer_start(&all->timer, on_timer, TELL_MS, TELL_MS);
    mr_list_push_back(&all->list, &telling->link);
}

void mr_telling_end(struct mr_telling *telling)
{
    if (!telling->all)
        return;
    mr_list_remove(&telling->link);
    if (mr_list_empty(&telling->all->list))
        (void)uv_timer_stop(&telling->all->timer);
    telling->all = NULL;
}
