#include "hub/index/indexer.h"

#include <assert.h>
#include <stdlib.h>
#include <sodium.h>
#include <string.h>

#include "hub/index/index_inside.h"
#include "hub/index/index_keys.h"
#include "hub/index/index_notes.h"
#include "hub/intake/prepare.h"
#include "hub/record/opened.h"
#include "hub/project/fact_view.h"
#include "proto/base/list.h"

enum { MERGES_A_BATCH = 2, TYPE_MAX = 128 };

/* What one pass works with. index or view is NULL while the other one catches up. */
struct pass {
    struct mr_house *house;
    struct mr_log_reader *reader;
    struct mr_index_notes *notes; /* may be NULL */
    uint64_t limit;               /* number to stop at */
    uint64_t next;                /* that mr_log_read_next() would read; 0: none */
    struct mr_index_batch *index;
    struct mr_view_batch *view;
    struct mr_record_view record;
    struct mr_opened opened;
    bool is_open; /* `opened` is of `record` */
    struct mr_fact_set facts;
    struct mr_fact_sealing sealing; /* of the batch */
    struct mr_buf type;
    char keyed_type[TYPE_MAX]; /* whose key type_key is; "": nobody's */
    uint8_t type_key[MR_INDEX_KEY_BYTES];
    struct mr_error *reterr;
};

/* Many events have the type of the one before. */
static void key_of_type(struct pass *p)
{
    const char *type = mr_buf_str(&p->type);

    if (p->keyed_type[0] && strcmp(type, p->keyed_type) == 0)
        return;
    mr_index_key_type(type, p->type_key);
    p->keyed_type[0] = 0;
    if (p->type.size < sizeof p->keyed_type)
        memcpy(p->keyed_type, type, p->type.size + 1);
}

static int put_entry(void *ctx, enum mr_index_kind kind, const uint8_t key[static MR_INDEX_KEY_BYTES])
{
    struct pass *p = ctx;

    return mr_index_batch_put(p->index, kind, key, p->record.record.number);
}

static int index_head(struct pass *p)
{
    int r = mr_record_type(&p->record.record, &p->type);

    if (r < 0)
        return r;
    key_of_type(p);
    return mr_index_head(&p->record.record, p->type_key, put_entry, p);
}

/* Its body is not looked at any more, whether its key is destroyed yet or not: the index is the same. */
static bool is_discarded(struct pass *p)
{
    struct mr_quarantine_row row;

    return mr_quarantine_row_read(&row, p->reader, p->record.record.number) == 0 &&
           row.state == MR_QUARANTINE_DISCARDED;
}

/*
 * Keys from inside of the event. A blocked person's event is opened for these alone: unblocked, it is found
 * as before, and an erasure takes them out again. It is not projected.
 */
static int index_inside(struct pass *p)
{
    const struct mr_record *record = &p->record.record;
    bool waits = record->flags & MR_RECORD_QUARANTINED, blocked = false;
    bool of_nobody = waits || !(record->flags & MR_RECORD_SEALED);
    int r = waits && is_discarded(p) ? MR_EDESTROYED
                                     : mr_opened_read(&p->opened, p->house, record,
                                               waits ? MR_PURPOSE_SHOW : MR_PURPOSE_INDEX, NULL);

    p->is_open = r == 0;
    if (r == 0) {
        of_nobody = of_nobody || p->opened.unsealed.persons_count == 0;
        r = mr_index_inside(p->house, record, &p->opened, put_entry, p);
        if (r < 0)
            return r;
    } else if (r == MR_ENOMEM) {
        return r;
    } /* else destroyed, discarded, expired or damaged: its head is all there is */
    r = of_nobody ? 0 : mr_index_persons(p->house, record, UINT16_MAX, put_entry, p, &blocked);
    p->is_open = p->is_open && !blocked;
    return r;
}

