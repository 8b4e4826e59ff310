#include "store/lanes.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

enum { EIGHT = 8, LANES = 2 * EIGHT, WORDS = 16, BLOCK_BYTES = 128 };

typedef uint64_t word_t __attribute__((vector_size(EIGHT * sizeof(uint64_t))));

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

/* A word of eight lanes is one vector: word i of lane l is the l-th number of it. */
struct eight {
    word_t h[8];
    /* A number of each lane; they are whole vectors. */
    uint64_t counter[EIGHT] __attribute__((aligned(64))); /* bytes taken in, with the key's block */
    uint64_t final[EIGHT];                                /* all ones: this is the last block of it */
    uint64_t first[EIGHT];                                /* all ones: it goes on from the key's block */
    const uint8_t *blocks[EIGHT];                         /* to be taken in now */
    uint8_t own[EIGHT][BLOCK_BYTES];                      /* what does not lie in the message as a block */
};

/* Macros, not functions: a vector that is passed to one has no place in registers that the processor may
 * lack. */
#define TURN(x, n) ((x) >> (n) | (x) << (64 - (n)))
#define MIX(v, a, b, c, d, x, y)                                                                             \
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
#define COLUMNS(v, m, r)                                                                                     \
    do {                                                                                                     \
        MIX(v, 0, 4, 8, 12, m[sigma[r][0]], m[sigma[r][1]]);                                                 \
        MIX(v, 1, 5, 9, 13, m[sigma[r][2]], m[sigma[r][3]]);                                                 \
        MIX(v, 2, 6, 10, 14, m[sigma[r][4]], m[sigma[r][5]]);                                                \
        MIX(v, 3, 7, 11, 15, m[sigma[r][6]], m[sigma[r][7]]);                                                \
    } while (0)
#define DIAGONALS(v, m, r)                                                                                   \
    do {                                                                                                     \
        MIX(v, 0, 5, 10, 15, m[sigma[r][8]], m[sigma[r][9]]);                                                \
        MIX(v, 1, 6, 11, 12, m[sigma[r][10]], m[sigma[r][11]]);                                              \
        MIX(v, 2, 7, 8, 13, m[sigma[r][12]], m[sigma[r][13]]);                                               \
        MIX(v, 3, 4, 9, 14, m[sigma[r][14]], m[sigma[r][15]]);                                               \
    } while (0)
#define ROUND_OF_ONE(r)                                                                                      \
    do {                                                                                                     \
        COLUMNS(v, m, r);                                                                                    \
        DIAGONALS(v, m, r);                                                                                  \
    } while (0)
/* Each step of the four in a row waits for the one before it: another four fill the time. */
#define ROUND_OF_TWO(r)                                                                                      \
    do {                                                                                                     \
        COLUMNS(v, m, r);                                                                                    \
        COLUMNS(w, n, r);                                                                                    \
        DIAGONALS(v, m, r);                                                                                  \
        DIAGONALS(w, n, r);                                                                                  \
    } while (0)
#define ROUNDS(ROUND)                                                                                        \
    do {                                                                                                     \
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
    } while (0)

/* Eight words of each lane, in lines, become those words of all lanes: the square is turned over. */
#define PAIRS(to, from, a, b)                                                                                \
    do {                                                                                                     \
        to[a] = __builtin_shufflevector(from[a], from[b], 0, 8, 2, 10, 4, 12, 6, 14);                        \
        to[b] = __builtin_shufflevector(from[a], from[b], 1, 9, 3, 11, 5, 13, 7, 15);                        \
    } while (0)
#define FOURS(to, from, a, b)                                                                                \
    do {                                                                                                     \
        to[a] = __builtin_shufflevector(from[a], from[b], 0, 1, 8, 9, 4, 5, 12, 13);                         \
        to[b] = __builtin_shufflevector(from[a], from[b], 2, 3, 10, 11, 6, 7, 14, 15);                       \
    } while (0)
#define EIGHTS(to, from, a, b)                                                                               \
    do {                                                                                                     \
        to[a] = __builtin_shufflevector(from[a], from[b], 0, 1, 2, 3, 8, 9, 10, 11);                         \
        to[b] = __builtin_shufflevector(from[a], from[b], 4, 5, 6, 7, 12, 13, 14, 15);                       \
    } while (0)
