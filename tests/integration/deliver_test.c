/* Delivery by a real hub: credit, acknowledgement, redelivery, nack and park, replay, restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/bus_client.h"
#include "tests/support/hub_env.h"
#include "tests/support/spawn.h"

#define SUB "cnppm-programmes"
enum { QUIET_MS = 200 };

typedef Marshrut__Bus__V1__Deliver deliver_t;

struct scene {
    struct spawn spawn;
    struct bus_client receiver;
    uint64_t sequence;
    uint64_t number; /* last one taken from a Deliver */
};

static void publish(struct scene *scene, size_t count)
{
    bus_publish_programmes(&scene->spawn, scene->sequence + 1, count);
    scene->sequence += count;
}

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);

    assert_non_null(scene);
    spawn_init(&scene->spawn, "");
    spawn_start(&scene->spawn);
    publish(scene, 10);
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

static void connect_receiver(struct scene *scene, uint32_t credit, uint64_t from)
{
    bus_connect_as(&scene->receiver, &scene->spawn, SPAWN_CNPPM);
    (void)bus_hello(&scene->receiver, 0, 0);
    bus_subscribe(&scene->receiver, SUB, credit, from);
}

/* Takes deliveries until `count` items came, from number `from` on without a gap. */
static void expect_items(struct scene *scene, uint64_t from, size_t count, uint32_t attempt, bool replay)
{
    while (count > 0) {
        const deliver_t *deliver =
                bus_expect(&scene->receiver, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)->deliver;

        assert_string_equal(deliver->subscription, SUB);
        assert_int_equal(deliver->replay, replay);
        assert_in_range(deliver->n_items, 1, count);
        for (size_t i = 0; i < deliver->n_items; i++) {
            assert_int_equal(deliver->items[i]->number, from++);
            assert_int_equal(deliver->items[i]->attempt, attempt);
            assert_true(deliver->items[i]->event.len > 0);
        }
        count -= deliver->n_items;
    }
}

static void expect_quiet(struct scene *scene)
{
    assert_null(bus_receive(&scene->receiver, QUIET_MS));
}

static bool cursor_is(void *ctx)
{
    struct scene *scene = ctx;
    struct bus_client client;
    char want[128];
    bool found;

    (void)snprintf(want, sizeof want, "\"cursor\":%llu,", (unsigned long long)scene->number);
    bus_connect(&client, scene->spawn.admin, NULL, NULL);
    found = strstr(bus_query(&client, "hub.status", ""), want) != NULL &&
            strstr(client.frame->result->json, "\"unwritten\":0,") != NULL; /* and it is on the disk */
    bus_close(&client);
    return found;
}

static void expect_cursor(struct scene *scene, uint64_t number)
{
    scene->number = number;
    spawn_until("the cursor", cursor_is, scene);
}

static void test_credit_and_ack(void **state)
{
    struct scene *scene = *state;

    connect_receiver(scene, 4, 0);
    expect_items(scene, 1, 4, 1, false);
    expect_quiet(scene); /* never beyond the credit */
    bus_ack(&scene->receiver, SUB, 4);
    expect_quiet(scene); /* an ack is not credit */
    bus_credit(&scene->receiver, SUB, 100);
    expect_items(scene, 5, 6, 1, false);
    bus_ack(&scene->receiver, SUB, 10);
    publish(scene, 3); /* live, from the tail */
    expect_items(scene, 11, 3, 1, false);
    bus_ack(&scene->receiver, SUB, 13);
    expect_cursor(scene, 13);
    bus_close(&scene->receiver);
}

static void test_redelivery(void **state)
{
    struct scene *scene = *state;

    connect_receiver(scene, 100, 0);
    expect_items(scene, 1, 10, 1, false);
    bus_ack(&scene->receiver, SUB, 6);
    expect_cursor(scene, 6);
    bus_close(&scene->receiver);
    connect_receiver(scene, 100, 0);
    expect_items(scene, 7, 4, 2, false);
    bus_close(&scene->receiver);
    spawn_kill(&scene->spawn);
    spawn_start(&scene->spawn);
    connect_receiver(scene, 100, 0);
    expect_items(scene, 7, 4, 1, false); /* the cursor was durable */
    bus_close(&scene->receiver);
}

