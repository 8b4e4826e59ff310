/*
 * Looking at the values of persons over HTTP: with a reason and a case, for a while, by one login; each look
 * an event before its answer; nothing of a person in an address, a log line, the journal or a cache.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/list.h"
#include "tests/support/people.h"
#include "tests/support/run_program.h"

#define SNILS_1 "11223344595"
#define SNILS_2 "12345678964"
#define EVENT                                                                                                       \
    "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"urn:marshrut:24:school\",\"type\":"                        \
    "\"nms.employment.started.v1\",\"time\":\"2026-09-01T09:00:00Z\",\"regioncode\":\"24\",\"basis\":"              \
    "\"employment\",\"actor\":\"u-1\",\"actorrole\":\"clerk\",\"orgid\":\"1022400001007\",\"data\":"                \
    "{\"person\":{\"snils\":\"%s\",\"familyName\":\"%s\",\"givenName\":\"Анна\"},\"employmentId\":\"%s\","      \
    "\"orgOgrn\":\"1022400001007\",\"post\":\"учитель\",\"staffGroup\":\"PR\",\"startedOn\":\"2020-09-01\"}" \
    "}"

enum { OFFICER, SECOND, AUDITOR, ADMIN, SCHOOL, PEOPLE, TEXT_BYTES = 1024 };

static const char *const names[] = {"zotova", "lukin", "looker", "admin2"};
/* What must stand nowhere that is written or kept: of both persons. */
static const char *const values[] = {SNILS_1, SNILS_2, "Петрова", "Сидорова"};

struct env {
    struct spawn spawn;
    struct people people;
    struct person persons[PEOPLE];
    json_int_t first, again, other; /* records: of the first person, of her again, of the second */
    json_int_t grant;
};

static json_int_t publish(
        struct env *env, const char *token, const char *id, const char *snils, const char *name)
{
    char event[TEXT_BYTES];

    (void)snprintf(event, sizeof event, EVENT, id, snils, name, id);
    return people_publish(&env->people, token, event, "stored");
}

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);
    char token[64];
    json_t *answer;

    spawn_init_hub(&env->spawn,
            "operators:\n  - {name: boss, roles: [admin]}\n  - {name: admin2, roles: [admin]}\n"
            "  - {name: zotova, roles: [pd-officer]}\n  - {name: lukin, roles: [pd-officer]}\n"
            "  - {name: looker, roles: [auditor]}\n",
            "  ballast_mb: 1\n  space_watermark_mb: 1\n  http_listen: 127.0.0.1:0\n");
    spawn_start(&env->spawn);
    env->people = (struct people){.spawn = &env->spawn, .port = http_ask_port(&env->spawn)};
    people_token(&env->people, "boss", "school", token);
    env->first = publish(env, token, "e-1", SNILS_1, "Петрова");
    env->again = publish(env, token, "e-2", SNILS_1, "Петрова");
    env->other = publish(env, token, "e-3", SNILS_2, "Сидорова");
    for (int i = OFFICER; i <= ADMIN; i++)
        people_let_in(&env->people, &env->persons[i], "boss", names[i]);
    answer = people_tool(&env->people, "boss",
            (const char *const[]){
                    "account", "new", "school-a", "--role", "organisation", "--ogrn", "1022400001007", NULL});
    people_accept(&env->people, &env->persons[SCHOOL], "school-a",
            json_string_value(json_object_get(answer, "secret")));
    json_decref(answer);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    people_fini(&env->people);
    spawn_stop(&env->spawn);
    spawn_fini(&env->spawn);
    free(env);
    return 0;
}

/* ---- asking ---- */

static int open_for(struct env *env, int who, json_int_t number, const char *reason, const char *case_code)
{
    char body[256];

    (void)snprintf(body, sizeof body, "{\"number\":%lld,\"reason\":\"%s\",\"case\":\"%s\"}",
            (long long)number, reason, case_code);
    return people_ask(&env->people, &env->persons[who], "POST", "/api/v1/access", body);
}

