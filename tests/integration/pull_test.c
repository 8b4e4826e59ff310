/*
 * Durable pull over HTTP against a real hub: what is not acknowledged comes again, also after a kill; done,
 * retry and refuse mean what they mean on the bus; one session a system, and who is replaced is told.
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
#include "tests/support/bus_client.h"

#define INBOX     "/api/v1/inbox?subscription=cnppm-programmes"
#define OPERATORS "operators: [{name: boss, roles: [admin]}]\n"

struct env {
    struct api_env api;
    char portal[API_TOKEN_BYTES]; /* publishes */
    char cnppm[API_TOKEN_BYTES];  /* pulls */
    char cnppm_id[API_TOKEN_BYTES];
    int published;
};

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    api_env_open(&env->api, OPERATORS, "");
    api_env_token(&env->api, "publish", "portal", env->portal, NULL);
    api_env_token(&env->api, "pull", "cnppm", env->cnppm, env->cnppm_id);
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

/* ---- support ---- */

static uint64_t publish(struct env *env)
{
    char id[32];

    (void)snprintf(id, sizeof id, "programme-%d", ++env->published);
    return api_publish(&env->api, env->portal, id);
}

static const char *attribute(const json_t *events, size_t at, const char *name)
{
    const char *text = json_string_value(json_object_get(json_array_get(events, at), name));

    return text ? text : "";
}

static uint64_t number_of(const json_t *events, size_t at)
{
    return strtoull(attribute(events, at, "hubnumber"), NULL, 10);
}

/* What the inbox gives, waiting for it for a while. */
static json_t *pull(struct env *env, const char *more)
{
    char path[160];

    (void)snprintf(path, sizeof path, INBOX "%s", more);
    if (api_get(&env->api, path, env->cnppm) != 200)
        fail_msg("%s", (const char *)env->api.ask.answer.data);
    return api_json(&env->api);
}

static void assert_numbers(json_t *events, size_t count, const uint64_t numbers[])
{
    assert_int_equal(json_array_size(events), count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(number_of(events, i), numbers[i]);
    json_decref(events);
}

/* Says `outcome` of each number; what is answered, in words. */
static const char *ack(struct env *env, const char *items, char ret[static 128])
{
    char body[512];
    json_t *json, *result;
    size_t i;

    (void)snprintf(body, sizeof body, "{\"subscription\":\"cnppm-programmes\",\"items\":[%s]}", items);
    if (api_post(&env->api, "/api/v1/inbox/ack", env->cnppm, NULL, body) != 200)
        fail_msg("%s", (const char *)env->api.ask.answer.data);
    json = api_json(&env->api);
    ret[0] = '\0';
    json_array_foreach (json_object_get(json, "results"), i, result)
        (void)snprintf(ret + strlen(ret), 128 - strlen(ret), "%s%s", i > 0 ? " " : "",
                json_string_value(json_object_get(result, "outcome")));
    json_decref(json);
    return ret;
}

static const char *item(uint64_t number, const char *outcome, const char *more, char ret[static 128])
{
    (void)snprintf(
            ret, 128, "{\"number\":%llu,\"outcome\":\"%s\"%s}", (unsigned long long)number, outcome, more);
    return ret;
}

static void take_all(struct env *env)
{
    char text[128], word[128];

    for (;;) {
        json_t *events = pull(env, "");
        size_t count = json_array_size(events);

        for (size_t i = 0; i < count; i++)
            assert_string_equal(ack(env, item(number_of(events, i), "done", "", text), word), "done");
        json_decref(events);
        if (count == 0)
            return;
    }
}

/* ---- tests ---- */

static void what_is_not_acknowledged_comes_again(void **state)
{
    struct env *env = *state;
    const uint64_t numbers[] = {publish(env), publish(env), publish(env)};
    char text[128], word[128], type[64];
    json_t *events = pull(env, "&wait=30&limit=2");

    assert_string_equal(attribute(events, 0, "specversion"), "1.0");
    assert_string_equal(attribute(events, 0, "type"), "nms.programme.listed.v1");
    assert_string_equal(attribute(events, 0, "hubdelivery"), "new");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(events, 0), "hubattempt")), 1);
    assert_non_null(json_object_get(json_object_get(json_array_get(events, 0), "data"), "programmeId"));
    assert_string_equal(http_ask_header(&env->api.ask, "Content-Type", type, sizeof type),
            "application/cloudevents-batch+json");
    assert_string_equal(http_ask_header(&env->api.ask, "Cache-Control", type, sizeof type), "no-store");
    assert_numbers(events, 2, numbers);
    assert_numbers(pull(env, "&wait=30"), 3, numbers);
    spawn_kill(&env->api.spawn);
    api_env_start(&env->api);
    assert_numbers(pull(env, "&wait=30"), 3, numbers);
    assert_string_equal(ack(env, item(numbers[0], "done", "", text), word), "done");
    spawn_kill(&env->api.spawn); /* it was answered: it is kept */
    api_env_start(&env->api);
    events = pull(env, "&wait=30&limit=1");
    assert_numbers(events, 1, numbers + 1);
    take_all(env);
    assert_numbers(pull(env, ""), 0, NULL);
}

