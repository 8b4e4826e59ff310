/* The envelope as it is read, beside what the general unpacking makes of the same bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "io/cloudevents/v1/cloudevents.pb-c.h"
#include "proto/base/buf.h"
#include "proto/base/list.h"
#include "proto/wire/envelope.h"
#include "proto/wire/unpack.h"

enum { ARENA_BYTES = 1 << 20 };

typedef Io__Cloudevents__V1__CloudEvent cloud_event;
typedef Io__Cloudevents__V1__CloudEvent__CloudEventAttributeValue attribute_value;

static void same_text(struct mr_slice ours, const char *theirs)
{
    assert_true(mr_slice_equal(ours, mr_slice_str(theirs)));
    assert_int_equal(ours.data[ours.size], 0);
}

static void same_attribute(const struct mr_attribute *ours, const char *name, const attribute_value *theirs)
{
    assert_string_equal(ours->name, name);
    assert_int_equal(ours->kind, theirs ? (int)theirs->attr_case : 0);
    switch (ours->kind) {
    case MR_ATTRIBUTE_NONE:
        break;
    case MR_ATTRIBUTE_BOOLEAN:
        assert_int_equal(ours->number, theirs->ce_boolean);
        break;
    case MR_ATTRIBUTE_INTEGER:
        assert_int_equal(ours->number, theirs->ce_integer);
        break;
    case MR_ATTRIBUTE_STRING:
        same_text(ours->bytes, theirs->ce_string);
        break;
    case MR_ATTRIBUTE_BYTES:
        assert_true(mr_slice_equal(ours->bytes, mr_slice(theirs->ce_bytes.data, theirs->ce_bytes.len)));
        break;
    case MR_ATTRIBUTE_URI:
        same_text(ours->bytes, theirs->ce_uri);
        break;
    case MR_ATTRIBUTE_URI_REF:
        same_text(ours->bytes, theirs->ce_uri_ref);
        break;
    case MR_ATTRIBUTE_TIMESTAMP:
        assert_true(ours->number == theirs->ce_timestamp->seconds);
        assert_int_equal(ours->nanos, theirs->ce_timestamp->nanos);
        break;
    }
}

static void same_data(const struct mr_envelope *ours, const cloud_event *theirs)
{
    assert_int_equal(ours->data_kind, (int)theirs->data_case);
    switch (ours->data_kind) {
    case MR_DATA_NONE:
        assert_int_equal(ours->data.size, 0);
        break;
    case MR_DATA_BINARY:
        assert_true(mr_slice_equal(ours->data, mr_slice(theirs->binary_data.data, theirs->binary_data.len)));
        break;
    case MR_DATA_TEXT:
        assert_true(mr_slice_equal(ours->data, mr_slice_str(theirs->text_data)));
        break;
    case MR_DATA_PROTO:
        same_text(ours->type_url, theirs->proto_data->type_url);
        assert_true(mr_slice_equal(
                ours->data, mr_slice(theirs->proto_data->value.data, theirs->proto_data->value.len)));
        break;
    }
}

static void same_event(const struct mr_envelope *ours, const cloud_event *theirs)
{
    same_text(ours->id, theirs->id);
    same_text(ours->source, theirs->source);
    same_text(ours->specversion, theirs->spec_version);
    same_text(ours->type, theirs->type);
    assert_int_equal(ours->attributes_count, theirs->n_attributes);
    for (size_t i = 0; i < ours->attributes_count; i++)
        same_attribute(&ours->attributes[i], theirs->attributes[i]->key, theirs->attributes[i]->value);
    for (size_t i = 0; i < ours->attributes_count; i++)
        assert_int_equal(ours->name_sizes[i], strlen(theirs->attributes[i]->key));
    same_data(ours, theirs);
}

/* Both take it and mean the same, or both refuse it, for the same place. */
static void compare(struct mr_slice bytes, size_t *taken, size_t *refused)
{
    static const struct mr_unpack_limits limits = {
            .fields_max = 8 + 8 * MR_EVENT_ATTRIBUTES_MAX, .depth_max = 4};
    ProtobufCMessage *message = NULL;
    struct mr_error ours = {0}, theirs = {0};
    struct mr_envelope envelope;
    struct mr_arena arena;
    int r, expected;

    mr_arena_init(&arena, ARENA_BYTES);
    expected = mr_unpack(
            &io__cloudevents__v1__cloud_event__descriptor, bytes, &limits, NULL, &arena, &message, &theirs);
    r = mr_envelope_read(&envelope, bytes, &arena, &ours);
    if (r != expected || strcmp(ours.where, theirs.where) != 0)
        fail_msg("%d at %s, and not %d at %s", r, ours.where, expected, theirs.where);
    if (r == 0)
        same_event(&envelope, (const cloud_event *)message);
    *taken += r == 0;
    *refused += r < 0;
    mr_arena_fini(&arena);
}

