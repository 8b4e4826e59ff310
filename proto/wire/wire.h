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

int mr_wire_long_varint(struct mr_slice *rest, uint64_t *ret); /* of two bytes and more */

static inline int mr_wire_take_varint(struct mr_slice *rest, uint64_t *ret)
{
    if (rest->size == 0)
        return 0;
    if (rest->data[0] & 0x80)
        return mr_wire_long_varint(rest, ret);
    *ret = rest->data[0];
    rest->data++;
    rest->size--;
    return 1;
}

static inline uint64_t mr_wire_little_endian(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;

    for (size_t i = size; i > 0; i--)
        value = value << 8 | bytes[i - 1];
    return value;
}

static inline int mr_wire_take_value(struct mr_slice *rest, struct mr_wire_field *ret)
{
    uint64_t size;

    switch (ret->wire_type) {
    case MR_WIRE_VARINT:
        return mr_wire_take_varint(rest, &ret->varint) == 1 ? 1 : MR_EMALFORMED;
    case MR_WIRE_64BIT:
    case MR_WIRE_32BIT:
        size = ret->wire_type == MR_WIRE_64BIT ? 8 : 4;
        if (rest->size < size)
            return MR_EMALFORMED;
        ret->varint = mr_wire_little_endian(rest->data, size);
        break;
    case MR_WIRE_BYTES:
        if (mr_wire_take_varint(rest, &size) != 1 || size > rest->size)
            return MR_EMALFORMED;
        ret->bytes = mr_slice(rest->data, size);
        break;
    default:
        return MR_EMALFORMED; /* groups, and numbers that have no meaning */
    }
    rest->data += size;
    rest->size -= size;
    return 1;
}

/* As mr_wire_next, but *ret is only set on success. */
static inline int mr_wire_take(struct mr_slice *rest, struct mr_wire_field *ret)
{
    struct mr_slice at = *rest;
    uint64_t tag;
    int r = mr_wire_take_varint(&at, &tag);

    if (r <= 0)
        return r;
    if (tag >> 3 == 0 || tag >> 3 > MR_WIRE_NUMBER_MAX)
        return MR_EMALFORMED;
    *ret = (struct mr_wire_field){.number = (uint32_t)(tag >> 3), .wire_type = tag & 7};
    r = mr_wire_take_value(&at, ret);
    if (r < 0)
        return r;
    ret->raw = mr_slice(rest->data, rest->size - at.size);
    *rest = at;
    return 1;
}

#endif
