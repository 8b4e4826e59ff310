#include "hub/audit/delivery_json.h"

#include <string.h>

#include "hub/audit/args.h"
#include "hub/deliver/parked_row.h"
#include "hub/intake/prepare.h"

enum { LOOK_BACK_MAX = 65536, TRIES_MAX = 100 };

struct covering {
    uint64_t number;
    struct mr_delivery_row row;
    bool found;
    size_t looked;
};

/*
 * Downwards from the number. Ranges of taken ones do not overlap, so the first that is met has it or none
 * has. All others, and what was parked and then taken, have rows of their own, also within a range: the
 * nearest that reaches the number has it.
 */
static int look_delivery(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct covering *c = ctx;
    struct mr_delivery_row row;
    int r = key.size == MR_DELIVERY_KEY_BYTES ? mr_delivery_row_decode(&row, value) : MR_ECORRUPT;

    if (r < 0)
        return r;
    if (row.through >= c->number) {
        c->row = row;
        c->found = true;
        return 1;
    }
    return (row.outcome == MR_DELIVERY_TAKEN && row.through != mr_get_be64(key.data + 2)) ||
           ++c->looked == LOOK_BACK_MAX;
}

int mr_delivery_covering(
        struct mr_log_reader *reader, uint16_t sub, uint64_t number, struct mr_delivery_row *ret)
{
    struct covering c = {.number = number};
    uint8_t key[MR_DELIVERY_KEY_BYTES];
    int r;

    (void)mr_delivery_key(sub, number, key);
    r = mr_log_rows_down(reader, MR_LOG_DELIVERY, mr_slice(key, 2), mr_slice(key, MR_DELIVERY_KEY_BYTES),
            look_delivery, &c);
    *ret = c.row;
    if (r < 0)
        return r;
    return c.found ? 0 : MR_ENOTFOUND;
}

static int look_nack(void *ctx, struct mr_slice key, struct mr_slice value)
{
    (void)key;
    return mr_nack_row_decode(ctx, value);
}

static const char WAITING[] = "waiting";

static const char *delivery_state(struct mr_log_reader *reader, uint16_t sub, struct covering *c,
        struct mr_nack_row *nack, struct mr_cursor_row *cursor)
{
    static const char *const parked_states[] = {[MR_PARKED_FAILED] = "parked",
            [MR_PARKED_BEHIND] = "parked behind an earlier one",
            [MR_PARKED_RELEASED] = "released"};
    struct mr_parked_row parked;
    uint8_t key[MR_DELIVERY_KEY_BYTES];
    struct mr_slice value;
    int r = mr_log_row(reader, MR_LOG_CURSOR, mr_cursor_key(sub, key), &value);

    if (r < 0 || mr_cursor_row_decode(cursor, value) < 0 || c->number < cursor->first)
        return "before the subscription began";
    /* Parked first: a range of taken ones may reach across it. */
    if (mr_log_row(reader, MR_LOG_PARKED, mr_delivery_key(sub, c->number, key), &value) == 0) {
        c->found = false;
        if (mr_parked_row_decode(&parked, value) < 0)
            return "parked (row damaged)";
        nack->at_us = parked.at_us;
        nack->attempt = parked.attempt;
        (void)memcpy(nack->reason, parked.reason, sizeof nack->reason);
        return parked_states[parked.state];
    }
    if (c->found)
        return mr_delivery_outcome_name(c->row.outcome);
    return c->number > cursor->cursor ? WAITING : "not delivered";
}

/* One row is of a range, and its time is that of the first one: none was sent before it was recorded. */
static int64_t sent_us(const struct mr_delivery_row *row, const struct mr_record *record)
{
    return row->sent_us > record->recorded_us ? row->sent_us : record->recorded_us;
}

/* What a delivery waits for that is neither settled nor parked, as the hub saw it when it was asked; without
 * one nobody is connected. */
static const char *what_for(
        const struct mr_method_call *call, const char *subscription, uint64_t number, bool nacked)
{
    const json_t *feed = json_object_get(call->live, subscription);

    if (!json_is_true(json_object_get(feed, "connected")))
        return "its receiver, which is not connected";
    if (nacked)
        return "its next attempt";
    if (number <= (uint64_t)json_integer_value(json_object_get(feed, "sent_through")))
        return "its receiver's acknowledgement";
    if (json_is_true(json_object_get(feed, "retrying")))
        return "the next attempt of an earlier one";
    return "its turn, within what its receiver asks for";
}

