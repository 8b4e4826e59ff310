#include "proto/wire/envelope.h"

#include <stdio.h>
#include <string.h>

#include "proto/wire/plain.h"
#include "proto/wire/wire.h"

enum { FIELDS_MAX = 8 + 8 * MR_EVENT_ATTRIBUTES_MAX };
enum { EVENT_ID = 1, EVENT_SOURCE = 2, EVENT_SPEC_VERSION = 3, EVENT_TYPE = 4, EVENT_ATTRIBUTES = 5 };
enum { ENTRY_KEY = 1, ENTRY_VALUE = 2 };
enum { TIMESTAMP_SECONDS = 1, TIMESTAMP_NANOS = 2 };
enum { ANY_TYPE_URL = 1, ANY_VALUE = 2 };

/*
 * Texts are copied one behind the other with a NUL each. In the bytes each has a tag and a length before it,
 * so that a place of the size of the bytes holds them all.
 */
struct reading {
    struct mr_envelope *ret;
    char *texts;
    unsigned fields;
    struct mr_error *reterr;
};

/* A message that is being read. */
struct message {
    const uint8_t *at, *end;
    const char *path; /* of it in the event, "" or "attributes.value" */
    unsigned seen;    /* one bit a field; the members of a oneof are one bit */
};

static struct message message_of(struct mr_slice content, const char *path)
{
    const uint8_t *end = content.size > 0 ? content.data + content.size : content.data;

    return (struct message){content.data, end, path, 0};
}

static __attribute__((noinline, cold)) int refuse(
        const struct reading *reading, const char *path, const char *field, const char *what)
{
    char where[64];

    (void)snprintf(where, sizeof where, "%s%s%s", path, *path && *field ? "." : "", field);
    return mr_error_set(reading->reterr, MR_EMALFORMED, where,
            "send a protobuf message of the published schema", "%s", what);
}

static __attribute__((noinline, cold)) int too_many(const struct reading *reading, const char *path)
{
    return mr_error_set(reading->reterr, MR_ETOOBIG, path, "send less in one message", "too many fields");
}

/* Any field: what follows it, NULL when it is broken. */
static __attribute__((noinline)) const uint8_t *any_field(
        const uint8_t *at, const uint8_t *end, struct mr_wire_field *ret)
{
    struct mr_slice rest = mr_slice(at, (size_t)(end - at));

    return mr_wire_take(&rest, ret) == 1 ? rest.data : NULL;
}

/* Takes the next field: 1, 0 at the end. Nearly all are short bytes of a low number: two bytes, the content.
 */
static inline int take(struct reading *reading, struct message *message, struct mr_wire_field *ret)
{
    const uint8_t *at = message->at, *end = message->end, *content;

    if (at == end)
        return 0;
    content = mr_wire_short_bytes(at, end, &ret->number);
    if (content) {
        ret->wire_type = MR_WIRE_BYTES;
        ret->bytes = mr_slice(content, content[-1]);
        message->at = content + content[-1];
    } else {
        struct mr_wire_field any;

        at = any_field(at, end, &any);
        if (!at)
            return refuse(reading, message->path, "", "broken field: tag, length or number");
        *ret = any;
        message->at = at;
    }
    return ++reading->fields > FIELDS_MAX ? too_many(reading, message->path) : 1;
}

/* A known field: is it of its type, and the first one? */
static inline int accept(const struct reading *reading, struct message *message,
        const struct mr_wire_field *raw, uint8_t wire_type, unsigned bit, const char *field)
{
    if (message->seen >> bit & 1)
        return refuse(reading, message->path, field, "a field that may occur once occurs twice");
    message->seen |= 1u << bit;
    if (raw->wire_type != wire_type)
        return refuse(reading, message->path, field, "wrong wire type of a known field");
    return 0;
}

static int not_utf8(const struct reading *reading, const char *path, const char *field)
{
    return refuse(reading, path, field, "text is not UTF-8 or has a NUL");
}

static inline int put_text(struct reading *reading, struct mr_slice text, const char *path, const char *field,
        struct mr_slice *ret)
{
    char *to = reading->texts;

    if (!mr_plain_copy(to, text.data, text.size)) {
        reading->ret->plain = false;
        if (!mr_utf8_valid(text))
            return not_utf8(reading, path, field);
    }
    to[text.size] = 0;
    *ret = mr_slice(to, text.size);
    reading->texts = to + text.size + 1;
    return 0;
}

static inline int read_text(struct reading *reading, struct message *message, const struct mr_wire_field *raw,
        unsigned bit, const char *field, struct mr_slice *ret)
{
    int r = accept(reading, message, raw, MR_WIRE_BYTES, bit, field);

    return r < 0 ? r : put_text(reading, raw->bytes, message->path, field, ret);
}

static int read_int32(struct reading *reading, struct message *message, const struct mr_wire_field *raw,
        unsigned bit, const char *field, int64_t *ret)
{
    int r = accept(reading, message, raw, MR_WIRE_VARINT, bit, field);

    if (r < 0)
        return r;
    if (raw->varint > INT32_MAX && raw->varint < (uint64_t)INT32_MIN)
        return refuse(reading, message->path, field, "number out of the range of its type");
    *ret = (int32_t)raw->varint;
    return 0;
}

