/*
 * Rows that end in a CRC32C over the table's name, the key and the value: LMDB has no checksums, and a
 * flipped bit in a row of its own meaning would be believed.
 */
#include "proto/base/bytes.h"
#include "proto/base/crc32c.h"
#include "store/kv_internal.h"
#include "store/kv_pages.h"

uint32_t mr_kv_row_seed(const char *table)
{
    return mr_crc32c(0, table, strlen(table) + 1);
}

uint32_t mr_kv_row_crc(uint32_t seed, struct mr_slice key, struct mr_slice value)
{
    uint8_t size[2];

    mr_put_be16(size, (uint16_t)key.size); /* so that no byte can change from key to value */
    seed = mr_crc32c(seed, size, sizeof size);
    seed = mr_crc32c(seed, key.data, key.size);
    return mr_crc32c(seed, value.data, value.size);
}

static int open_row(uint32_t seed, struct mr_slice key, struct mr_slice *value)
{
    struct mr_slice inside;

    if (value->size < MR_KV_CRC_BYTES)
        return MR_ECORRUPT;
    inside = mr_slice(value->data, value->size - MR_KV_CRC_BYTES);
    if (mr_get_be32(inside.data + inside.size) != mr_kv_row_crc(seed, key, inside))
        return MR_ECORRUPT;
    *value = inside;
    return 0;
}

int mr_kv_row_open(const struct mr_kv *kv, uint32_t table, struct mr_slice key, struct mr_slice *value)
{
    return mr_kv_is_checked(kv, table) ? open_row(kv->seeds[table], key, value) : 0;
}

int mr_kv_row_check(
        const char *table, struct mr_slice key, struct mr_slice stored, struct mr_slice *ret_value)
{
    *ret_value = stored;
    return open_row(mr_kv_row_seed(table), key, ret_value);
}
