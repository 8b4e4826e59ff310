#include "store/index.h"

#include <assert.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "proto/base/buf.h"
#include "proto/base/bytes.h"
#include "store/kv.h"

enum { ENTRIES, META, TABLES };
enum { LAYOUT = 1, PREFIX_BYTES = 1 + MR_INDEX_KEY_BYTES, ENTRY_BYTES = PREFIX_BYTES + 8 };

struct mr_index {
    struct mr_kv *kv;
    bool read_only;
    _Atomic uint64_t through;
};

struct mr_index_batch {
    struct mr_index *index;
    struct mr_buf entries; /* ENTRY_BYTES each */
};

static void put_entry(uint8_t out[static ENTRY_BYTES], enum mr_index_kind kind,
        const uint8_t key[static MR_INDEX_KEY_BYTES], uint64_t number)
{
    out[0] = (uint8_t)kind;
    memcpy(out + 1, key, MR_INDEX_KEY_BYTES);
    mr_put_be64(out + PREFIX_BYTES, number);
}

static int load_through(struct mr_index *index)
{
    struct mr_kv_txn *txn;
    uint64_t through;
    int r = mr_kv_begin_read(index->kv, &txn);

    if (r < 0)
        return r;
    r = mr_kv_through(txn, META, &through);
    mr_kv_abort(txn);
    if (r == 0)
        atomic_store(&index->through, through);
    return r;
}

int mr_index_open(struct mr_index **ret, const char *dir, bool read_only, struct mr_error *reterr)
{
    static const char *const names[] = {[ENTRIES] = "entries", [META] = "meta"};
    const struct mr_kv_options options = {.dir = dir,
            .tables = names,
            .tables_count = TABLES,
            .read_only = read_only,
            .exclusive = !read_only};
    struct mr_index *index = calloc(1, sizeof *index);
    int r;

    if (!index)
        return mr_error_set(reterr, MR_ENOMEM, dir, "", "out of memory");
    index->read_only = read_only;
    r = mr_kv_open(&index->kv, &options, reterr);
    if (r == 0)
        r = mr_kv_layout(index->kv, META, LAYOUT, reterr);
    if (r == 0 && (r = load_through(index)) < 0)
        mr_error_set(reterr, r, dir, "delete the folder and rebuild", "cannot read: %s", mr_err_text(r));
    if (r < 0) {
        mr_index_close(index);
        return r;
    }
    *ret = index;
    return 0;
}

void mr_index_close(struct mr_index *index)
{
    if (!index)
        return;
    mr_kv_close(index->kv);
    free(index);
}

uint64_t mr_index_through(struct mr_index *index)
{
    if (index->read_only)
        (void)load_through(index); /* keeps what it knew on failure */
    return atomic_load_explicit(&index->through, memory_order_acquire);
}

int mr_index_maintain(struct mr_index *index)
{
    return mr_kv_reader_check(index->kv);
}

int mr_index_batch_begin(struct mr_index *index, struct mr_index_batch **ret)
{
    struct mr_index_batch *batch;

    assert(!index->read_only);
    batch = calloc(1, sizeof *batch);
    if (!batch)
        return MR_ENOMEM;
    batch->index = index;
    *ret = batch;
    return 0;
}

int mr_index_batch_put(struct mr_index_batch *batch, enum mr_index_kind kind,
        const uint8_t key[static MR_INDEX_KEY_BYTES], uint64_t number)
{
    uint8_t *room = mr_buf_reserve(&batch->entries, ENTRY_BYTES);

    if (!room)
        return MR_ENOMEM;
    put_entry(room, kind, key, number);
    batch->entries.size += ENTRY_BYTES;
    return 0;
}

static int compare_entries(const void *a, const void *b)
{
    return memcmp(a, b, ENTRY_BYTES);
}

int mr_index_batch_commit(struct mr_index_batch *batch, uint64_t through)
{
    struct mr_index *index = batch->index;
    struct mr_buf *entries = &batch->entries;
    struct mr_kv_txn *txn;
    int r = mr_buf_failed(entries) ? MR_ENOMEM : mr_kv_begin_write(index->kv, &txn);

    if (r == 0) {
        assert(through >= atomic_load(&index->through));
        if (entries->size)
            qsort(entries->data, entries->size / ENTRY_BYTES, ENTRY_BYTES, compare_entries);
        for (size_t at = 0; at < entries->size; at += ENTRY_BYTES) /* failures are sticky */
            (void)mr_kv_put(txn, ENTRIES, mr_slice(entries->data + at, ENTRY_BYTES), (struct mr_slice){0});
        (void)mr_kv_set_through(txn, META, through);
        r = mr_kv_commit(txn);
    }
    if (r == 0)
        atomic_store_explicit(&index->through, through, memory_order_release);
    mr_index_batch_abort(batch);
    return r;
}

