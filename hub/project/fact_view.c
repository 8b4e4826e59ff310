#include "hub/project/fact_view.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "hub/erasure/rows.h"
#include "hub/index/index_keys.h"
#include "hub/project/facts.h"
#include "proto/base/bytes.h"

enum { ROW_OPEN = 1, ROW_SEALED = 2 };

static void ident_of(void *ctx, const char *source, const char *id, uint8_t ret[static MR_FACT_ID_BYTES])
{
    const struct mr_house *house = ctx;

    mr_index_key_ident(house->keyring, source, id, ret);
}

static int add_withheld(const struct mr_house *house, const struct mr_record *record, struct mr_fact_set *set)
{
    struct mr_fact fact = {.number = record->number, .kind = MR_FACT_WITHHELD, .system = record->system};
    struct mr_slot_key key;

    memcpy(fact.ident, record->ident, MR_FACT_ID_BYTES);
    for (size_t i = 0; i < record->slots_count && !fact.has_person; i++) {
        int r = record->slots[i].size == 0 ? MR_ENOTFOUND /* stripped: nobody knows any more whose it was */
                                           : mr_slot_key_id(record->slots[i], fact.person);

        if (r == 0)
            r = mr_keyring_key(house->keyring, fact.person, &key);
        fact.has_person = r == MR_EBLOCKED || r == MR_EDESTROYED;
        fact.code = r == MR_EBLOCKED ? "blocked" : "destroyed";
    }
    return fact.has_person ? mr_fact_set_add(set, &fact) : 0;
}

static struct mr_fact_source source_of(
        const struct mr_house *house, const struct mr_record *record, const struct mr_event *event)
{
    bool annuls = event->type && (event->type->flags & MR_TYPE_ANNULS);

    return (struct mr_fact_source){.number = record->number,
            .system = record->system,
            .ident = record->ident,
            .event = event,
            .config = house->config,
            .own = annuls ? mr_house_source(house, record->system) : NULL,
            .ident_of = ident_of,
            .ctx = (void *)house};
}

int mr_facts_of_nobody(const struct mr_house *house, const struct mr_record *record,
        const struct mr_event *event, const struct mr_facts_plan *plan, mr_fact_fn fn, void *ctx)
{
    struct mr_fact_source source = source_of(house, record, event);

    assert(event->persons_count == 0 && !(record->flags & (MR_RECORD_SEALED | MR_RECORD_QUARANTINED)));
    source.plan = plan;
    return mr_facts_each(&source, fn, ctx);
}

static int extract(const struct mr_house *house, const struct mr_record *record,
        const struct mr_opened *opened, struct mr_fact_set *set)
{
    struct mr_fact_source source = source_of(house, record, &opened->event);

    for (size_t i = 0; i < opened->unsealed.spans_count && i < MR_EVENT_PERSONS_MAX; i++)
        source.persons[i] = opened->unsealed.persons[opened->unsealed.person_of_span[i]].id;
    return mr_facts_of(&source, set);
}

int mr_facts_of_opened(const struct mr_house *house, const struct mr_record *record,
        const struct mr_opened *opened, struct mr_fact_set *set)
{
    return record->flags & MR_RECORD_QUARANTINED ? 0 : extract(house, record, opened, set);
}

int mr_facts_of_record(const struct mr_house *house, const struct mr_record *record, struct mr_opened *opened,
        struct mr_fact_set *set, struct mr_error *reterr)
{
    int r;

    if (record->flags & MR_RECORD_QUARANTINED)
        return 0;
    r = mr_opened_read(opened, house, record, MR_PURPOSE_PROJECT, reterr);
    if (r == MR_EBLOCKED || r == MR_EDESTROYED)
        return add_withheld(house, record, set);
    if (r == MR_EEXPIRED)
        return 0;
    return r < 0 ? r : extract(house, record, opened, set);
}

void mr_fact_row_key(const struct mr_fact *fact, uint8_t ret[static MR_FACT_ROW_KEY_BYTES])
{
    mr_put_be64(ret, fact->number);
    ret[8] = fact->part;
}

void mr_fact_sealing_wipe(struct mr_fact_sealing *sealing)
{
    mr_random_wipe(&sealing->random);
    sodium_memzero(sealing, sizeof *sealing);
}

/* Events of one person come one after another, and the way from a person to the key is two rows to open. */
static int key_for(const struct mr_house *house, const uint8_t person[static MR_FACT_ID_BYTES],
        struct mr_fact_sealing *sealing, struct mr_slot_key *ret)
{
    bool same = sealing->known && memcmp(sealing->person, person, sizeof sealing->person) == 0;
    int r = same ? mr_keyring_key(house->keyring, sealing->key_id, ret)
                 : mr_keyring_person_key(house->keyring, person, ret);

