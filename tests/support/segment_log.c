#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "proto/base/bytes.h"
#include "tests/support/segment_log.h"

#define S(text) mr_slice_str(text)

struct mr_log *segment_log_open(const char *dir)
{
    struct mr_log_options options = {.dir = dir};
    struct mr_error err = {0};
    struct mr_log *log = NULL;
    int r = mr_log_open(&log, &options, &err);

    if (r < 0)
        print_error("%s: %s\n", err.where, err.what);
    assert_int_equal(r, 0);
    return log;
}

const char *segment_log_text(char out[static 64], const char *what, uint64_t number)
{
    (void)snprintf(out, 64, "%s-of-record-%llu", what, (unsigned long long)number);
    return out;
}

static struct mr_record record_of(uint64_t number, struct mr_buf *memory)
{
    static const uint16_t subs[] = {1, 7};
    struct mr_record record = {.number = number,
            .recorded_us = (int64_t)number * 1000,
            .system = (uint16_t)(number % 5),
            .config = 3,
            .subs = subs,
            .subs_count = number % 3};
    char leaf[64], slot[64];
    size_t size;

    mr_buf_reset(memory);
    mr_put_be64(record.ident, number);
    mr_put_be64(record.digest, ~number);
    mr_buf_put_str(memory, segment_log_text(leaf, "leaf", number));
    for (size_t i = 0; number % 50 == 0 && i < 6000; i++)
        mr_buf_put_u8(memory, (uint8_t)i);
    size = memory->size;
    mr_buf_put_str(memory, segment_log_text(slot, "slot", number));
    assert_false(mr_buf_failed(memory));
    record.leaf = mr_slice(memory->data, size);
    if (number % 3 == 0) {
        record.flags = MR_RECORD_SEALED;
        record.slots_count = 2;
        record.slots[0] = record.slots[1] = mr_slice(memory->data + size, memory->size - size);
    }
    return record;
}

void segment_log_append(struct mr_log *log, unsigned count)
{
    struct mr_log_batch *batch;
    struct mr_buf memory = MR_BUF_INIT;

    assert_int_equal(mr_log_batch_begin(log, &batch), 0);
    for (unsigned i = 0; i < count; i++) {
        struct mr_record record = record_of(mr_log_batch_head(batch) + 1, &memory);

        assert_int_equal(mr_log_batch_append(batch, &record), 0);
    }
    assert_int_equal(mr_log_batch_commit(batch), 0);
    mr_buf_fini(&memory);
}

static void assert_head(const struct mr_record *have, const struct mr_record *want)
{
    assert_int_equal(have->number, want->number);
    assert_int_equal(have->recorded_us, want->recorded_us);
    assert_int_equal(have->system, want->system);
    assert_int_equal(have->config, want->config);
    assert_int_equal(have->subs_count, want->subs_count);
    assert_memory_equal(have->ident, want->ident, sizeof have->ident);
    assert_memory_equal(have->digest, want->digest, sizeof have->digest);
}

/* As it was appended, but for what `expired` and `stripped` (slot 1) say of its number. */
void segment_log_assert_record(const struct mr_record *have, bool expired, bool stripped)
{
    struct mr_buf memory = MR_BUF_INIT;
    struct mr_record want = record_of(have->number, &memory);
    char remnant[64];

    assert_head(have, &want);
    assert_int_equal(!!(have->flags & MR_RECORD_EXPIRED), expired);
    if (expired) {
        assert_true(mr_slice_equal(have->leaf, S(segment_log_text(remnant, "rest", have->number))));
        assert_int_equal(have->slots_count, 0);
    } else {
        assert_true(mr_slice_equal(have->leaf, want.leaf));
        assert_int_equal(have->slots_count, want.slots_count);
        stripped = stripped && want.slots_count > 0;
        assert_int_equal(!!(have->flags & MR_RECORD_STRIPPED), stripped);
        for (size_t i = 0; i < want.slots_count; i++)
            assert_true(mr_slice_equal(have->slots[i], i == 1 && stripped ? S("") : want.slots[i]));
    }
    mr_buf_fini(&memory);
}

