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
#include "tests/support/people.h"

/* Who is there: one for each role that has to do with the passport, and two that look only. */
enum { CNPPM, MINISTRY, FEDERAL, MMS, AUDITOR, PD_OFFICER, PEOPLE };
static const char *const names[PEOPLE] = {"orlova", "belov", "akademia", "mms", "auditor", "zotova"};
static const char config[] =
        "operators:\n  - {name: boss, roles: [admin]}\n  - {name: orlova, roles: [cnppm]}\n"
        "  - {name: belov, roles: [ministry]}\n  - {name: akademia, roles: [federal]}\n"
        "  - {name: mms, roles: [mms]}\n  - {name: auditor, roles: [auditor]}\n"
        "  - {name: zotova, roles: [pd-officer]}\n"
        "passport:\n  form: образец-2021\n  period_from: '2026-01-01'\n  period_to: '2026-12-31'\n"
        "  cells: [{code: 3.premises, title: Помещения, unit: ед.}, {code: 3.x}]\n";

struct env {
    struct spawn spawn;
    struct people asking;
    struct person people[PEOPLE];
};

/* ---- support ---- */

static int get(struct env *env, int who, const char *path)
{
    return people_get(&env->asking, &env->people[who], path);
}

static int act(struct env *env, int who, const char *step, const char *if_match, const char *body)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/api/v1/passport/%s", step);
    return people_ask_if(&env->asking, &env->people[who], "POST", path, if_match, body);
}

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    spawn_init_hub(&env->spawn, config, SPAWN_HUB "  http_listen: 127.0.0.1:0\n");
    spawn_start(&env->spawn);
    env->asking = (struct people){.spawn = &env->spawn, .port = http_ask_port(&env->spawn)};
    for (int i = 0; i < PEOPLE; i++)
        people_let_in(&env->asking, &env->people[i], "boss", names[i]);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    people_fini(&env->asking);
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
    assert_int_equal(people_number(&env->asking, "found"), 0); /* nothing was done */
}

static void two_people_at_one_cell(void **state)
{
    static const char first[] = "{\"cell\":\"3.premises\",\"value\":\"12\",\"basis\":\"приказ\"}";
    static const char other[] = "{\"cell\":\"3.premises\",\"value\":\"13\",\"basis\":\"приказ\"}";
    struct env *env = *state;
    char text[256], tag[300];

    assert_int_equal(act(env, CNPPM, "set", "\"said-0\"", first), 200);
    assert_int_equal(act(env, MMS, "set", "\"said-0\"", other), 412);
    assert_string_equal(people_said(&env->asking, "type", text), "urn:marshrut:problem:changed");
    assert_string_equal(people_said(&env->asking, "field", text), "If-Match");
    assert_non_null(strstr(people_said(&env->asking, "detail", text), "the cell 3.premises has changed"));
    assert_int_equal(get(env, MMS, "/api/v1/passport/cells/3.premises"), 200);
    (void)snprintf(tag, sizeof tag, "\"%s\"", people_said(&env->asking, "tag", text));
    assert_int_equal(act(env, MMS, "set", tag, other), 200);
    assert_int_equal(get(env, CNPPM, "/api/v1/passport/cells/3.premises"), 200);
    assert_string_equal(people_said(&env->asking, "value", text), "13");
}

static void the_whole_way(void **state)
{
    struct env *env = *state;
    char text[256], tag[64];

    assert_int_equal(
            act(env, CNPPM, "submit", "\"draft-0-1\"", "{}"), 412); /* before the other one's value */
    assert_int_equal(act(env, CNPPM, "submit", NULL, "{\"note\":\"готово\"}"), 200);
    assert_int_equal(get(env, MINISTRY, "/api/v1/passport/workflow"), 200);
    assert_string_equal(http_ask_header(&env->asking.ask, "ETag", tag, sizeof tag), "\"submitted-1\"");
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
    assert_string_equal(people_said(&env->asking, "state", text), "returned");
    assert_int_equal(get(env, FEDERAL, "/api/v1/passport/history"), 200);
    assert_int_equal(people_number(&env->asking, "found"), 7);
}

static void versions_and_differences(void **state)
{
    struct env *env = *state;
    char digest[256], hex[65];
    uint8_t bytes[32];

    assert_int_equal(get(env, FEDERAL, "/api/v1/passport/workflow"), 200);
    (void)people_said(&env->asking, "digest", digest);
    assert_int_equal(get(env, FEDERAL, "/api/v1/passport/versions/1"), 200);
    mr_sha256(http_ask_body(&env->asking.ask), bytes);
    assert_string_equal(mr_hex_encode(bytes, sizeof bytes, hex), digest);
    assert_int_equal(get(env, FEDERAL, "/api/v1/passport/versions/2"), 404);
    assert_int_equal(
            act(env, CNPPM, "set", NULL, "{\"cell\":\"3.premises\",\"value\":\"14\",\"basis\":\"b\"}"), 200);
    assert_int_equal(get(env, CNPPM, "/api/v1/passport/diff?from_version=1"), 200);
    assert_int_equal(people_number(&env->asking, "count"), 1);
    assert_int_equal(get(env, CNPPM, "/api/v1/passport/diff?from=1&to=1"), 200);
    assert_int_equal(people_number(&env->asking, "count"), 0);
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
        body = http_ask_body(&env->asking.ask);
        assert_true(body.size > 500);
        assert_memory_equal(body.data, cases[i].begins, strlen(cases[i].begins));
        assert_string_equal(
                http_ask_header(&env->asking.ask, "Content-Type", header, sizeof header), cases[i].type);
        (void)snprintf(path, sizeof path, "attachment; filename=\"passport.%s\"", cases[i].format);
        assert_string_equal(
                http_ask_header(&env->asking.ask, "Content-Disposition", header, sizeof header), path);
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
