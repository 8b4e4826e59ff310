/*
 * The passport over HTTP, by the people whose work it is: each act by its role and by nobody else, what two
 * of them do at once, files and comparisons as they arrive.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/hex.h"
#include "proto/base/list.h"
#include "proto/wire/digest.h"
#include "tests/support/http_ask.h"
#include "tests/support/run_program.h"

#define PASSWORD "four words are enough"

enum { SECRET_BYTES = 64 };

/* Who is there: one for each role that has to do with the passport, and two that look only. */
enum { CNPPM, MINISTRY, FEDERAL, MMS, AUDITOR, PD_OFFICER, PEOPLE };
static const char *const names[PEOPLE] = {"orlova", "belov", "akademia", "mms", "auditor", "zotova"};
static const char config[] =
        "operators:\n  - {name: boss, roles: [admin]}\n  - {name: orlova, roles: [cnppm]}\n"
        "  - {name: belov, roles: [ministry]}\n  - {name: akademia, roles: [federal]}\n"
        "  - {name: mms, roles: [mms]}\n  - {name: auditor, roles: [auditor]}\n"
        "  - {name: zotova, roles: [pd-officer]}\n"
        "passport:\n  form: образец-2021\n  period_from: '2026-01-01'\n  period_to: '2026-12-31'\n";

struct person {
    char cookie[SECRET_BYTES];
    char csrf[SECRET_BYTES];
};

struct env {
    struct spawn spawn;
    struct http_ask ask;
    uint16_t port;
    struct person people[PEOPLE];
};

/* ---- support ---- */

static json_t *body_json(const struct env *env)
{
    struct mr_slice body = http_ask_body(&env->ask);
    json_t *json = json_loadb((const char *)body.data, body.size, 0, NULL);

    if (!json)
        fail_msg("no JSON: %.*s", (int)body.size, (const char *)body.data);
    return json;
}

static int ask(struct env *env, const struct person *person, const char *method, const char *path,
        const char *if_match, const char *body)
{
    struct mr_buf kept = env->ask.answer;
    char headers[512], match[128] = "";

    if (if_match)
        (void)snprintf(match, sizeof match, "If-Match: %s\r\n", if_match);
    (void)snprintf(headers, sizeof headers,
            "Content-Type: application/json\r\nCookie: mr_session=%s\r\nX-CSRF-Token: %s\r\n%s",
            person->cookie, person->csrf, match);
    env->ask = (struct http_ask){.port = env->port,
            .method = method,
            .path = path,
            .headers = headers,
            .body = mr_slice_str(body),
            .answer = kept};
    return http_ask(&env->ask);
}

static int get(struct env *env, int who, const char *path)
{
    return ask(env, &env->people[who], "GET", path, NULL, "");
}

static int act(struct env *env, int who, const char *step, const char *if_match, const char *body)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/api/v1/passport/%s", step);
    return ask(env, &env->people[who], "POST", path, if_match, body);
}

/* A text of the last answer. */
static const char *said(const struct env *env, const char *key, char ret[static 256])
{
    json_t *json = body_json(env);
    const char *text = json_string_value(json_object_get(json, key));

    (void)snprintf(ret, 256, "%s", text ? text : "");
    json_decref(json);
    return ret;
}

static json_int_t number(const struct env *env, const char *key)
{
    json_t *json = body_json(env);
    json_int_t value = json_integer_value(json_object_get(json, key));

    json_decref(json);
    return value;
}

/* Invited by the tool; the password is chosen over HTTP. */
static void let_in(struct env *env, int who)
{
    struct person *person = &env->people[who];
    struct run_program run = {0};
    const char *const argv[] = {"marshrut", "-c", env->spawn.config, "--json", "--as", "boss", "account",
            "invite", names[who], NULL};
    char body[256], header[256], text[256];
    json_t *answer;

    run_program(&run, argv);
    if (run.status != 0)
        fail_msg("%s", run_program_err(&run));
    answer = json_loads(run_program_out(&run), 0, NULL);
    (void)snprintf(body, sizeof body, "{\"name\":\"%s\",\"secret\":\"%s\",\"password\":\"" PASSWORD "\"}",
            names[who], json_string_value(json_object_get(answer, "secret")));
    json_decref(answer);
    run_program_fini(&run);
    assert_int_equal(ask(env, person, "POST", "/api/v1/session/password", NULL, body), 200);
    (void)http_ask_header(&env->ask, "Set-Cookie", header, sizeof header);
    assert_int_equal(sscanf(header, "mr_session=%43s", person->cookie), 1);
    (void)snprintf(person->csrf, sizeof person->csrf, "%s", said(env, "csrf", text));
}

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    spawn_init_hub(
            &env->spawn, config, "  ballast_mb: 1\n  space_watermark_mb: 1\n  http_listen: 127.0.0.1:0\n");
    spawn_start(&env->spawn);
    env->port = http_ask_port(&env->spawn);
    for (int i = 0; i < PEOPLE; i++)
        let_in(env, i);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    http_ask_fini(&env->ask);
    spawn_stop(&env->spawn);
    spawn_fini(&env->spawn);
    free(env);
    return 0;
}

