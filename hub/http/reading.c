#include "hub/http/reading.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/http/parts.h"
#include "hub/http/problem.h"
#include "proto/base/list.h"
#include "proto/loop/http_route.h"
#include "proto/wire/json.h"

enum { BODY_BYTES_MAX = 16 * 1024 * 1024, WAIT_S = 1 };

/* A question to hub/query, and what has come of it. */
struct ask {
    struct mr_query_asker asker;
    struct mr_list link;            /* of api->asks */
    struct mr_http_request request; /* exchange NULL: the server is gone */
    struct mr_api *api;
    const struct mr_api_route *route; /* NULL: its arguments are those of the body */
    mr_api_done_fn done;              /* NULL: the document is the answer */
    bool list, too_big;
    size_t items;
    struct mr_buf body;
};

/* ---- names ---- */

/* "number" of "/api/v1/events/{number}/way": its first, for 0. "" when there are fewer. */
static const char *path_parameter(const char *path, size_t index, char ret[static MR_API_PARAMETER_BYTES])
{
    const char *at = strchr(path, '{');

    for (; at && index > 0; index--)
        at = strchr(at + 1, '{');
    ret[0] = '\0';
    if (at)
        (void)snprintf(ret, MR_API_PARAMETER_BYTES, "%.*s", (int)strcspn(at + 1, ".}"), at + 1);
    return ret;
}

/* What the asker of the route calls an argument of its method: an error is about what was sent. */
static const char *asked_as(
        const struct mr_api_route *route, const char *argument, char ret[static MR_API_PARAMETER_BYTES])
{
    size_t at = 0;

    for (const struct mr_api_argument *it = route->reading->arguments; it->argument; it++) {
        if (strcmp(it->argument, argument) == 0)
            return it->name ? it->name : path_parameter(route->path, at, ret);
        at += it->name == NULL;
    }
    return argument;
}

/* ---- documents ---- */

/* The last document of a list is an object: its members stand beside the items. */
static void end_list(struct ask *ask, const char *last)
{
    if (ask->items == 0)
        mr_buf_put_str(&ask->body, "{\"items\":[");
    mr_buf_put_str(&ask->body, "]");
    if (last[0] == '{' && last[1] != '}') {
        mr_buf_put_str(&ask->body, ",");
        mr_buf_put_str(&ask->body, last + 1);
    } else {
        mr_buf_put_str(&ask->body, "}");
    }
}

static void add_item(struct ask *ask, const char *json)
{
    if (ask->body.size + strlen(json) > BODY_BYTES_MAX) {
        ask->too_big = true;
        return;
    }
    mr_buf_put_str(&ask->body, ask->items++ ? "," : "{\"items\":[");
    mr_buf_put_str(&ask->body, json);
}

static void answer_failure(struct ask *ask, int code, const struct mr_error *error)
{
    const struct mr_error given = error ? *error : (struct mr_error){0};
    struct mr_error told = given;
    char name[MR_API_PARAMETER_BYTES];

    if (ask->route) /* it may be the very same text: not out of `told` */
        (void)snprintf(told.where, sizeof told.where, "%s", asked_as(ask->route, given.where, name));
    /* what is not configured is not there: no fault of the server */
    mr_problem_answer(ask->request.exchange, code == MR_ECONFIG ? 404 : 0, code, error ? &told : NULL);
}

static void answer(struct ask *ask, int code, const struct mr_error *error)
{
    if (code < 0)
        answer_failure(ask, code, error);
    else if (ask->too_big)
        mr_problem_say(ask->request.exchange, 0, MR_ETOOBIG, "limit", "the answer would be too big",
                "ask for fewer at once: limit");
    else if (mr_buf_failed(&ask->body))
        mr_problem_answer(ask->request.exchange, 0, MR_ENOMEM, NULL);
    else if (ask->done)
        ask->done(ask->api, &ask->request, mr_buf_str(&ask->body));
    else
        mr_api_answer(&ask->request, 200, "application/json",
                strcmp(ask->request.method, "POST") == 0 ? "no-store" : NULL, mr_buf_slice(&ask->body));
}

