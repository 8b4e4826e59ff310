#include "adapters/sdk/normalise.h"

#include <stdint.h>
#include <string.h>

#include "adapters/sdk/charset.h"
#include "adapters/sdk/table.h"
#include "proto/base/list.h"

static const struct {
    char latin;
    uint16_t cyrillic;
} look_alikes[] = {
        {'A', 0x410},
        {'B', 0x412},
        {'C', 0x421},
        {'E', 0x415},
        {'H', 0x41d},
        {'K', 0x41a},
        {'M', 0x41c},
        {'O', 0x41e},
        {'P', 0x420},
        {'T', 0x422},
        {'X', 0x425},
        {'Y', 0x423},
        {'a', 0x430},
        {'c', 0x441},
        {'e', 0x435},
        {'o', 0x43e},
        {'p', 0x440},
        {'x', 0x445},
        {'y', 0x443},
        {'k', 0x43a},
        {'m', 0x43c},
};

static uint32_t look_alike(uint32_t code)
{
    for (size_t i = 0; i < MR_COUNT(look_alikes); i++)
        if ((uint32_t)look_alikes[i].latin == code)
            return look_alikes[i].cyrillic;
    return 0;
}

static bool is_latin(uint32_t code)
{
    return (code >= 'A' && code <= 'Z') || (code >= 'a' && code <= 'z');
}

static bool is_cyrillic(uint32_t code)
{
    return code >= 0x400 && code <= 0x45f;
}

/* 0: drop it. */
static uint32_t plain(uint32_t code)
{
    switch (code) {
    case 0x200b: /* zero width */
    case 0x200c:
    case 0x200d:
    case 0x2060:
    case 0xfeff:
    case 0xad: /* soft hyphen */
        return 0;
    case 0x2212: /* minus */
        return '-';
    case 0xa0: /* no-break spaces */
    case 0x2007:
    case 0x202f:
    case '\t':
    case '\r':
    case '\n':
        return ' ';
    default:
        return code >= 0x2010 && code <= 0x2015 ? '-' : code;
    }
}

/* A letter and a combining mark, as macOS writes names: one letter. 0: no such pair. */
static uint32_t composed(uint32_t letter, uint32_t mark)
{
    if (mark == 0x306 && (letter == 0x438 || letter == 0x418))
        return letter + 1; /* й Й */
    if (mark == 0x308 && letter == 0x435)
        return 0x451; /* ё */
    return mark == 0x308 && letter == 0x415 ? 0x401 : 0;
}

/* Whether the word at text mixes Cyrillic with Latin letters that all have a Cyrillic twin. */
static bool word_mixed(const char *text)
{
    bool latin = false, cyrillic = false;
    unsigned size;

    for (uint32_t code; (code = mr_utf8_next(text, &size)) != 0; text += size) {
        if (is_latin(code)) {
            latin = true;
            if (look_alike(code) == 0)
                return false;
        } else if (is_cyrillic(code)) {
            cyrillic = true;
        } else {
            break;
        }
    }
    return latin && cyrillic;
}

bool mr_table_normalise(const char *text, char *out, size_t out_size)
{
    const char *start = text;
    size_t n = 0, last = 0;
    uint32_t before = 0, before_raw = 0;
    bool mixed = false;
    unsigned size;

    for (uint32_t code; (code = mr_utf8_next(text, &size)) != 0 && n + 4 < out_size; text += size) {
        uint32_t raw = code;
        uint32_t joined = composed(before, code);

        if (!is_latin(before_raw) && !is_cyrillic(before_raw))
            mixed = word_mixed(text);
        before_raw = raw;
        if (joined) {
            n = last;
            code = joined;
        }
        code = plain(code);
        if (code == 0 || (code == ' ' && (before == ' ' || n == 0)))
            continue;
        if (mixed && look_alike(code))
            code = look_alike(code);
        last = n;
        n += mr_utf8_put(code, out + n);
        before = code;
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = 0;
    return strcmp(out, start) != 0;
}

static uint32_t lower(uint32_t code)
{
    if (code >= 'A' && code <= 'Z')
        return code + 32;
    if (code >= 0x410 && code <= 0x42f)
        return code + 32;
    return code == 0x401 || code == 0x451 ? 0x435 : code;
}

static bool kept(uint32_t code)
{
    return is_latin(code) || is_cyrillic(code) || (code >= '0' && code <= '9');
}

char *mr_fold(const char *text, char *out, size_t out_size)
{
    size_t n = 0;
    unsigned size;

    for (uint32_t code; (code = mr_utf8_next(text, &size)) != 0 && n + 4 < out_size; text += size) {
        uint32_t twin = look_alike(code);

        code = lower(twin ? twin : code);
        if (kept(code))
            n += mr_utf8_put(code, out + n);
    }
    out[n] = 0;
    return out;
}

bool mr_fold_equal(const char *a, const char *b)
{
    char fa[512], fb[512];

    return strcmp(mr_fold(a, fa, sizeof fa), mr_fold(b, fb, sizeof fb)) == 0;
}
