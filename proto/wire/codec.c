#include "proto/wire/codec.h"

#include <string.h>

#include "proto/base/clock.h"
#include "proto/wire/event_parts.h"
#include "proto/wire/person_walk.h"
#include "proto/wire/prescan.h"
#include "proto/wire/timestamp.h"

enum {
    ENVELOPE_FIELDS_MAX = 8 + 8 * MR_EVENT_ATTRIBUTES_MAX,
    ENVELOPE_DEPTH_MAX = 4, /* event, map entry, value, timestamp */
    ANY_VALUE = 2,
};

static const char cure_attribute[] = "see docs/events.md, attributes";

static void *arena_alloc(void *arena, size_t size)
{
    return mr_arena_alloc(arena, size);
}

static void arena_free(void *arena, void *p)
{
    (void)arena;
    (void)p;
}

ProtobufCAllocator mr_arena_allocator(struct mr_arena *arena)
{
    return (ProtobufCAllocator){.alloc = arena_alloc, .free = arena_free, .allocator_data = arena};
}

/* No control characters (CloudEvents 1.0.2, "Type System", String). The text is UTF-8 already. */
static bool printable(struct mr_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];

        if (byte < 0x20 || byte == 0x7f)
            return false;
        if (byte == 0xc2 && i + 1 < text.size && text.data[i + 1] < 0xa0)
            return false;
    }
    return true;
}

static int check_text(const char *name, struct mr_slice text, size_t bytes_max, struct mr_error *reterr)
{
    if (text.size == 0)
        return mr_error_set(reterr, MR_EINVAL, name, cure_attribute, "attribute is missing or empty");
    if (text.size > bytes_max)
        return mr_error_set(reterr, MR_ETOOBIG, name, cure_attribute,
                "attribute of %zu bytes, the limit is %zu", text.size, bytes_max);
    if (!printable(text))
        return mr_error_set(reterr, MR_EINVAL, name, cure_attribute, "control character in an attribute");
    return 0;
}

static int read_required(struct mr_event *event, struct mr_error *reterr)
{
    const Io__Cloudevents__V1__CloudEvent *message = event->message;
    int r;

    if (strcmp(message->spec_version, "1.0") != 0)
        return mr_error_set(
                reterr, MR_EINVAL, "specversion", "send CloudEvents 1.0", "unsupported specversion");
    r = check_text("id", mr_slice_str(message->id), MR_EVENT_ID_MAX, reterr);
    if (r == 0)
        r = check_text("source", mr_slice_str(message->source), MR_EVENT_ID_MAX, reterr);
    if (r == 0)
        r = check_text("type", mr_slice_str(message->type), MR_ATTRIBUTE_BYTES_MAX, reterr);
    event->a.id = message->id;
    event->a.source = message->source;
    event->a.type = message->type;
    return r;
}

/* Names differ in their first letter more often than not. */
static bool same(const char *a, const char *b)
{
    return *a == *b && strcmp(a, b) == 0;
}

