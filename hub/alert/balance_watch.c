#include "hub/alert/balance_watch.h"

#include "hub/audit/method.h"
#include "hub/edition/edition.h"
#include "proto/base/list.h"
#include "proto/base/logfmt.h"

static int keep_differences(void *ctx, json_t *document)
{
    struct mr_balance_watch *watch = ctx;

    watch->found = json_array_size(json_object_get(document, "differences"));
    json_decref(document);
    return 0;
}

/* On the pool. */
static void on_work(uv_work_t *work)
{
    struct mr_balance_watch *watch = MR_CONTAINER(work, struct mr_balance_watch, work);
    json_t *arguments = json_object();
    const struct mr_method_call call = {.house = &watch->shared,
            .arguments = arguments,
            .operator_name = "",
            .hub_running = true,
            .stop = &watch->stopping};
    struct mr_error error = {0};

    watch->status = mr_method_find("balance")->read(&call, keep_differences, watch, &error);
    json_decref(arguments);
}

static void on_timer(uv_timer_t *timer);

static void on_after_work(uv_work_t *work, int status)
{
    struct mr_balance_watch *watch = MR_CONTAINER(work, struct mr_balance_watch, work);

    mr_house_leave(&watch->shared);
    watch->running = false;
    if (atomic_load(&watch->stopping))
        return;
    if (status == 0 && watch->status == 0) {
        watch->differences = watch->pause_ms > 0 ? watch->found : 0;
        watch->drawn++;
        mr_info("balance.drawn", "differences", MR_N(watch->found));
    } else {
        mr_warn("balance.not-drawn", "what", mr_err_text(watch->status), "cure",
                "marshrut balance says more");
    }
    if (watch->pause_ms > 0)
        (void)uv_timer_start(&watch->timer, on_timer, watch->pause_ms, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct mr_balance_watch *watch = MR_CONTAINER(timer, struct mr_balance_watch, timer);

    mr_house_share(&watch->shared, watch->house);
    watch->running = uv_queue_work(watch->loop, &watch->work, on_work, on_after_work) == 0;
    if (watch->running)
        return;
    mr_house_leave(&watch->shared);
    (void)uv_timer_start(&watch->timer, on_timer, watch->pause_ms, 0);
}

static void wait_for_first(struct mr_balance_watch *watch)
{
    uint64_t pause_ms = watch->pause_ms < MR_BALANCE_FIRST_MS ? watch->pause_ms : MR_BALANCE_FIRST_MS;

    if (watch->pause_ms > 0 && !watch->running)
        (void)uv_timer_start(&watch->timer, on_timer, pause_ms, 0);
}

void mr_balance_watch_open(
        struct mr_balance_watch *watch, uv_loop_t *loop, struct mr_house *house, uint64_t pause_ms)
{
    watch->house = house;
    watch->loop = loop;
    watch->pause_ms = pause_ms;
    (void)uv_timer_init(loop, &watch->timer);
    watch->open = true;
    wait_for_first(watch);
}

void mr_balance_watch_pause(struct mr_balance_watch *watch, uint64_t pause_ms)
{
    if (!watch->open || watch->pause_ms == pause_ms)
        return;
    watch->pause_ms = pause_ms;
    if (pause_ms == 0)
        watch->differences = 0; /* nobody looks any more */
    (void)uv_timer_stop(&watch->timer);
    wait_for_first(watch);
}

void mr_balance_watch_close(struct mr_balance_watch *watch)
{
    if (!watch->open)
        return;
    watch->open = false;
    atomic_store(&watch->stopping, true);
    while (watch->running)
        (void)uv_run(watch->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&watch->timer, NULL);
}
