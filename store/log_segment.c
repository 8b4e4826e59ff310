/* Segments of the log: their rows, and what a batch does with them. */
#include "store/log_segment.h"

#include <stdio.h>

#include "store/fault.h"
#include "store/log_internal.h"

/* Value of a row in MR_LOG_SEGMENT; docs/storage.md. */
enum { AT_LAST = 0, AT_GENERATION = 8, AT_EXPIRED = 12, AT_STRIPPED = 20, AT_BYTES = 28, ROW_BYTES = 36 };

static const char TRIMMED[] = "trimmed";
static const char RESTORE[] = "restore the folder from a backup";

/* ---- rows ---- */

static int decode(struct mr_log_segment *ret, struct mr_slice key, struct mr_slice value)
{
    if (key.size != LOG_KEY_BYTES || value.size != ROW_BYTES)
        return MR_ECORRUPT;
    *ret = (struct mr_log_segment){.first = mr_get_be64(key.data),
            .last = mr_get_be64(value.data + AT_LAST),
            .generation = mr_get_be32(value.data + AT_GENERATION),
            .expired = mr_get_be64(value.data + AT_EXPIRED),
            .stripped = mr_get_be64(value.data + AT_STRIPPED),
            .bytes = mr_get_be64(value.data + AT_BYTES)};
    return ret->first > 0 && ret->first <= ret->last && ret->generation > 0 ? 0 : MR_ECORRUPT;
}

/* The last row whose key is at most `number`. MR_ENOTFOUND. */
static int row_at_most(struct mr_kv_txn *txn, uint64_t number, struct mr_log_segment *ret)
{
    struct mr_kv_cursor *cursor;
    struct mr_slice key, value;
    uint8_t want[LOG_KEY_BYTES];
    int r = mr_kv_cursor_open(txn, MR_LOG_SEGMENT, &cursor);

    if (r < 0)
        return r;
    mr_put_be64(want, number);
    r = mr_kv_cursor_seek(cursor, mr_slice(want, sizeof want), &key, &value);
    if (r == MR_ENOTFOUND)
        r = mr_kv_cursor_last(cursor, &key, &value);
    else if (r == 0 && !mr_slice_equal(key, mr_slice(want, sizeof want)))
        r = mr_kv_cursor_prev(cursor, &key, &value);
    if (r == 0)
        r = decode(ret, key, value);
    mr_kv_cursor_close(cursor);
    return r;
}

int mr_log_segment_row(struct mr_kv_txn *txn, uint64_t number, struct mr_log_segment *ret)
{
    int r = row_at_most(txn, number, ret);

    return r == 0 && ret->last < number ? MR_ENOTFOUND : r;
}

uint64_t mr_log_rolled(struct mr_kv_txn *txn)
{
    struct mr_log_segment last;

    return row_at_most(txn, UINT64_MAX, &last) == 0 ? last.last : 0;
}

int mr_log_trimmed_row(struct mr_kv_txn *txn, uint64_t *ret)
{
    struct mr_slice value;
    int r = mr_kv_get(txn, MR_LOG_META, mr_slice_str(TRIMMED), &value);

    *ret = 0;
    if (r == MR_ENOTFOUND)
        return 0;
    if (r == 0 && value.size != 8)
        r = MR_ECORRUPT;
    if (r == 0)
        *ret = mr_get_be64(value.data);
    return r;
}

struct chain {
    uint64_t next; /* number that the next segment begins with */
    mr_log_segment_fn fn;
    void *ctx;
};

static int on_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct chain *chain = ctx;
    struct mr_log_segment segment;
    int r = decode(&segment, key, value);

    if (r == 0 && segment.first != chain->next)
        r = MR_ECORRUPT;
    if (r < 0)
        return r;
    chain->next = segment.last + 1;
    return chain->fn ? chain->fn(chain->ctx, &segment) : 0;
}

static int walk(struct mr_kv_txn *txn, struct chain *chain)
{
    chain->next = 1;
    return mr_kv_rows(txn, MR_LOG_SEGMENT, mr_slice(NULL, 0), mr_slice(NULL, 0), on_row, chain);
}

int mr_log_segments_walk(struct mr_kv_txn *txn, mr_log_segment_fn fn, void *ctx)
{
    struct chain chain = {.fn = fn, .ctx = ctx};

    return walk(txn, &chain);
}

int mr_log_segments_check(struct mr_log *log, struct mr_kv_txn *txn, struct mr_error *reterr)
{
    struct chain chain = {0};
    uint64_t trimmed;
    int r = walk(txn, &chain);

    if (r == 0)
        r = mr_log_trimmed_row(txn, &trimmed);
    if (r < 0)
        return mr_error_set(reterr, r, mr_kv_dir(log->kv), RESTORE,
                "the table of segments does not go from 1 on without gaps");
    if (trimmed < chain.next)
        return 0;
    return mr_error_set(reterr, MR_ECORRUPT, mr_kv_dir(log->kv), RESTORE,
            "records up to %llu are in segments, but there are segments for %llu only",
            (unsigned long long)trimmed, (unsigned long long)(chain.next - 1));
}

/* ---- what there is ---- */

int mr_log_segments(struct mr_log_reader *reader, mr_log_segment_fn fn, void *ctx)
{
    assert(!reader->paused);
    return mr_log_segments_walk(reader->txn, fn, ctx);
}

