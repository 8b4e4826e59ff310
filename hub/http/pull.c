/* GET /api/v1/inbox: what a subscription may have now, or as soon as there is something. */
#include "hub/http/pull.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/deliver/deliver.h"
#include "hub/http/parts.h"
#include "hub/http/problem.h"
#include "proto/base/list.h"
#include "proto/wire/json.h"

enum { LIMIT_MAX = 100, WAIT_S_MAX = 60, US_IN_S = 1000000, NAME_BYTES = 64 };

#define BATCH_TYPE "application/cloudevents-batch+json"

typedef Marshrut__Bus__V1__Frame frame_t;

/* A subscription of it that was asked for. */
struct inbox {
    struct mr_list link;
    char name[NAME_BYTES];
    struct mr_http_request waiting; /* exchange NULL: nobody waits */
    int64_t until_us;
    bool subscribed;
};

/* A system. */
struct pull {
    struct mr_list link;
    struct mr_api *api;
    struct mr_session *session;
    uint8_t token[MR_TOKEN_DIGEST_BYTES]; /* that has begun it */
    struct mr_list inboxes;
};

/* ---- answering who waits ---- */

static void refuse(struct inbox *inbox, unsigned status, int code, const char *what, const char *cure)
{
    struct mr_http_exchange *exchange = inbox->waiting.exchange;

    inbox->waiting.exchange = NULL;
    if (exchange)
        mr_problem_say(exchange, status, code, "", what, cure);
}

static void give(struct inbox *inbox, const json_t *events)
{
    struct mr_http_exchange *exchange = inbox->waiting.exchange;
    char *text = json_dumps(events, JSON_COMPACT);

    inbox->waiting.exchange = NULL;
    if (text)
        mr_api_answer_once(exchange, 200, BATCH_TYPE, mr_slice_str(text));
    else
        mr_problem_answer(exchange, 0, MR_ENOMEM, NULL);
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

static void give_nothing(struct pull *pull, struct inbox *inbox)
{
    json_t *nothing = json_array();

    mr_deliver_pause(pull->api->pulls.deliver, pull->session, inbox->name);
    give(inbox, nothing);
    json_decref(nothing);
}

static const char *kind_of(const Marshrut__Bus__V1__Deliver *frame)
{
    if (frame->released)
        return "released";
    return frame->replay ? "replay" : "new";
}

static void set_recipients(json_t *event, const Marshrut__Bus__V1__DeliverItem *item)
{
    struct mr_buf text = MR_BUF_INIT;

    for (size_t i = 0; i < item->n_recipients; i++)
        mr_buf_printf(&text, "%s%s", i > 0 ? "," : "", item->recipients[i]);
    if (item->n_recipients > 0)
        (void)json_object_set_new(event, "hubrecipients", json_string(mr_buf_str(&text)));
    mr_buf_fini(&text);
}

/* The event as its receiver may have it, and what the bus says beside it, as attributes. */
static json_t *item_json(const Marshrut__Bus__V1__Deliver *frame, const Marshrut__Bus__V1__DeliverItem *item)
{
    char number[24], time[MR_TIME_TEXT_MAX];
    json_t *event;

    if (mr_event_to_json(mr_slice(item->event.data, item->event.len), &event, NULL) < 0)
        return NULL;
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)item->number);
    (void)json_object_set_new(event, "hubnumber", json_string(number)); /* an Integer has 32 bits there */
    (void)json_object_set_new(event, "hubattempt", json_integer(item->attempt));
    (void)json_object_set_new(event, "hubdelivery", json_string(kind_of(frame)));
    (void)json_object_set_new(event, "recordedtime", json_string(mr_time_format(item->recorded_us, time)));
    set_recipients(event, item);
    return event;
}

static json_t *events_json(const Marshrut__Bus__V1__Deliver *frame)
{
    json_t *events = json_array();

    for (size_t i = 0; events && i < frame->n_items; i++) {
        if (json_array_append_new(events, item_json(frame, frame->items[i])) != 0) {
            json_decref(events);
            return NULL;
        }
    }
    return events;
}

/* ---- the session's side ---- */

