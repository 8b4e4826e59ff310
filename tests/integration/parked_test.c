/* Parked deliveries on a real hub: the key waits, the rest flows; restart, release, retry, discard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/bus_client.h"
#include "tests/support/deficits.h"
#include "tests/support/hub_env.h"
#include "tests/support/spawn.h"

#define SUB "cnppm-deficits"
#define HUB "cnppm-hub"

enum { QUIET_MS = 200 };

struct scene {
    struct spawn spawn;
    struct bus_client receiver;
    struct deficits deficits;
    char want[96];
};

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);

    assert_non_null(scene);
    spawn_init(&scene->spawn,
            "  - {name: " HUB ", system: cnppm, personal: none, filters: [{prefix: {type: hub.}}]}\n"
            "operators: [{name: op, roles: [admin]}, {name: eye, roles: [auditor]}]\n");
    spawn_start(&scene->spawn);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    spawn_fini(&scene->spawn);
    free(scene);
    return 0;
}

static void publish(struct scene *scene, const char *persons)
{
    deficits_publish(&scene->deficits, &scene->spawn, persons);
}

static void connect_receiver(struct scene *scene, const char *subscription)
{
    bus_connect_as(&scene->receiver, &scene->spawn, SPAWN_CNPPM);
    (void)bus_hello(&scene->receiver, 0, 0);
    bus_subscribe(&scene->receiver, subscription, 100, 0);
}

static void expect(struct scene *scene, const char *places, bool released)
{
    deficits_expect(&scene->deficits, &scene->receiver, places, released);
}

static void ack(struct scene *scene, size_t place)
{
    bus_ack(&scene->receiver, SUB, scene->deficits.numbers[place]);
}

static void park(struct scene *scene, size_t place)
{
    bus_nack(&scene->receiver, SUB, scene->deficits.numbers[place], true);
}

static void expect_quiet(struct scene *scene)
{
    assert_null(bus_receive(&scene->receiver, QUIET_MS));
}

/* The answer of a method, or its error as {"error": ...}. */
static json_t *ask(struct scene *scene, const char *operator_name, const char *method, const char *arguments)
{
    return bus_ask(&scene->spawn, operator_name, method, arguments);
}

static json_int_t figure(struct scene *scene, const char *operator_name, const char *method,
        const char *arguments, const char *key)
{
    json_t *json = ask(scene, operator_name, method, arguments);
    json_int_t value = json_integer_value(json_object_get(json, key));

    json_decref(json);
    return value;
}

static bool status_has(void *ctx)
{
    struct scene *scene = ctx;
    json_t *json = ask(scene, "", "hub.status", "");
    char *text = json_dumps(json, JSON_COMPACT);
    bool found = strstr(text, scene->want) && strstr(text, "\"unwritten\":0,");

    free(text);
    json_decref(json);
    return found;
}

/* The cursor of SUB is at this event, and all rows are on the disk. */
static void expect_cursor(struct scene *scene, size_t place)
{
    (void)snprintf(scene->want, sizeof scene->want,
            "\"name\":\"" SUB "\",\"system\":\"cnppm\",\"connected\":true,\"cursor\":%llu,",
            (unsigned long long)scene->deficits.numbers[place]);
    spawn_until("the cursor", status_has, scene);
}

static void expect_parked(struct scene *scene, json_int_t failed, json_int_t behind)
{
    json_t *json = ask(scene, "", "parked.list", "{\"subscription\":\"" SUB "\"}");

    assert_int_equal(json_integer_value(json_object_get(json, "failed")), failed);
    assert_int_equal(json_integer_value(json_object_get(json, "behind")), behind);
    assert_int_equal(json_integer_value(json_object_get(json, "released")), 0);
    json_decref(json);
}

static bool none_parked(void *ctx)
{
    struct scene *scene = ctx;
    json_t *json = ask(scene, "", "parked.list", "{\"subscription\":\"" SUB "\"}");
    bool none = json_array_size(json_object_get(json, "parked")) == 0;

    json_decref(json);
    return none;
}

/* Both identities hold; a figure of SUB's line. */
static json_int_t balance(struct scene *scene, const char *key)
{
    json_t *json = ask(scene, "", "balance", ""), *line;
    json_int_t value = -1;
    size_t i;

    assert_true(json_is_true(json_object_get(json, "ok")));
    json_array_foreach (json_object_get(json, "out"), i, line)
        if (strcmp(json_string_value(json_object_get(line, "subscription")), SUB) == 0)
            value = json_integer_value(json_object_get(line, key));
    json_decref(json);
    return value;
}

