#include <stdio.h>
#include <stdlib.h>

#include "adapters/sdk/link_internal.h"
#include "proto/base/buf.h"
#include "proto/base/logfmt.h"
#include "proto/wire/codec.h"
#include "proto/wire/frame.h"

enum { FRAME_SLACK = 64, EVENT_SLACK = 8 };

int mr_link_send(struct mr_link *link, const Marshrut__Bus__V1__Frame *frame)
{
    struct mr_buf out = MR_BUF_INIT;
    struct mr_slice part;
    int r;

    if (!link->connection)
        return MR_ECLOSED;
    r = mr_frame_encode(&out, frame);
    part = mr_buf_slice(&out);
    if (r == 0)
        r = mr_zsock_send(&link->connection->dealer, &part, 1);
    mr_buf_wipe(&out);
    return r;
}

static int send_hello(struct mr_link *link)
{
    Marshrut__Bus__V1__Hello hello = MARSHRUT__BUS__V1__HELLO__INIT;
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    int r;

    hello.version = MR_PROTOCOL_VERSION;
    hello.version_min = MR_PROTOCOL_VERSION;
    hello.software = link->software;
    hello.producer_epoch = mr_outbox_epoch(link->outbox);
    hello.acknowledged = mr_outbox_noted(link->outbox);
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_HELLO;
    frame.hello = &hello;
    r = mr_link_send(link, &frame);
    if (r == 0)
        link->hello_sent = true;
    return r;
}

int mr_link_subscribe(struct mr_link *link, const char *subscription)
{
    Marshrut__Bus__V1__Subscribe subscribe = MARSHRUT__BUS__V1__SUBSCRIBE__INIT;
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;

    subscribe.subscription = (char *)subscription;
    subscribe.credit_events = MR_LINK_CREDIT_EVENTS;
    subscribe.credit_bytes = MR_LINK_CREDIT_BYTES;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_SUBSCRIBE;
    frame.subscribe = &subscribe;
    return mr_link_send(link, &frame);
}

/* ---- what the receiving side owes ---- */

static int send_nacks(struct mr_link *link)
{
    while (!mr_list_empty(&link->nacks)) {
        struct mr_link_nacked *nacked = MR_CONTAINER(link->nacks.next, struct mr_link_nacked, member);
        Marshrut__Bus__V1__Nack nack = MARSHRUT__BUS__V1__NACK__INIT;
        Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
        int r;

        nack.subscription = nacked->subscription;
        nack.number = nacked->number;
        nack.reason = nacked->reason;
        nack.park = nacked->park;
        frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_NACK;
        frame.nack = &nack;
        r = mr_link_send(link, &frame);
        if (r < 0)
            return r;
        mr_list_remove(&nacked->member);
        free(nacked);
    }
    return 0;
}

static int send_ack(struct mr_link *link, const struct mr_inbox_subscription *subscription, uint64_t *through)
{
    Marshrut__Bus__V1__Ack ack = MARSHRUT__BUS__V1__ACK__INIT;
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    int r = 0;

    if (*through == 0)
        return 0;
    ack.subscription = subscription->name;
    ack.through = *through;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_ACK;
    frame.ack = &ack;
    r = mr_link_send(link, &frame);
    if (r == 0)
        *through = 0;
    return r;
}

static int send_credit(struct mr_link *link, struct mr_inbox_subscription *subscription)
{
    Marshrut__Bus__V1__Credit credit = MARSHRUT__BUS__V1__CREDIT__INIT;
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    int r;

    credit.subscription = subscription->name;
    credit.events = subscription->credit_events;
    credit.bytes = subscription->credit_bytes;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_CREDIT;
    frame.credit = &credit;
    r = mr_link_send(link, &frame);
    if (r == 0) {
        subscription->credit_events = 0;
        subscription->credit_bytes = 0;
    }
    return r;
}

static int send_acks(struct mr_link *link)
{
    int r = mr_inbox_save(link->inbox);

    if (r < 0)
        return r;
    mr_list_foreach (it, mr_inbox_subscriptions(link->inbox)) {
        struct mr_inbox_subscription *subscription = MR_CONTAINER(it, struct mr_inbox_subscription, member);

        r = send_ack(link, subscription, &subscription->ack);
        if (r == 0)
            r = send_ack(link, subscription, &subscription->ack_apart);
        if (r < 0)
            return r;
        if (subscription->credit_events == 0)
            continue;
        if ((subscription->credit_events >= MR_LINK_CREDIT_EVENTS / 4 ||
                    subscription->credit_bytes >= MR_LINK_CREDIT_BYTES / 4 ||
                    mr_list_empty(&subscription->items)) &&
                (r = send_credit(link, subscription)) < 0)
            return r;
    }
    return 0;
}

