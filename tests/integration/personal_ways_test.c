/*
 * Where personal data comes out: every route of the API, asked by people of each role with what there is, and
 * every method, asked by the tool. Values of persons come out by the ways of the table in docs/api.md and by
 * no other; each of these is said in the log, with who, why and in which case, and nobody may keep it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/http/reading.h"
#include "proto/base/list.h"
#include "tests/support/people.h"
#include "tests/support/run_program.h"

#define SNILS "11223344595"
#define WRONG "11223344596"
#define GOOD  "12345678964"
#define NAME  "Непомнящая"
#define OTHER "Зимородкова"
#define EVENT                                                                                                  \
    "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"urn:marshrut:24:school\",\"type\":"                   \
    "\"nms.employment.started.v1\",\"time\":\"2026-09-01T09:00:00Z\",\"regioncode\":\"24\",\"basis\":"         \
    "\"employment\",\"actor\":\"u-1\",\"actorrole\":\"clerk\",\"orgid\":\"1022400001007\",\"data\":"           \
    "{\"person\":{\"snils\":\"%s\",\"familyName\":\"%s\",\"givenName\":\"Анна\"},\"employmentId\":\"%s\"," \
    "\"orgOgrn\":\"1022400001007\",\"post\":\"учитель\",\"staffGroup\":\"PR\",\"startedOn\":"           \
    "\"2020-09-01\"}}"

enum { OFFICER, AUDITOR, CNPPM, ADMIN, MINISTRY, SCHOOL, PEOPLE, TEXT_BYTES = 1024, PATH_BYTES = 192 };

static const char *const names[] = {"zotova", "looker", "orlova", "boss", "belov"};
static const char *const values[] = {SNILS, WRONG, GOOD, NAME, OTHER, "112-233-445"};

struct env {
    struct spawn spawn;
    struct people people;
    struct person persons[PEOPLE];
    json_int_t sealed, waits, grant;
};

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);
    char token[64], event[TEXT_BYTES];
    json_t *answer;

    spawn_init_hub(&env->spawn,
            "operators:\n  - {name: boss, roles: [admin]}\n  - {name: zotova, roles: [pd-officer]}\n"
            "  - {name: looker, roles: [auditor]}\n  - {name: orlova, roles: [cnppm]}\n"
            "  - {name: belov, roles: [ministry]}\n",
            "  ballast_mb: 1\n  space_watermark_mb: 1\n  http_listen: 127.0.0.1:0\n");
    spawn_start(&env->spawn);
    env->people = (struct people){.spawn = &env->spawn, .port = http_ask_port(&env->spawn)};
    people_token(&env->people, "boss", "school", token);
    (void)snprintf(event, sizeof event, EVENT, "e-1", SNILS, NAME, "e-1");
    env->sealed = people_publish(&env->people, token, event, "stored");
    (void)snprintf(event, sizeof event, EVENT, "e-2", WRONG, OTHER, "e-2");
    env->waits = people_publish(&env->people, token, event, "quarantined");
    for (int i = OFFICER; i <= MINISTRY; i++)
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

static bool has_value(struct mr_slice text)
{
    for (size_t i = 0; i < MR_COUNT(values); i++)
        if (memmem(text.data, text.size, values[i], strlen(values[i])))
            return true;
    return false;
}

static int post(struct env *env, int who, const char *path, const char *body)
{
    return people_ask(&env->people, &env->persons[who], "POST", path, body);
}

static json_int_t head(struct env *env)
{
    json_int_t head;

    assert_int_equal(people_get(&env->people, &env->persons[ADMIN], "/api/v1/status"), 200);
    head = people_number(&env->people, "head");
    return head;
}

/* The newest record of the journal says who looked, why and in which case. */
static void assert_said(struct env *env, const char *who, const char *method, const char *reason,
        const char *case_code, json_int_t record)
{
    json_t *json, *item;

    assert_int_equal(people_get(&env->people, &env->persons[AUDITOR], "/api/v1/access?limit=1"), 200);
    json = people_json(&env->people);
    item = json_array_get(json_object_get(json, "items"), 0);
    assert_string_equal(json_string_value(json_object_get(item, "who")), who);
    assert_string_equal(json_string_value(json_object_get(item, "method")), method);
    assert_string_equal(json_string_value(json_object_get(item, "reason")), reason);
    assert_string_equal(json_string_value(json_object_get(item, "case")), case_code);
    assert_int_equal(json_integer_value(json_object_get(item, "record")), record);
    json_decref(json);
}

