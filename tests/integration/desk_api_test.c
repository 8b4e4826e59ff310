/*
 * The desk over HTTP, by the people whose work it is: every act by its roles and by nobody else, four eyes by
 * account, many at once, what is asked wrongly, and parked deliveries.
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

#include "proto/base/list.h"
#include "tests/support/bus_client.h"
#include "tests/support/people.h"

#define SUB   "cnppm-deficits"
#define WRONG "11223344594"
#define GOOD  "08765430300"
#define ANNA  "11223344595"
#define EVENT                                                                                                \
    "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"urn:marshrut:24:copmkp\",\"type\":"                 \
    "\"nms.deficit.identified.v1\",\"time\":\"2026-03-02T09:00:00Z\",\"regioncode\":\"24\",\"basis\":"       \
    "\"152-fz-6-1\",\"actor\":\"op-1\",\"actorrole\":\"expert\",\"data\":{\"person\":{\"localId\":\"%s\","   \
    "\"snils\":\"%s\"},\"deficitId\":\"d-1\",\"area\":\"ict\",\"severity\":\"SEVERITY_MODERATE\","           \
    "\"identifiedOn\":\"2026-03-01\"}}\n"

enum { PATH_BYTES = 96 };

/* Who is there: one for each role. */
enum { BOSS, CNPPM, PD_OFFICER, AUDITOR, MINISTRY, MMS, FEDERAL, PEOPLE };
static const char *const names[PEOPLE] = {"boss", "orlova", "zotova", "auditor", "belov", "mms", "akademia"};
static const char config[] =
        "operators:\n  - {name: boss, roles: [admin]}\n  - {name: orlova, roles: [cnppm]}\n"
        "  - {name: belov, roles: [ministry]}\n  - {name: akademia, roles: [federal]}\n"
        "  - {name: mms, roles: [mms]}\n  - {name: auditor, roles: [auditor]}\n"
        "  - {name: zotova, roles: [pd-officer]}\n";

struct env {
    struct spawn spawn;
    struct people asking;
    struct person people[PEOPLE];
    char token[PEOPLE_SECRET_BYTES]; /* of copmkp */
    struct bus_client receiver;
    json_int_t waits;                         /* number of the one that the first tests are about */
    char asked[PATH_BYTES], said[PATH_BYTES]; /* of an act that is tried until it can be */
};

/* ---- support ---- */

/* N stands for the number of what waits. */
static const char *path_of(const struct env *env, const char *rest, char out[static PATH_BYTES])
{
    const char *place = strstr(rest, "/N/");

    if (place)
        (void)snprintf(out, PATH_BYTES, "/api/v1/%.*s/%lld/%s", (int)(place - rest), rest,
                (long long)env->waits, place + 3);
    else
        (void)snprintf(out, PATH_BYTES, "/api/v1/%s", rest);
    return out;
}

static int get(struct env *env, int who, const char *rest)
{
    char path[PATH_BYTES];

    return people_get(&env->asking, &env->people[who], path_of(env, rest, path));
}

static int post(struct env *env, int who, const char *rest, const char *body)
{
    char path[PATH_BYTES];

    return people_ask(&env->asking, &env->people[who], "POST", path_of(env, rest, path), body);
}

/* Its number of the log. */
static json_int_t publish(struct env *env, const char *id, const char *local_id, const char *snils)
{
    char event[1024];

    (void)snprintf(event, sizeof event, EVENT, id, local_id, snils);
    return people_publish(&env->asking, env->token, event, NULL);
}

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    spawn_init_hub(&env->spawn, config, SPAWN_HUB "  http_listen: 127.0.0.1:0\n");
    spawn_start(&env->spawn);
    env->asking = (struct people){.spawn = &env->spawn, .port = http_ask_port(&env->spawn)};
    for (int i = 0; i < PEOPLE; i++)
        people_let_in(&env->asking, &env->people[i], "boss", names[i]);
    people_token(&env->asking, "boss", "copmkp", env->token);
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

static void check_balance(struct env *env)
{
    json_t *json;

    assert_int_equal(get(env, AUDITOR, "balance"), 200);
    json = people_json(&env->asking);
    assert_true(json_is_true(json_object_get(json, "ok")));
    json_decref(json);
}

/* ---- who may ---- */

#define SET(value) "{\"set\":{\"person.snils\":\"" value "\"},\"reason\":\"case-7\"}"

