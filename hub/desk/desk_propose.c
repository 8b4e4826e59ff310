/* A correction is proposed: what it changes, whether the rules take it, and its row, sealed. */
#include <sodium.h>
#include <string.h>

#include "event/hub.pb-c.h"
#include "hub/intake/admit.h"
#include "hub/desk/correction.h"
#include "hub/desk/desk_internal.h"
#include "proto/wire/json.h"
#include "store/fault.h"

#define DAY_US (24 * 3600 * (int64_t)1000000)

struct proposing {
    struct mr_desk *desk;
    const struct mr_house *house;
    const struct mr_desk_word *word;
    uint64_t number;
    struct mr_desk_item item;
    json_t *before, *after;
    json_t *fields;
    char *paths[MR_CORRECTION_FIELDS_MAX];
    struct mr_arena arena;
    struct mr_event event; /* the corrected one, in arena and bytes */
    struct mr_buf bytes;
    struct mr_buf sealed;
    uint8_t key[MR_PERSON_ID_BYTES];
    mr_proposal row;
};

/* ---- the content ---- */

static int set_all(struct proposing *p, const json_t *set, struct mr_error *reterr)
{
    const char *path;
    json_t *value;
    int r = 0;

    p->after = json_deep_copy(p->before);
    if (!p->after)
        return MR_ENOMEM;
    json_object_foreach ((json_t *)set, path, value) {
        if (r == 0 && !json_is_string(value))
            r = mr_error_set(reterr, MR_EINVAL, "set", "give the values as texts", "a value is no text");
        if (r == 0)
            r = mr_correction_set(p->after, path, json_string_value(value), reterr);
    }
    return r;
}

static bool same_text(const json_t *a, const json_t *b, const char *name)
{
    const char *left = json_string_value(json_object_get(a, name));
    const char *right = json_string_value(json_object_get(b, name));

    return left && right && strcmp(left, right) == 0;
}

static int take_whole(struct proposing *p, const json_t *event, struct mr_error *reterr)
{
    if (!same_text(p->before, event, "id") || !same_text(p->before, event, "source") ||
            !same_text(p->before, event, "type"))
        return mr_error_set(reterr, MR_EINVAL, "event",
                "keep them; what is another event has to be sent by its sender",
                "id, source or type differ from those of the event that waits");
    p->after = json_deep_copy(event);
    return p->after ? 0 : MR_ENOMEM;
}

/* Whose cause is not told otherwise comes of the record that waited. */
static int link_to_original(struct proposing *p)
{
    if (!*p->item.hub_id || json_object_get(p->after, "causationid"))
        return 0;
    return json_object_set_new(p->after, "causationid", json_string(p->item.hub_id)) == 0 ? 0 : MR_ENOMEM;
}

static int check_rules(struct proposing *p, struct mr_error *reterr)
{
    const struct mr_admit rights = {p->house->config, p->item.sender, mr_clock_wall_us(p->house->clock)};
    struct mr_decision decision;
    bool decoded;

    mr_admit_event(&rights, mr_buf_slice(&p->bytes), &p->arena, &p->event, &decoded, &decision);
    if (decision.verdict == MR_VERDICT_STORED)
        return 0;
    return mr_error_set(reterr, MR_EINVAL, *decision.text.field ? decision.text.field : "event",
            decision.text.cure, "corrected so it would not be taken (%s): %s", decision.text.code,
            decision.text.reason);
}

static int make_content(struct proposing *p, const struct mr_desk_change *change, struct mr_error *reterr)
{
    int r = mr_event_to_json(mr_buf_slice(&p->item.opened.unsealed.bytes), &p->before, reterr);

    if (r == 0 && change->set && mr_correction_loses(&p->item.opened.event))
        r = mr_error_set(reterr, MR_EUNSUPPORTED, "event", "update the hub, or have its sender correct it",
                "the event has fields that this hub does not know, and would lose");
    if (r == 0)
        r = change->set ? set_all(p, change->set, reterr) : take_whole(p, change->event, reterr);
    if (r == 0 && !mr_correction_fields(p->before, p->after, p->fields))
        r = mr_error_set(reterr, MR_EINVAL, "set",
                "change something; one that is right as it is: marshrut quarantine release",
                "nothing would be changed");
    if (r == 0)
        r = link_to_original(p);
    if (r == 0)
        r = mr_event_from_json(p->after, &p->bytes, reterr);
    return r < 0 ? r : check_rules(p, reterr);
}

/* ---- the order ---- */

/* Prepare thread: nobody is blocked between the look and the commit. */
static int begin(struct mr_desk_order *order, struct mr_keyring *keyring, struct mr_keyring_txn *txn)
{
    struct proposing *p = order->ctx;
    struct mr_slot_key key;
    int r = mr_desk_blocked(keyring, txn, p->item.sender->name, &p->item.opened.event);

    if (r == 0)
        r = mr_desk_blocked(keyring, txn, p->item.sender->name, &p->event);
    if (r == MR_EBLOCKED) {
        order->refused = r;
        return 0;
    }
    mr_buf_reset(&p->sealed);
    if (r == 0)
        r = mr_person_create(txn, p->key, &key);
    if (r == 0)
        r = mr_proposal_seal(&key, p->number, mr_buf_slice(&p->bytes), &p->sealed);
    sodium_memzero(&key, sizeof key);
    return r;
}