static int project(struct pass *p)
{
    int r;

    mr_fact_set_reset(&p->facts);
    if (p->is_open)
        r = mr_facts_of_opened(p->house, &p->record.record, &p->opened, &p->facts);
    else
        r = mr_facts_of_record(p->house, &p->record.record, &p->opened, &p->facts, p->reterr);
    if (r == MR_ECORRUPT || r == MR_EINVAL || r == MR_EMALFORMED)
        return 0; /* isolated; `log check` reports it */
    for (size_t i = 0; r == 0 && i < p->facts.count; i++)
        r = mr_fact_put(p->house, p->view, &p->facts.items[i], &p->sealing);
    return r;
}

static int one_record(struct pass *p, uint64_t index_through, uint64_t view_through)
{
    uint64_t number = p->record.record.number;
    int r = 0;

    p->is_open = false;
    if (number > index_through) {
        r = index_head(p);
        if (r == 0)
            r = index_inside(p);
    }
    if (r == 0 && number > view_through)
        r = project(p);
    return r;
}

static int read_record(struct pass *p, uint64_t n)
{
    int r = p->next == n ? mr_log_read_next(p->reader, &p->record, p->reterr)
                         : mr_log_read(p->reader, n, &p->record, p->reterr);

    p->next = n + 1;
    return r;
}

static int fill_one(struct pass *p, uint64_t n, uint64_t index_through, uint64_t view_through)
{
    static const uint8_t no_key[MR_INDEX_KEY_BYTES];
    int r = read_record(p, n);

    if (r == 0)
        return one_record(p, index_through, view_through);
    if (r != MR_ECORRUPT) /* isolated; should it be repaired: hub/index/owed.h */
        return r;
    return n > index_through ? mr_index_batch_put(p->index, MR_INDEX_DAMAGED, no_key, n) : 0;
}

/* Puts first to last into both batches: by what is noted of them, and of the others by their records. */
static int fill(struct pass *p, uint64_t first, uint64_t last, uint64_t index_through, uint64_t view_through)
{
    uint64_t n = first;
    int r = 0;

    p->next = 0;
    while (r == 0 && n <= last) {
        if (n > index_through && n > view_through)
            r = mr_index_notes_write(p->notes, &n, last, p->house->keyring, p->index, p->view);
        if (r == 0 && n <= last)
            r = fill_one(p, n++, index_through, view_through);
    }
    return r;
}