static const char *number_argument(struct scene *scene, size_t place, const char *more, char out[static 128])
{
    (void)snprintf(
            out, 128, "{\"numbers\":[%llu]%s}", (unsigned long long)scene->deficits.numbers[place], more);
    return out;
}

/* A0 is parked; A2 was under way behind it, A4 comes later. */
static void park_first(struct scene *scene)
{
    publish(scene, "ABAB");
    connect_receiver(scene, SUB);
    expect(scene, "0123", false);
    park(scene, 0);
    ack(scene, 3);
    expect_cursor(scene, 3);
    publish(scene, "AB");
    expect(scene, "5", false); /* B goes on */
    ack(scene, 5);
    expect_cursor(scene, 5);
    expect_parked(scene, 1, 2);
}

static void test_key_waits_and_drains(void **state)
{
    struct scene *scene = *state;
    char text[128];

    park_first(scene);
    assert_int_equal(balance(scene, "parked"), 3);
    bus_close(&scene->receiver);
    spawn_kill(&scene->spawn);
    spawn_start(&scene->spawn);
    connect_receiver(scene, SUB);
    publish(scene, "AB");
    expect(scene, "7", false); /* the key is still known */
    ack(scene, 7);
    expect_cursor(scene, 7);
    expect_parked(scene, 1, 3);
    assert_int_equal(
            figure(scene, "op", "parked.release", number_argument(scene, 0, "", text), "released"), 1);
    expect(scene, "0", true); /* alone: 2 was under way once, and a late Ack of it must not cover this one */
    publish(scene, "AB");
    expect_quiet(scene);                                        /* nothing else while it is under way */
    bus_ack(&scene->receiver, SUB, scene->deficits.numbers[7]); /* said of something else */
    ack(scene, 2);                                              /* late */
    expect_quiet(scene);
    ack(scene, 0);
    expect(scene, "246", true); /* in order what waited behind it */
    ack(scene, 2);
    expect_quiet(scene);
    ack(scene, 6);
    expect(scene, "89", false);
    ack(scene, 9);
    expect_cursor(scene, 9);
    spawn_until("all taken", none_parked, scene);
    assert_int_equal(balance(scene, "delivered"), 10);
    bus_close(&scene->receiver);
}

static void test_fails_again_then_discarded(void **state)
{
    struct scene *scene = *state;
    char text[128];

    park_first(scene);
    assert_int_equal(figure(scene, "eye", "parked.release", "{\"all\":true}", "released"), 0); /* no right */
    assert_int_equal(figure(scene, "op", "parked.release", "{}", "released"), 0); /* which ones? */
    assert_int_equal(
            figure(scene, "op", "parked.release", number_argument(scene, 2, "", text), "released"), 0);
    assert_int_equal(figure(scene, "op", "parked.release", "{\"type\":\"nms.course.\"}", "released"), 0);
    assert_int_equal(figure(scene, "op", "parked.retry", "{\"type\":\"nms.deficit.\"}", "released"), 1);
    expect(scene, "0", true);
    bus_nack(&scene->receiver, SUB, scene->deficits.numbers[0], false); /* it was the only attempt */
    ack(scene, 4); /* does not count: their key waits again */
    publish(scene, "B");
    expect(scene, "6", false);
    ack(scene, 6);
    expect_cursor(scene, 6);
    expect_parked(scene, 1, 2);
    assert_int_equal(figure(scene, "op", "parked.discard", number_argument(scene, 0, "", text), "discarded"),
            0); /* why? */
    assert_int_equal(figure(scene, "op", "parked.discard",
                             number_argument(scene, 0, ",\"case\":\"2026/17\"", text), "discarded"),
            1);
    expect(scene, "24", true);
    ack(scene, 4);
    spawn_until("all taken", none_parked, scene);
    assert_int_equal(balance(scene, "discarded"), 1);
    assert_int_equal(balance(scene, "parked"), 0);
    publish(scene, "A");
    expect(scene, "7", false);
    bus_close(&scene->receiver);
}

static void give_back(struct scene *scene, size_t place, uint32_t retry_after_ms)
{
    bus_frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Nack nack = MARSHRUT__BUS__V1__NACK__INIT;

    nack.subscription = (char *)SUB;
    nack.number = scene->deficits.numbers[place];
    nack.reason = (char *)"busy";
    nack.retry_after_ms = retry_after_ms;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_NACK;
    frame.nack = &nack;
    bus_send(&scene->receiver, &frame);
}