static void take(
        struct mr_query_asker *asker, const char *json, bool more, int code, const struct mr_error *error)
{
    struct ask *ask = MR_CONTAINER(asker, struct ask, asker);

    if (more && ask->list)
        add_item(ask, json);
    if (more)
        return;
    if (code == 0 && ask->list)
        end_list(ask, json);
    else if (code == 0)
        mr_buf_put_str(&ask->body, json);
    if (ask->request.exchange)
        answer(ask, code, error);
    mr_list_remove(&ask->link);
    mr_buf_fini(&ask->body);
    free(ask);
}

static void put(const struct mr_api_request *request, const struct mr_api_route *route, const char *method,
        json_t *arguments, mr_api_done_fn done)
{
    struct ask *ask;

    if (arguments && !mr_query_may_ask(request->api->query, request->who, method)) {
        json_decref(arguments);
        mr_problem_later(request->http->exchange, "", "too many questions at once of this token or account",
                "wait for the answers to those that are under way", WAIT_S);
        return;
    }
    ask = calloc(1, sizeof *ask);
    if (!ask || !arguments) {
        free(ask);
        json_decref(arguments);
        mr_problem_answer(request->http->exchange, 0, MR_ENOMEM, NULL);
        return;
    }
    ask->asker.take = take;
    ask->request = *request->http;
    ask->api = request->api;
    ask->route = route;
    ask->done = done;
    ask->list = route && route->reading->list;
    memcpy(ask->asker.who, request->who, sizeof ask->asker.who);
    ask->asker.limited = request->limited;
    ask->asker.limits = request->limits;
    mr_list_init(&ask->link);
    mr_list_push_back(&request->api->asks, &ask->link);
    mr_query_ask(request->api->query, &ask->asker, method, arguments, request->operator_name);
}

void mr_api_ask(const struct mr_api_request *request, const char *method, json_t *arguments)
{
    put(request, NULL, method, arguments, NULL);
}

void mr_api_ask_then(
        const struct mr_api_request *request, const char *method, json_t *arguments, mr_api_done_fn done)
{
    put(request, NULL, method, arguments, done);
}

void mr_api_asks_detach(struct mr_api *api)
{
    mr_list_foreach (it, &api->asks)
        MR_CONTAINER(it, struct ask, link)->request.exchange = NULL;
}

/* ---- arguments ---- */

struct reading_arguments {
    const struct mr_api_reading *reading;
    json_t *json;
    struct mr_error error;
};

/* name: what the asker calls it. */
static int set(struct reading_arguments *a, const struct mr_api_argument *argument, const char *name,
        const char *value)
{
    long long number;
    char *end;

    if (!argument->number)
        return json_object_set_new(a->json, argument->argument, json_string(value)) == 0
                       ? 0
                       : mr_error_set(&a->error, MR_EINVAL, name, "send UTF-8", "no text");
    errno = 0;
    number = strtoll(value, &end, 10);
    if (errno || end == value || *end || number < 0)
        return mr_error_set(
                &a->error, MR_EINVAL, name, "give a whole number", "the parameter is no whole number");
    return json_object_set_new(a->json, argument->argument, json_integer(number)) == 0 ? 0 : MR_ENOMEM;
}

static int on_query(void *ctx, const char *name, const char *value)
{
    struct reading_arguments *a = ctx;

    for (const struct mr_api_argument *it = a->reading->arguments; it->argument; it++)
        if (it->name && strcmp(it->name, name) == 0)
            return set(a, it, name, value);
    return mr_error_set(
            &a->error, MR_EINVAL, name, "docs/api.md lists the parameters of each path", "no such parameter");
}

static int read_path(struct reading_arguments *a, const struct mr_api_request *request, const char *path)
{
    char name[MR_API_PARAMETER_BYTES];
    size_t at = 0;
    int r = 0;

    for (const struct mr_api_argument *it = a->reading->arguments; r == 0 && it->argument; it++)
        if (!it->name) {
            r = set(a, it, path_parameter(path, at, name), request->parameters[at]);
            at++;
        }
    return r;
}