static void assert_kept_by_nobody(struct env *env)
{
    char cache[64];

    (void)http_ask_header(&env->people.ask, "Cache-Control", cache, sizeof cache);
    assert_non_null(strstr(cache, "no-store"));
}

/* ---- the table of the document ---- */

static char *section(const char *title)
{
    FILE *file = fopen(MR_SOURCE_DIR "/docs/api.md", "re");
    char *text = NULL, *at;
    size_t size = 0;

    assert_non_null(file);
    assert_true(getdelim(&text, &size, '\0', file) > 0);
    (void)fclose(file);
    at = strstr(text, title);
    if (!at)
        fail_msg("docs/api.md has no section %s", title);
    memmove(text, at + 3, strlen(at + 3) + 1);
    at = strstr(text, "\n## ");
    if (at)
        *at = '\0';
    return text;
}

static bool is_listed(const char *table, const char *name)
{
    char row[PATH_BYTES];

    (void)snprintf(row, sizeof row, "`%s`", name);
    return strstr(table, row) != NULL;
}

/* ---- by HTTP ---- */

/* With what there is: {number} of the sealed record, or of the one that waits. */
static const char *path_of(const struct mr_api_route *route, json_int_t number, char ret[static PATH_BYTES])
{
    size_t used = 0;

    for (const char *at = route->path; *at && used < 150; at++) {
        if (*at != '{') {
            ret[used++] = *at;
            continue;
        }
        used += (size_t)snprintf(ret + used, PATH_BYTES - used, "%lld", (long long)number);
        at += strcspn(at, "}");
    }
    ret[used] = '\0';
    if (strstr(route->path, "/watch"))
        (void)snprintf(ret + used, PATH_BYTES - used, "?nonsense=1");
    return ret;
}

/* Would do something that the other tests need undone. */
static bool is_left_out(const struct mr_api_route *route)
{
    static const char *const paths[] = {"/session", "/lock", "/invite", "/discard", "/release", "/reject"};

    if (strcmp(route->method, "DELETE") == 0)
        return true;
    for (size_t i = 0; strcmp(route->method, "POST") == 0 && i < MR_COUNT(paths); i++)
        if (strstr(route->path, paths[i]))
            return true;
    return false;
}

static size_t walk(struct env *env, const struct mr_api_route *route)
{
    static const char *const bodies[] = {
            "{}", "{\"id\":\"e-2\"}", "{\"snils\":\"" SNILS "\",\"case\":\"17\"}"};
    const json_int_t numbers[] = {env->sealed, env->waits};
    size_t bodies_count = strcmp(route->method, "POST") == 0 ? MR_COUNT(bodies) : 1, asked = 0;
    char path[PATH_BYTES];

    for (int who = 0; who < PEOPLE; who++)
        for (size_t i = 0; i < MR_COUNT(numbers); i++)
            for (size_t j = 0; j < bodies_count; j++, asked++) {
                (void)people_ask(&env->people, &env->persons[who], route->method,
                        path_of(route, numbers[i], path), bodies_count > 1 ? bodies[j] : "");
                if (has_value(http_ask_body(&env->people.ask)))
                    fail_msg("%s %s shows a person to %s, who has said no reason", route->method, path,
                            env->persons[who].name);
            }
    return asked;
}

static void no_route_shows_a_person_without_a_reason(void **state)
{
    struct env *env = *state;
    const struct mr_api_route *route;
    size_t asked = 0;

    for (size_t i = 0; (route = mr_api_route_at(i)) != NULL; i++)
        if (!is_left_out(route))
            asked += walk(env, route);
    assert_true(asked > 500);
}

