/*
 * A growable byte buffer, embedded or on the stack. It doubles, or grows by what is wanted when that is more.
 * An allocation failure is remembered: later puts do nothing and mr_buf_failed() says so once at the end, so
 * that builders need no check a line.
 */
#ifndef MR_BASE_BUF_H
#define MR_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/slice.h"

struct mr_buf {
    uint8_t *data;
    size_t size;
    size_t capacity;
    bool failed;
};

#define MR_BUF_INIT ((struct mr_buf){0})

void mr_buf_fini(struct mr_buf *buf); /* frees; buf is empty and usable again. NULL is fine */
void mr_buf_wipe(
        struct mr_buf *buf); /* as fini, and overwrites the bytes first: for plaintext of persons and keys */
void mr_buf_reset(struct mr_buf *buf); /* size 0, keeps the memory */

/* Room for `size` more bytes; returns where they start, or NULL (and failed). The caller adds what it used to
 * size. */
uint8_t *mr_buf_reserve(struct mr_buf *buf, size_t size);

void mr_buf_put(struct mr_buf *buf, const void *data, size_t size);
void mr_buf_put_slice(struct mr_buf *buf, struct mr_slice slice);
void mr_buf_put_str(struct mr_buf *buf, const char *text); /* without the NUL */
void mr_buf_put_u8(struct mr_buf *buf, uint8_t v);
void mr_buf_put_be16(struct mr_buf *buf, uint16_t v);
void mr_buf_put_be32(struct mr_buf *buf, uint32_t v);
void mr_buf_put_be64(struct mr_buf *buf, uint64_t v);
void mr_buf_put_varint(struct mr_buf *buf, uint64_t v); /* protobuf base-128 */
void mr_buf_printf(struct mr_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The bytes as a NUL-terminated string (the NUL is not counted in size); NULL when failed. Valid until the
 * next put. */
const char *mr_buf_str(struct mr_buf *buf);

static inline struct mr_slice mr_buf_slice(const struct mr_buf *buf)
{
    return (struct mr_slice){buf->data, buf->size};
}

static inline bool mr_buf_failed(const struct mr_buf *buf)
{
    return buf->failed;
}

#endif
