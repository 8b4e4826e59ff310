#include <stdio.h>
#include <string.h>

#include "adapters/sdk/link_internal.h"
#include "proto/base/logfmt.h"
#include "proto/wire/codec.h"
#include "proto/wire/frame.h"

typedef Marshrut__Bus__V1__Frame frame_t;

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
    return value != 0 && value < fallback ? value : fallback;
}

/* What the hub says, but never more than this side is built for. */
static void take_limits(struct mr_link *link, const Marshrut__Bus__V1__Limits *limits)
{
    static const Marshrut__Bus__V1__Limits none = MARSHRUT__BUS__V1__LIMITS__INIT;

    if (!limits)
        limits = &none;
    link->limits = none;
    link->limits.frame_bytes_max = or_default(limits->frame_bytes_max, MR_FRAME_BYTES_MAX);
    link->limits.event_bytes_max = or_default(limits->event_bytes_max, MR_EVENT_BYTES_MAX);
    link->limits.batch_events_max = or_default(limits->batch_events_max, MR_BATCH_EVENTS_MAX);
    link->limits.publish_window = limits->publish_window ? limits->publish_window : 1024;
    link->limits.ping_interval_ms = limits->ping_interval_ms ? limits->ping_interval_ms : 5000;
}

/* The hub's memory of our epoch and ours do not fit together: one of the two came from a backup. */
static void begin_new_epoch(struct mr_link *link, uint64_t stored)
{
    int r = mr_outbox_renumber(link->outbox);

    mr_warn("outbox.new-epoch", "hub_stored", MR_N(stored), "waiting", MR_N(mr_outbox_last(link->outbox)),
            "error", r < 0 ? mr_err_name(r) : NULL);
    mr_link_fail(link, "new-epoch");
}

/* Who takes what comes of it? */
static bool is_wanted(const struct mr_link *link, const char *subscription)
{
    return subscription[0] == MR_CONFIG_BUILTIN_MARK ? link->on_builtin != NULL
                                                     : link->callbacks.on_event != NULL;
}

static void on_welcome(struct mr_link *link, const frame_t *frame)
{
    const Marshrut__Bus__V1__Welcome *welcome = frame->welcome;
    uint64_t noted = mr_outbox_noted(link->outbox);

    if (link->state != MR_LINK_GREETING)
        return;
    if (welcome->stored_sequence > mr_outbox_last(link->outbox) || welcome->stored_sequence < noted) {
        begin_new_epoch(link, welcome->stored_sequence);
        return;
    }
    take_limits(link, welcome->limits);
    link->state = MR_LINK_UP;
    mr_backoff_reset(&link->backoff);
    link->sent_through = welcome->stored_sequence;
    link->seen_sent = noted;
    link->paused_until_ms = 0;
    link->pinged_ms = uv_now(link->loop);
    mr_inbox_new_session(link->inbox);
    mr_info("link.up", "hub", welcome->hub, "session", MR_N(welcome->session), "resume_after",
            MR_N(welcome->stored_sequence), "waiting",
            MR_N(mr_outbox_last(link->outbox) - welcome->stored_sequence));
    if (welcome->stored_sequence > noted)
        mr_link_repeat_begin(link, welcome->stored_sequence);
    for (size_t i = 0; i < welcome->n_subscriptions; i++)
        if (is_wanted(link, welcome->subscriptions[i]) &&
                (!mr_inbox_subscription(link->inbox, welcome->subscriptions[i]) ||
                        mr_link_subscribe(link, welcome->subscriptions[i]) < 0)) {
            mr_link_fail(link, "subscribe");
            return;
        }
    if (link->state != MR_LINK_UP)
        return;
    mr_link_set_up(link, true);
    mr_link_wake(link);
}

/* Codes that want more than the hub's retry_after. */
static const struct {
    const char *code;
    uint32_t retry_ms;
} slow_codes[] = {
        {"replaced", MR_LINK_SLOW_RETRY_MS}, /* two of us: let the other work, look again later */
        {"version", MR_LINK_SLOW_RETRY_MS},
        {"unknown-system", MR_LINK_SLOW_RETRY_MS},
};

static void on_refusal(struct mr_link *link, const frame_t *frame)
{
    const Marshrut__Bus__V1__Refusal *refusal = frame->refusal;
    uint32_t retry_ms = refusal->retry_after_ms;
    bool over = refusal->fatal || link->state != MR_LINK_UP || strcmp(refusal->code, "no-hello") == 0;

    mr_warn("link.refused", "code", refusal->code, "reason", refusal->reason, "cure", refusal->cure,
            "retry_ms", MR_N(retry_ms));
    if (over) {
        for (size_t i = 0; i < MR_COUNT(slow_codes); i++)
            if (strcmp(refusal->code, slow_codes[i].code) == 0 && retry_ms < slow_codes[i].retry_ms)
                retry_ms = slow_codes[i].retry_ms;
        link->retry_after_ms = retry_ms;
        mr_link_fail(link, "refused");
        return;
    }
    if (strcmp(refusal->code, "right") == 0)
        return; /* of one subscription; the rest goes on */
    /* A batch was not taken (read-only, limit, sequence): again from the last noted one, after a pause. */
    link->paused_until_ms = uv_now(link->loop) + (retry_ms ? retry_ms : 1000);
    link->sent_through = mr_outbox_noted(link->outbox);
    if (link->repeat_through > link->sent_through)
        link->sent_through = link->repeat_through;
    mr_link_wake(link);
}

