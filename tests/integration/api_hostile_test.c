/*
 * The HTTP API of a real hub against requests that nobody means well with: what is malformed, too large, out
 * of its folder or sent in one piece with another is refused or answered for itself, the hub stays, and
 * nothing of what was asked for is in its log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/api_env.h"

#define STRUCTURED "application/cloudevents+json"
#define SNILS      "112-233-445%2095"

enum { BIG_HEADER_BYTES = 40 * 1024, BIG_BODY_BYTES = 1024 * 1024 + 1 };

struct env {
    struct api_env api;
    char all[API_TOKEN_BYTES];
};

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    api_env_open(&env->api, "operators: [{name: boss, roles: [admin]}]\n", "");
    api_env_token(&env->api, "read,log,passport,publish,pull", "portal", env->all, NULL);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    api_env_close(&env->api);
    free(env);
    return 0;
}

static void assert_alive(struct env *env)
{
    assert_int_equal(api_get(&env->api, "/api/v1/status", env->all), 200);
}

static void nothing_outside_is_served(void **state)
{
    static const char *const paths[] = {"/api/v1/../../etc/passwd", "/../etc/passwd", "/log/tile/../../keys",
            "/log/tile/%2e%2e/%2e%2e/keys", "/log/tile/0/..%2f..%2fkeys", "/log/../api/v1/status/x",
            "/api/v1/types/..%2f..%2f..%2fetc%2fpasswd", "/api/v1/types/%00", "//etc/passwd", "/log/tile/",
            "/api/v1/events/1/../../../x", "/api/v1/passport/cells/", "/api/v1//status"};
    struct env *env = *state;

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (api_get(&env->api, paths[i], env->all) < 400 || env->api.ask.status >= 500)
            fail_msg("%s: %d", paths[i], env->api.ask.status);
    assert_alive(env);
}

static void what_is_malformed_is_refused(void **state)
{
    static const char *const bodies[] = {"", "{", "[", "null", "\"x\"", "{\"a\":1,\"a\":2}", "\xff\xfe",
            "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["};
    static const char *const types[] = {STRUCTURED, "application/cloudevents-batch+json", "application/json",
            "text/plain", "application/cloudevents", "multipart/form-data; boundary=x"};
    struct env *env = *state;

    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        for (size_t j = 0; j < sizeof types / sizeof types[0]; j++) {
            int events = api_post(&env->api, "/api/v1/events", env->all, types[j], bodies[i]);
            int ack = api_post(&env->api, "/api/v1/inbox/ack", env->all, types[j], bodies[i]);

            if (events < 400 || events >= 500 || ack < 400 || ack >= 500)
                fail_msg("%s as %s: %d, %d", bodies[i], types[j], events, ack);
        }
    assert_alive(env);
}

/* As every other error of the API: the library would say it in HTML. */
static void assert_problem(struct env *env, int status, const char *field)
{
    char type[64];
    json_t *json;

    assert_int_equal(env->api.ask.status, status);
    assert_string_equal(
            http_ask_header(&env->api.ask, "Content-Type", type, sizeof type), "application/problem+json");
    json = api_json(&env->api);
    assert_string_equal(json_string_value(json_object_get(json, "field")), field);
    assert_non_null(json_string_value(json_object_get(json, "cure")));
    json_decref(json);
}

static void what_is_too_large_is_refused(void **state)
{
    struct env *env = *state;
    char *big = malloc(BIG_BODY_BYTES + 1);
    char *header = malloc(BIG_HEADER_BYTES + 16);
    int status;

    assert_true(big && header);
    memset(big, ' ', BIG_BODY_BYTES);
    big[BIG_BODY_BYTES] = '\0';
    assert_int_equal(api_post(&env->api, "/api/v1/events", env->all, STRUCTURED, big), 413);
    memcpy(header, "X-Long: ", 8);
    memset(header + 8, 'x', BIG_HEADER_BYTES);
    memcpy(header + 8 + BIG_HEADER_BYTES, "\r\n", 3);
    (void)api_get(&env->api, "/api/v1/status", env->all);
    env->api.ask.headers = header;
    (void)http_ask(&env->api.ask);
    assert_problem(env, 431, "headers");
    env->api.ask.headers = NULL;
    memset(big, 'a', 8 * 1024);
    big[0] = '/';
    big[8 * 1024] = '\0';
    status = api_get(&env->api, big, env->all);
    assert_true(status >= 400 && status < 500);
    assert_alive(env);
    free(header);
    free(big);
}