/* What was given back comes by itself. */
static void expect_alone(struct scene *scene, uint64_t number, uint32_t attempt)
{
    const deliver_t *again = bus_expect(&scene->receiver, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)->deliver;

    assert_int_equal(again->n_items, 1);
    assert_int_equal(again->items[0]->number, number);
    assert_int_equal(again->items[0]->attempt, attempt);
    assert_true(again->released);
}

/*
 * A receiver that finishes later ones while an earlier one is given back: its Ack of them is still under way
 * when that comes again. It covers neither that one nor another that was given back behind it.
 */
static void test_late_ack(void **state)
{
    struct scene *scene = *state;

    connect_receiver(scene, 100, 0);
    expect_items(scene, 1, 10, 1, false);
    bus_nack(&scene->receiver, SUB, 3, false);
    bus_nack(&scene->receiver, SUB, 7, false);
    bus_ack(&scene->receiver, SUB, 2);
    expect_alone(scene, 3, 2);
    bus_ack(&scene->receiver, SUB, 10); /* said of the others, before it has read this one */
    expect_quiet(scene);
    expect_cursor(scene, 2);
    bus_close(&scene->receiver); /* it breaks off with it: so it is not lost */
    connect_receiver(scene, 100, 0);
    expect_alone(scene, 3, 2);
    bus_ack(&scene->receiver, SUB, 3);
    expect_items(scene, 4, 3, 2, false);
    bus_ack(&scene->receiver, SUB, 10); /* still of the first time: 4 to 6, and not 7 */
    expect_cursor(scene, 6);
    expect_alone(scene, 7, 2);
    bus_ack(&scene->receiver, SUB, 10);
    expect_cursor(scene, 6);
    bus_ack(&scene->receiver, SUB, 7);
    expect_items(scene, 8, 3, 2, false);
    bus_ack(&scene->receiver, SUB, 10);
    expect_cursor(scene, 10);
    bus_close(&scene->receiver);
}

static void test_nack(void **state)
{
    struct scene *scene = *state;

    connect_receiver(scene, 100, 0);
    expect_items(scene, 1, 10, 1, false);
    bus_ack(&scene->receiver, SUB, 2);
    bus_nack(&scene->receiver, SUB, 3, false);
    expect_alone(scene, 3, 2);
    bus_nack(&scene->receiver, SUB, 3, false);
    expect_alone(scene, 3, 3);
    bus_nack(&scene->receiver, SUB, 3, false); /* attempts_max is 3: parked, the rest comes again */
    expect_items(scene, 4, 7, 2, false);
    bus_ack(&scene->receiver, SUB, 5);
    expect_cursor(scene, 5);
    bus_nack(&scene->receiver, SUB, 8, true); /* parked at once, behind 6 and 7 */
    bus_ack(&scene->receiver, SUB, 7);
    expect_cursor(scene, 8);
    bus_close(&scene->receiver);
    spawn_kill(&scene->spawn);
    spawn_start(&scene->spawn);
    connect_receiver(scene, 100, 0);
    expect_items(scene, 9, 2, 1, false); /* what is parked does not come again */
    bus_close(&scene->receiver);
}

static void test_replay(void **state)
{
    struct scene *scene = *state;

    connect_receiver(scene, 100, 0);
    expect_items(scene, 1, 10, 1, false);
    bus_ack(&scene->receiver, SUB, 10);
    expect_cursor(scene, 10);
    bus_subscribe(&scene->receiver, SUB, 100, 4);
    expect_items(scene, 4, 7, 1, true);
    bus_ack(&scene->receiver, SUB, 10);
    publish(scene, 2);
    expect_items(scene, 11, 2, 1, false); /* and on from the cursor */
    expect_cursor(scene, 10);
    bus_close(&scene->receiver);
}

static void test_not_mine(void **state)
{
    struct scene *scene = *state;
    struct bus_client other;

    bus_connect_as(&other, &scene->spawn, SPAWN_SCHOOL);
    (void)bus_hello(&other, 0, 0);
    bus_subscribe(&other, SUB, 10, 0);
    assert_string_equal(bus_expect(&other, MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL)->refusal->code, "right");
    bus_ack(&other, SUB, 10);
    bus_nack(&other, SUB, 1, true);
    bus_credit(&other, SUB, 1);
    bus_close(&other);
    connect_receiver(scene, 100, 0);
    expect_items(scene, 1, 10, 1, false);
    bus_close(&scene->receiver);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {CASE(test_credit_and_ack), CASE(test_redelivery), CASE(test_nack),
            CASE(test_late_ack), CASE(test_replay), CASE(test_not_mine)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
