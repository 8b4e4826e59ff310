/*
 * POST /api/v1/events?dry_run=true against a real hub: what it says is what happens then, and nothing of it
 * is kept: no number, no person, no row, also not in the way of what is published for good.
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

#define BATCH   "application/cloudevents-batch+json"
#define EVENTS  "/api/v1/events"
#define DRY_RUN EVENTS "?dry_run=true"
struct env {
    struct api_env api;
    char portal[API_TOKEN_BYTES];
};

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    api_env_open(&env->api, "operators: [{name: boss, roles: [admin]}]\n", "");
    api_env_token(&env->api, "publish", "portal", env->portal, NULL);
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

static json_t *send_batch(struct env *env, const char *path, const char *events)
{
    char batch[8 * API_EVENT_BYTES];

    (void)snprintf(batch, sizeof batch, "[%s]", events);
    if (api_post(&env->api, path, env->portal, BATCH, batch) != 200)
        fail_msg("%s", (const char *)env->api.ask.answer.data);
    return api_json(&env->api);
}

static const char *member(const json_t *document, size_t at, const char *name)
{
    const char *text = json_string_value(
            json_object_get(json_array_get(json_object_get(document, "results"), at), name));

    return text ? text : "";
}

static json_int_t head(struct env *env)
{
    json_t *status = bus_ask(&env->api.spawn, "", "hub.status", "{}");
    json_int_t number = json_integer_value(json_object_get(status, "head"));

    json_decref(status);
    return number;
}

/* new, new, the first again, of another source, a field that is wrong, no event at all */
static const char *mixture(char ret[static 7 * API_EVENT_BYTES], const char *prefix)
{
    char one[API_EVENT_BYTES], two[API_EVENT_BYTES], id[2][64], foreign[API_EVENT_BYTES], *at;

    (void)snprintf(id[0], sizeof id[0], "%s-1", prefix);
    (void)snprintf(id[1], sizeof id[1], "%s-2", prefix);
    (void)api_programme(one, id[0]);
    (void)api_programme(two, id[1]);
    (void)api_programme(foreign, "foreign");
    at = strstr(foreign, "24:portal");
    assert_non_null(at);
    memcpy(at, "24:school", strlen("24:school"));
    (void)snprintf(ret, 7 * API_EVENT_BYTES, "%s,%s,%s,%s,{\"specversion\":\"1.0\"}", one, two, one, foreign);
    return ret;
}

static void it_says_what_happens_then(void **state)
{
    struct env *env = *state;
    const json_int_t before = head(env);
    char events[7 * API_EVENT_BYTES];
    json_t *dry = send_batch(env, DRY_RUN, mixture(events, "a")), *real, *names;

    assert_true(json_is_true(json_object_get(dry, "dry_run")));
    assert_int_equal(head(env), before);
    real = send_batch(env, EVENTS, events);
    assert_null(json_object_get(real, "dry_run"));
    assert_int_equal(head(env), before + 2);
    assert_int_equal(json_array_size(json_object_get(dry, "results")), 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(member(dry, i, "verdict"), member(real, i, "verdict"));
        assert_string_equal(member(dry, i, "code"), member(real, i, "code"));
        assert_string_equal(member(dry, i, "field"), member(real, i, "field"));
    }
    assert_string_equal(member(dry, 0, "verdict"), "stored");
    assert_string_equal(member(dry, 2, "verdict"), "duplicate");
    assert_string_equal(member(dry, 3, "verdict"), "refused");
    assert_string_equal(member(dry, 4, "verdict"), "refused");
    names = json_object_get(json_array_get(json_object_get(dry, "results"), 0), "subscriptions");
    assert_int_equal(json_array_size(names), 1);
    assert_string_equal(json_string_value(json_array_get(names, 0)), "cnppm-programmes");
    assert_null(json_object_get(json_array_get(json_object_get(dry, "results"), 0), "number"));
    json_decref(dry);
    json_decref(real);
    dry = send_batch(env, DRY_RUN, events); /* known by now */
    assert_string_equal(member(dry, 0, "verdict"), "duplicate");
    json_decref(dry);
}

static void nothing_of_it_is_kept(void **state)
{
    struct env *env = *state;
    char events[7 * API_EVENT_BYTES];
    const json_int_t before = head(env);
    json_t *json;

    for (int i = 0; i < 20; i++)
        json_decref(send_batch(env, DRY_RUN, mixture(events, "b")));
    assert_int_equal(head(env), before);
    json = bus_ask(&env->api.spawn, "", "where", "{\"id\":\"b-1\"}");
    assert_non_null(json_object_get(json, "error"));
    json_decref(json);
    assert_int_equal(api_publish(&env->api, env->portal, "b-1"), before + 1); /* no gap either */
    spawn_end(&env->api.spawn);
    api_env_start(&env->api);
    json = bus_ask(&env->api.spawn, "", "balance", "{}");
    assert_true(json_is_true(json_object_get(json, "ok")));
    json_decref(json);
}

static void what_is_asked_wrongly_is_told(void **state)
{
    struct env *env = *state;
    char event[API_EVENT_BYTES];

    (void)api_programme(event, "c");
    assert_int_equal(
            api_post(&env->api, EVENTS "?dry_run=yes", env->portal, "application/cloudevents+json", event),
            400);
    assert_int_equal(
            api_post(&env->api, EVENTS "?dryrun=true", env->portal, "application/cloudevents+json", event),
            400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(it_says_what_happens_then),
            cmocka_unit_test(nothing_of_it_is_kept),
            cmocka_unit_test(what_is_asked_wrongly_is_told),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
