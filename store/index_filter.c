/*
 * A split-block Bloom filter (as Parquet's): a hash leads to one block of 32 bytes, one cache line, and sets
 * one bit in each of its eight words. With 16 bits an entry one of some 1,500 strangers passes. Row:
 * u32 CRC32C of the rest, u32 blocks, 8 zeros, blocks.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/base/bytes.h"
#include "proto/base/crc32c.h"
#include "store/index_internal.h"

enum { HEAD_BYTES = 16, WORDS = 8, BLOCK_BYTES = 4 * WORDS, BITS_AN_ENTRY = 16 };

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

static size_t block_of(uint64_t hash, uint32_t blocks)
{
    return HEAD_BYTES + (size_t)((hash >> 31) * blocks >> 32) * BLOCK_BYTES;
}

int mr_index_filter_init(struct mr_index_filter *filter, uint64_t entries)
{
    uint64_t blocks = entries * BITS_AN_ENTRY / (8 * BLOCK_BYTES) + 1;

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

void mr_index_filter_add(struct mr_index_filter *filter, uint64_t hash)
{
    uint8_t *block = filter->row + block_of(hash, mr_get_be32(filter->row + 4));

    for (unsigned i = 0; i < WORDS; i++) {
        uint32_t word = mr_get_be32(block + 4 * i) | bit_of(hash, i);

        mr_put_be32(block + 4 * i, word);
    }
}

int mr_index_filter_put(struct mr_kv_txn *txn, uint64_t run, struct mr_index_filter *filter)
{
    uint8_t key[8];

    key_of(run, key);
    mr_put_be32(filter->row, mr_crc32c(0, filter->row + 4, filter->size - 4));
    return mr_kv_put(txn, MR_INDEX_FILTER, mr_slice(key, sizeof key), mr_slice(filter->row, filter->size));
}

int mr_index_filter_get(struct mr_kv_txn *txn, uint64_t run, struct mr_slice *ret)
{
    uint8_t key[8];
    int r;

    key_of(run, key);
    *ret = (struct mr_slice){0};
    r = mr_kv_get(txn, MR_INDEX_FILTER, mr_slice(key, sizeof key), ret);
    if (r < 0)
        return r == MR_ENOTFOUND ? 0 : r;
    if (ret->size < HEAD_BYTES + BLOCK_BYTES ||
            ret->size != HEAD_BYTES + (size_t)mr_get_be32(ret->data + 4) * BLOCK_BYTES)
        return MR_ECORRUPT;
    return 0;
}

int mr_index_filter_del(struct mr_kv_txn *txn, uint64_t run)
{
    uint8_t key[8];
    int r;

    key_of(run, key);
    r = mr_kv_del(txn, MR_INDEX_FILTER, mr_slice(key, sizeof key));
    return r == MR_ENOTFOUND ? 0 : r;
}

bool mr_index_filter_may(struct mr_slice row, uint64_t hash)
{
    const uint8_t *block;

    if (row.size == 0)
        return true;
    block = row.data + block_of(hash, mr_get_be32(row.data + 4));
    for (unsigned i = 0; i < WORDS; i++)
        if ((mr_get_be32(block + 4 * i) & bit_of(hash, i)) == 0)
            return false;
    return true;
}

int mr_index_filter_check(struct mr_slice row)
{
    return row.size == 0 || mr_get_be32(row.data) == mr_crc32c(0, row.data + 4, row.size - 4) ? 0
                                                                                              : MR_ECORRUPT;
}
