#include "store/sha256_pair.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "proto/base/bytes.h"
#include "store/sha256.h"

static void one(const struct mr_sha256_message *message)
{
    struct mr_sha256_state state;

    mr_sha256_init(&state);
    for (size_t i = 0; i < message->parts_count; i++)
        mr_sha256_put(&state, message->parts[i]);
    mr_sha256_final(&state, message->ret);
}

/* Clang 14 cannot be asked whether the processor has the instructions. */
#if defined(__x86_64__) && !defined(__clang__)
#define PAIR 1
#else
#define PAIR 0
#endif

#if PAIR

#include <immintrin.h>

enum { BLOCK_BYTES = 64, LANES = 2, SIZE_BYTES = 8, END_BYTE = 0x80 };

static const uint32_t constants[64] __attribute__((aligned(64))) = {
        0x428a2f98,
        0x71374491,
        0xb5c0fbcf,
        0xe9b5dba5,
        0x3956c25b,
        0x59f111f1,
        0x923f82a4,
        0xab1c5ed5,
        0xd807aa98,
        0x12835b01,
        0x243185be,
        0x550c7dc3,
        0x72be5d74,
        0x80deb1fe,
        0x9bdc06a7,
        0xc19bf174,
        0xe49b69c1,
        0xefbe4786,
        0x0fc19dc6,
        0x240ca1cc,
        0x2de92c6f,
        0x4a7484aa,
        0x5cb0a9dc,
        0x76f988da,
        0x983e5152,
        0xa831c66d,
        0xb00327c8,
        0xbf597fc7,
        0xc6e00bf3,
        0xd5a79147,
        0x06ca6351,
        0x14292967,
        0x27b70a85,
        0x2e1b2138,
        0x4d2c6dfc,
        0x53380d13,
        0x650a7354,
        0x766a0abb,
        0x81c2c92e,
        0x92722c85,
        0xa2bfe8a1,
        0xa81a664b,
        0xc24b8b70,
        0xc76c51a3,
        0xd192e819,
        0xd6990624,
        0xf40e3585,
        0x106aa070,
        0x19a4c116,
        0x1e376c08,
        0x2748774c,
        0x34b0bcb5,
        0x391c0cb3,
        0x4ed8aa4a,
        0x5b9cca4f,
        0x682e6ff3,
        0x748f82ee,
        0x78a5636f,
        0x84c87814,
        0x8cc70208,
        0x90befffa,
        0xa4506ceb,
        0xbef9a3f7,
        0xc67178f2,
};

/* The instructions want the eight words as A B E F and C D G H, each from the highest place down. */
static const uint32_t initial[2][4] = {
        {0x9b05688c, 0x510e527f, 0xbb67ae85, 0x6a09e667},
        {0x5be0cd19, 0x1f83d9ab, 0xa54ff53a, 0x3c6ef372},
};

/* 64 bytes for the rounds. */
struct block {
    uint8_t bytes[BLOCK_BYTES] __attribute__((aligned(16)));
    const struct mr_sha256_message *message; /* NULL: there is none */
    bool first;
    bool last;
};

/*
 * A lane makes its next block while the rounds go over the one before: what was just written byte by byte
 * cannot be read at once as a whole.
 */
struct lane {
    uint32_t state[2][4];
    struct block blocks[2];
    const struct mr_sha256_message *message; /* NULL: the next one begins */
    size_t part;
    size_t at;    /* in that part */
    size_t total; /* bytes taken */
    bool ended;   /* the byte behind the message stands in a block */
};

