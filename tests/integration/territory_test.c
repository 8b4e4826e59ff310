/*
 * Accounts that are limited to an organisation or to a municipality: whatever they ask, by every route of the
 * API, nothing of another one comes back, and what is not theirs cannot be told from what is not there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/http/route.h"
#include "proto/base/list.h"
#include "tests/support/people.h"
#include "tests/support/run_program.h"

#define SCHOOL_A "1022400001007"
#define SCHOOL_B "1022400002008"
#define SCHOOL_C "1022400003009"
#define TOWN_1   "04701000"
#define TOWN_2   "04709000"
#define EVENT                                                                                                \
    "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"urn:marshrut:24:%s\",\"type\":\"%s\",\"time\":"     \
    "\"2026-09-01T09:00:00Z\",\"regioncode\":\"24\",\"basis\":\"employment\",\"actor\":\"u-1\","             \
    "\"actorrole\":\"clerk\",\"correlationid\":\"c-shared\",\"orgid\":\"%s\",\"data\":%s}"

enum { ORG_A, ORG_B, ORG_C, ORGS, EVENTS_EACH = 4, TEXT_BYTES = 1024 };
enum { OF_A, OF_B, OF_TOWN_1, OF_NOTHING, MMS_OP, REGION_OP, SCHOOL_OP, TOWN_OP, AUDITOR, PEOPLE };

static const char *const ogrns[ORGS] = {SCHOOL_A, SCHOOL_B, SCHOOL_C};
static const char *const towns[ORGS] = {TOWN_1, TOWN_2, TOWN_1};

struct env {
    struct spawn spawn;
    struct people people;
    struct person persons[PEOPLE];
    char school[64], copmkp[64];
    json_int_t numbers[ORGS][EVENTS_EACH]; /* the organisation, an employment, a deficit, one that waits */
};

/* ---- support ---- */

static json_int_t publish(struct env *env, int org, const char *system, const char *id, const char *type,
        const char *data, const char *verdict)
{
    char event[TEXT_BYTES];

    (void)snprintf(event, sizeof event, EVENT, id, system, type, ogrns[org], data);
    return people_publish(
            &env->people, strcmp(system, "school") == 0 ? env->school : env->copmkp, event, verdict);
}

/* СНИЛС with right check digits. */
static const char *const snils[ORGS] = {"11223344595", "12345678964", "00100202120"};

static void publish_all(struct env *env, int org)
{
    char id[32], data[512];

    (void)snprintf(data, sizeof data,
            "{\"ogrn\":\"%s\",\"name\":\"School %c\",\"kind\":\"school\",\"oktmo\":\"%s\"}", ogrns[org],
            'A' + org, towns[org]);
    (void)snprintf(id, sizeof id, "org-%c", 'a' + org);
    env->numbers[org][0] = publish(env, org, "school", id, "nms.org.upserted.v1", data, "stored");
    (void)snprintf(data, sizeof data,
            "{\"person\":{\"snils\":\"%s\",\"familyName\":\"Петрова\",\"givenName\":\"Анна\"},"
            "\"employmentId\":"
            "\"e-%c\",\"orgOgrn\":\"%s\",\"post\":\"учитель\",\"staffGroup\":\"PR\",\"startedOn\":"
            "\"2020-09-01\"}",
            snils[org], 'a' + org, ogrns[org]);
    (void)snprintf(id, sizeof id, "work-%c", 'a' + org);
    env->numbers[org][1] = publish(env, org, "school", id, "nms.employment.started.v1", data, "stored");
    (void)snprintf(data, sizeof data,
            "{\"person\":{\"snils\":\"%s\"},\"deficitId\":\"D-%c\",\"area\":\"ict\",\"identifiedOn\":"
            "\"2026-03-01\"}",
            snils[org], 'a' + org);
    (void)snprintf(id, sizeof id, "deficit-%c", 'a' + org);
    env->numbers[org][2] = publish(env, org, "copmkp", id, "nms.deficit.identified.v1", data, "stored");
    (void)snprintf(data, sizeof data,
            "{\"person\":{\"snils\":\"11223344500\",\"familyName\":\"Петрова\",\"givenName\":\"Анна\"},"
            "\"employmentId\":\"w-%c\",\"orgOgrn\":\"%s\",\"post\":\"учитель\",\"staffGroup\":\"PR\","
            "\"startedOn\":\"2020-09-01\"}",
            'a' + org, ogrns[org]);
    (void)snprintf(id, sizeof id, "wrong-%c", 'a' + org);
    env->numbers[org][3] = publish(env, org, "school", id, "nms.employment.started.v1", data, "quarantined");
}

