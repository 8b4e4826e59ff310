/* POST /api/v1/inbox/ack: what became of each event that was given. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/deliver/deliver.h"
#include "hub/http/parts.h"
#include "hub/http/problem.h"
#include "hub/http/pull.h"
#include "hub/http/reading.h"
#include "proto/base/list.h"

enum { ITEMS_MAX = 100, DURABLE_S_MAX = 10, US_IN_S = 1000000, AFTER_S_MAX = 3600 };

enum outcome { DONE, RETRY, REFUSE };

static const char *const outcome_names[] = {"done", "retry", "refuse"};

struct item {
    uint64_t number;
    enum outcome outcome;
    const char *reason; /* of the body */
    uint32_t after_ms;
    size_t at; /* place in the body */
    const char *result;
};

/* ---- the body ---- */

struct said {
    json_t *body;
    const char *subscription;
    struct item items[ITEMS_MAX]; /* by number */
    size_t count;
};

static int read_outcome(struct item *item, const json_t *json, struct mr_error *error)
{
    const char *text = json_string_value(json_object_get(json, "outcome"));

    for (size_t i = 0; text && i < MR_COUNT(outcome_names); i++) {
        if (strcmp(text, outcome_names[i]) == 0) {
            item->outcome = (enum outcome)i;
            return 0;
        }
    }
    return mr_error_set(error, MR_EINVAL, "items.outcome", "give done, retry or refuse",
            "an item has no outcome that is known");
}

/* 17 or "17": as it stands in hubnumber. */
static int read_number(struct item *item, const json_t *json, struct mr_error *error)
{
    const json_t *number = json_object_get(json, "number");
    const char *text = json_string_value(number);
    char *end = NULL;

    if (json_is_integer(number) && json_integer_value(number) > 0)
        item->number = (uint64_t)json_integer_value(number);
    else if (text && *text >= '1' && *text <= '9' && strlen(text) < 20)
        item->number = strtoull(text, &end, 10);
    if (item->number == 0 || (end && *end))
        return mr_error_set(
                error, MR_EINVAL, "items.number", "give the event's hubnumber", "an item has no number");
    return 0;
}

static int read_item(struct item *item, const json_t *json, struct mr_error *error)
{
    const json_t *reason = json_object_get(json, "reason"), *after = json_object_get(json, "after_s");
    int r = read_number(item, json, error);

    if (r == 0)
        r = read_outcome(item, json, error);
    if (r == 0 && reason && !json_is_string(reason))
        r = mr_error_set(error, MR_EINVAL, "items.reason", "give a short code", "the reason is no text");
    if (r == 0 && after &&
            (!json_is_integer(after) || json_integer_value(after) < 0 ||
                    json_integer_value(after) > AFTER_S_MAX))
        r = mr_error_set(error, MR_EINVAL, "items.after_s", "give seconds", "not a whole number from 0 to %d",
                AFTER_S_MAX);
    item->reason = reason ? json_string_value(reason) : "";
    item->after_ms = after ? (uint32_t)json_integer_value(after) * 1000 : 0;
    return r;
}

static int by_number(const void *a, const void *b)
{
    const struct item *x = a, *y = b;

    return x->number < y->number ? -1 : x->number > y->number;
}

static int read_said(struct said *said, struct mr_error *error)
{
    const json_t *items = json_object_get(said->body, "items");
    int r = 0;

    said->subscription = json_string_value(json_object_get(said->body, "subscription"));
    if (!said->subscription)
        return mr_error_set(error, MR_EINVAL, "subscription", "name the subscription that was asked for",
                "the member is missing");
    if (!json_is_array(items) || json_array_size(items) == 0 || json_array_size(items) > ITEMS_MAX)
        return mr_error_set(error, MR_EINVAL, "items", "send what one answer of the inbox gave",
                "not an array of 1 to %d items", ITEMS_MAX);
    said->count = json_array_size(items);
    for (size_t i = 0; r == 0 && i < said->count; i++) {
        said->items[i].at = i;
        r = read_item(&said->items[i], json_array_get(items, i), error);
    }
    if (r == 0)
        qsort(said->items, said->count, sizeof said->items[0], by_number);
    for (size_t i = 1; r == 0 && i < said->count; i++)
        if (said->items[i].number == said->items[i - 1].number)
            r = mr_error_set(error, MR_EINVAL, "items.number", "say one outcome of each event",
                    "the number %llu is there twice", (unsigned long long)said->items[i].number);
    return r;
}