void mr_index_batch_abort(struct mr_index_batch *batch)
{
    if (!batch)
        return;
    mr_buf_fini(&batch->entries);
    free(batch);
}

int mr_index_clear(struct mr_index *index)
{
    struct mr_kv_txn *txn;
    int r = mr_kv_begin_write(index->kv, &txn);

    if (r < 0)
        return r;
    (void)mr_kv_clear(txn, ENTRIES);
    (void)mr_kv_set_through(txn, META, 0);
    r = mr_kv_commit(txn);
    if (r == 0)
        atomic_store(&index->through, 0);
    return r;
}

/* Takes the number of an entry under the prefix; false when the entry is another key's. */
static bool take(struct mr_slice entry, const uint8_t want[static ENTRY_BYTES], uint64_t *ret)
{
    if (entry.size != ENTRY_BYTES || memcmp(entry.data, want, PREFIX_BYTES) != 0)
        return false;
    *ret = mr_get_be64(entry.data + PREFIX_BYTES);
    return true;
}

static int find_up(
        struct mr_kv_cursor *cursor, const uint8_t want[static ENTRY_BYTES], uint64_t *ret, int max)
{
    struct mr_slice entry, value;
    int n = 0;
    int r = mr_kv_cursor_seek(cursor, mr_slice(want, ENTRY_BYTES), &entry, &value);

    while (r == 0 && n < max && take(entry, want, &ret[n])) {
        n++;
        r = mr_kv_cursor_next(cursor, &entry, &value);
    }
    return r < 0 && r != MR_ENOTFOUND ? r : n;
}

/* From the entry before `want` downwards. */
static int find_down(
        struct mr_kv_cursor *cursor, const uint8_t want[static ENTRY_BYTES], uint64_t *ret, int max)
{
    struct mr_slice entry, value;
    int n = 0;
    int r = mr_kv_cursor_seek(cursor, mr_slice(want, ENTRY_BYTES), &entry, &value);

    if (r == 0)
        r = mr_kv_cursor_prev(cursor, &entry, &value);
    else if (r == MR_ENOTFOUND)
        r = mr_kv_cursor_last(cursor, &entry, &value);
    while (r == 0 && n < max && take(entry, want, &ret[n])) {
        n++;
        r = mr_kv_cursor_prev(cursor, &entry, &value);
    }
    return r < 0 && r != MR_ENOTFOUND ? r : n;
}

static int find(
        struct mr_index *index, const uint8_t want[static ENTRY_BYTES], bool up, uint64_t *ret, size_t max)
{
    int limit = max < INT_MAX ? (int)max : INT_MAX;
    struct mr_kv_cursor *cursor;
    struct mr_kv_txn *txn;
    int r = mr_kv_begin_read(index->kv, &txn);

    if (r < 0)
        return r;
    r = mr_kv_cursor_open(txn, ENTRIES, &cursor);
    if (r == 0) {
        r = up ? find_up(cursor, want, ret, limit) : find_down(cursor, want, ret, limit);
        mr_kv_cursor_close(cursor);
    }
    mr_kv_abort(txn);
    return r;
}

int mr_index_find(struct mr_index *index, enum mr_index_kind kind,
        const uint8_t key[static MR_INDEX_KEY_BYTES], uint64_t after, uint64_t *ret_numbers, size_t max)
{
    uint8_t want[ENTRY_BYTES];

    if (after == UINT64_MAX)
        return 0;
    put_entry(want, kind, key, after + 1);
    return find(index, want, true, ret_numbers, max);
}

int mr_index_find_last(struct mr_index *index, enum mr_index_kind kind,
        const uint8_t key[static MR_INDEX_KEY_BYTES], uint64_t before, uint64_t *ret_numbers, size_t max)
{
    uint8_t want[ENTRY_BYTES];

    put_entry(want, kind, key, before);
    return find(index, want, false, ret_numbers, max);
}
