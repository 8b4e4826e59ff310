/* Index and views made right where the log has changed behind them. */
#include <stdlib.h>
#include <string.h>

#include "hub/index/indexer.h"
#include "hub/index/owed.h"
#include "hub/intake/prepare.h"
#include "proto/base/bytes.h"
#include "store/fault.h"

enum { ROW_KEY_BYTES = 9, ROWS_AT_ONCE = 4096, DAMAGED_AT_ONCE = 64 };

/* ---- which records of the range have expired, or are over: a bit each ---- */

struct expired {
    uint64_t first, last;
    uint8_t *bits;
    bool any;
};

static void add(struct expired *expired, uint64_t number)
{
    uint64_t at = number - expired->first;

    expired->bits[at / 8] |= (uint8_t)(1 << at % 8);
    expired->any = true;
}

static bool is_expired(void *ctx, uint64_t number)
{
    const struct expired *e = ctx;
    uint64_t at = number - e->first;

    return number >= e->first && number <= e->last && (e->bits[at / 8] & 1 << at % 8) != 0;
}

/* Its body waited for correction and is not needed any more. */
static bool is_over(struct mr_log_reader *reader, const struct mr_record *record, int64_t now_us)
{
    struct mr_quarantine_row row;

    return record->flags & MR_RECORD_QUARANTINED &&
           mr_quarantine_row_read(&row, reader, record->number) == 0 && mr_quarantine_row_over(&row, now_us);
}

static int read_all(struct mr_log_reader *reader, struct mr_record_view *view, struct expired *expired,
        int64_t now_us, const struct mr_owed_stop *stop)
{
    int r = 0;

    for (uint64_t n = expired->first; r == 0 && n <= expired->last; n++) {
        if (stop->stopping && stop->stopping(stop->ctx))
            return MR_ECLOSED;
        r = n == expired->first ? mr_log_read(reader, n, view, NULL) : mr_log_read_next(reader, view, NULL);
        if (r == 0 && (view->record.flags & MR_RECORD_EXPIRED || is_over(reader, &view->record, now_us)))
            add(expired, n);
        else if (r == MR_ECORRUPT || r == MR_EUNSUPPORTED) /* has not changed */
            r = 0;
    }
    return r;
}

/* ---- facts: key u64 number, u8 part ---- */

struct rows {
    struct expired *expired;
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
    if (rows->next > rows->expired->last || rows->count == ROWS_AT_ONCE)
        return 1;
    if (is_expired(rows->expired, rows->next))
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
    return r == 1 && rows->next > rows->expired->last ? 0 : r;
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

static int forget_facts(struct mr_view *view, struct expired *expired)
{
    struct rows *rows = malloc(sizeof *rows);
    int more = rows ? 1 : MR_ENOMEM, r = 0;

    if (rows) {
        rows->expired = expired;
        rows->next = expired->first;
    }
    while (r == 0 && more == 1) {
        more = gather_rows(view, rows);
        r = more < 0 ? more : delete_rows(view, rows);
    }
    free(rows);
    return r < 0 ? r : more;
}

/* ---- what came from inside of them goes ---- */

static int forget(struct mr_house *house, struct expired *expired)
{
    int r;

    if (!expired->any)
        return 0;
    r = mr_index_thin(house->index, MR_INDEX_INSIDE, expired->first, expired->last, is_expired, expired);
    return r < 0 ? r : forget_facts(house->view, expired);
}

static int settle_expired(struct mr_house *house, struct mr_log_reader *reader, struct mr_record_view *view,
        const struct mr_owed *owed, const struct mr_owed_stop *stop)
{
    struct expired expired = {.first = owed->first,
            .last = owed->last,
            .bits = calloc(1, (size_t)((owed->last - owed->first) / 8 + 1))};
    int r = expired.bits ? read_all(reader, view, &expired, mr_clock_wall_us(house->clock), stop) : MR_ENOMEM;

    mr_log_reader_pause(reader);
    if (r == 0)
        r = forget(house, &expired);
    free(expired.bits);
    return r;
}

/* ---- records that came back ---- */

static int one_again(
        struct mr_house *house, struct mr_log_reader *reader, struct mr_record_view *view, uint64_t number)
{
    struct mr_index_entry_ref damaged = {.kind = MR_INDEX_DAMAGED, .number = number};
    int r = mr_log_reader_renew(reader);

    if (r == 0)
        r = mr_log_read(reader, number, view, NULL);
    mr_log_reader_pause(reader);
    if (r == MR_ECORRUPT || r == MR_EUNSUPPORTED)
        return 0; /* it is damaged still */
    if (r == 0)
        r = mr_indexer_again(house, number);
    return r < 0 ? r : mr_index_forget(house->index, &damaged, 1);
}

static int settle_damaged(struct mr_house *house, struct mr_log_reader *reader, struct mr_record_view *view,
        const struct mr_owed *owed)
{
    static const uint8_t no_key[MR_INDEX_KEY_BYTES];
    uint64_t numbers[DAMAGED_AT_ONCE], after = owed->first - 1;
    int n, r = 0;

    do {
        n = mr_index_find(house->index, MR_INDEX_DAMAGED, no_key, after, numbers, DAMAGED_AT_ONCE);
        for (int i = 0; r == 0 && i < n && numbers[i] <= owed->last; i++)
            r = one_again(house, reader, view, numbers[i]);
        if (n > 0)
            after = numbers[n - 1];
    } while (r == 0 && n == DAMAGED_AT_ONCE && after < owed->last);
    return n < 0 ? n : r;
}

int mr_owed_settle(struct mr_house *house, const struct mr_owed *owed, const struct mr_owed_stop *stop)
{
    struct mr_record_view *view = NULL;
    struct mr_log_reader *reader = NULL;
    int r = MR_FAULT("owed.settle");

    if (r < 0)
        return r;
    /* What the indexer reads from now on it reads as it is now; what it has read before is to be there. */
    if (mr_index_through(house->index) < owed->last || mr_view_through(house->view) < owed->last)
        return MR_EAGAIN;
    view = malloc(sizeof *view);
    r = view ? mr_log_reader_open(house->log, &reader) : MR_ENOMEM;
    if (r == 0)
        r = settle_expired(house, reader, view, owed, stop);
    if (r == 0)
        r = settle_damaged(house, reader, view, owed);
    mr_log_reader_close(reader);
    free(view);
    return r;
}
