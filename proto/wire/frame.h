/* Bus frames (schema/bus.proto, docs/protocol.md) from and to bytes. */
#ifndef MR_WIRE_FRAME_H
#define MR_WIRE_FRAME_H

#include "bus.pb-c.h"
#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/err.h"
#include "proto/base/slice.h"

enum { MR_PROTOCOL_VERSION = 1, MR_FRAME_BYTES_MAX = 1024 * 1024, MR_BATCH_EVENTS_MAX = 1024 };
enum { MR_ANSWER_BYTES_MAX = 16 * 1024 * 1024 }; /* of a Result that has a row a subscription */

/* The frame lives in the arena. MR_EMALFORMED, MR_ETOOBIG, MR_ENOMEM. A frame without a body is malformed. */
int mr_frame_decode(struct mr_slice bytes, struct mr_arena *arena, Marshrut__Bus__V1__Frame **ret,
        struct mr_error *reterr);

/* The same of what the hub answers to the tool: up to MR_ANSWER_BYTES_MAX. */
int mr_frame_decode_answer(struct mr_slice bytes, struct mr_arena *arena, Marshrut__Bus__V1__Frame **ret,
        struct mr_error *reterr);

/* The same as the first, but what is in its bytes fields (events) is not copied: it lies in `bytes`, which
 * must live as long as the frame. */
int mr_frame_borrow(struct mr_slice bytes, struct mr_arena *arena, Marshrut__Bus__V1__Frame **ret,
        struct mr_error *reterr);

/* Appends the serialized frame. 0 or MR_ENOMEM. */
int mr_frame_encode(struct mr_buf *out, const Marshrut__Bus__V1__Frame *frame);

/* The same into memory of the caller: so many bytes, and then exactly them. */
size_t mr_frame_size(const Marshrut__Bus__V1__Frame *frame);
void mr_frame_write(const Marshrut__Bus__V1__Frame *frame, uint8_t *out, size_t size);

#endif
