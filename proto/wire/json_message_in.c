/* json.h: JSON to protobuf. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "google/protobuf/timestamp.pb-c.h"
#include "proto/base/list.h"
#include "proto/wire/json.h"
#include "proto/wire/json_internal.h"
#include "proto/wire/wire.h"
#include "proto/wire/timestamp.h"

/* What a failure says; never the value itself, which may be a person's. */
static int wrong(struct mr_error *reterr, const char *expected)
{
    return mr_error_set(reterr, MR_EINVAL, "", "see docs/events.md for the field", "expected %s", expected);
}

static int no_memory(struct mr_error *reterr)
{
    return mr_error_set(reterr, MR_ENOMEM, "", NULL, "no memory for the message");
}

/* A number, or a string of one: JSON cannot hold 64 bits everywhere. */
static bool to_signed(const json_t *json, int64_t *ret)
{
    const char *text = json_string_value(json);
    char *end;

    if (json_is_integer(json)) {
        *ret = json_integer_value(json);
        return true;
    }
    if (json_is_real(json)) {
        double value = json_real_value(json);

        *ret = fabs(value) < 9007199254740992.0 ? (int64_t)value : 0;
        return (double)*ret == value;
    }
    if (!text || strspn(text, "-0123456789") != json_string_length(json) || text[0] == 0)
        return false;
    errno = 0;
    *ret = strtoimax(text, &end, 10);
    return errno == 0 && *end == 0;
}

static bool to_unsigned(const json_t *json, uint64_t *ret)
{
    const char *text = json_string_value(json);
    int64_t value;
    char *end;

    if (text) {
        if (strspn(text, "0123456789") != json_string_length(json) || text[0] == 0)
            return false;
        errno = 0;
        *ret = strtoumax(text, &end, 10);
        return errno == 0 && *end == 0;
    }
    if (!to_signed(json, &value) || value < 0)
        return false;
    *ret = (uint64_t)value;
    return true;
}

static int to_number(
        const ProtobufCFieldDescriptor *field, const json_t *json, void *at, struct mr_error *reterr)
{
    int64_t i;
    uint64_t u;

    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        if (!to_signed(json, &i) || i < INT32_MIN || i > INT32_MAX)
            return wrong(reterr, "a whole number of 32 bits");
        *(int32_t *)at = (int32_t)i;
        return 0;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        if (!to_unsigned(json, &u) || u > UINT32_MAX)
            return wrong(reterr, "a whole number of 32 bits, not negative");
        *(uint32_t *)at = (uint32_t)u;
        return 0;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        if (!to_unsigned(json, at))
            return wrong(reterr, "a whole number of 64 bits, not negative");
        return 0;
    default:
        if (!to_signed(json, at))
            return wrong(reterr, "a whole number of 64 bits");
        return 0;
    }
}

static bool named_double(const json_t *json, double *ret)
{
    static const struct {
        const char *name;
        double value;
    } names[] = {{"NaN", NAN}, {"Infinity", INFINITY}, {"-Infinity", -INFINITY}};

    for (size_t i = 0; json_is_string(json) && i < MR_COUNT(names); i++)
        if (strcmp(json_string_value(json), names[i].name) == 0) {
            *ret = names[i].value;
            return true;
        }
    return false;
}

static int to_double(
        const ProtobufCFieldDescriptor *field, const json_t *json, void *at, struct mr_error *reterr)
{
    double value = json_number_value(json);

    if (!json_is_number(json) && !named_double(json, &value))
        return wrong(reterr, "a number");
    if (field->type == PROTOBUF_C_TYPE_DOUBLE) {
        *(double *)at = value;
        return 0;
    }
    if (isfinite(value) && fabs(value) > (double)__FLT_MAX__)
        return wrong(reterr, "a number of single precision");
    *(float *)at = (float)value;
    return 0;
}

static int to_enum(
        const ProtobufCFieldDescriptor *field, const json_t *json, void *at, struct mr_error *reterr)
{
    const ProtobufCEnumValue *value;

    if (!json_is_string(json))
        return to_number(&(const ProtobufCFieldDescriptor){.type = PROTOBUF_C_TYPE_INT32}, json, at, reterr);
    value = protobuf_c_enum_descriptor_get_value_by_name(field->descriptor, json_string_value(json));
    if (!value)
        return wrong(reterr, "a name of the enumeration");
    *(int *)at = value->value;
    return 0;
}

static int to_text(const json_t *json, struct mr_arena *arena, char **ret, struct mr_error *reterr)
{
    const char *text = json_string_value(json);

    if (!text || !mr_utf8_valid(mr_slice(text, json_string_length(json))))
        return wrong(reterr, "a string without NUL");
    *ret = mr_arena_strdup(arena, text);
    return *ret ? 0 : no_memory(reterr);
}

int mr_json_to_bytes(
        const json_t *json, struct mr_arena *arena, struct mr_slice *ret, struct mr_error *reterr)
{
    static const int variants[] = {sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
            sodium_base64_VARIANT_URLSAFE, sodium_base64_VARIANT_URLSAFE_NO_PADDING};
    size_t size = json_string_length(json);
    uint8_t *out;

    if (!json_is_string(json))
        return wrong(reterr, "a string of base64");
    out = mr_arena_alloc(arena, size / 4 * 3 + 3);
    if (!out)
        return no_memory(reterr);
    for (size_t i = 0; i < MR_COUNT(variants); i++) {
        ret->data = out;
        if (sodium_base642bin(out, size / 4 * 3 + 3, json_string_value(json), size, NULL, &ret->size, NULL,
                    variants[i]) == 0)
            return 0;
    }
    return wrong(reterr, "base64");
}

