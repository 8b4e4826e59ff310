/* Fixed-width integers in byte strings, without alignment or host order. */
#ifndef MR_BASE_BYTES_H
#define MR_BASE_BYTES_H

#include <stdint.h>

static inline void mr_put_be16(uint8_t *out, uint16_t v)
{
    out[0] = (uint8_t)(v >> 8);
    out[1] = (uint8_t)v;
}

static inline void mr_put_be32(uint8_t *out, uint32_t v)
{
    mr_put_be16(out, (uint16_t)(v >> 16));
    mr_put_be16(out + 2, (uint16_t)v);
}

static inline void mr_put_be64(uint8_t *out, uint64_t v)
{
    mr_put_be32(out, (uint32_t)(v >> 32));
    mr_put_be32(out + 4, (uint32_t)v);
}

static inline uint16_t mr_get_be16(const uint8_t *in)
{
    return (uint16_t)((uint16_t)in[0] << 8 | in[1]);
}

static inline uint32_t mr_get_be32(const uint8_t *in)
{
    return (uint32_t)mr_get_be16(in) << 16 | mr_get_be16(in + 2);
}

static inline uint64_t mr_get_be64(const uint8_t *in)
{
    return (uint64_t)mr_get_be32(in) << 32 | mr_get_be32(in + 4);
}

#endif
