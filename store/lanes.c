#include "store/lanes.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

enum { LANES = 8, WORDS = 16, BLOCK_BYTES = 128 };

typedef uint64_t word_t __attribute__((vector_size(LANES * sizeof(uint64_t))));

static const uint64_t iv[8] = {
        0x6a09e667f3bcc908,
        0xbb67ae8584caa73b,
        0x3c6ef372fe94f82b,
        0xa54ff53a5f1d36f1,
        0x510e527fade682d1,
        0x9b05688c2b3e6c1f,
        0x1f83d9abfb41bd6b,
        0x5be0cd19137e2179,
};

/* Which word of the block is taken where, in each of the ten rounds; the last two are as the first two. */
static const uint8_t sigma[10][WORDS] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
        {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
        {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
        {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
        {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
        {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
        {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
        {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
        {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
        {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

/* A word of all lanes is one vector: word i of lane l is the l-th number of it. */
struct state {
    word_t h[8];
    word_t counter; /* bytes taken in, with the key's block */
    word_t final;   /* all ones in the lanes of which this is the last block */
    uint64_t words[WORDS][LANES] __attribute__((aligned(64)));
};

/* Macros, not functions: a vector that is passed to one has no place in registers that the processor may
 * lack. */
#define TURN(x, n) ((x) >> (n) | (x) << (64 - (n)))
#define MIX(a, b, c, d, x, y)                                                                                \
    do {                                                                                                     \
        v[a] += v[b] + (x);                                                                                  \
        v[d] = TURN(v[d] ^ v[a], 32);                                                                        \
        v[c] += v[d];                                                                                        \
        v[b] = TURN(v[b] ^ v[c], 24);                                                                        \
        v[a] += v[b] + (y);                                                                                  \
        v[d] = TURN(v[d] ^ v[a], 16);                                                                        \
        v[c] += v[d];                                                                                        \
        v[b] = TURN(v[b] ^ v[c], 63);                                                                        \
    } while (0)
#define ROUND(r)                                                                                             \
    do {                                                                                                     \
        MIX(0, 4, 8, 12, m[sigma[r][0]], m[sigma[r][1]]);                                                    \
        MIX(1, 5, 9, 13, m[sigma[r][2]], m[sigma[r][3]]);                                                    \
        MIX(2, 6, 10, 14, m[sigma[r][4]], m[sigma[r][5]]);                                                   \
        MIX(3, 7, 11, 15, m[sigma[r][6]], m[sigma[r][7]]);                                                   \
        MIX(0, 5, 10, 15, m[sigma[r][8]], m[sigma[r][9]]);                                                   \
        MIX(1, 6, 11, 12, m[sigma[r][10]], m[sigma[r][11]]);                                                 \
        MIX(2, 7, 8, 13, m[sigma[r][12]], m[sigma[r][13]]);                                                  \
        MIX(3, 4, 9, 14, m[sigma[r][14]], m[sigma[r][15]]);                                                  \
    } while (0)

/* One block of each lane. */
#define COMPRESS(state)                                                                                      \
    do {                                                                                                     \
        word_t v[WORDS], m[WORDS];                                                                           \
                                                                                                             \
        memcpy(m, (state)->words, sizeof m);                                                                 \
        for (size_t i = 0; i < 8; i++) {                                                                     \
            v[i] = (state)->h[i];                                                                            \
            v[8 + i] = (word_t){0} + iv[i];                                                                  \
        }                                                                                                    \
        v[12] ^= (state)->counter;                                                                           \
        v[14] ^= (state)->final;                                                                             \
        ROUND(0);                                                                                            \
        ROUND(1);                                                                                            \
        ROUND(2);                                                                                            \
        ROUND(3);                                                                                            \
        ROUND(4);                                                                                            \
        ROUND(5);                                                                                            \
        ROUND(6);                                                                                            \
        ROUND(7);                                                                                            \
        ROUND(8);                                                                                            \
        ROUND(9);                                                                                            \
        ROUND(0);                                                                                            \
        ROUND(1);                                                                                            \
        for (size_t i = 0; i < 8; i++)                                                                       \
            (state)->h[i] ^= v[i] ^ v[8 + i];                                                                \
    } while (0)

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static void compress_512(struct state *state)
{
    COMPRESS(state);
}

__attribute__((target("avx2"))) static void compress_256(struct state *state)
{
    COMPRESS(state);
}

bool mr_lanes_has(enum mr_lanes_way way)
{
    return way == MR_LANES_512   ? __builtin_cpu_supports("avx512f")
           : way == MR_LANES_256 ? __builtin_cpu_supports("avx2")
                                 : way == MR_LANES_PLAIN;
}
#else
bool mr_lanes_has(enum mr_lanes_way way)
{
    return way == MR_LANES_PLAIN;
}
#endif

static void compress_plain(struct state *state)
{
    COMPRESS(state);
}

static void compress(enum mr_lanes_way way, struct state *state)
{
#if defined(__x86_64__)
    if (way == MR_LANES_512) {
        compress_512(state);
        return;
    }
    if (way == MR_LANES_256) {
        compress_256(state);
        return;
    }
#endif
    compress_plain(state);
}

static enum mr_lanes_way best(void)
{
    return mr_lanes_has(MR_LANES_512)   ? MR_LANES_512
           : mr_lanes_has(MR_LANES_256) ? MR_LANES_256
                                        : MR_LANES_PLAIN;
}

bool mr_lanes_here(void)
{
    return best() != MR_LANES_PLAIN;
}

/* What a lane works on. */
struct lane {
    const struct mr_lanes_message *message; /* NULL: nothing */
    size_t part;
    size_t at; /* in that part */
    bool last; /* this is its last block */
};

static bool at_end(struct lane *lane)
{
    const struct mr_lanes_message *message = lane->message;

    while (lane->part < message->parts_count && lane->at == message->parts[lane->part].size) {
        lane->part++;
        lane->at = 0;
    }
    return lane->part == message->parts_count;
}

/* The next block, padded with zeros; returns how much of it is the message's. */
static size_t take_block(struct lane *lane, uint8_t ret[static BLOCK_BYTES])
{
    size_t size = 0;

    while (size < BLOCK_BYTES && !at_end(lane)) {
        struct mr_slice part = lane->message->parts[lane->part];
        size_t left = part.size - lane->at, room = BLOCK_BYTES - size, step = left < room ? left : room;

        memcpy(ret + size, part.data + lane->at, step);
        lane->at += step;
        size += step;
    }
    memset(ret + size, 0, BLOCK_BYTES - size);
    lane->last = at_end(lane);
    return size;
}

static void put_block(struct state *state, size_t lane, const uint8_t block[static BLOCK_BYTES])
{
    for (size_t i = 0; i < WORDS; i++) { /* little-endian, as the processors with these registers are */
        uint64_t word;

        memcpy(&word, block + i * sizeof word, sizeof word);
        state->words[i][lane] = word;
    }
}

void mr_lanes_key_begin_by(enum mr_lanes_way way, struct mr_lanes_key *ret,
        const uint8_t key[static MR_LANES_KEY_BYTES], size_t digest_bytes)
{
    uint8_t block[BLOCK_BYTES] = {0};
    struct state state = {0};

    assert(mr_lanes_has(way));
    assert(digest_bytes > 0 && digest_bytes <= MR_LANES_DIGEST_MAX);
    memcpy(block, key, MR_LANES_KEY_BYTES);
    for (size_t i = 0; i < 8; i++)
        state.h[i][0] = iv[i];
    state.h[0][0] ^= UINT64_C(0x01010000) ^ MR_LANES_KEY_BYTES << 8 ^ digest_bytes;
    state.counter[0] = BLOCK_BYTES;
    put_block(&state, 0, block);
    compress(way, &state);
    for (size_t i = 0; i < 8; i++)
        ret->h[i] = state.h[i][0];
    ret->digest_bytes = digest_bytes;
    sodium_memzero(block, sizeof block);
    sodium_memzero(&state, sizeof state);
}

void mr_lanes_key_begin(
        struct mr_lanes_key *ret, const uint8_t key[static MR_LANES_KEY_BYTES], size_t digest_bytes)
{
    mr_lanes_key_begin_by(best(), ret, key, digest_bytes);
}

static void begin(struct state *state, size_t lane, const struct mr_lanes_key *key)
{
    for (size_t i = 0; i < 8; i++)
        state->h[i][lane] = key->h[i];
    state->counter[lane] = BLOCK_BYTES;
    state->final[lane] = 0;
}

static void end(const struct state *state, size_t lane, const struct mr_lanes_key *key, uint8_t *ret)
{
    uint64_t words[8];

    for (size_t i = 0; i < 8; i++)
        words[i] = state->h[i][lane];
    memcpy(ret, words, key->digest_bytes);
}

void mr_lanes_digest_by(enum mr_lanes_way way, const struct mr_lanes_key *key,
        const struct mr_lanes_message *messages, size_t count)
{
    struct lane lanes[LANES] = {0};
    struct state state = {0};
    uint8_t block[BLOCK_BYTES];
    size_t next = 0, done = 0;

    assert(mr_lanes_has(way));
    while (done < count) {
        for (size_t i = 0; i < LANES; i++) {
            if (!lanes[i].message && next < count) {
                lanes[i] = (struct lane){.message = &messages[next++]};
                begin(&state, i, key);
            }
            if (!lanes[i].message)
                continue;
            state.counter[i] += take_block(&lanes[i], block);
            state.final[i] = lanes[i].last ? UINT64_MAX : 0;
            put_block(&state, i, block);
        }
        compress(way, &state);
        for (size_t i = 0; i < LANES; i++) {
            if (!lanes[i].message || !lanes[i].last)
                continue;
            end(&state, i, key, lanes[i].message->ret);
            lanes[i].message = NULL;
            done++;
        }
    }
    sodium_memzero(&state, sizeof state);
    sodium_memzero(block, sizeof block);
}

void mr_lanes_digest(const struct mr_lanes_key *key, const struct mr_lanes_message *messages, size_t count)
{
    mr_lanes_digest_by(best(), key, messages, count);
}
