#include "hub/cesql/chars.h"

#include <wctype.h>

#include "proto/base/list.h"

enum { UTF8_BYTES_MAX = 4 };

static bool is_tail(struct mr_slice text, size_t from, size_t count)
{
    if (text.size < from + count)
        return false;
    for (size_t i = from; i < from + count; i++)
        if ((text.data[i] & 0xc0) != 0x80)
            return false;
    return true;
}

size_t cesql_char_size(struct mr_slice text)
{
    uint8_t first = text.data[0];
    size_t tail = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;

    return tail > 0 && is_tail(text, 1, tail) ? tail + 1 : 1;
}

static struct mr_slice rest(struct mr_slice text, size_t from)
{
    return mr_slice(text.data + from, text.size - from);
}

size_t cesql_chars_count(struct mr_slice text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.size; i += cesql_char_size(rest(text, i)))
        count++;
    return count;
}

size_t cesql_chars_bytes(struct mr_slice text, size_t count)
{
    size_t i = 0;

    while (i < text.size && count-- > 0)
        i += cesql_char_size(rest(text, i));
    return i;
}

/* Code point of one character of `size` bytes, as cesql_char_size() gave it. */
static uint32_t decode(const uint8_t *in, size_t size)
{
    static const uint8_t lead_mask[] = {0, 0xff, 0x1f, 0x0f, 0x07};
    uint32_t point = in[0] & lead_mask[size];

    for (size_t i = 1; i < size; i++)
        point = point << 6 | (in[i] & 0x3f);
    return point;
}

static size_t encode(uint32_t point, uint8_t out[static UTF8_BYTES_MAX])
{
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

    for (size_t i = size; i-- > 1; point >>= 6)
        out[i] = (uint8_t)(0x80 | (point & 0x3f));
    out[0] = (uint8_t)(lead[size] | point);
    return size;
}

static bool is_white_space(uint32_t point)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {{0x09, 0x0d}, {0x20, 0x20}, {0x85, 0x85}, {0xa0, 0xa0}, {0x1680, 0x1680}, {0x2000, 0x200a},
            {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}};

    for (size_t i = 0; i < MR_COUNT(ranges); i++)
        if (point >= ranges[i].first && point <= ranges[i].last)
            return true;
    return false;
}

struct mr_slice cesql_chars_trim(struct mr_slice text)
{
    size_t begin = 0, end = 0;

    for (size_t i = 0, size; i < text.size; i += size) {
        size = cesql_char_size(rest(text, i));
        if (!is_white_space(decode(text.data + i, size)))
            end = i + size;
        else if (end == 0)
            begin = i + size;
    }
    return end == 0 ? mr_slice(text.data, 0) : mr_slice(text.data + begin, end - begin);
}

bool cesql_chars_case(
        struct mr_slice text, bool to_upper, locale_t casing, struct mr_arena *arena, struct mr_slice *ret)
{
    /* The other case of a character may be longer: two bytes become three at most. */
    uint8_t *out = mr_arena_alloc(arena, text.size * 2 + UTF8_BYTES_MAX);
    size_t used = 0;

    if (!out)
        return false;
    for (size_t i = 0, size; i < text.size; i += size) {
        uint32_t point;

        size = cesql_char_size(rest(text, i));
        point = decode(text.data + i, size);
        if (size == 1 && point >= 0x80)
            out[used++] = text.data[i]; /* no UTF-8: as it is */
        else
            used += encode(to_upper ? towupper_l((wint_t)point, casing) : towlower_l((wint_t)point, casing),
                    out + used);
    }
    *ret = mr_slice(out, used);
    return true;
}

/* One step of a pattern: its size in bytes, and the literal byte, unless it is a wildcard. */
static size_t pattern_step(struct mr_slice pattern, size_t at, bool *wild, uint8_t *byte)
{
    uint8_t c = pattern.data[at];

    *wild = c == '%' || c == '_';
    *byte = c;
    if (c != '\\' || at + 1 == pattern.size || (pattern.data[at + 1] != '%' && pattern.data[at + 1] != '_'))
        return 1;
    *byte = pattern.data[at + 1];
    return 2;
}

bool cesql_like(struct mr_slice text, struct mr_slice pattern, size_t *steps, bool *ret)
{
    size_t t = 0, p = 0, star = SIZE_MAX, star_text = 0; /* behind the last '%'; where it ends for now */

    *ret = false;
    for (; t<text.size && * steps> 0; --*steps) {
        bool wild = false;
        uint8_t byte = 0;
        size_t step = p < pattern.size ? pattern_step(pattern, p, &wild, &byte) : 0;

        if (step > 0 && wild && byte == '%') {
            star = p += step;
            star_text = t;
        } else if (step > 0 && (wild || byte == text.data[t])) {
            t += wild ? cesql_char_size(rest(text, t)) : 1;
            p += step;
        } else if (star != SIZE_MAX) { /* only the last '%' needs to be tried again: it takes one more */
            star_text += cesql_char_size(rest(text, star_text));
            t = star_text;
            p = star;
        } else {
            return true;
        }
    }
    while (p < pattern.size && pattern.data[p] == '%')
        p++;
    *ret = t == text.size && p == pattern.size;
    return t == text.size;
}
