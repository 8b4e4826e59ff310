/* Answers of the HTTP API with gzip: what is packed, for whom, and what never is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tests/support/api_env.h"

enum { GZIP_WINDOW = 15 + 16, WHOLE_MAX = 4 * 1024 * 1024 };

struct env {
    struct api_env api;
    char token[API_TOKEN_BYTES];
    uint8_t *whole;
};

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    env->whole = malloc(WHOLE_MAX);
    assert_non_null(env->whole);
    api_env_open(&env->api, "operators: [{name: boss, roles: [admin]}]\n", "");
    api_env_token(&env->api, "read,log,passport,publish,pull", "portal", env->token, NULL);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    api_env_close(&env->api);
    free(env->whole);
    free(env);
    return 0;
}

static int ask(struct env *env, const char *method, const char *path, const char *headers)
{
    (void)api_get(&env->api, "/healthz", NULL);
    env->api.ask.method = method;
    env->api.ask.path = path;
    env->api.ask.token = env->token;
    env->api.ask.headers = headers;
    (void)http_ask(&env->api.ask);
    env->api.ask.headers = NULL;
    return env->api.ask.status;
}

static const char *header(struct env *env, const char *name)
{
    static char value[160];

    return http_ask_header(&env->api.ask, name, value, sizeof value);
}

static size_t unpack(struct env *env)
{
    struct mr_slice packed = http_ask_body(&env->api.ask);
    z_stream z = {.next_in = (Bytef *)(uintptr_t)packed.data,
            .avail_in = (uInt)packed.size,
            .next_out = env->whole,
            .avail_out = WHOLE_MAX};

    assert_int_equal(inflateInit2(&z, GZIP_WINDOW), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    (void)inflateEnd(&z);
    return z.total_out;
}

/* One that is packed at once, and one that is packed on the pool. */
static void who_takes_it_gets_it_packed(void **state)
{
    static const char *const paths[] = {"/api/v1/types", "/api/v1/openapi.json"};
    struct env *env = *state;

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char tag[96], if_none[128];
        struct mr_slice plain;
        size_t size;

        assert_int_equal(ask(env, "GET", paths[i], "Accept-Encoding: gzip, deflate, br\r\n"), 200);
        assert_string_equal(header(env, "Content-Encoding"), "gzip");
        assert_string_equal(header(env, "Vary"), "Accept-Encoding");
        (void)snprintf(tag, sizeof tag, "%s", header(env, "ETag"));
        size = unpack(env);
        assert_true(http_ask_body(&env->api.ask).size < size / 2);

        assert_int_equal(ask(env, "GET", paths[i], NULL), 200);
        assert_string_equal(header(env, "Content-Encoding"), "");
        assert_string_equal(header(env, "Vary"), "Accept-Encoding");
        assert_string_not_equal(header(env, "ETag"), tag); /* other bytes, another strong tag */
        plain = http_ask_body(&env->api.ask);
        assert_int_equal(plain.size, size);
        assert_memory_equal(plain.data, env->whole, size);

        (void)snprintf(if_none, sizeof if_none, "Accept-Encoding: gzip\r\nIf-None-Match: %s\r\n", tag);
        assert_int_equal(ask(env, "GET", paths[i], if_none), 304);
        assert_string_equal(header(env, "ETag"), tag);
        assert_int_equal(ask(env, "HEAD", paths[i], "Accept-Encoding: gzip\r\n"), 200);
        assert_string_equal(header(env, "Content-Encoding"), "gzip");
        assert_int_equal(http_ask_body(&env->api.ask).size, 0);
    }
}

static void who_does_not_take_it_does_not(void **state)
{
    struct env *env = *state;

    static const struct {
        const char *headers, *coding;
    } cases[] = {{"Accept-Encoding: br\r\n", ""}, {"Accept-Encoding: gzip;q=0\r\n", ""},
            {"Accept-Encoding: gzip; q=0.0, *\r\n", ""}, {"Accept-Encoding: *;q=0\r\n", ""},
            {"Accept-Encoding: xgzip, gzipped\r\n", ""}, {"Accept-Encoding: GZIP\r\n", "gzip"},
            {"Accept-Encoding: *\r\n", "gzip"}, {"Accept-Encoding: br;q=1, gzip ;q=0.5\r\n", "gzip"},
            {"Accept-Encoding: *;q=0, gzip\r\n", "gzip"}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(ask(env, "GET", "/api/v1/types", cases[i].headers), 200);
        assert_string_equal(header(env, "Content-Encoding"), cases[i].coding);
    }
}

/* What nobody may keep has secrets or values of persons beside text that others wrote. */
static void what_nobody_keeps_is_never_packed(void **state)
{
    enum { EVENTS = 20 };
    struct env *env = *state;
    char id[16];

    for (int i = 0; i < EVENTS; i++) {
        (void)snprintf(id, sizeof id, "p-%d", i);
        (void)api_publish(&env->api, env->token, id);
    }
    assert_int_equal(ask(env, "GET", "/api/v1/events?limit=100", "Accept-Encoding: gzip\r\n"), 200);
    assert_string_equal(header(env, "Content-Encoding"), "gzip"); /* so many are worth it */
    assert_int_equal(ask(env, "GET", "/api/v1/events/export?limit=100", "Accept-Encoding: gzip\r\n"), 200);
    assert_string_equal(header(env, "Content-Encoding"), "");
    assert_int_equal(
            ask(env, "GET", "/api/v1/events?limit=100&nonsense=1", "Accept-Encoding: gzip\r\n"), 400);
    assert_string_equal(header(env, "Content-Encoding"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(who_takes_it_gets_it_packed),
            cmocka_unit_test(who_does_not_take_it_does_not),
            cmocka_unit_test(what_nobody_keeps_is_never_packed),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