static void only_the_role_may(void **state)
{
    static const struct {
        const char *rest, *body, *may;
    } acts[] = {{"quarantine/N/show", "{\"case\":\"17\",\"reason\":\"correction\"}",
                        "boss orlova zotova auditor"},
            {"quarantine/N/fix", SET(GOOD), "boss orlova zotova"},
            {"quarantine/N/approve", "{}", "boss orlova zotova"},
            {"quarantine/reject", "{\"code\":\"none\",\"reason\":\"r\"}", "boss orlova zotova"},
            {"quarantine/release", "{\"code\":\"none\",\"reason\":\"r\"}", "boss orlova zotova"},
            {"quarantine/discard", "{\"code\":\"none\",\"reason\":\"r\"}", "boss orlova zotova"},
            {"parked/retry", "{\"all\":true}", "boss orlova zotova"},
            {"parked/release", "{\"all\":true}", "boss orlova zotova"},
            {"parked/discard", "{\"all\":true,\"case\":\"17\"}", "boss orlova zotova"}};
    struct env *env = *state;
    struct person nobody = {0};

    env->waits = publish(env, "e-1", "t-1", WRONG);
    for (size_t i = 0; i < MR_COUNT(acts); i++) {
        char path[PATH_BYTES];

        assert_int_equal(
                people_ask(&env->asking, &nobody, "POST", path_of(env, acts[i].rest, path), acts[i].body),
                401);
        for (int who = 0; who < PEOPLE; who++) {
            if (!strstr(acts[i].may, names[who]))
                assert_int_equal(post(env, who, acts[i].rest, acts[i].body), 403);
            env->people[who].csrf[0] ^= 1; /* what another site's page would send */
            assert_int_equal(post(env, who, acts[i].rest, acts[i].body), 403);
            env->people[who].csrf[0] ^= 1;
        }
    }
    for (int who = 0; who < PEOPLE; who++)
        assert_int_equal(get(env, who, "quarantine"), who == MMS || who == FEDERAL ? 403 : 200);
    assert_int_equal(get(env, BOSS, "quarantine"), 200);
    assert_int_equal(people_number(&env->asking, "count"), 1); /* nothing has happened to it */
    check_balance(env);
}

/* ---- four eyes ---- */

static int approve(struct env *env, int who, json_int_t proposal)
{
    char body[64];

    (void)snprintf(body, sizeof body, "{\"proposal\":%lld}", (long long)proposal);
    return post(env, who, "quarantine/N/approve", body);
}

/* What was looked at is taken, never what somebody has put into its place; and nothing is taken unseen. */
static void what_was_not_seen_is_not_approved(void **state)
{
    struct env *env = *state;
    char body[64];
    json_int_t seen, now;
    json_t *json;

    assert_int_equal(post(env, CNPPM, "quarantine/N/fix", SET(GOOD)), 200);
    seen = people_number(&env->asking, "event");
    assert_int_equal(
            post(env, PD_OFFICER, "quarantine/N/show", "{\"case\":\"17\",\"reason\":\"correction\"}"), 200);
    json = people_json(&env->asking);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "proposal"), "event")), seen);
    json_decref(json);
    (void)snprintf(body, sizeof body, "{\"numbers\":[%lld],\"reason\":\"r\"}", (long long)env->waits);
    assert_int_equal(post(env, CNPPM, "quarantine/reject", body), 200);
    assert_int_equal(post(env, CNPPM, "quarantine/N/fix", SET(ANNA)), 200);
    now = people_number(&env->asking, "event");
    assert_true(now > seen);

    assert_int_equal(post(env, PD_OFFICER, "quarantine/N/approve", "{}"), 400);
    assert_int_equal(approve(env, PD_OFFICER, seen), 412);
    json = people_json(&env->asking);
    (void)snprintf(body, sizeof body, "event %lld by orlova", (long long)now);
    assert_non_null(strstr((const char *)env->asking.ask.answer.data, body));
    json_decref(json);
    assert_int_equal(get(env, CNPPM, "quarantine?proposed=true"), 200);
    assert_int_equal(people_number(&env->asking, "count"), 1); /* it waits on */
    (void)snprintf(body, sizeof body, "{\"numbers\":[%lld],\"reason\":\"r\"}", (long long)env->waits);
    assert_int_equal(post(env, CNPPM, "quarantine/reject", body), 200);
    check_balance(env);
}

