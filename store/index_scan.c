/* Runs read in the order of their entries: one, or several as one. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/bytes.h"
#include "store/index_internal.h"

/* ---- one run ---- */

static bool of_run(const struct mr_index_scan *scan, struct mr_slice key)
{
    return key.size == MR_INDEX_BLOCK_KEY_BYTES && mr_get_be64(key.data) == scan->run->id;
}

static int open_block(struct mr_index_scan *scan, struct mr_slice key, struct mr_slice value)
{
    int r = mr_index_block_open(&scan->block, scan->run, key, value);

    return r < 0 ? r : 1;
}

static int next_block(struct mr_index_scan *scan)
{
    struct mr_slice key, value;
    int r = mr_kv_cursor_next(scan->cursor, &key, &value);

    if (r < 0)
        return r == MR_ENOTFOUND ? 0 : r;
    return of_run(scan, key) ? open_block(scan, key, value) : 0;
}

int mr_index_scan_next(struct mr_index_scan *scan)
{
    int r = mr_index_block_next(&scan->block);

    return r == 0 ? next_block(scan) : r;
}

/* Puts the cursor at the block that begins last at or before `wanted`, or at the first one behind it. */
static int find_block(struct mr_index_scan *scan, const struct mr_index_entry *wanted)
{
    uint8_t bytes[MR_INDEX_BLOCK_KEY_BYTES];
    struct mr_slice at, key, value;
    int r;

    mr_index_block_key(scan->run->id, wanted, bytes);
    at = mr_slice(bytes, sizeof bytes);
    r = mr_kv_cursor_seek(scan->cursor, at, &key, &value);
    if (r == 0 && mr_slice_equal(key, at))
        return open_block(scan, key, value);
    if (r == 0)
        r = mr_kv_cursor_prev(scan->cursor, &key, &value);
    else if (r == MR_ENOTFOUND)
        r = mr_kv_cursor_last(scan->cursor, &key, &value);
    if (r < 0 && r != MR_ENOTFOUND)
        return r;
    if (r == 0 && of_run(scan, key))
        return open_block(scan, key, value);
    r = mr_kv_cursor_seek(scan->cursor, at, &key, &value);
    if (r < 0)
        return r == MR_ENOTFOUND ? 0 : r;
    return of_run(scan, key) ? open_block(scan, key, value) : 0;
}

int mr_index_scan_seek(struct mr_index_scan *scan, const struct mr_index_entry *wanted)
{
    int r = find_block(scan, wanted);

    while (r == 1 && mr_index_entry_compare(&scan->block.entry, wanted) < 0)
        r = mr_index_scan_next(scan);
    return r;
}

/* ---- several: a binary heap of those that are not at their end ---- */

static bool before(const struct mr_index_merged *m, size_t a, size_t b)
{
    return mr_index_entry_compare(&m->scans[m->heap[a]].block.entry, &m->scans[m->heap[b]].block.entry) < 0;
}

static void sink(struct mr_index_merged *m, size_t at)
{
    for (;;) {
        size_t child = 2 * at + 1;
        size_t swap;

        if (child >= m->left)
            return;
        if (child + 1 < m->left && before(m, child + 1, child))
            child++;
        if (!before(m, child, at))
            return;
        swap = m->heap[at];
        m->heap[at] = m->heap[child];
        m->heap[child] = swap;
        at = child;
    }
}

static int open_scan(struct mr_index_merged *m, struct mr_kv_txn *txn, const struct mr_index_run *run,
        const struct mr_index_entry *from)
{
    struct mr_index_scan *scan = &m->scans[m->count];
    int r = mr_kv_cursor_open(txn, MR_INDEX_BLOCK, &scan->cursor);

    if (r < 0)
        return r;
    scan->run = run;
    m->count++;
    r = mr_index_scan_seek(scan, from);
    if (r == 1)
        m->heap[m->left++] = m->count - 1;
    return r < 0 ? r : 0;
}

int mr_index_merged_open(struct mr_index_merged *merged, struct mr_kv_txn *txn,
        const struct mr_index_run *runs, size_t count, const struct mr_index_entry *from)
{
    int r = 0;

    *merged = (struct mr_index_merged){.scans = calloc(count + 1, sizeof *merged->scans),
            .heap = calloc(count + 1, sizeof *merged->heap)};
    if (!merged->scans || !merged->heap)
        r = MR_ENOMEM;
    for (size_t i = 0; r == 0 && i < count; i++)
        r = open_scan(merged, txn, &runs[i], from);
    for (size_t i = merged->left / 2; i-- > 0;)
        sink(merged, i);
    if (r < 0)
        mr_index_merged_close(merged);
    return r;
}

void mr_index_merged_close(struct mr_index_merged *merged)
{
    for (size_t i = 0; i < merged->count; i++)
        mr_kv_cursor_close(merged->scans[i].cursor);
    free(merged->scans);
    free(merged->heap);
    *merged = (struct mr_index_merged){0};
}

const struct mr_index_entry *mr_index_merged_entry(const struct mr_index_merged *merged)
{
    return merged->left > 0 ? &merged->scans[merged->heap[0]].block.entry : NULL;
}

int mr_index_merged_next(struct mr_index_merged *merged)
{
    int r;

    assert(merged->left > 0);
    r = mr_index_scan_next(&merged->scans[merged->heap[0]]);
    if (r < 0)
        return r;
    if (r == 0)
        merged->heap[0] = merged->heap[--merged->left];
    sink(merged, 0);
    return 0;
}
