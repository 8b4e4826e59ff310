#include "proto/loop/salsa20.h"

#include <assert.h>
#include <string.h>

enum { COUNTER = 8 };

/* Constants on the diagonal, the key in two halves, nonce and counter between them; little-endian, as the
 * processors with these registers are. */
void mr_salsa20_begin(struct mr_salsa20 *salsa, const uint8_t key[static MR_SALSA20_KEY_BYTES],
        const uint8_t nonce[static MR_SALSA20_NONCE_BYTES])
{
    static const uint32_t diagonal[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

    for (size_t i = 0; i < 4; i++)
        salsa->words[5 * i] = diagonal[i];
    memcpy(salsa->words + 1, key, MR_SALSA20_KEY_BYTES / 2);
    memcpy(salsa->words + 6, nonce, MR_SALSA20_NONCE_BYTES);
    salsa->words[COUNTER] = salsa->words[COUNTER + 1] = 0;
    memcpy(salsa->words + 11, key + MR_SALSA20_KEY_BYTES / 2, MR_SALSA20_KEY_BYTES / 2);
}

#if defined(__x86_64__)

#include <immintrin.h>

bool mr_salsa20_here(void)
{
    return __builtin_cpu_supports("avx512f");
}

/*
 * A vector has the same word of sixteen blocks. Macros over sixteen names, not functions over an array: a
 * vector that is passed to a function has no place in registers that the processor may lack.
 */
#define STEP(to, a, b, n) to = _mm512_xor_si512(to, _mm512_rol_epi32(_mm512_add_epi32(a, b), n))
#define QUARTER(a, b, c, d)                                                                                  \
    do {                                                                                                     \
        STEP(b, a, d, 7);                                                                                    \
        STEP(c, b, a, 9);                                                                                    \
        STEP(d, c, b, 13);                                                                                   \
        STEP(a, d, c, 18);                                                                                   \
    } while (0)
#define DOUBLE_ROUND()                                                                                       \
    do {                                                                                                     \
        QUARTER(x0, x4, x8, x12);                                                                            \
        QUARTER(x5, x9, x13, x1);                                                                            \
        QUARTER(x10, x14, x2, x6);                                                                           \
        QUARTER(x15, x3, x7, x11);                                                                           \
        QUARTER(x0, x1, x2, x3);                                                                             \
        QUARTER(x5, x6, x7, x4);                                                                             \
        QUARTER(x10, x11, x8, x9);                                                                           \
        QUARTER(x15, x12, x13, x14);                                                                         \
    } while (0)
#define WORD(i)  _mm512_set1_epi32((int)salsa->words[i])
#define COUNTERS _mm512_add_epi32(WORD(COUNTER), lanes)
#define ADD(i)   x##i = _mm512_add_epi32(x##i, WORD(i))
/* The compiler does not know that it is the same pointer. */
#define ANEW(pointer) __asm__ volatile("" : "+r"(pointer))

/* Four words of sixteen blocks become four quarters of four blocks each: in quarter L of t[j] lies what block
 * 4 L + j has of these words. */
#define FOUR(t, a, b, c, d)                                                                                  \
    do {                                                                                                     \
        __m512i ab = _mm512_unpacklo_epi32(a, b), AB = _mm512_unpackhi_epi32(a, b);                          \
        __m512i cd = _mm512_unpacklo_epi32(c, d), CD = _mm512_unpackhi_epi32(c, d);                          \
                                                                                                             \
        (t)[0] = _mm512_unpacklo_epi64(ab, cd);                                                              \
        (t)[1] = _mm512_unpackhi_epi64(ab, cd);                                                              \
        (t)[2] = _mm512_unpacklo_epi64(AB, CD);                                                              \
        (t)[3] = _mm512_unpackhi_epi64(AB, CD);                                                              \
    } while (0)
#define OVER(block, stream)                                                                                  \
    _mm512_storeu_si512(out + (block)*MR_SALSA20_BLOCK_BYTES,                                                \
            _mm512_xor_si512(stream, _mm512_loadu_si512(in + (block)*MR_SALSA20_BLOCK_BYTES)))
/* Four blocks whole. */
#define BLOCKS(j)                                                                                            \
    do {                                                                                                     \
        __m512i p = _mm512_shuffle_i32x4(a[j], b[j], 0x44), q = _mm512_shuffle_i32x4(a[j], b[j], 0xee);      \
        __m512i r = _mm512_shuffle_i32x4(c[j], d[j], 0x44), s = _mm512_shuffle_i32x4(c[j], d[j], 0xee);      \
                                                                                                             \
        OVER(j, _mm512_shuffle_i32x4(p, r, 0x88));                                                           \
        OVER(4 + (j), _mm512_shuffle_i32x4(p, r, 0xdd));                                                     \
        OVER(8 + (j), _mm512_shuffle_i32x4(q, s, 0x88));                                                     \
        OVER(12 + (j), _mm512_shuffle_i32x4(q, s, 0xdd));                                                    \
    } while (0)

__attribute__((target("avx512f"))) static void step(
        const struct mr_salsa20 *salsa, uint8_t *out, const uint8_t *in)
{
    const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    __m512i x0 = WORD(0), x1 = WORD(1), x2 = WORD(2), x3 = WORD(3), x4 = WORD(4), x5 = WORD(5), x6 = WORD(6),
            x7 = WORD(7), x8 = COUNTERS, x9 = WORD(9), x10 = WORD(10), x11 = WORD(11), x12 = WORD(12),
            x13 = WORD(13), x14 = WORD(14), x15 = WORD(15);
    __m512i a[4], b[4], c[4], d[4];

    for (int i = 0; i < 10; i++)
        DOUBLE_ROUND();
    /* Each word of the key is read again: else it is kept in the stack meanwhile, where nobody wipes it. */
    ANEW(salsa);
    ADD(0), ADD(1), ADD(2), ADD(3), ADD(4), ADD(5), ADD(6), ADD(7);
    x8 = _mm512_add_epi32(x8, COUNTERS);
    ADD(9), ADD(10), ADD(11), ADD(12), ADD(13), ADD(14), ADD(15);
    FOUR(a, x0, x1, x2, x3);
    FOUR(b, x4, x5, x6, x7);
    FOUR(c, x8, x9, x10, x11);
    FOUR(d, x12, x13, x14, x15);
    BLOCKS(0);
    BLOCKS(1);
    BLOCKS(2);
    BLOCKS(3);
}

void mr_salsa20_xor(struct mr_salsa20 *salsa, uint8_t *out, const uint8_t *in, size_t steps)
{
    for (; steps > 0; steps--) {
        step(salsa, out, in);
        salsa->words[COUNTER] += MR_SALSA20_SIDE_BY_SIDE;
        salsa->words[COUNTER + 1] +=
                salsa->words[COUNTER] == 0; /* it comes to 2^32 between steps, not within one */
        out += MR_SALSA20_STEP_BYTES;
        in += MR_SALSA20_STEP_BYTES;
    }
}

#else

bool mr_salsa20_here(void)
{
    return false;
}

void mr_salsa20_xor(struct mr_salsa20 *salsa, uint8_t *out, const uint8_t *in, size_t steps)
{
    (void)salsa, (void)out, (void)in, (void)steps;
    assert(!"the caller asked mr_salsa20_here()");
}

#endif