static void let_in_limited(
        struct env *env, int who, const char *name, const char *role, const char *option, const char *value)
{
    json_t *answer = people_tool(&env->people, "boss",
            (const char *const[]){"account", "new", name, "--role", role, option, value, NULL});

    people_accept(
            &env->people, &env->persons[who], name, json_string_value(json_object_get(answer, "secret")));
    json_decref(answer);
}

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    spawn_init_hub(&env->spawn,
            "operators: [{name: boss, roles: [admin]}, {name: looker, roles: [auditor]},"
            " {name: mms-op, roles: [mms], oktmo: \"" TOWN_1 "\"},"
            " {name: town-op, roles: [cnppm], oktmo: \"" TOWN_1 "\"},"
            " {name: region-op, roles: [cnppm], oktmo: \"04000000\"},"
            " {name: school-op, roles: [ministry], ogrn: \"" SCHOOL_B "\"}]\n",
            "  ballast_mb: 1\n  space_watermark_mb: 1\n  http_listen: 127.0.0.1:0\n");
    spawn_start(&env->spawn);
    env->people = (struct people){.spawn = &env->spawn, .port = http_ask_port(&env->spawn)};
    people_token(&env->people, "boss", "school", env->school);
    people_token(&env->people, "boss", "copmkp", env->copmkp);
    for (int i = 0; i < ORGS; i++)
        publish_all(env, i);
    let_in_limited(env, OF_A, "school-a", "organisation", "--ogrn", SCHOOL_A);
    let_in_limited(env, OF_B, "school-b", "organisation", "--ogrn", SCHOOL_B);
    let_in_limited(env, OF_TOWN_1, "mms-1", "mms", "--oktmo", TOWN_1);
    let_in_limited(env, OF_NOTHING, "mms-9", "mms", "--oktmo", "04799000");
    people_let_in(&env->people, &env->persons[AUDITOR], "boss", "looker");
    people_let_in(&env->people, &env->persons[MMS_OP], "boss", "mms-op");
    people_let_in(&env->people, &env->persons[REGION_OP], "boss", "region-op");
    people_let_in(&env->people, &env->persons[SCHOOL_OP], "boss", "school-op");
    people_let_in(&env->people, &env->persons[TOWN_OP], "boss", "town-op");
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

/* Which organisations are whose. */
static bool is_theirs(int who, int org)
{
    return who == AUDITOR || who == REGION_OP || (who == OF_A && org == ORG_A) ||
           ((who == OF_B || who == SCHOOL_OP) && org == ORG_B) ||
           ((who == OF_TOWN_1 || who == MMS_OP || who == TOWN_OP) && org != ORG_B);
}

static int get(struct env *env, int who, const char *path)
{
    return people_get(&env->people, &env->persons[who], path);
}

static int post(struct env *env, int who, const char *path, const char *body)
{
    return people_ask(&env->people, &env->persons[who], "POST", path, body);
}

/* ---- tests ---- */

/* Every log number that stands anywhere in an answer. */
static void note_numbers(const json_t *json, bool *ret_seen, size_t max)
{
    const char *key;
    json_t *value;
    size_t i;

    json_array_foreach (json, i, value)
        note_numbers(value, ret_seen, max);
    json_object_foreach ((json_t *)(uintptr_t)json, key, value) {
        if (json_is_integer(value) && strcmp(key, "number") == 0 &&
                json_integer_value(value) < (json_int_t)max)
            ret_seen[json_integer_value(value)] = true;
        note_numbers(value, ret_seen, max);
    }
}

static bool is_operator(int who)
{
    return who == MMS_OP || who == REGION_OP || who == SCHOOL_OP || who == TOWN_OP;
}

static size_t check_answer(struct env *env, int who, const char *path)
{
    struct mr_slice body = http_ask_body(&env->people.ask);
    json_t *json = json_loadb((const char *)body.data, body.size, 0, NULL);
    bool seen[256] = {false};
    size_t theirs = 0;

    note_numbers(json, seen, sizeof seen);
    for (int org = 0; org < ORGS; org++)
        for (int i = 0; i < EVENTS_EACH; i++) {
            bool told = seen[env->numbers[org][i]];

            if (told && !is_theirs(who, org))
                fail_msg("%s tells %s of %s", path, env->persons[who].name, ogrns[org]);
            theirs += told;
        }
    json_decref(json);
    return theirs;
}

