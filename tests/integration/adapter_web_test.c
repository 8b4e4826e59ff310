/*
 * The adapters of ЦНППМ and of the portal in this process, against a real hub and the two counterparts: what
 * is posted comes out on the other side, once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapters/cnppm/app.h"
#include "adapters/portal/app.h"
#include "adapters/sdk/file.h"
#include "proto/loop/http_client.h"
#include "tests/support/counterpart/counterpart.h"
#include "tests/support/spawn.h"
#include "tests/support/tmpdir.h"

#define TOKEN "0123456789abcdef0123"

struct web_env {
    uv_loop_t loop;
    uv_timer_t deadline;
    struct spawn hub;
    struct mr_config *config;
    char *dir;
    struct counterpart *outside_cnppm;
    struct counterpart *outside_portal;
    struct port_claim cnppm_port, portal_port;
    struct mr_http_client *client;
    void *cnppm;
    void *portal;
    unsigned status;
    char body[4096];
    bool answered;
};

static void open_counterparts(struct web_env *env)
{
    struct counterpart_options options = {.loop = &env->loop, .listen = "127.0.0.1:0", .page_items = 2};
    char feed[200];

    (void)snprintf(feed, sizeof feed, "%s/feed.jsonl", env->dir);
    assert_int_equal(counterpart_open(&env->outside_cnppm, &options, NULL), 0);
    options.role = COUNTERPART_PORTAL;
    options.feed = feed;
    assert_int_equal(counterpart_open(&env->outside_portal, &options, NULL), 0);
}

static void start_hub(struct web_env *env)
{
    char extra[2048];
    char path[200];

    assert_true(port_claim_make(&env->cnppm_port) && port_claim_make(&env->portal_port));
    (void)snprintf(extra, sizeof extra,
            "  - {name: portal-routes, system: portal, personal: none, filters: [{prefix: {type: "
            "nms.route.}}]}\n"
            "adapters:\n"
            "  cnppm: {system: cnppm, secret_key_file: cnppm.key, state: state-cnppm, token_file: token,\n"
            "    in: in, done: done, rejected: rejected, settle_ms: 50, listen: '127.0.0.1:%u',\n"
            "    webhook: 'http://127.0.0.1:%u/diagnostics'}\n"
            "  portal: {system: portal, secret_key_file: portal.key, state: state-portal, token_file: "
            "token,\n"
            "    listen: '127.0.0.1:%u', poll_url: 'http://127.0.0.1:%u/events', poll_interval_ms: 100,\n"
            "    push_url: 'http://127.0.0.1:%u/push'}\n",
            env->cnppm_port.port, counterpart_port(env->outside_cnppm), env->portal_port.port,
            counterpart_port(env->outside_portal), counterpart_port(env->outside_portal));
    spawn_init(&env->hub, extra);
    for (int i = 0; i < SPAWN_SYSTEMS; i++) {
        (void)snprintf(path, sizeof path, "%s.key", spawn_system(i));
        assert_int_equal(
                mr_file_write(env->hub.dir, path, mr_slice_str(env->hub.keys[i].secret_key), 0600), 0);
    }
    assert_int_equal(mr_file_write(env->hub.dir, "token", mr_slice_str(TOKEN "\n"), 0600), 0);
    spawn_start(&env->hub);
}

static void on_deadline(uv_timer_t *timer)
{
    (void)timer;
    fail_msg("not in time");
}

static int setup(void **state)
{
    struct web_env *env = calloc(1, sizeof *env);
    struct mr_error error = {0};

    env->dir = mr_tmpdir_new();
    assert_int_equal(uv_loop_init(&env->loop), 0);
    open_counterparts(env);
    start_hub(env);
    if (mr_config_load(&env->config, env->hub.config, &error) != 0)
        fail_msg("%s: %s", error.where, error.what);
    assert_int_equal(mr_http_client_open(&env->client, &env->loop), 0);
    if (mr_cnppm_open(&env->cnppm, &env->loop, env->config, "test/1", &error) != 0)
        fail_msg("%s: %s", error.where, error.what);
    if (mr_portal_open(&env->portal, &env->loop, env->config, "test/1", &error) != 0)
        fail_msg("%s: %s", error.where, error.what);
    (void)uv_timer_init(&env->loop, &env->deadline);
    (void)uv_timer_start(&env->deadline, on_deadline, SPAWN_DEADLINE_MS, 0);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct web_env *env = *state;

    uv_close((uv_handle_t *)&env->deadline, NULL);
    mr_cnppm_close(env->cnppm, NULL, NULL);
    mr_portal_close(env->portal, NULL, NULL);
    mr_http_client_close(env->client, NULL, NULL);
    counterpart_close(env->outside_cnppm, NULL, NULL);
    counterpart_close(env->outside_portal, NULL, NULL);
    (void)uv_run(&env->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&env->loop), 0);
    spawn_fini(&env->hub);
    port_claim_end(&env->cnppm_port);
    port_claim_end(&env->portal_port);
    mr_config_free(env->config);
    mr_tmpdir_free(env->dir);
    free(env);
    return 0;
}

static void on_reply(void *ctx, const struct mr_http_reply *reply)
{
    struct web_env *env = ctx;

    assert_int_equal(reply->error, 0);
    env->answered = true;
    env->status = reply->status;
    (void)snprintf(
            env->body, sizeof env->body, "%.*s", (int)reply->body.size, (const char *)reply->body.data);
}

static unsigned post(
        struct web_env *env, const char *listen, const char *path, const char *header, const char *body)
{
    const char *headers[] = {"Authorization: Bearer " TOKEN, header, NULL};
    char url[128];

    env->answered = false;
    (void)snprintf(url, sizeof url, "http://%s%s", listen, path);
    assert_int_equal(
            mr_http_client_send(env->client, "POST", url, headers, mr_slice_str(body), 5000, on_reply, env),
            0);
    while (!env->answered)
        (void)uv_run(&env->loop, UV_RUN_ONCE);
    return env->status;
}

static void run_until(struct web_env *env, const struct counterpart *counterpart, size_t count)
{
    while (counterpart_received(counterpart) < count)
        (void)uv_run(&env->loop, UV_RUN_ONCE);
    assert_int_equal(counterpart_received(counterpart), count);
}

static const char *const route =
        "[{\"routeId\":\"I-1\",\"person\":{\"snils\":\"112-233-445 95\"},\"assignedOn\":\"2026-04-10\"},"
        "{\"routeId\":\"I-2\",\"assignedOn\":\"yesterday\"}]";

/* ЦНППМ posts a route, the portal gets it without the person. */
static void test_route_without_names(void **state)
{
    struct web_env *env = *state;
    const char *listen = env->config->adapters.cnppm->listen;
    char *text;

    assert_int_equal(post(env, listen, "/api/routes", NULL, route), 207);
    assert_non_null(strstr(env->body, "\"invalid\""));
    assert_null(strstr(env->body, "11223344595"));
    run_until(env, env->outside_portal, 1);
    text = json_dumps(counterpart_events(env->outside_portal), 0);
    assert_non_null(strstr(text, "nms.route.assigned.v1"));
    assert_null(strstr(text, "11223344595"));
    free(text);
    assert_int_equal(post(env, listen, "/api/routes", NULL, route), 207); /* again: nothing new */
    assert_int_equal(post(env, listen, "/api/routes", NULL, "{"), 400);
    assert_int_equal(post(env, listen, "/api/nothing", NULL, "{}"), 404);
}

