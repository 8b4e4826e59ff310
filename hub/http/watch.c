#include "hub/http/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hub/http/parts.h"
#include "hub/http/problem.h"
#include "hub/http/reading.h"
#include "hub/http/who.h"
#include "proto/base/logfmt.h"
#include "proto/loop/http_stream.h"

enum {
    TURN_MS = 200,
    PAGE = 500,
    ASKING_MAX = 4,                  /* of the queries that may run: others want to ask too */
    UNSENT_ENOUGH_BYTES = 64 * 1024, /* nothing more is looked for while so much is unread */
    UNSENT_MAX_BYTES = 4 * 1024 * 1024,
    US_IN_S = 1000000,
    SLOW_S = 5, /* sooner than the server cuts it without a word */
    BEAT_S = 15,
    CHECK_S = 1,
    WAIT_S = 10
};

struct watcher {
    struct mr_query_asker asker;
    struct mr_list link; /* of api->watchers */
    struct mr_api *api;
    struct mr_http_exchange *exchange; /* until the first answer shows that the question is a good one */
    struct mr_http_stream *stream;     /* from then on; both NULL: gone */
    json_t *filters;
    uint64_t next;    /* number to go on with */
    uint64_t through; /* of the question that is under way */
    bool asking;
    bool by_token;
    uint8_t digest[MR_TOKEN_DIGEST_BYTES]; /* of the token, or of the login's cookie */
    char name[MR_ACCOUNT_NAME_MAX + 1];    /* of the login */
    int64_t password_us;
    int64_t read_us, said_us, checked_us; /* monotonic: when nothing was unread, something was said ... */
};

static int64_t now_us(const struct mr_api *api)
{
    return mr_clock_monotonic_us(api->house->clock);
}

static void free_watcher(struct watcher *watcher)
{
    mr_list_remove(&watcher->link);
    watcher->api->watchers.count--;
    json_decref(watcher->filters);
    free(watcher);
}

/* ---- what is said ---- */

static void on_closed(void *ctx)
{
    struct watcher *watcher = ctx;

    watcher->stream = NULL;
    if (!watcher->asking)
        free_watcher(watcher);
}

/* json NULL: only how far it is. */
static void say(struct watcher *watcher, const char *before, uint64_t number, const char *json)
{
    struct mr_buf text = MR_BUF_INIT;

    mr_buf_printf(&text, "%sid: %llu\n", before, (unsigned long long)number);
    if (json)
        mr_buf_printf(&text, "data: %s\n", json);
    mr_buf_put_str(&text, "\n");
    if (mr_buf_failed(&text))
        mr_http_stream_cut(watcher->stream);
    else
        mr_http_stream_write(watcher->stream, mr_buf_slice(&text));
    mr_buf_fini(&text);
    watcher->said_us = now_us(watcher->api);
}

static bool begin(struct watcher *watcher)
{
    struct mr_http_exchange *exchange = watcher->exchange;

    if (!exchange)
        return watcher->stream != NULL;
    watcher->exchange = NULL;
    mr_api_answer_headers(exchange);
    watcher->stream = mr_http_stream_begin(exchange, "text/event-stream; charset=utf-8", on_closed, watcher);
    if (!watcher->stream) {
        mr_http_answer(exchange, 503, NULL, mr_slice_str("{}"));
        return false;
    }
    say(watcher, "retry: 3000\n", watcher->next - 1, NULL);
    return true;
}

static void cut(struct watcher *watcher, const char *why)
{
    mr_info("http.watch_cut", "why", why, "unsent", MR_N(mr_http_stream_unsent(watcher->stream)));
    mr_http_stream_cut(watcher->stream);
}

static void say_record(struct watcher *watcher, const char *json)
{
    json_t *record = json_loads(json, 0, NULL);
    json_int_t number = json_integer_value(json_object_get(record, "number"));

    json_decref(record);
    if (number <= 0 || !begin(watcher))
        return;
    if (mr_http_stream_unsent(watcher->stream) > UNSENT_MAX_BYTES)
        cut(watcher, "slow");
    else
        say(watcher, "", (uint64_t)number, json);
}

/* ---- looking ---- */

static void on_turn(uv_timer_t *timer);

