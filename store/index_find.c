/* Looking up: run after run, each in one descent; the runs' ranges follow each other, so do the numbers. */
#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "store/index_internal.h"

struct mr_index_reader {
    struct mr_index *index;
    struct mr_kv_txn *txn; /* NULL while paused */
    struct mr_kv_cursor *cursor;
    uint64_t through;
    struct mr_index_runs runs;
    struct mr_index_filter_view *filters; /* one a run, once asked for */
    size_t filters_capacity;
    bool filtered;
    bool paused;
};

static int load(struct mr_index_reader *reader)
{
    int r = mr_kv_through(reader->txn, MR_INDEX_META, &reader->through);

    reader->filtered = false;
    return r < 0 ? r : mr_index_runs_load(reader->txn, MR_INDEX_LIVE, &reader->runs);
}

/* The snapshot itself; the reader is paused unless 0. */
static int take(struct mr_index_reader *reader)
{
    int r = mr_kv_begin_read(reader->index->kv, &reader->txn);

    if (r == 0)
        r = mr_kv_cursor_open(reader->txn, MR_INDEX_BLOCK, &reader->cursor);
    if (r == 0)
        r = load(reader);
    reader->paused = false;
    if (r < 0)
        mr_index_reader_pause(reader);
    return r;
}

int mr_index_reader_open(struct mr_index *index, struct mr_index_reader **ret)
{
    struct mr_index_reader *reader = calloc(1, sizeof *reader);
    int r;

    if (!reader)
        return MR_ENOMEM;
    reader->index = index;
    r = take(reader);
    if (r < 0) {
        mr_index_reader_close(reader);
        return r;
    }
    *ret = reader;
    return 0;
}

void mr_index_reader_close(struct mr_index_reader *reader)
{
    if (!reader)
        return;
    mr_index_reader_pause(reader);
    mr_index_runs_fini(&reader->runs);
    free(reader->filters);
    free(reader);
}

int mr_index_reader_renew(struct mr_index_reader *reader)
{
    mr_index_reader_pause(reader);
    return take(reader);
}

/* Nothing is kept open: a compaction would wait for it. */
void mr_index_reader_pause(struct mr_index_reader *reader)
{
    mr_kv_cursor_close(reader->cursor);
    mr_kv_abort(reader->txn);
    reader->cursor = NULL;
    reader->txn = NULL;
    reader->paused = true;
}

uint64_t mr_index_reader_through(const struct mr_index_reader *reader)
{
    return reader->through;
}

static int load_filters(struct mr_index_reader *reader)
{
    if (reader->filters_capacity < reader->runs.count) {
        struct mr_index_filter_view *filters =
                realloc(reader->filters, reader->runs.capacity * sizeof *reader->filters);

        if (!filters)
            return MR_ENOMEM;
        reader->filters = filters;
        reader->filters_capacity = reader->runs.capacity;
    }
    for (size_t i = 0; i < reader->runs.count; i++) {
        uint64_t run = reader->runs.items[i].id;
        struct mr_slice row;
        int r = mr_index_filter_get(reader->txn, run, &row);

        if (r == MR_ECORRUPT)
            mr_index_filter_damaged(reader->index, run);
        else if (r < 0)
            return r;
        reader->filters[i] = mr_index_filter_view(row, run);
    }
    reader->filtered = true;
    return 0;
}

void mr_index_reader_expect(
        const struct mr_index_reader *reader, const uint8_t ident[static MR_INDEX_KEY_BYTES])
{
    uint64_t hash = mr_index_hash(ident);

    if (reader->paused || !reader->filtered)
        return;
    for (size_t i = 0; i < reader->runs.count; i++)
        mr_index_filter_expect(&reader->filters[i], hash);
}

/* Is there anything of it in run i? 1, 0, or negative. A damaged filter is left out: the blocks say it. */
static int may_have(struct mr_index_reader *reader, size_t i, enum mr_index_kind kind, uint64_t hash)
{
    int r = 0;

    if (kind != MR_INDEX_IDENT)
        return 1;
    if (!reader->filtered)
        r = load_filters(reader);
    if (r < 0 || !reader->filters[i].blocks)
        return r < 0 ? r : 1;
    r = mr_index_filter_may(&reader->filters[i], hash);
    if (r == MR_ECORRUPT)
        mr_index_filter_damaged(reader->index, reader->runs.items[i].id);
    return r == MR_ECORRUPT ? 1 : r;
}

/* Of one run, ascending from wanted->number on. */
static int find_in_run(struct mr_index_reader *reader, const struct mr_index_run *run,
        const struct mr_index_entry *wanted, uint64_t *ret, int max)
{
    struct mr_index_scan scan = {.cursor = reader->cursor, .run = run};
    int n = 0;
    int r = mr_index_scan_seek(&scan, wanted);

    while (r == 1 && n < max && scan.block.entry.kind == wanted->kind &&
            scan.block.entry.hash == wanted->hash) {
        ret[n++] = scan.block.entry.number;
        if (n < max)
            r = mr_index_scan_next(&scan);
    }
    return r < 0 ? r : n;
}

static int limit_of(size_t max)
{
    return max < INT_MAX ? (int)max : INT_MAX;
}