static struct inbox *inbox_of(const struct pull *pull, const char *name)
{
    mr_list_foreach (it, (struct mr_list *)(uintptr_t)&pull->inboxes) {
        struct inbox *inbox = MR_CONTAINER(it, struct inbox, link);

        if (strcmp(inbox->name, name) == 0)
            return inbox;
    }
    return NULL;
}

/* It may have been revoked while its holder waited. */
static bool still_may(const struct pull *pull)
{
    struct mr_api *api = pull->api;
    struct mr_token_row row;
    int r = mr_log_reader_renew(api->reader);

    if (r == 0)
        r = mr_token_check_digest(api->reader, pull->token, mr_clock_wall_us(api->house->clock), &row, NULL);
    mr_log_reader_pause(api->reader);
    return r == 0;
}

static int on_frame(void *ctx, const frame_t *frame)
{
    const struct pull *pull = ctx;
    struct inbox *inbox = frame->body_case == MARSHRUT__BUS__V1__FRAME__BODY_DELIVER
                                  ? inbox_of(pull, frame->deliver->subscription)
                                  : NULL; /* nothing else is of interest to who asks */
    json_t *events;

    if (!inbox || !inbox->waiting.exchange)
        return 0;
    if (!still_may(pull)) {
        refuse(inbox, 401, MR_EDENIED, "the token is not taken any more",
                "ask the administrator of the hub for another one");
        return MR_EDENIED;
    }
    mr_deliver_pause(pull->api->pulls.deliver, pull->session, inbox->name);
    events = events_json(frame->deliver);
    if (events)
        give(inbox, events);
    else
        refuse(inbox, 0, MR_ENOMEM, "the hub is short of memory", "ask again");
    json_decref(events);
    return 0;
}

static void on_refusal(void *ctx, const char *code, const char *reason, const char *cure)
{
    const struct pull *pull = ctx;

    (void)code;
    mr_list_foreach (it, (struct mr_list *)(uintptr_t)&pull->inboxes)
        refuse(MR_CONTAINER(it, struct inbox, link), 503, MR_EAGAIN, reason, cure);
}

/* What is said to who waits, by why the session has ended; the last row: anything else. */
static const struct {
    const char *why;
    unsigned status;
    int code;
    const char *what, *cure;
} endings[] = {
        {"replaced", 409, MR_EEXISTS, "a newer session of this system has begun", "run one client a system"},
        {"revoked", 403, MR_EDENIED, "the system is not configured any more",
                "ask the administrator of the hub"},
        {NULL, 503, MR_ECLOSED, "the session has ended", "ask again: what is not acknowledged comes again"},
};

static void on_ended(void *ctx, const char *why)
{
    struct pull *pull = ctx;
    struct mr_list *link;
    size_t i = 0;

    while (endings[i].why && strcmp(endings[i].why, why) != 0)
        i++;
    while ((link = mr_list_pop_front(&pull->inboxes)) != NULL) {
        struct inbox *inbox = MR_CONTAINER(link, struct inbox, link);

        refuse(inbox, endings[i].status, endings[i].code, endings[i].what, endings[i].cure);
        free(inbox);
    }
    mr_list_remove(&pull->link);
    free(pull);
}

static const struct mr_session_via via = {on_frame, on_refusal, on_ended};

/* ---- waiting ---- */

static void look(struct mr_api *api)
{
    int64_t now_us = mr_clock_monotonic_us(api->house->clock);

    mr_list_foreach (pull_link, &api->pulls.list) {
        struct pull *pull = MR_CONTAINER(pull_link, struct pull, link);

        mr_list_foreach (it, &pull->inboxes) {
            struct inbox *inbox = MR_CONTAINER(it, struct inbox, link);

            if (inbox->waiting.exchange && inbox->until_us <= now_us)
                give_nothing(pull, inbox);
        }
    }
    mr_pull_acks_look(api, now_us);
    mr_pulls_plan(api);
}

static void on_timer(uv_timer_t *timer)
{
    look(timer->data);
}

/* Who did not want to wait is answered when delivery has looked; acknowledgements wait for what is parked. */
static void on_rested(void *ctx)
{
    look(ctx);
}

