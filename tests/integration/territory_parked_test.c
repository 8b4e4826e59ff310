/*
 * Parked deliveries and who is limited: by the roles of the desk they try again and give up what is theirs;
 * of others there is nothing, and no telling whether there is.
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
#include "tests/support/bus_client.h"
#include "tests/support/people.h"

#define SUB    "cnppm-deficits"
#define TOWN_1 "04701000"
#define TOWN_2 "04709000"
#define EVENT                                                                                                \
    "{\"specversion\":\"1.0\",\"id\":\"%s-%d\",\"source\":\"urn:marshrut:24:%s\",\"type\":\"%s\",\"time\":"  \
    "\"2026-09-01T09:00:00Z\",\"regioncode\":\"24\",\"basis\":\"employment\",\"actor\":\"u-1\","             \
    "\"actorrole\":\"clerk\",\"orgid\":\"%s\",\"data\":%s}"

enum { TEXT_BYTES = 1024, CREDIT = 100 };
enum { ORG_A, ORG_B, ORG_C, ORGS }; /* A and C are of one town */
enum { TOWN_OP, MMS_OP, REGION_OP, SCHOOL, AUDITOR, PEOPLE };

static const char *const names[PEOPLE] = {"town-op", "mms-op", "region-op", "school-a", "looker"};
static const char *const ogrns[ORGS] = {"1022400001007", "1022400002008", "1022400003009"};
static const char *const towns[ORGS] = {TOWN_1, TOWN_2, TOWN_1};
static const char *const snils[ORGS] = {"11223344595", "12345678964", "00100202120"};

struct env {
    struct spawn spawn;
    struct people people;
    struct person persons[PEOPLE];
    struct bus_client receiver;
    char school[PEOPLE_SECRET_BYTES], copmkp[PEOPLE_SECRET_BYTES];
    json_int_t numbers[ORGS]; /* of the deficits that nobody takes */
    json_int_t failed;        /* as many are waited for */
};

/* ---- support ---- */

static void publish(struct env *env, int org)
{
    char event[TEXT_BYTES], data[TEXT_BYTES / 2];

    (void)snprintf(data, sizeof data,
            "{\"ogrn\":\"%s\",\"name\":\"School %c\",\"kind\":\"school\",\"oktmo\":\"%s\"}", ogrns[org],
            'A' + org, towns[org]);
    (void)snprintf(event, sizeof event, EVENT, "org", org, "school", "nms.org.upserted.v1", ogrns[org], data);
    (void)people_publish(&env->people, env->school, event, "stored");
    (void)snprintf(data, sizeof data,
            "{\"person\":{\"snils\":\"%s\",\"familyName\":\"Петрова\",\"givenName\":\"Анна\"},\"deficitId\":"
            "\"D-%d\",\"area\":\"ict\",\"identifiedOn\":\"2026-03-01\"}",
            snils[org], org);
    (void)snprintf(event, sizeof event, EVENT, "deficit", org, "copmkp", "nms.deficit.identified.v1",
            ogrns[org], data);
    env->numbers[org] = people_publish(&env->people, env->copmkp, event, "stored");
}

static void let_in(struct env *env, int who)
{
    json_t *answer;

    if (who != SCHOOL) {
        people_let_in(&env->people, &env->persons[who], "boss", names[who]);
        return;
    }
    answer = people_tool(&env->people, "boss",
            (const char *const[]){
                    "account", "new", names[who], "--role", "organisation", "--ogrn", ogrns[ORG_A], NULL});
    people_accept(&env->people, &env->persons[who], names[who],
            json_string_value(json_object_get(answer, "secret")));
    json_decref(answer);
}

static int get(struct env *env, int who, const char *path)
{
    return people_get(&env->people, &env->persons[who], path);
}

static json_int_t told(struct env *env, const char *key)
{
    return people_number(&env->people, key);
}

static bool so_many_failed(void *ctx)
{
    struct env *env = ctx;

    assert_int_equal(get(env, AUDITOR, "/api/v1/parked?state=failed&subscription=" SUB), 200);
    /* what lies behind the cursor cannot be acted on yet */
    return told(env, "failed") == env->failed && bus_settled_cursor(&env->spawn, SUB) >= env->numbers[ORG_C];
}

static void expect_failed(struct env *env, json_int_t count)
{
    env->failed = count;
    spawn_until("they are parked", so_many_failed, env);
}

/* These come next, in this order. */
static void receive(struct env *env, const json_int_t *numbers, size_t count)
{
    for (size_t at = 0; at < count;) {
        const Marshrut__Bus__V1__Deliver *deliver =
                bus_expect(&env->receiver, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)->deliver;

        for (size_t i = 0; i < deliver->n_items; i++) {
            assert_true(at < count);
            assert_int_equal(deliver->items[i]->number, numbers[at++]);
        }
    }
}

