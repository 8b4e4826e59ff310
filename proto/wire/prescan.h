/*
 * A walk over protobuf wire bytes before anything is allocated for them: protobuf-c 1.4 accepts broken UTF-8,
 * cuts strings at NUL, merges repeated singular messages and allocates up to 85 times the input. What passes
 * here unpacks within the stated cost and means one thing only. Pure; any thread. Source: protobuf encoding
 * specification.
 */
#ifndef MR_WIRE_PRESCAN_H
#define MR_WIRE_PRESCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "proto/base/err.h"
#include "proto/base/slice.h"

enum { MR_PRESCAN_DEPTH_MAX = 16 };

struct mr_prescan_limits {
    uint32_t fields_max; /* in the whole message, nested ones and packed elements included */
    uint32_t depth_max;  /* levels of messages, the outermost is 1; at most MR_PRESCAN_DEPTH_MAX */
    bool strict;         /* unknown fields are malformed */
};

/*
 * Checks that bytes are well-formed for the descriptor: tags, wire types and lengths fit, varints are as
 * short as they can be and within their type, known strings are UTF-8 without NUL, no singular field (or
 * oneof) occurs twice, no more fields than the limit. Unknown fields are allowed (they count) unless strict.
 * The content of bytes fields is not looked into. 0, or MR_EMALFORMED / MR_ETOOBIG with the field path in
 * reterr->where.
 */
int mr_prescan(const ProtobufCMessageDescriptor *descriptor, struct mr_slice bytes,
        const struct mr_prescan_limits *limits, struct mr_error *reterr);

bool mr_utf8_valid(struct mr_slice text); /* RFC 3629; NUL is not valid here */

/* One raw field of a message, for walks without unpacking. */
struct mr_wire_field {
    uint32_t number;
    uint8_t wire_type;     /* 0 varint, 1 64 bit, 2 length-delimited, 5 32 bit */
    uint64_t varint;       /* value for 0, 1 and 5 */
    struct mr_slice bytes; /* content for 2 */
    struct mr_slice raw;   /* tag and all */
};
/* Takes the next field from *rest. 1 = taken, 0 = rest was empty, MR_EMALFORMED. */
int mr_wire_next(struct mr_slice *rest, struct mr_wire_field *ret);
/* Takes one varint: at most 10 bytes, no needless last ones. 1 = taken, 0 = rest was empty, MR_EMALFORMED. */
int mr_wire_varint(struct mr_slice *rest, uint64_t *ret);
/* The content of the first field `number` with wire type 2, or an empty slice at NULL. For bytes that passed
 * prescan. */
struct mr_slice mr_wire_find(struct mr_slice message, uint32_t number);

#endif