/* {"found", "next"}: 0 when everything that was there is searched. */
static void searched(struct watcher *watcher, const char *json)
{
    json_t *last = json_loads(json, 0, NULL);
    json_int_t next = json_integer_value(json_object_get(last, "next"));

    json_decref(last);
    watcher->next = next > 0 ? (uint64_t)next : watcher->through + 1;
    if (begin(watcher) && next > 0) /* there is more at once */
        (void)uv_timer_start(&watcher->api->watchers.timer, on_turn, 0, TURN_MS);
}

static void take(
        struct mr_query_asker *asker, const char *json, bool more, int code, const struct mr_error *error)
{
    struct watcher *watcher = MR_CONTAINER(asker, struct watcher, asker);

    if (more) {
        if (watcher->exchange || watcher->stream)
            say_record(watcher, json);
        return;
    }
    watcher->asking = false;
    watcher->api->watchers.asking--;
    if (code == 0 && (watcher->exchange || watcher->stream)) {
        searched(watcher, json);
    } else if (code < 0 && watcher->exchange) {
        mr_problem_answer(watcher->exchange, 0, code, error);
        watcher->exchange = NULL;
    } /* else it is asked again at the next turn */
    if (!watcher->exchange && !watcher->stream)
        free_watcher(watcher);
}

/* Also when there is nothing to look for yet: whether the filters are good ones is answered at once. */
static void ask(struct watcher *watcher, uint64_t head)
{
    struct mr_api *api = watcher->api;
    json_t *arguments = json_copy(watcher->filters);

    if (!arguments)
        return;
    watcher->through = head < watcher->next ? watcher->next - 1 : head;
    (void)json_object_set_new(
            arguments, "first", json_integer((json_int_t)watcher->next + !watcher->through));
    (void)json_object_set_new(
            arguments, "last", json_integer((json_int_t)watcher->through + !watcher->through));
    (void)json_object_set_new(arguments, "limit", json_integer(PAGE));
    watcher->asking = true;
    api->watchers.asking++;
    mr_list_remove(&watcher->link); /* the others are before it now */
    mr_list_push_back(&api->watchers.list, &watcher->link);
    mr_query_ask(api->query, &watcher->asker, "log.find", arguments, "");
}

/* Revoked, locked, logged out, another role: no more is told. */
static bool still_may(const struct watcher *watcher)
{
    struct mr_account_row account;
    struct mr_api *api = watcher->api;
    struct mr_token_row row;
    int r;

    if (!watcher->by_token)
        return mr_web_session_lives(&api->sessions, watcher->digest, now_us(api)) &&
               mr_api_account(api, watcher->name, &account) == 0 &&
               account.changed_us == watcher->password_us &&
               (mr_api_scopes_of(api->house->config, &account) & MR_TOKEN_READ);
    r = mr_log_reader_renew(api->reader);
    if (r == 0)
        r = mr_token_check_digest(
                api->reader, watcher->digest, mr_clock_wall_us(api->house->clock), &row, NULL);
    mr_log_reader_pause(api->reader);
    return r == 0;
}

/* false: cut. */
static bool look_at_reader(struct watcher *watcher, int64_t now)
{
    if (mr_http_stream_unsent(watcher->stream) == 0)
        watcher->read_us = now;
    if (mr_http_stream_gone(watcher->stream)) {
        mr_http_stream_cut(watcher->stream);
        return false;
    }
    if (now - watcher->read_us > (int64_t)SLOW_S * US_IN_S) {
        cut(watcher, "slow");
        return false;
    }
    if (now - watcher->checked_us > (int64_t)CHECK_S * US_IN_S) {
        watcher->checked_us = now;
        if (!still_may(watcher)) {
            cut(watcher, "denied");
            return false;
        }
    }
    return true;
}

static void turn(struct watcher *watcher)
{
    struct mr_api *api = watcher->api;
    uint64_t head = mr_log_head(api->house->log);
    int64_t now = now_us(api);

    if (watcher->asking || !watcher->stream || !look_at_reader(watcher, now))
        return;
    if (head >= watcher->next) {
        if (mr_http_stream_unsent(watcher->stream) < UNSENT_ENOUGH_BYTES && api->watchers.asking < ASKING_MAX)
            ask(watcher, head);
    } else if (now - watcher->said_us > (int64_t)BEAT_S * US_IN_S) {
        say(watcher, "", watcher->next - 1, NULL); /* nothing happened up to here */
    }
}