/* ---- attributes ---- */

static int read_timestamp(struct reading *reading, struct mr_slice content, struct mr_attribute *ret)
{
    struct message message = message_of(content, "attributes.value.ce_timestamp");
    struct mr_wire_field raw = {0};
    int64_t nanos = 0;
    int r;

    while ((r = take(reading, &message, &raw)) == 1) {
        if (raw.number == TIMESTAMP_SECONDS) {
            r = accept(reading, &message, &raw, MR_WIRE_VARINT, TIMESTAMP_SECONDS, "seconds");
            ret->number = (int64_t)raw.varint;
        } else if (raw.number == TIMESTAMP_NANOS) {
            r = read_int32(reading, &message, &raw, TIMESTAMP_NANOS, "nanos", &nanos);
        }
        if (r < 0)
            return r;
    }
    ret->nanos = (int32_t)nanos;
    return r;
}

static int read_member(struct reading *reading, struct message *message, const struct mr_wire_field *raw,
        struct mr_attribute *ret)
{
    int r;

    switch (raw->number) {
    case MR_ATTRIBUTE_BOOLEAN:
        r = accept(reading, message, raw, MR_WIRE_VARINT, 0, "ce_boolean");
        if (r == 0 && raw->varint > 1)
            r = refuse(reading, message->path, "ce_boolean", "number out of the range of its type");
        ret->number = (int64_t)raw->varint;
        return r;
    case MR_ATTRIBUTE_INTEGER:
        return read_int32(reading, message, raw, 0, "ce_integer", &ret->number);
    case MR_ATTRIBUTE_STRING:
        return read_text(reading, message, raw, 0, "ce_string", &ret->bytes);
    case MR_ATTRIBUTE_BYTES:
        ret->bytes = raw->bytes;
        return accept(reading, message, raw, MR_WIRE_BYTES, 0, "ce_bytes");
    case MR_ATTRIBUTE_URI:
        return read_text(reading, message, raw, 0, "ce_uri", &ret->bytes);
    case MR_ATTRIBUTE_URI_REF:
        return read_text(reading, message, raw, 0, "ce_uri_ref", &ret->bytes);
    default:
        r = accept(reading, message, raw, MR_WIRE_BYTES, 0, "ce_timestamp");
        return r < 0 ? r : read_timestamp(reading, raw->bytes, ret);
    }
}

static int read_value(struct reading *reading, struct mr_slice content, struct mr_attribute *ret)
{
    struct message message = message_of(content, "attributes.value");
    struct mr_wire_field raw = {0};
    int r;

    while ((r = take(reading, &message, &raw)) == 1) {
        if (raw.number > MR_ATTRIBUTE_TIMESTAMP)
            continue;
        ret->kind = (enum mr_attribute_kind)raw.number;
        r = read_member(reading, &message, &raw, ret);
        if (r < 0)
            return r;
    }
    return r;
}

/* One that is not written as most are. */
static int read_any_entry(
        struct reading *reading, struct mr_slice content, struct mr_attribute *ret, uint32_t *ret_name_size)
{
    struct message message = message_of(content, "attributes");
    struct mr_wire_field raw = {0};
    struct mr_slice name;
    int r;

    while ((r = take(reading, &message, &raw)) == 1) {
        if (raw.number == ENTRY_KEY) {
            r = read_text(reading, &message, &raw, ENTRY_KEY, "key", &name);
            ret->name = r < 0 ? "" : (const char *)name.data;
            *ret_name_size = r < 0 ? 0 : (uint32_t)name.size;
        } else if (raw.number == ENTRY_VALUE) {
            r = accept(reading, &message, &raw, MR_WIRE_BYTES, ENTRY_VALUE, "value");
            r = r < 0 ? r : read_value(reading, raw.bytes, ret);
        }
        if (r < 0)
            return r;
    }
    return r;
}

/* As mr_wire_short_bytes(), of this number. */
static inline const uint8_t *short_bytes(const uint8_t *at, const uint8_t *end, uint32_t number)
{
    uint32_t found = 0;
    const uint8_t *content = mr_wire_short_bytes(at, end, &found);

    return found == number ? content : NULL;
}

/* As encoders write a text: key, value with the one member, all of them short. */
static bool is_text_entry(struct mr_slice content, struct mr_slice *key, struct mr_slice *value)
{
    const uint8_t *end = content.data + content.size, *at = short_bytes(content.data, end, ENTRY_KEY);

    if (!at)
        return false;
    *key = mr_slice(at, at[-1]);
    at = short_bytes(at + at[-1], end, ENTRY_VALUE);
    if (!at || at + at[-1] != end)
        return false;
    at = short_bytes(at, end, MR_ATTRIBUTE_STRING);
    if (!at || at + at[-1] != end)
        return false;
    *value = mr_slice(at, at[-1]);
    return true;
}

static int read_entry(
        struct reading *reading, struct mr_slice content, struct mr_attribute *ret, uint32_t *ret_name_size)
{
    enum { FIELDS = 3 };
    struct mr_slice key, value;
    int r;

