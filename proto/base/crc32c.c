#include "proto/base/crc32c.h"

#include <string.h>

uint32_t mr_crc32c_portable(uint32_t seed, const void *data, size_t size)
{
    /* The CRC of each half byte; polynomial 0x1edc6f41, reflected. */
    static const uint32_t table[16] = {
            0x00000000,
            0x105ec76f,
            0x20bd8ede,
            0x30e349b1,
            0x417b1dbc,
            0x5125dad3,
            0x61c69362,
            0x7198540d,
            0x82f63b78,
            0x92a8fc17,
            0xa24bb5a6,
            0xb21572c9,
            0xc38d26c4,
            0xd3d3e1ab,
            0xe330a81a,
            0xf36e6f75,
    };
    const uint8_t *in = data;
    uint32_t crc = ~seed;

    for (size_t i = 0; i < size; i++) {
        crc = crc >> 4 ^ table[(crc ^ in[i]) & 15];
        crc = crc >> 4 ^ table[(crc ^ in[i] >> 4) & 15];
    }
    return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t by_instruction(
        uint32_t seed, const uint8_t *in, size_t size)
{
    uint64_t crc = ~seed;

    for (; size >= 8; in += 8, size -= 8) {
        uint64_t word;

        memcpy(&word, in, sizeof word);
        crc = __builtin_ia32_crc32di(crc, word);
    }
    for (; size > 0; in++, size--)
        crc = __builtin_ia32_crc32qi((uint32_t)crc, *in);
    return ~(uint32_t)crc;
}

uint32_t mr_crc32c(uint32_t seed, const void *data, size_t size)
{
    if (__builtin_cpu_supports("sse4.2"))
        return by_instruction(seed, data, size);
    return mr_crc32c_portable(seed, data, size);
}
#else
uint32_t mr_crc32c(uint32_t seed, const void *data, size_t size)
{
    return mr_crc32c_portable(seed, data, size);
}
#endif
