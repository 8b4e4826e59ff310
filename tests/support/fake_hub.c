#include "tests/support/fake_hub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "proto/base/buf.h"
#include "proto/base/crc32c.h"
#include "proto/wire/codec.h"
#include "proto/wire/frame.h"

typedef Marshrut__Bus__V1__Frame frame_t;

void fake_hub_send(struct fake_hub *hub, const frame_t *frame)
{
    struct mr_buf out = MR_BUF_INIT;
    struct mr_slice parts[2];

    if (hub->deaf || !hub->open)
        return;
    assert_int_equal(mr_frame_encode(&out, frame), 0);
    parts[0] = mr_slice(hub->peer, hub->peer_size);
    parts[1] = mr_buf_slice(&out);
    (void)mr_zsock_send(&hub->router, parts, 2);
    mr_buf_fini(&out);
}

static void refuse(struct fake_hub *hub, const char *code, uint32_t retry_after_ms, bool fatal)
{
    Marshrut__Bus__V1__Refusal refusal = MARSHRUT__BUS__V1__REFUSAL__INIT;
    frame_t frame = MARSHRUT__BUS__V1__FRAME__INIT;

    refusal.code = (char *)code;
    refusal.retry_after_ms = retry_after_ms;
    refusal.fatal = fatal;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL;
    frame.refusal = &refusal;
    fake_hub_send(hub, &frame);
}

/* The sequence that brought the same bytes before; 0: none. */
static uint64_t same_before(const struct fake_hub *hub, uint64_t sequence)
{
    for (uint64_t s = 1; hub->dedup && s < sequence; s++)
        if (hub->sums[s - 1] == hub->sums[sequence - 1] && hub->sizes[s - 1] == hub->sizes[sequence - 1])
            return s;
    return 0;
}

/* 1: simply stored; else it fills the result. */
static bool verdict(const struct fake_hub *hub, uint64_t sequence, Marshrut__Bus__V1__PublishResult *result)
{
    marshrut__bus__v1__publish_result__init(result);
    result->sequence = sequence;
    if (hub->sizes[sequence - 1] == 0 || sequence == hub->refuse_sequence) {
        result->verdict = MARSHRUT__BUS__V1__VERDICT__VERDICT_REFUSED;
        result->code = (char *)"malformed";
        return false;
    }
    if (sequence == hub->quarantine_sequence) {
        result->verdict = MARSHRUT__BUS__V1__VERDICT__VERDICT_QUARANTINED;
        result->number = sequence + 1000;
        result->code = (char *)"snils-checkdigit";
        return false;
    }
    if (sequence == hub->erased_sequence) {
        result->verdict = MARSHRUT__BUS__V1__VERDICT__VERDICT_DUPLICATE;
        result->number = sequence + 1000;
        result->code = (char *)"erased";
        result->field = (char *)"3";
        return false;
    }
    if (same_before(hub, sequence) != 0) {
        result->verdict = MARSHRUT__BUS__V1__VERDICT__VERDICT_DUPLICATE;
        result->number = same_before(hub, sequence) + 1000;
        if (same_before(hub, sequence) == hub->quarantine_sequence)
            result->code = (char *)"quarantined-waiting";
        return false;
    }
    return true;
}

/* Live when first > 0; else the repetition after Welcome: what was not simply stored. */
static void send_ack(struct fake_hub *hub, uint64_t first, uint64_t from)
{
    static Marshrut__Bus__V1__PublishResult results[FAKE_HUB_EVENTS_MAX];
    static Marshrut__Bus__V1__PublishResult *pointers[FAKE_HUB_EVENTS_MAX];
    Marshrut__Bus__V1__PublishAck ack = MARSHRUT__BUS__V1__PUBLISH_ACK__INIT;
    frame_t frame = MARSHRUT__BUS__V1__FRAME__INIT;

    ack.through = hub->stored;
    ack.first_sequence = first;
    for (uint64_t s = from; s <= hub->stored; s++) {
        if (verdict(hub, s, &results[ack.n_results])) {
            if (ack.first_number == 0 && first)
                ack.first_number = s + 1000;
            continue;
        }
        pointers[ack.n_results] = &results[ack.n_results];
        ack.n_results++;
    }
    /* After a number that is not in the row, the next stored one is told explicitly: here numbers never have
     * gaps but at a refused one, which takes a number of this fake all the same. */
    for (uint64_t s = from; first && s <= hub->stored; s++) {
        Marshrut__Bus__V1__PublishResult before;

        if (s == from || !verdict(hub, s, &before) || verdict(hub, s - 1, &before))
            continue;
        marshrut__bus__v1__publish_result__init(&results[ack.n_results]);
        results[ack.n_results].sequence = s;
        results[ack.n_results].verdict = MARSHRUT__BUS__V1__VERDICT__VERDICT_STORED;
        results[ack.n_results].number = s + 1000;
        pointers[ack.n_results] = &results[ack.n_results];
        ack.n_results++;
    }
    ack.results = pointers;
    if (!first && ack.n_results == 0)
        return;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK;
    frame.publish_ack = &ack;
    fake_hub_send(hub, &frame);
}