#define PROGRAMME(n)                                                                                          \
    "{\"specversion\":\"1.0\",\"id\":\"p-" n                                                                  \
    "\",\"source\":\"urn:marshrut:24:portal\",\"type\":\"nms.programme.listed.v1\","                          \
    "\"time\":\"2026-02-01T09:00:00Z\",\"regioncode\":\"24\",\"data\":{\"programmeId\":\"PK-" n               \
    "\",\"title\":\"Курс\",\"kind\":\"PK\",\"hours\":36,\"providerOgrn\":\"1022402129067\",\"registry\":" \
    "\"own\"}}"

/* The feed's pages and what is posted reach the webhook of ЦНППМ; an item that is no event hurts nobody. */
static void test_feed_and_events(void **state)
{
    struct web_env *env = *state;
    const char *listen = env->config->adapters.portal->listen;

    assert_int_equal(
            mr_file_write(env->dir, "feed.jsonl",
                    mr_slice_str(PROGRAMME("1") "\n" PROGRAMME("2") "\n"
                                                                    "{\"id\":\"x\"}\n" PROGRAMME("3") "\n"),
                    0600),
            0);
    run_until(env, env->outside_cnppm, 3);
    assert_int_equal(
            post(env, listen, "/api/events", "Content-Type: application/cloudevents+json", PROGRAMME("4")),
            202);
    run_until(env, env->outside_cnppm, 4);
    assert_int_equal(post(env, listen, "/api/events", "Content-Type: application/cloudevents-batch+json",
                             "[" PROGRAMME("4") "," PROGRAMME("5") "]"),
            202);
    run_until(env, env->outside_cnppm, 5);
    assert_int_equal(post(env, listen, "/api/events", "Content-Type: text/plain", "x"), 415);
    assert_int_equal(counterpart_repeated(env->outside_cnppm), 0);
}

