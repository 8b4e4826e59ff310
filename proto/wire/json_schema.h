/*
 * What an event's data must look like, out of descriptors and rules (rules_table.h): as a JSON Schema (draft
 * 2020-12) in the names of ProtoJSON, and as an example that keeps all rules. New references, NULL when out
 * of memory. Any thread.
 */
#ifndef MR_WIRE_JSON_SCHEMA_H
#define MR_WIRE_JSON_SCHEMA_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

json_t *mr_json_schema(const ProtobufCMessageDescriptor *message);

/* A value of a configured code list; "" when there is none. */
struct mr_json_codes {
    const char *(*first)(void *ctx, const char *list);
    void *ctx;
};
/* The fields that must be there. Persons and numbers are made up, with valid check digits. */
json_t *mr_json_example(const ProtobufCMessageDescriptor *message, const struct mr_json_codes *codes);

#endif