/* The rows of the table are these. */
static void the_document_lists_the_ways(void **state)
{
    static const char *const ways[] = {"POST /api/v1/access/{grant}/events/{number}", "access.look",
            "POST /api/v1/quarantine/{number}/show", "quarantine.show", "GET /api/v1/inbox", "hub.acts",
            "erase.show"};
    char *table = section("## Where personal data comes out");
    size_t rows = 0;

    (void)state;
    for (size_t i = 0; i < MR_COUNT(ways); i++)
        if (!is_listed(table, ways[i]))
            fail_msg("docs/api.md does not list %s", ways[i]);
    for (const char *at = table; (at = strstr(at, "\n| ")) != NULL; at++)
        rows++;
    assert_int_equal(rows, 1 + 5); /* with its head */
    free(table);
}

/* ---- with a reason ---- */

static void a_record_is_opened_in_a_case(void **state)
{
    struct env *env = *state;
    char body[128], path[PATH_BYTES];
    json_int_t before;

    (void)snprintf(body, sizeof body, "{\"number\":%lld,\"reason\":\"person\",\"case\":\"17\"}",
            (long long)env->sealed);
    assert_int_equal(post(env, OFFICER, "/api/v1/access", body), 200);
    assert_false(has_value(http_ask_body(&env->people.ask)));
    env->grant = people_number(&env->people, "grant");
    before = head(env);
    (void)snprintf(path, sizeof path, "/api/v1/access/%lld/events/%lld", (long long)env->grant,
            (long long)env->sealed);
    assert_int_equal(post(env, OFFICER, path, ""), 200);
    assert_true(has_value(http_ask_body(&env->people.ask)));
    assert_kept_by_nobody(env);
    assert_int_equal(head(env), before + 1);
    assert_said(env, "zotova", "access.look", "person", "17", env->sealed);
}

static int show(struct env *env, int who, const char *body)
{
    char path[PATH_BYTES];

    (void)snprintf(path, sizeof path, "/api/v1/quarantine/%lld/show", (long long)env->waits);
    return post(env, who, path, body);
}

/* The reason is asked once a case, by this login; each look is said all the same. */
static void what_waits_is_shown_in_a_case(void **state)
{
    struct env *env = *state;
    json_t *json, *looked;
    json_int_t before;

    assert_int_equal(show(env, CNPPM, "{\"case\":\"17\"}"), 400);
    assert_int_equal(show(env, CNPPM, "{\"case\":\"17\",\"reason\":\"curiosity\"}"), 400);
    assert_int_equal(show(env, CNPPM, "{\"reason\":\"correction\"}"), 400);
    assert_int_equal(show(env, MINISTRY, "{\"case\":\"17\",\"reason\":\"correction\"}"), 403);
    assert_int_equal(show(env, SCHOOL, "{\"case\":\"17\",\"reason\":\"correction\"}"), 403);
    before = head(env);
    assert_int_equal(show(env, CNPPM, "{\"case\":\"17\",\"reason\":\"correction\"}"), 200);
    assert_true(has_value(http_ask_body(&env->people.ask)));
    assert_kept_by_nobody(env);
    json = people_json(&env->people);
    looked = json_object_get(json, "looked");
    assert_string_equal(json_string_value(json_object_get(looked, "reason")), "correction");
    assert_non_null(json_string_value(json_object_get(looked, "until")));
    json_decref(json);
    assert_int_equal(head(env), before + 1);
    assert_said(env, "orlova", "quarantine.show", "correction", "17", env->waits);

    assert_int_equal(show(env, CNPPM, "{\"case\":\"17\"}"), 200);
    assert_true(has_value(http_ask_body(&env->people.ask)));
    assert_int_equal(head(env), before + 2);
    assert_said(env, "orlova", "quarantine.show", "correction", "17", env->waits);
    assert_int_equal(show(env, CNPPM, "{\"case\":\"18\"}"), 400);
    assert_int_equal(show(env, ADMIN, "{\"case\":\"17\"}"), 400);
    assert_int_equal(head(env), before + 2);
}

