/*
 * A block: u32 CRC32C of key and bytes, then the entries behind the first one, which the key says. Each is a
 * varint (delta << 1 | 1) of the hash and a varint of the number within the run; or, for the same hash,
 * (delta << 1) of the number. Entries of one kind only.
 */
#include <string.h>

#include "proto/base/bytes.h"
#include "proto/base/crc32c.h"
#include "store/index_internal.h"

enum { CRC_BYTES = 4, ENTRY_BYTES_MAX = 20 };

uint64_t mr_index_hash(const uint8_t key[static MR_INDEX_KEY_BYTES])
{
    return mr_get_be64(key) >> 1;
}

int mr_index_entry_compare(const struct mr_index_entry *a, const struct mr_index_entry *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

void mr_index_block_key(
        uint64_t run, const struct mr_index_entry *first, uint8_t ret[static MR_INDEX_BLOCK_KEY_BYTES])
{
    mr_put_be64(ret, run);
    ret[8] = first->kind;
    mr_put_be64(ret + 9, first->hash);
    mr_put_be64(ret + 17, first->number);
}

/* ---- reading ---- */

static bool take_varint(struct mr_index_block *block, uint64_t *ret)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && block->at < block->end; shift += 7) {
        uint8_t byte = *block->at++;

        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) {
            *ret = value;
            return true;
        }
    }
    return false;
}

int mr_index_block_open(struct mr_index_block *block, const struct mr_index_run *run, struct mr_slice key,
        struct mr_slice value)
{
    if (key.size != MR_INDEX_BLOCK_KEY_BYTES || value.size < CRC_BYTES)
        return MR_ECORRUPT;
    if (mr_get_be32(value.data) !=
            mr_crc32c(mr_crc32c(0, key.data, key.size), value.data + CRC_BYTES, value.size - CRC_BYTES))
        return MR_ECORRUPT;
    *block = (struct mr_index_block){
            .entry = {.kind = key.data[8],
                    .hash = mr_get_be64(key.data + 9),
                    .number = mr_get_be64(key.data + 17)},
            .at = value.data + CRC_BYTES,
            .end = value.data + value.size,
            .base = run->first,
    };
    return 0;
}

int mr_index_block_next(struct mr_index_block *block)
{
    uint64_t token, number;

    if (block->at == block->end)
        return 0;
    if (!take_varint(block, &token))
        return MR_ECORRUPT;
    if ((token & 1) == 0) {
        block->entry.number += token >> 1;
        return 1;
    }
    if (!take_varint(block, &number))
        return MR_ECORRUPT;
    block->entry.hash += token >> 1;
    block->entry.number = block->base + number;
    return 1;
}

/* ---- writing ---- */

void mr_index_out_begin(struct mr_index_out *out, struct mr_kv_txn *txn, struct mr_index_run *run,
        struct mr_index_filter *filter)
{
    out->txn = txn;
    out->run = run;
    out->filter = filter;
    out->last = (struct mr_index_entry){0};
    out->blocks = 0;
    out->size = 0;
}

static void put_varint(struct mr_index_out *out, uint64_t value)
{
    for (; value >= 128; value >>= 7)
        out->bytes[out->size++] = (uint8_t)(value | 128);
    out->bytes[out->size++] = (uint8_t)value;
}

void mr_index_out_put(struct mr_index_out *out, const struct mr_index_entry *entry)
{
    if (out->size > 0 && (entry->kind != out->last.kind || out->size + ENTRY_BYTES_MAX > sizeof out->bytes))
        mr_index_out_flush(out);
    if (out->size == 0) {
        mr_index_block_key(out->run->id, entry, out->key);
        out->size = CRC_BYTES;
    } else if (entry->hash == out->last.hash) {
        put_varint(out, (entry->number - out->last.number) << 1);
    } else {
        put_varint(out, (entry->hash - out->last.hash) << 1 | 1);
        put_varint(out, entry->number - out->run->first);
    }
    if (out->filter && entry->kind == MR_INDEX_IDENT)
        mr_index_filter_add(out->filter, entry->hash);
    out->run->entries++;
    out->last = *entry;
}

void mr_index_out_flush(struct mr_index_out *out)
{
    if (out->size == 0)
        return;
    mr_put_be32(out->bytes, mr_crc32c(mr_crc32c(0, out->key, sizeof out->key), out->bytes + CRC_BYTES,
                                    out->size - CRC_BYTES));
    (void)mr_kv_put(out->txn, MR_INDEX_BLOCK, mr_slice(out->key, sizeof out->key),
            mr_slice(out->bytes, out->size)); /* sticky */
    out->size = 0;
    out->blocks++;
}
