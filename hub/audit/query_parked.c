/* parked.list, parked.show: what receivers did not take, and what waits behind it. */
#include <string.h>

#include "hub/audit/args.h"
#include "hub/audit/parked_choice.h"
#include "hub/audit/queries.h"
#include "hub/audit/record_json.h"
#include "proto/base/bytes.h"

enum { LIMIT_MAX = 10000, LIMIT = 1000, STATE_BYTES_MAX = 16, BEHIND_SHOWN = 100 };

struct listing {
    struct mr_parked_choice choice;
    json_t *list;
    uint64_t limit;
    uint64_t counts[MR_PARKED_RELEASED + 1];
    struct mr_parked_place last; /* of the list */
    bool more;
};

static int check_state(const char *state, struct mr_error *reterr)
{
    bool known = !*state || strcmp(state, "all") == 0;

    for (int i = MR_PARKED_FAILED; i <= MR_PARKED_RELEASED; i++)
        known = known || strcmp(state, mr_parked_state_name((enum mr_parked_state)i)) == 0;
    return known ? 0
                 : mr_error_set(reterr, MR_EINVAL, "state", "give failed, behind, released or all",
                           "no such state");
}

static json_t *row_json(struct mr_parked_choice *choice, uint16_t subscription, uint64_t number,
        const struct mr_parked_row *row)
{
    char name[64];
    json_t *json = json_pack("{s:s, s:I, s:s%, s:s, s:o, s:I, s:s}", "subscription",
            mr_subscription_name(choice->call->house, subscription, name, sizeof name), "number",
            (json_int_t)number, "type", choice->type.size ? (const char *)choice->type.data : "",
            choice->type.size, "state", mr_parked_state_name(row->state), "since", mr_time_json(row->at_us),
            "attempts", (json_int_t)row->attempt, "reason", row->reason);

    if (row->not_before_us)
        (void)json_object_set_new(json, "not_before", mr_time_json(row->not_before_us));
    return json;
}

static int add(void *ctx, uint16_t subscription, uint64_t number, const struct mr_parked_row *row)
{
    struct listing *listing = ctx;

    listing->counts[row->state]++;
    if (json_array_size(listing->list) == listing->limit) {
        listing->more = true;
        return listing->choice.after.subscription != 0; /* the first page counts them all */
    }
    listing->last = (struct mr_parked_place){subscription, number};
    return json_array_append_new(listing->list, row_json(&listing->choice, subscription, number, row)) == 0
                   ? 0
                   : MR_ENOMEM;
}

/* How many there are is told with the first page. */
static json_t *list_json(const struct listing *listing)
{
    char next[MR_PARKED_PLACE_BYTES];
    json_t *json = json_object();

    for (int i = MR_PARKED_FAILED; !listing->choice.after.subscription && i <= MR_PARKED_RELEASED; i++)
        (void)json_object_set_new(json, mr_parked_state_name((enum mr_parked_state)i),
                json_integer((json_int_t)listing->counts[i]));
    (void)json_object_set_new(json, "more", json_boolean(listing->more));
    (void)json_object_set_new(
            json, "next", json_string(listing->more ? mr_parked_place_text(&listing->last, next) : ""));
    (void)json_object_set(json, "parked", listing->list);
    return json;
}

int mr_query_parked_list(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct listing listing = {0};
    const char *state = "";
    int r = mr_parked_choice_open(&listing.choice, call, reterr);

    if (r == 0)
        r = mr_arg_text(call, "state", false, STATE_BYTES_MAX, &state, reterr);
    if (r == 0)
        r = mr_arg_number(call, "limit", 1, LIMIT_MAX, LIMIT, &listing.limit, reterr);
    if (r == 0)
        r = check_state(state, reterr);
    if (r == 0 && *state)
        listing.choice.state = state;
    listing.list = json_array();
    listing.choice.fn = add;
    listing.choice.ctx = &listing;
    if (r == 0)
        r = mr_parked_choose(&listing.choice);
    if (r >= 0)
        r = emit(ctx, list_json(&listing));
    mr_parked_choice_close(&listing.choice);
    json_decref(listing.list);
    return r;
}

