#include "hub/intake/prepare_write.h"

#include <assert.h>
#include <string.h>

#include "hub/intake/waiting.h"
#include "proto/base/list.h"

/* The span with index i; the buffer is malloc's memory, and holds nothing else. */
static struct mr_intake_span span_at(const struct mr_intake *intake, size_t i)
{
    struct mr_intake_span span;

    memcpy(&span, intake->spans.data + i * sizeof span, sizeof span);
    return span;
}

static size_t spans_count(const struct mr_intake *intake)
{
    return intake->spans.size / sizeof(struct mr_intake_span);
}

static int put_row(struct mr_log_batch *batch, enum mr_log_table table, struct mr_slice key, int encoded,
        struct mr_buf *value)
{
    int r = encoded < 0 ? encoded : mr_log_batch_put(batch, table, key, mr_buf_slice(value));

    mr_buf_fini(value);
    return r;
}

static int append_records(const struct mr_intake *intake, struct mr_log_batch *batch)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < spans_count(intake); i++) {
        struct mr_intake_span span = span_at(intake, i);

        r = mr_log_batch_append_encoded(
                batch, &(struct mr_log_encoded){.number = span.number,
                               .recorded_us = span.recorded_us,
                               .value = mr_slice(intake->records.data + span.offset, span.size),
                               .leaf_hash = span.leaf_hash});
    }
    return r;
}

static int put_quarantine(
        const struct mr_intake *intake, const struct mr_intake_span *span, struct mr_log_batch *batch)
{
    const struct mr_intake_item *item = &intake->items[span->item];
    struct mr_quarantine_row row = {.state = MR_QUARANTINE_WAITING,
            .system = intake->system,
            .at_us = span->recorded_us,
            .text = *item->text,
            .place = span->place,
            .behind = span->behind};
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_QUARANTINE_KEY_BYTES];
    int r;

    memcpy(row.item, span->item_key, sizeof row.item);
    r = mr_quarantine_row_encode(&value, &row);
    return put_row(batch, MR_LOG_QUARANTINE, mr_number_key(span->number, key), r, &value);
}

/* Of a row that waits; another one (an erasure was first) is left as it is. */
static int change_waiting(struct mr_log_batch *batch, uint64_t number,
        void (*change)(struct mr_quarantine_row *row, const void *ctx), const void *ctx)
{
    struct mr_quarantine_row row;
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_QUARANTINE_KEY_BYTES];
    struct mr_slice old;
    int r = mr_log_batch_get(batch, MR_LOG_QUARANTINE, mr_number_key(number, key), &old);

    if (r == 0)
        r = mr_quarantine_row_decode(&row, old);
    if (r < 0 || row.state != MR_QUARANTINE_WAITING)
        return r;
    change(&row, ctx);
    r = mr_quarantine_row_encode(&value, &row);
    return put_row(batch, MR_LOG_QUARANTINE, mr_slice(key, sizeof key), r, &value);
}

/* What waited has a newer record: whoever looks at the old one is led there. */
struct ending {
    const struct mr_intake *intake;
    const struct mr_intake_span *span;
};

static void set_replaced(struct mr_quarantine_row *row, const void *ctx)
{
    const struct ending *ending = ctx;
    const struct mr_intake *intake = ending->intake;

    row->state = intake->order ? MR_QUARANTINE_RELEASED : MR_QUARANTINE_REPLACED;
    row->replaced_by = ending->span->number;
    row->ended_us = ending->span->recorded_us;
    if (!intake->order)
        return;
    memcpy(row->ended_by, intake->order->by, sizeof row->ended_by);
    row->ended_event = intake->with->items[0].number;
}

static void set_discarded(struct mr_quarantine_row *row, const void *ctx)
{
    const struct mr_intake *intake = ctx;

    row->state = MR_QUARANTINE_DISCARDED;
    row->ended_us = intake->at_us;
    memcpy(row->ended_by, intake->order->by, sizeof row->ended_by);
    row->ended_event = intake->items[0].number;
}

/* It could not be released: perhaps for another reason than before. */
static void set_words(struct mr_quarantine_row *row, const void *ctx)
{
    const struct mr_intake_item *item = ctx;

    row->text = *item->text;
    if (strcmp(row->text.code, MR_CODE_BEHIND) != 0)
        row->behind = 0;
}

static int put_idle(const struct mr_intake *intake, struct mr_log_batch *batch)
{
    const struct mr_desk_order *order = intake->order;

    if (order->over || order->act != MR_DESK_RELEASE || !intake->items[0].text)
        return 0;
    return change_waiting(batch, order->number, set_words, &intake->items[0]);
}

static int put_quarantines(const struct mr_intake *intake, struct mr_log_batch *batch)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < spans_count(intake); i++) {
        struct mr_intake_span span = span_at(intake, i);

        if (intake->items[span.item].verdict == MR_VERDICT_QUARANTINED)
            r = put_quarantine(intake, &span, batch);
        if (r == 0 && span.replaces != 0)
            r = change_waiting(batch, span.replaces, set_replaced, &(struct ending){intake, &span});
    }
    if (r == 0 && intake->order && intake->order->act == MR_DESK_DISCARD)
        r = change_waiting(batch, intake->order->number, set_discarded, intake);
    return r;
}