static void test_statements(void **state)
{
    static const char statement[] = "{\"id\":\"7d0e24a1-0000-4000-8000-000000000001\",\"actor\":{\"account\":"
                                    "{\"homePage\":\"urn:snils\","
                                    "\"name\":\"11223344595\"}},\"verb\":{\"id\":\"http://adlnet.gov/expapi/"
                                    "verbs/%s\"},\"object\":{\"id\":"
                                    "\"urn:programme:PK-1\"},\"timestamp\":\"2026-06-30T14:00:00Z\"}";
    static const char version[] = "X-Experience-API-Version: 1.0.3";
    struct web_env *env = *state;
    const char *listen = env->config->adapters.cnppm->listen;
    char text[1024];

    (void)snprintf(text, sizeof text, statement, "completed");
    assert_int_equal(post(env, listen, "/xAPI/statements", NULL, text), 400);
    assert_int_equal(post(env, listen, "/xAPI/statements", version, text), 200);
    assert_string_equal(env->body, "[\"7d0e24a1-0000-4000-8000-000000000001\"]");
    assert_int_equal(post(env, listen, "/xAPI/statements", version, text), 200);
    (void)snprintf(text, sizeof text, statement, "failed");
    assert_int_equal(post(env, listen, "/xAPI/statements", version, text), 409);
}

/* The outside system is down for a while: everything comes in the end, once. */
static void test_webhook_down_and_up(void **state)
{
    struct web_env *env = *state;
    const char *listen = env->config->adapters.portal->listen;

    counterpart_set_mode(env->outside_cnppm, COUNTERPART_FLAKY);
    assert_int_equal(
            post(env, listen, "/api/events", "Content-Type: application/cloudevents+json", PROGRAMME("1")),
            202);
    while (counterpart_received(env->outside_cnppm) + counterpart_repeated(env->outside_cnppm) < 2)
        (void)uv_run(&env->loop, UV_RUN_ONCE);
    assert_int_equal(counterpart_received(env->outside_cnppm), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_route_without_names, setup, teardown),
            cmocka_unit_test_setup_teardown(test_feed_and_events, setup, teardown),
            cmocka_unit_test_setup_teardown(test_statements, setup, teardown),
            cmocka_unit_test_setup_teardown(test_webhook_down_and_up, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
