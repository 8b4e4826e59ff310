#include "hub/intake/prepare_item.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/intake/admit.h"
#include "hub/erasure/rows.h"
#include "hub/intake/mention.h"
#include "hub/intake/prepare_write.h"

static const char hub_name[] = "hub";

int mr_preparer_init(struct mr_preparer *preparer, struct mr_house *house, const struct mr_matcher *matcher,
        struct mr_error *reterr)
{
    int r;

    *preparer = (struct mr_preparer){.house = house, .matcher = matcher};
    preparer->sealed.hash_later = true; /* mr_prepare_leaves() */
    preparer->next = mr_log_head(house->log) + 1;
    preparer->recorded_us = mr_log_head_recorded_us(house->log);
    mr_arena_init(&preparer->arena, MR_ADMIT_ARENA_BYTES);
    r = mr_rule_places_new(&preparer->places);
    if (r == 0)
        r = mr_waiting_open(&preparer->waiting, house, reterr);
    return r < 0 ? r : mr_dedup_open(&preparer->dedup, house, reterr);
}

void mr_preparer_fini(struct mr_preparer *preparer)
{
    assert(!preparer->txn);
    mr_dedup_close(preparer->dedup);
    preparer->dedup = NULL;
    mr_waiting_close(preparer->waiting);
    preparer->waiting = NULL;
    mr_rule_places_free(preparer->places);
    preparer->places = NULL;
    mr_arena_fini(&preparer->arena);
    mr_resolved_fini(&preparer->resolved);
    mr_sealed_fini(&preparer->sealed);
}

int mr_preparer_begin(struct mr_preparer *preparer)
{
    int r = mr_dedup_forget_indexed(preparer->dedup);

    mr_index_notes_begin(preparer->notes);
    return r < 0 ? r : mr_keyring_begin(preparer->house->keyring, &preparer->txn);
}

int mr_preparer_end(struct mr_preparer *preparer, int r)
{
    preparer->keys_written = preparer->txn && r == 0 && mr_keyring_changed(preparer->txn);
    if (preparer->txn && r == 0)
        r = mr_keyring_commit(preparer->txn);
    else if (preparer->txn)
        mr_keyring_abort(preparer->txn);
    preparer->txn = NULL;
    mr_index_notes_end(preparer->notes, r == 0);
    if (r == 0)
        mr_waiting_keep(preparer->waiting);
    mr_dedup_pause(preparer->dedup);
    mr_arena_reset(&preparer->arena);
    mr_resolved_reset(&preparer->resolved);
    return r;
}

struct mr_preparer_mark mr_preparer_mark(const struct mr_preparer *preparer)
{
    return (struct mr_preparer_mark){preparer->next, preparer->recorded_us};
}

void mr_preparer_rollback(struct mr_preparer *preparer, const struct mr_preparer_mark *mark)
{
    mr_dedup_rollback(preparer->dedup, mark->next);
    mr_waiting_rollback(preparer->waiting);
    preparer->next = mark->next;
    preparer->recorded_us = mark->recorded_us;
}

/* ---- one event ---- */

struct work {
    struct mr_preparer *p;
    struct mr_intake *intake;
    struct mr_intake_item *item;
    struct mr_dedup_entry entry;
    uint64_t replaces; /* number of the quarantined record that this event mends */
    bool again;        /* ... with the same bytes: perhaps what it waited for has come */
    uint64_t behind;   /* number of the record that it waits behind */
    size_t subs_count;
    struct mr_event event; /* from here on large: not cleared, admit() begins them */
    bool decoded;
    struct mr_decision decision;
    uint16_t subs[MR_RECORD_SUBS_MAX];
};

static const char *system_of(const struct work *w)
{
    return w->intake->sender ? w->intake->sender->name : hub_name;
}