static int send_verdicts_seen(struct mr_link *link)
{
    Marshrut__Bus__V1__VerdictsSeen seen = MARSHRUT__BUS__V1__VERDICTS_SEEN__INIT;
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    int r;

    seen.through = mr_outbox_noted(link->outbox);
    if (seen.through == link->seen_sent)
        return 0;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_VERDICTS_SEEN;
    frame.verdicts_seen = &seen;
    r = mr_link_send(link, &frame);
    if (r == 0)
        link->seen_sent = seen.through;
    return r;
}

/* ---- publishing ---- */

struct batch {
    struct mr_link *link;
    uint64_t first;
    size_t count_max, count;
    size_t bytes;
    ProtobufCBinaryData *events;
};

/*
 * Sequences may have no gaps, so an event that cannot go (too big for this hub, its key gone) leaves an empty
 * place that the hub refuses by name; link_note.c says why to the adapter.
 */
static int gather(void *ctx, const struct mr_outbox_item *item)
{
    struct batch *batch = ctx;
    struct mr_link *link = batch->link;
    bool fits = item->error == 0 && item->event.size <= link->limits.event_bytes_max;
    size_t size = fits ? item->event.size : 0;
    uint8_t *copy = NULL;

    if (item->sequence != batch->first + batch->count)
        return MR_ECORRUPT;
    if (batch->count == batch->count_max || batch->bytes + size + EVENT_SLACK > link->limits.frame_bytes_max)
        return 1;
    if (size > 0 && !(copy = mr_arena_dup(&link->send_arena, item->event.data, size)))
        return batch->count > 0 ? 1 : MR_ENOMEM;
    batch->events[batch->count++] = (ProtobufCBinaryData){.data = copy, .len = size};
    batch->bytes += size + EVENT_SLACK;
    return 0;
}

/* 0: nothing was left to send, or the window is full; 1: a batch went; negative. */
static int send_batch(struct mr_link *link)
{
    Marshrut__Bus__V1__Publish publish = MARSHRUT__BUS__V1__PUBLISH__INIT;
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    struct batch batch = {.link = link, .first = link->sent_through + 1, .bytes = FRAME_SLACK};
    uint64_t unacknowledged = link->sent_through - mr_outbox_noted(link->outbox);
    int r;

    if (link->sent_through >= mr_outbox_last(link->outbox) || unacknowledged >= link->limits.publish_window)
        return 0;
    batch.count_max = link->limits.publish_window - (size_t)unacknowledged;
    if (batch.count_max > link->limits.batch_events_max)
        batch.count_max = link->limits.batch_events_max;
    mr_arena_reset(&link->send_arena);
    batch.events = mr_arena_alloc(&link->send_arena, batch.count_max * sizeof *batch.events);
    r = batch.events ? mr_outbox_walk(link->outbox, batch.first, gather, &batch) : MR_ENOMEM;
    if (r == 0 && batch.count > 0) {
        publish.first_sequence = batch.first;
        publish.events = batch.events;
        publish.n_events = batch.count;
        frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH;
        frame.publish = &publish;
        r = mr_link_send(link, &frame);
    }
    mr_arena_reset(&link->send_arena); /* wipes */
    if (r < 0 || batch.count == 0)
        return r;
    link->sent_through += batch.count;
    return 1;
}

static int publish_waiting(struct mr_link *link)
{
    uint64_t now = uv_now(link->loop);
    int r;

    if (link->repeat_through != 0)
        return 0; /* goes on when the repeated verdicts are noted */
    if (now < link->paused_until_ms) {
        mr_link_flush_in(link, link->paused_until_ms - now);
        return 0;
    }
    do
        r = send_batch(link);
    while (r > 0);
    return r;
}

void mr_link_pump(struct mr_link *link)
{
    int r = 0;

    if (link->state == MR_LINK_GREETING && !link->hello_sent) {
        r = send_hello(link);
    } else if (link->state == MR_LINK_UP) {
        r = send_nacks(link);
        if (r == 0)
            r = send_acks(link);
        if (r == 0)
            r = send_verdicts_seen(link);
        if (r == 0)
            r = publish_waiting(link);
    }
    if (r == 0)
        return;
    if (r != MR_EAGAIN)
        mr_err("link.send-failed", "error", mr_err_name(r));
    mr_link_flush_in(link, r == MR_EAGAIN ? MR_LINK_RETRY_SEND_MS : 1000);
}
