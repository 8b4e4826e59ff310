#include "store/xchacha.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "proto/base/bytes.h"

enum {
    BLOCK_BYTES = 64,
    BLOCKS_MAX = 12,
    ROW_BYTES = 16,
    NONCE_BYTES = crypto_aead_chacha20poly1305_ietf_NPUBBYTES,
    NONCE_AT = 4, /* what HChaCha20 has not used, behind as many zeros */
    PAD_BYTES = 16,
};

_Static_assert((int)MR_XCHACHA_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert((int)MR_XCHACHA_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");
_Static_assert((int)MR_XCHACHA_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");

#if defined(__x86_64__)

/* ---- blocks side by side ---- */

/* The four rows of a block, one behind the other: constants, key, key, counter and nonce. */
struct input {
    uint32_t words[16];
};

static void begin(struct input *input, const uint8_t key[static MR_XCHACHA_KEY_BYTES],
        const uint8_t nonce[static NONCE_BYTES])
{
    static const char constants[ROW_BYTES + 1] = "expand 32-byte k";

    memcpy(input->words, constants, ROW_BYTES); /* little-endian, as the processors here are */
    memcpy(input->words + 4, key, MR_XCHACHA_KEY_BYTES);
    input->words[12] = 0;
    memcpy(input->words + 13, nonce, NONCE_BYTES);
}

/*
 * A vector has the same row of R blocks: their quarter rounds go together. G groups of such blocks are under
 * way at once, since each step waits for the one before. Macros, not functions: a vector that is passed to
 * one has no place in registers that the processor may lack.
 */
#define TURN(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define QUARTERS(g)                                                                                          \
    do {                                                                                                     \
        a##g += b##g;                                                                                        \
        d##g = TURN(d##g ^ a##g, 16);                                                                        \
        c##g += d##g;                                                                                        \
        b##g = TURN(b##g ^ c##g, 12);                                                                        \
        a##g += b##g;                                                                                        \
        d##g = TURN(d##g ^ a##g, 8);                                                                         \
        c##g += d##g;                                                                                        \
        b##g = TURN(b##g ^ c##g, 7);                                                                         \
    } while (0)
#define ROUNDS(g)                                                                                            \
    do {                                                                                                     \
        QUARTERS(g);                                                                                         \
        b##g = LEFT_1(b##g);                                                                                 \
        c##g = LEFT_2(c##g);                                                                                 \
        d##g = LEFT_3(d##g);                                                                                 \
        QUARTERS(g);                                                                                         \
        b##g = LEFT_3(b##g);                                                                                 \
        c##g = LEFT_2(c##g);                                                                                 \
        d##g = LEFT_1(d##g);                                                                                 \
    } while (0)
/* Rows of R blocks from the rows of one; their counters go up. */
#define GROUP(g)                                                                                             \
    row_t a##g = a, b##g = b, c##g = c, d##g = d + COUNTERS(g);                                              \
    const row_t e##g = d##g
#define PUT(g, R)                                                                                            \
    do {                                                                                                     \
        union rows rows = {.vectors = {a##g + a, b##g + b, c##g + c, d##g + e##g}};                          \
                                                                                                             \
        for (size_t block = 0; block < (R); block++)                                                         \
            for (size_t row = 0; row < 4; row++)                                                             \
                memcpy(ret + ((g) * (R) + block) * BLOCK_BYTES + row * ROW_BYTES,                            \
                        rows.bytes[row] + block * ROW_BYTES, ROW_BYTES);                                     \
    } while (0)
#define THREE_GROUPS(R)                                                                                      \
    do {                                                                                                     \
        GROUP(0);                                                                                            \
        GROUP(1);                                                                                            \
        GROUP(2);                                                                                            \
        for (int i = 0; i < 10; i++) {                                                                       \
            ROUNDS(0);                                                                                       \
            ROUNDS(1);                                                                                       \
            ROUNDS(2);                                                                                       \
        }                                                                                                    \
        PUT(0, R);                                                                                           \
        PUT(1, R);                                                                                           \
        PUT(2, R);                                                                                           \
    } while (0)

#define LEFT_1(x) __builtin_shufflevector((x), (x), 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12)
#define LEFT_2(x) __builtin_shufflevector((x), (x), 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)
#define LEFT_3(x) __builtin_shufflevector((x), (x), 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14)
#define COUNTERS(g)                                                                                          \
    ((row_t){4 * (g), 0, 0, 0, 4 * (g) + 1, 0, 0, 0, 4 * (g) + 2, 0, 0, 0, 4 * (g) + 3, 0, 0, 0})
#define ROW(i)                                                                                               \
    ((row_t){w[i], w[(i) + 1], w[(i) + 2], w[(i) + 3], w[i], w[(i) + 1], w[(i) + 2], w[(i) + 3], w[i],       \
            w[(i) + 1], w[(i) + 2], w[(i) + 3], w[i], w[(i) + 1], w[(i) + 2], w[(i) + 3]})

__attribute__((target("avx512f"))) static void blocks_512(const struct input *input, uint8_t *ret)
{
    typedef uint32_t row_t __attribute__((vector_size(4 * ROW_BYTES)));
    union rows {
        row_t vectors[4];
        uint8_t bytes[4][4 * ROW_BYTES];
    };
    const uint32_t *w = input->words;
    const row_t a = ROW(0), b = ROW(4), c = ROW(8), d = ROW(12);

    THREE_GROUPS(4);
}

#undef LEFT_1
#undef LEFT_2
#undef LEFT_3
#undef COUNTERS
#undef ROW
#define LEFT_1(x)   __builtin_shufflevector((x), (x), 1, 2, 3, 0, 5, 6, 7, 4)
#define LEFT_2(x)   __builtin_shufflevector((x), (x), 2, 3, 0, 1, 6, 7, 4, 5)
#define LEFT_3(x)   __builtin_shufflevector((x), (x), 3, 0, 1, 2, 7, 4, 5, 6)
#define COUNTERS(g) ((row_t){2 * (g), 0, 0, 0, 2 * (g) + 1, 0, 0, 0})
#define ROW(i)      ((row_t){w[i], w[(i) + 1], w[(i) + 2], w[(i) + 3], w[i], w[(i) + 1], w[(i) + 2], w[(i) + 3]})

__attribute__((target("avx2"))) static void blocks_256(const struct input *input, uint8_t *ret)
{
    typedef uint32_t row_t __attribute__((vector_size(2 * ROW_BYTES)));
    union rows {
        row_t vectors[4];
        uint8_t bytes[4][2 * ROW_BYTES];
    };
    const uint32_t *w = input->words;
    const row_t a = ROW(0), b = ROW(4), c = ROW(8), d = ROW(12);

    THREE_GROUPS(2);
}

bool mr_xchacha_has(enum mr_xchacha_way way)
{
    return way == MR_XCHACHA_512   ? __builtin_cpu_supports("avx512f")
           : way == MR_XCHACHA_256 ? __builtin_cpu_supports("avx2")
                                   : way == MR_XCHACHA_SODIUM;
}

/* ---- the stream ---- */

struct stream {
    enum mr_xchacha_way way;
    struct input input;
    uint8_t bytes[BLOCKS_MAX * BLOCK_BYTES] __attribute__((aligned(64)));
    size_t at, end;
};

/* The next blocks; returns how many. */
static size_t next_blocks(struct stream *stream)
{
    size_t n = stream->way == MR_XCHACHA_512 ? BLOCKS_MAX : BLOCKS_MAX / 2;

    if (stream->way == MR_XCHACHA_512)
        blocks_512(&stream->input, stream->bytes);
    else
        blocks_256(&stream->input, stream->bytes);
    stream->input.words[12] += (uint32_t)n;
    return n;
}

static void stream_begin(struct stream *stream, enum mr_xchacha_way way,
        const uint8_t key[static MR_XCHACHA_KEY_BYTES], const uint8_t nonce[static NONCE_BYTES])
{
    stream->way = way;
    begin(&stream->input, key, nonce);
    stream->at = stream->end = 0;
}

/* At least one byte of it. */
static void stream_fill(struct stream *stream)
{
    if (stream->at < stream->end)
        return;
    stream->end = BLOCK_BYTES * next_blocks(stream);
    stream->at = 0;
}

static void xor_bytes(uint8_t *out, const uint8_t *in, const uint8_t *stream, size_t size)
{
    typedef uint64_t piece_t __attribute__((vector_size(ROW_BYTES)));
    size_t i = 0;

    for (; i + ROW_BYTES <= size; i += ROW_BYTES) {
        piece_t a, b;

        memcpy(&a, in + i, sizeof a);
        memcpy(&b, stream + i, sizeof b);
        a ^= b;
        memcpy(out + i, &a, sizeof a);
    }
    for (; i < size; i++)
        out[i] = in[i] ^ stream[i];
}

static void stream_xor(struct stream *stream, uint8_t *out, struct mr_slice in)
{
    while (in.size > 0) {
        size_t step;

        stream_fill(stream);
        step = stream->end - stream->at < in.size ? stream->end - stream->at : in.size;
        xor_bytes(out, in.data, stream->bytes + stream->at, step);
        stream->at += step;
        out += step;
        in = mr_slice(in.data + step, in.size - step);
    }
}

static void own_stream(enum mr_xchacha_way way, uint8_t *ret, size_t size, const uint8_t *key)
{
    static const uint8_t nonce[NONCE_BYTES];
    struct stream stream;

    stream_begin(&stream, way, key, nonce);
    while (size > 0) {
        size_t step;

        stream_fill(&stream);
        step = stream.end < size ? stream.end : size;
        memcpy(ret, stream.bytes, step);
        stream.at = stream.end;
        ret += step;
        size -= step;
    }
    sodium_memzero(&stream, sizeof stream);
}

/* ---- authenticated ---- */

static void put_padded(crypto_onetimeauth_poly1305_state *mac, struct mr_slice data)
{
    static const uint8_t zeros[PAD_BYTES];

    if (data.size > 0)
        (void)crypto_onetimeauth_poly1305_update(mac, data.data, data.size);
    if (data.size % PAD_BYTES != 0)
        (void)crypto_onetimeauth_poly1305_update(mac, zeros, PAD_BYTES - data.size % PAD_BYTES);
}

static void put_le64(uint8_t *out, uint64_t value)
{
    memcpy(out, &value, sizeof value);
}

static void tag_of(const uint8_t *mac_key, struct mr_slice aad, struct mr_slice sealed,
        uint8_t ret[static MR_XCHACHA_TAG_BYTES])
{
    crypto_onetimeauth_poly1305_state mac;
    uint8_t sizes[2 * sizeof(uint64_t)];

    (void)crypto_onetimeauth_poly1305_init(&mac, mac_key);
    put_padded(&mac, aad);
    put_padded(&mac, sealed);
    put_le64(sizes, aad.size);
    put_le64(sizes + sizeof(uint64_t), sealed.size);
    (void)crypto_onetimeauth_poly1305_update(&mac, sizes, sizeof sizes);
    (void)crypto_onetimeauth_poly1305_final(&mac, ret);
    sodium_memzero(&mac, sizeof mac);
}

/* The key of this nonce, and the first blocks: the first one is Poly1305's. */
static void begin_sealed(
        struct stream *stream, enum mr_xchacha_way way, const uint8_t *nonce, const uint8_t *key)
{
    uint8_t short_nonce[NONCE_BYTES] = {0};
    uint8_t derived[MR_XCHACHA_KEY_BYTES];

    (void)crypto_core_hchacha20(derived, nonce, key, NULL);
    memcpy(short_nonce + NONCE_AT, nonce + crypto_core_hchacha20_INPUTBYTES, sizeof short_nonce - NONCE_AT);
    stream_begin(stream, way, derived, short_nonce);
    stream_fill(stream);
    stream->at = BLOCK_BYTES;
    sodium_memzero(derived, sizeof derived);
}

static void own_seal(enum mr_xchacha_way way, uint8_t *out, struct mr_slice plain, struct mr_slice aad,
        const uint8_t *nonce, const uint8_t *key)
{
    uint8_t mac_key[crypto_onetimeauth_poly1305_KEYBYTES];
    struct stream stream;

    begin_sealed(&stream, way, nonce, key);
    memcpy(mac_key, stream.bytes, sizeof mac_key);
    stream_xor(&stream, out, plain);
    tag_of(mac_key, aad, mr_slice(out, plain.size), out + plain.size);
    sodium_memzero(mac_key, sizeof mac_key);
    sodium_memzero(&stream, sizeof stream);
}

static bool own_open(enum mr_xchacha_way way, uint8_t *out, struct mr_slice sealed, struct mr_slice aad,
        const uint8_t *nonce, const uint8_t *key)
{
    struct mr_slice data = mr_slice(sealed.data, sealed.size - MR_XCHACHA_TAG_BYTES);
    uint8_t tag[MR_XCHACHA_TAG_BYTES];
    struct stream stream;
    bool ok;

    begin_sealed(&stream, way, nonce, key);
    tag_of(stream.bytes, aad, data, tag);
    ok = crypto_verify_16(tag, sealed.data + data.size) == 0;
    if (ok)
        stream_xor(&stream, out, data);
    sodium_memzero(tag, sizeof tag);
    sodium_memzero(&stream, sizeof stream);
    return ok;
}

#else

bool mr_xchacha_has(enum mr_xchacha_way way)
{
    return way == MR_XCHACHA_SODIUM;
}

#endif

/* ---- the ways ---- */

static enum mr_xchacha_way best(void)
{
    return mr_xchacha_has(MR_XCHACHA_512)   ? MR_XCHACHA_512
           : mr_xchacha_has(MR_XCHACHA_256) ? MR_XCHACHA_256
                                            : MR_XCHACHA_SODIUM;
}

void mr_xchacha_stream_by(
        enum mr_xchacha_way way, uint8_t *ret, size_t size, const uint8_t key[static MR_XCHACHA_KEY_BYTES])
{
    static const uint8_t nonce[crypto_stream_chacha20_ietf_NONCEBYTES];

    assert(mr_xchacha_has(way));
#if defined(__x86_64__)
    if (way != MR_XCHACHA_SODIUM) {
        own_stream(way, ret, size, key);
        return;
    }
#endif
    (void)crypto_stream_chacha20_ietf(ret, size, nonce, key);
}

void mr_xchacha_seal_by(enum mr_xchacha_way way, uint8_t *out, struct mr_slice plain, struct mr_slice aad,
        const uint8_t nonce[static MR_XCHACHA_NONCE_BYTES], const uint8_t key[static MR_XCHACHA_KEY_BYTES])
{
    assert(mr_xchacha_has(way));
#if defined(__x86_64__)
    if (way != MR_XCHACHA_SODIUM) {
        own_seal(way, out, plain, aad, nonce, key);
        return;
    }
#endif
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
            out, NULL, plain.data, plain.size, aad.data, aad.size, NULL, nonce, key);
}

bool mr_xchacha_open_by(enum mr_xchacha_way way, uint8_t *out, struct mr_slice sealed, struct mr_slice aad,
        const uint8_t nonce[static MR_XCHACHA_NONCE_BYTES], const uint8_t key[static MR_XCHACHA_KEY_BYTES])
{
    assert(mr_xchacha_has(way));
    if (sealed.size < MR_XCHACHA_TAG_BYTES)
        return false;
#if defined(__x86_64__)
    if (way != MR_XCHACHA_SODIUM)
        return own_open(way, out, sealed, aad, nonce, key);
#endif
    return crypto_aead_xchacha20poly1305_ietf_decrypt(
                   out, NULL, NULL, sealed.data, sealed.size, aad.data, aad.size, nonce, key) == 0;
}

void mr_xchacha_stream(uint8_t *ret, size_t size, const uint8_t key[static MR_XCHACHA_KEY_BYTES])
{
    mr_xchacha_stream_by(best(), ret, size, key);
}

void mr_xchacha_seal(uint8_t *out, struct mr_slice plain, struct mr_slice aad,
        const uint8_t nonce[static MR_XCHACHA_NONCE_BYTES], const uint8_t key[static MR_XCHACHA_KEY_BYTES])
{
    mr_xchacha_seal_by(best(), out, plain, aad, nonce, key);
}

bool mr_xchacha_open(uint8_t *out, struct mr_slice sealed, struct mr_slice aad,
        const uint8_t nonce[static MR_XCHACHA_NONCE_BYTES], const uint8_t key[static MR_XCHACHA_KEY_BYTES])
{
    return mr_xchacha_open_by(best(), out, sealed, aad, nonce, key);
}
