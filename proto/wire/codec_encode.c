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

static int add_unknown(struct mr_event_parts *parts, const struct mr_event *event)
{
    for (size_t i = 0; i < event->attributes_count; i++) {
        const char *name = event->attributes[i].name;
        int r;

        if (mr_known_attribute_find(mr_slice_str(name)) || strcmp(name, "datacontenttype") == 0)
            continue;
        r = mr_event_parts_add(parts, &event->attributes[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

static int encode(struct mr_buf *out, const struct mr_attributes *attributes, const ProtobufCMessage *payload,
        const struct mr_event *extras)
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
    return encode(out, attributes, payload, keep_unknown ? original : NULL);
}
