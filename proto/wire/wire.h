/*
 * Protobuf's wire format, a field at a time, without a schema and without unpacking. Pure; any thread.
 * Source: protobuf encoding specification.
 */
#ifndef MR_WIRE_WIRE_H
#define MR_WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proto/base/err.h"
#include "proto/base/slice.h"

enum {
    MR_WIRE_VARINT = 0,
    MR_WIRE_64BIT = 1,
    MR_WIRE_BYTES = 2,
    MR_WIRE_32BIT = 5,
    MR_WIRE_NUMBER_MAX = (1 << 29) - 1, /* of a field */
};

bool mr_utf8_valid(struct mr_slice text); /* RFC 3629; NUL is not valid here */

/* One raw field of a message. */
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
/* The content of the first field `number` with wire type 2, or an empty slice at NULL. For bytes that are
 * well-formed. */
struct mr_slice mr_wire_find(struct mr_slice message, uint32_t number);

/* ---- the same inline, for walks over whole messages ---- */

/* Of two bytes and more: what follows it, NULL when it is none. */
const uint8_t *mr_wire_long_varint(const uint8_t *at, const uint8_t *end, uint64_t *ret);

/* What follows it; NULL: there is none before `end`. */
static inline const uint8_t *mr_wire_varint_at(const uint8_t *at, const uint8_t *end, uint64_t *ret)
{
    if (at == end)
        return NULL;
    if (*at & 0x80)
        return mr_wire_long_varint(at, end, ret);
    *ret = *at;
    return at + 1;
}

static inline int mr_wire_take_varint(struct mr_slice *rest, uint64_t *ret)
{
    const uint8_t *end, *at;

    if (rest->size == 0)
        return 0;
    end = rest->data + rest->size;
    at = mr_wire_varint_at(rest->data, end, ret);
    if (!at)
        return MR_EMALFORMED;
    rest->data = at;
    rest->size = (size_t)(end - at);
    return 1;
}

static inline uint64_t mr_wire_little_endian(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;

    for (size_t i = size; i > 0; i--)
        value = value << 8 | bytes[i - 1];
    return value;
}

/* The value of a field whose wire type is set: what follows it, NULL when it is broken. */
static inline const uint8_t *mr_wire_value_at(
        const uint8_t *at, const uint8_t *end, struct mr_wire_field *ret)
{
    uint64_t size;

    switch (ret->wire_type) {
    case MR_WIRE_VARINT:
        return mr_wire_varint_at(at, end, &ret->varint);
    case MR_WIRE_64BIT:
    case MR_WIRE_32BIT:
        size = ret->wire_type == MR_WIRE_64BIT ? 8 : 4;
        if ((size_t)(end - at) < size)
            return NULL;
        ret->varint = mr_wire_little_endian(at, size);
        return at + size;
    case MR_WIRE_BYTES:
        at = mr_wire_varint_at(at, end, &size);
        if (!at || (size_t)(end - at) < size)
            return NULL;
        ret->bytes.data = at;
        ret->bytes.size = size;
        return at + size;
    default:
        return NULL; /* groups, and numbers that have no meaning */
    }
}

/*
 * As mr_wire_next, but only what the wire type has is set in *ret. Pointers rather than slices are carried
 * along: a slice that is copied as a whole just after its halves were written makes the processor wait.
 */
static inline int mr_wire_take(struct mr_slice *rest, struct mr_wire_field *ret)
{
    const uint8_t *begin = rest->data, *end, *at;
    uint64_t tag;

    if (rest->size == 0)
        return 0;
    end = begin + rest->size;
    at = mr_wire_varint_at(begin, end, &tag);
    if (!at || tag >> 3 == 0 || tag >> 3 > MR_WIRE_NUMBER_MAX)
        return MR_EMALFORMED;
    ret->number = (uint32_t)(tag >> 3);
    ret->wire_type = tag & 7;
    at = mr_wire_value_at(at, end, ret);
    if (!at)
        return MR_EMALFORMED;
    ret->raw.data = begin;
    ret->raw.size = (size_t)(at - begin);
    rest->data = at;
    rest->size = (size_t)(end - at);
    return 1;
}

/* A field of a low number with few bytes in it, as most are: its content, which ends before `end`, and whose
 * size is the byte before. NULL: something else. */
static inline const uint8_t *mr_wire_short_bytes(const uint8_t *at, const uint8_t *end, uint32_t *ret_number)
{
    if (end - at < 2 || (at[0] & 0x87) != MR_WIRE_BYTES || at[0] < 1 << 3 || at[1] >= 0x80 ||
            end - at - 2 < at[1])
        return NULL;
    *ret_number = at[0] >> 3;
    return at + 2;
}

#endif
