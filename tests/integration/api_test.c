/*
 * The HTTP API of a real hub: every route is in docs/openapi.json and answers in the shape that it says, to
 * the tokens that it says; events come in by HTTP and are found again; the log's tiles prove themselves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/http/route.h"
#include "proto/base/bytes.h"
#include "store/merkle.h"
#include "tests/support/api_env.h"
#include "tests/support/shape.h"

#define JSON_EVENT                                                                                           \
    "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"%s\",\"type\":\"nms.programme.listed.v1\","         \
    "\"time\":\"2026-09-01T09:00:00Z\",\"regioncode\":\"24\",\"data\":{\"programmeId\":\"%s\","              \
    "\"title\":\"x\",\"kind\":\"PK\",\"hours\":72,\"providerOgrn\":\"1022400001007\","                       \
    "\"registry\":\"own\"}}"

enum { GUESSES_AT_ONCE = 24 };

struct env {
    struct api_env api;
    char all[API_TOKEN_BYTES];     /* every scope, for the portal */
    char nothing[API_TOKEN_BYTES]; /* the scope passport alone */
    char nothing_id[API_TOKEN_BYTES];
    json_t *document;
};

/* ---- support ---- */

static int post(struct env *env, const char *token, const char *headers, const char *body)
{
    struct mr_buf kept = env->api.ask.answer;

    env->api.ask = (struct http_ask){.port = env->api.port,
            .method = "POST",
            .path = "/api/v1/events",
            .token = token,
            .headers = headers,
            .body = mr_slice_str(body),
            .answer = kept};
    return http_ask(&env->api.ask);
}

#define STRUCTURED "Content-Type: application/cloudevents+json\r\n"
#define BATCH      "Content-Type: application/cloudevents-batch+json\r\n"

/* The verdict of the one event; "" when there is none. */
static const char *verdict(const struct env *env, char ret[static 32])
{
    json_t *json = api_json(&env->api);
    const char *text = json_string_value(
            json_object_get(json_array_get(json_object_get(json, "results"), 0), "verdict"));

    (void)snprintf(ret, 32, "%s", text ? text : "");
    json_decref(json);
    return ret;
}

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    api_env_open(&env->api, "operators: [{name: boss, roles: [admin]}]\n", "");
    api_env_token(&env->api, "read,log,passport,publish", "portal", env->all, NULL);
    api_env_token(&env->api, "passport", "portal", env->nothing, env->nothing_id);
    (void)api_publish(&env->api, env->all, "programme-1");
    assert_int_equal(api_get(&env->api, "/api/v1/openapi.json", NULL), 200);
    env->document = api_json(&env->api);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    json_decref(env->document);
    api_env_close(&env->api);
    free(env);
    return 0;
}

/* ---- the document ---- */

static void name_of(const struct mr_api_route *route, char path[static 128], char method[static 16])
{
    const char *rest = strstr(route->path, "...}");

    (void)snprintf(path, 128, "%.*s%s", (int)(rest ? rest - route->path : (int)strlen(route->path)),
            route->path, rest ? "}" : "");
    for (size_t i = 0; i <= strlen(route->method); i++)
        method[i] = (char)tolower((unsigned char)route->method[i]);
}

static const json_t *operation_of(const struct env *env, const struct mr_api_route *route)
{
    char path[128], method[16];
    const json_t *operation;

    name_of(route, path, method);
    operation = json_object_get(json_object_get(json_object_get(env->document, "paths"), path), method);
    if (!operation)
        fail_msg("the document has no %s %s", method, path);
    return operation;
}