/* ---- tests: each leaves what the next one needs ---- */

static void only_the_role_may(void **state)
{
    static const struct {
        const char *step, *body, *may;
    } acts[] = {
            {"set", "{\"cell\":\"3.x\",\"value\":\"1\",\"basis\":\"b\"}", "orlova mms"},
            {"override", "{\"cell\":\"1.total\",\"value\":\"1\",\"reason\":\"r\"}", "orlova"},
            {"copied", "{\"section\":1}", "orlova belov"},
            {"submit", "{}", "orlova"},
            {"approve", "{}", "belov"},
            {"handback", "{\"reason\":\"r\"}", "belov"},
            {"send", "{\"letter_number\":\"1\",\"letter_date\":\"2026-12-01\"}", "belov"},
            {"answer", "{\"answer\":\"agreed\"}", "akademia"},
    };
    struct env *env = *state;

    for (size_t i = 0; i < MR_COUNT(acts); i++)
        for (int who = 0; who < PEOPLE; who++) {
            if (!strstr(acts[i].may, names[who]))
                assert_int_equal(act(env, who, acts[i].step, NULL, acts[i].body), 403);
            env->people[who].csrf[0] ^= 1; /* what another site's page would send */
            assert_int_equal(act(env, who, acts[i].step, NULL, acts[i].body), 403);
            env->people[who].csrf[0] ^= 1;
        }
    assert_int_equal(get(env, AUDITOR, "/api/v1/passport/workflow"), 200);
    assert_int_equal(get(env, PD_OFFICER, "/api/v1/passport/workflow"), 403);
    assert_int_equal(get(env, CNPPM, "/api/v1/passport/history"), 200);
    assert_int_equal(number(env, "found"), 0); /* nothing was done */
}

static void two_people_at_one_cell(void **state)
{
    static const char first[] = "{\"cell\":\"3.premises\",\"value\":\"12\",\"basis\":\"приказ\"}";
    static const char other[] = "{\"cell\":\"3.premises\",\"value\":\"13\",\"basis\":\"приказ\"}";
    struct env *env = *state;
    char text[256], tag[300];

    assert_int_equal(act(env, CNPPM, "set", "\"said-0\"", first), 200);
    assert_int_equal(act(env, MMS, "set", "\"said-0\"", other), 412);
    assert_string_equal(said(env, "type", text), "urn:marshrut:problem:changed");
    assert_string_equal(said(env, "field", text), "If-Match");
    assert_non_null(strstr(said(env, "detail", text), "the cell 3.premises has changed"));
    assert_int_equal(get(env, MMS, "/api/v1/passport/cells/3.premises"), 200);
    (void)snprintf(tag, sizeof tag, "\"%s\"", said(env, "tag", text));
    assert_int_equal(act(env, MMS, "set", tag, other), 200);
    assert_int_equal(get(env, CNPPM, "/api/v1/passport/cells/3.premises"), 200);
    assert_string_equal(said(env, "value", text), "13");
}