    sealing->known = r == 0;
    if (r == 0) {
        memcpy(sealing->person, person, sizeof sealing->person);
        memcpy(sealing->key_id, ret->id, sizeof sealing->key_id);
    }
    return r;
}

static int seal_row(const struct mr_house *house, const struct mr_fact *fact, struct mr_slice aad,
        struct mr_slice plain, struct mr_fact_sealing *sealing, struct mr_buf *out)
{
    struct mr_slot_key key;
    int r = key_for(house, fact->person, sealing, &key);

    if (r < 0)
        return r;
    mr_buf_put_u8(out, ROW_SEALED);
    mr_buf_put(out, key.id, sizeof key.id);
    r = mr_keyring_seal_from(&sealing->random, &key, aad, plain, out);
    sodium_memzero(&key, sizeof key);
    return r;
}

/* The person went while this was built: the row says so, as if the event had not opened. */
static int put_lost(
        struct mr_view_batch *batch, const struct mr_fact *fact, bool blocked, struct mr_slice key)
{
    struct mr_fact lost = {.number = fact->number,
            .part = fact->part,
            .kind = MR_FACT_WITHHELD,
            .system = fact->system,
            .has_person = true,
            .code = blocked ? "blocked" : "destroyed"};
    struct mr_buf out = MR_BUF_INIT;
    int r;

    memcpy(lost.ident, fact->ident, sizeof lost.ident);
    memcpy(lost.person, fact->person, sizeof lost.person);
    mr_buf_put_u8(&out, ROW_OPEN);
    r = mr_fact_encode(&out, &lost);
    if (r == 0)
        r = mr_view_batch_put(batch, MR_VIEW_FACT, key, mr_buf_slice(&out));
    mr_buf_fini(&out);
    return r;
}

int mr_fact_open_row(const struct mr_fact *fact, struct mr_buf *out)
{
    assert(!fact->has_person);
    mr_buf_put_u8(out, ROW_OPEN);
    return mr_fact_encode(out, fact);
}

int mr_fact_put(const struct mr_house *house, struct mr_view_batch *batch, const struct mr_fact *fact,
        struct mr_fact_sealing *sealing)
{
    bool sealed = fact->has_person && fact->kind != MR_FACT_WITHHELD;
    struct mr_buf plain = MR_BUF_INIT, out = MR_BUF_INIT;
    uint8_t key[MR_FACT_ROW_KEY_BYTES];
    int r;

    mr_fact_row_key(fact, key);
    if (!sealed)
        mr_buf_put_u8(&out, ROW_OPEN);
    r = mr_fact_encode(sealed ? &plain : &out, fact);
    if (r == 0 && sealed)
        r = seal_row(house, fact, mr_slice(key, sizeof key), mr_buf_slice(&plain), sealing, &out);
    if (r == MR_EBLOCKED || r == MR_EDESTROYED)
        r = put_lost(batch, fact, r == MR_EBLOCKED, mr_slice(key, sizeof key));
    else if (r == 0)
        r = mr_buf_failed(&out)
                    ? MR_ENOMEM
                    : mr_view_batch_put(batch, MR_VIEW_FACT, mr_slice(key, sizeof key), mr_buf_slice(&out));
    mr_buf_wipe(&plain);
    mr_buf_fini(&out);
    return r;
}

struct load {
    const struct mr_house *house;
    struct mr_fact_set *set;
    struct mr_log_reader *reader;
    struct mr_opened *opened;
    struct mr_record_view *view;
    struct mr_error *reterr;
    uint64_t as_of;
    uint64_t rows;
    uint64_t redone; /* last record that was opened again */
};

/* A withheld event may be open by now (unblocked), so it is read again from the log. */
static int load_record(struct load *load, uint64_t number)
{
    int r = mr_log_read(load->reader, number, load->view, load->reterr);
    size_t before = load->set->count;

    if (r == 0)
        r = mr_facts_of_record(load->house, &load->view->record, load->opened, load->set, load->reterr);
    if (r == 0 && load->set->count > before && load->set->items[before].kind == MR_FACT_WITHHELD) {
        const struct mr_fact *withheld = &load->set->items[before];

        r = mr_fact_set_hide(load->set, number, withheld->person, strcmp(withheld->code, "destroyed") == 0);
    }
    load->redone = number;
    load->set->damaged |= r == MR_ECORRUPT;
    return r == MR_ECORRUPT ? 0 : r; /* a damaged record is isolated; the rest is served */
}

