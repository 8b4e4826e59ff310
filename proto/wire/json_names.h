/* Names of fields as ProtoJSON has them. Pure; any thread. */
#ifndef MR_WIRE_JSON_NAMES_H
#define MR_WIRE_JSON_NAMES_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

enum { MR_JSON_NAME_MAX = 64 };

/* "family_name" as "familyName"; returns out. Field names are our own and shorter than the limit. */
char *mr_json_name(const char *name, char out[static MR_JSON_NAME_MAX]);

/* By either name; NULL: no such field. */
const ProtobufCFieldDescriptor *mr_json_field(const ProtobufCMessageDescriptor *descriptor, const char *name);

/*
 * A path of the schema ("person.family_name", "steps[2].due_on") as the sender of `data` says it: a name that
 * stands there stays, all others are those of ProtoJSON ("person.familyName"). data NULL: nothing stands
 * there. Cut at size; returns out.
 */
char *mr_json_path(const json_t *data, const char *path, char *out, size_t size);

#endif
