#include "hub/desk/correction.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/list.h"
#include "proto/wire/json_names.h"

enum { NAME_BYTES_MAX = 64, PATH_BYTES_MAX = 256 };

/* ---- a field by its path ---- */

/* One piece of a path: "areas[2]". */
struct piece {
    char name[NAME_BYTES_MAX];
    bool indexed, last;
    size_t index;
};

/* Moves *path behind the piece. false: it is none. */
static bool take_piece(const char **path, struct piece *ret)
{
    size_t size = strcspn(*path, ".[");
    char *end;

    if (size == 0 || size >= sizeof ret->name)
        return false;
    memcpy(ret->name, *path, size);
    ret->name[size] = '\0';
    *path += size;
    ret->indexed = **path == '[';
    if (ret->indexed) {
        if (!isdigit((unsigned char)(*path)[1]))
            return false;
        ret->index = strtoul(*path + 1, &end, 10);
        if (*end != ']')
            return false;
        *path = end + 1;
    }
    ret->last = **path == '\0';
    if (!ret->last && *(*path)++ != '.')
        return false;
    return ret->last || **path;
}

static int no_field(struct mr_error *reterr)
{
    return mr_error_set(reterr, MR_EINVAL, "set",
            "marshrut types TYPE, or docs/events.md, has the fields of the event's type",
            "the event has no field of this path");
}

static int no_value(struct mr_error *reterr)
{
    return mr_error_set(reterr, MR_EINVAL, "set",
            "docs/events.md has the field; a list or a part needs the path of one value in it",
            "this is no value of the field");
}

/* ProtoJSON takes numbers as text, but not these. NULL: it is none. */
static json_t *value_of(const ProtobufCFieldDescriptor *field, const char *text)
{
    char *end;
    double number;

    switch (field->type) {
    case PROTOBUF_C_TYPE_BOOL:
        if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
            return json_boolean(*text == 't');
        return NULL;
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_FLOAT:
        number = strtod(text, &end);
        return *text && !*end ? json_real(number) : NULL;
    case PROTOBUF_C_TYPE_MESSAGE: /* a time is written as text; all others have fields of their own */
        if (strcmp(field->descriptor ? ((const ProtobufCMessageDescriptor *)field->descriptor)->name : "",
                    "google.protobuf.Timestamp") != 0)
            return NULL;
        return json_string(text);
    default:
        return json_string(text);
    }
}

/* The member's name as the object has it. */
static const char *member_of(
        const json_t *object, const ProtobufCFieldDescriptor *field, char camel[static MR_JSON_NAME_MAX])
{
    return json_object_get(object, field->name) ? field->name : mr_json_name(field->name, camel);
}

static int set_last(json_t *object, const char *member, const struct piece *piece,
        const ProtobufCFieldDescriptor *field, const char *text, struct mr_error *reterr)
{
    json_t *list = json_object_get(object, member);
    json_t *value;

    if (!*text && !piece->indexed) {
        (void)json_object_del(object, member);
        return 0;
    }
    if (piece->indexed != (field->label == PROTOBUF_C_LABEL_REPEATED))
        return no_value(reterr);
    if (piece->indexed && piece->index >= json_array_size(list))
        return no_field(reterr);
    if (!*text)
        return json_array_remove(list, piece->index) == 0 ? 0 : MR_ENOMEM;
    value = value_of(field, text);
    if (!value)
        return no_value(reterr);
    if (piece->indexed)
        return json_array_set_new(list, piece->index, value) == 0 ? 0 : MR_ENOMEM;
    return json_object_set_new(object, member, value) == 0 ? 0 : MR_ENOMEM;
}

/* The object below; made when there is none. NULL: there is no such place. */
static json_t *step_down(json_t *object, const char *member, const struct piece *piece)
{
    json_t *below = json_object_get(object, member);

    if (piece->indexed)
        return json_array_get(below, piece->index);
    if (!below && json_object_set_new(object, member, json_object()) == 0)
        below = json_object_get(object, member);
    return json_is_object(below) ? below : NULL;
}

static int set_data(json_t *data, const ProtobufCMessageDescriptor *message, const char *path,
        const char *text, struct mr_error *reterr)
{
    char camel[MR_JSON_NAME_MAX];
    struct piece piece;

    while (take_piece(&path, &piece)) {
        const ProtobufCFieldDescriptor *field = mr_json_field(message, piece.name);
        const char *member;

        if (!field)
            return no_field(reterr);
        member = member_of(data, field, camel);
        if (piece.last)
            return set_last(data, member, &piece, field, text, reterr);
        if (field->type != PROTOBUF_C_TYPE_MESSAGE)
            return no_field(reterr);
        data = step_down(data, member, &piece);
        message = field->descriptor;
        if (!data)
            return no_field(reterr);
    }
    return no_field(reterr);
}

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static int set_attribute(json_t *event, const char *name, const char *text)
{
    if (*text)
        return json_object_set_new(event, name, json_string(text)) == 0 ? 0 : MR_ENOMEM;
    (void)json_object_del(event, name);
    return 0;
}