static void admit(struct work *w)
{
    struct mr_admit rights = {w->p->house->config, w->intake->sender, w->intake->at_us, w->p->places};

    mr_arena_reset(&w->p->arena);
    mr_admit_event(&rights, w->item->event, &w->p->arena, &w->event, &w->decoded, &w->decision);
    if (!w->decoded) {
        memset(w->item->ident, 0, sizeof w->item->ident);
        w->item->identified = false;
        return;
    }
    if (!w->item->identified)
        mr_dedup_ident(w->p->house->keyring, w->event.a.source, w->event.a.id, w->item->ident);
    memcpy(w->entry.ident, w->item->ident, sizeof w->entry.ident);
    if (w->item->digested)
        memcpy(w->entry.digest, w->item->digest, sizeof w->entry.digest);
    else
        mr_dedup_bytes(w->p->house->keyring, w->item->event, w->entry.digest);
}

/* What was erased does not come back by being said again; its sender is told why nothing happens. */
static void decide_erased(struct work *w)
{
    char number[24] = "", reason[96] = "The event is known; its personal data were destroyed on request.";
    uint64_t request;

    if (mr_erasure_of(w->p->house->log, w->entry.number, &request) == 0 && request > 0) {
        (void)snprintf(number, sizeof number, "%llu", (unsigned long long)request);
        (void)snprintf(reason, sizeof reason,
                "The event is known; its personal data were destroyed on request No. %s.", number);
    }
    mr_decide(&w->decision, MR_VERDICT_DUPLICATE, "erased", number, reason,
            "Send data of this person only on a new ground, and then as a new event.");
}

/* A repeat of what was quarantined is a duplicate too: it has its number. */
static void decide_duplicate(struct work *w)
{
    mr_decision_go(&w->decision);
    w->decision.verdict = MR_VERDICT_DUPLICATE;
    if (w->entry.waits)
        mr_decide(&w->decision, MR_VERDICT_DUPLICATE, "quarantined-waiting", "",
                "The event is known, and still waits for correction.",
                "Correct it and send it again with the same source and id.");
    else if (w->entry.erased)
        decide_erased(w);
    w->item->number = w->entry.number;
    memcpy(w->item->leaf_hash, w->entry.leaf_hash, sizeof w->item->leaf_hash);
}

/* The record of this entry waits, also when the writer is yet to write so. */
static bool waits(const struct work *w, const struct mr_dedup_entry *entry)
{
    return entry->waits && mr_waiting_has(w->p->waiting, entry->number);
}

/* A new id that says instead of which event it is sent: when that one is over, it stands for itself. */
static int look_for_mended(struct work *w)
{
    struct mr_dedup_entry mended = {0};
    int r;

    if (!w->event.a.mends || !*w->event.a.mends)
        return 0;
    mr_dedup_digests(w->p->house->keyring, w->event.a.source, w->event.a.mends, w->item->event, &mended);
    r = mr_dedup_find(w->p->dedup, &mended);
    if (r > 0 && waits(w, &mended))
        w->replaces = mended.number;
    return r < 0 ? r : 0;
}

/* The desk's word on what waits: prepare has seen that it does. */
static int look_for_ordered(struct work *w)
{
    int r = mr_dedup_find(w->p->dedup, &w->entry);

    if (r > 0 && w->entry.number == w->intake->order->number)
        w->replaces = w->entry.number;
    else if (r >= 0)
        mr_decide(&w->decision, MR_VERDICT_REFUSED, "id-conflict", "id",
                "The correction is of another event.", "Keep source and id of the event.");
    return r < 0 ? r : 0;
}

/*
 * Other bytes under a known id mend what waits for correction, and the same bytes do when they may be stored
 * by now: the person or the evidence came, or a code list grew. Anything else keeps its content.
 */
