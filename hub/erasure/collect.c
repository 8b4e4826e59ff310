/*
 * Where a person occurs. The log itself is read, all of it: a slot says in plain whose key seals it, so
 * nothing derived has to be believed. Events that wait for correction name nobody: they are opened and
 * compared; one that cannot be opened may be anybody's and goes too. Of other records that cannot be read
 * the numbers are kept (damaged.c).
 */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "hub/deliver/deliver_rows.h"
#include "hub/erasure/eraser_internal.h"
#include "hub/erasure/identity.h"
#include "hub/erasure/receivers.h"
#include "hub/keep/hold_rows.h"
#include "hub/record/opened.h"
#include "proto/base/list.h"

struct collect {
    struct mr_erasing *e;
    struct mr_identity identity;
    struct mr_opened opened;
    struct mr_record_view view;
    struct mr_buf waiting; /* u64 numbers of records that waited for correction, or cannot be read */
    struct mr_buf damaged; /* u64 numbers of those that cannot be read */
    struct mr_buf type;
    struct mr_receivers *receivers;
    struct mr_buf holds; /* struct mr_hold_row: on numbers and types */
    bool held;           /* one of them is on one of the person's records */
    uint64_t through;    /* what is indexed and projected */
};

/* ---- holds ---- */

static int add_hold(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct collect *c = ctx;
    struct mr_hold_row row;
    int r = mr_hold_row_decode(&row, value);

    (void)key;
    if (r < 0 || row.kind == MR_HOLD_PERSON) /* those are in keys/ */
        return r;
    mr_buf_put(&c->holds, &row, sizeof row);
    return mr_buf_failed(&c->holds) ? MR_ENOMEM : 0;
}

static int read_holds(struct collect *c)
{
    return mr_log_rows(c->e->reader, MR_LOG_HOLD, mr_slice(NULL, 0), mr_slice(NULL, 0), add_hold, c);
}

static bool is_held(const struct collect *c, uint64_t number, const char *type)
{
    for (size_t at = 0; at < c->holds.size; at += sizeof(struct mr_hold_row)) {
        struct mr_hold_row row;

        memcpy(&row, c->holds.data + at, sizeof row);
        if (mr_hold_row_holds(&row, number, type))
            return true;
    }
    return false;
}

/* ---- records ---- */

static uint16_t own_slots(const struct collect *c, const struct mr_record *record)
{
    const mr_erasure_secret *secret = c->e->secret;
    uint16_t mask = 0;

    for (size_t i = 0; i < record->slots_count; i++) {
        uint8_t key_id[MR_KEY_ID_BYTES];

        if (record->slots[i].size == 0 || mr_slot_key_id(record->slots[i], key_id) < 0)
            continue;
        for (size_t k = 0; k < secret->n_parts; k++)
            if (secret->parts[k]->key_id.len == sizeof key_id &&
                    memcmp(secret->parts[k]->key_id.data, key_id, sizeof key_id) == 0)
                mask |= (uint16_t)(1u << i);
    }
    return mask;
}

static int on_receiver(void *ctx, const char *system, enum mr_personal personal, uint32_t withheld)
{
    struct collect *c = ctx;

    return mr_identity_known(&c->identity, system, false, personal, withheld);
}

/* Who has sent it and to whom it was addressed. */
static int note_systems(struct collect *c, const struct mr_record *record)
{
    const char *sender = mr_names_text(c->e->eraser->house->names, MR_NAME_SYSTEM, record->system);
    int r = 0;

    if (record->system != MR_SYSTEM_HUB && sender)
        r = mr_identity_known(&c->identity, sender, true, MR_PERSONAL_NONE, 0);
    return r < 0 ? r : mr_receivers_of(c->receivers, record, on_receiver, c);
}