/* Those who do not want to wait are not the timer's: delivery tells when it has looked. */
void mr_pulls_plan(struct mr_api *api)
{
    int64_t now_us = mr_clock_monotonic_us(api->house->clock), first_us = mr_pull_acks_until(api);

    mr_list_foreach (pull_link, &api->pulls.list)
        mr_list_foreach (it, &MR_CONTAINER(pull_link, struct pull, link)->inboxes) {
            const struct inbox *inbox = MR_CONTAINER(it, struct inbox, link);

            if (inbox->waiting.exchange && inbox->until_us > now_us && inbox->until_us < first_us)
                first_us = inbox->until_us;
        }
    if (first_us == INT64_MAX)
        (void)uv_timer_stop(&api->pulls.timer);
    else
        (void)uv_timer_start(&api->pulls.timer, on_timer,
                first_us > now_us ? (uint64_t)(first_us - now_us) / 1000 + 1 : 0, 0);
}

void mr_pulls_open(
        struct mr_api *api, uv_loop_t *loop, struct mr_sessions *sessions, struct mr_deliver *deliver)
{
    api->pulls = (struct mr_pulls){.sessions = sessions, .deliver = deliver};
    mr_list_init(&api->pulls.list);
    mr_list_init(&api->pulls.acks);
    (void)uv_timer_init(loop, &api->pulls.timer);
    api->pulls.timer.data = api;
    deliver->rested = on_rested;
    deliver->rested_ctx = api;
}

void mr_pulls_close(struct mr_api *api)
{
    mr_pull_acks_drop(api);
    mr_list_foreach_safe (it, &api->pulls.list) {
        struct pull *pull = MR_CONTAINER(it, struct pull, link);

        mr_list_foreach (at, &pull->inboxes)
            MR_CONTAINER(at, struct inbox, link)->waiting.exchange = NULL;
        mr_session_end(pull->session, "the hub is stopping");
    }
    api->pulls.deliver->rested = NULL;
    (void)uv_timer_stop(&api->pulls.timer);
}

/* ---- a question ---- */

struct question {
    const char *subscription;
    uint32_t limit, wait_s;
    struct mr_error error;
};

static int read_number(
        struct question *q, const char *name, const char *value, uint32_t from, uint32_t to, uint32_t *ret)
{
    char *end;
    unsigned long number;

    errno = 0;
    number = strtoul(value, &end, 10);
    if (errno || end == value || *end || *value == '-' || number < from || number > to)
        return mr_error_set(
                &q->error, MR_EINVAL, name, "see docs/api.md", "give a whole number from %u to %u", from, to);
    *ret = (uint32_t)number;
    return 0;
}

static int on_parameter(void *ctx, const char *name, const char *value)
{
    struct question *q = ctx;

    if (strcmp(name, "limit") == 0)
        return read_number(q, name, value, 1, LIMIT_MAX, &q->limit);
    if (strcmp(name, "wait") == 0)
        return read_number(q, name, value, 0, WAIT_S_MAX, &q->wait_s);
    if (strcmp(name, "subscription") != 0)
        return mr_error_set(&q->error, MR_EINVAL, name, "docs/api.md lists the parameters of each path",
                "no such parameter");
    q->subscription = value;
    return 0;
}

static int check_subscription(const struct mr_api_request *request, struct question *q)
{
    const struct mr_config *config = request->api->house->config;

    if (!q->subscription)
        return mr_error_set(&q->error, MR_EINVAL, "subscription", "name one of the system's subscriptions",
                "the parameter is missing");
    for (uint32_t i = 0; i < config->subscriptions_count; i++)
        if (strcmp(config->subscriptions[i].name, q->subscription) == 0 &&
                strcmp(config->subscriptions[i].system, request->system) == 0)
            return strlen(q->subscription) < NAME_BYTES ? 0 : MR_EINVAL;
    return mr_error_set(&q->error, MR_ENOTFOUND, "subscription",
            "the configuration lists the subscriptions of each system",
            "this token's system has no such subscription");
}

static struct pull *pull_of(const struct mr_api_request *request)
{
    mr_list_foreach (it, &request->api->pulls.list) {
        struct pull *pull = MR_CONTAINER(it, struct pull, link);

        if (strcmp(pull->session->system->name, request->system) == 0)
            return pull;
    }
    return NULL;
}

static bool has_token(const struct pull *pull, const struct mr_api_request *request)
{
    return memcmp(pull->token, request->token.digest, sizeof pull->token) == 0;
}

