#include "tests/support/people.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/run_program.h"

json_t *people_tool(const struct people *people, const char *who, const char *const arguments[])
{
    const char *argv[24] = {"marshrut", "-c", people->spawn->config, "--json", "--as", who};
    struct run_program run = {0};
    json_t *answer;
    size_t n = 6;

    while (*arguments && n < 23)
        argv[n++] = *arguments++;
    run_program(&run, argv);
    if (run.status != 0)
        fail_msg("%s", run_program_err(&run));
    answer = json_loads(run_program_out(&run), 0, NULL);
    assert_non_null(answer);
    run_program_fini(&run);
    return answer;
}

/* ---- asking ---- */

int people_ask_if(struct people *people, const struct person *person, const char *method, const char *path,
        const char *if_match, const char *body)
{
    struct mr_buf kept = people->ask.answer;
    char headers[512];

    (void)snprintf(headers, sizeof headers,
            "Content-Type: application/json\r\nCookie: mr_session=%s\r\nX-CSRF-Token: %s\r\n%s%s%s",
            person->cookie, person->csrf, if_match ? "If-Match: " : "", if_match ? if_match : "",
            if_match ? "\r\n" : "");
    people->ask = (struct http_ask){.port = people->port,
            .method = method,
            .path = path,
            .headers = headers,
            .body = mr_slice_str(body),
            .answer = kept};
    (void)http_ask(&people->ask);
    people->ask.headers = NULL;
    return people->ask.status;
}

int people_ask(struct people *people, const struct person *person, const char *method, const char *path,
        const char *body)
{
    return people_ask_if(people, person, method, path, NULL, body);
}

int people_get(struct people *people, const struct person *person, const char *path)
{
    return people_ask(people, person, "GET", path, "");
}

json_t *people_json(const struct people *people)
{
    struct mr_slice body = http_ask_body(&people->ask);
    json_t *json = json_loadb((const char *)body.data, body.size, 0, NULL);

    if (!json)
        fail_msg("no JSON: %.*s", (int)body.size, (const char *)body.data);
    return json;
}

const char *people_said(const struct people *people, const char *key, char ret[static 256])
{
    json_t *json = people_json(people);
    const char *text = json_string_value(json_object_get(json, key));

    (void)snprintf(ret, 256, "%s", text ? text : "");
    json_decref(json);
    return ret;
}

json_int_t people_number(const struct people *people, const char *key)
{
    json_t *json = people_json(people);
    json_int_t value = json_integer_value(json_object_get(json, key));

    json_decref(json);
    return value;
}

/* ---- letting in ---- */

static void keep_session(struct people *people, struct person *person)
{
    char header[256], text[256];

    (void)http_ask_header(&people->ask, "Set-Cookie", header, sizeof header);
    assert_int_equal(sscanf(header, "mr_session=%43s", person->cookie), 1);
    (void)snprintf(person->csrf, sizeof person->csrf, "%.60s", people_said(people, "csrf", text));
}

void people_accept(struct people *people, struct person *person, const char *name, const char *secret)
{
    char body[512];

    *person = (struct person){0};
    (void)snprintf(person->name, sizeof person->name, "%s", name);
    (void)snprintf(body, sizeof body,
            "{\"name\":\"%s\",\"secret\":\"%s\",\"password\":\"" PEOPLE_PASSWORD "\"}", name, secret);
    assert_int_equal(people_ask(people, person, "POST", "/api/v1/session/password", body), 200);
    keep_session(people, person);
}

void people_let_in(struct people *people, struct person *person, const char *boss, const char *name)
{
    json_t *answer = people_tool(people, boss, (const char *const[]){"account", "invite", name, NULL});

    people_accept(people, person, name, json_string_value(json_object_get(answer, "secret")));
    json_decref(answer);
}

int people_log_in(struct people *people, struct person *person, const char *name)
{
    char body[256];

    *person = (struct person){0};
    (void)snprintf(person->name, sizeof person->name, "%s", name);
    (void)snprintf(body, sizeof body, "{\"name\":\"%s\",\"password\":\"" PEOPLE_PASSWORD "\"}", name);
    if (people_ask(people, person, "POST", "/api/v1/session", body) == 200)
        keep_session(people, person);
    return people->ask.status;
}

/* ---- sending ---- */

void people_token(const struct people *people, const char *boss, const char *system, char ret[static 64])
{
    json_t *answer = people_tool(people, boss,
            (const char *const[]){
                    "token", "new", "--name", "a test", "--scope", "publish", "--system", system, NULL});

    (void)snprintf(ret, 64, "%s", json_string_value(json_object_get(answer, "token")));
    json_decref(answer);
}

json_int_t people_publish(struct people *people, const char *token, const char *event, const char *verdict)
{
    struct mr_buf kept = people->ask.answer;
    json_t *json;
    const json_t *result;
    json_int_t number;

    people->ask = (struct http_ask){.port = people->port,
            .method = "POST",
            .path = "/api/v1/events",
            .token = token,
            .headers = "Content-Type: application/cloudevents+json\r\n",
            .body = mr_slice_str(event),
            .answer = kept};
    assert_int_equal(http_ask(&people->ask), 200);
    json = people_json(people);
    result = json_array_get(json_object_get(json, "results"), 0);
    if (verdict && strcmp(json_string_value(json_object_get(result, "verdict")), verdict) != 0)
        fail_msg("%.*s", (int)http_ask_body(&people->ask).size,
                (const char *)http_ask_body(&people->ask).data);
    number = json_integer_value(json_object_get(result, "number"));
    json_decref(json);
    return number;
}

void people_fini(struct people *people)
{
    http_ask_fini(&people->ask);
}