int mr_log_segment_find(struct mr_log_reader *reader, uint64_t number, struct mr_log_segment *ret)
{
    assert(!reader->paused);
    return mr_log_segment_row(reader->txn, number, ret);
}

int mr_log_segment_last(struct mr_log_reader *reader, struct mr_log_segment *ret)
{
    assert(!reader->paused);
    return row_at_most(reader->txn, UINT64_MAX, ret);
}

uint64_t mr_log_trimmed(struct mr_log_reader *reader)
{
    uint64_t trimmed;

    assert(!reader->paused);
    return mr_log_trimmed_row(reader->txn, &trimmed) == 0 ? trimmed : 0;
}

/* ---- in a batch ---- */

static int put_row(struct mr_kv_txn *txn, const struct mr_log_segment *segment)
{
    uint8_t key[LOG_KEY_BYTES], value[ROW_BYTES];

    mr_put_be64(key, segment->first);
    mr_put_be64(value + AT_LAST, segment->last);
    mr_put_be32(value + AT_GENERATION, segment->generation);
    mr_put_be64(value + AT_EXPIRED, segment->expired);
    mr_put_be64(value + AT_STRIPPED, segment->stripped);
    mr_put_be64(value + AT_BYTES, segment->bytes);
    return mr_kv_put(txn, MR_LOG_SEGMENT, mr_slice(key, sizeof key), mr_slice(value, sizeof value));
}

int mr_log_batch_segment(struct mr_log_batch *batch, const struct mr_log_segment *segment)
{
    struct mr_log_segment last = {0}, old;
    int r = MR_FAULT("segment.row.before");

    if (r == 0)
        r = row_at_most(batch->txn, UINT64_MAX, &last);
    if (r < 0 && r != MR_ENOTFOUND)
        return r;
    assert(segment->last < batch->head); /* the newest record tells where the log ends: it stays */
    if (segment->first <= last.last) {
        r = mr_log_segment_row(batch->txn, segment->first, &old);
        if (r < 0)
            return r;
        assert(old.first == segment->first && old.generation < segment->generation);
        assert(old.last == segment->last || old.last == last.last);
        assert(old.last <= segment->last);
    } else {
        assert(segment->first == last.last + 1);
    }
    return put_row(batch->txn, segment);
}

/* Takes the records from `trimmed` + 1 up to `to` out. */
static int take_out(struct mr_kv_txn *txn, uint64_t trimmed, uint64_t to)
{
    uint8_t key[LOG_KEY_BYTES], value[8];
    int r = MR_FAULT("segment.trim.before");

    for (uint64_t n = trimmed + 1; r == 0 && n <= to; n++) {
        mr_put_be64(key, n);
        r = mr_kv_del(txn, LOG_RECORDS, mr_slice(key, sizeof key));
    }
    if (r == MR_ENOTFOUND)
        return MR_ECORRUPT;
    mr_put_be64(value, to);
    return r < 0 ? r : mr_kv_put(txn, MR_LOG_META, mr_slice_str(TRIMMED), mr_slice(value, sizeof value));
}

int mr_log_batch_trim(struct mr_log_batch *batch, uint32_t max)
{
    struct mr_log_segment last = {0};
    uint64_t trimmed, to;
    int r = row_at_most(batch->txn, UINT64_MAX, &last);

    if (r == MR_ENOTFOUND)
        return 0;
    if (r == 0)
        r = mr_log_trimmed_row(batch->txn, &trimmed);
    if (r < 0)
        return r;
    if (trimmed >= last.last)
        return 0;
    to = last.last - trimmed > max ? trimmed + max : last.last;
    r = take_out(batch->txn, trimmed, to);
    return r < 0 ? r : to < last.last;
}

static int put_stripped(struct mr_log_batch *batch, struct mr_record *record, uint16_t slots)
{
    uint8_t key[LOG_KEY_BYTES];
    int r;

    for (size_t i = 0; i < record->slots_count; i++)
        if (slots & 1u << i)
            record->slots[i] = mr_slice(NULL, 0);
    record->flags |= MR_RECORD_STRIPPED;
    mr_buf_reset(&batch->scratch);
    r = mr_record_encode(&batch->scratch, record);
    mr_put_be64(key, record->number);
    return r < 0 ? r
                 : mr_kv_put(
                           batch->txn, LOG_RECORDS, mr_slice(key, sizeof key), mr_buf_slice(&batch->scratch));
}

int mr_log_batch_strip(struct mr_log_batch *batch, uint64_t number, uint16_t slots)
{
    struct mr_record_view view;
    struct mr_slice value;
    uint8_t key[LOG_KEY_BYTES];
    int r = MR_FAULT("segment.strip.before");

    mr_put_be64(key, number);
    if (r == 0)
        r = mr_kv_get(batch->txn, LOG_RECORDS, mr_slice(key, sizeof key), &value);
    if (r == 0)
        r = mr_record_decode(&view, number, value, NULL);
    if (r == 0)
        r = put_stripped(batch, &view.record, slots);
    if (r < 0)
        return r;
    r = mr_kv_del(batch->txn, MR_LOG_STRIP, mr_slice(key, sizeof key));
    return r == MR_ENOTFOUND ? 0 : r;
}
