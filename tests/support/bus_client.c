#include "tests/support/bus_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "proto/base/clock.h"
#include "tests/support/hub_env.h"

enum { ARENA_BYTES = 16 * 1024 * 1024 };

void bus_connect(struct bus_client *client, const char *endpoint, const char *server_key,
        const struct mr_curvekey *key)
{
    int linger = 0;
    int timeout_ms = SPAWN_DEADLINE_MS;

    *client = (struct bus_client){.zmq = zmq_ctx_new()};
    mr_arena_init(&client->arena, ARENA_BYTES);
    client->socket = zmq_socket(client->zmq, ZMQ_DEALER);
    assert_non_null(client->socket);
    assert_int_equal(zmq_setsockopt(client->socket, ZMQ_LINGER, &linger, sizeof linger), 0);
    assert_int_equal(zmq_setsockopt(client->socket, ZMQ_SNDTIMEO, &timeout_ms, sizeof timeout_ms), 0);
    if (key) {
        assert_int_equal(zmq_setsockopt(client->socket, ZMQ_CURVE_SERVERKEY, server_key, 40), 0);
        assert_int_equal(zmq_setsockopt(client->socket, ZMQ_CURVE_PUBLICKEY, key->public_key, 40), 0);
        assert_int_equal(zmq_setsockopt(client->socket, ZMQ_CURVE_SECRETKEY, key->secret_key, 40), 0);
    }
    assert_int_equal(zmq_connect(client->socket, endpoint), 0);
}

void bus_connect_as(struct bus_client *client, const struct spawn *spawn, int system)
{
    bus_connect(client, spawn->endpoint, spawn->hub_key.public_key, &spawn->keys[system]);
}

void bus_close(struct bus_client *client)
{
    (void)zmq_close(client->socket);
    (void)zmq_ctx_term(client->zmq);
    mr_arena_fini(&client->arena);
}

void bus_send_bytes(struct bus_client *client, const void *data, size_t size)
{
    assert_int_equal(zmq_send(client->socket, data, size, 0), (int)size);
}

void bus_send(struct bus_client *client, const bus_frame *frame)
{
    struct mr_buf bytes = MR_BUF_INIT;

    assert_int_equal(mr_frame_encode(&bytes, frame), 0);
    bus_send_bytes(client, bytes.data, bytes.size);
    mr_buf_fini(&bytes);
}

static void answer_ping(struct bus_client *client, uint64_t id)
{
    bus_frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Pong pong = MARSHRUT__BUS__V1__PONG__INIT;

    pong.id = id;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_PONG;
    frame.pong = &pong;
    bus_send(client, &frame);
}

/* Of a question that takes long: more will come. */
static bool is_progress(const bus_frame *frame)
{
    return frame->body_case == MARSHRUT__BUS__V1__FRAME__BODY_RESULT && frame->result->more &&
           frame->result->error == 0 && !*frame->result->json;
}

bus_frame *bus_receive(struct bus_client *client, int timeout_ms)
{
    int64_t until = mr_clock_monotonic_us(mr_clock_system()) + timeout_ms * 1000LL;

    for (;;) {
        int left = (int)((until - mr_clock_monotonic_us(mr_clock_system())) / 1000);
        zmq_msg_t message;
        int r;

        if (left < 0)
            left = 0; /* a hub that only pings does not keep us waiting */
        assert_int_equal(zmq_setsockopt(client->socket, ZMQ_RCVTIMEO, &left, sizeof left), 0);
        (void)zmq_msg_init(&message);
        if (zmq_msg_recv(&message, client->socket, 0) < 0) {
            (void)zmq_msg_close(&message);
            return NULL;
        }
        mr_arena_reset(&client->arena);
        r = mr_frame_decode(mr_slice(zmq_msg_data(&message), zmq_msg_size(&message)), &client->arena,
                &client->frame, NULL);
        (void)zmq_msg_close(&message);
        assert_int_equal(r, 0);
        if (client->frame->body_case == MARSHRUT__BUS__V1__FRAME__BODY_PING)
            answer_ping(client, client->frame->ping->id);
        else if (!is_progress(client->frame))
            return client->frame;
    }
}

static bus_frame *expect_within(
        struct bus_client *client, Marshrut__Bus__V1__Frame__BodyCase body, int timeout_ms)
{
    bus_frame *frame = bus_receive(client, timeout_ms);

    if (!frame)
        fail_msg("no frame came, %d expected", (int)body);
    if (frame->body_case != body)
        fail_msg("frame %d, %d expected%s%s", (int)frame->body_case, (int)body,
                frame->body_case == MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL ? ": refused " : "",
                frame->body_case == MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL ? frame->refusal->code : "");
    return frame;
}

bus_frame *bus_expect(struct bus_client *client, Marshrut__Bus__V1__Frame__BodyCase body)
{
    return expect_within(client, body, SPAWN_DEADLINE_MS);
}

void bus_send_hello(struct bus_client *client, const char *software, uint64_t epoch, uint64_t acknowledged)
{
    bus_frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Hello hello = MARSHRUT__BUS__V1__HELLO__INIT;

    hello.version = hello.version_min = 1;
    hello.software = (char *)software;
    hello.producer_epoch = epoch;
    hello.acknowledged = acknowledged;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_HELLO;
    frame.hello = &hello;
    bus_send(client, &frame);
}

Marshrut__Bus__V1__Welcome *bus_hello(struct bus_client *client, uint64_t epoch, uint64_t acknowledged)
{
    bus_send_hello(client, "test", epoch, acknowledged);
    return bus_expect(client, MARSHRUT__BUS__V1__FRAME__BODY_WELCOME)->welcome;
}

