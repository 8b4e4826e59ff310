#include "tests/conformance/driver/speaker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "io/cloudevents/v1/cloudevents.pb-c.h"
#include "proto/base/clock.h"
#include "proto/base/list.h"
#include "proto/wire/codec.h"
#include "proto/wire/json.h"
#include "tests/support/bus_client.h"
#include "tests/support/hub_env.h"

enum { CLIENTS_MAX = 4, ARENA_BYTES = 16 * 1024 * 1024, BATCH_MAX = 256 };

struct c_client {
    struct speaker base;
    struct {
        char name[16]; /* "": free */
        struct bus_client bus;
    } clients[CLIENTS_MAX];
};

static const char *text_of(const json_t *command, const char *key)
{
    const char *text = json_string_value(json_object_get(command, key));

    return text ? text : "";
}

static uint64_t number_of(const json_t *command, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(command, key));
}

static json_t *number_text(uint64_t number)
{
    return json_sprintf("%" PRIu64, number);
}

/* ---- frames ---- */

static void encode(const json_t *frame, struct mr_buf *out)
{
    ProtobufCMessage *message = NULL;
    struct mr_error error = {0};
    struct mr_arena arena;

    mr_arena_init(&arena, ARENA_BYTES);
    if (mr_json_to_message(frame, &marshrut__bus__v1__frame__descriptor, &arena, &message, &error) < 0)
        fail_msg("%s: %s", error.where, error.what);
    assert_int_equal(mr_frame_encode(out, (bus_frame *)message), 0);
    mr_arena_fini(&arena);
}

static json_t *do_encode(struct bus_client *bus, const json_t *command)
{
    struct mr_buf bytes = MR_BUF_INIT;
    json_t *answer;
    char *hex;

    (void)bus;
    encode(json_object_get(command, "frame"), &bytes);
    hex = calloc(2, bytes.size + 1);
    assert_non_null(hex);
    answer = json_pack("{s:s}", "hex", sodium_bin2hex(hex, 2 * bytes.size + 1, bytes.data, bytes.size));
    free(hex);
    mr_buf_fini(&bytes);
    return answer;
}

static size_t from_hex(const char *hex, uint8_t **ret)
{
    size_t size = 0;

    *ret = calloc(1, strlen(hex) / 2 + 1);
    assert_non_null(*ret);
    assert_int_equal(sodium_hex2bin(*ret, strlen(hex) / 2 + 1, hex, strlen(hex), NULL, &size, NULL), 0);
    return size;
}

static json_t *do_decode(struct bus_client *bus, const json_t *command)
{
    struct mr_arena arena;
    bus_frame *frame = NULL;
    uint8_t *bytes;
    size_t size = from_hex(text_of(command, "hex"), &bytes);
    json_t *answer;

    (void)bus;
    mr_arena_init(&arena, ARENA_BYTES);
    assert_int_equal(mr_frame_decode(mr_slice(bytes, size), &arena, &frame, NULL), 0);
    answer = json_pack("{s:o}", "frame", mr_json_from_message(&frame->base));
    mr_arena_fini(&arena);
    free(bytes);
    return answer;
}

static json_t *do_send(struct bus_client *bus, const json_t *command)
{
    struct mr_buf bytes = MR_BUF_INIT;

    encode(json_object_get(command, "frame"), &bytes);
    bus_send_bytes(bus, bytes.data, bytes.size);
    mr_buf_fini(&bytes);
    return json_object();
}

static json_t *do_parts(struct bus_client *bus, const json_t *command)
{
    const json_t *parts = json_object_get(command, "parts");
    size_t count = json_array_size(parts);

    for (size_t i = 0; i < count; i++) {
        uint8_t *bytes;
        size_t size = from_hex(json_string_value(json_array_get(parts, i)), &bytes);

        assert_int_equal(zmq_send(bus->socket, bytes, size, i + 1 < count ? ZMQ_SNDMORE : 0), (int)size);
        free(bytes);
    }
    return json_object();
}

static json_t *do_size(struct bus_client *bus, const json_t *command)
{
    size_t size = number_of(command, "bytes");
    uint8_t *bytes = calloc(1, size);

    assert_non_null(bytes);
    bus_send_bytes(bus, bytes, size);
    free(bytes);
    return json_object();
}