struct mr_session *mr_pull_session(const struct mr_api_request *request)
{
    struct pull *pull = pull_of(request);

    if (!pull || !has_token(pull, request))
        return NULL;
    mr_session_heard(pull->session);
    return pull->session;
}

/* The system's session with this token: the one that there is, or a new one, which replaces any other. */
static struct pull *begin(const struct mr_api_request *request)
{
    struct mr_api *api = request->api;
    const struct mr_config_system *system = mr_config_system(api->house->config, request->system);
    struct pull *pull = pull_of(request);

    if (pull && has_token(pull, request)) {
        mr_session_heard(pull->session);
        return pull;
    }
    pull = system ? calloc(1, sizeof *pull) : NULL;
    if (!pull)
        return NULL;
    pull->api = api;
    mr_list_init(&pull->inboxes);
    mr_list_init(&pull->link);
    memcpy(pull->token, request->token.digest, sizeof pull->token);
    pull->session = mr_sessions_begin(api->pulls.sessions, system, &via, pull);
    if (!pull->session) {
        free(pull);
        return NULL;
    }
    mr_list_push_back(&api->pulls.list, &pull->link);
    return pull;
}

static struct inbox *open_inbox(struct pull *pull, const char *name)
{
    struct inbox *inbox = inbox_of(pull, name);

    if (inbox)
        return inbox;
    inbox = calloc(1, sizeof *inbox);
    if (!inbox)
        return NULL;
    mr_list_init(&inbox->link);
    (void)snprintf(inbox->name, sizeof inbox->name, "%s", name);
    mr_list_push_back(&pull->inboxes, &inbox->link);
    return inbox;
}

/* What was given and is not settled comes again, from the cursor on; else it goes on behind it. */
static void ask_for(struct pull *pull, struct inbox *inbox, uint32_t limit)
{
    struct mr_deliver *deliver = pull->api->pulls.deliver;
    Marshrut__Bus__V1__Subscribe subscribe = MARSHRUT__BUS__V1__SUBSCRIBE__INIT;
    Marshrut__Bus__V1__Credit credit = MARSHRUT__BUS__V1__CREDIT__INIT;

    if (inbox->subscribed && mr_deliver_open_after(deliver, pull->session, inbox->name, 0) == 0) {
        credit.subscription = inbox->name;
        credit.events = limit;
        mr_deliver_credit(deliver, pull->session, &credit);
        return;
    }
    inbox->subscribed = true;
    subscribe.subscription = inbox->name;
    subscribe.credit_events = limit;
    mr_deliver_subscribe(deliver, pull->session, &subscribe);
}

static void wait_for(const struct mr_api_request *request, const struct question *q)
{
    struct pull *pull = begin(request);
    struct inbox *inbox = pull ? open_inbox(pull, q->subscription) : NULL;
    int64_t now_us = mr_clock_monotonic_us(request->api->house->clock);

    if (!inbox) {
        mr_problem_answer(request->http->exchange, 0, MR_ENOMEM, NULL);
        return;
    }
    if (inbox->waiting.exchange)
        refuse(inbox, 409, MR_EEXISTS, "a newer request asks for the same subscription",
                "run one client a system, with one request a subscription");
    mr_deliver_pause(pull->api->pulls.deliver, pull->session, inbox->name);
    inbox->waiting = *request->http;
    inbox->until_us = q->wait_s > 0 ? now_us + (int64_t)q->wait_s * US_IN_S : 0;
    ask_for(pull, inbox, q->limit);
    mr_pulls_plan(request->api);
}

bool mr_pull_may(const struct mr_api_request *request)
{
    if (mr_config_system(request->api->house->config, request->system))
        return true;
    mr_problem_say(request->http->exchange, 403, MR_EDENIED, "Authorization",
            "the system of this token is not configured any more", "ask the administrator of the hub");
    return false;
}

void mr_api_inbox(const struct mr_api_request *request, const struct mr_api_route *route)
{
    struct question q = {.limit = LIMIT_MAX};
    int r = mr_http_each_query(request->http, on_parameter, &q);

    (void)route;
    if (!mr_pull_may(request))
        return;
    if (r == 0)
        r = check_subscription(request, &q);
    if (r < 0)
        mr_problem_answer(request->http->exchange, 0, r, &q.error);
    else
        wait_for(request, &q);
}
