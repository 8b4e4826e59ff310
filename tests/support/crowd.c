#include "tests/support/crowd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <zmq.h>

#include "event/course.pb-c.h"
#include "proto/base/clock.h"
#include "proto/wire/codec.h"
#include "tests/support/hub_env.h"

enum {
    EPOCH = 3,
    BATCH = 64,
    WINDOW = 512,
    CREDIT = 256,
    BUDGET = 64, /* messages a turn and member */
};

typedef Marshrut__Bus__V1__Frame frame_t;

static int64_t now_us(void)
{
    return mr_clock_monotonic_us(mr_clock_system());
}

/* ---- sending ---- */

/* What cannot be sent now is lost with the connection: nothing relies on it. */
static void send_frame(struct crowd *crowd, struct crowd_member *member, const frame_t *frame)
{
    mr_buf_reset(&crowd->out);
    assert_int_equal(mr_frame_encode(&crowd->out, frame), 0);
    if (zmq_send(member->socket, crowd->out.data, crowd->out.size, ZMQ_DONTWAIT) < 0)
        member->broken = true;
}

static void send_hello(struct crowd *crowd, struct crowd_member *member)
{
    frame_t frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Hello hello = MARSHRUT__BUS__V1__HELLO__INIT;

    hello.version = hello.version_min = 1;
    hello.software = (char *)"crowd";
    hello.producer_epoch = EPOCH;
    hello.acknowledged = member->acked;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_HELLO;
    frame.hello = &hello;
    send_frame(crowd, member, &frame);
}

/* Done once or again, it comes to the same. */
static void finish_taking(struct crowd *crowd, size_t index)
{
    struct crowd_member *member = &crowd->members[index];
    const struct crowd_taking *taking = &member->taking;

    if (!taking->under_way)
        return;
    crowd->last[index * crowd->count + taking->producer] = taking->event;
    member->number = taking->number;
    member->received = taking->received;
    atomic_signal_fence(memory_order_seq_cst);
    member->taking.under_way = false;
}

void crowd_connect(struct crowd *crowd, size_t index)
{
    struct crowd_member *member = &crowd->members[index];
    int linger = 0;

    assert_null(member->socket);
    member->socket = zmq_socket(member->zmq ? member->zmq : crowd->zmq, ZMQ_DEALER);
    if (!member->socket)
        fail_msg("no socket for %s: %s", member->name, zmq_strerror(zmq_errno()));
    assert_int_equal(zmq_setsockopt(member->socket, ZMQ_LINGER, &linger, sizeof linger), 0);
    assert_int_equal(
            zmq_setsockopt(member->socket, ZMQ_CURVE_SERVERKEY, crowd->spawn.hub_key.public_key, 40), 0);
    assert_int_equal(zmq_setsockopt(member->socket, ZMQ_CURVE_PUBLICKEY, member->key.public_key, 40), 0);
    assert_int_equal(zmq_setsockopt(member->socket, ZMQ_CURVE_SECRETKEY, member->key.secret_key, 40), 0);
    assert_int_equal(zmq_connect(member->socket, crowd->spawn.endpoint), 0);
    member->owner = getpid();
    member->welcomed = member->hung = member->broken = false;
    finish_taking(crowd, index); /* of a process that was killed in it */
    member->sent = member->acked;
    member->heard_us = now_us();
    send_hello(crowd, member);
}

void crowd_leave(struct crowd *crowd, size_t index)
{
    struct crowd_member *member = &crowd->members[index];

    if (member->socket && member->owner == getpid())
        (void)zmq_close(member->socket);
    member->socket = NULL;
    member->welcomed = false;
}

void crowd_mend(struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->count; i++) {
        if (!crowd->members[i].socket || crowd->members[i].owner != getpid() || !crowd->members[i].broken)
            continue;
        crowd_leave(crowd, i);
        crowd_connect(crowd, i);
    }
}