static int look_for_known(struct work *w)
{
    int r;

    if (w->intake->order && w->intake->sender)
        return look_for_ordered(w);
    r = mr_dedup_find(w->p->dedup, &w->entry);
    w->entry.waits = r > 0 && waits(w, &w->entry);
    w->again = r == MR_DEDUP_SAME && w->entry.waits && w->decision.verdict == MR_VERDICT_STORED;
    if (r == MR_DEDUP_SAME && !w->again) {
        decide_duplicate(w);
        return 0;
    }
    if (w->again || (r == MR_DEDUP_OTHER && w->entry.waits)) {
        w->replaces = w->entry.number;
        return 0;
    }
    if (r == MR_DEDUP_OTHER) {
        mr_decide(&w->decision, MR_VERDICT_REFUSED, "id-conflict", "id",
                "This source has used this id for an event with other content.",
                "Give every event an id of its own.");
        return 0;
    }
    return r < 0 ? r : look_for_mended(w);
}

/* ---- the order of the key ---- */

static int read_tags(struct work *w, struct mr_waiting_tags *ret)
{
    return mr_waiting_tags(w->p->house->keyring, w->p->txn, system_of(w), &w->event, ret);
}

static uint64_t place_of(const struct work *w)
{
    return w->replaces ? mr_waiting_place(w->p->waiting, w->replaces) : w->p->next;
}

/* A school says lists: each row stands for what is so now, and for what was said of it before. */
static bool says_lists(const struct mr_config_system *sender)
{
    return strcmp(sender->kind, "school") == 0;
}

/* What may be the cure of the earlier one is never held back by it. */
static bool passes(const struct work *w)
{
    enum { CURES = MR_TYPE_ANNULS | MR_TYPE_MERGES_PERSON | MR_TYPE_OF_EVERYBODY };

    return !w->intake->sender || says_lists(w->intake->sender) || (w->event.type->flags & CURES) ||
           !mr_waiting_of(w->p->waiting, w->intake->system);
}

/* Only the later events of this sender about this person wait, the rest flow. */
static int look_behind(struct work *w)
{
    struct mr_waiting_tags tags;
    char reason[sizeof w->decision.text.reason];
    int r;

    if (passes(w))
        return 0;
    r = read_tags(w, &tags);
    w->behind = r < 0 ? 0 : mr_waiting_before(w->p->waiting, place_of(w), &tags);
    if (w->behind == 0)
        return r;
    (void)snprintf(reason, sizeof reason,
            "An earlier event of the same person waits for correction: No. %llu.",
            (unsigned long long)w->behind);
    mr_decide(&w->decision, MR_VERDICT_QUARANTINED, MR_CODE_BEHIND, "", reason,
            "Nothing: it goes on by itself when that one is corrected, released or discarded.");
    return 0;
}

bool mr_preparer_order(struct mr_preparer *preparer, struct mr_desk_order *order)
{
    order->over = !mr_waiting_has(preparer->waiting, order->number);
    if (!order->over && order->act == MR_DESK_DISCARD)
        mr_waiting_end(preparer->waiting, order->number);
    return !order->over;
}

/* It waits from now on, and what it mends does not. */
static int begin_waiting(struct work *w)
{
    struct mr_waiting_tags tags;
    uint64_t place = w->replaces ? place_of(w) : w->entry.number;
    int r = read_tags(w, &tags);

    if (r < 0)
        return r;
    if (w->replaces)
        mr_waiting_end(w->p->waiting, w->replaces);
    w->intake->mended |= w->replaces != 0;
    return mr_waiting_add(
            w->p->waiting, w->entry.number, place, w->intake->system, w->decision.text.code, &tags);
}

static int resolve(struct work *w)
{
    struct mr_resolver resolver = {
            .keyring = w->p->house->keyring,
            .txn = w->p->txn,
            .config = w->p->house->config,
            .system = system_of(w),
            .number = w->p->next,
    };

    return mr_resolve(&resolver, &w->event, &w->p->resolved, &w->decision);
}

