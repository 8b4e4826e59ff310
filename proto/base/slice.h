/* A borrowed view of bytes. Whoever passes one says how long the bytes live. */
#ifndef MR_BASE_SLICE_H
#define MR_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct mr_slice {
    const uint8_t *data; /* may be NULL when size is 0 */
    size_t size;
};

static inline struct mr_slice mr_slice(const void *data, size_t size)
{
    return (struct mr_slice){.data = data, .size = size};
}

static inline struct mr_slice mr_slice_str(const char *text)
{
    return mr_slice(text, text ? strlen(text) : 0);
}

static inline bool mr_slice_equal(struct mr_slice a, struct mr_slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Lexicographic by bytes, shorter first: the order of LMDB keys. */
static inline int mr_slice_compare(struct mr_slice a, struct mr_slice b)
{
    size_t n = a.size < b.size ? a.size : b.size;
    int r = n ? memcmp(a.data, b.data, n) : 0;

    return r ? r : (a.size > b.size) - (a.size < b.size);
}

#endif
