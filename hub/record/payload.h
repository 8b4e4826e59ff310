/*
 * Copies of payloads with fewer fields, by descriptors. What is not asked for is not copied: a new field of a
 * schema stays out until somebody decides.
 */
#ifndef MR_HUB_RECORD_PAYLOAD_H
#define MR_HUB_RECORD_PAYLOAD_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

#include "proto/base/arena.h"
#include "proto/base/buf.h"

typedef bool (*mr_payload_keep_fn)(
        const void *ctx, const ProtobufCMessageDescriptor *message, const ProtobufCFieldDescriptor *field);

/*
 * A copy with the fields, at any depth, that keep() allows; unknown fields are dropped. Structs are the
 * arena's, strings and bytes are shared with the original. NULL: out of memory.
 */
ProtobufCMessage *mr_payload_filter(
        const ProtobufCMessage *payload, struct mr_arena *arena, mr_payload_keep_fn keep, const void *ctx);

/* Appends the packed message. 0 or MR_ENOMEM. */
int mr_payload_pack(struct mr_buf *out, const ProtobufCMessage *message);

#endif