static void match(struct work *w)
{
    const struct mr_resolved *resolved = &w->p->resolved;
    struct mr_match_context context = {resolved->employer_names, resolved->employers_count};

    w->subs_count = mr_matcher_match(w->p->matcher, &w->event, system_of(w), &context, w->subs);
}

/* All of an intake is recorded at one time, which never goes back. */
static void next_recorded(const struct work *w)
{
    if (w->intake->at_us > w->p->recorded_us)
        w->p->recorded_us = w->intake->at_us;
}

static struct mr_seal_input seal_input(const struct work *w, const uint8_t *hub_id)
{
    const struct mr_resolved *resolved = &w->p->resolved;

    return (struct mr_seal_input){
            .event = &w->event,
            .system = system_of(w),
            .source = w->intake->sender ? w->intake->sender->source : w->p->house->config->hub.source,
            .hub_id = hub_id,
            .recorded_us = w->p->recorded_us,
            .persons = resolved->persons,
            .persons_count = resolved->persons_count,
            .person_of_span = resolved->person_of_span,
            .staffof = (const char *)resolved->staffof.data,
    };
}

static int put_record(struct work *w, uint16_t flags, const uint8_t *item_key)
{
    struct mr_preparer *p = w->p;
    struct mr_record record;
    struct mr_intake_span span = {.offset = w->intake->records.size,
            .number = p->next,
            .recorded_us = p->recorded_us,
            .item = (size_t)(w->item - w->intake->items),
            .hash_later = p->sealed.hash_later && p->sealed.slots_count == 0,
            .replaces = w->replaces,
            .place = w->replaces ? place_of(w) : 0,
            .behind = w->behind};
    int r;

    record.number = p->next;
    record.recorded_us = p->recorded_us;
    record.system = w->intake->system;
    record.config = p->house->config_version;
    record.subs = w->subs;
    record.subs_count = w->subs_count;
    record.leaf = mr_buf_slice(&p->sealed.leaf);
    record.slots_count = p->sealed.slots_count;
    record.flags = (uint16_t)(flags | (p->sealed.slots_count > 0 ? MR_RECORD_SEALED : 0) |
                              (w->intake->sender ? 0 : MR_RECORD_HUB));
    memcpy(record.ident, w->entry.ident, sizeof record.ident);
    memcpy(record.digest, w->entry.digest, sizeof record.digest);
    for (size_t i = 0; i < p->sealed.slots_count; i++)
        record.slots[i] = mr_buf_slice(&p->sealed.slots[i]);
    r = mr_record_encode(&w->intake->records, &record);
    if (r < 0)
        return r;
    mr_index_notes_add(p->notes, p->house, &record, &w->event);
    span.size = w->intake->records.size - span.offset;
    memcpy(span.leaf_hash, w->p->sealed.leaf_hash, sizeof span.leaf_hash);
    if (item_key)
        memcpy(span.item_key, item_key, sizeof span.item_key);
    mr_buf_put(&w->intake->spans, &span, sizeof span);
    return mr_buf_failed(&w->intake->spans) ? MR_ENOMEM : 0;
}

/* The number is given: from here on this event is known. */
static int give_number(struct work *w)
{
    w->entry.number = w->p->next;
    w->entry.quarantined = w->decision.verdict == MR_VERDICT_QUARANTINED;
    memcpy(w->entry.leaf_hash, w->p->sealed.leaf_hash, sizeof w->entry.leaf_hash);
    w->item->number = w->entry.number;
    memcpy(w->item->leaf_hash, w->entry.leaf_hash, sizeof w->item->leaf_hash);
    w->p->next++;
    return mr_dedup_add(w->p->dedup, &w->entry);
}

/* For one system: under an item key, as what waits for correction is. */
static int seal_to_one(struct work *w, const struct mr_seal_input *input)
{
    struct mr_slot_key key;
    int r = mr_person_create(w->p->txn, w->item->item_key, &key);

    if (r < 0)
        return r;
    w->subs[0] = w->item->to_one;
    w->subs_count = 1;
    r = mr_seal_to_one(&w->p->sealed, input, &key);
    explicit_bzero(&key, sizeof key);
    return r;
}

