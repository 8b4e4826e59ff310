/*
 * What was derived from expired records goes after them: index entries that come from inside of them, and
 * their facts. Index and views are then what a rebuild makes of the log. A failure, or a kill before this,
 * leaves some: no answer of the index has them, for each is checked in the log, and `rebuild --check` tells
 * of them.
 */
#include <stdlib.h>
#include <string.h>

#include "hub/compactor_internal.h"
#include "proto/base/bytes.h"

enum { ROW_KEY_BYTES = 9, ROWS_AT_ONCE = 4096 };

int mr_expiring_init(struct mr_expiring *expiring, uint64_t first, uint64_t last)
{
    *expiring = (struct mr_expiring){
            .first = first, .last = last, .bits = calloc(1, (size_t)((last - first) / 8 + 1))};
    return expiring->bits ? 0 : MR_ENOMEM;
}

void mr_expiring_fini(struct mr_expiring *expiring)
{
    free(expiring->bits);
    expiring->bits = NULL;
}

void mr_expiring_add(struct mr_expiring *expiring, uint64_t number)
{
    uint64_t at = number - expiring->first;

    expiring->bits[at / 8] |= (uint8_t)(1 << at % 8);
    expiring->any = true;
}

static bool expires(void *ctx, uint64_t number)
{
    const struct mr_expiring *e = ctx;
    uint64_t at = number - e->first;

    return number >= e->first && number <= e->last && (e->bits[at / 8] & 1 << at % 8) != 0;
}

/* ---- facts: key u64 number, u8 part ---- */

struct rows {
    struct mr_expiring *expiring;
    uint8_t keys[ROWS_AT_ONCE][ROW_KEY_BYTES];
    size_t count;
    uint64_t next; /* number to go on from */
};

static int gather(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct rows *rows = ctx;

    (void)value;
    if (key.size != ROW_KEY_BYTES)
        return MR_ECORRUPT;
    rows->next = mr_get_be64(key.data);
    if (rows->next > rows->expiring->last || rows->count == ROWS_AT_ONCE)
        return 1;
    if (expires(rows->expiring, rows->next))
        memcpy(rows->keys[rows->count++], key.data, ROW_KEY_BYTES);
    return 0;
}

/* From rows->next on. 1: there is more. */
static int gather_rows(struct mr_view *view, struct rows *rows)
{
    struct mr_view_reader *reader;
    uint8_t from[8];
    int r = mr_view_reader_open(view, &reader);

    if (r < 0)
        return r;
    mr_put_be64(from, rows->next);
    rows->count = 0;
    r = mr_view_rows(reader, MR_VIEW_FACT, mr_slice(from, sizeof from), gather, rows);
    mr_view_reader_close(reader);
    return r == 1 && rows->next > rows->expiring->last ? 0 : r;
}

static int delete_rows(struct mr_view *view, const struct rows *rows)
{
    struct mr_view_batch *batch;
    int r = rows->count > 0 ? mr_view_batch_begin(view, &batch) : 0;

    if (r < 0 || rows->count == 0)
        return r;
    for (size_t i = 0; r == 0 && i < rows->count; i++) {
        r = mr_view_batch_del(batch, MR_VIEW_FACT, mr_slice(rows->keys[i], ROW_KEY_BYTES));
        r = r == MR_ENOTFOUND ? 0 : r;
    }
    if (r == 0)
        return mr_view_batch_commit_rows(batch);
    mr_view_batch_abort(batch);
    return r;
}

static int forget_facts(struct mr_view *view, struct mr_expiring *expiring)
{
    struct rows *rows = malloc(sizeof *rows);
    int more = rows ? 1 : MR_ENOMEM, r = 0;

    if (rows) {
        rows->expiring = expiring;
        rows->next = expiring->first;
    }
    while (r == 0 && more == 1) {
        more = gather_rows(view, rows);
        r = more < 0 ? more : delete_rows(view, rows);
    }
    free(rows);
    return r < 0 ? r : more;
}

int mr_compactor_forget(struct mr_compactor *c, struct mr_expiring *expiring)
{
    const uint32_t inside = 1u << MR_INDEX_EVENT_ID | 1u << MR_INDEX_CORRELATION |
                            1u << MR_INDEX_ORGANISATION | 1u << MR_INDEX_PERSON | 1u << MR_INDEX_DOCUMENT;
    int r;

    if (!expiring->any)
        return 0;
    r = mr_index_thin(c->options.house->index, inside, expiring->first, expiring->last, expires, expiring);
    return r < 0 ? r : forget_facts(c->options.house->view, expiring);
}