    *ret = (struct mr_attribute){.name = ""};
    *ret_name_size = 0;
    if (reading->fields + FIELDS > FIELDS_MAX || !is_text_entry(content, &key, &value))
        return read_any_entry(reading, content, ret, ret_name_size);
    reading->fields += FIELDS;
    r = put_text(reading, key, "attributes", "key", &key);
    if (r < 0)
        return r;
    ret->name = (const char *)key.data;
    *ret_name_size = (uint32_t)key.size;
    ret->kind = MR_ATTRIBUTE_STRING;
    return put_text(reading, value, "attributes.value", "ce_string", &ret->bytes);
}

static int read_attribute(
        struct reading *reading, const struct message *message, const struct mr_wire_field *raw)
{
    struct mr_envelope *ret = reading->ret;
    size_t i;

    if (raw->wire_type != MR_WIRE_BYTES)
        return refuse(reading, message->path, "attributes", "wrong wire type of a known field");
    if (ret->attributes_count == MR_EVENT_ATTRIBUTES_MAX)
        return mr_error_set(reading->reterr, MR_ETOOBIG, "attributes", "send fewer attributes",
                "more than %d attributes", MR_EVENT_ATTRIBUTES_MAX);
    i = ret->attributes_count++;
    return read_entry(reading, raw->bytes, &ret->attributes[i], &ret->name_sizes[i]);
}

/* ---- data ---- */

static int read_any(struct reading *reading, struct mr_slice content)
{
    struct message message = message_of(content, "proto_data");
    struct mr_wire_field raw = {0};
    int r;

    while ((r = take(reading, &message, &raw)) == 1) {
        if (raw.number == ANY_TYPE_URL) {
            r = read_text(reading, &message, &raw, ANY_TYPE_URL, "type_url", &reading->ret->type_url);
        } else if (raw.number == ANY_VALUE) {
            r = accept(reading, &message, &raw, MR_WIRE_BYTES, ANY_VALUE, "value");
            reading->ret->data = raw.bytes;
        }
        if (r < 0)
            return r;
    }
    return r;
}

static int read_data(struct reading *reading, struct message *message, const struct mr_wire_field *raw)
{
    struct mr_envelope *ret = reading->ret;
    int r;

    ret->data_kind = (enum mr_data_kind)raw->number;
    ret->data = raw->bytes;
    switch (ret->data_kind) {
    case MR_DATA_BINARY:
        return accept(reading, message, raw, MR_WIRE_BYTES, MR_DATA_BINARY, "binary_data");
    case MR_DATA_TEXT:
        r = accept(reading, message, raw, MR_WIRE_BYTES, MR_DATA_BINARY, "text_data");
        return r < 0 || mr_utf8_valid(raw->bytes) ? r : not_utf8(reading, message->path, "text_data");
    default:
        ret->data = mr_slice(NULL, 0);
        r = accept(reading, message, raw, MR_WIRE_BYTES, MR_DATA_BINARY, "proto_data");
        return r < 0 ? r : read_any(reading, raw->bytes);
    }
}

/* ---- the event ---- */

static int read_field(struct reading *reading, struct message *message, const struct mr_wire_field *raw)
{
    struct mr_envelope *ret = reading->ret;

    switch (raw->number) {
    case EVENT_ID:
        return read_text(reading, message, raw, EVENT_ID, "id", &ret->id);
    case EVENT_SOURCE:
        return read_text(reading, message, raw, EVENT_SOURCE, "source", &ret->source);
    case EVENT_SPEC_VERSION:
        return read_text(reading, message, raw, EVENT_SPEC_VERSION, "spec_version", &ret->specversion);
    case EVENT_TYPE:
        return read_text(reading, message, raw, EVENT_TYPE, "type", &ret->type);
    case EVENT_ATTRIBUTES:
        return read_attribute(reading, message, raw);
    case MR_DATA_BINARY:
    case MR_DATA_TEXT:
    case MR_DATA_PROTO:
        return read_data(reading, message, raw);
    default:
        return 0; /* of a later version of the format */
    }
}

int mr_envelope_read(
        struct mr_envelope *ret, struct mr_slice bytes, struct mr_arena *arena, struct mr_error *reterr)
{
    static const struct mr_slice none = {.data = (const uint8_t *)""};
    struct reading reading = {.ret = ret, .texts = mr_arena_alloc(arena, bytes.size), .reterr = reterr};
    struct message message = message_of(bytes, "");
    struct mr_wire_field raw = {0};
    int r;

    if (!reading.texts)
        return mr_error_set(reterr, MR_ENOMEM, "", NULL, "no memory for the event");
    ret->id = ret->source = ret->specversion = ret->type = ret->type_url = none;
    ret->attributes_count = 0;
    ret->data_kind = MR_DATA_NONE;
    ret->data = mr_slice(NULL, 0);
    ret->plain = true;
    while ((r = take(&reading, &message, &raw)) == 1) {
        r = read_field(&reading, &message, &raw);
        if (r < 0)
            return r;
    }
    return r;
}