/* ---- one number ---- */

struct showing {
    struct mr_parked_choice choice; /* of the number */
    struct mr_parked_choice others; /* of its subscription */
    json_t *list;
    json_t *attempts, *behind; /* of the row that is shown now */
    const struct mr_parked_row *row;
    uint64_t number, behind_count;
};

static int add_attempt(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct showing *showing = ctx;
    struct mr_nack_row row;

    (void)key;
    if (mr_nack_row_decode(&row, value) < 0)
        return MR_ECORRUPT;
    return json_array_append_new(
                   showing->attempts, json_pack("{s:I, s:o, s:s}", "attempt", (json_int_t)row.attempt, "at",
                                              mr_time_json(row.at_us), "reason", row.reason)) == 0
                   ? 0
                   : MR_ENOMEM;
}

static int add_behind(void *ctx, uint16_t subscription, uint64_t number, const struct mr_parked_row *row)
{
    struct showing *showing = ctx;

    (void)subscription;
    if (number <= showing->number || !mr_order_meets(&row->order, &showing->row->order))
        return 0;
    if (++showing->behind_count <= BEHIND_SHOWN)
        (void)json_array_append_new(showing->behind, json_integer((json_int_t)number));
    return 0;
}

static int show(void *ctx, uint16_t subscription, uint64_t number, const struct mr_parked_row *row)
{
    struct showing *showing = ctx;
    json_t *json = row_json(&showing->choice, subscription, number, row);
    json_t *event = mr_record_json(showing->choice.call->house, &showing->choice.view.record);
    uint8_t key[MR_DELIVERY_KEY_BYTES];
    int r;

    showing->attempts = json_array();
    showing->behind = json_array();
    showing->row = row;
    showing->number = number;
    showing->behind_count = 0;
    showing->others.subscription = subscription;
    (void)mr_delivery_key(subscription, number, key);
    r = mr_log_rows(showing->choice.reader, MR_LOG_NACK, mr_slice(key, sizeof key), mr_slice(key, sizeof key),
            add_attempt, showing);
    if (r == 0)
        r = mr_parked_choose(&showing->others);
    (void)json_object_set_new(json, "tried", showing->attempts);
    (void)json_object_set_new(json, "behind_it", json_integer((json_int_t)showing->behind_count));
    (void)json_object_set_new(json, "behind_numbers", showing->behind);
    if (event && showing->choice.type.size > 0)
        (void)json_object_set_new(json, "event", event);
    else
        json_decref(event);
    return r < 0 || json_array_append_new(showing->list, json) < 0 ? (r < 0 ? r : MR_ENOMEM) : 0;
}

int mr_query_parked_show(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct showing showing = {0};
    int r = mr_parked_choice_open(&showing.choice, call, reterr);

    if (r == 0 && showing.choice.numbers_count != 1)
        r = mr_error_set(reterr, MR_EINVAL, "numbers", "give one log number", "not one number");
    showing.list = json_array();
    showing.choice.fn = show;
    showing.others = (struct mr_parked_choice){
            .call = call, .state = "all", .wanted_type = "", .reason = "", .fn = add_behind, .ctx = &showing};
    showing.choice.ctx = &showing;
    if (r == 0)
        r = mr_log_reader_open(call->house->log, &showing.others.reader);
    if (r == 0)
        r = mr_parked_choose(&showing.choice);
    if (r == 0 && json_array_size(showing.list) == 0)
        r = mr_error_set(reterr, MR_ENOTFOUND, "numbers", "marshrut parked list shows them",
                "nothing is parked under this number");
    if (r == 0)
        r = emit(ctx, json_pack("{s:I, s:O}", "number", (json_int_t)showing.choice.numbers[0], "parked",
                              showing.list));
    mr_parked_choice_close(&showing.choice);
    mr_parked_choice_close(&showing.others);
    json_decref(showing.list);
    return r;
}