static void an_acknowledgement_needs_its_session(void **state)
{
    struct env *env = *state;
    const uint64_t number = publish(env);
    char text[128], word[128], body[256], other[API_TOKEN_BYTES];

    json_decref(pull(env, "&wait=30"));
    assert_string_equal(ack(env, item(number + 1000, "done", "", text), word), "not-open");
    spawn_kill(&env->api.spawn);
    api_env_start(&env->api);
    (void)snprintf(body, sizeof body, "{\"subscription\":\"cnppm-programmes\",\"items\":[%s]}",
            item(number, "done", "", text));
    assert_int_equal(api_post(&env->api, "/api/v1/inbox/ack", env->cnppm, NULL, body), 409);
    assert_numbers(pull(env, "&wait=30"), 1, &number);
    api_env_token(&env->api, "pull", "cnppm", other, NULL);
    assert_int_equal(api_get(&env->api, INBOX "&wait=30", other), 200); /* replaces it */
    assert_int_equal(api_post(&env->api, "/api/v1/inbox/ack", env->cnppm, NULL, body), 409);
    assert_int_equal(api_post(&env->api, "/api/v1/inbox/ack", other, NULL, body), 200);
}

static void what_failed_comes_again_in_its_order(void **state)
{
    struct env *env = *state;
    const uint64_t numbers[] = {publish(env), publish(env), publish(env)};
    char items[3][128], all[400], word[128];
    json_t *events = pull(env, "&wait=30");

    assert_numbers(events, 3, numbers);
    (void)snprintf(all, sizeof all, "%s,%s,%s", item(numbers[2], "done", "", items[2]),
            item(numbers[1], "retry", ",\"reason\":\"busy\",\"after_s\":0", items[1]),
            item(numbers[0], "done", "", items[0]));
    assert_string_equal(ack(env, all, word), "again retry done");
    events = pull(env, "&wait=60");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(events, 0), "hubattempt")), 2);
    assert_numbers(events, 1, numbers + 1); /* by itself */
    assert_string_equal(ack(env, item(numbers[2], "done", "", items[2]), word), "not-open");
    assert_numbers(pull(env, "&wait=30"), 1, numbers + 1);
    assert_string_equal(ack(env, item(numbers[1], "done", "", items[1]), word), "done");
    assert_numbers(pull(env, "&wait=30"), 1, numbers + 2);
    take_all(env);
}