/* What was not simply stored is told again after Hello, until the producer has noted it (decision 11). */
static int put_verdict(const struct mr_intake *intake, size_t i, struct mr_log_batch *batch)
{
    const struct mr_intake_item *item = &intake->items[i];
    struct mr_verdict_row row = {.verdict = item->verdict, .number = item->number, .at_us = intake->at_us};
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_VERDICT_KEY_BYTES];
    int r;

    memcpy(row.ident, item->ident, sizeof row.ident);
    if (item->text)
        row.text = *item->text;
    r = mr_verdict_row_encode(&value, &row);
    (void)mr_verdict_key(intake->system, intake->epoch, intake->first_sequence + i, key);
    return put_row(batch, MR_LOG_VERDICT, mr_slice(key, sizeof key), r, &value);
}

static int put_verdicts(const struct mr_intake *intake, struct mr_log_batch *batch)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < intake->count; i++) {
        if (intake->items[i].verdict != MR_VERDICT_STORED)
            r = put_verdict(intake, i, batch);
    }
    return r;
}

static int put_intake(const struct mr_intake *intake, struct mr_log_batch *batch)
{
    struct mr_intake_row row = {.system = intake->system,
            .epoch = intake->epoch,
            .first_sequence = intake->first_sequence,
            .received = (uint32_t)intake->count,
            .at_us = intake->at_us,
            .came_us = intake->came_us,
            .committed_us = mr_clock_wall_us(intake->clock),
            .through = mr_log_batch_head(batch),
            .records = (uint32_t)spans_count(intake)};
    uint32_t *const counts[] = {NULL, &row.stored, &row.duplicate, &row.quarantined, &row.refused};
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_INTAKE_KEY_BYTES];
    int r;

    for (size_t i = 0; i < intake->count; i++) {
        assert(intake->items[i].verdict > 0 && intake->items[i].verdict < MR_COUNT(counts));
        (*counts[intake->items[i].verdict])++;
    }
    r = mr_intake_row_encode(&value, &row);
    return put_row(batch, MR_LOG_INTAKE, mr_number_key(intake->running, key), r, &value);
}

/* Read and written in the same commit: seen_sequence belongs to the gateway, which writes the same row. */
static int put_producer(const struct mr_intake *intake, struct mr_log_batch *batch)
{
    struct mr_producer_row row = {0};
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_PRODUCER_KEY_BYTES];
    struct mr_slice old;
    uint64_t last = intake->first_sequence + intake->count - 1;
    int r = mr_log_batch_get(batch, MR_LOG_PRODUCER, mr_producer_key(intake->system, key), &old);

    if (r == 0)
        r = mr_producer_row_decode(&row, old);
    if (r < 0 && r != MR_ENOTFOUND)
        return r;
    if (row.epoch != intake->epoch)
        row = (struct mr_producer_row){.epoch = intake->epoch};
    if (last > row.stored_sequence)
        row.stored_sequence = last;
    r = mr_producer_row_encode(&value, &row);
    return put_row(batch, MR_LOG_PRODUCER, mr_producer_key(intake->system, key), r, &value);
}

static int fill(struct mr_intake *intake, struct mr_log_batch *batch)
{
    int r = append_records(intake, batch);

    if (r == 0)
        r = put_quarantines(intake, batch);
    if (r == 0 && intake->count > 0)
        r = put_intake(intake, batch);
    if (r == 0 && intake->count > 0 && intake->sender)
        r = put_verdicts(intake, batch);
    if (r == 0 && intake->count > 0 && intake->sender && !intake->by_tool)
        r = put_producer(intake, batch);
    if (r == 0 && intake->rows)
        r = intake->rows(intake, batch);
    return r;
}

int mr_intake_fill(struct mr_writer_job *job, struct mr_log_batch *batch)
{
    struct mr_intake *intake = MR_CONTAINER(job, struct mr_intake, job);
    int r;

    if (intake->idle)
        return put_idle(intake, batch);
    r = fill(intake, batch);
    return r == 0 && intake->with ? fill(intake->with, batch) : r;
}

static int stop_at_first(void *ctx, struct mr_slice key, struct mr_slice value)
{
    (void)ctx;
    (void)key;
    (void)value;
    return 1;
}

/* Is there a row at `from` or after it? The numbers have no gaps at the end, so this halves its way to the
 * last one. */
static int row_from(struct mr_log_reader *reader, uint64_t from)
{
    uint8_t key[MR_INTAKE_KEY_BYTES];

    return mr_log_rows(
            reader, MR_LOG_INTAKE, (struct mr_slice){0}, mr_number_key(from, key), stop_at_first, NULL);
}

int mr_intake_next(struct mr_log *log, uint64_t *ret)
{
    struct mr_log_reader *reader;
    uint64_t low = 1, high = UINT64_MAX; /* the answer: the smallest number from which on there is no row */
    int r = mr_log_reader_open(log, &reader);

    if (r < 0)
        return r;
    while (low < high && r >= 0) {
        uint64_t middle = low + (high - low) / 2;

        r = row_from(reader, middle);
        if (r == 1)
            low = middle + 1;
        else
            high = middle;
    }
    mr_log_reader_close(reader);
    *ret = low;
    return r < 0 ? r : 0;
}
