/* json.h: protobuf to JSON. */
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "google/protobuf/timestamp.pb-c.h"
#include "proto/wire/json.h"
#include "proto/wire/json_internal.h"
#include "proto/wire/timestamp.h"

json_t *mr_json_from_bytes(struct mr_slice bytes)
{
    size_t size = sodium_base64_encoded_len(bytes.size, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(size);
    json_t *json = NULL;

    if (text)
        json = json_string(
                sodium_bin2base64(text, size, bytes.data, bytes.size, sodium_base64_VARIANT_ORIGINAL));
    free(text);
    return json;
}

static json_t *from_u64(uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return json_string(text);
}

static json_t *from_i64(int64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%lld", (long long)value);
    return json_string(text);
}

static json_t *from_double(double value)
{
    if (isnan(value))
        return json_string("NaN");
    if (isinf(value))
        return json_string(value > 0 ? "Infinity" : "-Infinity");
    return json_real(value);
}

/* A number that the enum does not have stays a number. */
static json_t *from_enum(const ProtobufCEnumDescriptor *descriptor, int value)
{
    const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(descriptor, value);

    return known ? json_string(known->name) : json_integer(value);
}

static json_t *from_submessage(const ProtobufCMessage *message)
{
    if (message->descriptor == &google__protobuf__timestamp__descriptor) {
        const Google__Protobuf__Timestamp *time = (const Google__Protobuf__Timestamp *)message;
        char text[MR_TIME_TEXT_MAX];

        return json_string(mr_timestamp_format(time->seconds, time->nanos, text));
    }
    return mr_json_from_message(message);
}

/* One value; `at` is where it lies in the message or in the array. */
static json_t *from_value(const ProtobufCFieldDescriptor *field, const void *at)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return json_integer(*(const int32_t *)at);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return json_integer(*(const uint32_t *)at);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return from_i64(*(const int64_t *)at);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return from_u64(*(const uint64_t *)at);
    case PROTOBUF_C_TYPE_FLOAT:
        return from_double((double)*(const float *)at);
    case PROTOBUF_C_TYPE_DOUBLE:
        return from_double(*(const double *)at);
    case PROTOBUF_C_TYPE_BOOL:
        return json_boolean(*(const protobuf_c_boolean *)at);
    case PROTOBUF_C_TYPE_ENUM:
        return from_enum(field->descriptor, *(const int *)at);
    case PROTOBUF_C_TYPE_STRING:
        return json_string(*(const char *const *)at);
    case PROTOBUF_C_TYPE_BYTES: {
        const ProtobufCBinaryData *bytes = at;

        return mr_json_from_bytes(mr_slice(bytes->data, bytes->len));
    }
    case PROTOBUF_C_TYPE_MESSAGE:
        return from_submessage(*(const ProtobufCMessage *const *)at);
    }
    return NULL;
}

static bool is_default(const ProtobufCFieldDescriptor *field, const void *at)
{
    static const uint8_t zeros[8];

    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return !*(const char *const *)at || !**(const char *const *)at;
    case PROTOBUF_C_TYPE_BYTES:
        return ((const ProtobufCBinaryData *)at)->len == 0;
    case PROTOBUF_C_TYPE_MESSAGE:
        return !*(const ProtobufCMessage *const *)at;
    case PROTOBUF_C_TYPE_FLOAT:
        return *(const float *)at == 0; /* protobuf-c leaves out -0 as well */
    case PROTOBUF_C_TYPE_DOUBLE:
        return *(const double *)at == 0;
    default:
        return memcmp(at, zeros, mr_json_element_size(field->type)) == 0;
    }
}

static json_t *from_repeated(const ProtobufCFieldDescriptor *field, const char *items, size_t count)
{
    json_auto_t *array = json_array();

    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(array, from_value(field, items + i * mr_json_element_size(field->type))) <
                0)
            return NULL;
    return json_incref(array);
}

/* 0, also when there is nothing to put; -1 out of memory. */
static int put_field(json_t *object, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const char *at = (const char *)message + field->offset;
    const void *quantifier = (const char *)message + field->quantifier_offset;
    char name[MR_JSON_NAME_MAX];
    json_t *value;

    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = *(const size_t *)quantifier;

        if (count == 0)
            return 0;
        value = from_repeated(field, *(const char *const *)(const void *)at, count);
    } else if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        if (*(const uint32_t *)quantifier != field->id)
            return 0;
        value = from_value(field, at);
    } else {
        if (is_default(field, at))
            return 0;
        value = from_value(field, at);
    }
    return json_object_set_new_nocheck(object, mr_json_name(field->name, name), value);
}

json_t *mr_json_from_message(const ProtobufCMessage *message)
{
    json_auto_t *object = json_object();

    for (unsigned i = 0; object && i < message->descriptor->n_fields; i++)
        if (put_field(object, message, &message->descriptor->fields[i]) < 0)
            return NULL;
    return json_incref(object);
}