/* Writer thread. */
static int put_row(struct mr_intake *intake, struct mr_log_batch *batch)
{
    struct proposing *p = intake->order->ctx;

    p->row.event = intake->items[0].number;
    p->row.item = (ProtobufCBinaryData){sizeof p->key, p->key};
    p->row.sealed = (ProtobufCBinaryData){p->sealed.size, p->sealed.data};
    return mr_proposal_put(batch, &p->row);
}

static void fill_row(struct proposing *p)
{
    marshrut__desk__v1__proposal__init(&p->row);
    p->row.number = p->number;
    p->row.state = MR_PROPOSAL_WAITING;
    p->row.proposed_by = (char *)p->word->operator_name;
    p->row.reason = (char *)p->word->reason;
    p->row.at_us = mr_clock_wall_us(p->house->clock);
    p->row.expires_us = p->row.at_us + p->house->config->hub.correction_days * DAY_US;
    p->row.n_fields = json_array_size(p->fields);
    for (size_t i = 0; i < p->row.n_fields; i++)
        p->paths[i] = (char *)json_string_value(json_array_get(p->fields, i));
    p->row.fields = p->paths;
}

static int submit(struct proposing *p, struct mr_desk_done *done, struct mr_error *reterr)
{
    Nms__Event__V1__HubCorrectionProposed m = NMS__EVENT__V1__HUB_CORRECTION_PROPOSED__INIT;
    struct mr_desk_order order = {.act = MR_DESK_PROPOSE, .number = p->number, .begin = begin, .ctx = p};
    struct mr_buf event = MR_BUF_INIT;
    int r;

    fill_row(p);
    m.number = p->number;
    m.code = p->item.row.text.code;
    m.fields = p->row.fields;
    m.n_fields = p->row.n_fields;
    m.reason = p->row.reason;
    m.expires_us = p->row.expires_us;
    r = mr_desk_event(&event, p->house, "hub.correction.proposed.v1", p->word, p->item.hub_id, &m.base);
    if (r == 0)
        r = mr_desk_carry_out(p->desk, &order, &p->item, mr_buf_slice(&event), put_row, done, reterr);
    mr_buf_fini(&event);
    return r < 0 ? r : MR_FAULT("desk.proposed");
}

/* One that is over and not yet forgotten makes room. */
static int check_no_other(struct proposing *p, struct mr_error *reterr)
{
    mr_proposal *other;
    int r = mr_proposal_read(p->item.reader, p->number, &other);

    if (r == 0 && other->state == MR_PROPOSAL_WAITING)
        r = mr_error_set(reterr, MR_EEXISTS, "number",
                "approve or reject that one first: marshrut quarantine show N",
                "a correction of No. %llu is proposed already", (unsigned long long)p->number);
    else if (r == 0)
        r = mr_desk_forget(p->desk, p->number, other->item.data);
    mr_proposal_free(other);
    return r == MR_ENOTFOUND ? 0 : r;
}

static int propose(struct proposing *p, const struct mr_desk_change *change, struct mr_desk_proposed *ret,
        struct mr_error *reterr)
{
    struct mr_desk_done done = {0};
    int r = mr_desk_item_open(&p->item, p->house, p->number, reterr);

    if (r == 0 && !p->item.sender)
        r = mr_desk_no_sender(reterr);
    if (r == 0)
        r = check_no_other(p, reterr);
    if (r == 0)
        r = mr_desk_item_read(&p->item, p->house, MR_PURPOSE_CORRECT, reterr);
    if (r == 0)
        r = make_content(p, change, reterr);
    if (r == 0)
        r = submit(p, &done, reterr);
    if (r < 0)
        return r;
    *ret = (struct mr_desk_proposed){done.event, p->row.expires_us, json_incref(p->fields)};
    return 0;
}

int mr_desk_propose(struct mr_desk *desk, const struct mr_house *house, uint64_t number,
        const struct mr_desk_change *change, const struct mr_desk_word *word, struct mr_desk_proposed *ret,
        struct mr_error *reterr)
{
    struct proposing p = {.desk = desk,
            .house = house,
            .word = word,
            .number = number,
            .bytes = MR_BUF_INIT,
            .sealed = MR_BUF_INIT,
            .fields = json_array()};
    int r;

    *ret = (struct mr_desk_proposed){0};
    mr_arena_init(&p.arena, MR_ADMIT_ARENA_BYTES);
    (void)pthread_mutex_lock(&desk->asking);
    r = p.fields ? propose(&p, change, ret, reterr) : MR_ENOMEM;
    mr_desk_item_close(&p.item);
    (void)pthread_mutex_unlock(&desk->asking);
    json_decref(p.before);
    json_decref(p.after);
    json_decref(p.fields);
    mr_arena_fini(&p.arena);
    mr_buf_wipe(&p.bytes);
    mr_buf_fini(&p.sealed);
    return r;
}