static int to_timestamp(
        const json_t *json, struct mr_arena *arena, ProtobufCMessage **ret, struct mr_error *reterr)
{
    Google__Protobuf__Timestamp *time = mr_arena_alloc(arena, sizeof *time);

    if (!time)
        return no_memory(reterr);
    google__protobuf__timestamp__init(time);
    if (!json_is_string(json) ||
            mr_timestamp_parse(mr_slice(json_string_value(json), json_string_length(json)), &time->seconds,
                    &time->nanos) < 0)
        return wrong(reterr, "a time of RFC 3339 with an offset");
    *ret = &time->base;
    return 0;
}

static int to_binary(
        const json_t *json, struct mr_arena *arena, ProtobufCBinaryData *ret, struct mr_error *reterr)
{
    struct mr_slice bytes = {0};
    int r = mr_json_to_bytes(json, arena, &bytes, reterr);

    if (r == 0)
        *ret = (ProtobufCBinaryData){.len = bytes.size, .data = (uint8_t *)bytes.data};
    return r;
}

static int to_value(const ProtobufCFieldDescriptor *field, const json_t *json, struct mr_arena *arena,
        void *at, struct mr_error *reterr)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return to_text(json, arena, at, reterr);
    case PROTOBUF_C_TYPE_BYTES:
        return to_binary(json, arena, at, reterr);
    case PROTOBUF_C_TYPE_BOOL:
        if (!json_is_boolean(json))
            return wrong(reterr, "true or false");
        *(protobuf_c_boolean *)at = json_is_true(json);
        return 0;
    case PROTOBUF_C_TYPE_ENUM:
        return to_enum(field, json, at, reterr);
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        return to_double(field, json, at, reterr);
    case PROTOBUF_C_TYPE_MESSAGE:
        if (field->descriptor == &google__protobuf__timestamp__descriptor)
            return to_timestamp(json, arena, at, reterr);
        return mr_json_to_message(json, field->descriptor, arena, at, reterr);
    default:
        return to_number(field, json, at, reterr);
    }
}

static int to_repeated(const ProtobufCFieldDescriptor *field, const json_t *json, struct mr_arena *arena,
        ProtobufCMessage *message, struct mr_error *reterr)
{
    size_t width = mr_json_element_size(field->type);
    size_t count = json_array_size(json);
    char *items;

    if (!json_is_array(json))
        return wrong(reterr, "an array");
    items = mr_arena_zalloc(arena, count * width);
    if (!items)
        return no_memory(reterr);
    for (size_t i = 0; i < count; i++) {
        int r = to_value(field, json_array_get(json, i), arena, items + i * width, reterr);

        if (r < 0) {
            char index[24];

            (void)snprintf(index, sizeof index, "[%zu]", i);
            mr_error_within(reterr, index);
            return r;
        }
    }
    *(size_t *)(void *)((char *)message + field->quantifier_offset) = count;
    *(char **)(void *)((char *)message + field->offset) = items;
    return 0;
}

static int to_field(const ProtobufCFieldDescriptor *field, const json_t *json, struct mr_arena *arena,
        ProtobufCMessage *message, struct mr_error *reterr)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return to_repeated(field, json, arena, message, reterr);
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        uint32_t *which = (void *)((char *)message + field->quantifier_offset);

        if (*which != 0)
            return mr_error_set(
                    reterr, MR_EINVAL, "", "send one of them", "two fields of which only one may be set");
        *which = field->id;
    }
    return to_value(field, json, arena, (char *)message + field->offset, reterr);
}

/* A strange key is shown only when it looks like a name: it could be anything that a person typed. */
static int unknown_field(
        const char *key, const ProtobufCMessageDescriptor *descriptor, struct mr_error *reterr)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    char shown[41] = "?";
    size_t size = strlen(key);

    if (size > 0 && size < sizeof shown && strspn(key, letters) == size)
        memcpy(shown, key, size + 1);
    return mr_error_set(reterr, MR_EINVAL, shown, "leave it out, or correct its name by docs/events.md",
            "%s has no such field", descriptor->short_name);
}

static bool given_by_both_names(const json_t *object, const ProtobufCFieldDescriptor *field, const char *key)
{
    char camel[MR_JSON_NAME_MAX];
    const char *other = mr_json_name(field->name, camel);

    if (strcmp(other, key) == 0)
        other = field->name;
    return strcmp(other, key) != 0 && json_object_get(object, other);
}

int mr_json_to_message(const json_t *json, const ProtobufCMessageDescriptor *descriptor,
        struct mr_arena *arena, ProtobufCMessage **ret, struct mr_error *reterr)
{
    ProtobufCMessage *message;
    const char *key;
    json_t *value;

    if (!json_is_object(json))
        return wrong(reterr, "an object");
    message = mr_arena_alloc(arena, descriptor->sizeof_message);
    if (!message)
        return no_memory(reterr);
    protobuf_c_message_init(descriptor, message);
    json_object_foreach ((json_t *)json, key, value) {
        const ProtobufCFieldDescriptor *field = mr_json_field(descriptor, key);
        int r = 0;

        if (!field)
            return unknown_field(key, descriptor, reterr);
        if (given_by_both_names(json, field, key))
            r = mr_error_set(
                    reterr, MR_EINVAL, "", "send one of them", "the field is given by both of its names");
        else if (!json_is_null(value))
            r = to_field(field, value, arena, message, reterr);
        if (r < 0) {
            mr_error_within(reterr, key);
            return r;
        }
    }
    *ret = message;
    return 0;
}
