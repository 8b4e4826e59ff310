#include "proto/wire/wire.h"

static bool utf8_tail(const uint8_t *in, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((in[i] & 0xc0) != 0x80)
            return false;
    return true;
}

/* Bytes of the sequence that starts at in, 0 when it is not well-formed (RFC 3629 section 4). */
static size_t utf8_sequence(const uint8_t *in, size_t size)
{
    uint8_t a = in[0];
    uint8_t low = 0x80;
    uint8_t high = 0xbf;
    size_t need;

    if (a < 0x80)
        return a != 0;
    if (a < 0xc2 || a > 0xf4)
        return 0;
    need = a < 0xe0 ? 2 : a < 0xf0 ? 3 : 4;
    if (size < need)
        return 0;
    if (a == 0xe0)
        low = 0xa0; /* overlong */
    else if (a == 0xed)
        high = 0x9f; /* surrogates */
    else if (a == 0xf0)
        low = 0x90; /* overlong */
    else if (a == 0xf4)
        high = 0x8f; /* above U+10FFFF */
    return in[1] >= low && in[1] <= high && utf8_tail(in + 2, need - 2) ? need : 0;
}

/* How many bytes from the start are plain: ASCII and no NUL. Eight at a time: nearly all of the text is. */
static size_t plain_bytes(struct mr_slice text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    size_t i = 0;

    for (; i + 8 <= text.size; i += 8) {
        uint64_t word;

        memcpy(&word, text.data + i, sizeof word);
        if ((word & tops) != 0 || ((word - ones) & ~word & tops) != 0)
            break;
    }
    while (i < text.size && text.data[i] - 1u < 0x7f)
        i++;
    return i;
}

bool mr_utf8_valid(struct mr_slice text)
{
    for (size_t i = plain_bytes(text); i < text.size;) {
        size_t step = utf8_sequence(text.data + i, text.size - i);

        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

const uint8_t *mr_wire_long_varint(const uint8_t *at, const uint8_t *end, uint64_t *ret)
{
    uint64_t value = 0;

    for (size_t i = 0; i < 10 && at + i < end; i++) {
        uint8_t byte = at[i];

        if (i == 9 && byte > 1)
            return NULL; /* above 64 bits */
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte & 0x80)
            continue;
        if (i > 0 && byte == 0)
            return NULL; /* longer than need be */
        *ret = value;
        return at + i + 1;
    }
    return NULL;
}

int mr_wire_varint(struct mr_slice *rest, uint64_t *ret)
{
    return mr_wire_take_varint(rest, ret);
}

int mr_wire_next(struct mr_slice *rest, struct mr_wire_field *ret)
{
    int r;

    *ret = (struct mr_wire_field){0};
    r = mr_wire_take(rest, ret);
    if (r <= 0)
        *ret = (struct mr_wire_field){0};
    return r;
}

struct mr_slice mr_wire_find(struct mr_slice message, uint32_t number)
{
    struct mr_wire_field field;

    while (mr_wire_take(&message, &field) == 1)
        if (field.number == number && field.wire_type == MR_WIRE_BYTES)
            return field.bytes;
    return mr_slice(NULL, 0);
}