static const char *path_of(
        const struct mr_api_route *route, json_int_t number, const char *id, char ret[static 160])
{
    const char *brace = strchr(route->path, '{');
    char text[32];

    (void)snprintf(ret, 160, "%s", route->path);
    if (!brace)
        return ret;
    (void)snprintf(text, sizeof text, "%lld", (long long)number);
    (void)snprintf(ret, 160, "%.*s%s%s", (int)(brace - route->path), route->path,
            strncmp(brace, "{id}", 4) == 0 ? id : text, strchr(brace, '}') + 1);
    return ret;
}

/* By every route, with an event of each organisation. */
static void no_route_tells_of_others(void **state)
{
    struct env *env = *state;
    const struct mr_api_route *route;
    size_t answered = 0, found = 0;
    char path[160], id[32];

    for (int who = 0; who < AUDITOR; who++)
        for (size_t i = 0; (route = mr_api_route_at(i)) != NULL; i++)
            for (int org = 0; org < ORGS; org++) {
                if (strcmp(route->method, "GET") != 0 || !route->scope)
                    continue;
                (void)snprintf(id, sizeof id, "work-%c", 'a' + org);
                (void)get(env, who, path_of(route, env->numbers[org][1], id, path));
                if (env->people.ask.status != 503) /* a receipt, before there is a checkpoint */
                    assert_in_range(env->people.ask.status, 200, 404);
                if (strchr(route->path, '{') && !is_theirs(who, org) && env->people.ask.status == 200)
                    fail_msg("%s answers %s", path, env->persons[who].name);
                if (!route->limited && route->scope != MR_TOKEN_PERSON &&
                        !(is_operator(who) && route->scope == MR_TOKEN_PASSPORT))
                    assert_int_equal(env->people.ask.status, 403);
                answered += env->people.ask.status == 200;
                found += check_answer(env, who, path);
            }
    assert_true(answered > 30);
    assert_true(found > 60);
}

/* What is asked by the body is bounded as what is asked by the address. */
static void no_body_asks_for_others(void **state)
{
    static const char *const asked[][2] = {{"/api/v1/events/find", "{}"},
            {"/api/v1/events/find", "{\"correlation\":\"c-shared\",\"limit\":100}"},
            {"/api/v1/quarantine/find", "{\"state\":\"all\"}"}, {"/api/v1/where", "{\"id\":\"c-shared\"}"}};
    struct env *env = *state;
    size_t found[PEOPLE] = {0};

    for (int who = 0; who < PEOPLE; who++)
        for (size_t i = 0; i < MR_COUNT(asked); i++) {
            int status = post(env, who, asked[i][0], asked[i][1]);

            if (status != 404 || who != OF_NOTHING)
                assert_int_equal(status, 200);
            found[who] += check_answer(env, who, asked[i][0]);
        }
    assert_int_equal(found[OF_NOTHING], 0);
    assert_true(found[OF_A] > 0 && found[OF_TOWN_1] > found[OF_A] && found[AUDITOR] > found[OF_TOWN_1]);
    assert_true(found[MMS_OP] == found[OF_TOWN_1] && found[SCHOOL_OP] == found[OF_B]);
    for (int who = 0; who < AUDITOR; who++) {
        assert_int_equal(post(env, who, "/api/v1/access/find", "{}"), 403);
    }
}

static bool has_file(struct mr_slice zip, json_int_t number)
{
    char name[64];

    (void)snprintf(name, sizeof name, "leaves/%lld.leaf", (long long)number);
    return memmem(zip.data, zip.size, name, strlen(name)) != NULL;
}

static bool exports(struct env *env, int who, const char *query)
{
    char path[96];
    int status;

    (void)snprintf(path, sizeof path, "/api/v1/events/export%s", query);
    status = get(env, who, path);
    assert_true(status == 200 || status == 404); /* 404: nothing that a checkpoint covers yet */
    return status == 200;
}

static bool all_is_signed(void *ctx)
{
    return exports(ctx, AUDITOR, "?id=wrong-c");
}

/* The files of the zip are named by the records in it. */
static void an_export_has_what_is_theirs(void **state)
{
    struct env *env = *state;

    spawn_until("the newest of them is signed", all_is_signed, env);
    for (int who = 0; who < PEOPLE; who++) {
        bool some = exports(env, who, "");
        struct mr_slice zip = http_ask_body(&env->people.ask);

        assert_int_equal(some, who != OF_NOTHING);
        for (int org = 0; org < ORGS; org++)
            for (int i = 0; some && i < EVENTS_EACH; i++)
                assert_int_equal(has_file(zip, env->numbers[org][i]), is_theirs(who, org));
    }
}