static void the_document_has_every_route(void **state)
{
    struct env *env = *state;
    const struct mr_api_route *route;
    size_t routes = 0, operations = 0;
    const char *path;
    json_t *item;

    for (; (route = mr_api_route_at(routes)) != NULL; routes++) {
        const json_t *security = json_object_get(operation_of(env, route), "security");
        const json_t *first = json_array_get(security, 0);
        const char *scope = json_string_value(json_array_get(json_object_get(first, "token"), 0));

        assert_int_equal(json_array_size(security) > 0, route->scope != 0);
        if (scope)
            assert_string_equal(scope, mr_token_scope_name(route->scope));
        else if (route->scope)
            assert_true(json_object_get(first, "login") && route->scope == MR_TOKEN_PERSON);
    }
    json_object_foreach (json_object_get(env->document, "paths"), path, item)
        operations += json_object_size(item);
    assert_int_equal(operations, routes);
}

/* A real path of a route: its parameters are those of what the setup has published. */
static const char *real_path(const struct mr_api_route *route, char ret[static 160])
{
    static const struct {
        const char *name, *value;
    } values[] = {{"{number}", "1"}, {"{type}", "nms.course.finished.v1"}, {"{id}", "programme-1"},
            {"{cell}", "1.total"}, {"{tile...}", "0/000.p/1"}, {"{name}", "boss"}, {"{version}", "1"}};
    const char *brace = strchr(route->path, '{');

    (void)snprintf(ret, 160, "%s", route->path);
    for (size_t i = 0; brace && i < sizeof values / sizeof values[0]; i++) {
        size_t size = strlen(values[i].name);

        if (strncmp(brace, values[i].name, size) == 0)
            (void)snprintf(ret, 160, "%.*s%s%s", (int)(brace - route->path), route->path, values[i].value,
                    brace + size);
    }
    if (strcmp(route->path, "/api/v1/events/watch") == 0)
        (void)strncat(ret, "?nonsense=1", 160 - strlen(ret) - 1); /* else it goes on for ever */
    return ret;
}

static void assert_problem(struct env *env, int status)
{
    static const char path[] = "problem";
    char type[64];
    json_t *problem = api_json(&env->api);

    assert_string_equal(
            http_ask_header(&env->api.ask, "Content-Type", type, sizeof type), "application/problem+json");
    shape_assert(env->document,
            json_object_get(
                    json_object_get(json_object_get(env->document, "components"), "schemas"), "Problem"),
            problem, path);
    assert_int_equal(json_integer_value(json_object_get(problem, "status")), status);
    json_decref(problem);
}

static void only_who_may_is_answered(void **state)
{
    struct env *env = *state;
    const struct mr_api_route *route;
    char path[160];

    for (size_t i = 0; (route = mr_api_route_at(i)) != NULL; i++) {
        struct http_ask *ask = &env->api.ask;

        if (!route->scope)
            continue;
        (void)api_get(&env->api, "/api/v1/openapi.json", NULL);
        ask->method = route->method;
        ask->path = real_path(route, path);
        assert_int_equal(http_ask(ask), 401);
        assert_problem(env, 401);
        ask->token = env->nothing;
        if (route->scope == MR_TOKEN_PASSPORT)
            continue;
        assert_int_equal(http_ask(ask), 403);
        assert_problem(env, 403);
    }
}

