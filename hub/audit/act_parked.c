/*
 * parked.retry, parked.release, parked.discard: each is one event of the hub and the rows that it moves. Only
 * what has failed is acted on: what waits behind it goes by itself, what is released is on its way. Nobody
 * else changes a row that has failed, and acts come one after another: what is read here holds until the
 * commit.
 */
#include <stdlib.h>
#include <string.h>

#include "event/hub.pb-c.h"
#include "hub/audit/args.h"
#include "hub/audit/parked_choice.h"
#include "hub/audit/quarantine_word.h"
#include "hub/audit/queries.h"
#include "hub/rows.h"

/* Deliveries of one act: its event must stay below MR_EVENT_BYTES_MAX. The tool asks again for the rest. */
enum { ACT_MAX = 1000, SUBSCRIPTIONS_MAX = 64 };

enum what { RETRY, RELEASE, DISCARD };

struct acting {
    enum what what;
    struct mr_parked_choice choice;
    struct mr_act *act;
    Nms__Event__V1__HubDeliveryNumbers groups[SUBSCRIPTIONS_MAX];
    Nms__Event__V1__HubDeliveryNumbers *pointers[SUBSCRIPTIONS_MAX];
    char names[SUBSCRIPTIONS_MAX][64];
    uint64_t numbers[ACT_MAX];
    size_t groups_count, count;
    uint16_t subscription; /* of the last group */
    uint32_t attempts_max; /* the same */
    uint16_t cursor_of;    /* a subscription */
    uint64_t cursor;
    uint64_t refused; /* the last number that cannot be acted on now; 0: none */
    uint64_t refused_count;
    enum mr_parked_state refused_state;
    struct mr_parked_place last; /* that was looked at */
    bool more;                   /* there is one behind it that could be acted on */
};

static uint32_t attempts_of(const struct acting *a, const char *name)
{
    const struct mr_config *config = a->choice.call->house->config;

    for (uint32_t i = 0; i < config->subscriptions_count; i++)
        if (strcmp(config->subscriptions[i].name, name) == 0)
            return config->subscriptions[i].attempts_max;
    return 1; /* not configured any more */
}

/* false: no room for another subscription in this act. */
static bool begin_group(struct acting *a, uint16_t subscription)
{
    Nms__Event__V1__HubDeliveryNumbers *group = &a->groups[a->groups_count];

    if (a->groups_count > 0 && a->subscription == subscription)
        return true;
    if (a->groups_count == SUBSCRIPTIONS_MAX)
        return false;
    nms__event__v1__hub_delivery_numbers__init(group);
    group->subscription = (char *)mr_subscription_name(
            a->choice.call->house, subscription, a->names[a->groups_count], sizeof a->names[0]);
    group->numbers = &a->numbers[a->count];
    a->pointers[a->groups_count++] = group;
    a->subscription = subscription;
    a->attempts_max = a->what == RETRY ? 1 : attempts_of(a, group->subscription);
    return true;
}

static void put_released(struct acting *a, struct mr_slice key, struct mr_parked_row row)
{
    struct mr_buf value = MR_BUF_INIT;

    row.state = MR_PARKED_RELEASED;
    row.at_us = mr_clock_wall_us(a->choice.call->house->clock);
    row.attempts_max = row.attempt + a->attempts_max;
    row.not_before_us = 0;
    (void)mr_parked_row_encode(&value, &row);
    mr_rows_put(&a->act->many, MR_LOG_PARKED, key, mr_buf_slice(&value));
    mr_buf_fini(&value);
}

static void put_discarded(
        struct acting *a, struct mr_slice key, uint64_t number, const struct mr_parked_row *row)
{
    const struct mr_delivery_row delivery = {.outcome = MR_DELIVERY_DISCARDED,
            .through = number,
            .count = 1,
            .acked_us = mr_clock_wall_us(a->choice.call->house->clock),
            .attempt = row->attempt,
            .config = a->choice.call->house->config_version};
    struct mr_buf value = MR_BUF_INIT;

    (void)mr_delivery_row_encode(&value, &delivery);
    mr_rows_del(&a->act->many, MR_LOG_PARKED, key);
    mr_rows_put(&a->act->many, MR_LOG_DELIVERY, key, mr_buf_slice(&value));
    mr_buf_fini(&value);
}

