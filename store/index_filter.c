/*
 * A split-block Bloom filter (as Parquet's): a hash leads to one block of 32 bytes, and sets one bit in each
 * of its eight words. With 16 bits an entry one of some 1,500 strangers passes. Each block has its own CRC,
 * which a look-up checks: a bit that is lost would hide a repeat. Row: u32 CRC32C of u64 run and the next
 * two, u32 blocks, 8 zeros, blocks: u32 CRC32C of u64 run, u32 place and the words, 8 words.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/base/bytes.h"
#include "proto/base/crc32c.h"
#include "store/index_internal.h"

enum {
    HEAD_BYTES = 16,
    CRC_BYTES = 4,
    WORDS = 8,
    WORDS_BYTES = 4 * WORDS,
    BLOCK_BYTES = CRC_BYTES + WORDS_BYTES,
    BITS_AN_ENTRY = 16,
};

static void key_of(uint64_t run, uint8_t ret[static 8])
{
    mr_put_be64(ret, run);
}

/* The bit of word i: the constants are odd, of Parquet's specification. */
static uint32_t bit_of(uint64_t hash, unsigned i)
{
    static const uint32_t salts[WORDS] = {0x47b6137bU, 0x44974d91U, 0x8824ad5bU, 0xa2b7289dU, 0x705495c7U,
            0x2df1424bU, 0x9efc4947U, 0x5c6bfb31U};

    return UINT32_C(1) << ((uint32_t)hash * salts[i] >> 27);
}

static uint32_t place_of(uint64_t hash, uint32_t blocks)
{
    return (uint32_t)((hash >> 31) * blocks >> 32);
}

static size_t offset_of(uint32_t place)
{
    return HEAD_BYTES + (size_t)place * BLOCK_BYTES;
}

static uint32_t head_crc(uint64_t run, const uint8_t *row)
{
    uint8_t bytes[8 + HEAD_BYTES - CRC_BYTES];

    mr_put_be64(bytes, run);
    memcpy(bytes + 8, row + CRC_BYTES, HEAD_BYTES - CRC_BYTES);
    return mr_crc32c(0, bytes, sizeof bytes);
}

static uint32_t seed_of(uint64_t run)
{
    uint8_t bytes[8];

    mr_put_be64(bytes, run);
    return mr_crc32c(0, bytes, sizeof bytes);
}

static uint32_t block_crc(uint32_t seed, uint32_t place, const uint8_t *block)
{
    uint8_t bytes[4];

    mr_put_be32(bytes, place);
    return mr_crc32c(mr_crc32c(seed, bytes, sizeof bytes), block + CRC_BYTES, WORDS_BYTES);
}

int mr_index_filter_init(struct mr_index_filter *filter, uint64_t entries)
{
    uint64_t blocks = entries * BITS_AN_ENTRY / (8 * WORDS_BYTES) + 1;

    if (blocks > UINT32_MAX)
        return MR_ENOMEM;
    filter->size = HEAD_BYTES + (size_t)blocks * BLOCK_BYTES;
    filter->row = calloc(1, filter->size);
    if (!filter->row)
        return MR_ENOMEM;
    mr_put_be32(filter->row + 4, (uint32_t)blocks);
    return 0;
}

void mr_index_filter_fini(struct mr_index_filter *filter)
{
    free(filter->row);
    *filter = (struct mr_index_filter){0};
}

static void add(uint8_t *words, uint64_t hash)
{
    for (unsigned i = 0; i < WORDS; i++) {
        uint32_t word = mr_get_be32(words + 4 * i) | bit_of(hash, i);

        mr_put_be32(words + 4 * i, word);
    }
}

void mr_index_filter_add(struct mr_index_filter *filter, uint64_t hash)
{
    uint32_t place = place_of(hash, mr_get_be32(filter->row + 4));

    add(filter->row + offset_of(place) + CRC_BYTES, hash);
}