void bus_publish(
        struct bus_client *client, uint64_t first_sequence, const struct mr_buf *events, size_t count)
{
    bus_frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Publish publish = MARSHRUT__BUS__V1__PUBLISH__INIT;

    publish.first_sequence = first_sequence;
    publish.n_events = count;
    publish.events = calloc(count + 1, sizeof *publish.events);
    assert_non_null(publish.events);
    for (size_t i = 0; i < count; i++)
        publish.events[i] = (ProtobufCBinaryData){.data = events[i].data, .len = events[i].size};
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH;
    frame.publish = &publish;
    bus_send(client, &frame);
    free(publish.events);
}

void bus_publish_programmes(const struct spawn *spawn, uint64_t first_sequence, size_t count)
{
    struct mr_buf *events = calloc(count, sizeof *events);
    struct bus_client client;
    char id[32];

    assert_non_null(events);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(id, sizeof id, "programme-%llu", (unsigned long long)(first_sequence + i));
        hub_env_programme(&events[i], id);
    }
    bus_connect_as(&client, spawn, SPAWN_PORTAL);
    (void)bus_hello(&client, 3, 0);
    bus_publish(&client, first_sequence, events, count);
    assert_int_equal(bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK)->publish_ack->through,
            first_sequence + count - 1);
    bus_close(&client);
    for (size_t i = 0; i < count; i++)
        mr_buf_fini(&events[i]);
    free(events);
}

void bus_subscribe(struct bus_client *client, const char *subscription, uint32_t credit, uint64_t from_number)
{
    bus_frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Subscribe subscribe = MARSHRUT__BUS__V1__SUBSCRIBE__INIT;

    subscribe.subscription = (char *)subscription;
    subscribe.credit_events = credit;
    if (from_number) {
        subscribe.start_case = MARSHRUT__BUS__V1__SUBSCRIBE__START_FROM_NUMBER;
        subscribe.from_number = from_number;
    }
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_SUBSCRIBE;
    frame.subscribe = &subscribe;
    bus_send(client, &frame);
}

void bus_ack(struct bus_client *client, const char *subscription, uint64_t through)
{
    bus_frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Ack ack = MARSHRUT__BUS__V1__ACK__INIT;

    ack.subscription = (char *)subscription;
    ack.through = through;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_ACK;
    frame.ack = &ack;
    bus_send(client, &frame);
}

void bus_nack(struct bus_client *client, const char *subscription, uint64_t number, bool park)
{
    bus_frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Nack nack = MARSHRUT__BUS__V1__NACK__INIT;

    nack.subscription = (char *)subscription;
    nack.number = number;
    nack.reason = (char *)"test-cannot";
    nack.retry_after_ms = 1;
    nack.park = park;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_NACK;
    frame.nack = &nack;
    bus_send(client, &frame);
}

void bus_credit(struct bus_client *client, const char *subscription, uint32_t events)
{
    bus_frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Credit credit = MARSHRUT__BUS__V1__CREDIT__INIT;

    credit.subscription = (char *)subscription;
    credit.events = events;
    credit.bytes = 0;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_CREDIT;
    frame.credit = &credit;
    bus_send(client, &frame);
}

const char *bus_query_long(
        struct bus_client *client, const char *method, const char *arguments, int timeout_ms)
{
    bus_frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Query query = MARSHRUT__BUS__V1__QUERY__INIT;

    query.id = 7;
    query.method = (char *)method;
    query.arguments = (char *)arguments;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_QUERY;
    frame.query = &query;
    bus_send(client, &frame);
    return expect_within(client, MARSHRUT__BUS__V1__FRAME__BODY_RESULT, timeout_ms)->result->json;
}

const char *bus_query(struct bus_client *client, const char *method, const char *arguments)
{
    return bus_query_long(client, method, arguments, SPAWN_DEADLINE_MS);
}

json_t *bus_ask(
        const struct spawn *spawn, const char *operator_name, const char *method, const char *arguments)
{
    bus_frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Query query = MARSHRUT__BUS__V1__QUERY__INIT;
    const Marshrut__Bus__V1__Result *result;
    struct bus_client client;
    json_t *json;

    query.id = 1;
    query.method = (char *)method;
    query.arguments = (char *)arguments;
    query.operator_ = (char *)operator_name;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_QUERY;
    frame.query = &query;
    bus_connect(&client, spawn->admin, NULL, NULL);
    bus_send(&client, &frame);
    result = bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_RESULT)->result;
    json = result->error ? json_pack("{s:i, s:s}", "error", (int)result->error, "what", result->what)
                         : json_loads(result->json, 0, NULL);
    assert_non_null(json);
    bus_close(&client);
    return json;
}

json_int_t bus_settled_cursor(const struct spawn *spawn, const char *subscription)
{
    json_t *json = bus_ask(spawn, "", "hub.status", ""), *row;
    json_int_t cursor = 0;
    size_t i;

    json_array_foreach (json_object_get(json, "subscriptions"), i, row)
        if (strcmp(json_string_value(json_object_get(row, "name")), subscription) == 0 &&
                json_integer_value(json_object_get(json, "unwritten")) == 0)
            cursor = json_integer_value(json_object_get(row, "cursor"));
    json_decref(json);
    return cursor;
}

long bus_status_number(const struct spawn *spawn, const char *name)
{
    json_t *status = bus_ask(spawn, "", "hub.status", "");
    const json_t *number = json_object_get(status, name), *part;
    const char *key;
    long value;

    json_object_foreach (status, key, part)
        if (!json_is_integer(number))
            number = json_object_get(part, name);
    assert_true(json_is_integer(number));
    value = (long)json_integer_value(number);
    json_decref(status);
    return value;
}
