#include "adapters/sdk/charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <string.h>

#include "proto/wire/wire.h"

uint32_t mr_utf8_next(const char *text, unsigned *ret_size)
{
    const uint8_t *p = (const uint8_t *)text;

    *ret_size = p[0] == 0 ? 0 : p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    switch (*ret_size) {
    case 2:
        return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
    case 3:
        return (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
    case 4:
        return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 | (uint32_t)(p[2] & 0x3f) << 6 |
               (p[3] & 0x3f);
    default:
        return p[0];
    }
}

unsigned mr_utf8_put(uint32_t code, char out[static 4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

static uint32_t line_at(struct mr_slice content, size_t offset)
{
    uint32_t line = 1;

    for (size_t i = 0; i < offset && i < content.size; i++)
        line += content.data[i] == '\n';
    return line;
}

static int refuse(
        struct mr_error *reterr, struct mr_slice content, size_t offset, const char *cure, const char *what)
{
    char where[48];

    (void)snprintf(where, sizeof where, "строка %u", line_at(content, offset));
    return mr_error_set(reterr, MR_EINVAL, where, cure, "%s", what);
}

static int convert(struct mr_slice content, const char *from, struct mr_buf *out, size_t *ret_bad)
{
    iconv_t cd = iconv_open("UTF-8", from);
    char *in = (char *)content.data;
    size_t left = content.size;
    int r = 0;

    if (cd == (iconv_t)-1)
        return MR_ESYSTEM;
    while (left > 0 && r == 0) {
        size_t room = left * 2 + 16;
        uint8_t *at = mr_buf_reserve(out, room);
        char *to = (char *)at;

        if (!at) {
            r = MR_ENOMEM;
            break;
        }
        if (iconv(cd, &in, &left, &to, &room) == (size_t)-1 && errno != E2BIG)
            r = MR_EINVAL;
        out->size += (size_t)(to - (char *)at);
    }
    *ret_bad = content.size - left;
    (void)iconv_close(cd);
    return r;
}

/* Offset of the first line that is of the other kind than the lines before it; SIZE_MAX: all are alike. */
static size_t mixed_at(struct mr_slice content)
{
    bool utf8_seen = false;
    size_t start = 0;

    for (size_t i = 0; i <= content.size; i++) {
        struct mr_slice line = mr_slice(content.data + start, i - start);
        bool plain = true;

        if (i < content.size && content.data[i] != '\n')
            continue;
        for (size_t j = 0; plain && j < line.size; j++)
            plain = line.data[j] < 0x80;
        if (!plain && line.size >= 6 && mr_utf8_valid(line))
            utf8_seen = true; /* a line of cp1251 letters that is UTF-8 by chance has two or three of them */
        else if (!plain && utf8_seen)
            return start;
        start = i + 1;
    }
    return SIZE_MAX;
}

static int decode_cp1251(struct mr_slice content, struct mr_buf *out, struct mr_error *reterr)
{
    size_t bad = mixed_at(content);
    int r;

    if (bad != SIZE_MAX)
        return refuse(reterr, content, bad, "сохраните весь файл в одной кодировке (UTF-8 или Windows-1251)",
                "строки файла записаны в разных кодировках");
    r = convert(content, "CP1251", out, &bad);
    if (r == MR_EINVAL)
        return refuse(reterr, content, bad, "сохраните файл в кодировке UTF-8 или Windows-1251",
                "знак, которого нет ни в UTF-8, ни в Windows-1251");
    return r;
}

static int decode_utf16(
        struct mr_slice content, const char *from, struct mr_buf *out, struct mr_error *reterr)
{
    size_t bad;
    int r = convert(mr_slice(content.data + 2, content.size - 2), from, out, &bad);

    if (r == 0 && out->size > 0 && memchr(out->data, 0, out->size))
        r = MR_EINVAL;
    return r == MR_EINVAL ? mr_error_set(reterr, MR_EINVAL, "", "сохраните файл в кодировке UTF-8",
                                    "файл в кодировке UTF-16 повреждён")
                          : r;
}

int mr_charset_decode(
        struct mr_slice content, struct mr_buf *out, const char **ret_name, struct mr_error *reterr)
{
    const uint8_t *nul;

    if (content.size >= 2 && content.data[0] == 0xff && content.data[1] == 0xfe) {
        *ret_name = "utf-16le";
        return decode_utf16(content, "UTF-16LE", out, reterr);
    }
    if (content.size >= 2 && content.data[0] == 0xfe && content.data[1] == 0xff) {
        *ret_name = "utf-16be";
        return decode_utf16(content, "UTF-16BE", out, reterr);
    }
    if (content.size >= 3 && memcmp(content.data, "\xef\xbb\xbf", 3) == 0)
        content = mr_slice(content.data + 3, content.size - 3);
    nul = content.size ? memchr(content.data, 0, content.size) : NULL;
    if (nul)
        return refuse(reterr, content, (size_t)(nul - content.data), "выгрузите таблицу в формате CSV заново",
                "нулевой байт: это не текстовая таблица");
    if (mr_utf8_valid(content)) {
        *ret_name = "utf-8";
        mr_buf_put_slice(out, content);
        return mr_buf_failed(out) ? MR_ENOMEM : 0;
    }
    *ret_name = "cp1251";
    return decode_cp1251(content, out, reterr);
}