static int on_member(struct reading_arguments *a, const char *name, json_t *value)
{
    for (const struct mr_api_argument *it = a->reading->arguments; it->argument; it++) {
        if (!it->name || strcmp(it->name, name) != 0)
            continue;
        if (it->number ? !json_is_integer(value) || json_integer_value(value) < 0 : !json_is_string(value))
            return mr_error_set(&a->error, MR_EINVAL, it->name,
                    it->number ? "give a whole number" : "give a text", "the member is no %s",
                    it->number ? "whole number" : "text");
        return json_object_set(a->json, it->argument, value) == 0 ? 0 : MR_ENOMEM;
    }
    return mr_error_set(
            &a->error, MR_EINVAL, "body", "docs/api.md lists the members of each body", "no such member");
}

/* The parameters of the query, as members of a body. */
static int read_body(struct reading_arguments *a, const json_t *body)
{
    const char *name;
    json_t *value;
    int r = 0;

    json_object_foreach ((json_t *)(uintptr_t)body, name, value)
        if (r == 0)
            r = on_member(a, name, value);
    return r;
}

json_t *mr_api_arguments(const struct mr_api_request *request, const struct mr_api_route *route)
{
    bool posted = strcmp(request->http->method, "POST") == 0;
    json_t *body = posted ? mr_api_body(request) : NULL;
    struct reading_arguments a = {.reading = route->reading, .json = json_object()};
    int r;

    if (posted && !body) {
        json_decref(a.json);
        return NULL;
    }
    r = a.json ? read_path(&a, request, route->path) : MR_ENOMEM;
    if (r == 0)
        r = body ? read_body(&a, body) : mr_http_each_query(request->http, on_query, &a);
    json_decref(body);
    if (r == 0)
        return a.json;
    json_decref(a.json);
    mr_problem_answer(request->http->exchange, 0, r, &a.error);
    return NULL;
}

void mr_api_read_then(
        const struct mr_api_request *request, const struct mr_api_route *route, mr_api_done_fn done)
{
    json_t *arguments = mr_api_arguments(request, route);

    if (arguments)
        put(request, route, route->reading->method, arguments, done);
}

void mr_api_read(const struct mr_api_request *request, const struct mr_api_route *route)
{
    mr_api_read_then(request, route, NULL);
}

uint64_t mr_api_number(const char *text)
{
    unsigned long long number =
            *text && strspn(text, "0123456789") == strlen(text) ? strtoull(text, NULL, 10) : 0;

    return number <= INT64_MAX ? number : 0;
}

json_t *mr_api_body(const struct mr_api_request *request)
{
    struct mr_error error = {0};
    json_t *json;

    if (!mr_http_content_is(request->http, "application/json")) {
        mr_problem_say(request->http->exchange, 415, MR_EUNSUPPORTED, "Content-Type", "not JSON",
                "send application/json");
        return NULL;
    }
    json = mr_json_parse(request->http->body, "body", &error);
    if (json && !json_is_object(json)) {
        (void)mr_error_set(&error, MR_EINVAL, "body", "send a JSON object", "not a JSON object");
        json_decref(json);
        json = NULL;
    }
    if (!json)
        mr_problem_answer(request->http->exchange, 0, error.code ? error.code : MR_EMALFORMED, &error);
    return json;
}

void mr_api_act_then(
        const struct mr_api_request *request, const struct mr_api_route *route, mr_api_done_fn done)
{
    struct reading_arguments a = {.reading = route->reading, .json = mr_api_body(request)};
    const char *if_match = mr_http_header(request->http, "If-Match");
    int r;

    if (!a.json)
        return;
    r = read_path(&a, request, route->path);
    if (r == 0 && if_match)
        r = json_object_set_new(a.json, "if_match", json_string(if_match));
    if (r == 0) {
        put(request, route, route->reading->method, a.json, done);
        return;
    }
    json_decref(a.json);
    mr_problem_answer(request->http->exchange, 0, r, &a.error);
}

void mr_api_act(const struct mr_api_request *request, const struct mr_api_route *route)
{
    mr_api_act_then(request, route, NULL);
}