static void who_proposes_does_not_approve(void **state)
{
    struct env *env = *state;
    json_int_t proposal;
    json_t *json, *item;

    assert_int_equal(post(env, CNPPM, "quarantine/N/fix", SET(GOOD)), 200);
    proposal = people_number(&env->asking, "event");
    assert_true(proposal > env->waits);
    assert_int_equal(post(env, PD_OFFICER, "quarantine/N/fix", SET(GOOD)), 409);
    assert_int_equal(get(env, CNPPM, "quarantine?proposed=true"), 200);
    json = people_json(&env->asking);
    item = json_object_get(json_array_get(json_object_get(json, "events"), 0), "proposal");
    assert_string_equal(json_string_value(json_object_get(item, "by")), "orlova");
    assert_null(json_object_get(item, "proposed"));
    json_decref(json);
    assert_null(strstr((const char *)env->asking.ask.answer.data, GOOD)); /* no value in a list */

    assert_int_equal(approve(env, CNPPM, proposal), 403);
    json = people_json(&env->asking);
    assert_string_equal(json_string_value(json_object_get(json, "type")), "urn:marshrut:problem:denied");
    assert_string_equal(json_string_value(json_object_get(json, "field")), "operator");
    json_decref(json);

    assert_int_equal(
            post(env, PD_OFFICER, "quarantine/N/show", "{\"case\":\"17\",\"reason\":\"correction\"}"), 200);
    assert_non_null(strstr((const char *)env->asking.ask.answer.data, GOOD));
    assert_int_equal(approve(env, PD_OFFICER, proposal), 200);
    json = people_json(&env->asking);
    item = json_array_get(json_object_get(json, "items"), 0);
    assert_true(json_is_true(json_object_get(item, "done")));
    assert_int_equal(json_integer_value(json_object_get(json, "done")), 1);
    json_decref(json);
    assert_int_equal(get(env, CNPPM, "quarantine?state=released"), 200);
    assert_int_equal(people_number(&env->asking, "count"), 1);
    check_balance(env);
}

/* ---- many ---- */

static void many_at_once(void **state)
{
    struct env *env = *state;
    char body[128];
    json_int_t numbers[5];
    json_t *json;

    for (int i = 0; i < 5; i++) {
        char id[16], local[16];

        (void)snprintf(id, sizeof id, "m-%d", i);
        (void)snprintf(local, sizeof local, "x-%d", i);
        numbers[i] = publish(env, id, local, WRONG);
    }
    assert_int_equal(get(env, CNPPM, "quarantine?code=snils-checkdigit&limit=2"), 200);
    json = people_json(&env->asking);
    assert_int_equal(json_integer_value(json_object_get(json, "count")), 2);
    assert_int_equal(json_integer_value(json_object_get(json, "next")), numbers[1]);
    json_decref(json);
    (void)snprintf(body, sizeof body, "{\"numbers\":[%lld,%lld],\"reason\":\"tests\"}", (long long)numbers[1],
            (long long)numbers[0]);
    assert_int_equal(post(env, CNPPM, "quarantine/discard", body), 200);
    json = people_json(&env->asking);
    assert_int_equal(json_integer_value(json_object_get(json, "done")), 2);
    assert_int_equal(
            json_integer_value(json_object_get(json_array_get(json_object_get(json, "items"), 0), "number")),
            numbers[0]);
    json_decref(json);
    /* what is wrong still is told of each, and kept waiting */
    assert_int_equal(
            post(env, CNPPM, "quarantine/release", "{\"code\":\"snils-checkdigit\",\"reason\":\"t\"}"), 200);
    assert_int_equal(people_number(&env->asking, "failed"), 3);
    assert_int_equal(post(env, CNPPM, "quarantine/discard", "{\"system\":\"copmkp\",\"reason\":\"t\"}"), 200);
    assert_int_equal(get(env, CNPPM, "quarantine"), 200);
    assert_int_equal(people_number(&env->asking, "count"), 0);
    check_balance(env);
}

