/*
 * deadline_hours on a real hub whose clocks the test moves: what is older when its turn comes is not
 * delivered, is told so by `where` and counted by the balance; whatever was taken, or an operator has
 * released, is delivered all the same.
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

#include "tests/support/bus_client.h"
#include "tests/support/clock_ahead.h"
#include "tests/support/deficits.h"

#define SUB "cnppm-soon"

enum { HOUR = 3600, DEADLINE = 24 * HOUR };

struct scene {
    struct spawn spawn;
    struct clock_ahead clock;
    struct bus_client receiver;
    struct deficits deficits;
    json_int_t expired, delivered; /* what the balance shall have */
};

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);

    assert_non_null(scene);
    spawn_init_hub(&scene->spawn,
            "  - {name: " SUB ", system: cnppm, personal: none, attempts_max: 5, deadline_hours: 24,\n"
            "     filters: [{prefix: {type: nms.deficit.}}]}\n"
            "operators: [{name: op, roles: [admin]}]\n",
            SPAWN_HUB
            "  ping_interval_ms: 600000\n"); /* a receiver that is not asked for long keeps its session */
    clock_ahead_init(&scene->clock, &scene->spawn);
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

static void connect_receiver(struct scene *scene, uint32_t credit)
{
    bus_connect_as(&scene->receiver, &scene->spawn, SPAWN_CNPPM);
    (void)bus_hello(&scene->receiver, 0, 0);
    bus_subscribe(&scene->receiver, SUB, credit, 0);
}

static void expect(struct scene *scene, const char *places)
{
    deficits_expect(&scene->deficits, &scene->receiver, places, false);
}

static void ack(struct scene *scene, size_t place)
{
    bus_ack(&scene->receiver, SUB, scene->deficits.numbers[place]);
}

static json_t *line_of(const json_t *lines, const char *key)
{
    json_t *line;
    size_t i;

    json_array_foreach (lines, i, line)
        if (strcmp(json_string_value(json_object_get(line, key)), SUB) == 0)
            return line;
    return NULL;
}

/* The rows of what was settled become durable with a later commit. */
static bool balance_has(void *ctx)
{
    const struct scene *scene = ctx;
    json_t *json = bus_ask(&scene->spawn, "", "balance", "");
    const json_t *line = line_of(json_object_get(json, "out"), "subscription");
    bool has;

    assert_true(json_is_true(json_object_get(json, "ok"))); /* at any moment */
    has = json_integer_value(json_object_get(line, "expired")) == scene->expired &&
          json_integer_value(json_object_get(line, "delivered")) == scene->delivered &&
          json_integer_value(json_object_get(line, "waiting")) == 0;
    json_decref(json);
    return has;
}

static void expect_balance(struct scene *scene, json_int_t expired, json_int_t delivered)
{
    scene->expired = expired;
    scene->delivered = delivered;
    spawn_until("the balance", balance_has, scene);
}

/* What `where` says of the event for SUB; a new reference. */
static json_t *where(struct scene *scene, size_t place)
{
    char arguments[64];
    json_t *json, *line;

    (void)snprintf(arguments, sizeof arguments, "{\"id\":\"d-%zu\"}", place);
    json = bus_ask(&scene->spawn, "op", "where", arguments);
    line = json_array_get(json_object_get(json, "matches"), 0);
    line = json_incref(line_of(json_object_get(line, "deliveries"), "subscription"));
    json_decref(json);
    assert_non_null(line);
    return line;
}

static void expect_where(struct scene *scene, size_t place, const char *state, const char *reason)
{
    json_t *line = where(scene, place);

    assert_string_equal(json_string_value(json_object_get(line, "state")), state);
    if (reason)
        assert_string_equal(json_string_value(json_object_get(line, "reason")), reason);
    else
        assert_null(json_object_get(line, "reason"));
    json_decref(line);
}