static int load_sealed(struct load *load, struct mr_slice key, struct mr_slice value, struct mr_fact *ret)
{
    struct mr_slot_key slot;
    struct mr_buf plain = MR_BUF_INIT;
    int r;

    if (value.size < 1 + MR_KEY_ID_BYTES)
        return MR_ECORRUPT;
    r = mr_keyring_key(load->house->keyring, value.data + 1, &slot);
    if (r == MR_EBLOCKED || r == MR_EDESTROYED) {
        r = mr_fact_set_hide(load->set, mr_get_be64(key.data), value.data + 1, r == MR_EDESTROYED);
        return r < 0 ? r : 1;
    }
    if (r < 0)
        return r;
    r = mr_keyring_unseal(
            &slot, key, mr_slice(value.data + 1 + MR_KEY_ID_BYTES, value.size - 1 - MR_KEY_ID_BYTES), &plain);
    sodium_memzero(&slot, sizeof slot);
    if (r == 0)
        r = mr_fact_decode(ret, mr_buf_slice(&plain), &load->opened->arena);
    mr_buf_wipe(&plain);
    return r;
}

static int load_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct load *load = ctx;
    struct mr_fact fact;
    uint64_t number;
    int r;

    if (key.size != MR_FACT_ROW_KEY_BYTES || value.size < 1)
        return MR_ECORRUPT;
    number = mr_get_be64(key.data);
    if (number > load->as_of)
        return 1;
    if (++load->rows % MR_TICK_EVERY == 0)
        mr_tick(load->house->tick, "facts of records", number, load->as_of);
    if (number == load->redone)
        return 0;
    mr_arena_reset(&load->opened->arena);
    if (value.data[0] == ROW_SEALED)
        r = load_sealed(load, key, value, &fact);
    else
        r = mr_fact_decode(&fact, mr_slice(value.data + 1, value.size - 1), &load->opened->arena);
    if (r != 0)
        return r < 0 ? r : 0;
    if (fact.kind == MR_FACT_WITHHELD)
        return load_record(load, number);
    fact.number = number;
    fact.part = key.data[8];
    return mr_fact_set_add(load->set, &fact);
}

static int load_tail(struct load *load, uint64_t through)
{
    int r = 0;

    if (through < load->set->through)
        through = load->set->through;
    for (uint64_t n = through + 1; r == 0 && n <= load->as_of; n++) {
        if (n % MR_TICK_EVERY == 0)
            mr_tick(load->house->tick, "facts of records", n, load->as_of);
        r = load_record(load, n);
    }
    return r;
}

static int load_all(struct load *load)
{
    struct mr_view_reader *rows;
    uint8_t from[MR_FACT_ROW_KEY_BYTES] = {0};
    uint64_t through;
    int r = mr_view_reader_open(load->house->view, &rows);

    if (r < 0)
        return r;
    through = mr_view_reader_through(rows);
    mr_put_be64(from, load->set->through + 1);
    r = mr_view_rows(rows, MR_VIEW_FACT, mr_slice(from, sizeof from), load_row, load);
    mr_view_reader_close(rows);
    return r < 0 ? r : load_tail(load, through);
}

/* What a set says beside its facts. */
static int load_point(struct load *load)
{
    int r = 0;

    if (load->as_of)
        r = mr_log_read(load->reader, load->as_of, load->view, load->reterr);
    if (r == 0)
        load->set->recorded_us = load->as_of ? load->view->record.recorded_us : 0;
    if (r == 0)
        r = mr_erasure_persons(load->house->log, &load->set->erased);
    load->set->through = load->as_of;
    return r;
}

int mr_facts_load(
        const struct mr_house *house, uint64_t as_of, struct mr_fact_set *set, struct mr_error *reterr)
{
    struct mr_opened opened;
    struct mr_record_view view;
    struct load load = {.house = house, .set = set, .opened = &opened, .view = &view, .reterr = reterr};
    uint64_t head;
    int r;

    if (!house->keyring)
        return mr_error_set(reterr, MR_EDENIED, "", "start the hub, or run this as the user of the hub",
                "the passport cannot be made without the keys of persons");
    r = mr_log_reader_open(house->log, &load.reader);
    if (r < 0)
        return r;
    head = mr_log_reader_head(load.reader);
    load.as_of = as_of ? as_of : head;
    mr_opened_init(&opened);
    if (load.as_of > head)
        r = mr_error_set(reterr, MR_ENOTFOUND, "as_of", "give a number up to the head",
                "the log ends at %llu", (unsigned long long)head);
    else if (load.as_of > set->through)
        r = load_all(&load);
    if (r == 0)
        r = load_point(&load);
    mr_opened_fini(&opened);
    mr_log_reader_close(load.reader);
    return r;
}