json_t *mr_delivery_json(const struct mr_method_call *call, struct mr_log_reader *reader, uint16_t sub,
        const struct mr_record *record)
{
    uint64_t number = record->number;
    struct covering c = {.number = number};
    struct mr_nack_row nack = {0};
    struct mr_cursor_row cursor = {0};
    uint8_t key[MR_NACK_KEY_BYTES];
    char name[64];
    const char *state;
    json_t *json;

    (void)mr_delivery_key(sub, number, key);
    c.found = mr_delivery_covering(reader, sub, number, &c.row) == 0;
    (void)mr_log_rows(reader, MR_LOG_NACK, mr_slice(key, 10), mr_slice(key, 10), look_nack, &nack);
    state = delivery_state(reader, sub, &c, &nack, &cursor);
    json = json_pack("{s:s, s:s}", "subscription", mr_subscription_name(call->house, sub, name, sizeof name),
            "state", state);
    if (c.found) {
        (void)json_object_set_new(json, "sent", mr_time_json(sent_us(&c.row, record)));
        (void)json_object_set_new(json, "acked", mr_time_json(c.row.acked_us));
        (void)json_object_set_new(json, "attempt", json_integer(c.row.attempt));
        (void)json_object_set_new(json, "config", json_integer(c.row.config));
    } else if (nack.at_us) {
        (void)json_object_set_new(json, "since", mr_time_json(nack.at_us));
        (void)json_object_set_new(json, "attempt", json_integer(nack.attempt));
    }
    if (nack.reason[0])
        (void)json_object_set_new(json, "reason", json_string(nack.reason));
    if (state == WAITING)
        (void)json_object_set_new(
                json, "waits_for", json_string(what_for(call, name, number, nack.at_us != 0)));
    return json;
}

/* ---- how it came in ---- */

void mr_intake_add(struct mr_log_reader *reader, uint64_t number, json_t *json)
{
    struct mr_intake_row row;

    if (mr_intake_row_of(reader, number, &row) < 0)
        return;
    (void)json_object_set_new(json, "intake",
            json_pack("{s:o, s:o, s:I}", "received", mr_time_json(row.came_us), "committed",
                    mr_time_json(row.committed_us), "events", (json_int_t)row.received));
}

/* ---- what was given back ---- */

static int add_try(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct mr_nack_row nack;
    int r = mr_nack_row_decode(&nack, value);

    (void)key;
    if (r < 0)
        return r;
    (void)json_array_append_new(ctx, json_pack("{s:i, s:o, s:s}", "attempt", (int)nack.attempt, "at",
                                             mr_time_json(nack.at_us), "reason", nack.reason));
    return json_array_size(ctx) == TRIES_MAX;
}

json_t *mr_delivery_tries_json(struct mr_log_reader *reader, uint16_t sub, uint64_t number)
{
    uint8_t key[MR_DELIVERY_KEY_BYTES];
    struct mr_slice prefix = mr_delivery_key(sub, number, key);
    json_t *tries = json_array();

    (void)mr_log_rows(reader, MR_LOG_NACK, prefix, prefix, add_try, tries);
    return tries;
}

/* ---- what waits for correction ---- */

void mr_quarantine_add(struct mr_log_reader *reader, uint64_t number, json_t *json)
{
    struct mr_quarantine_row row;
    json_t *quarantine;

    if (mr_quarantine_row_read(&row, reader, number) < 0)
        return;
    quarantine = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "state", mr_quarantine_state_name(row.state),
            "code", row.text.code, "field", row.text.field, "reason", row.text.reason, "cure", row.text.cure,
            "since", mr_time_json(row.at_us));
    if (row.replaced_by)
        (void)json_object_set_new(quarantine, "replaced_by", json_integer((json_int_t)row.replaced_by));
    if (row.ended_us)
        (void)json_object_set_new(quarantine, "ended", mr_time_json(row.ended_us));
    if (*row.ended_by)
        (void)json_object_set_new(quarantine, "ended_by", json_string(row.ended_by));
    if (row.ended_event)
        (void)json_object_set_new(quarantine, "event", json_integer((json_int_t)row.ended_event));
    (void)json_object_set_new(json, "quarantine", quarantine);
}