static json_t *do_receive(struct bus_client *bus, const json_t *command)
{
    const bus_frame *frame = bus_receive(bus, (int)number_of(command, "timeoutMs"));

    return json_pack("{s:o}", "frame", frame ? mr_json_from_message(&frame->base) : json_null());
}

/* ---- a producer and a receiver ---- */

static void publish_some(struct bus_client *bus, const char *prefix, uint64_t first, size_t count)
{
    struct mr_buf events[BATCH_MAX] = {0};
    char id[64];

    for (size_t i = 0; i < count; i++) {
        (void)snprintf(id, sizeof id, "%s-%" PRIu64, prefix, first + i);
        hub_env_programme(&events[i], id);
    }
    bus_publish(bus, first, events, count);
    for (size_t i = 0; i < count; i++)
        mr_buf_fini(&events[i]);
}

/* Adds the log number of every sequence that the ack covers (docs/protocol.md, "Numbers"). */
static void add_numbers(json_t *numbers, const Marshrut__Bus__V1__PublishAck *ack)
{
    uint64_t next = ack->first_number;
    size_t r = 0;

    for (uint64_t s = ack->first_sequence; s != 0 && s <= ack->through; s++) {
        const Marshrut__Bus__V1__PublishResult *result =
                r < ack->n_results && ack->results[r]->sequence == s ? ack->results[r++] : NULL;
        uint64_t number = result ? result->number : next;

        if (!result || result->verdict == MARSHRUT__BUS__V1__VERDICT__VERDICT_STORED)
            next = number + 1;
        assert_int_equal(json_array_append_new(numbers, number_text(number)), 0);
    }
}

struct producing {
    struct bus_client *bus;
    json_t *numbers;
    uint64_t acknowledged, sent;
};

static void note_ack(struct producing *p, const Marshrut__Bus__V1__PublishAck *ack)
{
    add_numbers(p->numbers, ack);
    if (ack->through > p->acknowledged)
        p->acknowledged = ack->through;
}

static int64_t now_ms(void)
{
    return mr_clock_monotonic_us(mr_clock_system()) / 1000;
}

/* Refused: what was sent since comes again, when the time that it was told has passed. */
static void back_off(struct producing *p, const Marshrut__Bus__V1__Refusal *refusal)
{
    int64_t until = now_ms() + refusal->retry_after_ms, left;

    assert_false(refusal->fatal);
    while ((left = until - now_ms()) > 0) {
        const bus_frame *frame = bus_receive(p->bus, (int)left);

        if (frame && frame->body_case == MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK)
            note_ack(p, frame->publish_ack);
    }
    p->sent = p->acknowledged;
}

static void take_verdicts(struct producing *p)
{
    const bus_frame *frame = bus_receive(p->bus, SPAWN_DEADLINE_MS);

    assert_non_null(frame);
    if (frame->body_case == MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL) {
        back_off(p, frame->refusal);
        return;
    }
    assert_int_equal(frame->body_case, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK);
    note_ack(p, frame->publish_ack);
}

static json_t *do_produce(struct bus_client *bus, const json_t *command)
{
    const Marshrut__Bus__V1__Welcome *welcome = bus_hello(bus, number_of(command, "epoch"), 0);
    uint64_t resumed = welcome->stored_sequence, window = welcome->limits->publish_window;
    uint64_t count = number_of(command, "events"), batch = number_of(command, "batch");
    struct producing p = {.bus = bus, .numbers = json_array(), .acknowledged = resumed, .sent = resumed};

    assert_in_range(batch, 1, BATCH_MAX);
    while (p.acknowledged < count) {
        while (p.sent < count && p.sent + batch <= p.acknowledged + window) {
            uint64_t some = count - p.sent < batch ? count - p.sent : batch;

            publish_some(bus, text_of(command, "prefix"), p.sent + 1, some);
            p.sent += some;
        }
        take_verdicts(&p);
    }
    return json_pack("{s:o,s:o}", "resumed", number_text(resumed), "numbers", p.numbers);
}

