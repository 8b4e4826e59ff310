#include "hub/deliver/fresh.h"

#include <stdlib.h>
#include <string.h>

#include "hub/intake/prepare_write.h"

enum { BATCHES_MIN = 64 };

struct mr_fresh_batch {
    uint64_t first;
    size_t count;
    int64_t kept_us;
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
    struct mr_fresh_batch *batch = fresh->batches[fresh->first++];

    fresh->bytes -= memory_of(batch);
    mr_buf_wipe(&batch->records);
    mr_buf_fini(&batch->spans);
    free(batch);
}

static bool is_empty(const struct mr_fresh *fresh)
{
    return fresh->first == fresh->end;
}

void mr_fresh_clear(struct mr_fresh *fresh)
{
    while (!is_empty(fresh))
        drop_first(fresh);
    free(fresh->batches);
    mr_fresh_init(fresh);
}

static bool ends_before(const struct mr_fresh_batch *batch, uint64_t number)
{
    return batch->first + batch->count <= number;
}

void mr_fresh_forget(struct mr_fresh *fresh, uint64_t before)
{
    while (!is_empty(fresh) && ends_before(fresh->batches[fresh->first], before))
        drop_first(fresh);
}

static int64_t too_old_at(const struct mr_fresh_batch *batch)
{
    return batch->kept_us + (int64_t)MR_FRESH_AGE_MS * 1000;
}

unsigned mr_fresh_age(struct mr_fresh *fresh, int64_t now_us)
{
    while (!is_empty(fresh) && too_old_at(fresh->batches[fresh->first]) <= now_us)
        drop_first(fresh);
    return is_empty(fresh) ? 0 : (unsigned)((too_old_at(fresh->batches[fresh->first]) - now_us + 999) / 1000);
}

uint64_t mr_fresh_first(const struct mr_fresh *fresh)
{
    return is_empty(fresh) ? 0 : fresh->batches[fresh->first]->first;
}

/* Room for one more at the end; those that are there move to the front when half of the room is before them.
 */
static bool make_room(struct mr_fresh *fresh)
{
    size_t count = fresh->end - fresh->first;
    size_t capacity = fresh->capacity ? 2 * fresh->capacity : BATCHES_MIN;
    struct mr_fresh_batch **batches;

    if (fresh->end < fresh->capacity)
        return true;
    if (fresh->capacity > 0 && count <= fresh->capacity / 2) {
        memmove(fresh->batches, fresh->batches + fresh->first, count * sizeof(struct mr_fresh_batch *));
        fresh->first = 0;
        fresh->end = count;
        return true;
    }
    batches = realloc(fresh->batches, capacity * sizeof(struct mr_fresh_batch *));
    if (!batches)
        return false;
    fresh->batches = batches;
    fresh->capacity = capacity;
    return true;
}

static bool without_gaps(const struct mr_buf *spans, size_t count)
{
    return span_at(spans, count - 1).number - span_at(spans, 0).number == count - 1;
}

void mr_fresh_keep(struct mr_fresh *fresh, struct mr_intake *intake, int64_t now_us)
{
    size_t count = intake->spans.size / sizeof(struct mr_intake_span);
    struct mr_fresh_batch *batch;

    (void)mr_fresh_age(fresh, now_us);
    if (intake->status < 0 || intake->dry || count == 0 || intake->records.size > MR_FRESH_BYTES ||
            !without_gaps(&intake->spans, count))
        return;
    batch = make_room(fresh) ? calloc(1, sizeof *batch) : NULL;
    if (!batch)
        return;
    batch->first = span_at(&intake->spans, 0).number;
    batch->count = count;
    batch->kept_us = now_us;
    batch->records = intake->records;
    batch->spans = intake->spans;
    intake->records = intake->spans = MR_BUF_INIT;
    fit(&batch->records);
    fit(&batch->spans);
    fresh->batches[fresh->end++] = batch;
    fresh->bytes += memory_of(batch);
    while (fresh->bytes > MR_FRESH_BYTES)
        drop_first(fresh);
}

static bool has(const struct mr_fresh *fresh, size_t at, uint64_t number)
{
    return at >= fresh->first && at < fresh->end && number >= fresh->batches[at]->first &&
           number - fresh->batches[at]->first < fresh->batches[at]->count;
}

/* The first one that does not end before it: it is there, or nowhere. */
static size_t place_of(const struct mr_fresh *fresh, uint64_t number)
{
    size_t low = fresh->first, high = fresh->end;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (ends_before(fresh->batches[middle], number))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Numbers are asked for in order, mostly: of the batch where the last one was, or the one behind it. */
static struct mr_fresh_batch *batch_of(struct mr_fresh *fresh, uint64_t number)
{
    if (has(fresh, fresh->at + 1, number))
        fresh->at++;
    else if (!has(fresh, fresh->at, number))
        fresh->at = place_of(fresh, number);
    return has(fresh, fresh->at, number) ? fresh->batches[fresh->at] : NULL;
}

bool mr_fresh_find(struct mr_fresh *fresh, uint64_t number, struct mr_record_view *ret)
{
    struct mr_fresh_batch *batch = batch_of(fresh, number);
    struct mr_intake_span span;

    if (!batch)
        return false;
    span = span_at(&batch->spans, number - batch->first);
    mr_record_decode_own(ret, number, mr_slice(batch->records.data + span.offset, span.size));
    return true;
}