static void what_is_refused_is_parked(void **state)
{
    struct env *env = *state;
    const uint64_t numbers[] = {publish(env), publish(env), publish(env)};
    char items[3][128], all[400], word[128];
    json_t *json;

    assert_numbers(pull(env, "&wait=30"), 3, numbers);
    (void)snprintf(all, sizeof all, "%s,%s,%s", item(numbers[0], "done", "", items[0]),
            item(numbers[1], "refuse", ",\"reason\":\"no-such-programme\"", items[1]),
            item(numbers[2], "done", "", items[2]));
    assert_string_equal(ack(env, all, word), "done refused done");
    spawn_kill(&env->api.spawn); /* all of it was answered */
    api_env_start(&env->api);
    assert_numbers(pull(env, ""), 0, NULL);
    json = bus_ask(&env->api.spawn, "", "parked.list", "{}");
    assert_int_equal(json_integer_value(json_object_get(json, "failed")), 1);
    json_decref(json);
    json = bus_ask(&env->api.spawn, "boss", "parked.release",
            "{\"subscription\":\"cnppm-programmes\",\"case\":\"1/2026\"}");
    assert_null(json_object_get(json, "error"));
    json_decref(json);
    json = pull(env, "&wait=30");
    assert_string_equal(attribute(json, 0, "hubdelivery"), "released");
    assert_numbers(json, 1, numbers + 1);
    assert_string_equal(ack(env, item(numbers[1], "done", "", items[1]), word), "done");
    json = bus_ask(&env->api.spawn, "", "balance", "{}");
    assert_true(json_is_true(json_object_get(json, "ok")));
    json_decref(json);
}

/* ---- one session a system ---- */

static int begin_wait(struct env *env, struct http_ask *ask)
{
    *ask = (struct http_ask){.port = env->api.port, .path = INBOX "&wait=60", .token = env->cnppm};
    return http_ask_begin(ask);
}

static bool is_waited_for(void *ctx)
{
    struct env *env = ctx;
    json_t *status = bus_ask(&env->api.spawn, "", "hub.status", "{}"), *feed;
    bool waits = false;
    size_t i;

    json_array_foreach (json_object_get(status, "subscriptions"), i, feed)
        waits |= strcmp(json_string_value(json_object_get(feed, "name")), "cnppm-programmes") == 0 &&
                 json_is_true(json_object_get(feed, "connected"));
    json_decref(status);
    return waits;
}

static void who_waits_is_told(void **state)
{
    struct env *env = *state;
    struct http_ask ask;
    struct bus_client bus;
    uint64_t number;
    json_t *events;
    int fd;

    take_all(env);
    fd = begin_wait(env, &ask);
    number = publish(env);
    assert_int_equal(http_ask_end(&ask, fd), 200); /* the moment it is there */
    http_ask_fini(&env->api.ask);
    env->api.ask = ask;
    events = api_json(&env->api);
    assert_numbers(events, 1, &number);
    take_all(env);

    http_ask_fini(&env->api.ask);
    fd = begin_wait(env, &env->api.ask);
    spawn_until("somebody waits", is_waited_for, env);
    bus_connect_as(&bus, &env->api.spawn, SPAWN_CNPPM);
    (void)bus_hello(&bus, 0, 0);
    assert_int_equal(http_ask_end(&env->api.ask, fd), 409); /* the bus has taken it over */
    assert_non_null(strstr((const char *)http_ask_body(&env->api.ask).data, "newer session"));
    bus_subscribe(&bus, "cnppm-programmes", 10, 0);
    events = pull(env, ""); /* and is taken over */
    json_decref(events);
    assert_string_equal(bus_expect(&bus, MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL)->refusal->code, "replaced");
    bus_close(&bus);
}

static void a_newer_request_is_the_one_that_counts(void **state)
{
    struct env *env = *state;
    struct http_ask first, second;
    int fds[2];

    fds[0] = begin_wait(env, &first);
    spawn_until("somebody waits", is_waited_for, env);
    fds[1] = begin_wait(env, &second);
    assert_int_equal(http_ask_end(&first, fds[0]), 409);
    (void)publish(env);
    assert_int_equal(http_ask_end(&second, fds[1]), 200);
    http_ask_fini(&first);
    http_ask_fini(&second);
    take_all(env);
}

