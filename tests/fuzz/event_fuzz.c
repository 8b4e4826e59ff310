/*
 * An accepted event keeps its meaning: encoded again, and through JSON and back. Every Person span is the
 * bytes of its person.
 */
#include <assert.h>
#include <string.h>

#include "proto/wire/codec.h"
#include "proto/wire/json.h"
#include "proto/wire/traceparent.h"
#include "tests/fuzz/fuzz.h"

enum { BUDGET_BYTES = 8 * 1024 * 1024 };

static struct mr_buf packed(const ProtobufCMessage *message)
{
    struct mr_buf out = MR_BUF_INIT;
    uint8_t *at = mr_buf_reserve(&out, protobuf_c_message_get_packed_size(message));

    assert(at);
    out.size = protobuf_c_message_pack(message, at);
    return out;
}

static void assert_same_message(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    struct mr_buf x = packed(a);
    struct mr_buf y = packed(b);

    assert(mr_slice_equal(mr_buf_slice(&x), mr_buf_slice(&y)));
    mr_buf_fini(&x);
    mr_buf_fini(&y);
}

static void check_persons(const struct mr_event *event)
{
    size_t end = 0;

    for (size_t i = 0; i < event->persons_count; i++) {
        const struct mr_person_span *span = &event->persons[i];
        Nms__Event__V1__Person *person;

        assert(span->offset >= end && span->offset + span->size <= event->bytes.size);
        end = span->offset + span->size;
        person = nms__event__v1__person__unpack(NULL, span->size, event->bytes.data + span->offset);
        assert(person);
        assert_same_message(&person->base, &span->person->base);
        nms__event__v1__person__free_unpacked(person, NULL);
    }
}

static void assert_same_event(const struct mr_event *a, const struct mr_event *b)
{
    assert(strcmp(a->a.id, b->a.id) == 0 && strcmp(a->a.source, b->a.source) == 0);
    assert(strcmp(a->a.type, b->a.type) == 0 && a->type == b->type);
    assert(a->time_us == b->time_us && a->persons_count == b->persons_count);
}

static void check_reencoded(const struct mr_event *event, struct mr_arena *arena)
{
    struct mr_buf out = MR_BUF_INIT;
    struct mr_buf again = MR_BUF_INIT;
    struct mr_event back;
    int r = mr_event_reencode(&out, event, &event->a, event->payload, true);

    assert(r == 0);
    r = mr_event_decode(&back, mr_buf_slice(&out), arena, NULL);
    assert(r == 0 || r == MR_ETOOBIG); /* our type_url may be longer than the sender's */
    if (r == 0) {
        assert_same_event(event, &back);
        if (event->payload)
            assert_same_message(event->payload, back.payload);
        r = mr_event_reencode(&again, &back, &back.a, back.payload, true);
        assert(r == 0 && mr_slice_equal(mr_buf_slice(&out), mr_buf_slice(&again)));
    }
    mr_buf_fini(&out);
    mr_buf_fini(&again);
}

/* `bytes` came from `json`, which came from `event`. */
static void check_from_json(
        const struct mr_event *event, const json_t *json, struct mr_slice bytes, struct mr_arena *arena)
{
    struct mr_buf second = MR_BUF_INIT;
    json_t *again = NULL;
    struct mr_event back;
    int r = mr_event_decode(&back, bytes, arena, NULL);

    assert(r == 0);
    assert_same_event(event, &back);
    r = mr_event_to_json(bytes, &again, NULL);
    assert(r == 0);
    r = mr_event_from_json(again, &second, NULL);
    assert(r == 0 && mr_slice_equal(bytes, mr_buf_slice(&second)));
    if (event->a.time) /* may have been written in another way */
        (void)json_object_set(again, "time", json_object_get(json, "time"));
    assert(json_equal(json, again));
    json_decref(again);
    mr_buf_fini(&second);
}

static void check_json(const struct mr_event *event, struct mr_arena *arena)
{
    struct mr_buf bytes = MR_BUF_INIT;
    json_t *json = NULL;
    int r = mr_event_to_json(event->bytes, &json, NULL);

    assert(r == 0);
    r = mr_event_from_json(json, &bytes, NULL);
    assert(r == 0 || r == MR_ETOOBIG); /* bytes grow by a third as text */
    if (r == 0)
        check_from_json(event, json, mr_buf_slice(&bytes), arena);
    json_decref(json);
    mr_buf_fini(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_arena arena;
    struct mr_error error;
    struct mr_event event;
    char trace[MR_TRACEPARENT_TEXT_MAX], again[MR_TRACEPARENT_TEXT_MAX];
    int r;

    if (mr_traceparent_of_event(mr_slice(data, size), trace)) /* of bytes that need not be an event */
        assert(strlen(trace) == MR_TRACEPARENT_TEXT_MAX - 1 && mr_traceparent_read(trace, again));
    mr_arena_init(&arena, BUDGET_BYTES);
    r = mr_event_decode(&event, mr_slice(data, size), &arena, &error);
    assert(r == 0 || (r == error.code && r != MR_ENOMEM));
    if (r == 0) {
        check_persons(&event);
        check_reencoded(&event, &arena);
        check_json(&event, &arena);
    }
    mr_arena_fini(&arena);
    return 0;
}