/* A released one that is given back waits by itself, and its key; everything else goes on. */
static void test_backs_off_alone(void **state)
{
    struct scene *scene = *state;
    json_t *json;

    park_first(scene);
    assert_int_equal(figure(scene, "op", "parked.release", "{\"all\":true}", "released"), 1);
    expect(scene, "0", true);
    give_back(scene, 0, 1);
    expect(scene, "0", true); /* by itself */
    bus_close(&scene->receiver);
    connect_receiver(scene, SUB); /* gone in the middle: again, when somebody comes */
    expect(scene, "0", true);
    give_back(scene, 0, 3600 * 1000);
    publish(scene, "BA");
    expect(scene, "6", false);
    ack(scene, 6);
    expect_cursor(scene, 7);
    expect_quiet(scene);
    bus_close(&scene->receiver);
    spawn_kill(&scene->spawn);
    spawn_start(&scene->spawn);
    connect_receiver(scene, SUB);
    expect_quiet(scene); /* its time has not come */
    json = ask(scene, "", "parked.list", "{\"state\":\"released\"}");
    assert_int_equal(json_integer_value(json_object_get(json, "released")), 1);
    assert_int_equal(json_integer_value(
                             json_object_get(json_array_get(json_object_get(json, "parked"), 0), "attempts")),
            3);
    json_decref(json);
    assert_int_equal(balance(scene, "parked"), 4);
    bus_close(&scene->receiver);
}

static bool own_is_parked(void *ctx)
{
    return figure(ctx, "", "parked.list", "{\"type\":\"hub.\"}", "failed") == 1;
}

/* What the hub says of a parked delivery is parked without a word. */
static void test_hub_is_silent_about_itself(void **state)
{
    struct scene *scene = *state;
    const Marshrut__Bus__V1__Deliver *deliver;
    uint64_t number;

    park_first(scene);
    bus_subscribe(&scene->receiver, HUB, 100, 0);
    deliver = bus_expect(&scene->receiver, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)->deliver;
    assert_string_equal(deliver->subscription, HUB);
    assert_int_equal(deliver->n_items, 1); /* hub.delivery.parked.v1 of A0 */
    number = deliver->items[0]->number;
    bus_nack(&scene->receiver, HUB, number, true);
    spawn_until("its own event is parked", own_is_parked, scene);
    expect_quiet(scene);
    assert_int_equal(figure(scene, "op", "parked.release", "{\"subscription\":\"" HUB "\"}", "released"), 1);
    deliver = bus_expect(&scene->receiver, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)->deliver;
    assert_true(deliver->released ||
                deliver->items[0]->number > number); /* and what the act said, in any order */
    (void)balance(scene, "parked");
    bus_close(&scene->receiver);
}

static uint32_t next_attempt(struct scene *scene)
{
    return bus_expect(&scene->receiver, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)->deliver->items[0]->attempt;
}

static void test_attempts_outlive_a_restart(void **state)
{
    struct scene *scene = *state;
    struct bus_client client;
    struct mr_buf event = MR_BUF_INIT;

    hub_env_programme(&event, "p-1"); /* attempts_max: 3 */
    bus_connect_as(&client, &scene->spawn, SPAWN_PORTAL);
    (void)bus_hello(&client, 3, 0);
    bus_publish(&client, 1, &event, 1);
    (void)bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK);
    bus_close(&client);
    for (uint32_t attempt = 1; attempt <= 3; attempt++) {
        connect_receiver(scene, "cnppm-programmes");
        assert_int_equal(next_attempt(scene), attempt);
        bus_nack(&scene->receiver, "cnppm-programmes", 1, false);
        if (attempt < 3)
            assert_int_equal(next_attempt(scene), attempt + 1);
        (void)snprintf(scene->want, sizeof scene->want, attempt < 3 ? "\"head\":1," : "\"cursor\":1,");
        spawn_until("the rows of the attempt", status_has, scene);
        bus_close(&scene->receiver);
        spawn_kill(&scene->spawn);
        spawn_start(&scene->spawn);
    }
    assert_int_equal(figure(scene, "", "parked.list", "{\"reason\":\"test-cannot\"}", "failed"), 1);
    mr_buf_fini(&event);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {CASE(test_key_waits_and_drains), CASE(test_fails_again_then_discarded),
            CASE(test_backs_off_alone), CASE(test_hub_is_silent_about_itself),
            CASE(test_attempts_outlive_a_restart)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