/* What is open at the desk opens no record of the log. */
static void the_desk_opens_no_record(void **state)
{
    struct env *env = *state;
    char body[128], path[PATH_BYTES];
    json_int_t grant = 0;
    json_t *json, *one;
    size_t i;

    assert_int_equal(show(env, AUDITOR, "{\"case\":\"19\",\"reason\":\"inspection\"}"), 200);
    assert_int_equal(people_get(&env->people, &env->persons[AUDITOR], "/api/v1/access/mine"), 200);
    json = people_json(&env->people);
    json_array_foreach (json_object_get(json, "grants"), i, one)
        if (json_is_true(json_object_get(one, "desk")))
            grant = json_integer_value(json_object_get(one, "grant"));
    json_decref(json);
    assert_true(grant > 0);
    (void)snprintf(
            path, sizeof path, "/api/v1/access/%lld/events/%lld", (long long)grant, (long long)env->sealed);
    assert_int_equal(post(env, AUDITOR, path, ""), 404);
    (void)snprintf(body, sizeof body, "{\"number\":-1,\"reason\":\"inspection\",\"case\":\"19\"}");
    assert_int_equal(post(env, AUDITOR, "/api/v1/access", body), 400);
}

/* ---- by the tool ---- */

/* Every command that only asks: nothing of a person, but by those of the table. */
static void the_tool_shows_nobody_else(void **state)
{
    struct env *env = *state;
    char sealed[24], waits[24];
    const char *const commands[][8] = {{"log", "show", sealed}, {"log", "show", waits}, {"log", "tail"},
            {"log", "find", "--id", "e-1"}, {"log", "find", "--type", "nms."}, {"where", "e-1"},
            {"where", "e-2"}, {"quarantine", "list"},
            {"quarantine", "list", "--state", "all", "--lang", "ru"}, {"access", "list"}, {"erase", "list"},
            {"hold", "list"}, {"parked", "list"}, {"balance"}, {"status"}, {"receipt", sealed},
            {"log", "count"}, {"log", "segments"}};
    const char *const shown[][9] = {{"access", "look", sealed, "--reason", "person", "--case", "21"},
            {"quarantine", "show", waits, "--reason", "correction", "--case", "21"}};
    char *table = section("## Where personal data comes out");

    (void)snprintf(sealed, sizeof sealed, "%lld", (long long)env->sealed);
    (void)snprintf(waits, sizeof waits, "%lld", (long long)env->waits);
    for (size_t i = 0; i < MR_COUNT(commands) + MR_COUNT(shown); i++) {
        const char *const *words = i < MR_COUNT(commands) ? commands[i] : shown[i - MR_COUNT(commands)];
        const char *argv[18] = {"marshrut", "-c", env->spawn.config, "--json", "--as", "zotova"};
        struct run_program run = {0};
        char name[64];
        size_t n = 6;

        for (size_t k = 0; k < 8 && words[k]; k++)
            argv[n++] = words[k];
        run_program(&run, argv);
        if (i >= MR_COUNT(commands)) {
            (void)snprintf(name, sizeof name, "%s.%s", words[0], words[1]);
            assert_int_equal(run.status, 0);
            assert_true(has_value(mr_buf_slice(&run.out)));
            if (!is_listed(table, name))
                fail_msg("docs/api.md does not say that %s shows persons", name);
            assert_said(
                    env, "zotova", name, words[4], "21", i == MR_COUNT(commands) ? env->sealed : env->waits);
        } else if (has_value(mr_buf_slice(&run.out)) || has_value(mr_buf_slice(&run.err))) {
            fail_msg("marshrut %s %s shows a person", words[0], words[1] ? words[1] : "");
        }
        run_program_fini(&run);
    }
    free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(no_route_shows_a_person_without_a_reason),
            cmocka_unit_test(the_document_lists_the_ways),
            cmocka_unit_test(a_record_is_opened_in_a_case),
            cmocka_unit_test(what_waits_is_shown_in_a_case),
            cmocka_unit_test(the_desk_opens_no_record),
            cmocka_unit_test(the_tool_shows_nobody_else),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
