#include "proto/base/crc32c.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

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
static inline uint64_t word_at(const uint8_t *in)
{
    uint64_t word;

    memcpy(&word, in, sizeof word);
    return word;
}

/*
 * The instruction takes three cycles, and one may begin in each: so three lanes side by side. The CRC of what
 * is LANE bytes before the end counts as multiplied by x^(8 LANE); `x^(8 LANE - 33)`, 33 of it being the
 * instruction's, and twice LANE, modulo the polynomial and bit-reflected.
 */
enum { LANE = 64 };
static const uint32_t one_lane = 0x9e4addf8, two_lanes = 0x0d3b6092;

__attribute__((target("sse4.2,pclmul"))) static inline uint64_t moved(uint64_t crc, uint32_t by)
{
    return (uint64_t)_mm_cvtsi128_si64(
            _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)crc), _mm_cvtsi64_si128(by), 0));
}

/* Three lanes at a time; *size is what is left. */
__attribute__((target("sse4.2,pclmul"))) static uint64_t by_lanes(
        uint64_t crc, const uint8_t *in, size_t *size)
{
    for (; *size >= 3 * LANE; in += 3 * LANE, *size -= 3 * LANE) {
        uint64_t second = 0, third = 0;

        for (size_t i = 0; i < LANE; i += sizeof crc) {
            crc = __builtin_ia32_crc32di(crc, word_at(in + i));
            second = __builtin_ia32_crc32di(second, word_at(in + LANE + i));
            third = __builtin_ia32_crc32di(third, word_at(in + 2 * LANE + i));
        }
        crc = __builtin_ia32_crc32di(0, moved(crc, two_lanes) ^ moved(second, one_lane)) ^ third;
    }
    return crc;
}

__attribute__((target("sse4.2"))) static uint32_t by_instruction(
        uint32_t seed, const uint8_t *in, size_t size)
{
    uint64_t crc = ~seed;

    if (size >= 3 * LANE && __builtin_cpu_supports("pclmul")) {
        size_t left = size;

        crc = by_lanes(crc, in, &left);
        in += size - left;
        size = left;
    }
    for (; size >= 8; in += 8, size -= 8)
        crc = __builtin_ia32_crc32di(crc, word_at(in));
    if (size >= 4) {
        uint32_t half;

        memcpy(&half, in, sizeof half);
        crc = __builtin_ia32_crc32si((uint32_t)crc, half);
        in += sizeof half;
        size -= sizeof half;
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