static int look(struct env *env, int who, json_int_t grant, json_int_t number)
{
    char path[128];

    (void)snprintf(path, sizeof path, "/api/v1/access/%lld/events/%lld", (long long)grant, (long long)number);
    return people_ask(&env->people, &env->persons[who], "POST", path, "");
}

static bool answer_has(const struct env *env, const char *text)
{
    const char *answer = (const char *)env->people.ask.answer.data;

    return memmem(answer, env->people.ask.answer.size, text, strlen(text)) != NULL;
}

static void assert_nothing_personal(const struct env *env)
{
    for (size_t i = 0; i < MR_COUNT(values); i++)
        assert_false(answer_has(env, values[i]));
}

static size_t journal(struct env *env, const char *query)
{
    char path[160];
    json_t *json;
    size_t count;

    (void)snprintf(path, sizeof path, "/api/v1/access%s", query);
    assert_int_equal(people_get(&env->people, &env->persons[AUDITOR], path), 200);
    assert_nothing_personal(env);
    json = people_json(&env->people);
    count = json_array_size(json_object_get(json, "items"));
    json_decref(json);
    return count;
}

/* ---- tests: each leaves what the next one needs ---- */

static void values_are_masked(void **state)
{
    struct env *env = *state;
    char path[64];

    for (int who = OFFICER; who <= SCHOOL; who++) {
        (void)snprintf(path, sizeof path, "/api/v1/events/%lld", (long long)env->first);
        assert_int_equal(people_get(&env->people, &env->persons[who], path), 200);
        assert_nothing_personal(env);
        assert_int_equal(people_get(&env->people, &env->persons[who], "/api/v1/tail"), 200);
        assert_nothing_personal(env);
    }
}

static void only_for_a_reason_in_a_case(void **state)
{
    static const struct {
        const char *reason, *case_code;
    } wrong[] = {{"curiosity", "17-03"}, {"", "17-03"}, {"person", ""}, {"person", "дело Петровой"},
            {"person", "a b"}};
    struct env *env = *state;

    for (size_t i = 0; i < MR_COUNT(wrong); i++)
        assert_int_equal(open_for(env, OFFICER, env->first, wrong[i].reason, wrong[i].case_code), 400);
    assert_int_equal(open_for(env, OFFICER, 1, "person", "17-03"), 400); /* nobody's values are in it */
    assert_int_equal(open_for(env, OFFICER, 999999, "person", "17-03"), 404);
    assert_int_equal(open_for(env, ADMIN, env->first, "person", "17-03"), 403);
    assert_int_equal(open_for(env, SCHOOL, env->first, "person", "17-03"), 403);
    assert_int_equal(journal(env, ""), 0);
}

static void it_is_asked_once_a_case(void **state)
{
    struct env *env = *state;

    assert_int_equal(open_for(env, OFFICER, env->first, "person", "17-03"), 200);
    env->grant = people_number(&env->people, "grant");
    assert_nothing_personal(env);
    assert_int_equal(open_for(env, OFFICER, env->first, "person", "17-03"), 200);
    assert_int_equal(people_number(&env->people, "grant"), env->grant);
    assert_int_equal(journal(env, ""), 1);
}

static void what_is_open_is_shown_and_said(void **state)
{
    struct env *env = *state;
    char cache[64];

    assert_int_equal(look(env, OFFICER, env->grant, env->first), 200);
    assert_true(answer_has(env, SNILS_1));
    assert_true(answer_has(env, "Петрова"));
    assert_string_equal(http_ask_header(&env->people.ask, "Cache-Control", cache, sizeof cache), "no-store");
    assert_int_equal(look(env, OFFICER, env->grant, env->again), 200); /* the same person */
    assert_int_equal(journal(env, ""), 3);
    assert_int_equal(journal(env, "?case=17-03&who=zotova&reason=person"), 3);
    assert_int_equal(journal(env, "?case=17-04"), 0);
    assert_int_equal(journal(env, "?limit=2"), 2);
}

