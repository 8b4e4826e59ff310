/* Rows of the table `run`: u64 id -> u8 state, u64 first, u64 last, u64 entries, u32 CRC32C of key and these.
 */
#include <stdlib.h>

#include "proto/base/bytes.h"
#include "proto/base/crc32c.h"
#include "store/index_internal.h"

enum { ROW_BYTES = 29, CRC_AT = 25 };

static uint32_t crc_of(const uint8_t key[static 8], const uint8_t row[static ROW_BYTES])
{
    return mr_crc32c(mr_crc32c(0, key, 8), row, CRC_AT);
}

int mr_index_run_decode(struct mr_index_run *run, struct mr_slice key, struct mr_slice value)
{
    if (key.size != 8 || value.size != ROW_BYTES ||
            mr_get_be32(value.data + CRC_AT) != crc_of(key.data, value.data))
        return MR_ECORRUPT;
    *run = (struct mr_index_run){.id = mr_get_be64(key.data),
            .state = value.data[0],
            .first = mr_get_be64(value.data + 1),
            .last = mr_get_be64(value.data + 9),
            .entries = mr_get_be64(value.data + 17)};
    return run->state >= MR_INDEX_LIVE && run->state <= MR_INDEX_DROPPED && run->first <= run->last
                   ? 0
                   : MR_ECORRUPT;
}

struct loading {
    struct mr_index_runs *runs;
    uint8_t state;
};

static int add_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct loading *loading = ctx;
    struct mr_index_runs *runs = loading->runs;
    struct mr_index_run run;
    int r = mr_index_run_decode(&run, key, value);

    if (r < 0 || (loading->state && run.state != loading->state))
        return r;
    if (runs->count == runs->capacity) {
        size_t capacity = runs->capacity ? runs->capacity * 2 : 32;
        struct mr_index_run *items = realloc(runs->items, capacity * sizeof *items);

        if (!items)
            return MR_ENOMEM;
        runs->items = items;
        runs->capacity = capacity;
    }
    runs->items[runs->count++] = run;
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct mr_index_run *x = a, *y = b;

    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

int mr_index_runs_load(struct mr_kv_txn *txn, uint8_t state, struct mr_index_runs *ret)
{
    struct loading loading = {ret, state};
    int r;

    ret->count = 0;
    r = mr_kv_rows(txn, MR_INDEX_RUN, (struct mr_slice){0}, (struct mr_slice){0}, add_row, &loading);
    if (r == 0 && ret->count > 1)
        qsort(ret->items, ret->count, sizeof *ret->items, compare);
    return r;
}

void mr_index_runs_fini(struct mr_index_runs *runs)
{
    free(runs->items);
    *runs = (struct mr_index_runs){0};
}

int mr_index_run_put(struct mr_kv_txn *txn, const struct mr_index_run *run)
{
    uint8_t key[8], row[ROW_BYTES];

    mr_put_be64(key, run->id);
    row[0] = run->state;
    mr_put_be64(row + 1, run->first);
    mr_put_be64(row + 9, run->last);
    mr_put_be64(row + 17, run->entries);
    mr_put_be32(row + CRC_AT, crc_of(key, row));
    return mr_kv_put(txn, MR_INDEX_RUN, mr_slice(key, sizeof key), mr_slice(row, sizeof row));
}

int mr_index_run_del(struct mr_kv_txn *txn, uint64_t id)
{
    uint8_t key[8];

    mr_put_be64(key, id);
    return mr_kv_del(txn, MR_INDEX_RUN, mr_slice(key, sizeof key));
}
