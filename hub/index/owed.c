#include "hub/index/owed.h"

#include <string.h>

#include "proto/base/bytes.h"

enum { NAME_BYTES = 4, KEY_BYTES = NAME_BYTES + 8, VALUE_BYTES = 8 };

static const char NAME[] = "owed";

static struct mr_slice key_of(uint64_t first, uint8_t ret[static KEY_BYTES])
{
    memcpy(ret, NAME, NAME_BYTES);
    mr_put_be64(ret + NAME_BYTES, first);
    return mr_slice(ret, KEY_BYTES);
}

int mr_owed_put(struct mr_log_batch *batch, const struct mr_owed *owed)
{
    uint8_t bytes[KEY_BYTES], last[VALUE_BYTES];
    struct mr_slice key = key_of(owed->first, bytes), value;
    int r = mr_log_batch_get(batch, MR_LOG_META, key, &value);

    if (r == 0 && value.size == VALUE_BYTES && mr_get_be64(value.data) >= owed->last)
        return 0;
    mr_put_be64(last, owed->last);
    return r < 0 && r != MR_ENOTFOUND
                   ? r
                   : mr_log_batch_put(batch, MR_LOG_META, key, mr_slice(last, VALUE_BYTES));
}

int mr_owed_del(struct mr_log_batch *batch, const struct mr_owed *owed)
{
    uint8_t bytes[KEY_BYTES];
    int r = mr_log_batch_del(batch, MR_LOG_META, key_of(owed->first, bytes));

    return r == MR_ENOTFOUND ? 0 : r;
}

static int on_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct mr_owed *ret = ctx;

    if (key.size != KEY_BYTES || value.size != VALUE_BYTES)
        return MR_ECORRUPT;
    *ret = (struct mr_owed){.first = mr_get_be64(key.data + NAME_BYTES), .last = mr_get_be64(value.data)};
    return ret->first > 0 && ret->first <= ret->last ? 1 : MR_ECORRUPT;
}

int mr_owed_next(struct mr_log_reader *reader, uint64_t from, struct mr_owed *ret)
{
    uint8_t bytes[KEY_BYTES];
    int r = mr_log_rows(reader, MR_LOG_META, mr_slice((const uint8_t *)NAME, NAME_BYTES), key_of(from, bytes),
            on_row, ret);

    return r == 1 ? 0 : r == 0 ? MR_ENOTFOUND : r;
}