static int commit(struct pass *p, int r, uint64_t index_through, uint64_t view_through)
{
    struct mr_index_batch *index = p->index;
    struct mr_view_batch *view = p->view;

    p->index = NULL;
    p->view = NULL;
    mr_fact_sealing_wipe(&p->sealing);
    if (r < 0) {
        if (index)
            mr_index_batch_abort(index);
        if (view)
            mr_view_batch_abort(view);
        return r;
    }
    r = mr_index_batch_commit(index, index_through);
    if (r < 0) {
        mr_view_batch_abort(view);
        return r;
    }
    return mr_view_batch_commit(view, view_through);
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* One batch. 0: nothing was left, 1: there may be more. */
static int batch(struct pass *p)
{
    uint64_t index_through = mr_index_through(p->house->index),
             view_through = mr_view_through(p->house->view);
    uint64_t first = (index_through < view_through ? index_through : view_through) + 1;
    uint64_t head = mr_log_reader_head(p->reader), last = head < p->limit ? head : p->limit;
    int r;

    if (first > last)
        return 0;
    if (last - first >= MR_INDEXER_BATCH_MAX)
        last = first + MR_INDEXER_BATCH_MAX - 1;
    r = mr_index_batch_begin(p->house->index, &p->index);
    if (r == 0)
        r = mr_view_batch_begin(p->house->view, &p->view);
    if (r == 0)
        r = fill(p, first, last, index_through, view_through);
    r = commit(p, r, max_u64(index_through, last), max_u64(view_through, last));
    for (int i = 0, more = 1; r == 0 && more == 1 && i < MERGES_A_BATCH; i++) {
        more = mr_index_merge(p->house->index);
        r = more < 0 ? more : 0;
    }
    return r < 0 ? r : 1;
}

static struct pass *pass_new(struct mr_house *house, struct mr_error *reterr)
{
    struct pass *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->house = house;
    p->reterr = reterr;
    mr_opened_init(&p->opened);
    mr_fact_set_init(&p->facts);
    return p;
}

static void pass_free(struct pass *p)
{
    if (!p)
        return;
    mr_log_reader_close(p->reader);
    mr_fact_sealing_wipe(&p->sealing);
    mr_fact_set_fini(&p->facts);
    mr_opened_fini(&p->opened);
    mr_buf_fini(&p->type);
    free(p);
}

static int run_to(
        struct mr_house *house, struct mr_index_notes *notes, uint64_t through, struct mr_error *reterr)
{
    struct pass *p;
    int r;

    if (!house->keyring)
        return mr_error_set(
                reterr, MR_EDENIED, "", "run it as the user of the hub", "no keys: nothing can be indexed");
    p = pass_new(house, reterr);
    if (!p)
        return MR_ENOMEM;
    p->notes = notes;
    p->limit = through;
    r = mr_log_reader_open(house->log, &p->reader);
    while (r == 0 && (r = batch(p)) == 1)
        r = mr_log_reader_renew(p->reader);
    pass_free(p);
    return r;
}

int mr_indexer_run_once(struct mr_house *house, struct mr_error *reterr)
{
    return run_to(house, NULL, UINT64_MAX, reterr);
}

int mr_indexer_run_to(struct mr_house *house, uint64_t through, struct mr_error *reterr)
{
    return run_to(house, NULL, through, reterr);
}

int mr_indexer_run_batch(struct mr_house *house, struct mr_index_notes *notes, struct mr_error *reterr)
{
    uint64_t index = mr_index_through(house->index), view = mr_view_through(house->view);

    return run_to(house, notes, (index < view ? index : view) + MR_INDEXER_BATCH_MAX, reterr);
}

static int add_again(struct pass *p)
{
    int r = mr_index_batch_begin(p->house->index, &p->index);

    if (r == 0)
        r = mr_view_batch_begin(p->house->view, &p->view);
    if (r == 0)
        r = one_record(p, 0, 0);
    if (r < 0) {
        mr_index_batch_abort(p->index);
        mr_view_batch_abort(p->view);
        return r;
    }
    r = mr_index_batch_insert(p->index);
    if (r < 0) {
        mr_view_batch_abort(p->view);
        return r;
    }
    return mr_view_batch_commit_rows(p->view);
}

int mr_indexer_again(struct mr_house *house, uint64_t number)
{
    struct pass *p = pass_new(house, NULL);
    int r = p ? mr_log_reader_open(house->log, &p->reader) : MR_ENOMEM;

    assert(number <= mr_index_through(house->index) && number <= mr_view_through(house->view));
    if (r == 0)
        r = mr_log_read(p->reader, number, &p->record, NULL);
    if (r == 0)
        r = add_again(p);
    pass_free(p);
    return r;
}

int mr_indexer_lag(const struct mr_house *house, struct mr_index_lag *ret)
{
    uint64_t through = mr_index_through(house->index), view_through = mr_view_through(house->view);
    uint64_t head = mr_log_head(house->log);
    struct mr_record_view *view;
    struct mr_log_reader *reader;
    int r;

    *ret = (struct mr_index_lag){.events = head > through ? head - through : 0,
            .view_events = head > view_through ? head - view_through : 0};
    if (ret->events == 0)
        return 0;
    view = malloc(sizeof *view);
    r = view ? mr_log_reader_open(house->log, &reader) : MR_ENOMEM;
    if (r == 0) {
        r = mr_log_read(reader, through + 1, view, NULL);
        if (r == 0)
            ret->oldest_us = mr_clock_wall_us(house->clock) - view->record.recorded_us;
        mr_log_reader_close(reader);
    }
    free(view);
    return r == MR_ENOMEM ? r : 0; /* a damaged record has no time, and no lag of its own */
}