int mr_index_filter_put(struct mr_kv_txn *txn, uint64_t run, struct mr_index_filter *filter)
{
    uint32_t blocks = mr_get_be32(filter->row + 4);
    uint32_t seed = seed_of(run);
    uint8_t key[8];

    key_of(run, key);
    mr_put_be32(filter->row, head_crc(run, filter->row));
    for (uint32_t place = 0; place < blocks; place++) {
        uint8_t *block = filter->row + offset_of(place);

        mr_put_be32(block, block_crc(seed, place, block));
    }
    return mr_kv_put(txn, MR_INDEX_FILTER, mr_slice(key, sizeof key), mr_slice(filter->row, filter->size));
}

static bool is_whole(struct mr_slice row, uint64_t run)
{
    return row.size >= HEAD_BYTES + BLOCK_BYTES && row.size == offset_of(mr_get_be32(row.data + 4)) &&
           mr_get_be32(row.data) == head_crc(run, row.data);
}

int mr_index_filter_get(struct mr_kv_txn *txn, uint64_t run, struct mr_slice *ret)
{
    uint8_t key[8];
    int r;

    key_of(run, key);
    r = mr_kv_get(txn, MR_INDEX_FILTER, mr_slice(key, sizeof key), ret);
    if (r == MR_ENOTFOUND || (r == 0 && !is_whole(*ret, run)))
        r = MR_ECORRUPT;
    if (r < 0)
        *ret = (struct mr_slice){0};
    return r;
}

int mr_index_filter_grow(struct mr_kv_txn *txn, uint64_t run, uint64_t hash)
{
    struct mr_index_filter filter;
    struct mr_slice row;
    int r = mr_index_filter_get(txn, run, &row);

    if (r == 0)
        r = mr_index_filter_check(row, run);
    if (r < 0)
        return r == MR_ECORRUPT ? 0 : r; /* the next look-up tells, and it is made anew of the entries */
    filter = (struct mr_index_filter){.row = malloc(row.size), .size = row.size};
    if (!filter.row)
        return MR_ENOMEM;
    memcpy(filter.row, row.data, row.size);
    mr_index_filter_add(&filter, hash);
    r = mr_index_filter_put(txn, run, &filter);
    mr_index_filter_fini(&filter);
    return r;
}

int mr_index_filter_del(struct mr_kv_txn *txn, uint64_t run)
{
    uint8_t key[8];
    int r;

    key_of(run, key);
    r = mr_kv_del(txn, MR_INDEX_FILTER, mr_slice(key, sizeof key));
    return r == MR_ENOTFOUND ? 0 : r;
}

/* ---- looking up ---- */

struct mr_index_filter_view mr_index_filter_view(struct mr_slice row, uint64_t run)
{
    if (row.size == 0)
        return (struct mr_index_filter_view){0};
    return (struct mr_index_filter_view){
            .blocks = row.data + HEAD_BYTES, .count = mr_get_be32(row.data + 4), .seed = seed_of(run)};
}

static const uint8_t *block_at(const struct mr_index_filter_view *view, uint32_t place)
{
    return view->blocks + (size_t)place * BLOCK_BYTES;
}

void mr_index_filter_expect(const struct mr_index_filter_view *view, uint64_t hash)
{
    const uint8_t *block;

    if (!view->blocks)
        return;
    block = block_at(view, place_of(hash, view->count));
    __builtin_prefetch(block);
    __builtin_prefetch(block + BLOCK_BYTES - 1); /* half of them lie in two lines */
}

/* All words are looked at: which one says no first cannot be foreseen, and a wrong guess costs more. */
int mr_index_filter_may(const struct mr_index_filter_view *view, uint64_t hash)
{
    uint32_t place = place_of(hash, view->count), missing = 0;
    const uint8_t *block = block_at(view, place);

    if (mr_get_be32(block) != block_crc(view->seed, place, block))
        return MR_ECORRUPT;
    for (unsigned i = 0; i < WORDS; i++)
        missing |= bit_of(hash, i) & ~mr_get_be32(block + CRC_BYTES + 4 * i);
    return missing == 0;
}

int mr_index_filter_check(struct mr_slice row, uint64_t run)
{
    uint32_t seed = seed_of(run);

    if (!is_whole(row, run))
        return MR_ECORRUPT;
    for (uint32_t place = 0; place < mr_get_be32(row.data + 4); place++) {
        const uint8_t *block = row.data + offset_of(place);

        if (mr_get_be32(block) != block_crc(seed, place, block))
            return MR_ECORRUPT;
    }
    return 0;
}