static void the_whole_way(void **state)
{
    struct env *env = *state;
    char text[256], tag[64];

    assert_int_equal(
            act(env, CNPPM, "submit", "\"draft-0-1\"", "{}"), 412); /* before the other one's value */
    assert_int_equal(act(env, CNPPM, "submit", NULL, "{\"note\":\"готово\"}"), 200);
    assert_int_equal(get(env, MINISTRY, "/api/v1/passport/workflow"), 200);
    assert_string_equal(http_ask_header(&env->ask, "ETag", tag, sizeof tag), "\"submitted-1\"");
    assert_int_equal(
            act(env, MINISTRY, "approve", tag, "{\"order_number\":\"12\",\"order_date\":\"2026-11-20\"}"),
            200);
    assert_int_equal(
            act(env, MINISTRY, "handback", tag, "{\"reason\":\"r\"}"), 412); /* two of the ministry */
    assert_int_equal(act(env, MINISTRY, "handback", NULL, "{\"reason\":\"r\"}"), 400); /* not any more */
    assert_int_equal(act(env, MINISTRY, "send", "\"approved-1\"",
                             "{\"letter_number\":\"34\",\"letter_date\":\"2026-11-21\"}"),
            200);
    assert_int_equal(act(env, CNPPM, "copied", NULL, "{\"cell\":\"3.premises\"}"), 200);
    assert_int_equal(
            act(env, FEDERAL, "answer", "\"sent-1\"", "{\"answer\":\"returned\",\"reason\":\"r\"}"), 200);
    assert_string_equal(said(env, "state", text), "returned");
    assert_int_equal(get(env, FEDERAL, "/api/v1/passport/history"), 200);
    assert_int_equal(number(env, "found"), 7);
}

static void versions_and_differences(void **state)
{
    struct env *env = *state;
    char digest[256], hex[65];
    uint8_t bytes[32];

    assert_int_equal(get(env, FEDERAL, "/api/v1/passport/workflow"), 200);
    (void)said(env, "digest", digest);
    assert_int_equal(get(env, FEDERAL, "/api/v1/passport/versions/1"), 200);
    mr_sha256(http_ask_body(&env->ask), bytes);
    assert_string_equal(mr_hex_encode(bytes, sizeof bytes, hex), digest);
    assert_int_equal(get(env, FEDERAL, "/api/v1/passport/versions/2"), 404);
    assert_int_equal(
            act(env, CNPPM, "set", NULL, "{\"cell\":\"3.premises\",\"value\":\"14\",\"basis\":\"b\"}"), 200);
    assert_int_equal(get(env, CNPPM, "/api/v1/passport/diff?from_version=1"), 200);
    assert_int_equal(number(env, "count"), 1);
    assert_int_equal(get(env, CNPPM, "/api/v1/passport/diff?from=1&to=1"), 200);
    assert_int_equal(number(env, "count"), 0);
    assert_int_equal(get(env, CNPPM, "/api/v1/passport/diff?from=999999"), 404);
    assert_int_equal(get(env, CNPPM, "/api/v1/passport/diff?form=1"), 400);
    assert_int_equal(get(env, CNPPM, "/api/v1/passport?at=2100-01-01T00:00:00%2B03:00"), 200);
    assert_int_equal(get(env, CNPPM, "/api/v1/passport?at=yesterday"), 400);
}

static void files(void **state)
{
    static const struct {
        const char *format, *type, *begins;
    } cases[] = {{"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "PK\x03\x04"},
            {"csv", "text/csv; charset=utf-8", "\xef\xbb\xbf"}, {"json", "application/json", "{"}};
    struct env *env = *state;
    char path[96], header[128];

    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        struct mr_slice body;

        (void)snprintf(path, sizeof path, "/api/v1/passport/export?format=%s", cases[i].format);
        assert_int_equal(get(env, FEDERAL, path), 200);
        body = http_ask_body(&env->ask);
        assert_true(body.size > 500);
        assert_memory_equal(body.data, cases[i].begins, strlen(cases[i].begins));
        assert_string_equal(http_ask_header(&env->ask, "Content-Type", header, sizeof header), cases[i].type);
        (void)snprintf(path, sizeof path, "attachment; filename=\"passport.%s\"", cases[i].format);
        assert_string_equal(http_ask_header(&env->ask, "Content-Disposition", header, sizeof header), path);
    }
    assert_int_equal(get(env, FEDERAL, "/api/v1/passport/export?format=doc"), 400);
    assert_int_equal(get(env, FEDERAL, "/api/v1/passport/export"), 400);
    assert_int_equal(get(env, PD_OFFICER, "/api/v1/passport/export?format=csv"), 403);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(only_the_role_may),
            cmocka_unit_test(two_people_at_one_cell),
            cmocka_unit_test(the_whole_way),
            cmocka_unit_test(versions_and_differences),
            cmocka_unit_test(files),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
