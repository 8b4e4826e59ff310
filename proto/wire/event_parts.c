#include "proto/wire/event_parts.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "google/protobuf/timestamp.pb-c.h"
#include "proto/base/list.h"
#include "proto/wire/timestamp.h"

enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };

#define KNOWN(name_, kind_)                                                                                  \
    {                                                                                                        \
        .name = #name_, .name_size = sizeof #name_ - 1, .kind = kind_,                                       \
        .offset = offsetof(struct mr_attributes, name_)                                                      \
    }
/* Sorted by name. */
static const struct mr_known_attribute known_attributes[] = {
        KNOWN(actor, MR_ATTRIBUTE_STRING),
        KNOWN(actorrole, MR_ATTRIBUTE_STRING),
        KNOWN(basis, MR_ATTRIBUTE_STRING),
        KNOWN(causationid, MR_ATTRIBUTE_STRING),
        KNOWN(correlationid, MR_ATTRIBUTE_STRING),
        KNOWN(dataschema, MR_ATTRIBUTE_URI),
        KNOWN(mends, MR_ATTRIBUTE_STRING),
        KNOWN(oktmo, MR_ATTRIBUTE_STRING),
        KNOWN(orgid, MR_ATTRIBUTE_STRING),
        KNOWN(partitionkey, MR_ATTRIBUTE_STRING),
        KNOWN(regioncode, MR_ATTRIBUTE_STRING),
        KNOWN(staffof, MR_ATTRIBUTE_STRING),
        KNOWN(subject, MR_ATTRIBUTE_STRING),
        KNOWN(time, MR_ATTRIBUTE_TIMESTAMP),
        KNOWN(traceparent, MR_ATTRIBUTE_STRING),
};
#undef KNOWN

/* Of the letters from 'a' on, the first row that begins with it; any other row when none does. Held by
 * codec_test. */
static const uint8_t first_of['z' - 'a' + 1] = {['b' - 'a'] = 2,
        ['c' - 'a'] = 3,
        ['d' - 'a'] = 5,
        ['m' - 'a'] = 6,
        ['o' - 'a'] = 7,
        ['p' - 'a'] = 9,
        ['r' - 'a'] = 10,
        ['s' - 'a'] = 11,
        ['t' - 'a'] = 13};

const struct mr_known_attribute *mr_known_attribute_at(size_t index)
{
    return index < MR_COUNT(known_attributes) ? &known_attributes[index] : NULL;
}

size_t mr_known_attribute_index(const struct mr_known_attribute *known)
{
    return (size_t)(known - known_attributes);
}

/* Of texts of 4 to 16 bytes: both ends, which meet. */
static inline bool same_name(const char *a, const uint8_t *b, size_t size)
{
    uint64_t long_ends[4];
    uint32_t ends[4];

    if (size < sizeof ends[0] * 2) {
        memcpy(&ends[0], a, sizeof ends[0]);
        memcpy(&ends[1], b, sizeof ends[0]);
        memcpy(&ends[2], a + size - sizeof ends[0], sizeof ends[0]);
        memcpy(&ends[3], b + size - sizeof ends[0], sizeof ends[0]);
        return ends[0] == ends[1] && ends[2] == ends[3];
    }
    memcpy(&long_ends[0], a, sizeof long_ends[0]);
    memcpy(&long_ends[1], b, sizeof long_ends[0]);
    memcpy(&long_ends[2], a + size - sizeof long_ends[0], sizeof long_ends[0]);
    memcpy(&long_ends[3], b + size - sizeof long_ends[0], sizeof long_ends[0]);
    return long_ends[0] == long_ends[1] && long_ends[2] == long_ends[3];
}

const struct mr_known_attribute *mr_known_attribute_find(struct mr_slice name)
{
    unsigned letter = name.size > 0 ? name.data[0] - (unsigned)'a' : UINT_MAX;

    if (letter >= MR_COUNT(first_of))
        return NULL;
    for (size_t i = first_of[letter]; i < MR_COUNT(known_attributes); i++) {
        const struct mr_known_attribute *known = &known_attributes[i];

        if (known->name[0] != (char)name.data[0])
            return NULL;
        if (known->name_size == name.size && same_name(known->name, name.data, name.size))
            return known;
    }
    return NULL;
}

int mr_event_parts_add(struct mr_event_parts *parts, const struct mr_attribute *attribute)
{
    if (parts->attributes_count == MR_EVENT_ATTRIBUTES_MAX)
        return MR_ETOOBIG;
    parts->attributes[parts->attributes_count++] = *attribute;
    return 0;
}

