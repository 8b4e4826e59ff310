#include "proto/wire/codec.h"

#include <string.h>

#include "google/protobuf/timestamp.pb-c.h"
#include "proto/base/clock.h"
#include "proto/base/list.h"
#include "proto/wire/envelope.h"
#include "proto/wire/event_parts.h"
#include "proto/wire/timestamp.h"
#include "proto/wire/unpack.h"

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

static __attribute__((noinline)) int check_odd_text(
        const char *name, struct mr_slice text, size_t bytes_max, struct mr_error *reterr)
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

static inline int check_text(const struct mr_envelope *envelope, const char *name, struct mr_slice text,
        size_t bytes_max, struct mr_error *reterr)
{
    return envelope->plain && text.size > 0 && text.size <= bytes_max
                   ? 0
                   : check_odd_text(name, text, bytes_max, reterr);
}

static int read_required(struct mr_event *event, const struct mr_envelope *envelope, struct mr_error *reterr)
{
    int r;

    if (!mr_slice_equal(envelope->specversion, mr_slice_str("1.0")))
        return mr_error_set(
                reterr, MR_EINVAL, "specversion", "send CloudEvents 1.0", "unsupported specversion");
    r = check_text(envelope, "id", envelope->id, MR_EVENT_ID_MAX, reterr);
    if (r == 0)
        r = check_text(envelope, "source", envelope->source, MR_EVENT_ID_MAX, reterr);
    if (r == 0)
        r = check_text(envelope, "type", envelope->type, MR_ATTRIBUTE_BYTES_MAX, reterr);
    event->a.id = (const char *)envelope->id.data;
    event->a.source = (const char *)envelope->source.data;
    event->a.type = (const char *)envelope->type.data;
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

static int read_timestamp(struct mr_event *event, const struct mr_attribute *attribute,
        const struct mr_known_attribute *known, struct mr_arena *arena, struct mr_error *reterr)
{
    char *text;

    if (!mr_timestamp_valid(attribute->number, attribute->nanos))
        return mr_error_set(reterr, MR_EINVAL, known ? known->name : "attributes", cure_attribute,
                "timestamp out of range");
    if (!known)
        return 0;
    if (known->kind != MR_ATTRIBUTE_TIMESTAMP)
        return mr_error_set(reterr, MR_EINVAL, known->name, cure_attribute, "attribute is not a text");
    text = mr_arena_alloc(arena, MR_TIME_TEXT_MAX);
    if (!text)
        return mr_error_set(reterr, MR_ENOMEM, "time", NULL, "no memory for the event");
    event->a.time = mr_timestamp_format(attribute->number, attribute->nanos, text);
    event->time_us = attribute->number * 1000000 + attribute->nanos / 1000;
    return 0;
}

static int read_text(struct mr_event *event, const struct mr_envelope *envelope,
        const struct mr_attribute *attribute, const struct mr_known_attribute *known, struct mr_error *reterr)
{
    int64_t seconds;
    int32_t nanos;
    int r;

    if (!known && attribute->bytes.size == 0)
        return 0;
    r = check_text(envelope, attribute->name, attribute->bytes, MR_ATTRIBUTE_BYTES_MAX, reterr);
    if (r < 0 || !known)
        return r;
    *mr_known_attribute_slot(known, &event->a) = (const char *)attribute->bytes.data;
    if (known->kind != MR_ATTRIBUTE_TIMESTAMP)
        return 0;
    if (mr_timestamp_parse(attribute->bytes, &seconds, &nanos) < 0)
        return mr_error_set(reterr, MR_EINVAL, attribute->name, "write it as RFC 3339 with an offset",
                "time cannot be read");
    event->time_us = seconds * 1000000 + nanos / 1000;
    return 0;
}

static int read_attribute(struct mr_event *event, const struct mr_envelope *envelope,
        const struct mr_attribute *attribute, const struct mr_known_attribute *known, struct mr_arena *arena,
        struct mr_error *reterr)
{
    switch (attribute->kind) {
    case MR_ATTRIBUTE_STRING:
    case MR_ATTRIBUTE_URI:
    case MR_ATTRIBUTE_URI_REF:
        return read_text(event, envelope, attribute, known, reterr);
    case MR_ATTRIBUTE_TIMESTAMP:
        return read_timestamp(event, attribute, known, arena, reterr);
    case MR_ATTRIBUTE_NONE:
        return mr_error_set(reterr, MR_EINVAL, attribute->name, cure_attribute, "attribute without a value");
    case MR_ATTRIBUTE_BYTES:
        if (attribute->bytes.size > MR_ATTRIBUTE_BYTES_MAX)
            return mr_error_set(reterr, MR_ETOOBIG, attribute->name, cure_attribute, "attribute is too long");
        break;
    default:
        break;
    }
    if (known)
        return mr_error_set(reterr, MR_EINVAL, attribute->name, cure_attribute, "attribute is not a text");
    return 0;
}

/* *seen: the known ones so far, a bit each. */
static bool occurred(const struct mr_envelope *envelope, size_t index, const struct mr_known_attribute *known,
        uint64_t *seen)
{
    const char *name = envelope->attributes[index].name;
    uint64_t before = *seen;

    if (known) {
        *seen |= UINT64_C(1) << mr_known_attribute_index(known);
        return *seen == before;
    }
    for (size_t i = 0; i < index; i++)
        if (same(name, envelope->attributes[i].name))
            return true;
    return false;
}

static int read_attributes(struct mr_event *event, const struct mr_envelope *envelope, struct mr_arena *arena,
        struct mr_error *reterr)
{
    uint64_t seen = 0;

    for (size_t i = 0; i < envelope->attributes_count; i++) {
        const struct mr_attribute *attribute = &envelope->attributes[i];
        const struct mr_known_attribute *known =
                mr_known_attribute_find(mr_slice(attribute->name, envelope->name_sizes[i]));
        int r = known ? 0 : check_name(attribute->name, reterr);

        if (r == 0 && occurred(envelope, i, known, &seen))
            return mr_error_set(reterr, MR_EMALFORMED, attribute->name, "send each attribute once",
                    "attribute occurs twice");
        if (r == 0)
            r = read_attribute(event, envelope, attribute, known, arena, reterr);
        if (r < 0)
            return r;
    }
    event->attributes_count = envelope->attributes_count;
    event->attributes =
            mr_arena_dup(arena, envelope->attributes, envelope->attributes_count * sizeof *event->attributes);
    return event->attributes ? 0 : mr_error_set(reterr, MR_ENOMEM, "", NULL, "no memory for the event");
}

/* ---- the payload ---- */

static int add_person(struct mr_event *event, const ProtobufCMessage *person, struct mr_slice content,
        struct mr_error *reterr)
{
    if (event->persons_count == MR_EVENT_PERSONS_MAX)
        return mr_error_set(reterr, MR_ETOOBIG, "", "send several events", "more than %d persons in an event",
                MR_EVENT_PERSONS_MAX);
    event->persons[event->persons_count++] = (struct mr_person_span){
            .offset = (size_t)(content.data - event->bytes.data),
            .size = content.size,
            .person = (const Nms__Event__V1__Person *)person,
    };
    return 0;
}

static int on_inner(
        void *ctx, const ProtobufCMessage *message, struct mr_slice content, struct mr_error *reterr)
{
    const Google__Protobuf__Timestamp *time;

    if (message->descriptor == &nms__event__v1__person__descriptor)
        return add_person(ctx, message, content, reterr);
    if (message->descriptor != &google__protobuf__timestamp__descriptor)
        return 0;
    time = (const Google__Protobuf__Timestamp *)message;
    return mr_timestamp_valid(time->seconds, time->nanos)
                   ? 0
                   : mr_error_set(reterr, MR_EINVAL, "", "years 1 to 9999", "timestamp out of range");
}

/* Its last part is the name, which has no slash. */
static bool url_names(struct mr_slice url, const char *full_name)
{
    size_t size = strlen(full_name);

    return url.size > size && url.data[url.size - size - 1] == '/' &&
           memcmp(url.data + url.size - size, full_name, size) == 0;
}

static int read_payload(struct mr_event *event, const struct mr_envelope *envelope, struct mr_arena *arena,
        struct mr_error *reterr)
{
    static const struct mr_unpack_limits limits = {
            .fields_max = MR_EVENT_FIELDS_MAX, .depth_max = MR_EVENT_DEPTH_MAX};
    const ProtobufCMessageDescriptor *descriptor = event->type->payload;
    const struct mr_unpack_watch watch = {on_inner, event};
    int r;

    if (envelope->data_kind != MR_DATA_PROTO || !url_names(envelope->type_url, descriptor->name))
        return mr_error_set(reterr, MR_EINVAL, "data",
                "send the payload that the registry names for the type", "data is not proto_data of %s",
                descriptor->name);
    r = mr_unpack(descriptor, event->payload_bytes, &limits, &watch, arena, &event->payload, reterr);
    if (r < 0)
        mr_error_within(reterr, "data");
    return r;
}

/* Its list of persons is not cleared: it has none yet. */
static void begin_event(struct mr_event *ret, struct mr_slice bytes)
{
    ret->bytes = bytes;
    ret->a = (struct mr_attributes){0};
    ret->time_us = 0;
    ret->type = NULL;
    ret->payload = NULL;
    ret->payload_bytes = mr_slice(NULL, 0);
    ret->data_kind = MR_DATA_NONE;
    ret->attributes = NULL;
    ret->attributes_count = 0;
    ret->persons_count = 0;
}

int mr_event_decode(
        struct mr_event *ret, struct mr_slice bytes, struct mr_arena *arena, struct mr_error *reterr)
{
    struct mr_envelope envelope;
    int r;

    begin_event(ret, bytes);
    if (bytes.size > MR_EVENT_BYTES_MAX)
        return mr_error_set(reterr, MR_ETOOBIG, "", "send a smaller event",
                "event of %zu bytes, the limit is %d", bytes.size, MR_EVENT_BYTES_MAX);
    r = mr_envelope_read(&envelope, bytes, arena, reterr);
    if (r == 0)
        r = read_required(ret, &envelope, reterr);
    if (r == 0)
        r = read_attributes(ret, &envelope, arena, reterr);
    if (r < 0)
        return r;
    ret->data_kind = envelope.data_kind;
    ret->payload_bytes.data = envelope.data.data; /* as they were written: by halves */
    ret->payload_bytes.size = envelope.data.size;
    ret->type = mr_registry_find(ret->a.type, envelope.type.size);
    return ret->type ? read_payload(ret, &envelope, arena, reterr) : 0;
}