/* The tool asks as the same operator, and is told the same. */
static void the_tool_is_limited_too(void **state)
{
    static const char *const refused[][3] = {
            {"balance"}, {"log", "count"}, {"passport", "explain", "1.total"}, {"status"}, {"top", "--once"}};
    struct env *env = *state;

    for (int org = 0; org < ORGS; org++) {
        char number[24];
        const char *const argv[] = {
                "marshrut", "-c", env->spawn.config, "--json", "--as", "mms-op", "log", "show", number, NULL};
        struct run_program run = {0};

        (void)snprintf(number, sizeof number, "%lld", (long long)env->numbers[org][0]);
        run_program(&run, argv);
        assert_int_equal(run.status == 0, is_theirs(MMS_OP, org));
        run_program_fini(&run);
    }
    for (size_t i = 0; i < MR_COUNT(refused); i++) {
        const char *const argv[] = {"marshrut", "-c", env->spawn.config, "--as", "mms-op", refused[i][0],
                refused[i][1], refused[i][2], NULL};
        struct run_program run = {0};

        run_program(&run, argv);
        assert_int_equal(run.status, mr_err_exit(MR_EDENIED));
        assert_non_null(strstr(run_program_err(&run), "limited to a territory"));
        run_program_fini(&run);
    }
}

static void everything_that_is_theirs_is_found(void **state)
{
    static const struct {
        int who;
        size_t events, waiting;
    } rows[] = {{OF_A, 4, 1}, {OF_B, 4, 1}, {OF_TOWN_1, 8, 2}, {OF_NOTHING, 0, 0}, {MMS_OP, 8, 2},
            {REGION_OP, 12, 3}, {SCHOOL_OP, 4, 1}, {AUDITOR, 12, 3}};
    struct env *env = *state;

    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        assert_int_equal(get(env, rows[i].who, "/api/v1/tail"), 200);
        assert_int_equal(check_answer(env, rows[i].who, "tail"), rows[i].events);
        assert_int_equal(get(env, rows[i].who, "/api/v1/events"), 200);
        /* of what waits the search says the organisation to nobody but those whose it is */
        assert_int_equal(check_answer(env, rows[i].who, "events"), rows[i].events);
        assert_int_equal(get(env, rows[i].who, "/api/v1/events?correlation=c-shared"), 200);
        assert_int_equal(check_answer(env, rows[i].who, "a correlation"), rows[i].events);
        assert_int_equal(get(env, rows[i].who, "/api/v1/quarantine"), 200);
        assert_int_equal(people_number(&env->people, "count"), rows[i].waiting);
    }
}

/* Another's event, and none at all: the same answer, to the letter. */
static void what_is_not_theirs_is_not_there(void **state)
{
    static const char *const paths[] = {"", "/case", "/way", "/receipt"};
    struct env *env = *state;
    char path[64], absent[TEXT_BYTES];

    for (size_t i = 0; i < MR_COUNT(paths); i++) {
        (void)snprintf(path, sizeof path, "/api/v1/events/%d%s", 9999999, paths[i]);
        assert_int_equal(get(env, OF_A, path), 404);
        (void)snprintf(absent, sizeof absent, "%.*s", (int)http_ask_body(&env->people.ask).size,
                (const char *)http_ask_body(&env->people.ask).data);
        for (int n = 0; n < EVENTS_EACH; n++) {
            (void)snprintf(
                    path, sizeof path, "/api/v1/events/%lld%s", (long long)env->numbers[ORG_B][n], paths[i]);
            assert_int_equal(get(env, OF_A, path), 404);
            assert_int_equal(http_ask_body(&env->people.ask).size, strlen(absent));
            assert_memory_equal(http_ask_body(&env->people.ask).data, absent, strlen(absent));
        }
    }
    assert_int_equal(post(env, OF_A, "/api/v1/where", "{\"id\":\"work-b\"}"), 404);
    assert_int_equal(post(env, OF_A, "/api/v1/where", "{\"id\":\"work-a\"}"), 200);
    assert_int_equal(get(env, OF_A, "/api/v1/events?organisation=" SCHOOL_B), 200);
    assert_int_equal(people_number(&env->people, "found"), 0);
}

/* An organisation that moves takes its events with it. */
static void a_municipality_is_what_was_said_last(void **state)
{
    struct env *env = *state;

    (void)publish(env, ORG_C, "school", "org-c-2", "nms.org.upserted.v1",
            "{\"ogrn\":\"" SCHOOL_C "\",\"name\":\"School C\",\"kind\":\"school\",\"oktmo\":\"" TOWN_2 "\"}",
            "stored");
    assert_int_equal(get(env, OF_TOWN_1, "/api/v1/tail"), 200);
    assert_int_equal(check_answer(env, OF_TOWN_1, "tail"), 4);
}