/* ---- telling delivery ---- */

struct telling {
    struct mr_deliver *deliver;
    struct mr_session *session;
    char *subscription;
    uint64_t last;    /* everything that is open up to here has an outcome */
    uint64_t through; /* taken, and delivery does not know yet; 0: nothing */
};

static void flush(struct telling *t)
{
    Marshrut__Bus__V1__Ack ack = MARSHRUT__BUS__V1__ACK__INIT;

    if (t->through == 0)
        return;
    ack.subscription = t->subscription;
    ack.through = t->through;
    mr_deliver_ack(t->deliver, t->session, &ack);
    t->through = 0;
}

static void give_back(struct telling *t, struct item *item)
{
    Marshrut__Bus__V1__Nack nack = MARSHRUT__BUS__V1__NACK__INIT;

    flush(t);
    nack.subscription = t->subscription;
    nack.number = item->number;
    nack.reason = (char *)(*item->reason ? item->reason : "unsaid");
    nack.retry_after_ms = item->after_ms;
    nack.park = item->outcome == REFUSE;
    mr_deliver_nack(t->deliver, t->session, &nack);
    item->result = nack.park ? "refused" : "retry";
}

static bool is_open(const struct telling *t, const struct item *item)
{
    return mr_deliver_open_after(t->deliver, t->session, t->subscription, item->number - 1) == item->number;
}

/* An acknowledgement is of everything up to it, so what is done behind something open is not settled yet. */
static void tell(struct telling *t, struct item *item)
{
    uint64_t first = mr_deliver_open_after(t->deliver, t->session, t->subscription, t->last);

    if (!is_open(t, item))
        return; /* it never was, or what was said of an earlier one has taken it back */
    if (item->outcome == DONE && first != item->number)
        return;
    if (item->outcome == DONE) {
        t->through = item->number;
        item->result = "done";
    } else {
        give_back(t, item);
    }
    if (first == item->number)
        t->last = item->number;
}

static void tell_all(struct said *said, struct telling *t)
{
    for (size_t i = 0; i < said->count; i++)
        said->items[i].result = is_open(t, &said->items[i]) ? "again" : "not-open";
    for (size_t i = 0; i < said->count; i++)
        tell(t, &said->items[i]);
    flush(t);
}

/* In the order of the request. */
static json_t *results_json(const struct said *said)
{
    json_t *results = json_array();
    const struct item *by_place[ITEMS_MAX];

    for (size_t i = 0; i < said->count; i++)
        by_place[said->items[i].at] = &said->items[i];
    for (size_t i = 0; i < said->count; i++)
        (void)json_array_append_new(
                results, json_pack("{s:I, s:s}", "number", (json_int_t)by_place[i]->number, "outcome",
                                 by_place[i]->result));
    return json_pack("{s:o}", "results", results);
}

/* ---- durable, then answered ---- */

struct ack {
    struct mr_list link;
    struct mr_http_exchange *exchange;
    uint64_t place; /* of acks_asked */
    uint64_t session;
    uint16_t system_id;
    char *subscription;
    json_t *answer;
    int64_t until_us;
    bool parks; /* what was done behind it is settled after it: another job */
};

static void free_ack(struct ack *ack)
{
    mr_list_remove(&ack->link);
    json_decref(ack->answer);
    free(ack->subscription);
    free(ack);
}

struct durable_job {
    struct mr_job job;
    struct mr_api *api;
    uint64_t place;
};

static void on_durable(struct mr_job *job)
{
    const struct durable_job *durable = MR_CONTAINER(job, struct durable_job, job);
    struct mr_api *api = durable->api;

    api->pulls.acks_durable = durable->place;
    mr_pull_acks_look(api, mr_clock_monotonic_us(api->house->clock));
}

/* Jobs are written in their order: behind the rows of what was settled. */
static int submit(struct mr_api *api, uint64_t place)
{
    struct mr_job *job = mr_job_new(api->pulls.deliver->jobs, sizeof(struct durable_job));

    if (!job)
        return MR_ENOMEM;
    MR_CONTAINER(job, struct durable_job, job)->api = api;
    MR_CONTAINER(job, struct durable_job, job)->place = place;
    job->durable = on_durable;
    return mr_job_submit(job);
}

/* What is being parked is an event of the hub, on a way of its own. */
static bool is_parking(struct mr_api *api, const struct ack *ack)
{
    struct mr_session *session = mr_sessions_of_system(api->pulls.sessions, ack->system_id);

    return session && session->id == ack->session &&
           mr_deliver_parking(api->pulls.deliver, session, ack->subscription);
}