int mr_index_reader_find(struct mr_index_reader *reader, enum mr_index_kind kind,
        const uint8_t key[static MR_INDEX_KEY_BYTES], uint64_t after, uint64_t *ret_numbers, size_t max)
{
    struct mr_index_entry wanted = {.kind = (uint8_t)kind, .hash = mr_index_hash(key), .number = after + 1};
    int limit = limit_of(max), n = 0;

    assert(!reader->paused);
    for (size_t i = 0; after < UINT64_MAX && i < reader->runs.count && n < limit; i++) {
        const struct mr_index_run *run = &reader->runs.items[i];
        int r = run->last <= after ? 0 : may_have(reader, i, kind, wanted.hash);

        if (r > 0)
            r = find_in_run(reader, run, &wanted, ret_numbers + n, limit - n);
        if (r < 0)
            return r;
        n += r;
    }
    return n;
}

static void keep_last(uint64_t *ring, uint64_t *seen, int max, uint64_t number)
{
    ring[*seen % (uint64_t)max] = number;
    ++*seen;
}

/* The last ones of from..before-1, in a ring. At most `few` are read: 1 when there are more, 0, or negative.
 */
static int keep_between(struct mr_index_reader *reader, const struct mr_index_run *run,
        struct mr_index_entry wanted, uint64_t from, uint64_t before, uint64_t few, uint64_t *ring, int max,
        uint64_t *ret_seen)
{
    struct mr_index_scan scan = {.cursor = reader->cursor, .run = run};
    int r;

    wanted.number = from;
    *ret_seen = 0;
    r = mr_index_scan_seek(&scan, &wanted);
    while (r == 1 && scan.block.entry.kind == wanted.kind && scan.block.entry.hash == wanted.hash &&
            scan.block.entry.number < before) {
        if (*ret_seen == few)
            return 1;
        keep_last(ring, ret_seen, max, scan.block.entry.number);
        r = mr_index_scan_next(&scan);
    }
    return r < 0 ? r : 0;
}

/* The ring turned so that the newest is first. */
static int turn_ring(uint64_t *ring, uint64_t seen, int max)
{
    int n = seen < (uint64_t)max ? (int)seen : max;
    uint64_t *copy = n > 1 ? malloc((size_t)n * sizeof *copy) : NULL;

    if (n <= 1)
        return n;
    if (!copy)
        return MR_ENOMEM;
    for (int i = 0; i < n; i++)
        copy[i] = ring[(seen - 1 - (uint64_t)i) % (uint64_t)max];
    memcpy(ring, copy, (size_t)n * sizeof *copy);
    free(copy);
    return n;
}

/*
 * Of one run, descending below `before`. Blocks are read upwards: of a key with few entries all of them; of
 * one with many what stands closely before, in a window that grows until it holds enough.
 */
static int find_last_in_run(struct mr_index_reader *reader, const struct mr_index_run *run,
        const struct mr_index_entry *wanted, uint64_t before, uint64_t *ret, int max)
{
    enum { FEW = 512, WINDOW = 4, WIDER = 8 };
    uint64_t last = run->last < before ? run->last + 1 : before, seen;
    int r = keep_between(reader, run, *wanted, 0, last, FEW, ret, max, &seen);

    for (uint64_t window = (uint64_t)max * WINDOW; r == 1; window *= WIDER) {
        bool all = window >= last - run->first;

        r = keep_between(reader, run, *wanted, all ? 0 : last - window, last, UINT64_MAX, ret, max, &seen);
        if (r == 0 && seen < (uint64_t)max && !all)
            r = 1;
    }
    return r < 0 ? r : turn_ring(ret, seen, max);
}

int mr_index_reader_find_last(struct mr_index_reader *reader, enum mr_index_kind kind,
        const uint8_t key[static MR_INDEX_KEY_BYTES], uint64_t before, uint64_t *ret_numbers, size_t max)
{
    struct mr_index_entry wanted = {.kind = (uint8_t)kind, .hash = mr_index_hash(key)};
    int limit = limit_of(max), n = 0;

    assert(!reader->paused);
    for (size_t i = reader->runs.count; n < limit && i-- > 0;) {
        const struct mr_index_run *run = &reader->runs.items[i];
        int r = run->first >= before ? 0 : may_have(reader, i, kind, wanted.hash);

        if (r > 0)
            r = find_last_in_run(reader, run, &wanted, before, ret_numbers + n, limit - n);
        if (r < 0)
            return r;
        n += r;
    }
    return n;
}

typedef int (*find_fn)(struct mr_index_reader *reader, enum mr_index_kind kind,
        const uint8_t key[static MR_INDEX_KEY_BYTES], uint64_t bound, uint64_t *ret_numbers, size_t max);

static int find_once(struct mr_index *index, find_fn find, enum mr_index_kind kind,
        const uint8_t key[static MR_INDEX_KEY_BYTES], uint64_t bound, uint64_t *ret_numbers, size_t max)
{
    struct mr_index_reader *reader;
    int r = mr_index_reader_open(index, &reader);

    if (r < 0)
        return r;
    r = find(reader, kind, key, bound, ret_numbers, max);
    mr_index_reader_close(reader);
    return r;
}

int mr_index_find(struct mr_index *index, enum mr_index_kind kind,
        const uint8_t key[static MR_INDEX_KEY_BYTES], uint64_t after, uint64_t *ret_numbers, size_t max)
{
    return find_once(index, mr_index_reader_find, kind, key, after, ret_numbers, max);
}

int mr_index_find_last(struct mr_index *index, enum mr_index_kind kind,
        const uint8_t key[static MR_INDEX_KEY_BYTES], uint64_t before, uint64_t *ret_numbers, size_t max)
{
    return find_once(index, mr_index_reader_find_last, kind, key, before, ret_numbers, max);
}