/* Four rounds of a lane: m is its message's words, of which i / 4 % 4 is the next. */
#define FOUR(lane, i)                                                                                        \
    do {                                                                                                     \
        __m128i w = _mm_add_epi32(m##lane[(i) % 4], k);                                                      \
                                                                                                             \
        y##lane = _mm_sha256rnds2_epu32(y##lane, x##lane, w);                                                \
        x##lane = _mm_sha256rnds2_epu32(x##lane, y##lane, _mm_shuffle_epi32(w, 0x0e));                       \
    } while (0)
/* ... and the words of sixteen rounds later, in the place of those. */
#define NEXT(lane, i)                                                                                        \
    do {                                                                                                     \
        __m128i w = _mm_sha256msg1_epu32(m##lane[(i) % 4], m##lane[((i) + 1) % 4]);                          \
                                                                                                             \
        w = _mm_add_epi32(w, _mm_alignr_epi8(m##lane[((i) + 3) % 4], m##lane[((i) + 2) % 4], 4));            \
        m##lane[(i) % 4] = _mm_sha256msg2_epu32(w, m##lane[((i) + 3) % 4]);                                  \
    } while (0)
#define BOTH(i)                                                                                              \
    do {                                                                                                     \
        __m128i k = _mm_load_si128((const __m128i *)(const void *)&constants[4 * (i)]);                      \
                                                                                                             \
        FOUR(0, i);                                                                                          \
        FOUR(1, i);                                                                                          \
        if ((i) < 12) {                                                                                      \
            NEXT(0, i);                                                                                      \
            NEXT(1, i);                                                                                      \
        }                                                                                                    \
    } while (0)
#define LOAD(lane)                                                                                           \
    __m128i x##lane = _mm_loadu_si128((const __m128i *)(const void *)lanes[lane].state[0]),                  \
            y##lane = _mm_loadu_si128((const __m128i *)(const void *)lanes[lane].state[1]), m##lane[4];      \
    const __m128i x_of_##lane = x##lane, y_of_##lane = y##lane;                                              \
                                                                                                             \
    for (size_t i = 0; i < 4; i++)                                                                           \
    m##lane[i] = _mm_shuffle_epi8(                                                                           \
            _mm_load_si128((const __m128i *)(const void *)(lanes[lane].blocks[turn].bytes + 16 * i)),        \
            big_endian)
#define STORE(lane)                                                                                          \
    do {                                                                                                     \
        _mm_storeu_si128((__m128i *)(void *)lanes[lane].state[0], _mm_add_epi32(x##lane, x_of_##lane));      \
        _mm_storeu_si128((__m128i *)(void *)lanes[lane].state[1], _mm_add_epi32(y##lane, y_of_##lane));      \
    } while (0)

/* One block of each lane. */
__attribute__((target("sha,sse4.1"))) static void compress(struct lane lanes[static LANES], size_t turn)
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    LOAD(0);
    LOAD(1);

    BOTH(0);
    BOTH(1);
    BOTH(2);
    BOTH(3);
    BOTH(4);
    BOTH(5);
    BOTH(6);
    BOTH(7);
    BOTH(8);
    BOTH(9);
    BOTH(10);
    BOTH(11);
    BOTH(12);
    BOTH(13);
    BOTH(14);
    BOTH(15);
    STORE(0);
    STORE(1);
}

/* What is left of the message, as much as goes into a block. */
static size_t take(struct lane *lane, uint8_t ret[static BLOCK_BYTES])
{
    const struct mr_sha256_message *message = lane->message;
    size_t size = 0;

    while (size < BLOCK_BYTES && lane->part < message->parts_count) {
        struct mr_slice part = message->parts[lane->part];
        size_t left = part.size - lane->at, room = BLOCK_BYTES - size, step = left < room ? left : room;

        if (step > 0)
            memcpy(ret + size, part.data + lane->at, step);
        lane->at += step;
        size += step;
        if (lane->at == part.size) {
            lane->part++;
            lane->at = 0;
        }
    }
    lane->total += size;
    return size;
}

/* Behind the message a one, zeros, and its size in bits. */
static void fill(struct lane *lane, struct block *block)
{
    size_t size;

    memset(block->bytes, 0, sizeof block->bytes);
    size = take(lane, block->bytes);
    if (size == BLOCK_BYTES)
        return;
    if (!lane->ended)
        block->bytes[size++] = END_BYTE;
    lane->ended = true;
    block->last = size <= BLOCK_BYTES - SIZE_BYTES;
    if (block->last)
        mr_put_be64(block->bytes + BLOCK_BYTES - SIZE_BYTES, (uint64_t)lane->total * 8);
}

/* The messages that no lane has taken yet. */
struct queue {
    const struct mr_sha256_message *messages;
    size_t count;
};

static void next_block(struct lane *lane, struct queue *queue, struct block *block)
{
    block->first = block->last = false;
    if (!lane->message && queue->count > 0) {
        lane->message = queue->messages++;
        queue->count--;
        lane->part = lane->at = lane->total = 0;
        lane->ended = false;
        block->first = true;
    }
    block->message = lane->message;
    if (!lane->message)
        return;
    fill(lane, block);
    if (block->last)
        lane->message = NULL;
}

/* The words, back from the order of the instructions. */
static void put_digest(const struct lane *lane, uint8_t *ret)
{
    static const uint8_t places[8][2] = {{0, 3}, {0, 2}, {1, 3}, {1, 2}, {0, 1}, {0, 0}, {1, 1}, {1, 0}};

    for (size_t i = 0; i < 8; i++)
        mr_put_be32(ret + 4 * i, lane->state[places[i][0]][places[i][1]]);
}

static bool any_block(const struct lane lanes[static LANES], size_t turn)
{
    return lanes[0].blocks[turn].message || lanes[1].blocks[turn].message;
}

static void pair(const struct mr_sha256_message *messages, size_t count)
{
    struct queue queue = {messages, count};
    struct lane lanes[LANES] = {0};

    for (size_t i = 0; i < LANES; i++)
        next_block(&lanes[i], &queue, &lanes[i].blocks[0]);
    for (size_t turn = 0; any_block(lanes, turn); turn ^= 1) {
        for (size_t i = 0; i < LANES; i++) {
            next_block(&lanes[i], &queue, &lanes[i].blocks[!turn]);
            if (lanes[i].blocks[turn].first)
                memcpy(lanes[i].state, initial, sizeof lanes[i].state);
        }
        compress(lanes, turn);
        for (size_t i = 0; i < LANES; i++) {
            if (lanes[i].blocks[turn].last)
                put_digest(&lanes[i], lanes[i].blocks[turn].message->ret);
        }
    }
    sodium_memzero(lanes, sizeof lanes);
}

bool mr_sha256_has(enum mr_sha256_way way)
{
    return way == MR_SHA256_PAIR ? __builtin_cpu_supports("sha") && __builtin_cpu_supports("sse4.1")
                                 : way == MR_SHA256_SINGLE;
}

#else

bool mr_sha256_has(enum mr_sha256_way way)
{
    return way == MR_SHA256_SINGLE;
}

#endif

void mr_sha256_pair_by(enum mr_sha256_way way, const struct mr_sha256_message *messages, size_t count)
{
    assert(mr_sha256_has(way));
#if PAIR
    if (way == MR_SHA256_PAIR) {
        pair(messages, count);
        return;
    }
#endif
    for (size_t i = 0; i < count; i++)
        one(&messages[i]);
}

void mr_sha256_pair(const struct mr_sha256_message *messages, size_t count)
{
    mr_sha256_pair_by(mr_sha256_has(MR_SHA256_PAIR) ? MR_SHA256_PAIR : MR_SHA256_SINGLE, messages, count);
}