static void not_another_person_not_another_login(void **state)
{
    struct env *env = *state;
    struct person again;

    assert_int_equal(look(env, OFFICER, env->grant, env->other), 403);
    assert_nothing_personal(env);
    assert_int_equal(look(env, SECOND, env->grant, env->first), 404);
    assert_int_equal(look(env, AUDITOR, env->grant, env->first), 404);
    assert_int_equal(look(env, SCHOOL, env->grant, env->first), 403);
    assert_int_equal(look(env, OFFICER, env->grant + 1, env->first), 404);
    assert_int_equal(look(env, OFFICER, 0, env->first), 404);
    assert_int_equal(look(env, OFFICER, env->grant, 0), 400);
    /* the same person at another browser: another login */
    assert_int_equal(people_log_in(&env->people, &again, names[OFFICER]), 200);
    env->persons[SECOND] = again;
    assert_int_equal(look(env, SECOND, env->grant, env->first), 404);
    assert_int_equal(journal(env, ""), 3);
}

/* Another site's page has the cookie and not the header; nor does a role come with the body. */
static void forged_requests_open_nothing(void **state)
{
    struct env *env = *state;
    struct person forged = env->persons[OFFICER], nobody = {0};

    forged.csrf[0] = forged.csrf[0] == 'A' ? 'B' : 'A';
    env->persons[SECOND] = forged;
    assert_int_equal(open_for(env, SECOND, env->other, "person", "17-05"), 403);
    assert_int_equal(look(env, SECOND, env->grant, env->first), 403);
    assert_nothing_personal(env);
    env->persons[SECOND].csrf[0] = '\0';
    assert_int_equal(look(env, SECOND, env->grant, env->first), 403);
    env->persons[SECOND] = nobody;
    assert_int_equal(look(env, SECOND, env->grant, env->first), 401);
    assert_int_equal(people_ask(&env->people, &env->persons[ADMIN], "POST", "/api/v1/access",
                             "{\"number\":3,\"reason\":\"person\",\"case\":\"1\",\"role\":\"pd-officer\","
                             "\"operator\":\"zotova\",\"allowed\":3}"),
            403);
    assert_int_equal(people_get(&env->people, &env->persons[ADMIN], "/api/v1/access"), 403);
    assert_int_equal(people_get(&env->people, &env->persons[SCHOOL], "/api/v1/access"), 403);
}

/* With the login goes what was open to it. */
static void a_login_that_ended_sees_nothing(void **state)
{
    struct env *env = *state;
    json_t *json, *item;
    char path[128] = "";
    size_t i, own = 0;

    assert_int_equal(people_get(&env->people, &env->persons[AUDITOR], "/api/v1/sessions"), 200);
    json = people_json(&env->people);
    assert_int_equal(json_array_size(json_object_get(json, "items")), 1); /* one's own */
    json_decref(json);
    assert_int_equal(people_get(&env->people, &env->persons[ADMIN], "/api/v1/sessions"), 200);
    json = people_json(&env->people);
    json_array_foreach (json_object_get(json, "items"), i, item)
        if (strcmp(json_string_value(json_object_get(item, "name")), names[OFFICER]) == 0) {
            (void)snprintf(path, sizeof path, "/api/v1/sessions/%s/end",
                    json_string_value(json_object_get(item, "id")));
            own++;
            assert_int_equal(people_ask(&env->people, &env->persons[AUDITOR], "POST", path, ""), 404);
            assert_int_equal(people_ask(&env->people, &env->persons[ADMIN], "POST", path, ""), 200);
        }
    json_decref(json);
    assert_int_equal(own, 2);
    assert_int_equal(look(env, OFFICER, env->grant, env->first), 401);
    assert_int_equal(people_log_in(&env->people, &env->persons[OFFICER], names[OFFICER]), 200);
    assert_int_equal(look(env, OFFICER, env->grant, env->first), 404);
}