/* It would replace the session of the first token, and take what that one works at. */
static void a_head_is_no_request_for_deliveries(void **state)
{
    struct env *env = *state;
    char text[128], word[128], allow[16], other[API_TOKEN_BYTES];
    uint64_t number;

    take_all(env);
    number = publish(env);
    assert_numbers(pull(env, "&wait=30"), 1, &number);
    api_env_token(&env->api, "pull", "cnppm", other, NULL);
    (void)api_get(&env->api, INBOX, NULL);
    env->api.ask.method = "HEAD";
    env->api.ask.token = other;
    assert_int_equal(http_ask(&env->api.ask), 405);
    assert_string_equal(http_ask_header(&env->api.ask, "Allow", allow, sizeof allow), "GET");
    assert_string_equal(ack(env, item(number, "done", "", text), word), "done");
}

static void what_is_asked_wrongly_is_told(void **state)
{
    static const struct {
        const char *path;
        int status;
    } gets[] = {{"/api/v1/inbox", 400}, {INBOX "&limit=0", 400}, {INBOX "&limit=101", 400},
            {INBOX "&wait=61", 400}, {INBOX "&wait=-1", 400}, {INBOX "&nonsense=1", 400},
            {"/api/v1/inbox?subscription=portal-none", 404}};
    static const struct {
        const char *body;
        int status;
    } acks[] = {{"[]", 400}, {"{}", 400}, {"{\"subscription\":\"cnppm-programmes\",\"items\":[]}", 400},
            {"{\"subscription\":\"cnppm-programmes\",\"items\":[{\"number\":0,\"outcome\":\"done\"}]}", 400},
            {"{\"subscription\":\"cnppm-programmes\",\"items\":[{\"number\":1,\"outcome\":\"gone\"}]}", 400},
            {"{\"subscription\":\"cnppm-programmes\",\"items\":[{\"number\":1,\"outcome\":\"done\"},"
             "{\"number\":\"1\",\"outcome\":\"done\"}]}",
                    400}};
    struct env *env = *state;

    for (size_t i = 0; i < sizeof gets / sizeof gets[0]; i++)
        if (api_get(&env->api, gets[i].path, env->cnppm) != gets[i].status)
            fail_msg("%s: %d", gets[i].path, env->api.ask.status);
    for (size_t i = 0; i < sizeof acks / sizeof acks[0]; i++)
        if (api_post(&env->api, "/api/v1/inbox/ack", env->cnppm, NULL, acks[i].body) != acks[i].status)
            fail_msg("%s: %d", acks[i].body, env->api.ask.status);
    assert_int_equal(api_get(&env->api, INBOX, env->portal), 403);
}

/* The last one: the token is gone. */
static void a_revoked_token_gets_nothing_more(void **state)
{
    struct env *env = *state;
    struct http_ask ask;
    int fd = begin_wait(env, &ask);

    spawn_until("somebody waits", is_waited_for, env);
    api_env_revoke(&env->api, env->cnppm_id);
    (void)publish(env);
    assert_int_equal(http_ask_end(&ask, fd), 401);
    http_ask_fini(&ask);
    assert_int_equal(api_get(&env->api, INBOX, env->cnppm), 401);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_is_not_acknowledged_comes_again),
            cmocka_unit_test(an_acknowledgement_needs_its_session),
            cmocka_unit_test(what_failed_comes_again_in_its_order),
            cmocka_unit_test(what_is_refused_is_parked),
            cmocka_unit_test(who_waits_is_told),
            cmocka_unit_test(a_newer_request_is_the_one_that_counts),
            cmocka_unit_test(a_head_is_no_request_for_deliveries),
            cmocka_unit_test(what_is_asked_wrongly_is_told),
            cmocka_unit_test(a_revoked_token_gets_nothing_more),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
