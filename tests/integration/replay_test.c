/* marshrut replay on a real hub: the plan says what comes, it comes beside what is new, and changes nothing.
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
#include "tests/support/hub_env.h"
#include "tests/support/spawn.h"

#define SUB "cnppm-programmes"
enum { BATCH = 250, QUIET_MS = 200 };

struct scene {
    struct spawn spawn;
    struct bus_client receiver;
    uint64_t sequence;
};

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);

    assert_non_null(scene);
    spawn_init(&scene->spawn, "operators: [{name: op, roles: [admin]}]\n");
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

static void publish(struct scene *scene, size_t count)
{
    bus_publish_programmes(&scene->spawn, scene->sequence + 1, count);
    scene->sequence += count;
}

static json_t *ask(struct scene *scene, const char *method, const char *arguments)
{
    return bus_ask(&scene->spawn, "op", method, arguments);
}

static json_int_t figure(struct scene *scene, const char *method, const char *arguments, const char *key)
{
    json_t *json = ask(scene, method, arguments);
    json_int_t value = json_integer_value(json_object_get(json, key));

    json_decref(json);
    return value;
}

struct taken {
    uint64_t live, replayed; /* the last numbers */
    size_t live_count, replayed_count, bytes;
};

/* Takes one Deliver, acknowledges it and gives the credit back. */
static void take(struct scene *scene, struct taken *taken)
{
    const Marshrut__Bus__V1__Deliver *deliver =
            bus_expect(&scene->receiver, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)->deliver;
    uint64_t *last = deliver->replay ? &taken->replayed : &taken->live;
    size_t count = deliver->n_items;

    assert_false(deliver->released);
    for (size_t i = 0; i < count; i++) {
        assert_true(deliver->items[i]->number > *last);
        *last = deliver->items[i]->number;
        taken->bytes += deliver->replay ? deliver->items[i]->event.len : 0;
    }
    *(deliver->replay ? &taken->replayed_count : &taken->live_count) += count;
    bus_ack(&scene->receiver, SUB, *last);
    bus_credit(&scene->receiver, SUB, (uint32_t)count);
}

static bool all_acked(void *ctx)
{
    struct scene *scene = ctx;

    return figure(scene, "replay.plan", "{\"subscription\":\"" SUB "\",\"from\":1}", "to") ==
           (json_int_t)scene->sequence;
}

static void test_replay(void **state)
{
    struct scene *scene = *state;
    struct taken taken = {0};
    json_t *after;
    json_int_t bytes;

    publish(scene, BATCH);
    publish(scene, BATCH);
    bus_connect_as(&scene->receiver, &scene->spawn, SPAWN_CNPPM);
    (void)bus_hello(&scene->receiver, 0, 0);
    bus_subscribe(&scene->receiver, SUB, 300, 0);
    while (taken.live_count < 2 * BATCH)
        take(scene, &taken);
    spawn_until("all acknowledged", all_acked, scene);
    assert_int_equal(figure(scene, "replay.plan", "{\"subscription\":\"" SUB "\",\"from\":11}", "events"),
            2 * BATCH - 10);
    assert_int_equal(
            figure(scene, "replay.plan", "{\"subscription\":\"" SUB "\",\"from\":11,\"to\":20}", "last"), 20);
    assert_int_equal(figure(scene, "replay.plan",
                             "{\"subscription\":\"" SUB "\",\"from_time\":\"2020-01-01\"}", "first"),
            1);
    assert_true(figure(scene, "replay.plan", "{\"subscription\":\"" SUB "\"}", "error") < 0);
    assert_true(figure(scene, "replay.plan", "{\"subscription\":\"none\",\"from\":1}", "error") < 0);
    assert_true(figure(scene, "replay.plan", "{\"subscription\":\"" SUB "\",\"from\":501}", "error") < 0);
    bytes = figure(scene, "replay.plan", "{\"subscription\":\"" SUB "\",\"from\":11}", "bytes");
    assert_int_equal(
            figure(scene, "replay.start", "{\"subscription\":\"" SUB "\",\"from\":11}", "to"), 2 * BATCH);
    publish(scene, BATCH); /* new ones come beside them */
    while (taken.replayed_count < 2 * BATCH - 10 || taken.live_count < 3 * BATCH)
        take(scene, &taken);
    assert_int_equal(taken.replayed_count, 2 * BATCH - 10);
    assert_int_equal(taken.live_count, 3 * BATCH);
    assert_int_equal(taken.bytes, bytes); /* as it was planned */
    assert_null(bus_receive(&scene->receiver, QUIET_MS));
    after = ask(scene, "balance", "");
    assert_true(json_is_true(json_object_get(after, "ok")));
    json_decref(after);
    bus_close(&scene->receiver);
}

/* A receiver that goes in the middle gets the rest when it comes back; nothing of it is in the balance. */
static void test_broken_off(void **state)
{
    struct scene *scene = *state;
    struct taken taken = {0};

    publish(scene, BATCH);
    bus_connect_as(&scene->receiver, &scene->spawn, SPAWN_CNPPM);
    (void)bus_hello(&scene->receiver, 0, 0);
    bus_subscribe(&scene->receiver, SUB, 1000, 0);
    while (taken.live_count < BATCH)
        take(scene, &taken);
    scene->sequence = BATCH;
    spawn_until("all acknowledged", all_acked, scene);
    assert_int_equal(figure(scene, "replay.start", "{\"subscription\":\"" SUB "\",\"from\":1}", "to"), BATCH);
    take(scene, &taken);
    assert_in_range(taken.replayed_count, 1, 128);
    (void)bus_expect(&scene->receiver, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER); /* not acknowledged */
    bus_close(&scene->receiver);
    bus_connect_as(&scene->receiver, &scene->spawn, SPAWN_CNPPM);
    (void)bus_hello(&scene->receiver, 0, 0);
    bus_subscribe(&scene->receiver, SUB, 1000, 0);
    while (taken.replayed_count < BATCH)
        take(scene, &taken);
    assert_int_equal(taken.replayed, BATCH);
    assert_int_equal(taken.live_count, BATCH);
    assert_null(bus_receive(&scene->receiver, QUIET_MS));
    bus_close(&scene->receiver);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {CASE(test_replay), CASE(test_broken_off)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
