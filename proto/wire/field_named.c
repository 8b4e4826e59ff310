#include "proto/wire/field_named.h"

#include <string.h>

const ProtobufCFieldDescriptor *mr_field_named(
        const ProtobufCMessageDescriptor *descriptor, const char *name, size_t size)
{
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const char *field = descriptor->fields[i].name;

        if (field[0] == name[0] && strncmp(field, name, size) == 0 && field[size] == '\0')
            return &descriptor->fields[i];
    }
    return NULL;
}
