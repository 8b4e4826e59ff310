#include "proto/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/bytes.h"

void mr_buf_fini(struct mr_buf *buf)
{
    if (!buf)
        return;
    free(buf->data);
    *buf = MR_BUF_INIT;
}

void mr_buf_wipe(struct mr_buf *buf)
{
    if (!buf)
        return;
    if (buf->data)
        explicit_bzero(buf->data, buf->capacity);
    mr_buf_fini(buf);
}

void mr_buf_reset(struct mr_buf *buf)
{
    buf->size = 0;
    buf->failed = false;
}

uint8_t *mr_buf_reserve(struct mr_buf *buf, size_t size)
{
    size_t capacity = buf->capacity ? buf->capacity : 64;
    uint8_t *data;

    if (buf->failed || size > SIZE_MAX / 4 - buf->size) {
        buf->failed = true;
        return NULL;
    }
    if (buf->capacity - buf->size >= size && buf->data)
        return buf->data + buf->size;
    if (capacity - buf->size < size)
        capacity *= 2;
    if (capacity - buf->size < size) /* much at once: that is all of it, mostly */
        capacity = buf->size + size;
    /* Not realloc: old plaintext must not be left behind in a freed block of a buffer that will be wiped. */
    data = malloc(capacity);
    if (!data) {
        buf->failed = true;
        return NULL;
    }
    if (buf->data) {
        memcpy(data, buf->data, buf->size);
        explicit_bzero(buf->data, buf->size);
        free(buf->data);
    }
    buf->data = data;
    buf->capacity = capacity;
    return data + buf->size;
}

void mr_buf_put(struct mr_buf *buf, const void *data, size_t size)
{
    uint8_t *out;

    if (size == 0)
        return;
    out = mr_buf_reserve(buf, size);
    if (!out)
        return;
    memcpy(out, data, size);
    buf->size += size;
}

void mr_buf_put_slice(struct mr_buf *buf, struct mr_slice slice)
{
    mr_buf_put(buf, slice.data, slice.size);
}

void mr_buf_put_str(struct mr_buf *buf, const char *text)
{
    mr_buf_put(buf, text, strlen(text));
}

void mr_buf_put_u8(struct mr_buf *buf, uint8_t v)
{
    mr_buf_put(buf, &v, 1);
}

void mr_buf_put_be16(struct mr_buf *buf, uint16_t v)
{
    uint8_t raw[2];

    mr_put_be16(raw, v);
    mr_buf_put(buf, raw, sizeof raw);
}

void mr_buf_put_be32(struct mr_buf *buf, uint32_t v)
{
    uint8_t raw[4];

    mr_put_be32(raw, v);
    mr_buf_put(buf, raw, sizeof raw);
}

void mr_buf_put_be64(struct mr_buf *buf, uint64_t v)
{
    uint8_t raw[8];

    mr_put_be64(raw, v);
    mr_buf_put(buf, raw, sizeof raw);
}

void mr_buf_put_varint(struct mr_buf *buf, uint64_t v)
{
    uint8_t raw[10];
    size_t n = 0;

    while (v >= 0x80) {
        raw[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    raw[n++] = (uint8_t)v;
    mr_buf_put(buf, raw, n);
}

void mr_buf_printf(struct mr_buf *buf, const char *format, ...)
{
    va_list args;
    va_list again;
    int need;

    va_start(args, format);
    va_copy(again, args);
    need = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (need >= 0 && mr_buf_reserve(buf, (size_t)need + 1)) {
        (void)vsnprintf((char *)buf->data + buf->size, (size_t)need + 1, format, again);
        buf->size += (size_t)need;
    } else {
        buf->failed = true;
    }
    va_end(again);
}

const char *mr_buf_str(struct mr_buf *buf)
{
    uint8_t *end = mr_buf_reserve(buf, 1);

    if (!end)
        return NULL;
    *end = 0;
    return (const char *)buf->data;
}
