/*
 * Protobuf <-> JSON by descriptors (ProtoJSON: lowerCamelCase names, also original names on input, int64 as
 * strings, bytes as base64, defaults left out) and the CloudEvents JSON event format (structured mode and
 * batch). JSON values are jansson's; a returned json_t is a new reference owned by the caller.
 */
#ifndef MR_WIRE_JSON_H
#define MR_WIRE_JSON_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/err.h"
#include "proto/base/slice.h"

/* NULL only when out of memory. */
json_t *mr_json_from_message(const ProtobufCMessage *message);

/* The message lives in the arena. MR_EINVAL: unknown field or wrong type, path in where; MR_ENOMEM. */
int mr_json_to_message(const json_t *json, const ProtobufCMessageDescriptor *descriptor,
        struct mr_arena *arena, ProtobufCMessage **ret, struct mr_error *reterr);

/* Parses one JSON text strictly (UTF-8, no duplicate keys, bounded depth). NULL and reterr with line and
 * column. */
json_t *mr_json_parse(struct mr_slice text, const char *file, struct mr_error *reterr);

/* A serialized CloudEvent as a CloudEvents JSON object; "data" is ProtoJSON for registered types, data_base64
 * else. */
int mr_event_to_json(struct mr_slice event_bytes, json_t **ret, struct mr_error *reterr);

/*
 * A CloudEvents JSON object to a serialized CloudEvent, appended to out. An unregistered type is encoded with
 * its data as text, for the hub to refuse by name. MR_EINVAL with the path
 * in where.
 */
int mr_event_from_json(const json_t *json, struct mr_buf *out, struct mr_error *reterr);

#endif