bool segment_log_never(uint64_t number)
{
    (void)number;
    return false;
}

bool segment_log_seventh(uint64_t number)
{
    return number % 7 == 0;
}

bool segment_log_sixth(uint64_t number)
{
    return number % 6 == 0;
}

/* All of them, one after the other and some by search; the tree over what was appended. */
void segment_log_assert(struct mr_log *log, uint64_t head, segment_log_fn expired, segment_log_fn stripped)
{
    struct mr_log_reader *reader;
    struct mr_record_view view;
    struct mr_merkle_range *range = calloc(1, sizeof *range);
    struct mr_buf memory = MR_BUF_INIT;
    uint8_t leaf[MR_MERKLE_BYTES], have[MR_MERKLE_BYTES];

    assert_non_null(range);
    assert_int_equal(mr_log_reader_open(log, &reader), 0);
    assert_int_equal(mr_log_reader_head(reader), head);
    for (uint64_t n = 1; n <= head; n++) {
        struct mr_record want = record_of(n, &memory);

        assert_int_equal(mr_log_read_next(reader, &view, NULL), 0);
        assert_int_equal(view.record.number, n);
        segment_log_assert_record(&view.record, expired(n), stripped(n));
        mr_merkle_leaf(want.leaf, leaf);
        assert_int_equal(mr_merkle_append(range, leaf, NULL, NULL), 0);
        assert_int_equal(mr_log_leaf_hash(reader, n, have), 0);
        assert_memory_equal(have, leaf, sizeof leaf);
    }
    assert_int_equal(mr_log_read_next(reader, &view, NULL), MR_ENOTFOUND);
    for (uint64_t n = head; n > 0; n -= n > 37 ? 37 : n) {
        assert_int_equal(mr_log_read(reader, n, &view, NULL), 0);
        segment_log_assert_record(&view.record, expired(n), stripped(n));
    }
    mr_merkle_range_root(range, leaf);
    assert_int_equal(mr_log_tree_root(reader, head, have), 0);
    assert_memory_equal(have, leaf, sizeof leaf);
    mr_log_reader_close(reader);
    mr_buf_fini(&memory);
    free(range);
}

struct mr_log_segment segment_log_write(struct mr_log *log, uint64_t first, uint64_t last,
        uint32_t generation, mr_log_change_fn change, void *ctx)
{
    const struct mr_log_segment_plan plan = {
            .first = first, .last = last, .generation = generation, .change = change, .ctx = ctx};
    struct mr_log_segment segment;
    struct mr_error err = {0};
    int r = mr_log_segment_write(log, &plan, &segment, &err);

    if (r < 0)
        print_error("%s: %s\n", err.where, err.what);
    assert_int_equal(r, 0);
    return segment;
}

void segment_log_put_row(struct mr_log *log, const struct mr_log_segment *segment)
{
    struct mr_log_batch *batch;

    assert_int_equal(mr_log_batch_begin(log, &batch), 0);
    assert_int_equal(mr_log_batch_segment(batch, segment), 0);
    assert_int_equal(mr_log_batch_commit(batch), 0);
}

/* One commit of it; returns whether there is more. */
bool segment_log_trim(struct mr_log *log)
{
    struct mr_log_batch *batch;
    int r;

    assert_int_equal(mr_log_batch_begin(log, &batch), 0);
    r = mr_log_batch_trim(batch, SEGMENT_LOG_TRIM);
    assert_true(r == 0 || r == 1);
    assert_int_equal(mr_log_batch_commit(batch), 0);
    return r == 1;
}

void segment_log_roll(struct mr_log *log, uint64_t first, uint64_t last)
{
    struct mr_log_segment segment = segment_log_write(log, first, last, 1, NULL, NULL);

    segment_log_put_row(log, &segment);
    while (segment_log_trim(log))
        ;
}