/* Nobody was there until it was too late; what is younger comes, one hour before the deadline too. */
static void test_nobody_there(void **state)
{
    struct scene *scene = *state;

    publish(scene, "ABA");
    clock_ahead_set(&scene->spawn, 2 * HOUR);
    publish(scene, "BA");
    clock_ahead_set(&scene->spawn, DEADLINE + HOUR);
    connect_receiver(scene, 100);
    expect(scene, "34");
    ack(scene, 4);
    expect_balance(scene, 3, 2);
    expect_where(scene, 0, "expired", NULL);
    expect_where(scene, 2, "expired", NULL);
    expect_where(scene, 3, "delivered", NULL);
    bus_close(&scene->receiver);
    spawn_kill(&scene->spawn);
    spawn_start(&scene->spawn);
    expect_where(scene, 0, "expired", NULL);
    expect_balance(scene, 3, 2);
}

/* An acknowledgement that comes late counts; what is still to come does not come. */
static void test_late(void **state)
{
    struct scene *scene = *state;

    publish(scene, "AB");
    connect_receiver(scene, 1);
    expect(scene, "0");
    clock_ahead_set(&scene->spawn, DEADLINE + HOUR);
    ack(scene, 0);
    bus_credit(&scene->receiver, SUB, 100);
    publish(scene, "A");
    expect(scene, "2");
    ack(scene, 2);
    expect_balance(scene, 1, 2);
    expect_where(scene, 0, "delivered", NULL);
    expect_where(scene, 1, "expired", NULL);
    bus_close(&scene->receiver);
}

/* Given back, and not acknowledged at a break: neither comes again behind its deadline. */
static void test_again(void **state)
{
    struct scene *scene = *state;

    publish(scene, "AB");
    connect_receiver(scene, 100);
    expect(scene, "01");
    bus_nack(&scene->receiver, SUB, scene->deficits.numbers[0], false);
    deficits_expect(&scene->deficits, &scene->receiver, "0", true); /* by itself */
    clock_ahead_set(&scene->spawn, DEADLINE + HOUR);
    bus_nack(&scene->receiver, SUB, scene->deficits.numbers[0], false);
    expect_balance(scene, 2, 0);
    expect_where(scene, 0, "expired", "test-cannot");
    publish(scene, "B");
    expect(scene, "2");
    bus_close(&scene->receiver);
    clock_ahead_set(&scene->spawn, 2 * (DEADLINE + HOUR));
    connect_receiver(scene, 100);
    expect_balance(scene, 3, 0);
    expect_where(scene, 1, "expired", NULL);
    expect_where(scene, 2, "expired", NULL);
    bus_close(&scene->receiver);
}

/* What waits behind a parked one of its key is too late; the parked one was released on purpose. */
static void test_behind(void **state)
{
    struct scene *scene = *state;
    char arguments[96];
    json_t *json;

    publish(scene, "ABA");
    connect_receiver(scene, 100);
    expect(scene, "012");
    bus_nack(&scene->receiver, SUB, scene->deficits.numbers[0], true);
    ack(scene, 1);
    expect_balance(scene, 0, 1);
    clock_ahead_set(&scene->spawn, DEADLINE + HOUR);
    (void)snprintf(arguments, sizeof arguments, "{\"numbers\":[%llu]}",
            (unsigned long long)scene->deficits.numbers[0]);
    json = bus_ask(&scene->spawn, "op", "parked.release", arguments);
    assert_int_equal(json_integer_value(json_object_get(json, "released")), 1);
    json_decref(json);
    deficits_expect(&scene->deficits, &scene->receiver, "0", true);
    ack(scene, 0);
    expect_balance(scene, 1, 2);
    expect_where(scene, 0, "delivered", "test-cannot");
    expect_where(scene, 2, "expired", NULL);
    bus_close(&scene->receiver);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
            CASE(test_nobody_there), CASE(test_late), CASE(test_again), CASE(test_behind)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
