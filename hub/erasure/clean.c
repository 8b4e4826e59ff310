/*
 * What is derived of the person's events: index entries that lead from a value or a person to an event, and
 * facts of the passport; the same of records that cannot be read, whosever they are. Afterwards index and
 * views are what a rebuild from the stripped log would make of them.
 */
#include <stdlib.h>
#include <string.h>

#include "hub/erasure/eraser_internal.h"
#include "hub/project/kept.h"
#include "hub/index/index_inside.h"
#include "hub/index/owed.h"
#include "proto/base/bytes.h"

enum { ROW_KEY_BYTES = 9, REFS_AT_ONCE = 4096 };

struct clean {
    struct mr_erasing *e;
    struct mr_opened opened;
    struct mr_record_view view;
    struct mr_index_entry_ref *refs; /* REFS_AT_ONCE */
    size_t refs_count;
};

/* ---- index ---- */

static int forget(struct clean *c)
{
    int r = mr_index_forget(c->e->eraser->house->index, c->refs, c->refs_count);

    c->refs_count = 0;
    return r;
}

static int add_ref(void *ctx, enum mr_index_kind kind, const uint8_t key[static MR_INDEX_KEY_BYTES])
{
    struct clean *c = ctx;
    struct mr_index_entry_ref *ref;

    if (c->refs_count == REFS_AT_ONCE) {
        int r = forget(c);

        if (r < 0)
            return r;
    }
    ref = &c->refs[c->refs_count++];
    ref->kind = kind;
    ref->number = c->view.record.number;
    memcpy(ref->key, key, sizeof ref->key);
    return 0;
}

/* slots: of the person; 0: the record waited for correction. */
static int forget_record(struct clean *c, uint64_t number, uint16_t slots)
{
    const struct mr_house *house = c->e->eraser->house;
    int r = mr_log_read(c->e->reader, number, &c->view, NULL);

    if (r < 0)
        return r == MR_ECORRUPT ? 0 : r;
    r = mr_index_persons(house, &c->view.record, slots, add_ref, c, NULL);
    if (r < 0)
        return r;
    r = mr_opened_read(&c->opened, house, &c->view.record, MR_PURPOSE_ERASE, NULL);
    if (r == 0)
        return mr_index_inside(house, &c->view.record, &c->opened, add_ref, c);
    return r == MR_ENOMEM ? r : 0; /* it opens for nobody, and was never indexed by what is in it */
}

static bool is_damaged(void *ctx, uint64_t number)
{
    const struct clean *c = ctx;
    uint64_t n = number - 1;

    return mr_erasure_damaged_next(c->e->request, &n) && n == number;
}

/* What was indexed before it was damaged. */
static int forget_damaged(struct clean *c)
{
    static const uint8_t no_key[MR_INDEX_KEY_BYTES];
    const mr_erasure_request *request = c->e->request;
    struct mr_index *index = c->e->eraser->house->index;
    struct mr_index_batch *batch;
    int r;

    if (request->n_damaged == 0)
        return 0;
    r = mr_index_thin(index, MR_INDEX_INSIDE, request->damaged[0]->first,
            request->damaged[request->n_damaged - 1]->last, is_damaged, c);
    if (r == 0)
        r = mr_index_batch_begin(index, &batch);
    if (r < 0)
        return r;
    for (uint64_t n = 0; r == 0 && mr_erasure_damaged_next(request, &n);)
        r = mr_index_batch_put(batch, MR_INDEX_DAMAGED, no_key, n);
    if (r == 0)
        return mr_index_batch_insert(batch); /* so that it is indexed anew when it comes back */
    mr_index_batch_abort(batch);
    return r;
}

static int clean_index(struct clean *c)
{
    const mr_erasure_secret *secret = c->e->secret;
    int r = forget_damaged(c);

    for (size_t i = 0; r == 0 && i < secret->n_records; i++)
        r = forget_record(c, secret->records[i]->number, (uint16_t)secret->records[i]->slots);
    for (size_t i = 0; r == 0 && i < secret->n_quarantined; i++)
        r = forget_record(c, secret->quarantined[i]->number, 0);
    return r == 0 && c->refs_count > 0 ? forget(c) : r;
}

/* ---- views ---- */

/* An event with a person who is gone cannot be opened: nothing of it counts any more. */
static int drop_facts(struct mr_view_batch *batch, uint64_t number)
{
    uint8_t key[ROW_KEY_BYTES];
    int r = 0;

    mr_put_be64(key, number);
    for (unsigned part = 0; r == 0 && part <= UINT8_MAX; part++) {
        struct mr_slice value;

        key[8] = (uint8_t)part;
        r = mr_view_batch_get(batch, MR_VIEW_FACT, mr_slice(key, sizeof key), &value);
        if (r == MR_ENOTFOUND)
            return 0; /* parts count up from 0 */
        if (r == 0)
            r = mr_view_batch_del(batch, MR_VIEW_FACT, mr_slice(key, sizeof key));
    }
    return r;
}

static int clean_views(struct clean *c)
{
    struct mr_view *view = c->e->eraser->house->view;
    const mr_erasure_secret *secret = c->e->secret;
    struct mr_view_batch *batch;
    int r = mr_view_batch_begin(view, &batch);

    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < secret->n_records; i++)
        r = drop_facts(batch, secret->records[i]->number);
    for (uint64_t n = 0; r == 0 && mr_erasure_damaged_next(c->e->request, &n);)
        r = drop_facts(batch, n);
    mr_passport_kept_forget(c->e->eraser->house->kept);
    if (r == 0)
        return mr_view_batch_commit_rows(batch);
    mr_view_batch_abort(batch);
    return r;
}

/* What came back is not yet indexed: it would be, after it was looked for. */
static bool is_owing(struct mr_erasing *e)
{
    struct mr_owed owed;

    return mr_owed_next(e->reader, 1, &owed) == 0;
}

int mr_erasure_clean(struct mr_erasing *e)
{
    struct clean *c;
    int r = MR_ENOMEM;

    if (is_owing(e))
        return mr_step_wait(e, "compactor");
    c = calloc(1, sizeof *c);
    if (!c)
        return r;
    c->e = e;
    c->refs = calloc(REFS_AT_ONCE, sizeof *c->refs);
    mr_opened_init(&c->opened);
    if (c->refs)
        r = clean_index(c);
    if (r == 0)
        r = clean_views(c);
    if (r == MR_EIO)
        mr_house_fatal(e->eraser->house, r, "index/ or views/");
    mr_opened_fini(&c->opened);
    free(c->refs);
    free(c);
    return r;
}