static void on_hello(struct fake_hub *hub, const frame_t *frame)
{
    char *subscriptions[] = {(char *)(hub->subscription ? hub->subscription : "news")};
    Marshrut__Bus__V1__Welcome welcome = MARSHRUT__BUS__V1__WELCOME__INIT;
    Marshrut__Bus__V1__Limits limits = MARSHRUT__BUS__V1__LIMITS__INIT;
    frame_t answer = MARSHRUT__BUS__V1__FRAME__INIT;

    hub->hellos++;
    if (hub->replace) {
        hub->replace = false;
        refuse(hub, "replaced", 0, true);
        return;
    }
    if (hub->epoch != frame->hello->producer_epoch) {
        hub->epoch = frame->hello->producer_epoch;
        hub->stored = 0;
    }
    if (hub->seen < frame->hello->acknowledged)
        hub->seen = frame->hello->acknowledged; /* as good as a VerdictsSeen, and none follows it */
    limits.frame_bytes_max = MR_FRAME_BYTES_MAX;
    limits.event_bytes_max = hub->event_bytes_max ? hub->event_bytes_max : MR_EVENT_BYTES_MAX;
    limits.batch_events_max = 10;
    limits.publish_window = 25;
    limits.ping_interval_ms = hub->ping_interval_ms ? hub->ping_interval_ms : 5000;
    welcome.version = 1;
    welcome.stored_sequence = hub->stored;
    welcome.limits = &limits;
    welcome.subscriptions = subscriptions;
    welcome.n_subscriptions = 1;
    answer.body_case = MARSHRUT__BUS__V1__FRAME__BODY_WELCOME;
    answer.welcome = &welcome;
    fake_hub_send(hub, &answer);
    send_ack(hub, 0, frame->hello->acknowledged + 1);
}

static void on_publish(struct fake_hub *hub, const frame_t *frame)
{
    const Marshrut__Bus__V1__Publish *publish = frame->publish;
    uint64_t first = hub->stored + 1;

    hub->publishes++;
    if (hub->read_only) {
        refuse(hub, "read-only", 20, false);
        return;
    }
    hub->gaps += publish->first_sequence > first;
    hub->twice += publish->first_sequence < first;
    assert_true(publish->n_events <= 10);
    for (size_t i = 0; i < publish->n_events && hub->stored < FAKE_HUB_EVENTS_MAX; i++) {
        hub->sums[hub->stored] = mr_crc32c(0, publish->events[i].data, publish->events[i].len);
        hub->sizes[hub->stored++] = publish->events[i].len;
        if (hub->on_stored)
            hub->on_stored(hub->ctx, mr_slice(publish->events[i].data, publish->events[i].len));
    }
    if (!hub->forget_acks)
        send_ack(hub, first, first);
}

static void on_ping(struct fake_hub *hub, const frame_t *frame)
{
    Marshrut__Bus__V1__Pong pong = MARSHRUT__BUS__V1__PONG__INIT;
    frame_t answer = MARSHRUT__BUS__V1__FRAME__INIT;

    pong.id = frame->ping->id;
    answer.body_case = MARSHRUT__BUS__V1__FRAME__BODY_PONG;
    answer.pong = &pong;
    fake_hub_send(hub, &answer);
}

