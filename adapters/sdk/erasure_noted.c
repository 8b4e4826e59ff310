#include "adapters/sdk/erasure_noted.h"

#include <inttypes.h>
#include <string.h>

#include "proto/base/bytes.h"

enum { KEY = 4 + 8, VALUE = 8, TOLD_MAX = 20 };

struct since {
    int64_t since_us;
    uint64_t last[TOLD_MAX]; /* a ring */
    size_t count;
};

int mr_erasure_note(struct mr_outbox_txn *txn, uint64_t request, int64_t now_us)
{
    uint8_t key[KEY] = "mr.e", value[VALUE];
    struct mr_slice old;
    int r;

    mr_put_be64(key + 4, request);
    r = mr_outbox_get(txn, mr_slice(key, sizeof key), &old);
    if (r != MR_ENOTFOUND)
        return r;
    mr_put_be64(value, (uint64_t)now_us);
    return mr_outbox_put(txn, mr_slice(key, sizeof key), mr_slice(value, sizeof value));
}

static int look(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct since *since = ctx;

    if (key.size != KEY || value.size != VALUE)
        return MR_ECORRUPT;
    if ((int64_t)mr_get_be64(value.data) > since->since_us)
        since->last[since->count++ % TOLD_MAX] = mr_get_be64(key.data + 4);
    return 0;
}

int mr_erasure_noted_since(struct mr_outbox_txn *txn, int64_t since_us, struct mr_buf *out)
{
    struct since since = {.since_us = since_us};
    int r = mr_outbox_each(txn, mr_slice_str("mr.e"), look, &since);
    size_t first = since.count > TOLD_MAX ? since.count - TOLD_MAX : 0;

    if (first > 0)
        mr_buf_put_str(out, "…, ");
    for (size_t i = first; i < since.count; i++)
        mr_buf_printf(out, "%s%" PRIu64, i > first ? ", " : "", since.last[i % TOLD_MAX]);
    return r < 0 ? r : mr_buf_failed(out) ? MR_ENOMEM : 0;
}