static int store(struct work *w)
{
    uint8_t hub_id[MR_UUID_BYTES];
    struct mr_seal_input input;
    int r;

    if (!w->item->to_one)
        match(w);
    next_recorded(w);
    mr_uuid7_next(&w->p->uuids, w->p->recorded_us, hub_id);
    input = seal_input(w, hub_id);
    r = w->item->to_one ? seal_to_one(w, &input) : mr_seal(&w->p->sealed, &input, NULL);
    if (r == 0)
        r = put_record(w, 0, NULL);
    if (r == 0 && w->replaces) {
        mr_waiting_end(w->p->waiting, w->replaces);
        w->intake->mended = true;
    }
    return r < 0 ? r : give_number(w);
}

/* The item key is a keyring entry without identifiers: discarding the body is destroying it (decision 21). */
static int quarantine(struct work *w)
{
    uint8_t hub_id[MR_UUID_BYTES];
    uint8_t item[MR_PERSON_ID_BYTES];
    struct mr_slot_key key;
    struct mr_seal_input input;
    int r = mr_person_create(w->p->txn, item, &key);

    if (r < 0)
        return r;
    w->subs_count = 0;
    next_recorded(w);
    mr_uuid7_next(&w->p->uuids, w->p->recorded_us, hub_id);
    input = seal_input(w, hub_id);
    r = mr_seal_quarantined(&w->p->sealed, &input, w->decision.text.code, w->decision.text.field, &key);
    explicit_bzero(&key, sizeof key);
    if (r == 0)
        r = put_record(w, MR_RECORD_QUARANTINED, item);
    if (r == 0)
        r = give_number(w);
    return r < 0 ? r : begin_waiting(w);
}

static int finish(struct work *w)
{
    struct mr_intake_item *item = w->item;

    item->verdict = w->decision.verdict;
    if (!*w->decision.text.code)
        return 0;
    item->text = malloc(sizeof *item->text);
    if (!item->text)
        return MR_ENOMEM;
    *item->text = w->decision.text;
    return 0;
}

static int decide(struct work *w)
{
    int r = 0;

    admit(w);
    if (w->decision.verdict != MR_VERDICT_REFUSED)
        r = look_for_known(w);
    if (r == 0 && w->decision.verdict == MR_VERDICT_STORED)
        r = look_behind(w);
    if (r == 0 && w->decision.verdict == MR_VERDICT_STORED)
        r = mr_mention_check(w->p->dedup, w->p->house->keyring, &w->event, &w->decision);
    if (r == 0 && w->decision.verdict == MR_VERDICT_STORED)
        r = resolve(w);
    if (r == 0 && w->again && w->decision.verdict != MR_VERDICT_STORED)
        decide_duplicate(w); /* it waits for the same thing still */
    if (r == 0 && w->decision.verdict == MR_VERDICT_STORED)
        r = store(w);
    if (r == 0 && w->decision.verdict == MR_VERDICT_QUARANTINED && !w->intake->order)
        r = quarantine(w);
    if (r == 0 && w->intake->order && w->intake->order->act == MR_DESK_RELEASE &&
            w->decision.verdict != MR_VERDICT_STORED)
        mr_waiting_recode(w->p->waiting, w->intake->order->number, w->decision.text.code);
    return r;
}

int mr_preparer_item(struct mr_preparer *preparer, struct mr_intake *intake, struct mr_intake_item *item)
{
    struct work w;
    int r;

    memset(&w, 0, offsetof(struct work, event));
    w.p = preparer;
    w.intake = intake;
    w.item = item;
    mr_resolved_reset(&preparer->resolved);
    r = decide(&w);
    return r < 0 ? r : finish(&w);
}
