#include "hub/tool/printable.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* One character: how many bytes it has, and what stands for it on the screen when it may not stand there. */
struct piece {
    size_t size;
    char shown[12]; /* "": the character itself */
};

/* Size of the UTF-8 character at the text's beginning; 0: there is none. */
static size_t decode(const unsigned char *p, uint32_t *ret)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = p[0] < 0x80 ? 1 : p[0] < 0xc0 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf8 ? 4 : 0;

    *ret = size < 2 ? p[0] : p[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        *ret = *ret << 6 | (p[i] & 0x3f);
    }
    return size > 1 && (*ret < least[size] || *ret > 0x10ffff) ? 0 : size;
}

static bool turns_text(uint32_t c)
{
    return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static struct piece piece_at(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    struct piece piece = {.size = 1};
    uint32_t c;
    size_t size = decode(p, &c);

    if (size == 0 || (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) {
        (void)snprintf(piece.shown, sizeof piece.shown, "\\x%02x", p[0]);
        return piece;
    }
    piece.size = size;
    if ((c >= 0x80 && c <= 0x9f) || turns_text(c))
        (void)snprintf(piece.shown, sizeof piece.shown, "\\u{%x}", (unsigned)c);
    return piece;
}

void tool_put(FILE *out, const char *text)
{
    while (*text) {
        struct piece piece = piece_at(text);

        if (piece.shown[0])
            (void)fputs(piece.shown, out);
        else
            (void)fwrite(text, 1, piece.size, out);
        text += piece.size;
    }
}

size_t tool_columns(const char *text)
{
    size_t n = 0;

    while (*text) {
        struct piece piece = piece_at(text);

        n += piece.shown[0] ? strlen(piece.shown) : 1;
        text += piece.size;
    }
    return n;
}

void tool_put_padded(FILE *out, const char *text, size_t columns)
{
    tool_put(out, text);
    for (size_t have = tool_columns(text); have < columns; have++)
        (void)fputc(' ', out);
}