static void on_publish_ack(struct mr_link *link, const frame_t *frame)
{
    if (link->state == MR_LINK_UP)
        mr_link_on_ack(link, frame->publish_ack);
}

/* ---- deliveries ---- */

static void hand_over(struct mr_link *link, struct mr_inbox_subscription *subscription,
        const Marshrut__Bus__V1__Deliver *deliver, const Marshrut__Bus__V1__DeliverItem *item)
{
    struct mr_event event;
    struct mr_delivered delivered = {
            .subscription = subscription->name,
            .number = item->number,
            .attempt = item->attempt,
            .recorded_us = item->recorded_us,
            .event = &event,
            .recipients = (const char *const *)item->recipients,
            .recipients_count = item->n_recipients,
            .replay = deliver->replay,
    };
    int r = mr_event_decode(&event, mr_slice(item->event.data, item->event.len), &link->event_arena, NULL);

    if (r == 0) {
        link->delivered++;
        if (subscription->name[0] == MR_CONFIG_BUILTIN_MARK)
            link->on_builtin(link->builtin_ctx, &delivered);
        else
            link->callbacks.on_event(link->ctx, &delivered);
    } else {
        mr_err("inbox.not-decoded", "subscription", subscription->name, "number", MR_N(item->number), "error",
                mr_err_name(r));
        (void)mr_inbox_finish(subscription, item->number, false);
        mr_link_nack(link, subscription->name, item->number, r != MR_ENOMEM, "not-decoded");
    }
    mr_arena_reset(&link->event_arena); /* wipes */
}

static void on_deliver(struct mr_link *link, const frame_t *frame)
{
    const Marshrut__Bus__V1__Deliver *deliver = frame->deliver;
    struct mr_inbox_subscription *subscription = mr_inbox_find(link->inbox, deliver->subscription);
    const struct mr_link_connection *connection = link->connection;

    if (!subscription || !is_wanted(link, subscription->name))
        return;
    for (size_t i = 0; i < deliver->n_items && link->connection == connection; i++) {
        const Marshrut__Bus__V1__DeliverItem *item = deliver->items[i];
        int r = mr_inbox_deliver(
                subscription, item->number, item->event.len, deliver->released || deliver->replay);

        if (r < 0) {
            mr_link_fail(link, "memory");
            return;
        }
        if (r == MR_INBOX_HAND_OVER)
            hand_over(link, subscription, deliver, item);
    }
    mr_link_wake(link);
}

static void on_ping(struct mr_link *link, const frame_t *frame)
{
    Marshrut__Bus__V1__Pong pong = MARSHRUT__BUS__V1__PONG__INIT;
    frame_t answer = MARSHRUT__BUS__V1__FRAME__INIT;

    pong.id = frame->ping->id;
    pong.progress = link->finished;
    answer.body_case = MARSHRUT__BUS__V1__FRAME__BODY_PONG;
    answer.pong = &pong;
    (void)mr_link_send(link, &answer);
}

static void on_pong(struct mr_link *link, const frame_t *frame)
{
    if (link->repeat_through != 0 && frame->pong->id == link->repeat_ping) {
        mr_link_repeat_end(link);
        mr_link_wake(link);
    }
}

static void on_goodbye(struct mr_link *link, const frame_t *frame)
{
    (void)frame;
    mr_link_fail(link, "goodbye");
}

static const struct {
    Marshrut__Bus__V1__Frame__BodyCase body;
    void (*handle)(struct mr_link *link, const frame_t *frame);
} handlers[] = {
        {MARSHRUT__BUS__V1__FRAME__BODY_WELCOME, on_welcome},
        {MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL, on_refusal},
        {MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK, on_publish_ack},
        {MARSHRUT__BUS__V1__FRAME__BODY_DELIVER, on_deliver},
        {MARSHRUT__BUS__V1__FRAME__BODY_PING, on_ping},
        {MARSHRUT__BUS__V1__FRAME__BODY_PONG, on_pong},
        {MARSHRUT__BUS__V1__FRAME__BODY_GOODBYE, on_goodbye},
};

void mr_link_receive(struct mr_link *link, struct mr_slice bytes)
{
    frame_t *frame;
    int r = mr_frame_borrow(bytes, &link->receive_arena, &frame, NULL);

    if (r < 0) {
        mr_err("link.malformed", "error", mr_err_name(r));
        mr_link_fail(link, "malformed");
    }
    for (size_t i = 0; r == 0 && i < MR_COUNT(handlers); i++)
        if (handlers[i].body == frame->body_case)
            handlers[i].handle(link, frame);
    mr_arena_reset(&link->receive_arena);
}
