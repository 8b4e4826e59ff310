#include "proto/wire/json_internal.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
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
