/*
 * Outside bytes to a protobuf-c message, checked and unpacked in one pass. protobuf-c 1.4's own unpack
 * accepts broken UTF-8, cuts strings at NUL, merges repeated singular messages and allocates up to 85 times
 * the input: what passes here costs what is stated and means one thing only. The message is laid out as
 * protobuf-c's, so that all its other functions take it; never give it to free_unpacked. Pure; any thread.
 * Source: protobuf encoding specification.
 */
#ifndef MR_WIRE_UNPACK_H
#define MR_WIRE_UNPACK_H

#include <stdbool.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "proto/base/arena.h"
#include "proto/base/err.h"
#include "proto/base/slice.h"

enum { MR_UNPACK_DEPTH_MAX = 16 };

struct mr_unpack_limits {
    uint32_t fields_max; /* in the whole message, nested ones and packed elements included */
    uint32_t depth_max;  /* levels of messages, the outermost is 1; at most MR_UNPACK_DEPTH_MAX */
    bool strict;         /* unknown fields are malformed */
    bool borrow;         /* content of bytes fields is not copied: it lies in the input */
};

/* Told of each inner message when all of it is unpacked: so inner ones first, else in the order of the bytes.
 */
struct mr_unpack_watch {
    /* content: without tag and length. A failure ends the unpacking; reterr->where is filled by unpack. */
    int (*inner)(
            void *ctx, const ProtobufCMessage *message, struct mr_slice content, struct mr_error *reterr);
    void *ctx;
};

/*
 * Checks that bytes are well-formed for the descriptor: tags, wire types and lengths fit, varints are as
 * short as they can be and within their type, known strings are UTF-8 without NUL, no singular field (or
 * oneof) occurs twice, no more fields than the limit. Unknown fields are kept in the message (they count)
 * unless strict. The content of bytes fields is not looked into. Everything lies in the arena. watch may be
 * NULL. 0, or MR_EMALFORMED / MR_ETOOBIG with the field path in reterr->where, or MR_ENOMEM (the arena's
 * budget). After a failure *ret is as before. The descriptor is of proto3 and knows no `optional`.
 */
int mr_unpack(const ProtobufCMessageDescriptor *descriptor, struct mr_slice bytes,
        const struct mr_unpack_limits *limits, const struct mr_unpack_watch *watch, struct mr_arena *arena,
        ProtobufCMessage **ret, struct mr_error *reterr);

#endif