static void lengths_that_lie_are_refused(void **state)
{
    static const char *const headers[] = {"Content-Length: -1\r\n", "Content-Length: x\r\n",
            "Content-Length: 99999999999999999999999\r\n", "Transfer-Encoding: chunked\r\n\r\nzzz\r\n"};
    struct env *env = *state;

    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        (void)api_get(&env->api, "/api/v1/status", env->all);
        env->api.ask.method = "POST";
        env->api.ask.path = "/api/v1/events";
        env->api.ask.headers = headers[i];
        if (http_ask(&env->api.ask) < 400 || env->api.ask.status >= 500)
            fail_msg("%s: %d", headers[i], env->api.ask.status);
    }
    assert_alive(env);
}

/* What a proxy before the hub could read in another way than the hub does. */
static void what_can_be_read_in_two_ways_is_refused(void **state)
{
    static const struct {
        const char *headers, *field;
    } cases[] = {
            {"Content-Length: 0\r\nContent-Length: 5\r\n", "Content-Length"},
            {"Content-Length: 0\r\ncontent-length: 0\r\n", "Content-Length"},
            {"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding"},
            {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding"},
            {"Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding"},
            {"Transfer-Encoding: xchunked\r\n", "Transfer-Encoding"},
            {"Host: elsewhere\r\n", "Host"},
    };
    struct env *env = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)api_get(&env->api, "/api/v1/status", env->all);
        env->api.ask.method = "POST";
        env->api.ask.path = "/api/v1/inbox/ack";
        env->api.ask.headers = cases[i].headers;
        if (http_ask(&env->api.ask) != 400)
            fail_msg("%s: %d", cases[i].headers, env->api.ask.status);
        env->api.ask.headers = NULL;
        assert_problem(env, 400, cases[i].field);
    }
    assert_alive(env);
}

/* RFC 9112, 3.2: without it nobody knows whom it is for; and an address ends at its first blank. */
static void a_head_that_lacks_something_is_refused(void **state)
{
    struct env *env = *state;

    (void)api_get(&env->api, "/api/v1/status HTTP/1.1\r\nConnection: close\r\n\r\nGET /x", env->all);
    assert_problem(env, 400, "Host");
    (void)api_get(&env->api, "/healthz HTTP/1.0\r\n\r\nGET /x", NULL);
    assert_int_equal(env->api.ask.status, 200);
    (void)api_get(&env->api, "/api/v1/status /x", env->all);
    assert_problem(env, 400, "path");
    (void)api_get(&env->api, "/api/v1/status\t", env->all);
    assert_problem(env, 400, "path");
    assert_alive(env);
}

/* What is no HTTP is answered by the library, or by nobody: but it is refused, and the hub stays. */
static void what_is_no_http_is_refused(void **state)
{
    static const char *const after[] = {"/healthz HTTX/9\r\n\r\n", "/healthz HTTP/3.0\r\n\r\n",
            "/healthz\r\nHost: hub\r\n\r\n", "/healthz HTTP/1.1\r\nHost: hub\r\nnocolon\r\n\r\n"};
    struct env *env = *state;

    for (size_t i = 0; i < sizeof after / sizeof after[0]; i++) {
        int status = api_get(&env->api, after[i], NULL);

        if (status >= 200 && status < 400)
            fail_msg("%s: %d", after[i], status);
    }
    assert_alive(env);
}

/* A text that ends there for one reader and goes on for another: a filter that is not applied. */
static void a_nul_is_refused(void **state)
{
    static const char *const paths[] = {"/api/v1/events?source=%00", "/api/v1/events?source=a%00b",
            "/api/v1/events?source%00=a", "/api/v1/events?type=nms.&source=%00&limit=1", "/api/v1/status%00",
            "/api/v1/status%00/../x", "/healthz%00", "/console/%00"};
    struct env *env = *state;

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (api_get(&env->api, paths[i], env->all) != 400)
            fail_msg("%s: %d", paths[i], env->api.ask.status);
    assert_int_equal(api_get(&env->api, "/api/v1/events?source=%2500", env->all), 200);
}