static void what_is_no_limit_is_refused(void **state)
{
    static const char *const arguments[][4] = {{"organisation", "--ogrn", "1022400001000"},
            {"organisation", "--oktmo", TOWN_1}, {"mms", "--oktmo", "123"}, {"mms", "--ogrn", SCHOOL_A},
            {"admin", "--ogrn", SCHOOL_A}};
    struct env *env = *state;

    for (size_t i = 0; i < MR_COUNT(arguments); i++) {
        const char *const argv[] = {"marshrut", "-c", env->spawn.config, "--as", "boss", "account", "new",
                "somebody", "--role", arguments[i][0], arguments[i][1], arguments[i][2], NULL};
        struct run_program run = {0};

        run_program(&run, argv);
        assert_int_not_equal(run.status, 0);
        run_program_fini(&run);
    }
    assert_int_equal(people_ask(&env->people, &env->persons[OF_A], "POST", "/api/v1/accounts",
                             "{\"name\":\"x\",\"role\":\"organisation\",\"ogrn\":\"" SCHOOL_A "\"}"),
            403);
}

static json_int_t told(struct env *env, const char *key)
{
    return people_number(&env->people, key);
}

static int desk(struct env *env, int who, int org, const char *act, const char *body)
{
    char path[96];

    (void)snprintf(path, sizeof path, "/api/v1/quarantine/%lld/%s", (long long)env->numbers[org][3], act);
    return post(env, who, path, body);
}

/* One of many that are named is not theirs: that one is not there. */
static void discard_of(struct env *env, int who, int org, json_int_t done)
{
    char body[96];

    (void)snprintf(
            body, sizeof body, "{\"numbers\":[%lld],\"reason\":\"r\"}", (long long)env->numbers[org][3]);
    assert_int_equal(post(env, who, "/api/v1/quarantine/discard", body), 200);
    assert_int_equal(told(env, "done"), done);
    assert_int_equal(told(env, "failed"), 1 - done);
}

/* An operator of a town corrects, takes and discards what is of its schools, and nothing else. */
static void who_is_limited_acts_on_what_is_theirs(void **state)
{
    static const char fix[] = "{\"set\":{\"person.snils\":\"11223344595\"},\"reason\":\"r\"}";
    static const char why[] = "{\"reason\":\"correction\",\"case\":\"case-1\"}";
    struct env *env = *state;
    char body[64];

    assert_int_equal(desk(env, TOWN_OP, ORG_B, "show", why), 404);
    assert_int_equal(desk(env, TOWN_OP, ORG_B, "fix", fix), 404);
    assert_int_equal(desk(env, TOWN_OP, ORG_B, "approve", "{\"proposal\":1}"), 404);
    assert_int_equal(desk(env, MMS_OP, ORG_A, "fix", fix), 403); /* not by their role */
    assert_int_equal(desk(env, OF_A, ORG_A, "fix", fix), 403);
    assert_int_equal(desk(env, TOWN_OP, ORG_A, "show", why), 200);
    assert_int_equal(desk(env, TOWN_OP, ORG_A, "fix", fix), 200);
    (void)snprintf(body, sizeof body, "{\"proposal\":%lld}", (long long)told(env, "event"));
    assert_int_equal(desk(env, TOWN_OP, ORG_A, "approve", body), 403); /* their own */
    assert_int_equal(desk(env, REGION_OP, ORG_A, "approve", body), 200);
    assert_int_equal(told(env, "done"), 1);
    discard_of(env, TOWN_OP, ORG_B, 0);
    assert_int_equal(
            post(env, TOWN_OP, "/api/v1/quarantine/discard", "{\"system\":\"school\",\"reason\":\"r\"}"),
            200);
    assert_int_equal(told(env, "done"), 1); /* the one of the other school of the town */
    assert_int_equal(told(env, "failed"), 0);
    assert_int_equal(get(env, AUDITOR, "/api/v1/quarantine?state=waiting"), 200);
    assert_int_equal(told(env, "count"), 1);
    discard_of(env, REGION_OP, ORG_B, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(no_route_tells_of_others),
            cmocka_unit_test(no_body_asks_for_others),
            cmocka_unit_test(an_export_has_what_is_theirs),
            cmocka_unit_test(the_tool_is_limited_too),
            cmocka_unit_test(everything_that_is_theirs_is_found),
            cmocka_unit_test(what_is_not_theirs_is_not_there),
            cmocka_unit_test(what_is_no_limit_is_refused),
            cmocka_unit_test(who_is_limited_acts_on_what_is_theirs),
            cmocka_unit_test(a_municipality_is_what_was_said_last),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