/* The tool's way: reason and case each time. */
static void the_tool_says_it_too(void **state)
{
    struct env *env = *state;
    char number[32];
    json_t *answer;

    (void)snprintf(number, sizeof number, "%lld", (long long)env->other);
    answer = people_tool(&env->people, "zotova",
            (const char *const[]){"access", "look", number, "--reason", "incident", "--case", "18-01", NULL});
    assert_non_null(json_object_get(answer, "event"));
    json_decref(answer);
    answer = people_tool(
            &env->people, "looker", (const char *const[]){"access", "list", "--record", number, NULL});
    assert_int_equal(json_array_size(json_object_get(answer, "items")), 1);
    json_decref(answer);
}

static void passwords_that_are_tried_first(void **state)
{
    static const char *const bad[] = {
            "aaaaaaaaaaaaaaaa", "123456789012", "admin2 is my name", "qwertyuiopas"};
    struct env *env = *state;
    json_t *answer =
            people_tool(&env->people, "boss", (const char *const[]){"account", "invite", "admin2", NULL});
    const char *secret = json_string_value(json_object_get(answer, "secret"));
    char body[512];

    (void)snprintf(body, sizeof body, "/#invite=admin2:%s", secret); /* at port 0: where is not configured */
    assert_string_equal(json_string_value(json_object_get(answer, "link")), body);
    for (size_t i = 0; i < MR_COUNT(bad); i++) {
        (void)snprintf(body, sizeof body, "{\"name\":\"admin2\",\"secret\":\"%s\",\"password\":\"%s\"}",
                secret, bad[i]);
        assert_int_equal(
                people_ask(&env->people, &env->persons[ADMIN], "POST", "/api/v1/session/password", body),
                400);
    }
    json_decref(answer);
}

/* Who is to be forgotten is shown to nobody any more: what was open before is of no use, and nothing new
 * opens. */
static void a_blocked_person_is_not_shown(void **state)
{
    struct env *env = *state;
    json_int_t grant;
    size_t before;
    json_t *answer;

    assert_int_equal(open_for(env, OFFICER, env->other, "incident", "18-02"), 200);
    grant = people_number(&env->people, "grant");
    assert_int_equal(look(env, OFFICER, grant, env->other), 200);
    before = journal(env, "");
    answer = people_tool(&env->people, "zotova",
            (const char *const[]){"erase", "request", "--snils", SNILS_2, "--basis", "consent-withdrawn",
                    "--case", "19-01", NULL});
    json_decref(answer);
    assert_int_equal(look(env, OFFICER, grant, env->other), 451);
    assert_nothing_personal(env);
    assert_int_equal(open_for(env, OFFICER, env->other, "incident", "18-03"), 451);
    assert_nothing_personal(env);
    assert_int_equal(journal(env, ""), before);
    assert_int_equal(people_get(&env->people, &env->persons[SCHOOL], "/api/v1/tail"), 200);
    assert_nothing_personal(env);
}

/* The last one: the whole log as it is told, and what the hub wrote. */
static void nobody_stands_in_a_log(void **state)
{
    struct env *env = *state;
    const char *const argv[] = {"marshrut", "-c", env->spawn.config, "--json", "tail", NULL};
    struct run_program run = {0};

    run_program(&run, argv);
    assert_int_equal(run.status, 0);
    assert_non_null(strstr(run_program_out(&run), "hub.access.granted.v1"));
    for (size_t i = 0; i < MR_COUNT(values); i++) {
        assert_null(strstr(run_program_out(&run), values[i]));
        assert_false(spawn_logged(&env->spawn, values[i]));
    }
    run_program_fini(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(values_are_masked),
            cmocka_unit_test(only_for_a_reason_in_a_case),
            cmocka_unit_test(it_is_asked_once_a_case),
            cmocka_unit_test(what_is_open_is_shown_and_said),
            cmocka_unit_test(not_another_person_not_another_login),
            cmocka_unit_test(forged_requests_open_nothing),
            cmocka_unit_test(a_login_that_ended_sees_nothing),
            cmocka_unit_test(the_tool_says_it_too),
            cmocka_unit_test(passwords_that_are_tried_first),
            cmocka_unit_test(a_blocked_person_is_not_shown),
            cmocka_unit_test(nobody_stands_in_a_log),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