#define ATTRIBUTE(size, name_size, name, value_size, value)                                                  \
    "\x2a" size "\x0a" name_size name "\x12" value_size value

static const char full[] =
        "\x0a\x03"
        "e-1"
        "\x12\x05"
        "urn:a"
        "\x1a\x03"
        "1.0"
        "\x22\x03"
        "t.x" ATTRIBUTE("\x0a", "\x02", "aa", "\x04",
                "\x1a\x02"
                "xy") ATTRIBUTE("\x08", "\x02", "bb", "\x02", "\x08\x01")
                ATTRIBUTE("\x09", "\x02", "cc", "\x03", "\x10\xac\x02")
                        ATTRIBUTE("\x0b", "\x02", "dd", "\x05", "\x22\x03\xff\x00\xfe")
                                ATTRIBUTE("\x0b", "\x02", "ee", "\x05",
                                        "\x2a\x03"
                                        "u:r") ATTRIBUTE("\x0a", "\x02", "ff", "\x04",
                                        "\x32\x02"
                                        "re") ATTRIBUTE("\x10", "\x04", "time", "\x08",
                                        "\x3a\x06\x08\xe4\x8e\x02\x10\x05") "\xf8\x07\x01" /* unknown */
                                                                            "\x42\x0a\x0a\x03"
                                                                            "u/n"
                                                                            "\x12\x03"
                                                                            "abc";

static void a_whole_one_is_read(void **state)
{
    size_t taken = 0, refused = 0;

    (void)state;
    compare(mr_slice(full, sizeof full - 1), &taken, &refused);
    assert_int_equal(taken, 1);
    compare(mr_slice("", 0), &taken, &refused);
    compare(mr_slice("\x3a\x02"
                     "ab",
                    4),
            &taken, &refused);                                  /* text */
    compare(mr_slice("\x32\x02\xff\x00", 4), &taken, &refused); /* binary */
    compare(mr_slice("\x42\x00", 2), &taken, &refused);         /* nothing in it */
    compare(mr_slice("\x2a\x00", 2), &taken, &refused);
    assert_int_equal(taken, 6);
    compare(mr_slice("\x32\x00\x3a\x00", 4), &taken, &refused); /* two of a oneof */
    assert_int_equal(refused, 1);
}

static void changed_bytes_are_judged_as_by_the_general_one(void **state)
{
    size_t taken = 0, refused = 0;
    uint32_t random = 4711;

    (void)state;
    for (size_t size = 0; size < sizeof full; size++)
        compare(mr_slice(full, size), &taken, &refused);
    for (int i = 0; i < 300000; i++) {
        uint8_t bytes[sizeof full - 1];

        memcpy(bytes, full, sizeof bytes);
        for (int changes = 1 + i % 3; changes > 0; changes--) {
            random = random * 1664525 + 1013904223;
            bytes[(random >> 8) % sizeof bytes] = (uint8_t)(random >> 24);
        }
        compare(mr_slice(bytes, sizeof bytes), &taken, &refused);
    }
    assert_true(taken > 10000 && refused > 10000);
}

static void attributes_and_fields_are_limited(void **state)
{
    struct mr_buf bytes = MR_BUF_INIT;
    struct mr_envelope envelope;
    struct mr_error e = {0};
    struct mr_arena arena;

    (void)state;
    mr_arena_init(&arena, ARENA_BYTES);
    for (int i = 0; i < MR_EVENT_ATTRIBUTES_MAX; i++)
        mr_buf_put(&bytes, "\x2a\x00", 2);
    assert_int_equal(mr_envelope_read(&envelope, mr_buf_slice(&bytes), &arena, &e), 0);
    mr_buf_put(&bytes, "\x2a\x00", 2);
    assert_int_equal(mr_envelope_read(&envelope, mr_buf_slice(&bytes), &arena, &e), MR_ETOOBIG);
    assert_string_equal(e.where, "attributes");
    mr_buf_reset(&bytes);
    for (int i = 0; i < 8 + 8 * MR_EVENT_ATTRIBUTES_MAX; i++)
        mr_buf_put(&bytes, "\xf8\x07\x01", 3);
    assert_int_equal(mr_envelope_read(&envelope, mr_buf_slice(&bytes), &arena, &e), 0);
    mr_buf_put(&bytes, "\xf8\x07\x01", 3);
    assert_int_equal(mr_envelope_read(&envelope, mr_buf_slice(&bytes), &arena, &e), MR_ETOOBIG);
    arena.budget = arena.used;
    assert_int_equal(mr_envelope_read(&envelope, mr_buf_slice(&bytes), &arena, &e), MR_ENOMEM);
    mr_arena_fini(&arena);
    mr_buf_fini(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_whole_one_is_read),
            cmocka_unit_test(changed_bytes_are_judged_as_by_the_general_one),
            cmocka_unit_test(attributes_and_fields_are_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