int mr_event_parts_add_text(struct mr_event_parts *parts, const char *name, struct mr_slice text)
{
    const struct mr_known_attribute *known = mr_known_attribute_find(mr_slice_str(name));
    struct mr_attribute attribute = {
            .name = name,
            .kind = known ? known->kind : MR_ATTRIBUTE_STRING,
            .bytes = text,
    };
    int r = 0;

    if (attribute.kind == MR_ATTRIBUTE_TIMESTAMP)
        r = mr_timestamp_parse(text, &attribute.number, &attribute.nanos);
    return r < 0 ? r : mr_event_parts_add(parts, &attribute);
}

static void put_tag(struct mr_buf *out, uint32_t number, uint32_t wire_type)
{
    mr_buf_put_varint(out, number << 3 | wire_type);
}

static void put_bytes(struct mr_buf *out, uint32_t number, struct mr_slice bytes)
{
    put_tag(out, number, WIRE_BYTES);
    mr_buf_put_varint(out, bytes.size);
    mr_buf_put_slice(out, bytes);
}

static void put_timestamp(struct mr_buf *out, const struct mr_attribute *attribute)
{
    const Google__Protobuf__Timestamp time = {
            .base = PROTOBUF_C_MESSAGE_INIT(&google__protobuf__timestamp__descriptor),
            .seconds = attribute->number,
            .nanos = attribute->nanos,
    };
    uint8_t packed[32];
    size_t size = google__protobuf__timestamp__pack(&time, packed);

    assert(size <= sizeof packed);
    put_bytes(out, MR_ATTRIBUTE_TIMESTAMP, mr_slice(packed, size));
}

static void put_attribute_value(struct mr_buf *out, const struct mr_attribute *attribute)
{
    switch (attribute->kind) {
    case MR_ATTRIBUTE_BOOLEAN:
    case MR_ATTRIBUTE_INTEGER:
        put_tag(out, attribute->kind, WIRE_VARINT);
        mr_buf_put_varint(out, (uint64_t)attribute->number);
        break;
    case MR_ATTRIBUTE_TIMESTAMP:
        put_timestamp(out, attribute);
        break;
    default:
        put_bytes(out, attribute->kind, attribute->bytes);
        break;
    }
}

/* A map entry: key 1, value 2. */
static void put_attribute(
        struct mr_buf *out, struct mr_buf *value, struct mr_buf *entry, const struct mr_attribute *attribute)
{
    mr_buf_reset(value);
    put_attribute_value(value, attribute);
    mr_buf_reset(entry);
    put_bytes(entry, 1, mr_slice_str(attribute->name));
    put_bytes(entry, 2, mr_buf_slice(value));
    put_bytes(out, 5, mr_buf_slice(entry));
    out->failed = out->failed || value->failed || entry->failed;
}

static void put_any(struct mr_buf *out, struct mr_buf *any, const ProtobufCMessage *payload)
{
    static const char prefix[] = MR_REGISTRY_URL_PREFIX;
    size_t name_size = strlen(payload->descriptor->name);
    size_t size = protobuf_c_message_get_packed_size(payload);
    uint8_t *at;

    mr_buf_reset(any);
    put_tag(any, 1, WIRE_BYTES);
    mr_buf_put_varint(any, sizeof prefix - 1 + name_size);
    mr_buf_put_str(any, prefix);
    mr_buf_put_str(any, payload->descriptor->name);
    if (size > 0) {
        put_tag(any, 2, WIRE_BYTES);
        mr_buf_put_varint(any, size);
    }
    at = mr_buf_reserve(any, size);
    if (at)
        any->size += protobuf_c_message_pack(payload, at);
    put_bytes(out, MR_DATA_PROTO, mr_buf_slice(any));
    out->failed = out->failed || any->failed;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct mr_attribute *)a)->name, ((const struct mr_attribute *)b)->name);
}

int mr_event_parts_put(struct mr_buf *out, struct mr_event_parts *parts)
{
    size_t before = out->size;
    struct mr_buf inner = MR_BUF_INIT;
    struct mr_buf entry = MR_BUF_INIT;

    assert(parts->id && parts->source && parts->type);
    qsort(parts->attributes, parts->attributes_count, sizeof parts->attributes[0], by_name);
    put_bytes(out, 1, mr_slice_str(parts->id));
    put_bytes(out, 2, mr_slice_str(parts->source));
    put_bytes(out, 3, mr_slice_str("1.0"));
    put_bytes(out, 4, mr_slice_str(parts->type));
    for (size_t i = 0; i < parts->attributes_count; i++)
        put_attribute(out, &inner, &entry, &parts->attributes[i]);
    if (parts->data_kind == MR_DATA_PROTO)
        put_any(out, &inner, parts->payload);
    else if (parts->data_kind != MR_DATA_NONE)
        put_bytes(out, parts->data_kind, parts->data);
    mr_buf_wipe(&inner);
    mr_buf_wipe(&entry);
    if (!mr_buf_failed(out))
        return 0;
    out->size = before;
    return MR_ENOMEM;
}