static int take(void *ctx, uint16_t subscription, uint64_t number, const struct mr_parked_row *row)
{
    struct acting *a = ctx;
    uint8_t key[MR_DELIVERY_KEY_BYTES];
    struct mr_slice at = mr_delivery_key(subscription, number, key);

    if (a->cursor_of != subscription) {
        a->cursor_of = subscription;
        a->cursor = mr_parked_choice_cursor(&a->choice, subscription);
    }
    if (row->state != MR_PARKED_FAILED || number > a->cursor) {
        a->refused = number;
        a->refused_count++;
        a->refused_state = row->state;
        a->last = (struct mr_parked_place){subscription, number};
        return 0;
    }
    if (a->count == ACT_MAX || !begin_group(a, subscription)) { /* whoever asks goes on from the last */
        a->more = true;
        return 1;
    }
    a->last = (struct mr_parked_place){subscription, number};
    a->numbers[a->count++] = number;
    a->groups[a->groups_count - 1].n_numbers++;
    if (a->what == DISCARD)
        put_discarded(a, at, number, row);
    else
        put_released(a, at, *row);
    return 0;
}

static int none(const struct acting *a, struct mr_error *reterr)
{
    static const char *const why[] = {
            [MR_PARKED_FAILED] = "an earlier event of the subscription is still under way",
            [MR_PARKED_BEHIND] = "it waits behind an earlier one, and follows when that is settled",
            [MR_PARKED_RELEASED] = "it is released already"};

    if (a->refused)
        return mr_error_set(reterr, MR_EAGAIN, a->choice.numbers_count ? "numbers" : "",
                a->refused_state == MR_PARKED_BEHIND
                        ? "marshrut parked list --state failed shows the earlier one"
                        : "ask again when the receiver has answered",
                "%llu cannot be acted on: %s", (unsigned long long)a->refused, why[a->refused_state]);
    return mr_error_set(reterr, MR_ENOTFOUND, a->choice.numbers_count ? "numbers" : "",
            "marshrut parked list --state failed shows what can be acted on", "nothing parked fits");
}

static int build_event(struct acting *a, const char *reference)
{
    Nms__Event__V1__HubDeliveryReleased released = NMS__EVENT__V1__HUB_DELIVERY_RELEASED__INIT;
    Nms__Event__V1__HubDeliveryDiscarded discarded = NMS__EVENT__V1__HUB_DELIVERY_DISCARDED__INIT;
    const char *role = mr_quarantine_role(a->choice.call);

    released.n_deliveries = discarded.n_deliveries = a->groups_count;
    released.deliveries = discarded.deliveries = a->pointers;
    released.case_reference = discarded.case_reference = (char *)reference;
    released.once = a->what == RETRY;
    if (a->what == DISCARD)
        return mr_act_event(a->choice.call, a->act, "hub.delivery.discarded.v1", role, &discarded.base);
    return mr_act_event(a->choice.call, a->act, "hub.delivery.released.v1", role, &released.base);
}

static int choose(struct acting *a, struct mr_error *reterr)
{
    int r;

    if (!mr_parked_choice_narrow(&a->choice) &&
            !json_is_true(json_object_get(a->choice.call->arguments, "all")))
        return mr_error_set(reterr, MR_EINVAL, "", "give numbers or a filter, or all",
                "it is not said which parked deliveries are meant");
    a->choice.state = a->choice.numbers_count > 0 ? "all" : "failed";
    a->choice.fn = take;
    a->choice.ctx = a;
    r = mr_parked_choose(&a->choice);
    if (r >= 0 && a->count == 0)
        return none(a, reterr);
    return r < 0 ? r : 0;
}

static int act(const struct mr_method_call *call, enum what what, struct mr_act *ret, struct mr_error *reterr)
{
    static const char *const words[] = {"released", "released", "discarded"};
    struct acting *a = calloc(1, sizeof *a);
    char next[MR_PARKED_PLACE_BYTES];
    const char *reference = "";
    int r;

    *ret = (struct mr_act){0};
    if (!a)
        return MR_ENOMEM;
    a->what = what;
    a->act = ret;
    r = mr_parked_choice_open(&a->choice, call, reterr);
    if (r == 0 && (what == DISCARD || json_object_get(call->arguments, "case")))
        r = mr_arg_case(call, &reference, reterr);
    if (r == 0)
        r = choose(a, reterr);
    if (r == 0)
        r = build_event(a, reference);
    if (r == 0 && mr_buf_failed(&ret->many))
        r = MR_ENOMEM;
    ret->delivery.parked = true;
    ret->reply = json_pack("{s:I, s:I, s:b, s:s}", words[what], (json_int_t)a->count, "not_now",
            (json_int_t)a->refused_count, "more", (int)a->more, "next",
            a->more ? mr_parked_place_text(&a->last, next) : "");
    mr_parked_choice_close(&a->choice);
    free(a);
    if (r < 0)
        mr_act_fini(ret);
    return r;
}

int mr_act_parked_retry(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    return act(call, RETRY, ret, reterr);
}

int mr_act_parked_release(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    return act(call, RELEASE, ret, reterr);
}

int mr_act_parked_discard(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    return act(call, DISCARD, ret, reterr);
}
