/* json.h: CloudEvents in their JSON format (CloudEvents 1.0.2, "JSON Event Format"). */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire/codec.h"
#include "proto/wire/event_parts.h"
#include "proto/wire/json.h"
#include "proto/wire/json_internal.h"
#include "proto/wire/wire.h"
#include "proto/wire/timestamp.h"

/* Unpacked and as JSON an event needs far less: fields are counted by decode. */
enum { ARENA_BYTES_MAX = 2 * 1024 * 1024 };

static json_t *json_text(struct mr_slice text)
{
    return json_stringn((const char *)text.data, text.size);
}

static json_t *from_attribute(const struct mr_attribute *attribute)
{
    char text[MR_TIME_TEXT_MAX];

    switch (attribute->kind) {
    case MR_ATTRIBUTE_BOOLEAN:
        return json_boolean(attribute->number);
    case MR_ATTRIBUTE_INTEGER:
        return json_integer(attribute->number);
    case MR_ATTRIBUTE_BYTES:
        return mr_json_from_bytes(attribute->bytes);
    case MR_ATTRIBUTE_TIMESTAMP:
        return json_string(mr_timestamp_format(attribute->number, attribute->nanos, text));
    default:
        return json_text(attribute->bytes);
    }
}

static int put_attributes(json_t *object, const struct mr_event *event)
{
    int r = json_object_set_new(object, "specversion", json_string("1.0"));

    r |= json_object_set_new(object, "id", json_string(event->a.id));
    r |= json_object_set_new(object, "source", json_string(event->a.source));
    r |= json_object_set_new(object, "type", json_string(event->a.type));
    for (size_t i = 0; i < event->attributes_count; i++)
        r |= json_object_set_new(object, event->attributes[i].name, from_attribute(&event->attributes[i]));
    return r;
}

static int put_data(json_t *object, const struct mr_event *event)
{
    int r = 0;

    if (event->payload) {
        r |= json_object_set_new(object, "datacontenttype", json_string("application/json"));
        r |= json_object_set_new(object, "data", mr_json_from_message(event->payload));
    } else if (event->data_kind == MR_DATA_TEXT) {
        r |= json_object_set_new(object, "data", json_text(event->payload_bytes));
    } else if (event->data_kind != MR_DATA_NONE) {
        r |= json_object_set_new(object, "data_base64", mr_json_from_bytes(event->payload_bytes));
    }
    return r;
}

int mr_event_to_json(struct mr_slice event_bytes, json_t **ret, struct mr_error *reterr)
{
    json_auto_t *object = NULL;
    struct mr_arena arena;
    struct mr_event event;
    int r;

    mr_arena_init(&arena, ARENA_BYTES_MAX);
    r = mr_event_decode(&event, event_bytes, &arena, reterr);
    if (r == 0) {
        object = json_object();
        if (!object || put_attributes(object, &event) < 0 || put_data(object, &event) < 0)
            r = mr_error_set(reterr, MR_ENOMEM, "", NULL, "no memory for the event");
        else
            *ret = json_incref(object);
    }
    mr_arena_fini(&arena);
    return r;
}

/* A required text; "" and absent are left to the decoder, which says so. */
static int take_required(const json_t *json, const char *name, const char **ret, struct mr_error *reterr)
{
    const json_t *value = json_object_get(json, name);

    *ret = "";
    if (!value || json_is_null(value))
        return 0;
    if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
        return mr_error_set(reterr, MR_EINVAL, name, "send it as a string", "attribute is not a string");
    *ret = json_string_value(value);
    return 0;
}

static int add_integer(struct mr_event_parts *parts, const char *name, const json_t *value)
{
    const struct mr_attribute attribute = {
            .name = name,
            .kind = json_is_boolean(value) ? MR_ATTRIBUTE_BOOLEAN : MR_ATTRIBUTE_INTEGER,
            .number = json_is_boolean(value) ? json_is_true(value) : json_integer_value(value),
    };

    if (attribute.number < INT32_MIN || attribute.number > INT32_MAX)
        return MR_EINVAL;
    return mr_event_parts_add(parts, &attribute);
}

static int add_attribute(
        struct mr_event_parts *parts, const char *name, const json_t *value, struct mr_error *reterr)
{
    int r = MR_EINVAL;

    if (json_is_null(value))
        return 0;
    if (json_is_boolean(value) || json_is_integer(value))
        r = add_integer(parts, name, value);
    else if (json_is_string(value))
        r = mr_event_parts_add_text(
                parts, name, mr_slice(json_string_value(value), json_string_length(value)));
    if (r == MR_ETOOBIG)
        return mr_error_set(reterr, r, "attributes", "send fewer attributes", "more than %d attributes",
                MR_EVENT_ATTRIBUTES_MAX);
    if (r < 0) /* a bad name is not shown: it could be anything */
        return mr_error_set(reterr, r, mr_known_attribute_find(mr_slice_str(name)) ? name : "attributes",
                "see docs/events.md", "attribute has a wrong type or cannot be read");
    return 0;
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

static int take_attributes(
        struct mr_event_parts *parts, const json_t *json, bool typed, struct mr_error *reterr)
{
    static const char *const elsewhere[] = {
            "specversion", "id", "source", "type", "data", "data_base64", NULL};
    const char *name;
    json_t *value;
    int r = take_required(json, "id", &parts->id, reterr);

