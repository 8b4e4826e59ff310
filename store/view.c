#include "store/view.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "store/fault.h"
#include "store/kv.h"
#include "store/scrub.h"

enum { STATE = MR_VIEW_TABLES, TABLES }; /* layout and through: not in the projection's own tables */
enum { LAYOUT = 1 };

struct mr_view {
    struct mr_kv *kv;
    bool read_only;
    _Atomic uint64_t through;
    _Atomic uint64_t changes;
};

struct mr_view_batch {
    struct mr_view *view;
    struct mr_kv_txn *txn;
};

struct mr_view_reader {
    struct mr_kv_txn *txn;
    uint64_t through;
};

static int load_through(struct mr_view *view)
{
    struct mr_view_reader *reader;
    int r = mr_view_reader_open(view, &reader);

    if (r < 0)
        return r;
    atomic_store(&view->through, reader->through);
    mr_view_reader_close(reader);
    return 0;
}

int mr_view_open(struct mr_view **ret, const char *dir, bool read_only, struct mr_error *reterr)
{
    static const char *const names[] = {[MR_VIEW_FACT] = "fact", [MR_VIEW_META] = "meta", [STATE] = "state"};
    const struct mr_kv_options options = {.dir = dir,
            .tables = names,
            .tables_count = TABLES,
            .checked = (1u << TABLES) - 1,
            .read_only = read_only,
            .exclusive = !read_only};
    struct mr_view *view = calloc(1, sizeof *view);
    int r;

    if (!view)
        return mr_error_set(reterr, MR_ENOMEM, dir, "", "out of memory");
    view->read_only = read_only;
    r = mr_kv_open(&view->kv, &options, reterr);
    if (r == 0)
        r = mr_kv_layout(view->kv, STATE, LAYOUT, reterr);
    if (r == 0 && (r = load_through(view)) < 0)
        mr_error_set(reterr, r, dir, "delete the folder and rebuild", "cannot read: %s", mr_err_text(r));
    if (r < 0) {
        mr_view_close(view);
        return r;
    }
    *ret = view;
    return 0;
}

void mr_view_close(struct mr_view *view)
{
    if (!view)
        return;
    mr_kv_close(view->kv);
    free(view);
}

uint64_t mr_view_through(struct mr_view *view)
{
    if (view->read_only)
        (void)load_through(view); /* keeps what it knew on failure */
    return atomic_load_explicit(&view->through, memory_order_acquire);
}

int mr_view_maintain(struct mr_view *view)
{
    return mr_kv_reader_check(view->kv);
}

int mr_view_compact(struct mr_view *view, struct mr_kv_compaction *ret, struct mr_error *reterr)
{
    return mr_kv_compact(view->kv, ret, reterr);
}

static uint32_t index_of(enum mr_view_table table)
{
    assert(table >= 0 && table < MR_VIEW_TABLES);
    return (uint32_t)table;
}

int mr_view_batch_begin(struct mr_view *view, struct mr_view_batch **ret)
{
    struct mr_view_batch *batch;
    int r;

    assert(!view->read_only);
    batch = calloc(1, sizeof *batch);
    if (!batch)
        return MR_ENOMEM;
    batch->view = view;
    r = mr_kv_begin_write(view->kv, &batch->txn);
    if (r < 0) {
        free(batch);
        return r;
    }
    *ret = batch;
    return 0;
}

int mr_view_batch_get(
        struct mr_view_batch *batch, enum mr_view_table table, struct mr_slice key, struct mr_slice *ret)
{
    return mr_kv_get(batch->txn, index_of(table), key, ret);
}

int mr_view_batch_put(
        struct mr_view_batch *batch, enum mr_view_table table, struct mr_slice key, struct mr_slice value)
{
    return mr_kv_put(batch->txn, index_of(table), key, value);
}

int mr_view_batch_del(struct mr_view_batch *batch, enum mr_view_table table, struct mr_slice key)
{
    return mr_kv_del(batch->txn, index_of(table), key);
}

int mr_view_batch_commit(struct mr_view_batch *batch, uint64_t through)
{
    struct mr_view *view = batch->view;
    int r = MR_FAULT("view.commit.before");

    assert(through >= atomic_load(&view->through));
    if (r < 0) {
        mr_view_batch_abort(batch);
        return r;
    }
    (void)mr_kv_set_through(batch->txn, STATE, through); /* sticky */
    r = mr_kv_commit(batch->txn);
    if (r == 0)
        atomic_store_explicit(&view->through, through, memory_order_release);
    free(batch);
    return r;
}

int mr_view_batch_commit_rows(struct mr_view_batch *batch)
{
    int r = mr_kv_commit(batch->txn);

    atomic_fetch_add(&batch->view->changes, 1);
    free(batch);
    return r;
}

uint64_t mr_view_changes(const struct mr_view *view)
{
    return atomic_load(&view->changes);
}

void mr_view_batch_abort(struct mr_view_batch *batch)
{
    if (!batch)
        return;
    mr_kv_abort(batch->txn);
    free(batch);
}

int mr_view_clear(struct mr_view *view)
{
    struct mr_kv_txn *txn;
    int r = mr_kv_begin_write(view->kv, &txn);

    if (r < 0)
        return r;
    for (uint32_t i = 0; i < MR_VIEW_TABLES; i++)
        (void)mr_kv_clear(txn, i); /* sticky */
    (void)mr_kv_set_through(txn, STATE, 0);
    r = mr_kv_commit(txn);
    if (r == 0)
        atomic_store(&view->through, 0);
    atomic_fetch_add(&view->changes, 1);
    return r;
}

int mr_view_reader_open(struct mr_view *view, struct mr_view_reader **ret)
{
    struct mr_view_reader *reader = calloc(1, sizeof *reader);
    int r;

    if (!reader)
        return MR_ENOMEM;
    r = mr_kv_begin_read(view->kv, &reader->txn);
    if (r == 0)
        r = mr_kv_through(reader->txn, STATE, &reader->through);
    if (r < 0) {
        mr_view_reader_close(reader);
        return r;
    }
    *ret = reader;
    return 0;
}

void mr_view_reader_close(struct mr_view_reader *reader)
{
    if (!reader)
        return;
    mr_kv_abort(reader->txn);
    free(reader);
}

uint64_t mr_view_reader_through(struct mr_view_reader *reader)
{
    return reader->through;
}

int mr_view_get(
        struct mr_view_reader *reader, enum mr_view_table table, struct mr_slice key, struct mr_slice *ret)
{
    return mr_kv_get(reader->txn, index_of(table), key, ret);
}

int mr_view_rows(struct mr_view_reader *reader, enum mr_view_table table, struct mr_slice from,
        mr_view_row_fn fn, void *ctx)
{
    return mr_kv_rows(reader->txn, index_of(table), (struct mr_slice){0}, from, fn, ctx);
}

struct mr_kv *mr_view_kv(struct mr_view *view)
{
    return view->kv;
}