static int note_persons(struct collect *c, const struct mr_record *record, uint16_t mask)
{
    const struct mr_unsealed *unsealed = &c->opened.unsealed;
    const struct mr_event *event = &c->opened.event;
    const char *system = mr_names_text(c->e->eraser->house->names, MR_NAME_SYSTEM, record->system);
    int r = 0;

    for (size_t i = 0; r == 0 && i < unsealed->spans_count && i < event->persons_count; i++)
        if (mask & (1u << unsealed->person_of_span[i]))
            r = mr_identity_person(&c->identity, system, event->persons[i].person);
    return r;
}

static int touched(struct collect *c, const struct mr_record *record, uint16_t mask)
{
    int r = mr_identity_touched(&c->identity, record->number, mask);

    if (r == 0)
        r = note_systems(c, record);
    if (r == 0)
        r = mr_record_type(record, &c->type);
    if (r == 0) {
        c->held |= is_held(c, record->number, mr_buf_str(&c->type));
        r = mr_identity_type(&c->identity, mr_buf_str(&c->type));
    }
    if (r == 0) {
        r = mr_opened_read(&c->opened, c->e->eraser->house, record, MR_PURPOSE_ERASE, NULL);
        if (r == MR_EDESTROYED || r == MR_ECORRUPT || r == MR_EMALFORMED)
            return 0; /* of several persons, one is gone; or damaged: its slot is stripped all the same */
        if (r == 0)
            r = note_persons(c, record, mask);
    }
    return r;
}

static int one_record(struct collect *c)
{
    const struct mr_record *record = &c->view.record;
    uint16_t mask;

    if (!(record->flags & MR_RECORD_SEALED))
        return 0;
    if (record->flags & MR_RECORD_QUARANTINED) {
        mr_buf_put(&c->waiting, &record->number, sizeof record->number);
        return mr_buf_failed(&c->waiting) ? MR_ENOMEM : 0;
    }
    mask = own_slots(c, record);
    return mask ? touched(c, record, mask) : 0;
}

static int note_damaged(struct collect *c, uint64_t number)
{
    mr_buf_put(&c->damaged, &number, sizeof number);
    mr_buf_put(&c->waiting, &number, sizeof number);
    return mr_buf_failed(&c->damaged) || mr_buf_failed(&c->waiting) ? MR_ENOMEM : 0;
}

static int read_log(struct collect *c)
{
    struct mr_log_reader *reader = c->e->reader;
    int r = 0;

    for (uint64_t n = 1; r == 0 && n <= c->through; n++) {
        r = n == 1 ? mr_log_read(reader, n, &c->view, NULL) : mr_log_read_next(reader, &c->view, NULL);
        if (r == 0)
            r = one_record(c);
        else if (r == MR_ECORRUPT)
            r = note_damaged(c, n);
    }
    return r;
}

/* ---- what waits for correction ---- */

/* Whose it is nobody can tell, and mended it must not come back: unless its key is gone already. */
static int unreadable(struct collect *c, uint64_t number, const struct mr_quarantine_row *row)
{
    struct mr_slot_key key;
    int r = mr_keyring_person_key(c->e->eraser->house->keyring, row->item, &key);

    sodium_memzero(&key, sizeof key);
    return r == MR_EDESTROYED ? 0 : mr_identity_waiting(&c->identity, number, row->item);
}

static int one_waiting(struct collect *c, uint64_t number)
{
    const struct mr_house *house = c->e->eraser->house;
    struct mr_quarantine_row row;
    int r = mr_quarantine_row_read(&row, c->e->reader, number);
    const char *system;

    if (r < 0)
        return r == MR_ENOTFOUND ? 0 : r; /* of a record that cannot be read: it did not wait */
    r = mr_log_read(c->e->reader, number, &c->view, NULL);
    if (r == 0)
        r = mr_opened_read(&c->opened, house, &c->view.record, MR_PURPOSE_ERASE, NULL);
    if (r == MR_ECORRUPT || r == MR_EMALFORMED)
        return unreadable(c, number, &row);
    if (r < 0)
        return r == MR_ENOMEM || r == MR_EIO ? r : 0; /* discarded */
    system = mr_names_text(house->names, MR_NAME_SYSTEM, c->view.record.system);
    for (size_t i = 0; i < c->opened.event.persons_count; i++)
        if (mr_identity_is(&c->identity, system, c->opened.event.persons[i].person)) {
            r = mr_identity_waiting(&c->identity, number, row.item);
            return r < 0 || !system ? r : mr_identity_known(&c->identity, system, true, MR_PERSONAL_NONE, 0);
        }
    return 0;
}