/* The last test: it uses up what this address may ask. */
/* So many guesses at once; how many of them were answered so. */
static unsigned guess(struct env *env, unsigned status)
{
    struct http_ask asks[GUESSES_AT_ONCE];
    int fds[GUESSES_AT_ONCE];
    unsigned answered = 0;

    for (size_t i = 0; i < GUESSES_AT_ONCE; i++) {
        asks[i] = (struct http_ask){.port = env->api.port,
                .path = "/api/v1/status",
                .token = "mrt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
        fds[i] = http_ask_begin(&asks[i]);
    }
    for (size_t i = 0; i < GUESSES_AT_ONCE; i++) {
        answered += http_ask_end(&asks[i], fds[i]) == (int)status;
        http_ask_fini(&asks[i]);
    }
    return answered;
}

/* They are put off faster than a slow machine answers one after the other. */
static void guessing_tokens_is_slow(void **state)
{
    struct env *env = *state;
    char wait[16];

    assert_true(guess(env, 401) >= 10);
    for (int i = 0; guess(env, 429) == 0; i++)
        assert_true(i < 100);
    while (api_get(&env->api, "/api/v1/status", "mrt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA") == 401)
        (void)guess(env, 429);
    assert_int_equal(env->api.ask.status, 429);
    assert_problem(env, 429);
    assert_true(strtol(http_ask_header(&env->api.ask, "Retry-After", wait, sizeof wait), NULL, 10) >= 1);
    assert_int_equal(
            api_get(&env->api, "/api/v1/status", env->all), 200); /* who has a token is not kept out by it */
}

static bool signed_yet(void *ctx)
{
    struct env *env = ctx;

    return api_get(&env->api, "/log/tile/0/000.p/3", env->all) == 200;
}

/* What each GET answers is what the document says; or one of the failures that it names. */
static void answers_have_their_shape(void **state)
{
    struct env *env = *state;
    const struct mr_api_route *route;
    size_t answered = 0;
    char path[160], status[8], tag[64];

    spawn_until("a checkpoint", signed_yet, env);
    for (size_t i = 0; (route = mr_api_route_at(i)) != NULL; i++) {
        const json_t *responses = json_object_get(operation_of(env, route), "responses");
        const json_t *content;
        json_t *json;

        if (strcmp(route->method, "GET") != 0 || route->scope == MR_TOKEN_PERSON)
            continue;
        (void)snprintf(status, sizeof status, "%d", api_get(&env->api, real_path(route, path), env->all));
        if (!json_object_get(responses, status))
            fail_msg("%s answers %s", path, status);
        if (env->api.ask.status != 200) {
            assert_problem(env, env->api.ask.status);
            continue;
        }
        answered++;
        assert_true(strlen(http_ask_header(&env->api.ask, "ETag", tag, sizeof tag)) > 2 && tag[0] == '"');
        content = json_object_get(
                json_object_get(json_object_get(responses, "200"), "content"), "application/json");
        if (!content)
            continue;
        json = api_json(&env->api);
        shape_assert(env->document, json_object_get(content, "schema"), json, path);
        json_decref(json);
    }
    assert_true(answered >= 12);
}

/* ---- events ---- */

static void events_come_in_and_are_found(void **state)
{
    static const char binary[] = "Content-Type: application/json\r\nce-specversion: 1.0\r\n"
                                 "ce-id: programme-b\r\nce-source: urn:marshrut:24:portal\r\n"
                                 "ce-type: nms.programme.listed.v1\r\nce-regioncode: 24\r\n"
                                 "ce-time: 2026-09-01T09:00:00Z\r\n";
    struct env *env = *state;
    char event[API_EVENT_BYTES], other[API_EVENT_BYTES], batch[2 * API_EVENT_BYTES + 8], text[32];
    json_t *json;

    assert_int_equal(post(env, env->all, binary,
                             "{\"programmeId\":\"b\",\"title\":\"x\",\"kind\":\"PK\",\"hours\":72,"
                             "\"providerOgrn\":\"1022400001007\",\"registry\":\"own\"}"),
            200);
    assert_string_equal(verdict(env, text), "stored");
    assert_int_equal(post(env, env->all, STRUCTURED, api_programme(event, "programme-1")), 200);
    assert_string_equal(verdict(env, text), "duplicate");
    (void)snprintf(other, sizeof other, JSON_EVENT, "programme-x", "urn:marshrut:24:school", "x");
    (void)snprintf(batch, sizeof batch, "[%s,%s]", other, api_programme(event, "programme-2"));
    assert_int_equal(post(env, env->all, BATCH, batch), 200);
    assert_string_equal(verdict(env, text), "refused"); /* the source is another system's */
    assert_int_equal(api_get(&env->api, "/api/v1/events?id=programme-2", env->all), 200);
    json = api_json(&env->api);
    assert_int_equal(json_array_size(json_object_get(json, "items")), 1);
    json_decref(json);
}

/* Of the portal, since the start of the hub. */
static json_int_t figure(struct env *env, const char *name)
{
    json_t *status, *system;
    json_int_t value = -1;
    size_t i;

    assert_int_equal(api_get(&env->api, "/api/v1/status", env->all), 200);
    status = api_json(&env->api);
    json_array_foreach (json_object_get(status, "systems"), i, system)
        if (strcmp(json_string_value(json_object_get(system, "name")), "portal") == 0)
            value = json_integer_value(json_object_get(system, name));
    json_decref(status);
    assert_true(value >= 0);
    return value;
}

/* As what comes over the bus: one that is no event at all among them. */
static void what_comes_in_is_counted(void **state)
{
    struct env *env = *state;
    char other[API_EVENT_BYTES], event[API_EVENT_BYTES], batch[2 * API_EVENT_BYTES + 32], text[32];
    json_int_t stored = figure(env, "stored"), refused = figure(env, "refused"), twice;

    twice = figure(env, "duplicate");
    (void)snprintf(other, sizeof other, JSON_EVENT, "programme-y", "urn:marshrut:24:school", "x");
    (void)snprintf(
            batch, sizeof batch, "[%s,%s,{\"id\":5}]", other, api_programme(event, "programme-counted"));
    assert_int_equal(post(env, env->all, BATCH, batch), 200);
    assert_int_equal(post(env, env->all, STRUCTURED, event), 200);
    assert_int_equal(post(env, env->all, BATCH, "[{\"id\":5}]"), 200);
    assert_string_equal(verdict(env, text), "refused");
    assert_int_equal(figure(env, "stored"), stored + 1);
    assert_int_equal(figure(env, "duplicate"), twice + 1);
    assert_int_equal(figure(env, "refused"), refused + 3);
    assert_true(spawn_logged(&env->api.spawn, "event=event.refused system=portal code=right-source"));
    assert_true(spawn_logged(&env->api.spawn, "event=event.refused system=portal code=malformed"));
    assert_int_equal(api_get(&env->api, "/metrics", NULL), 200);
    (void)snprintf(text, sizeof text, "refused\"} %" JSON_INTEGER_FORMAT "\n", refused + 3);
    (void)snprintf(batch, sizeof batch, "marshrut_events_total{system=\"portal\",verdict=\"%s", text);
    assert_non_null(memmem(env->api.ask.answer.data, env->api.ask.answer.size, batch, strlen(batch)));
}

static void bad_requests_are_told_why(void **state)
{
    static const struct {
        const char *path;
        int status;
    } gets[] = {{"/api/v1/events?nonsense=1", 400}, {"/api/v1/events?limit=many", 400},
            {"/api/v1/events?limit=100000", 400}, {"/api/v1/events/0", 400}, {"/api/v1/events/x", 400},
            {"/api/v1/events/9999999", 404}, {"/api/v1/nothing", 404}, {"/api/v1/types/no.such", 404},
            {"/log/tile/9/000", 404}, {"/log/tile/0/../../x", 404}, {"/log/tile/0/000.p/256", 404},
            {"/log/tile/0/999", 404}, {"/api/v1/events?id=a%40b.ru", 400},
            {"/api/v1/events?type=%ff%fe", 400}, {"/api/v1/events/facets?source=%c3%28", 400},
            {"/api/v1/events/facets?state=none", 400}, {"/api/v1/events/facets?zone=7", 400},
            {"/api/v1/events/facets?limit=1", 400}, {"/api/v1/events?from_number=-1", 400},
            {"/api/v1/events?to=tomorrow", 400}, {"/api/v1/events?system=%3Cscript%3E", 400},
            {"/api/v1/events/9999999/case", 404}, {"/api/v1/events/9999999/way", 404}};
    struct env *env = *state;
    char allow[64];

    for (size_t i = 0; i < sizeof gets / sizeof gets[0]; i++) {
        if (api_get(&env->api, gets[i].path, env->all) != gets[i].status)
            fail_msg("%s: %d", gets[i].path, env->api.ask.status);
        assert_problem(env, gets[i].status);
    }
    assert_int_equal(post(env, env->all, "Content-Type: text/plain\r\n", "x"), 415);
    assert_problem(env, 415);
    assert_int_equal(post(env, env->all, STRUCTURED, "{\"id\":"), 400);
    assert_problem(env, 400);
    env->api.ask.method = "DELETE";
    assert_int_equal(http_ask(&env->api.ask), 405);
    assert_string_equal(http_ask_header(&env->api.ask, "Allow", allow, sizeof allow), "GET, POST");
}

static void who_has_it_is_not_told_again(void **state)
{
    struct env *env = *state;
    char tag[64], header[128];

    assert_int_equal(api_get(&env->api, "/api/v1/types", NULL), 200);
    (void)http_ask_header(&env->api.ask, "ETag", tag, sizeof tag);
    (void)snprintf(header, sizeof header, "If-None-Match: %s\r\n", tag);
    env->api.ask.headers = header;
    assert_int_equal(http_ask(&env->api.ask), 304);
    assert_int_equal(http_ask_body(&env->api.ask).size, 0);
}

/* ---- tokens ---- */

static void a_revoked_token_is_not_taken(void **state)
{
    struct env *env = *state;
    const char *const revoke[] = {"token", "revoke", env->nothing_id, NULL};
    const char *const list[] = {"token", "list", NULL};
    json_t *json, *tokens;

    assert_int_equal(api_get(&env->api, "/api/v1/passport", env->nothing) == 401, 0);
    json_decref(api_tool(&env->api, revoke));
    assert_int_equal(api_get(&env->api, "/api/v1/passport", env->nothing), 401);
    assert_problem(env, 401);
    json = api_tool(&env->api, list);
    tokens = json_object_get(json, "tokens");
    assert_int_equal(json_array_size(tokens), 2);
    for (size_t i = 0; i < 2; i++) /* none of them is the token itself */
        assert_null(json_object_get(json_array_get(tokens, i), "token"));
    json_decref(json);
    assert_false(spawn_logged(&env->api.spawn, "mrt_"));
}

/* ---- the log ---- */

static void tiles_prove_the_entries(void **state)
{
    struct env *env = *state;
    uint8_t leaf[MR_MERKLE_BYTES], tile[3 * MR_MERKLE_BYTES];
    struct mr_slice body;
    char cache[64];

    spawn_until("a checkpoint", signed_yet, env);
    body = http_ask_body(&env->api.ask);
    assert_int_equal(body.size, sizeof tile);
    memcpy(tile, body.data, sizeof tile);
    (void)http_ask_header(&env->api.ask, "Cache-Control", cache, sizeof cache);
    assert_non_null(strstr(cache, "immutable"));
    assert_int_equal(api_get(&env->api, "/log/tile/entries/000.p/3", env->all), 200);
    body = http_ask_body(&env->api.ask);
    for (size_t i = 0; i < 3; i++) {
        size_t size = mr_get_be16(body.data);

        mr_merkle_leaf(mr_slice(body.data + 2, size), leaf);
        assert_memory_equal(leaf, tile + i * MR_MERKLE_BYTES, MR_MERKLE_BYTES);
        body = mr_slice(body.data + 2 + size, body.size - 2 - size);
    }
    assert_int_equal(body.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_document_has_every_route),
            cmocka_unit_test(only_who_may_is_answered),
            cmocka_unit_test(answers_have_their_shape),
            cmocka_unit_test(events_come_in_and_are_found),
            cmocka_unit_test(what_comes_in_is_counted),
            cmocka_unit_test(bad_requests_are_told_why),
            cmocka_unit_test(who_has_it_is_not_told_again),
            cmocka_unit_test(tiles_prove_the_entries),
            cmocka_unit_test(a_revoked_token_is_not_taken),
            cmocka_unit_test(guessing_tokens_is_slow),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