static bool is_name(const char *name)
{
    const char *at = name;

    while ((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9'))
        at++;
    return at > name && *at == 0;
}

static int check_name(const char *name, struct mr_error *reterr)
{
    static const char *const reserved[] = {"id", "source", "type", "specversion", "data"};

    if (!is_name(name))
        return mr_error_set(reterr, MR_EINVAL, "attributes", cure_attribute,
                "attribute name is not of lower-case letters and digits");
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (same(name, reserved[i]))
            return mr_error_set(reterr, MR_EINVAL, name, "send it as a field of the event, not in the map",
                    "reserved attribute name in the map");
    return 0;
}

static int read_timestamp(struct mr_event *event, const Google__Protobuf__Timestamp *time,
        const struct mr_known_attribute *known, struct mr_arena *arena, struct mr_error *reterr)
{
    char text[MR_TIME_TEXT_MAX];

    if (!mr_timestamp_valid(time->seconds, time->nanos))
        return mr_error_set(reterr, MR_EINVAL, known ? known->name : "attributes", cure_attribute,
                "timestamp out of range");
    if (!known)
        return 0;
    if (known->kind != MR_ATTRIBUTE_TIMESTAMP)
        return mr_error_set(reterr, MR_EINVAL, known->name, cure_attribute, "attribute is not a text");
    event->a.time = mr_arena_strdup(arena, mr_timestamp_format(time->seconds, time->nanos, text));
    if (!event->a.time)
        return mr_error_set(reterr, MR_ENOMEM, "time", NULL, "no memory for the event");
    event->time_us = time->seconds * 1000000 + time->nanos / 1000;
    return 0;
}

static int read_text(struct mr_event *event, const char *name, const char *text,
        const struct mr_known_attribute *known, struct mr_error *reterr)
{
    int64_t seconds;
    int32_t nanos;
    int r;

    if (!known && text[0] == 0)
        return 0;
    r = check_text(name, mr_slice_str(text), MR_ATTRIBUTE_BYTES_MAX, reterr);
    if (r < 0 || !known)
        return r;
    *mr_known_attribute_slot(known, &event->a) = text;
    if (known->kind != MR_ATTRIBUTE_TIMESTAMP)
        return 0;
    if (mr_timestamp_parse(mr_slice_str(text), &seconds, &nanos) < 0)
        return mr_error_set(
                reterr, MR_EINVAL, name, "write it as RFC 3339 with an offset", "time cannot be read");
    event->time_us = seconds * 1000000 + nanos / 1000;
    return 0;
}

static int read_attribute(struct mr_event *event, const char *name,
        const Io__Cloudevents__V1__CloudEvent__CloudEventAttributeValue *value, struct mr_arena *arena,
        struct mr_error *reterr)
{
    const struct mr_known_attribute *known = mr_known_attribute_find(name);

    switch ((int)(value ? value->attr_case : 0)) {
    case MR_ATTRIBUTE_STRING:
        return read_text(event, name, value->ce_string, known, reterr);
    case MR_ATTRIBUTE_URI:
        return read_text(event, name, value->ce_uri, known, reterr);
    case MR_ATTRIBUTE_URI_REF:
        return read_text(event, name, value->ce_uri_ref, known, reterr);
    case MR_ATTRIBUTE_TIMESTAMP:
        return read_timestamp(event, value->ce_timestamp, known, arena, reterr);
    case 0:
        return mr_error_set(reterr, MR_EINVAL, name, cure_attribute, "attribute without a value");
    case MR_ATTRIBUTE_BYTES:
        if (value->ce_bytes.len > MR_ATTRIBUTE_BYTES_MAX)
            return mr_error_set(reterr, MR_ETOOBIG, name, cure_attribute, "attribute is too long");
        break;
    default:
        break;
    }
    if (known)
        return mr_error_set(reterr, MR_EINVAL, name, cure_attribute, "attribute is not a text");
    return 0;
}

static int read_attributes(struct mr_event *event, struct mr_arena *arena, struct mr_error *reterr)
{
    const Io__Cloudevents__V1__CloudEvent *message = event->message;

    if (message->n_attributes > MR_EVENT_ATTRIBUTES_MAX)
        return mr_error_set(reterr, MR_ETOOBIG, "attributes", "send fewer attributes",
                "%zu attributes, the limit is %d", message->n_attributes, MR_EVENT_ATTRIBUTES_MAX);
    for (size_t i = 0; i < message->n_attributes; i++) {
        const char *name = message->attributes[i]->key;
        int r = check_name(name, reterr);

        for (size_t j = 0; r == 0 && j < i; j++)
            if (same(name, message->attributes[j]->key))
                return mr_error_set(
                        reterr, MR_EMALFORMED, name, "send each attribute once", "attribute occurs twice");
        if (r == 0)
            r = read_attribute(event, name, message->attributes[i]->value, arena, reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Where the data lies in the event's bytes, and not in the unpacked copy. */
static struct mr_slice find_data(struct mr_slice bytes, int data_case)
{
    struct mr_slice data = mr_wire_find(bytes, (uint32_t)data_case);

    return data_case == MR_DATA_PROTO ? mr_wire_find(data, ANY_VALUE) : data;
}

static bool url_names(const char *url, const char *full_name)
{
    const char *slash = strrchr(url, '/');

    return slash && strcmp(slash + 1, full_name) == 0;
}

static int read_payload(struct mr_event *event, struct mr_arena *arena, bool again, struct mr_error *reterr)
{
    static const struct mr_prescan_limits limits = {
            .fields_max = MR_EVENT_FIELDS_MAX, .depth_max = MR_EVENT_DEPTH_MAX};
    const ProtobufCMessageDescriptor *descriptor = event->type->payload;
    ProtobufCAllocator allocator = mr_arena_allocator(arena);
    int r;

    if ((int)event->message->data_case != MR_DATA_PROTO ||
            !url_names(event->message->proto_data->type_url, descriptor->name))
        return mr_error_set(reterr, MR_EINVAL, "data",
                "send the payload that the registry names for the type", "data is not proto_data of %s",
                descriptor->name);
    r = again ? 0 : mr_prescan(descriptor, event->payload_bytes, &limits, reterr);
    if (r < 0) {
        mr_error_within(reterr, "data");
        return r;
    }
    event->payload = protobuf_c_message_unpack(
            descriptor, &allocator, event->payload_bytes.size, event->payload_bytes.data);
    if (!event->payload)
        return mr_error_set(reterr, MR_ENOMEM, "data", NULL, "no memory for the event");
    return mr_person_walk(event, reterr);
}

static int decode(struct mr_event *ret, struct mr_slice bytes, struct mr_arena *arena, bool again,
        struct mr_error *reterr)
{
    static const struct mr_prescan_limits limits = {
            .fields_max = ENVELOPE_FIELDS_MAX, .depth_max = ENVELOPE_DEPTH_MAX};
    ProtobufCAllocator allocator = mr_arena_allocator(arena);
    int r;

    *ret = (struct mr_event){.bytes = bytes};
    if (bytes.size > MR_EVENT_BYTES_MAX)
        return mr_error_set(reterr, MR_ETOOBIG, "", "send a smaller event",
                "event of %zu bytes, the limit is %d", bytes.size, MR_EVENT_BYTES_MAX);
    r = again ? 0 : mr_prescan(&io__cloudevents__v1__cloud_event__descriptor, bytes, &limits, reterr);
    if (r < 0)
        return r;
    ret->message = io__cloudevents__v1__cloud_event__unpack(&allocator, bytes.size, bytes.data);
    if (!ret->message)
        return mr_error_set(reterr, MR_ENOMEM, "", NULL, "no memory for the event");
    r = read_required(ret, reterr);
    if (r == 0)
        r = read_attributes(ret, arena, reterr);
    if (r < 0)
        return r;
    if (ret->message->data_case != IO__CLOUDEVENTS__V1__CLOUD_EVENT__DATA__NOT_SET)
        ret->payload_bytes = find_data(bytes, (int)ret->message->data_case);
    ret->type = mr_registry_find(ret->a.type, strlen(ret->a.type));
    return ret->type ? read_payload(ret, arena, again, reterr) : 0;
}

int mr_event_decode(
        struct mr_event *ret, struct mr_slice bytes, struct mr_arena *arena, struct mr_error *reterr)
{
    return decode(ret, bytes, arena, /* again= */ false, reterr);
}

int mr_event_decode_again(
        struct mr_event *ret, struct mr_slice bytes, struct mr_arena *arena, struct mr_error *reterr)
{
    return decode(ret, bytes, arena, /* again= */ true, reterr);
}
