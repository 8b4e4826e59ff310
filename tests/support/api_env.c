#include "tests/support/api_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/support/run_program.h"

#define STRUCTURED "application/cloudevents+json"

void api_env_open(struct api_env *env, const char *extra, const char *hub)
{
    char keys[512];

    *env = (struct api_env){0};
    (void)snprintf(keys, sizeof keys,
            "  ballast_mb: 1\n  space_watermark_mb: 1\n  http_listen: 127.0.0.1:0\n%s", hub);
    spawn_init_hub(&env->spawn, extra, keys);
    api_env_start(env);
}

void api_env_start(struct api_env *env)
{
    spawn_start(&env->spawn);
    env->port = http_ask_port(&env->spawn);
}

void api_env_close(struct api_env *env)
{
    http_ask_fini(&env->ask);
    if (env->spawn.pid)
        spawn_stop(&env->spawn);
    spawn_fini(&env->spawn);
}

json_t *api_tool(struct api_env *env, const char *const more[])
{
    const char *argv[20] = {"marshrut", "-c", env->spawn.config, "--json", "--as", "boss"};
    struct run_program run = {0};
    json_t *answer;
    size_t n = 6;

    while (*more && n < 19)
        argv[n++] = *more++;
    run_program(&run, argv);
    if (run.status != 0)
        fail_msg("%s", run_program_err(&run));
    answer = json_loads(run_program_out(&run), 0, NULL);
    assert_non_null(answer);
    run_program_fini(&run);
    return answer;
}

void api_env_token(struct api_env *env, const char *scopes, const char *system,
        char ret[static API_TOKEN_BYTES], char *ret_id)
{
    const char *const more[] = {
            "token", "new", "--name", "a test", "--scope", scopes, "--system", system, NULL};
    json_t *answer = api_tool(env, more);

    (void)snprintf(ret, API_TOKEN_BYTES, "%s", json_string_value(json_object_get(answer, "token")));
    if (ret_id)
        (void)snprintf(ret_id, API_TOKEN_BYTES, "%s", json_string_value(json_object_get(answer, "id")));
    json_decref(answer);
}

void api_env_revoke(struct api_env *env, const char *id)
{
    const char *const more[] = {"token", "revoke", id, NULL};

    json_decref(api_tool(env, more));
}

int api_get(struct api_env *env, const char *path, const char *token)
{
    struct mr_buf kept = env->ask.answer;

    env->ask = (struct http_ask){.port = env->port, .path = path, .token = token, .answer = kept};
    return http_ask(&env->ask);
}

int api_post(
        struct api_env *env, const char *path, const char *token, const char *content_type, const char *body)
{
    struct mr_buf kept = env->ask.answer;
    char headers[128];
    int status;

    (void)snprintf(headers, sizeof headers, "Content-Type: %s\r\n",
            content_type ? content_type : "application/json");
    env->ask = (struct http_ask){.port = env->port,
            .method = "POST",
            .path = path,
            .token = token,
            .headers = headers,
            .body = mr_slice_str(body),
            .answer = kept};
    status = http_ask(&env->ask);
    env->ask.headers = NULL;
    return status;
}

json_t *api_json(const struct api_env *env)
{
    struct mr_slice body = http_ask_body(&env->ask);
    json_error_t error;
    json_t *json = json_loadb((const char *)body.data, body.size, 0, &error);

    if (!json)
        fail_msg("%s: %s", error.text, (const char *)env->ask.answer.data);
    return json;
}

const char *api_programme(char ret[static API_EVENT_BYTES], const char *id)
{
    (void)snprintf(ret, API_EVENT_BYTES,
            "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"urn:marshrut:24:portal\","
            "\"type\":\"nms.programme.listed.v1\",\"time\":\"2026-09-01T09:00:00Z\",\"regioncode\":\"24\","
            "\"data\":{\"programmeId\":\"%s\",\"title\":\"x\",\"kind\":\"PK\",\"hours\":72,"
            "\"providerOgrn\":\"1022400001007\",\"registry\":\"own\"}}",
            id, id);
    return ret;
}

uint64_t api_publish(struct api_env *env, const char *token, const char *id)
{
    char event[API_EVENT_BYTES];
    json_t *json, *result;
    uint64_t number;

    assert_int_equal(api_post(env, "/api/v1/events", token, STRUCTURED, api_programme(event, id)), 200);
    json = api_json(env);
    result = json_array_get(json_object_get(json, "results"), 0);
    assert_string_equal(json_string_value(json_object_get(result, "verdict")), "stored");
    number = (uint64_t)json_integer_value(json_object_get(result, "number"));
    json_decref(json);
    return number;
}
