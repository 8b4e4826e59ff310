#include "proto/wire/json_internal.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

char *mr_json_name(const char *name, char out[static MR_JSON_NAME_MAX])
{
    bool raise = false;
    size_t n = 0;

    for (; *name; name++) {
        assert(n + 1 < MR_JSON_NAME_MAX);
        if (*name == '_') {
            raise = true;
            continue;
        }
        out[n++] = (char)(raise && *name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name);
        raise = false;
    }
    out[n] = 0;
    return out;
}

const ProtobufCFieldDescriptor *mr_json_field(const ProtobufCMessageDescriptor *descriptor, const char *name)
{
    char camel[MR_JSON_NAME_MAX];

    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];

        if (strcmp(field->name, name) == 0 || strcmp(mr_json_name(field->name, camel), name) == 0)
            return field;
    }
    return NULL;
}

/* One name of a path, cut at size. raised: as ProtoJSON has it. */
static size_t put_name(const char *name, size_t n, bool raised, char *out, size_t size)
{
    bool raise = false;
    size_t used = 0;

    for (size_t i = 0; i < n && used + 1 < size; i++) {
        bool low = name[i] >= 'a' && name[i] <= 'z';

        if (raised && name[i] == '_') {
            raise = true;
            continue;
        }
        out[used++] = (char)(raise && low ? name[i] - 'a' + 'A' : name[i]);
        raise = false;
    }
    return used;
}

/* "steps[2]" of it: the element, when it is there. */
static const json_t *step_into(const json_t *data, const char *name, size_t n, const char *index)
{
    const json_t *value = json_object_getn(data, name, n);

    return *index == '[' ? json_array_get(value, strtoul(index + 1, NULL, 10)) : value;
}

char *mr_json_path(const json_t *data, const char *path, char *out, size_t size)
{
    size_t used = 0;

    while (*path && used + 1 < size) {
        size_t n = strcspn(path, ".["), rest = strcspn(path, ".") - n;
        bool as_said = json_object_getn(data, path, n) != NULL;
        size_t begin = used;

        used += put_name(path, n, !as_said, out + used, size - used);
        data = as_said ? step_into(data, path, n, path + n)
                       : step_into(data, out + begin, used - begin, path + n);
        path += n;
        rest += path[rest] == '.'; /* the index and the dot are the same in both */
        used += put_name(path, rest, false, out + used, size - used);
        path += rest;
    }
    out[used] = 0;
    return out;
}

size_t mr_json_element_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return 4;
    }
}