void crowd_publish(struct crowd *crowd, size_t index, size_t events)
{
    crowd->members[index].made += events;
}

/* Event k of a producer is for one of the others, the next one for the next. Nobody gets what it has sent. */
static size_t receiver_of(const struct crowd *crowd, size_t producer, uint64_t k)
{
    return (producer + 1 + k % (crowd->count - 1)) % crowd->count;
}

static void encode_event(const struct crowd *crowd, size_t producer, uint64_t k, struct mr_buf *out)
{
    const struct crowd_member *member = &crowd->members[producer];
    Nms__Event__V1__ProgrammeListed programme = NMS__EVENT__V1__PROGRAMME_LISTED__INIT;
    char source[64], id[64];
    struct mr_attributes a;

    (void)snprintf(source, sizeof source, "urn:marshrut:24:%s", member->name);
    (void)snprintf(id, sizeof id, "%zu/%llu", producer, (unsigned long long)k);
    a = hub_env_attributes(source, id, "nms.programme.listed.v1");
    a.subject = crowd->members[receiver_of(crowd, producer, k)].name;
    programme.programme_id = id;
    programme.title = (char *)"Цифровые инструменты учителя";
    programme.kind = (char *)"PK";
    programme.hours = 36;
    programme.provider_ogrn = (char *)"1022402127461";
    programme.registry = (char *)"own";
    programme.listed_on = (char *)"2026-01-15";
    hub_env_encode(out, &a, &programme.base);
}

static void publish_batch(struct crowd *crowd, size_t index, size_t count)
{
    struct crowd_member *member = &crowd->members[index];
    frame_t frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Publish publish = MARSHRUT__BUS__V1__PUBLISH__INIT;
    ProtobufCBinaryData items[BATCH];
    struct mr_buf events[BATCH] = {{0}};

    for (size_t i = 0; i < count; i++) {
        encode_event(crowd, index, member->sent + 1 + i, &events[i]);
        items[i] = (ProtobufCBinaryData){.data = events[i].data, .len = events[i].size};
    }
    publish.first_sequence = member->sent + 1;
    publish.events = items;
    publish.n_events = count;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH;
    frame.publish = &publish;
    send_frame(crowd, member, &frame);
    member->sent += count;
    for (size_t i = 0; i < count; i++)
        mr_buf_fini(&events[i]);
}

static void pump(struct crowd *crowd, size_t index)
{
    struct crowd_member *member = &crowd->members[index];

    while (member->sent < member->made && member->sent < member->acked + WINDOW && !member->broken) {
        uint64_t room = member->acked + WINDOW - member->sent;
        uint64_t left = member->made - member->sent;
        uint64_t count = left < room ? left : room;

        publish_batch(crowd, index, count < BATCH ? count : BATCH);
    }
}

/* ---- receiving ---- */

static void send_subscribe(struct crowd *crowd, struct crowd_member *member)
{
    frame_t frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Subscribe subscribe = MARSHRUT__BUS__V1__SUBSCRIBE__INIT;

    subscribe.subscription = member->name;
    subscribe.credit_events = CREDIT;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_SUBSCRIBE;
    frame.subscribe = &subscribe;
    send_frame(crowd, member, &frame);
}

static void on_welcome(struct crowd *crowd, size_t index, const Marshrut__Bus__V1__Welcome *welcome)
{
    struct crowd_member *member = &crowd->members[index];

    assert_string_equal(welcome->system, member->name);
    assert_true(welcome->stored_sequence >= member->acked);
    assert_true(welcome->stored_sequence <= member->made);
    member->acked = member->sent = welcome->stored_sequence;
    member->welcomed = true;
    send_subscribe(crowd, member);
}