static void add_id(json_t *ids, ProtobufCBinaryData bytes)
{
    Io__Cloudevents__V1__CloudEvent *event =
            io__cloudevents__v1__cloud_event__unpack(NULL, bytes.len, bytes.data);

    assert_non_null(event);
    assert_int_equal(json_array_append_new(ids, json_string(event->id)), 0);
    io__cloudevents__v1__cloud_event__free_unpacked(event, NULL);
}

static json_t *do_take(struct bus_client *bus, const json_t *command)
{
    const char *subscription = text_of(command, "subscription");
    uint64_t count = number_of(command, "events"), last = 0;
    json_t *numbers = json_array(), *ids = json_array();
    json_int_t repeated = 0;

    (void)bus_hello(bus, 0, 0);
    bus_subscribe(bus, subscription, (uint32_t)number_of(command, "credit"), 0);
    while (json_array_size(numbers) < count) {
        const Marshrut__Bus__V1__Deliver *deliver =
                bus_expect(bus, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)->deliver;

        for (size_t i = 0; i < deliver->n_items; i++) {
            if (deliver->items[i]->number <= last) {
                repeated++;
                continue;
            }
            last = deliver->items[i]->number;
            assert_int_equal(json_array_append_new(numbers, number_text(last)), 0);
            add_id(ids, deliver->items[i]->event);
        }
        bus_ack(bus, subscription, last);
        bus_credit(bus, subscription, (uint32_t)deliver->n_items);
    }
    return json_pack("{s:o,s:o,s:I}", "numbers", numbers, "ids", ids, "repeated", repeated);
}

/* ---- commands ---- */

static json_t *do_close(struct bus_client *bus, const json_t *command)
{
    (void)command;
    bus_close(bus);
    return json_object();
}

static const struct {
    const char *verb;
    json_t *(*run)(struct bus_client *bus, const json_t *command);
} commands[] = {
        {"send", do_send},
        {"parts", do_parts},
        {"size", do_size},
        {"receive", do_receive},
        {"produce", do_produce},
        {"take", do_take},
        {"close", do_close},
        {"encode", do_encode},
        {"decode", do_decode},
};

static size_t slot_of(const struct c_client *c, const char *name)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        if (strcmp(c->clients[i].name, name) == 0)
            return i;
    fail_msg("no client \"%s\"", name);
    return 0;
}

static json_t *do_open(struct c_client *c, const json_t *command)
{
    size_t slot = slot_of(c, "");
    struct mr_curvekey key = {0};
    bool curve = *text_of(command, "publicKey") != 0;

    (void)snprintf(c->clients[slot].name, sizeof c->clients[slot].name, "%s", text_of(command, "client"));
    (void)snprintf(key.public_key, sizeof key.public_key, "%s", text_of(command, "publicKey"));
    (void)snprintf(key.secret_key, sizeof key.secret_key, "%s", text_of(command, "secretKey"));
    bus_connect(&c->clients[slot].bus, text_of(command, "endpoint"), text_of(command, "serverKey"),
            curve ? &key : NULL);
    return json_object();
}

static json_t *do_reset(struct c_client *c)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        if (c->clients[i].name[0])
            bus_close(&c->clients[i].bus);
        c->clients[i].name[0] = 0;
    }
    return json_object();
}

static json_t *call(struct speaker *speaker, const json_t *command)
{
    struct c_client *c = MR_CONTAINER(speaker, struct c_client, base);
    const char *verb = text_of(command, "do"), *name = text_of(command, "client");
    size_t slot = 0;

    if (strcmp(verb, "open") == 0)
        return do_open(c, command);
    if (strcmp(verb, "reset") == 0)
        return do_reset(c);
    if (*name)
        slot = slot_of(c, name);
    if (strcmp(verb, "close") == 0)
        c->clients[slot].name[0] = 0;
    for (size_t i = 0; i < MR_COUNT(commands); i++)
        if (strcmp(commands[i].verb, verb) == 0)
            return commands[i].run(&c->clients[slot].bus, command);
    fail_msg("no command \"%s\"", verb);
    return NULL;
}

static void close_c(struct speaker *speaker)
{
    free(MR_CONTAINER(speaker, struct c_client, base));
}

struct speaker *speaker_c_open(void)
{
    struct c_client *c = calloc(1, sizeof *c);

    assert_non_null(c);
    c->base = (struct speaker){"c", call, close_c};
    return &c->base;
}