static void refuse(struct env *env, int org)
{
    bus_nack(&env->receiver, SUB, (uint64_t)env->numbers[org], true);
}

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    spawn_init_hub(&env->spawn,
            "operators: [{name: boss, roles: [admin]}, {name: looker, roles: [auditor]},"
            " {name: mms-op, roles: [mms], oktmo: \"" TOWN_1 "\"},"
            " {name: town-op, roles: [cnppm], oktmo: \"" TOWN_1 "\"},"
            " {name: region-op, roles: [cnppm], oktmo: \"04000000\"}]\n",
            SPAWN_HUB "  http_listen: 127.0.0.1:0\n");
    spawn_start(&env->spawn);
    env->people = (struct people){.spawn = &env->spawn, .port = http_ask_port(&env->spawn)};
    people_token(&env->people, "boss", "school", env->school);
    people_token(&env->people, "boss", "copmkp", env->copmkp);
    for (int who = 0; who < PEOPLE; who++)
        let_in(env, who);
    for (int org = 0; org < ORGS; org++)
        publish(env, org);
    bus_connect_as(&env->receiver, &env->spawn, SPAWN_CNPPM);
    (void)bus_hello(&env->receiver, 0, 0);
    bus_subscribe(&env->receiver, SUB, CREDIT, 0);
    receive(env, env->numbers, ORGS);
    for (int org = 0; org < ORGS; org++)
        refuse(env, org);
    expect_failed(env, ORGS);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    bus_close(&env->receiver);
    people_fini(&env->people);
    spawn_stop(&env->spawn);
    spawn_fini(&env->spawn);
    free(env);
    return 0;
}

static bool is_theirs(int who, int org)
{
    return who == AUDITOR || who == REGION_OP || org == ORG_A || (who != SCHOOL && org == ORG_C);
}

/* ---- tests ---- */

static int look_at(struct env *env, int who, int org)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/api/v1/parked/%lld", (long long)env->numbers[org]);
    return get(env, who, path);
}

/* One delivery a page: these must be theirs. How many there are. */
static size_t walk_pages(struct env *env, int who)
{
    char path[96] = "/api/v1/parked?limit=1", next[256];
    size_t count = 0;

    do {
        json_t *json, *row;

        assert_int_equal(get(env, who, path), 200);
        json = people_json(&env->people);
        row = json_array_get(json_object_get(json, "parked"), 0);
        for (int org = 0; org < ORGS; org++)
            if (json_integer_value(json_object_get(row, "number")) == env->numbers[org])
                assert_true(is_theirs(who, org));
        count += json_array_size(json_object_get(json, "parked"));
        json_decref(json);
        (void)people_said(&env->people, "next", next);
        (void)snprintf(path, sizeof path, "/api/v1/parked?limit=1&cursor=%.40s", next);
    } while (*next && count < 2 * ORGS);
    return count;
}

static void what_is_theirs_is_shown(void **state)
{
    struct env *env = *state;

    for (int who = 0; who < PEOPLE; who++) {
        size_t theirs = 0;

        for (int org = 0; org < ORGS; org++) {
            theirs += is_theirs(who, org);
            assert_int_equal(look_at(env, who, org), is_theirs(who, org) ? 200 : 404);
        }
        assert_int_equal(walk_pages(env, who), theirs);
    }
    assert_int_equal(get(env, TOWN_OP, "/api/v1/parked?cursor=17"), 400);
}

static int settle(struct env *env, int who, const char *act, int org)
{
    char path[64], body[96];

    (void)snprintf(path, sizeof path, "/api/v1/parked/%s", act);
    (void)snprintf(body, sizeof body, "{\"numbers\":[%lld],\"case\":\"17\"}", (long long)env->numbers[org]);
    return people_ask(&env->people, &env->persons[who], "POST", path, body);
}

static void what_is_theirs_is_settled(void **state)
{
    static const char *const acts[] = {"retry", "release", "discard"};
    struct env *env = *state;

    for (size_t i = 0; i < MR_COUNT(acts); i++) {
        assert_int_equal(settle(env, MMS_OP, acts[i], ORG_A), 403); /* not by their role */
        assert_int_equal(settle(env, SCHOOL, acts[i], ORG_A), 403);
        assert_int_equal(settle(env, AUDITOR, acts[i], ORG_A), 403);
        assert_int_equal(settle(env, TOWN_OP, acts[i], ORG_B), 404);
    }
    assert_int_equal(people_ask(&env->people, &env->persons[TOWN_OP], "POST", "/api/v1/parked/retry",
                             "{\"all\":true}"),
            200);
    assert_int_equal(told(env, "released"), 2);
    assert_int_equal(told(env, "not_now"), 0);    /* nor is there a word of the third */
    for (int org = 0; org < ORGS; org += ORG_C) { /* one comes when the one before it is settled */
        receive(env, &env->numbers[org], 1);
        refuse(env, org);
    }
    expect_failed(env, ORGS);
    assert_int_equal(settle(env, TOWN_OP, "discard", ORG_A), 200);
    assert_int_equal(told(env, "discarded"), 1);
    expect_failed(env, 2);
    assert_int_equal(settle(env, REGION_OP, "discard", ORG_B), 200);
    expect_failed(env, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_is_theirs_is_shown), cmocka_unit_test(what_is_theirs_is_settled)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