static void on_publish_ack(struct crowd_member *member, const Marshrut__Bus__V1__PublishAck *ack)
{
    for (size_t i = 0; i < ack->n_results; i++)
        if (ack->results[i]->verdict == MARSHRUT__BUS__V1__VERDICT__VERDICT_REFUSED ||
                ack->results[i]->verdict == MARSHRUT__BUS__V1__VERDICT__VERDICT_QUARANTINED)
            fail_msg("%s: event %llu: %s", member->name, (unsigned long long)ack->results[i]->sequence,
                    ack->results[i]->reason);
    if (ack->through > member->acked)
        member->acked = ack->through;
}

/* Exactly the next one of its producer that is for this receiver. */
static void take(struct crowd *crowd, size_t index, const Marshrut__Bus__V1__DeliverItem *item)
{
    struct crowd_member *member = &crowd->members[index];
    struct mr_event event;
    unsigned long long k;
    size_t producer;
    const uint64_t *last;

    if (item->number <= member->number) {
        member->again++;
        return;
    }
    assert_int_equal(
            mr_event_decode(&event, mr_slice(item->event.data, item->event.len), &crowd->arena, NULL), 0);
    assert_int_equal(sscanf(event.a.id, "%zu/%llu", &producer, &k), 2);
    assert_in_range(producer, 0, crowd->count - 1);
    assert_int_equal(receiver_of(crowd, producer, k), index);
    last = &crowd->last[index * crowd->count + producer];
    if ((*last != 0 && k != *last + crowd->count - 1) || (*last == 0 && k >= crowd->count))
        fail_msg("%s: event %llu of system %zu behind %llu", member->name, k, producer,
                (unsigned long long)*last);
    member->taking = (struct crowd_taking){
            .producer = producer, .event = k, .number = item->number, .received = member->received + 1};
    atomic_signal_fence(memory_order_seq_cst);
    member->taking.under_way = true;
    atomic_signal_fence(memory_order_seq_cst);
    finish_taking(crowd, index);
}

static void on_deliver(struct crowd *crowd, size_t index, const Marshrut__Bus__V1__Deliver *deliver)
{
    struct crowd_member *member = &crowd->members[index];
    frame_t frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Ack ack = MARSHRUT__BUS__V1__ACK__INIT;
    Marshrut__Bus__V1__Credit credit = MARSHRUT__BUS__V1__CREDIT__INIT;

    assert_string_equal(deliver->subscription, member->name);
    for (size_t i = 0; i < deliver->n_items; i++)
        take(crowd, index, deliver->items[i]);
    ack.subscription = credit.subscription = member->name;
    ack.through = deliver->items[deliver->n_items - 1]->number;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_ACK;
    frame.ack = &ack;
    send_frame(crowd, member, &frame);
    credit.events = (uint32_t)deliver->n_items;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_CREDIT;
    frame.credit = &credit;
    send_frame(crowd, member, &frame);
}

static void on_ping(struct crowd *crowd, struct crowd_member *member, const Marshrut__Bus__V1__Ping *ping)
{
    frame_t frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Pong pong = MARSHRUT__BUS__V1__PONG__INIT;

    pong.id = ping->id;
    pong.progress = member->number;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_PONG;
    frame.pong = &pong;
    send_frame(crowd, member, &frame);
}

/* What is not fatal says that it goes on from what is acknowledged. */
static void on_refusal(struct crowd_member *member, const Marshrut__Bus__V1__Refusal *refusal)
{
    if (refusal->fatal) {
        member->broken = true;
        return;
    }
    member->refusals++;
    member->sent = member->acked;
}

static void on_frame(struct crowd *crowd, size_t index, const frame_t *frame)
{
    struct crowd_member *member = &crowd->members[index];

    switch (frame->body_case) {
    case MARSHRUT__BUS__V1__FRAME__BODY_WELCOME:
        on_welcome(crowd, index, frame->welcome);
        break;
    case MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK:
        on_publish_ack(member, frame->publish_ack);
        break;
    case MARSHRUT__BUS__V1__FRAME__BODY_DELIVER:
        on_deliver(crowd, index, frame->deliver);
        break;
    case MARSHRUT__BUS__V1__FRAME__BODY_PING:
        on_ping(crowd, member, frame->ping);
        break;
    case MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL:
        on_refusal(member, frame->refusal);
        break;
    case MARSHRUT__BUS__V1__FRAME__BODY_GOODBYE:
        member->broken = true;
        break;
    default:
        fail_msg("%s: frame %d", member->name, (int)frame->body_case);
    }
}