#define LINE(eight, half, lane) memcpy(&a[lane], (eight)->blocks[lane] + 64 * (half), sizeof a[lane])
#define TAKE_HALF(to, eight, half)                                                                           \
    do {                                                                                                     \
        word_t a[EIGHT], b[EIGHT], c[EIGHT], *d = (to) + 8 * (half);                                         \
                                                                                                             \
        LINE(eight, half, 0);                                                                                \
        LINE(eight, half, 1);                                                                                \
        LINE(eight, half, 2);                                                                                \
        LINE(eight, half, 3);                                                                                \
        LINE(eight, half, 4);                                                                                \
        LINE(eight, half, 5);                                                                                \
        LINE(eight, half, 6);                                                                                \
        LINE(eight, half, 7);                                                                                \
        PAIRS(b, a, 0, 1);                                                                                   \
        PAIRS(b, a, 2, 3);                                                                                   \
        PAIRS(b, a, 4, 5);                                                                                   \
        PAIRS(b, a, 6, 7);                                                                                   \
        FOURS(c, b, 0, 2);                                                                                   \
        FOURS(c, b, 1, 3);                                                                                   \
        FOURS(c, b, 4, 6);                                                                                   \
        FOURS(c, b, 5, 7);                                                                                   \
        EIGHTS(d, c, 0, 4);                                                                                  \
        EIGHTS(d, c, 1, 5);                                                                                  \
        EIGHTS(d, c, 2, 6);                                                                                  \
        EIGHTS(d, c, 3, 7);                                                                                  \
    } while (0)

/* The words of the blocks, little-endian as the processors with these registers are: line by line, ... */
#define TAKE_LINES(to, eight)                                                                                \
    do {                                                                                                     \
        TAKE_HALF(to, eight, 0);                                                                             \
        TAKE_HALF(to, eight, 1);                                                                             \
    } while (0)
/* ... or word by word, where no register has place for a line. */
#define TAKE_WORDS(to, eight)                                                                                \
    do {                                                                                                     \
        uint64_t words[WORDS][EIGHT] __attribute__((aligned(64)));                                           \
                                                                                                             \
        for (size_t lane = 0; lane < EIGHT; lane++) {                                                        \
            for (size_t i = 0; i < WORDS; i++)                                                               \
                memcpy(&words[i][lane], (eight)->blocks[lane] + i * sizeof(uint64_t), sizeof(uint64_t));     \
        }                                                                                                    \
        memcpy((to), words, sizeof words);                                                                   \
    } while (0)

#define OPEN(v, eight, key)                                                                                  \
    do {                                                                                                     \
        word_t counter, final, first;                                                                        \
                                                                                                             \
        memcpy(&counter, (eight)->counter, sizeof counter);                                                  \
        memcpy(&final, (eight)->final, sizeof final);                                                        \
        memcpy(&first, (eight)->first, sizeof first);                                                        \
        for (size_t i = 0; i < 8; i++) {                                                                     \
            v[i] = (eight)->h[i] = ((eight)->h[i] & ~first) | (((word_t){0} + (key)->h[i]) & first);         \
            v[8 + i] = (word_t){0} + iv[i];                                                                  \
        }                                                                                                    \
        v[12] ^= counter;                                                                                    \
        v[14] ^= final;                                                                                      \
    } while (0)
#define CLOSE(v, eight)                                                                                      \
    do {                                                                                                     \
        for (size_t i = 0; i < 8; i++)                                                                       \
            (eight)->h[i] ^= v[i] ^ v[8 + i];                                                                \
    } while (0)

/* One block of each lane. */
#define COMPRESS(TAKE, eight, key)                                                                           \
    do {                                                                                                     \
        word_t v[WORDS], m[WORDS];                                                                           \
                                                                                                             \
        TAKE(m, eight);                                                                                      \
        OPEN(v, eight, key);                                                                                 \
        ROUNDS(ROUND_OF_ONE);                                                                                \
        CLOSE(v, eight);                                                                                     \
    } while (0)