static void answer(struct ack *ack, bool late)
{
    char *text = late ? NULL : json_dumps(ack->answer, JSON_COMPACT);

    if (text)
        mr_api_answer_once(ack->exchange, 200, "application/json", mr_slice_str(text));
    else
        mr_problem_say(ack->exchange, 0, MR_EAGAIN, "", "the hub cannot write now",
                "ask the inbox again: what was not settled comes again");
    free(text);
    free_ack(ack);
}

/* Nothing of it is being parked. */
static void go_on(struct mr_api *api, struct ack *ack)
{
    if (ack->place > api->pulls.acks_durable)
        return;
    if (!ack->parks) {
        answer(ack, false);
        return;
    }
    ack->parks = false;
    ack->place = ++api->pulls.acks_asked;
    if (submit(api, ack->place) < 0)
        answer(ack, true);
}

void mr_pull_acks_look(struct mr_api *api, int64_t now_us)
{
    mr_list_foreach_safe (it, &api->pulls.acks) {
        struct ack *ack = MR_CONTAINER(it, struct ack, link);

        if (ack->until_us <= now_us)
            answer(ack, true);
        else if (!is_parking(api, ack))
            go_on(api, ack);
    }
}

int64_t mr_pull_acks_until(const struct mr_api *api)
{
    int64_t until_us = INT64_MAX;

    mr_list_foreach (it, (struct mr_list *)(uintptr_t)&api->pulls.acks)
        if (MR_CONTAINER(it, struct ack, link)->until_us < until_us)
            until_us = MR_CONTAINER(it, struct ack, link)->until_us;
    return until_us;
}

void mr_pull_acks_drop(struct mr_api *api)
{
    mr_list_foreach_safe (it, &api->pulls.acks)
        free_ack(MR_CONTAINER(it, struct ack, link));
}

/* ---- the route ---- */

static struct ack *new_ack(
        const struct mr_api_request *request, const struct mr_session *session, const struct said *said)
{
    struct mr_api *api = request->api;
    struct ack *ack = calloc(1, sizeof *ack);

    if (!ack)
        return NULL;
    mr_list_init(&ack->link);
    ack->exchange = request->http->exchange;
    ack->session = session->id;
    ack->system_id = session->system_id;
    ack->subscription = strdup(said->subscription);
    ack->until_us = mr_clock_monotonic_us(api->house->clock) + (int64_t)DURABLE_S_MAX * US_IN_S;
    if (!ack->subscription) {
        free(ack);
        return NULL;
    }
    return ack;
}

static void settle(const struct mr_api_request *request, struct mr_session *session, struct said *said)
{
    struct mr_api *api = request->api;
    struct ack *ack = new_ack(request, session, said);
    struct telling telling = {.deliver = api->pulls.deliver, .session = session};

    if (!ack) {
        mr_problem_answer(request->http->exchange, 0, MR_ENOMEM, NULL);
        return;
    }
    telling.subscription = ack->subscription;
    tell_all(said, &telling);
    ack->answer = results_json(said);
    ack->place = ++api->pulls.acks_asked;
    ack->parks = is_parking(api, ack);
    mr_list_push_back(&api->pulls.acks, &ack->link);
    if (submit(api, ack->place) < 0)
        answer(ack, true);
    mr_pulls_plan(api);
}

void mr_api_inbox_ack(const struct mr_api_request *request, const struct mr_api_route *route)
{
    struct said *said;
    struct mr_error error = {0};
    struct mr_session *session;
    int r;

    (void)route;
    if (!mr_pull_may(request))
        return;
    said = calloc(1, sizeof *said);
    if (!said) {
        mr_problem_answer(request->http->exchange, 0, MR_ENOMEM, NULL);
        return;
    }
    said->body = mr_api_body(request);
    r = said->body ? read_said(said, &error) : 1;
    session = r == 0 ? mr_pull_session(request) : NULL;
    if (r < 0)
        mr_problem_answer(request->http->exchange, 0, r, &error);
    else if (r == 0 && !session)
        mr_problem_say(request->http->exchange, 409, MR_EEXISTS, "Authorization",
                "this token has no session: it was replaced, or has ended",
                "ask the inbox again: what is not acknowledged comes again");
    else if (r == 0)
        settle(request, session, said);
    json_decref(said->body);
    free(said);
}