/* An error names what was sent, not what it is called inside. */
static void errors_speak_of_what_was_sent(void **state)
{
    static const struct {
        const char *path, *field;
    } cases[] = {
            {"/api/v1/events?from_number=0", "from_number"},
            {"/api/v1/events?from_number=x", "from_number"},
            {"/api/v1/events?to_number=0", "to_number"},
            {"/api/v1/events?cursor=0", "cursor"},
            {"/api/v1/events?limit=0", "limit"},
            {"/api/v1/events/export?from_number=0", "from_number"},
            {"/api/v1/events/facets?cursor=0", "cursor"},
            {"/api/v1/events/x", "number"},
            {"/api/v1/parked/x", "number"},
            {"/api/v1/passport/history?cursor=x", "cursor"},
            {"/api/v1/tail?cursor=x", "cursor"},
    };
    struct env *env = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = api_get(&env->api, cases[i].path, env->all);
        json_t *json = api_json(&env->api);
        const char *field = json_string_value(json_object_get(json, "field"));

        if (status != 400 || !field || strcmp(field, cases[i].field) != 0)
            fail_msg("%s: %d, %s", cases[i].path, status, field ? field : "no field");
        json_decref(json);
    }
}

static void a_head_makes_no_file(void **state)
{
    static const char *const paths[] = {
            "/api/v1/events/export?limit=1", "/api/v1/passport/export?format=csv"};
    struct env *env = *state;

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        (void)api_get(&env->api, "/api/v1/status", env->all);
        env->api.ask.method = "HEAD";
        env->api.ask.path = paths[i];
        assert_int_equal(http_ask(&env->api.ask), 405);
    }
    env->api.ask.path = "/api/v1/events?limit=1";
    assert_int_equal(http_ask(&env->api.ask), 200);
    assert_int_equal(http_ask_body(&env->api.ask).size, 0);
}

static int with_tag(struct env *env, const char *path, const char *header, const char *tag)
{
    char headers[256];

    (void)snprintf(headers, sizeof headers, "%s: %s\r\n", header, tag);
    (void)api_get(&env->api, "/healthz", NULL);
    env->api.ask.path = path;
    env->api.ask.token = env->all;
    env->api.ask.headers = headers;
    (void)http_ask(&env->api.ask);
    env->api.ask.headers = NULL;
    return env->api.ask.status;
}

/* RFC 9110, 13.1.2: any of a list, weakly compared; all, by a star; and what is not held is answered whole.
 */
static void what_has_not_changed_is_304(void **state)
{
    struct env *env = *state;
    char tag[96], again[96], list[224], cache[64];

    assert_int_equal(api_get(&env->api, "/api/v1/types", env->all), 200);
    (void)http_ask_header(&env->api.ask, "ETag", tag, sizeof tag);
    assert_true(tag[0] == '"' && strlen(tag) > 20);
    assert_int_equal(with_tag(env, "/api/v1/types", "If-None-Match", tag), 304);
    assert_int_equal(http_ask_body(&env->api.ask).size, 0);
    assert_string_equal(http_ask_header(&env->api.ask, "ETag", again, sizeof again), tag);
    assert_string_equal(
            http_ask_header(&env->api.ask, "Cache-Control", cache, sizeof cache), "public, max-age=300");
    (void)snprintf(list, sizeof list, "\"other\", W/%s", tag);
    assert_int_equal(with_tag(env, "/api/v1/types", "If-None-Match", list), 304);
    assert_int_equal(with_tag(env, "/api/v1/types", "If-None-Match", "*"), 304);
    assert_int_equal(with_tag(env, "/api/v1/types", "If-None-Match", "\"other\""), 200);
    tag[strlen(tag) - 1] = '\0';
    assert_int_equal(with_tag(env, "/api/v1/types", "If-None-Match", tag + 1), 200); /* without its quotes */
}

/* The second one in the same piece has no token: what the first one may is not its. */
static void requests_in_one_piece_are_answered_each(void **state)
{
    struct env *env = *state;
    char path[256];
    const char *second;

    (void)snprintf(path, sizeof path,
            "/api/v1/status HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer %s\r\n\r\nGET /api/v1/status",
            env->all);
    assert_int_equal(api_get(&env->api, path, NULL), 200);
    second = strstr((const char *)env->api.ask.answer.data + 8, "HTTP/1.1 ");
    assert_non_null(second);
    assert_memory_equal(second, "HTTP/1.1 401", 12);
}