static void take(struct fake_hub *hub, const frame_t *frame)
{
    switch (frame->body_case) {
    case MARSHRUT__BUS__V1__FRAME__BODY_HELLO:
        on_hello(hub, frame);
        break;
    case MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH:
        on_publish(hub, frame);
        break;
    case MARSHRUT__BUS__V1__FRAME__BODY_PING:
        on_ping(hub, frame);
        break;
    case MARSHRUT__BUS__V1__FRAME__BODY_SUBSCRIBE:
        hub->subscribes++;
        if (hub->on_subscribed)
            hub->on_subscribed(hub->ctx);
        break;
    case MARSHRUT__BUS__V1__FRAME__BODY_ACK:
        hub->acks++;
        hub->acked = frame->ack->through;
        if (hub->on_acked)
            hub->on_acked(hub->ctx, hub->acked);
        break;
    case MARSHRUT__BUS__V1__FRAME__BODY_NACK:
        hub->nacks++;
        break;
    case MARSHRUT__BUS__V1__FRAME__BODY_CREDIT:
        hub->credit += frame->credit->events;
        break;
    case MARSHRUT__BUS__V1__FRAME__BODY_VERDICTS_SEEN:
        hub->seen = frame->verdicts_seen->through;
        break;
    default:
        break;
    }
}

static void on_message(struct mr_zsock *zsock, zmq_msg_t *parts, int count)
{
    struct fake_hub *hub = zsock->data;
    frame_t *frame;

    assert_int_equal(count, 2);
    hub->peer_size = zmq_msg_size(&parts[0]);
    assert_true(hub->peer_size <= sizeof hub->peer);
    memcpy(hub->peer, zmq_msg_data(&parts[0]), hub->peer_size);
    assert_int_equal(mr_frame_decode(mr_slice(zmq_msg_data(&parts[1]), zmq_msg_size(&parts[1])), &hub->arena,
                             &frame, NULL),
            0);
    if (!hub->deaf)
        take(hub, frame);
    mr_arena_reset(&hub->arena);
}

void fake_hub_open(struct fake_hub *hub, uv_loop_t *loop)
{
    int one = 1;
    void *socket;
    size_t size = sizeof hub->endpoint;

    hub->loop = loop;
    if (!hub->zmq) {
        hub->zmq = zmq_ctx_new();
        mr_arena_init(&hub->arena, 16 * 1024 * 1024);
        assert_int_equal(mr_curvekey_generate(&hub->key), 0);
    }
    socket = zmq_socket(hub->zmq, ZMQ_ROUTER);
    assert_non_null(socket);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &one, sizeof one), 0);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, hub->key.secret_key, 41), 0);
    /* The port of a socket closed just now is given back by ZeroMQ's own thread. */
    while (zmq_bind(socket, hub->endpoint[0] ? hub->endpoint : "tcp://127.0.0.1:*") != 0)
        assert_int_equal(zmq_errno(), EADDRINUSE);
    assert_int_equal(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, hub->endpoint, &size), 0);
    assert_int_equal(mr_zsock_open(&hub->router, loop, socket, 64, on_message, hub), 0);
    hub->open = true;
}

static void on_router_closed(struct mr_zsock *zsock)
{
    ((struct fake_hub *)zsock->data)->peer_size = 0;
}

void fake_hub_close(struct fake_hub *hub)
{
    hub->open = false;
    mr_zsock_close(&hub->router, on_router_closed);
    (void)uv_run(hub->loop, UV_RUN_NOWAIT); /* the memory may be used again after this turn */
}

void fake_hub_fini(struct fake_hub *hub)
{
    assert_false(hub->open);
    (void)zmq_ctx_term(hub->zmq);
    mr_arena_fini(&hub->arena);
}

void fake_hub_deliver(struct fake_hub *hub, const char *subscription, uint64_t number, struct mr_slice event)
{
    Marshrut__Bus__V1__Deliver deliver = MARSHRUT__BUS__V1__DELIVER__INIT;
    Marshrut__Bus__V1__DeliverItem item = MARSHRUT__BUS__V1__DELIVER_ITEM__INIT, *items[] = {&item};
    frame_t frame = MARSHRUT__BUS__V1__FRAME__INIT;

    item.number = number;
    item.attempt = 1;
    item.event = (ProtobufCBinaryData){event.size, (uint8_t *)event.data};
    deliver.subscription = (char *)subscription;
    deliver.items = items;
    deliver.n_items = 1;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_DELIVER;
    frame.deliver = &deliver;
    fake_hub_send(hub, &frame);
}
