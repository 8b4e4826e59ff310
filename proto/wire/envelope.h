/*
 * The envelope of a CloudEvent in protobuf: id, source, type, the map of attributes, and where the data lies.
 * One pass over the wire bytes with the strictness of mr_unpack (proto/wire/unpack.h), written out because
 * every event that anybody sends passes here. For codec.c only. Pure; any thread. Source: CloudEvents 1.0.2,
 * protobuf format (io/cloudevents/v1/cloudevents.proto).
 */
#ifndef MR_WIRE_ENVELOPE_H
#define MR_WIRE_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/arena.h"
#include "proto/base/err.h"
#include "proto/base/slice.h"
#include "proto/wire/attribute.h"
#include "proto/wire/codec.h"

/* Texts are NUL-terminated in the arena, "" when absent; slices without a word on it lie in the bytes. */
struct mr_envelope {
    struct mr_slice id, source, specversion, type; /* texts */
    struct mr_attribute
            attributes[MR_EVENT_ATTRIBUTES_MAX];  /* in the order of the bytes; name and value texts */
    uint32_t name_sizes[MR_EVENT_ATTRIBUTES_MAX]; /* of the attributes' names */
    size_t attributes_count;
    bool plain; /* all texts above, and type_url, are printable ASCII */
    enum mr_data_kind data_kind;
    struct mr_slice data;     /* its content; of proto_data the value in it */
    struct mr_slice type_url; /* of proto_data, a text */
};

/* 0, MR_EMALFORMED or MR_ETOOBIG with the field path in reterr->where, MR_ENOMEM. What attributes mean, and
 * that they come once, is not looked at. */
int mr_envelope_read(
        struct mr_envelope *ret, struct mr_slice bytes, struct mr_arena *arena, struct mr_error *reterr);

#endif
