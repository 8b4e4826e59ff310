/* The other half of codec.h: events to bytes. */
#include <assert.h>
#include <string.h>

#include "proto/wire/codec.h"
#include "proto/wire/event_parts.h"

static int add_known(struct mr_event_parts *parts, const struct mr_attributes *attributes)
{
    struct mr_attributes copy = *attributes;
    const struct mr_known_attribute *known;

    for (size_t i = 0; (known = mr_known_attribute_at(i)) != NULL; i++) {
        const char *text = *mr_known_attribute_slot(known, &copy);
        int r = text ? mr_event_parts_add_text(parts, known->name, mr_slice_str(text)) : 0;

        if (r < 0)
            return r;
    }
    return 0;
}

/* Reads an attribute of a decoded event back into parts' form. */
static struct mr_attribute attribute_of(
        const char *name, const Io__Cloudevents__V1__CloudEvent__CloudEventAttributeValue *value)
{
    struct mr_attribute a = {.name = name, .kind = (enum mr_attribute_kind)value->attr_case};

    switch (a.kind) {
    case MR_ATTRIBUTE_BOOLEAN:
        a.number = value->ce_boolean != 0;
        break;
    case MR_ATTRIBUTE_INTEGER:
        a.number = value->ce_integer;
        break;
    case MR_ATTRIBUTE_BYTES:
        a.bytes = mr_slice(value->ce_bytes.data, value->ce_bytes.len);
        break;
    case MR_ATTRIBUTE_TIMESTAMP:
        a.number = value->ce_timestamp->seconds;
        a.nanos = value->ce_timestamp->nanos;
        break;
    case MR_ATTRIBUTE_STRING:
        a.bytes = mr_slice_str(value->ce_string);
        break;
    case MR_ATTRIBUTE_URI:
        a.bytes = mr_slice_str(value->ce_uri);
        break;
    case MR_ATTRIBUTE_URI_REF:
        a.bytes = mr_slice_str(value->ce_uri_ref);
        break;
    }
    return a;
}

static int add_unknown(struct mr_event_parts *parts, const Io__Cloudevents__V1__CloudEvent *message)
{
    for (size_t i = 0; i < message->n_attributes; i++) {
        const char *name = message->attributes[i]->key;
        struct mr_attribute attribute;
        int r;

        if (mr_known_attribute_find(name) || strcmp(name, "datacontenttype") == 0)
            continue;
        attribute = attribute_of(name, message->attributes[i]->value);
        r = mr_event_parts_add(parts, &attribute);
        if (r < 0)
            return r;
    }
    return 0;
}

static int encode(struct mr_buf *out, const struct mr_attributes *attributes, const ProtobufCMessage *payload,
        const Io__Cloudevents__V1__CloudEvent *extras)
{
    struct mr_event_parts parts;
    int r;

    assert(attributes->id && attributes->source && attributes->type);
    parts.id = attributes->id;
    parts.source = attributes->source;
    parts.type = attributes->type;
    parts.attributes_count = 0;
    parts.data_kind = payload ? MR_DATA_PROTO : MR_DATA_NONE;
    parts.payload = payload;
    r = add_known(&parts, attributes);
    if (r == 0 && extras)
        r = add_unknown(&parts, extras);
    return r < 0 ? r : mr_event_parts_put(out, &parts);
}

int mr_event_encode(
        struct mr_buf *out, const struct mr_attributes *attributes, const ProtobufCMessage *payload)
{
    return encode(out, attributes, payload, NULL);
}

int mr_event_reencode(struct mr_buf *out, const struct mr_event *original,
        const struct mr_attributes *attributes, const ProtobufCMessage *payload, bool keep_unknown)
{
    return encode(out, attributes, payload, keep_unknown ? original->message : NULL);
}