static void on_turn(uv_timer_t *timer)
{
    struct mr_api *api = timer->data;
    size_t count = api->watchers.count;

    for (size_t i = 0; i < count && !mr_list_empty(&api->watchers.list); i++) {
        struct watcher *watcher = MR_CONTAINER(api->watchers.list.next, struct watcher, link);

        mr_list_remove(&watcher->link);
        mr_list_push_back(&api->watchers.list, &watcher->link);
        turn(watcher);
    }
    if (api->watchers.count == 0)
        (void)uv_timer_stop(timer);
}

/* ---- the route ---- */

/* The number after which to go on: that of the reader, else from now on. false: answered. */
static bool read_after(const struct mr_api_request *request, json_t *filters, uint64_t *ret)
{
    const char *text = mr_http_header(request->http, "Last-Event-ID");
    const json_t *after = json_object_get(filters, "after");
    char *end = NULL;

    *ret = after ? (uint64_t)json_integer_value(after) : mr_log_head(request->api->house->log);
    (void)json_object_del(filters, "after");
    if (!text || !*text)
        return true;
    errno = 0;
    *ret = strtoull(text, &end, 10);
    if (!errno && *text >= '0' && *text <= '9' && !*end && *ret < INT64_MAX)
        return true;
    mr_problem_say(request->http->exchange, 0, MR_EINVAL, "Last-Event-ID", "not the number of a record",
            "send the id of the last event that was read, or none");
    return false;
}

static bool is_of_same(const struct watcher *a, const struct watcher *b)
{
    return a->by_token == b->by_token && (a->by_token ? memcmp(a->digest, b->digest, sizeof a->digest) == 0
                                                      : strcmp(a->name, b->name) == 0);
}

static bool too_many(const struct mr_api *api, const struct watcher *watcher)
{
    size_t of_one = 0;

    mr_list_foreach (it, (struct mr_list *)(uintptr_t)&api->watchers.list)
        of_one += is_of_same(MR_CONTAINER(it, struct watcher, link), watcher);
    return api->watchers.count >= MR_WATCHERS_MAX || of_one >= MR_WATCHERS_OF_ONE_MAX;
}

static void note_who(struct watcher *watcher, const struct mr_api_request *request)
{
    watcher->by_token = request->login == NULL;
    if (request->login) {
        memcpy(watcher->digest, request->login->digest, sizeof watcher->digest);
        memcpy(watcher->name, request->login->name, sizeof watcher->name);
        watcher->password_us = request->login->password_us;
    } else {
        memcpy(watcher->digest, request->token.digest, sizeof watcher->digest);
    }
}

void mr_api_watch(const struct mr_api_request *request, const struct mr_api_route *route)
{
    struct mr_api *api = request->api;
    json_t *filters = mr_api_arguments(request, route);
    struct watcher *watcher;
    uint64_t after;

    if (!filters || !read_after(request, filters, &after)) {
        json_decref(filters);
        return;
    }
    watcher = calloc(1, sizeof *watcher);
    if (watcher)
        note_who(watcher, request);
    if (!watcher || too_many(api, watcher)) {
        free(watcher);
        json_decref(filters);
        mr_problem_later(request->http->exchange, "", "too many watch already",
                "close one of them, or ask GET /api/v1/events from time to time", WAIT_S);
        return;
    }
    watcher->asker.take = take;
    watcher->api = api;
    watcher->exchange = request->http->exchange;
    watcher->filters = filters;
    watcher->next = after + 1;
    watcher->read_us = watcher->said_us = watcher->checked_us = now_us(api);
    mr_list_init(&watcher->link);
    mr_list_push_back(&api->watchers.list, &watcher->link);
    api->watchers.count++;
    if (!uv_is_active((uv_handle_t *)&api->watchers.timer))
        (void)uv_timer_start(&api->watchers.timer, on_turn, TURN_MS, TURN_MS);
    ask(watcher, mr_log_head(api->house->log));
}

void mr_watchers_open(struct mr_api *api, uv_loop_t *loop)
{
    api->watchers = (struct mr_watchers){.count = 0};
    mr_list_init(&api->watchers.list);
    (void)uv_timer_init(loop, &api->watchers.timer);
    api->watchers.timer.data = api;
}

/* The server has closed the streams. */
void mr_watchers_close(struct mr_api *api)
{
    (void)uv_timer_stop(&api->watchers.timer);
    mr_list_foreach (it, &api->watchers.list)
        MR_CONTAINER(it, struct watcher, link)->exchange = NULL;
}
