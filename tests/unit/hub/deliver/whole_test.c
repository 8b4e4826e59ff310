/*
 * Property: an event about persons with the hub's ids put in by wire is the one that decoding it, marking its
 * blocks and encoding it again makes. Of every type of the registry that names persons, with random content.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/deliver/whole.h"
#include "proto/base/hex.h"
#include "proto/base/list.h"
#include "proto/wire/wire.h"

enum { ROUNDS = 60, TEXT_MAX = 200, REPEATED_MAX = 3, FIELDS_MAX = 80, DATA = 8, ATTRIBUTES = 5 };

struct whole_env {
    struct mr_arena arena;
    unsigned seed;
    struct mr_buf bytes; /* as received */
    struct mr_buf got;
    struct mr_buf expected;
    struct mr_unsealed unsealed;
    char hex[MR_EVENT_PERSONS_MAX][2 * MR_PERSON_ID_BYTES + 1];
};

static int setup(void **state)
{
    struct whole_env *env = calloc(1, sizeof *env);

    mr_arena_init(&env->arena, 16 << 20);
    env->seed = 17;
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct whole_env *env = *state;

    mr_arena_fini(&env->arena);
    mr_buf_fini(&env->bytes);
    mr_buf_fini(&env->got);
    mr_buf_fini(&env->expected);
    free(env);
    return 0;
}

static unsigned next_random(struct whole_env *env, unsigned below)
{
    env->seed = env->seed * 1664525u + 1013904223u;
    return (env->seed >> 8) % below;
}

/* ---- random messages ---- */

static char *random_text(struct whole_env *env)
{
    size_t size = next_random(env, 3) == 0 ? next_random(env, TEXT_MAX) : next_random(env, 12);
    char *text = mr_arena_zalloc(&env->arena, size + 1);

    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + next_random(env, 26));
    return text;
}

static ProtobufCMessage *random_message(
        struct whole_env *env, const ProtobufCMessageDescriptor *descriptor, unsigned depth);

static void *random_list(
        struct whole_env *env, const ProtobufCFieldDescriptor *field, size_t *count, unsigned depth)
{
    void **list = mr_arena_zalloc(&env->arena, REPEATED_MAX * sizeof *list);

    *count = next_random(env, REPEATED_MAX + 1);
    for (size_t i = 0; i < *count; i++)
        list[i] = field->type == PROTOBUF_C_TYPE_STRING ? (void *)random_text(env)
                                                        : random_message(env, field->descriptor, depth + 1);
    return list;
}

/* Numbers stay as they are: zero is left out, and nothing here turns on their values. */
static void fill_field(struct whole_env *env, ProtobufCMessage *message,
        const ProtobufCFieldDescriptor *field, unsigned depth)
{
    bool text = field->type == PROTOBUF_C_TYPE_STRING, inner = field->type == PROTOBUF_C_TYPE_MESSAGE;
    char *at = (char *)message + field->offset;
    void *value;

    if ((!text && !inner) || (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) || next_random(env, 3) == 0)
        return;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count;

        value = random_list(env, field, &count, depth);
        memcpy((char *)message + field->quantifier_offset, &count, sizeof count);
    } else {
        value = text ? (void *)random_text(env) : random_message(env, field->descriptor, depth + 1);
    }
    memcpy(at, &value, sizeof value);
}

static void add_unknown(struct whole_env *env, ProtobufCMessage *message)
{
    ProtobufCMessageUnknownField *unknown = mr_arena_zalloc(&env->arena, sizeof *unknown);

    *unknown = (ProtobufCMessageUnknownField){.tag = 200, .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED};
    unknown->data = (uint8_t *)"\x05later"; /* with its length */
    unknown->len = 6;
    message->n_unknown_fields = 1;
    message->unknown_fields = unknown;
}

static ProtobufCMessage *random_message(
        struct whole_env *env, const ProtobufCMessageDescriptor *descriptor, unsigned depth)
{
    ProtobufCMessage *message = mr_arena_zalloc(&env->arena, descriptor->sizeof_message);

    descriptor->message_init(message);
    if (depth == 5 || next_random(env, 8) == 0)
        return message; /* an empty one */
    for (unsigned i = 0; i < descriptor->n_fields; i++)
        fill_field(env, message, &descriptor->fields[i], depth);
    if (next_random(env, 5) == 0)
        add_unknown(env, message);
    return message;
}

/* ---- the two ways ---- */

static struct mr_attributes random_attributes(struct whole_env *env, const char *type)
{
    struct mr_attributes a = {.id = "1", .source = "urn:marshrut:24:school", .type = type};

    if (next_random(env, 2))
        a.time = "2026-11-28T09:00:00Z";
    if (next_random(env, 2))
        a.subject = "of-the-sender";
    if (next_random(env, 2))
        a.staffof = "of-the-sender";
    if (next_random(env, 2))
        a.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    if (next_random(env, 2))
        a.actor = "op-17";
    return a;
}

/* Where its persons are, as unsealing says it, each block somebody else's or the first one's. */
static void take_spans(struct whole_env *env, const struct mr_event *event)
{
    struct mr_unsealed *unsealed = &env->unsealed;

    *unsealed = (struct mr_unsealed){.bytes = env->bytes, .spans_count = event->persons_count};
    unsealed->persons_count = event->persons_count;
    for (size_t i = 0; i < event->persons_count; i++) {
        unsealed->spans[i] = (struct mr_unsealed_span){event->persons[i].offset, event->persons[i].size};
        unsealed->person_of_span[i] = (uint8_t)(next_random(env, 4) == 0 ? 0 : i);
        randombytes_buf(unsealed->persons[i].id, MR_PERSON_ID_BYTES);
        (void)mr_hex_encode(unsealed->persons[i].id, MR_PERSON_ID_BYTES, env->hex[i]);
    }
}

