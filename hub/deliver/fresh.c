#include "hub/deliver/fresh.h"

#include <stdlib.h>
#include <string.h>

#include "hub/intake/prepare_write.h"

struct mr_fresh_batch {
    struct mr_list link;
    uint64_t first;
    size_t count;
    struct mr_buf records;
    struct mr_buf spans; /* struct mr_intake_span, one a record, of numbers without gaps */
};

/* The buffer is malloc's memory, and holds nothing else. */
static struct mr_intake_span span_at(const struct mr_buf *spans, size_t i)
{
    struct mr_intake_span span;

    memcpy(&span, spans->data + i * sizeof span, sizeof span);
    return span;
}

void mr_fresh_init(struct mr_fresh *fresh)
{
    *fresh = (struct mr_fresh){0};
    mr_list_init(&fresh->batches);
}

static size_t memory_of(const struct mr_fresh_batch *batch)
{
    return sizeof *batch + batch->records.capacity + batch->spans.capacity;
}

/* Room was made for all events of the intake (hub/intake/prepare.c), and few of them may have been stored. */
static void fit(struct mr_buf *buf)
{
    struct mr_buf small = MR_BUF_INIT;

    if (buf->capacity / 2 <= buf->size)
        return;
    mr_buf_put_slice(&small, mr_buf_slice(buf));
    if (mr_buf_failed(&small))
        return; /* it stays as large as it is, and counts so */
    mr_buf_wipe(buf);
    *buf = small;
}

static void drop_first(struct mr_fresh *fresh)
{
    struct mr_fresh_batch *batch =
            MR_CONTAINER(mr_list_pop_front(&fresh->batches), struct mr_fresh_batch, link);

    fresh->bytes -= memory_of(batch);
    fresh->at = NULL;
    mr_buf_wipe(&batch->records);
    mr_buf_fini(&batch->spans);
    free(batch);
}

void mr_fresh_clear(struct mr_fresh *fresh)
{
    while (!mr_list_empty(&fresh->batches))
        drop_first(fresh);
}

static struct mr_fresh_batch *first_of(const struct mr_fresh *fresh)
{
    return MR_CONTAINER(fresh->batches.next, struct mr_fresh_batch, link);
}

void mr_fresh_forget(struct mr_fresh *fresh, uint64_t before)
{
    while (!mr_list_empty(&fresh->batches) && first_of(fresh)->first + first_of(fresh)->count <= before)
        drop_first(fresh);
}

uint64_t mr_fresh_first(const struct mr_fresh *fresh)
{
    return mr_list_empty(&fresh->batches) ? 0 : first_of(fresh)->first;
}

static bool without_gaps(const struct mr_buf *spans, size_t count)
{
    return span_at(spans, count - 1).number - span_at(spans, 0).number == count - 1;
}

void mr_fresh_keep(struct mr_fresh *fresh, struct mr_intake *intake)
{
    size_t count = intake->spans.size / sizeof(struct mr_intake_span);
    struct mr_fresh_batch *batch;

    if (intake->status < 0 || intake->dry || count == 0 || intake->records.size > MR_FRESH_BYTES ||
            !without_gaps(&intake->spans, count))
        return;
    batch = calloc(1, sizeof *batch);
    if (!batch)
        return;
    mr_list_init(&batch->link);
    batch->first = span_at(&intake->spans, 0).number;
    batch->count = count;
    batch->records = intake->records;
    batch->spans = intake->spans;
    intake->records = intake->spans = MR_BUF_INIT;
    fit(&batch->records);
    fit(&batch->spans);
    mr_list_push_back(&fresh->batches, &batch->link);
    fresh->bytes += memory_of(batch);
    while (fresh->bytes > MR_FRESH_BYTES)
        drop_first(fresh);
}

static bool has(const struct mr_fresh_batch *batch, uint64_t number)
{
    return number >= batch->first && number - batch->first < batch->count;
}

/* Numbers are asked for in order, mostly: of the batch where the last one was, or the one behind it. */
static struct mr_fresh_batch *batch_of(struct mr_fresh *fresh, uint64_t number)
{
    struct mr_list *link = fresh->at && number >= fresh->at->first ? &fresh->at->link : fresh->batches.next;

    for (; link != &fresh->batches; link = link->next) {
        struct mr_fresh_batch *batch = MR_CONTAINER(link, struct mr_fresh_batch, link);

        if (has(batch, number))
            return batch;
        if (batch->first > number)
            return NULL;
    }
    return NULL;
}

bool mr_fresh_find(struct mr_fresh *fresh, uint64_t number, struct mr_record_view *ret)
{
    struct mr_fresh_batch *batch = batch_of(fresh, number);
    struct mr_intake_span span;

    if (!batch)
        return false;
    fresh->at = batch;
    span = span_at(&batch->spans, number - batch->first);
    mr_record_decode_own(ret, number, mr_slice(batch->records.data + span.offset, span.size));
    return true;
}