int mr_correction_set(json_t *event, const char *path, const char *value, struct mr_error *reterr)
{
    static const char *const fixed[] = {"id", "source", "type", "specversion", "mends", "datacontenttype"};
    static const char *const attributes[] = {"subject", "time", "dataschema", "regioncode", "oktmo", "orgid",
            "correlationid", "causationid", "partitionkey", "basis", "actor", "actorrole"};
    static const char content[] = "data.";
    const char *type = json_string_value(json_object_get(event, "type"));
    const struct mr_event_type *known = type ? mr_registry_find(type, strlen(type)) : NULL;
    json_t *data = json_object_get(event, "data");

    if (!json_is_object(data) || !known)
        return no_field(reterr);
    if (strncmp(path, content, sizeof content - 1) == 0)
        return set_data(data, known->payload, path + sizeof content - 1, value, reterr);
    if (is_one_of(path, attributes, MR_COUNT(attributes)))
        return set_attribute(event, path, value);
    if (is_one_of(path, fixed, MR_COUNT(fixed)))
        return mr_error_set(reterr, MR_EINVAL, "set",
                "discard the event, and have its sender send another one",
                "which event it is, and of which type, stays as it is");
    return set_data(data, known->payload, path, value, reterr);
}

/* ---- what differs ---- */

struct diff {
    json_t *found;
    size_t count;
    char path[PATH_BYTES_MAX];
    size_t size;
};

static void found(struct diff *diff)
{
    diff->count++;
    if (diff->count <= MR_CORRECTION_FIELDS_MAX)
        (void)json_array_append_new(diff->found, json_string(diff->path));
}

/* familyName as family_name, as the rules and their reasons have it. Returns the size before. */
static size_t push_name(struct diff *diff, const char *name, bool raw)
{
    size_t before = diff->size;

    if (diff->size > 0 && diff->size + 1 < sizeof diff->path)
        diff->path[diff->size++] = '.';
    for (; *name && diff->size + 2 < sizeof diff->path; name++) {
        if (!raw && isupper((unsigned char)*name))
            diff->path[diff->size++] = '_';
        diff->path[diff->size++] = (char)(raw ? *name : tolower((unsigned char)*name));
    }
    diff->path[diff->size] = '\0';
    return before;
}

static size_t push_index(struct diff *diff, size_t index)
{
    size_t before = diff->size;
    int n = snprintf(diff->path + diff->size, sizeof diff->path - diff->size, "[%zu]", index);

    if (n > 0 && (size_t)n < sizeof diff->path - diff->size)
        diff->size += (size_t)n;
    diff->path[diff->size] = '\0';
    return before;
}

static void pop(struct diff *diff, size_t size)
{
    diff->size = size;
    diff->path[size] = '\0';
}

static void compare(struct diff *diff, json_t *before, json_t *after);

static void compare_lists(struct diff *diff, json_t *before, json_t *after)
{
    size_t a = json_array_size(before), b = json_array_size(after);

    for (size_t i = 0; i < (a > b ? a : b); i++) {
        size_t size = push_index(diff, i);

        compare(diff, json_array_get(before, i), json_array_get(after, i));
        pop(diff, size);
    }
}

static void compare_members(struct diff *diff, json_t *before, json_t *after)
{
    const char *name;
    json_t *value;

    json_object_foreach (before, name, value) {
        size_t size = push_name(diff, name, false);

        compare(diff, value, json_object_get(after, name));
        pop(diff, size);
    }
    json_object_foreach (after, name, value) {
        size_t size = push_name(diff, name, false);

        if (!json_object_get(before, name))
            compare(diff, NULL, value);
        pop(diff, size);
    }
}

static void compare(struct diff *diff, json_t *before, json_t *after)
{
    if (before && after && json_equal(before, after))
        return;
    if ((json_is_object(before) || !before) && (json_is_object(after) || !after) && (before || after))
        compare_members(diff, before, after);
    else if (json_is_array(before) && json_is_array(after))
        compare_lists(diff, before, after);
    else
        found(diff);
}

/* Attributes by their names; the content without a name of its own. */
static void compare_events(struct diff *diff, json_t *before, json_t *after, bool other_way)
{
    const char *name;
    json_t *value;

    json_object_foreach (before, name, value) {
        json_t *other = json_object_get(after, name);

        if (other_way && other)
            continue;
        if (strcmp(name, "data") == 0) {
            compare(diff, value, other);
            continue;
        }
        if (other && json_equal(value, other))
            continue;
        (void)push_name(diff, name, true);
        found(diff);
        pop(diff, 0);
    }
}

bool mr_correction_fields(json_t *before, json_t *after, json_t *ret)
{
    struct diff diff = {.found = ret};

    compare_events(&diff, before, after, false);
    compare_events(&diff, after, before, true);
    if (diff.count > MR_CORRECTION_FIELDS_MAX)
        (void)json_array_clear(ret);
    return diff.count > 0;
}

/* ---- what is not known ---- */

static bool has_unknown(const ProtobufCMessage *message);

static bool field_has_unknown(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const uint8_t *at = (const uint8_t *)message + field->offset;
    const ProtobufCMessage *below, *const *list;
    size_t count;

    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return false;
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        memcpy(&below, at, sizeof below);
        return below && has_unknown(below);
    }
    memcpy(&count, (const uint8_t *)message + field->quantifier_offset, sizeof count);
    memcpy(&list, at, sizeof list);
    for (size_t i = 0; i < count; i++)
        if (has_unknown(list[i]))
            return true;
    return false;
}

/* Oneofs share their place: none of the registered types has a message in one. */
static bool has_unknown(const ProtobufCMessage *message)
{
    if (message->n_unknown_fields > 0)
        return true;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++)
        if (!(message->descriptor->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
                field_has_unknown(message, &message->descriptor->fields[i]))
            return true;
    return false;
}

bool mr_correction_loses(const struct mr_event *event)
{
    return event->payload && has_unknown(event->payload);
}