static void mark_and_encode(struct whole_env *env, struct mr_event *event, const char *staffof)
{
    for (size_t i = 0; i < event->persons_count; i++)
        ((Nms__Event__V1__Person *)event->persons[i].person)->person_id =
                env->hex[env->unsealed.person_of_span[i]];
    event->a.subject = env->hex[0];
    event->a.staffof = staffof;
    mr_buf_reset(&env->expected);
    assert_int_equal(mr_event_reencode(&env->expected, event, &event->a, event->payload, true), 0);
}

/* false: it names nobody, or too many. */
static bool decode(struct whole_env *env, struct mr_event *ret)
{
    struct mr_error error;

    return mr_event_decode(ret, mr_buf_slice(&env->bytes), &env->arena, &error) == 0 &&
           ret->persons_count > 0;
}

static bool make(struct whole_env *env, const struct mr_event_type *type, struct mr_event *ret)
{
    struct mr_attributes a;

    mr_arena_reset(&env->arena);
    mr_buf_reset(&env->bytes);
    a = random_attributes(env, type->name);
    assert_int_equal(mr_event_encode(&env->bytes, &a, random_message(env, type->payload, 0)), 0);
    return decode(env, ret);
}

static void put_whole(struct whole_env *env, const char *staffof)
{
    mr_buf_reset(&env->got);
    mr_buf_put_str(&env->got, "before");
    assert_int_equal(mr_whole_put(&env->got, &env->unsealed, mr_slice_str(staffof ? staffof : "")), 0);
    assert_memory_equal(env->got.data, "before", 6);
}

static struct mr_slice got(const struct whole_env *env)
{
    return mr_slice(env->got.data + 6, env->got.size - 6);
}

/* As our encoder orders it: the very same bytes. */
static void test_as_decoded_and_encoded(void **state)
{
    struct whole_env *env = *state;
    size_t compared = 0;

    for (size_t i = 0; i < mr_registry_count(); i++) {
        const struct mr_event_type *type = mr_registry_at(i);

        for (int round = 0; round < ROUNDS && mr_registry_has_person(type->payload); round++) {
            const char *staffof = next_random(env, 2) ? "1022402127461,1022402062046" : NULL;
            struct mr_event event;

            if (!make(env, type, &event))
                continue;
            take_spans(env, &event);
            put_whole(env, staffof);
            mark_and_encode(env, &event, staffof);
            assert_true(mr_slice_equal(got(env), mr_buf_slice(&env->expected)));
            compared++;
        }
    }
    assert_true(compared > 500);
}

/* The fields of the event from the last to the first. */
static void turn_round(struct whole_env *env)
{
    struct mr_slice rest = mr_buf_slice(&env->bytes);
    struct mr_wire_field fields[FIELDS_MAX];
    struct mr_buf turned = MR_BUF_INIT;
    size_t count = 0;

    while (mr_wire_next(&rest, &fields[count]) == 1)
        assert_true(++count < FIELDS_MAX);
    while (count > 0)
        mr_buf_put_slice(&turned, fields[--count].raw);
    mr_buf_fini(&env->bytes);
    env->bytes = turned;
}

/* In another order, and with what the format does not have: it says the same. */
static void test_in_another_order(void **state)
{
    struct whole_env *env = *state;
    size_t compared = 0;

    for (size_t i = 0; i < mr_registry_count(); i++) {
        const struct mr_event_type *type = mr_registry_at(i);
        struct mr_buf first = MR_BUF_INIT;
        struct mr_event event, again;

        if (!mr_registry_has_person(type->payload) || !make(env, type, &event))
            continue;
        turn_round(env);
        mr_buf_put(&env->bytes, "\x7a\x03new", 5); /* field 15 */
        assert_true(decode(env, &event));
        take_spans(env, &event);
        put_whole(env, "1022402127461");
        mark_and_encode(env, &event, "1022402127461");
        mr_buf_put_slice(&first, mr_buf_slice(&env->expected));
        assert_null(memmem(env->got.data, env->got.size, "\x7a\x03new", 5));
        assert_int_equal(mr_event_decode(&again, got(env), &env->arena, NULL), 0);
        mr_buf_reset(&env->expected);
        assert_int_equal(mr_event_reencode(&env->expected, &again, &again.a, again.payload, true), 0);
        assert_true(mr_slice_equal(mr_buf_slice(&first), mr_buf_slice(&env->expected)));
        mr_buf_fini(&first);
        compared++;
    }
    assert_true(compared > 10);
}

/* Spans that are not where a block is: nothing is put. */
static void test_wrong_spans_are_refused(void **state)
{
    struct whole_env *env = *state;
    const struct mr_event_type *type =
            mr_registry_find("nms.mentoring.started.v1", strlen("nms.mentoring.started.v1"));
    struct mr_event event;

    while (!make(env, type, &event) || event.persons_count != 2 || event.persons[0].size < 20)
        ;
    for (int way = 0; way < 5; way++) {
        take_spans(env, &event);
        env->unsealed.spans[0].offset += way == 0;
        env->unsealed.spans[0].size -= way == 1;
        env->unsealed.spans_count += way == 2;
        env->unsealed.spans[1].offset = way == 3 ? env->bytes.size : env->unsealed.spans[1].offset;
        env->unsealed.persons_count = way == 4 ? 0 : 2;
        mr_buf_reset(&env->got);
        mr_buf_put_str(&env->got, "before");
        assert_int_equal(mr_whole_put(&env->got, &env->unsealed, (struct mr_slice){0}), MR_ECORRUPT);
        assert_int_equal(env->got.size, 6);
    }
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(test_as_decoded_and_encoded),
            T(test_in_another_order),
            T(test_wrong_spans_are_refused),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