static int read_waiting(struct collect *c)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < c->waiting.size / sizeof(uint64_t); i++) {
        uint64_t number;

        memcpy(&number, c->waiting.data + i * sizeof number, sizeof number);
        r = one_waiting(c, number);
    }
    return r;
}

/* The head of the log is no measure: while events come the index never has all of them. */
static uint64_t indexed_through(const struct mr_erasing *e)
{
    uint64_t index = mr_index_through(e->eraser->house->index);
    uint64_t view = mr_view_through(e->eraser->house->view), head = mr_log_reader_head(e->reader);
    uint64_t both = index < view ? index : view;

    return both < head ? both : head;
}

static struct collect *collect_new(struct mr_erasing *e)
{
    struct collect *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->e = e;
    mr_opened_init(&c->opened);
    return c;
}

static void collect_free(struct collect *c)
{
    c->e->request->events = c->e->secret->n_records;
    c->e->request->quarantined = c->e->secret->n_quarantined;
    mr_opened_fini(&c->opened);
    mr_buf_fini(&c->waiting);
    mr_buf_fini(&c->damaged);
    mr_buf_fini(&c->type);
    mr_buf_fini(&c->holds);
    mr_receivers_free(c->receivers);
    free(c);
}

int mr_erasure_collect(struct mr_erasing *e)
{
    uint64_t through = indexed_through(e);
    struct collect *c;
    int r;

    /* Blocked before it was approved: nothing of the person lies behind that. */
    if (through < e->request->event_started) {
        mr_indexer_wake(e->eraser->options.indexer);
        return mr_step_wait(e, "indexer");
    }
    c = collect_new(e);
    if (!c)
        return MR_ENOMEM;
    c->through = through;
    mr_identity_init(&c->identity, &e->arena, e->secret);
    r = mr_receivers_open(&c->receivers, e->eraser->house, e->reader);
    if (r == 0)
        r = read_holds(c);
    if (r == 0)
        r = read_log(c);
    if (r == 0)
        r = read_waiting(c);
    if (r == 0)
        r = mr_erasure_proposals(e, &c->identity);
    if (r == 0)
        r = mr_erasure_damaged_set(e, mr_buf_slice(&c->damaged));
    if (r == 0 && c->held) /* nothing is destroyed yet; it may be rejected still */
        r = mr_step_wait(e, "legal-hold");
    collect_free(c);
    return r;
}

/* What waited for correction went with the first look, readable or not. */
static int look_again(struct collect *c, struct mr_buf *ret_back)
{
    int r = 0;

    for (uint64_t n = 0; r == 0 && mr_erasure_damaged_next(c->e->request, &n);) {
        r = mr_log_read(c->e->reader, n, &c->view, NULL);
        if (r == MR_ECORRUPT)
            r = note_damaged(c, n);
        else if (r == 0) {
            r = one_record(c);
            mr_buf_put(ret_back, &n, sizeof n);
        }
    }
    return r == 0 && mr_buf_failed(ret_back) ? MR_ENOMEM : r;
}

int mr_erasure_collect_again(struct mr_erasing *e, struct mr_buf *ret_back)
{
    struct collect *c = collect_new(e);
    int r;

    if (!c)
        return MR_ENOMEM;
    mr_identity_resume(&c->identity, &e->arena, e->secret);
    r = mr_receivers_open(&c->receivers, e->eraser->house, e->reader);
    if (r == 0)
        r = look_again(c, ret_back);
    if (r == 0 && ret_back->size > 0)
        r = mr_erasure_damaged_set(e, mr_buf_slice(&c->damaged));
    collect_free(c);
    return r;
}