static void receive(struct crowd *crowd, size_t index)
{
    struct crowd_member *member = &crowd->members[index];

    for (int i = 0; i < BUDGET && !member->broken; i++) {
        frame_t *frame;
        zmq_msg_t message;

        (void)zmq_msg_init(&message);
        if (zmq_msg_recv(&message, member->socket, ZMQ_DONTWAIT) < 0) {
            (void)zmq_msg_close(&message);
            return;
        }
        mr_arena_reset(&crowd->arena);
        assert_int_equal(mr_frame_decode(mr_slice(zmq_msg_data(&message), zmq_msg_size(&message)),
                                 &crowd->arena, &frame, NULL),
                0);
        (void)zmq_msg_close(&message);
        member->heard_us = now_us();
        on_frame(crowd, index, frame);
    }
}

/* ---- turns ---- */

static bool speaks(const struct crowd_member *member)
{
    return member->socket && member->owner == getpid() && !member->hung && !member->broken;
}

void crowd_turn(struct crowd *crowd, int timeout_ms)
{
    zmq_pollitem_t *items = calloc(crowd->count, sizeof *items);
    size_t *owners = calloc(crowd->count, sizeof *owners);
    size_t count = 0;

    assert_non_null(items);
    assert_non_null(owners);
    for (size_t i = 0; i < crowd->count; i++) {
        if (!speaks(&crowd->members[i]))
            continue;
        if (crowd->members[i].welcomed)
            pump(crowd, i);
        items[count] = (zmq_pollitem_t){.socket = crowd->members[i].socket, .events = ZMQ_POLLIN};
        owners[count++] = i;
    }
    (void)zmq_poll(items, (int)count, timeout_ms);
    for (size_t i = 0; i < count; i++) {
        struct crowd_member *member = &crowd->members[owners[i]];

        if (items[i].revents & ZMQ_POLLIN)
            receive(crowd, owners[i]);
        if (crowd->silence_us > 0 && now_us() - member->heard_us > crowd->silence_us)
            member->broken = true;
    }
    free(items);
    free(owners);
}

void crowd_until(
        struct crowd *crowd, const char *what, bool (*fn)(const struct crowd *crowd), int deadline_ms)
{
    int64_t until = now_us() + deadline_ms * (int64_t)1000;

    while (!fn(crowd)) {
        if (now_us() > until)
            fail_msg("did not happen in time: %s", what);
        crowd_turn(crowd, 20);
    }
}

pid_t crowd_fork(struct crowd *crowd, size_t from, size_t to)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
    crowd->zmq = zmq_ctx_new(); /* the other is the parent's */
    for (size_t i = from; i < to; i++) {
        crowd_leave(crowd, i); /* of a process before */
        crowd_connect(crowd, i);
    }
    for (;;) {
        crowd_turn(crowd, 20);
        crowd_mend(crowd);
    }
}

bool crowd_all_welcomed(const struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->count; i++)
        if (crowd->members[i].socket && !crowd->members[i].welcomed)
            return false;
    return true;
}

bool crowd_all_acked(const struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->count; i++)
        if (crowd->members[i].acked < crowd->members[i].made)
            return false;
    return true;
}

/* take() has seen to it that they are the right ones. */
bool crowd_all_received(const struct crowd *crowd)
{
    uint64_t made = 0, received = 0;

    for (size_t i = 0; i < crowd->count; i++) {
        made += crowd->members[i].made;
        received += crowd->members[i].received;
    }
    return made == received;
}
