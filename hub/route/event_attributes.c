#include "hub/route/event_attributes.h"

#include <assert.h>
#include <sodium.h>
#include <stddef.h>
#include <string.h>

#include "proto/base/list.h"
#include "proto/wire/event_parts.h"
#include "proto/wire/timestamp.h"

static const struct {
    const char *name;
    size_t in_filter; /* of a char * in struct mr_filter_attributes */
    size_t in_event;  /* of a const char * in struct mr_attributes */
} rows[] = {
#define ROW(name)                                                                                            \
    {                                                                                                        \
#name, offsetof(struct mr_filter_attributes, name), offsetof(struct mr_attributes, name)             \
    }
        ROW(type),
        ROW(source),
        ROW(regioncode),
        ROW(orgid),
        ROW(oktmo),
        ROW(id),
        ROW(subject),
        ROW(dataschema),
        ROW(correlationid),
        ROW(causationid),
        ROW(partitionkey),
        ROW(basis),
        ROW(actor),
        ROW(actorrole),
#undef ROW
};
_Static_assert(MR_COUNT(rows) == MR_FILTER_ATTRIBUTES, "one row an attribute");

const char *mr_filter_attribute_name(unsigned index)
{
    assert(index < MR_FILTER_ATTRIBUTES);
    return rows[index].name;
}

static const char *text_at(const void *base, size_t offset)
{
    const char *text;

    memcpy(&text, (const char *)base + offset, sizeof text);
    return text;
}

const char *mr_filter_attribute_of(const struct mr_attributes *attributes, unsigned index)
{
    assert(index < MR_FILTER_ATTRIBUTES);
    return text_at(attributes, rows[index].in_event);
}

const char *mr_filter_attribute_wanted(const struct mr_filter_attributes *attributes, unsigned index)
{
    assert(index < MR_FILTER_ATTRIBUTES);
    return text_at(attributes, rows[index].in_filter);
}

/* ---- all of them ---- */

static bool set_text(struct mr_cesql_value *ret, const char *text)
{
    *ret = (struct mr_cesql_value){.type = MR_CESQL_STRING, .string = mr_slice_str(text)};
    return text != NULL;
}

static bool set_base64(struct mr_cesql_value *ret, struct mr_slice bytes, struct mr_arena *arena)
{
    size_t size = sodium_base64_ENCODED_LEN(bytes.size, sodium_base64_VARIANT_ORIGINAL);
    char *text = mr_arena_alloc(arena, size);

    if (text)
        (void)sodium_bin2base64(text, size, bytes.data, bytes.size, sodium_base64_VARIANT_ORIGINAL);
    return set_text(ret, text);
}

static bool set_timestamp(
        struct mr_cesql_value *ret, const struct mr_attribute *attribute, struct mr_arena *arena)
{
    char *text = mr_arena_alloc(arena, MR_TIME_TEXT_MAX);

    if (text)
        mr_timestamp_format(attribute->number, attribute->nanos, text);
    return set_text(ret, text);
}

static bool set_value(
        struct mr_cesql_value *ret, const struct mr_attribute *attribute, struct mr_arena *arena)
{
    switch (attribute->kind) {
    case MR_ATTRIBUTE_BOOLEAN:
        *ret = (struct mr_cesql_value){.type = MR_CESQL_BOOLEAN, .boolean = attribute->number != 0};
        return true;
    case MR_ATTRIBUTE_INTEGER:
        *ret = (struct mr_cesql_value){.type = MR_CESQL_INTEGER, .integer = (int32_t)attribute->number};
        return true;
    case MR_ATTRIBUTE_STRING:
    case MR_ATTRIBUTE_URI:
    case MR_ATTRIBUTE_URI_REF:
        *ret = (struct mr_cesql_value){.type = MR_CESQL_STRING, .string = attribute->bytes};
        return true;
    case MR_ATTRIBUTE_BYTES:
        return set_base64(ret, attribute->bytes, arena);
    case MR_ATTRIBUTE_TIMESTAMP:
        return set_timestamp(ret, attribute, arena);
    case MR_ATTRIBUTE_NONE:
        break;
    }
    return false;
}

static bool find(const void *ctx, const char *name, struct mr_cesql_value *ret)
{
    const struct mr_event_view *view = ctx;
    const struct mr_event *event = view->event;

    for (unsigned i = 0; i < MR_FILTER_ATTRIBUTES; i++)
        if (strcmp(rows[i].name, name) == 0)
            return set_text(ret, mr_filter_attribute_of(&event->a, i));
    if (strcmp(name, "specversion") == 0)
        return set_text(ret, "1.0");
    if (strcmp(name, "time") == 0)
        return set_text(ret, event->a.time);
    for (size_t i = 0; i < event->attributes_count; i++)
        if (strcmp(event->attributes[i].name, name) == 0)
            return set_value(ret, &event->attributes[i], view->arena);
    return false;
}

struct mr_cesql_source mr_event_source(const struct mr_event_view *view)
{
    return (struct mr_cesql_source){find, view};
}