#define COMPRESS_TWO(TAKE, eights, key)                                                                      \
    do {                                                                                                     \
        word_t v[WORDS], w[WORDS], m[WORDS], n[WORDS];                                                       \
                                                                                                             \
        TAKE(m, &(eights)[0]);                                                                               \
        TAKE(n, &(eights)[1]);                                                                               \
        OPEN(v, &(eights)[0], key);                                                                          \
        OPEN(w, &(eights)[1], key);                                                                          \
        ROUNDS(ROUND_OF_TWO);                                                                                \
        CLOSE(v, &(eights)[0]);                                                                              \
        CLOSE(w, &(eights)[1]);                                                                              \
    } while (0)

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static void compress_512(
        struct eight *eight, const struct mr_lanes_key *key)
{
    COMPRESS(TAKE_LINES, eight, key);
}

__attribute__((target("avx512f"))) static void compress_512_two(
        struct eight eights[static 2], const struct mr_lanes_key *key)
{
    COMPRESS_TWO(TAKE_LINES, eights, key);
}

__attribute__((target("avx2"))) static void compress_256(struct eight *eight, const struct mr_lanes_key *key)
{
    COMPRESS(TAKE_WORDS, eight, key);
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

static void compress_plain(struct eight *eight, const struct mr_lanes_key *key)
{
    COMPRESS(TAKE_WORDS, eight, key);
}

/* One eight, or two. */
static void compress(
        enum mr_lanes_way way, struct eight *eights, size_t count, const struct mr_lanes_key *key)
{
#if defined(__x86_64__)
    if (way == MR_LANES_512 && count == 2) {
        compress_512_two(eights, key);
        return;
    }
#endif
    for (size_t i = 0; i < count; i++) {
#if defined(__x86_64__)
        if (way == MR_LANES_512)
            compress_512(&eights[i], key);
        if (way == MR_LANES_256)
            compress_256(&eights[i], key);
#endif
        if (way == MR_LANES_PLAIN)
            compress_plain(&eights[i], key);
    }
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

/* ---- lanes ---- */

/* What a lane works on. */
struct lane {
    const struct mr_lanes_message *message; /* NULL: nothing */
    size_t part;
    size_t at; /* in that part */
    bool last; /* this is its last block */
};

/* Mostly a few bytes, of a size that is known here alone: less work than a call. */
static void copy(uint8_t *to, const uint8_t *from, size_t size)
{
    enum { STEP = 16, HALF = 8 };

    if (size >= STEP) {
        for (size_t at = 0; at + STEP < size; at += STEP)
            memcpy(to + at, from + at, STEP);
        memcpy(to + size - STEP, from + size - STEP, STEP);
    } else if (size >= HALF) {
        memcpy(to, from, HALF);
        memcpy(to + size - HALF, from + size - HALF, HALF);
    } else {
        for (size_t i = 0; i < size; i++)
            to[i] = from[i];
    }
}

/* The next block put together of parts, and padded with zeros; returns how much of it is the message's. */
static size_t join_block(struct lane *lane, uint8_t ret[static BLOCK_BYTES])
{
    const struct mr_lanes_message *message = lane->message;
    size_t size = 0, part = lane->part, at = lane->at;

    memset(ret, 0, BLOCK_BYTES);
    while (part < message->parts_count) {
        size_t left = message->parts[part].size - at, room = BLOCK_BYTES - size;
        size_t step = left < room ? left : room;

        if (step > 0)
            copy(ret + size, message->parts[part].data + at, step);
        size += step;
        at += step;
        if (left > room)
            break;
        part++;
        at = 0;
    }
    lane->part = part;
    lane->at = at;
    lane->last = part == message->parts_count;
    return size;
}

/* The next block of a lane: where it lies, if more of the same part is behind it. */
static void take_block(struct eight *eight, size_t at, struct lane *lane)
{
    const struct mr_slice *part = &lane->message->parts[lane->part];
    size_t size = BLOCK_BYTES;

    if (part->size - lane->at > BLOCK_BYTES) {
        eight->blocks[at] = part->data + lane->at;
        lane->at += BLOCK_BYTES;
    } else {
        eight->blocks[at] = eight->own[at];
        size = join_block(lane, eight->own[at]);
    }
    eight->counter[at] += size;
    eight->final[at] = lane->last ? UINT64_MAX : 0;
}

static const uint8_t nothing[BLOCK_BYTES];

/* The lanes have nothing to do. */
static void begin(struct eight *eight)
{
    memset(eight->h, 0, sizeof eight->h);
    for (size_t i = 0; i < EIGHT; i++) {
        eight->counter[i] = eight->final[i] = eight->first[i] = 0;
        eight->blocks[i] = nothing;
    }
}

void mr_lanes_key_begin_by(enum mr_lanes_way way, struct mr_lanes_key *ret,
        const uint8_t key[static MR_LANES_KEY_BYTES], size_t digest_bytes)
{
    struct eight eight;

    assert(mr_lanes_has(way));
    assert(digest_bytes > 0 && digest_bytes <= MR_LANES_DIGEST_MAX);
    begin(&eight);
    memset(eight.own[0], 0, sizeof eight.own[0]);
    memcpy(eight.own[0], key, MR_LANES_KEY_BYTES);
    memcpy(ret->h, iv, sizeof ret->h);
    ret->h[0] ^= UINT64_C(0x01010000) ^ MR_LANES_KEY_BYTES << 8 ^ digest_bytes;
    ret->digest_bytes = digest_bytes;
    eight.blocks[0] = eight.own[0];
    eight.first[0] = UINT64_MAX;
    eight.counter[0] = BLOCK_BYTES;
    compress(way, &eight, 1, ret);
    for (size_t i = 0; i < 8; i++)
        ret->h[i] = eight.h[i][0];
    sodium_memzero(&eight, sizeof eight);
}

void mr_lanes_key_begin(
        struct mr_lanes_key *ret, const uint8_t key[static MR_LANES_KEY_BYTES], size_t digest_bytes)
{
    mr_lanes_key_begin_by(best(), ret, key, digest_bytes);
}

static void end(const struct eight *eight, size_t lane, const struct mr_lanes_key *key, uint8_t *ret)
{
    uint64_t words[8];

    for (size_t i = 0; i * sizeof *words < key->digest_bytes; i++)
        words[i] = eight->h[i][lane];
    copy(ret, (const uint8_t *)words, key->digest_bytes);
}

/* Messages waiting for a lane. */
struct queue {
    const struct mr_lanes_message *next;
    size_t left;
};

/* The next block of each lane; returns how many work. */
static size_t take_blocks(struct eight *eight, struct lane *lanes, struct queue *queue)
{
    size_t busy = 0;

    for (size_t i = 0; i < EIGHT; i++) {
        eight->first[i] = 0;
        if (!lanes[i].message && queue->left > 0) {
            lanes[i] = (struct lane){.message = queue->next++};
            queue->left--;
            eight->first[i] = UINT64_MAX;
            eight->counter[i] = BLOCK_BYTES;
        }
        if (!lanes[i].message)
            continue;
        take_block(eight, i, &lanes[i]);
        busy++;
    }
    return busy;
}

static void end_messages(struct eight *eight, struct lane *lanes, const struct mr_lanes_key *key)
{
    for (size_t i = 0; i < EIGHT; i++) {
        if (!lanes[i].message || !lanes[i].last)
            continue;
        end(eight, i, key, lanes[i].message->ret);
        lanes[i].message = NULL;
        eight->blocks[i] = nothing;
    }
}

void mr_lanes_digest_by(enum mr_lanes_way way, const struct mr_lanes_key *key,
        const struct mr_lanes_message *messages, size_t count)
{
    struct lane lanes[LANES] = {0};
    struct queue queue = {messages, count};
    struct eight eights[2];
    size_t used = count > EIGHT ? 2 : 1, busy;

    assert(mr_lanes_has(way));
    for (size_t i = 0; i < used; i++)
        begin(&eights[i]);
    while ((busy = take_blocks(&eights[0], lanes, &queue)) > 0 || used == 2) {
        if (used == 2 && take_blocks(&eights[1], lanes + EIGHT, &queue) == 0 && busy == 0)
            break;
        compress(way, eights, used, key);
        for (size_t i = 0; i < used; i++)
            end_messages(&eights[i], lanes + i * EIGHT, key);
    }
    sodium_memzero(eights, used * sizeof eights[0]);
}

void mr_lanes_digest(const struct mr_lanes_key *key, const struct mr_lanes_message *messages, size_t count)
{
    mr_lanes_digest_by(best(), key, messages, count);
}