    if (r == 0)
        r = take_required(json, "source", &parts->source, reterr);
    if (r < 0)
        return r;
    json_object_foreach ((json_t *)json, name, value) {
        /* A typed payload is protobuf from here on. */
        if (is_one_of(name, elsewhere) || (typed && strcmp(name, "datacontenttype") == 0))
            continue;
        r = add_attribute(parts, name, value, reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

static bool is_json_type(const json_t *value)
{
    static const char name[] = "application/json";
    const char *text = json_string_value(value);
    size_t size = sizeof name - 1;

    if (!value || json_is_null(value))
        return true;
    return text && strncasecmp(text, name, size) == 0 &&
           (text[size] == 0 || text[size] == ';' || text[size] == ' ');
}

static int take_payload(struct mr_event_parts *parts, const json_t *json, const struct mr_event_type *type,
        struct mr_arena *arena, struct mr_error *reterr)
{
    const json_t *data = json_object_get(json, "data");
    ProtobufCMessage *payload;
    int r;

    if (!is_json_type(json_object_get(json, "datacontenttype")))
        return mr_error_set(
                reterr, MR_EINVAL, "datacontenttype", "send application/json", "data is not JSON");
    if (!data || json_object_get(json, "data_base64"))
        return mr_error_set(reterr, MR_EINVAL, "data", "send the payload as a JSON object in data",
                "no data, or data_base64");
    r = mr_json_to_message(data, type->payload, arena, &payload, reterr);
    if (r < 0) {
        mr_error_within(reterr, "data");
        return r;
    }
    parts->data_kind = MR_DATA_PROTO;
    parts->payload = payload;
    return 0;
}

/* Data of a type that is not in the registry: text as it is, other JSON as its text. */
static int take_other_data(struct mr_event_parts *parts, const json_t *json, struct mr_arena *arena,
        char **text, struct mr_error *reterr)
{
    const json_t *data = json_object_get(json, "data");
    const json_t *base64 = json_object_get(json, "data_base64");
    int r;

    if (data && base64)
        return mr_error_set(reterr, MR_EINVAL, "data", "send one of them", "data and data_base64");
    if (base64) {
        parts->data_kind = MR_DATA_BINARY;
        r = mr_json_to_bytes(base64, arena, &parts->data, reterr);
        if (r < 0)
            mr_error_within(reterr, "data_base64");
        return r;
    }
    if (!data || json_is_null(data))
        return 0;
    parts->data_kind = MR_DATA_TEXT;
    if (json_is_string(data)) {
        parts->data = mr_slice(json_string_value(data), json_string_length(data));
        return 0;
    }
    *text = json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY);
    parts->data = mr_slice_str(*text);
    return *text ? 0 : mr_error_set(reterr, MR_ENOMEM, "data", NULL, "no memory for the event");
}

/* The decoder has the last word about names, lengths and the rest: one place for both forms. */
static int put_checked(
        struct mr_buf *out, struct mr_event_parts *parts, struct mr_arena *arena, struct mr_error *reterr)
{
    size_t before = out->size;
    struct mr_event event;
    int r = mr_event_parts_put(out, parts);

    if (r < 0)
        return mr_error_set(reterr, r, "", NULL, "no memory for the event");
    r = mr_event_decode(&event, mr_slice(out->data + before, out->size - before), arena, reterr);
    if (r < 0)
        out->size = before;
    return r;
}

static int from_json(
        const json_t *json, struct mr_buf *out, struct mr_arena *arena, char **text, struct mr_error *reterr)
{
    struct mr_event_parts parts = {.data_kind = MR_DATA_NONE};
    const struct mr_event_type *type;
    const char *version;
    int r;

    if (!json_is_object(json))
        return mr_error_set(reterr, MR_EINVAL, "", "send a CloudEvents object", "expected an object");
    r = take_required(json, "specversion", &version, reterr);
    if (r == 0 && strcmp(version, "1.0") != 0)
        r = mr_error_set(reterr, MR_EINVAL, "specversion", "send CloudEvents with specversion \"1.0\"",
                *version ? "unsupported specversion" : "no specversion");
    if (r == 0)
        r = take_required(json, "type", &parts.type, reterr);
    if (r < 0)
        return r;
    type = mr_registry_find(parts.type, strlen(parts.type));
    r = take_attributes(&parts, json, type != NULL, reterr);
    if (r == 0)
        r = type ? take_payload(&parts, json, type, arena, reterr)
                 : take_other_data(&parts, json, arena, text, reterr);
    return r < 0 ? r : put_checked(out, &parts, arena, reterr);
}

int mr_event_from_json(const json_t *json, struct mr_buf *out, struct mr_error *reterr)
{
    struct mr_arena arena;
    char *text = NULL;
    int r;

    mr_arena_init(&arena, ARENA_BYTES_MAX);
    r = from_json(json, out, &arena, &text, reterr);
    free(text);
    mr_arena_fini(&arena);
    return r;
}