static bool answered(const struct env *env, const char *text)
{
    struct mr_slice body = http_ask_body(&env->api.ask);

    return memmem(body.data, body.size, text, strlen(text)) != NULL;
}

/* A person in an address is refused, without the value, and is kept nowhere. */
static void no_address_is_kept(void **state)
{
    static const char *const paths[] = {"/api/v1/events?id=" SNILS, "/api/v1/where/" SNILS,
            "/api/v1/events?nonsense=" SNILS, "/" SNILS, "/api/v1/inbox?subscription=" SNILS,
            "/api/v1/events?" SNILS "=1", "/api/v1/events/" SNILS, "/api/v1/types/" SNILS,
            "/api/v1/events?correlation=112-233-445%2095", "/api/v1/events?source=112+233+445+95",
            "/api/v1/events/facets?id=ivanova%40school.ru", "/api/v1/parked?reason=%2B7%20391%20000-00-00",
            "/api/v1/quarantine?code=04%2012%20123456", "/api/v1/events/export?id=%D0%98%D0%B2%D0%B0%D0%BD",
            "/api/v1/events?id=112.233.445.95", "/api/v1/events?id=112%E2%80%93233",
            "/api/v1/events?id=%EF%BC%91", "/api/v1/events?id=8(913)123-45-67",
            "/api/v1/events?id=0405123456", "/api/v1/events?id=ivanova(at)mail.ru"};
    struct env *env = *state;
    char cache[64];

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        bool there = strstr(paths[i], "/where/") == NULL && strncmp(paths[i], "/api/", 5) == 0;

        assert_int_equal(api_get(&env->api, paths[i], env->all), there ? 400 : 404);
        if (there && !answered(env, "ask by POST"))
            fail_msg("%s is not told to ask by POST", paths[i]);
        assert_false(answered(env, SNILS) || answered(env, "112-233") || answered(env, "ivanova"));
        (void)http_ask_header(&env->api.ask, "Cache-Control", cache, sizeof cache);
        if (!strstr(cache, "no-store") && !strstr(cache, "private, no-cache"))
            fail_msg("%s: Cache-Control: %s", paths[i], cache);
    }
    assert_int_equal(
            api_post(&env->api, "/api/v1/events/find", env->all, NULL, "{\"id\":\"11223344595\"}"), 200);
    assert_non_null(strstr(http_ask_header(&env->api.ask, "Cache-Control", cache, sizeof cache), "no-store"));
    assert_int_equal(
            api_post(&env->api, "/api/v1/where", env->all, NULL, "{\"id\":\"112-233-445 95\"}"), 404);
    assert_false(answered(env, "112-233"));
    assert_int_equal(api_post(&env->api, "/api/v1/events/find", env->all, NULL, "{\"11223344595\":1}"), 400);
    assert_false(answered(env, "11223344595"));
    assert_int_equal(api_post(&env->api, "/api/v1/events/find", env->all, NULL, "{\"limit\":\"5\"}"), 400);
    assert_int_equal(api_post(&env->api, "/api/v1/events/find", env->all, NULL, "{\"id\":5}"), 400);
    assert_int_equal(api_get(&env->api, "/api/v1/events?from_number=1&to_number=99999999999", env->all), 200);
    assert_false(spawn_logged(&env->api.spawn, "112-233"));
    assert_false(spawn_logged(&env->api.spawn, "11223344595"));
    assert_false(spawn_logged(&env->api.spawn, "mrt_"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(nothing_outside_is_served),
            cmocka_unit_test(what_is_malformed_is_refused),
            cmocka_unit_test(what_is_too_large_is_refused),
            cmocka_unit_test(lengths_that_lie_are_refused),
            cmocka_unit_test(what_can_be_read_in_two_ways_is_refused),
            cmocka_unit_test(a_head_that_lacks_something_is_refused),
            cmocka_unit_test(what_is_no_http_is_refused),
            cmocka_unit_test(a_nul_is_refused),
            cmocka_unit_test(errors_speak_of_what_was_sent),
            cmocka_unit_test(a_head_makes_no_file),
            cmocka_unit_test(what_has_not_changed_is_304),
            cmocka_unit_test(requests_in_one_piece_are_answered_each),
            cmocka_unit_test(no_address_is_kept),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