static void what_is_asked_wrongly_is_told(void **state)
{
    static const struct {
        const char *rest, *body;
        int status;
    } wrong[] = {{"quarantine/0/fix", SET(GOOD), 400}, {"quarantine/x/fix", SET(GOOD), 400},
            {"quarantine/99999/fix", SET(GOOD), 404},
            {"quarantine/N/fix", "{\"set\":{\"person.snils\":\"1\"}}", 400},
            {"quarantine/N/fix", "{\"reason\":\"r\"}", 400},
            {"quarantine/N/fix", "{\"set\":[],\"reason\":\"r\"}", 400},
            {"quarantine/N/fix", "{\"set\":{},\"event\":{},\"reason\":\"r\"}", 400},
            {"quarantine/N/fix", "{\"set\":{\"area\":\"x\"},\"reason\":\"\xd0\x98\"}", 400},
            {"quarantine/N/approve", "{}", 400}, {"quarantine/N/approve", "{\"proposal\":0}", 400},
            {"quarantine/N/approve", "{\"proposal\":\"2\"}", 400},
            {"quarantine/N/approve", "{\"proposal\":2,\"numbers\":[1]}", 400},
            {"quarantine/release", "{\"code\":\"none\",\"reason\":\"112-233-445-95\"}", 400},
            {"quarantine/N/show", "{\"case\":\"11223344595\",\"reason\":\"correction\"}", 400},
            {"quarantine/N/show", "{\"case\":\"18\"}", 400},
            {"quarantine/N/show", "{\"case\":\"17\",\"reason\":\"curiosity\"}", 400},
            {"quarantine/release", "{\"reason\":\"r\"}", 400},
            {"quarantine/release", "{\"numbers\":[],\"reason\":\"r\"}", 400},
            {"quarantine/release", "{\"numbers\":[-1],\"reason\":\"r\"}", 400},
            {"quarantine/release", "{\"numbers\":[1.5],\"reason\":\"r\"}", 400},
            {"quarantine/release", "{\"numbers\":\"1\",\"reason\":\"r\"}", 400},
            {"quarantine/discard", "{\"code\":7,\"reason\":\"r\"}", 400}, {"quarantine/discard", "[]", 400},
            {"quarantine/discard", "{", 400}, {"parked/retry", "{}", 400},
            {"parked/retry", "{\"numbers\":[0]}", 400}, {"parked/discard", "{\"all\":true}", 400}};
    struct env *env = *state;

    for (size_t i = 0; i < MR_COUNT(wrong); i++) {
        int status = post(env, BOSS, wrong[i].rest, wrong[i].body);

        if (status != wrong[i].status)
            fail_msg("%s %s: %d", wrong[i].rest, wrong[i].body, status);
        assert_non_null(strstr((const char *)env->asking.ask.answer.data, "\"cure\":\""));
    }
    assert_int_equal(get(env, BOSS, "quarantine?state=nothing"), 400);
    assert_int_equal(get(env, BOSS, "quarantine?proposed=perhaps"), 400);
    assert_int_equal(get(env, BOSS, "quarantine?nonsense=1"), 400);
    assert_int_equal(get(env, BOSS, "parked?subscription=nobody"), 400);
    assert_int_equal(get(env, BOSS, "parked/99999"), 404);
    assert_int_equal(get(env, BOSS, "parked/0"), 400);
}

/* ---- parked ---- */

static bool is_parked(void *ctx)
{
    struct env *env = ctx;

    assert_int_equal(get(env, CNPPM, "parked?state=failed&subscription=" SUB), 200);
    return people_number(&env->asking, "failed") == 1;
}

/* 503: the receiver has not answered yet for what came before it. */
static bool is_done(void *ctx)
{
    struct env *env = ctx;
    int status = post(env, BOSS, env->asked, env->said);

    assert_true(status == 200 || status == 503);
    return status == 200;
}

/* Deliveries until the one of this number; whatever comes before it is taken. */
static void receive(struct env *env, json_int_t number)
{
    for (;;) {
        bus_frame *frame = bus_expect(&env->receiver, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER);

        for (size_t i = 0; i < frame->deliver->n_items; i++)
            if ((json_int_t)frame->deliver->items[i]->number == number)
                return;
    }
}

static void parked_deliveries_are_settled(void **state)
{
    struct env *env = *state;
    json_int_t number = publish(env, "p-1", "p-1", ANNA);
    char rest[64], body[96];

    bus_connect_as(&env->receiver, &env->spawn, SPAWN_CNPPM);
    (void)bus_hello(&env->receiver, 0, 0);
    bus_subscribe(&env->receiver, SUB, 100, 0);
    receive(env, number);
    bus_nack(&env->receiver, SUB, (uint64_t)number, true);
    bus_ack(&env->receiver, SUB, (uint64_t)number);
    spawn_until("it is parked", is_parked, env);
    (void)snprintf(rest, sizeof rest, "parked/%lld", (long long)number);
    assert_int_equal(get(env, AUDITOR, rest), 200);
    (void)snprintf(body, sizeof body, "{\"numbers\":[%lld],\"case\":\"17\"}", (long long)number);
    (void)snprintf(env->said, sizeof env->said, "%s", body);
    (void)snprintf(env->asked, sizeof env->asked, "parked/retry");
    spawn_until("it can be tried again", is_done, env);
    assert_int_equal(people_number(&env->asking, "released"), 1);
    receive(env, number);
    bus_nack(&env->receiver, SUB, (uint64_t)number, true);
    spawn_until("it is parked again", is_parked, env);
    (void)snprintf(env->asked, sizeof env->asked, "parked/discard");
    spawn_until("it can be discarded", is_done, env);
    assert_int_equal(people_number(&env->asking, "discarded"), 1);
    assert_int_equal(get(env, AUDITOR, rest), 404);
    bus_close(&env->receiver);
    check_balance(env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_the_role_may),
            cmocka_unit_test(what_was_not_seen_is_not_approved),
            cmocka_unit_test(who_proposes_does_not_approve), cmocka_unit_test(many_at_once),
            cmocka_unit_test(what_is_asked_wrongly_is_told), cmocka_unit_test(parked_deliveries_are_settled)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
