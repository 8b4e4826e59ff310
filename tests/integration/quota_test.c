/*
 * What a system may publish: beyond its rate of events or of bytes, or beyond what may wait, a batch is
 * refused by name with the time to wait; a producer that keeps to it gets everything through, once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/bus_client.h"
#include "tests/support/clock_ahead.h"
#include "tests/support/config_env.h"
#include "tests/support/hub_env.h"

/* A batch is worth more than a minute, so that the second one, sent at once behind it, must be refused; the
 * hub's clock is moved over the time that it tells. */
enum { BATCH = 100, BATCHES = 2, ALL = BATCH * BATCHES, WAITING_MAX = 8, WAIT_MIN_MS = 60 * 1000 };

struct scene {
    struct spawn spawn;
    struct clock_ahead clock;
    unsigned ahead_s;
    struct mr_buf events[ALL];
};

static void limit(const struct spawn *spawn, const char *publish, const char *limit)
{
    char *text = config_env_text(spawn), was[128], is[192];

    (void)snprintf(was, sizeof was, "publish: [%s]", publish);
    (void)snprintf(is, sizeof is, "%s, %s", was, limit);
    (void)config_env_write(spawn, "marshrut.yaml", text, was, is);
    free(text);
}

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);

    assert_non_null(scene);
    spawn_init_hub(&scene->spawn, "",
            SPAWN_HUB "  ping_interval_ms: 600000\n"); /* a client that stands still keeps its session */
    limit(&scene->spawn, "nms.programme., nms.course.", "events_per_s: 1");
    limit(&scene->spawn, "nms.diagnostic., nms.rediagnostic., nms.deficit.", "bytes_per_s: 400");
    limit(&scene->spawn, "nms.person., nms.org., nms.employment.", "waiting_max: 8");
    clock_ahead_init(&scene->clock, &scene->spawn);
    spawn_start(&scene->spawn);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    for (size_t i = 0; i < ALL; i++)
        mr_buf_fini(&scene->events[i]);
    spawn_fini(&scene->spawn);
    free(scene);
    return 0;
}

/* The next frame; the acknowledgement of the first batch may come at any time before it. */
static const bus_frame *next(struct bus_client *client)
{
    const bus_frame *frame = bus_receive(client, SPAWN_DEADLINE_MS);

    assert_non_null(frame);
    return frame;
}

static uint32_t expect_refusal(struct bus_client *client, const char *said, uint64_t *acked)
{
    const bus_frame *frame = next(client);

    if (frame->body_case == MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK) {
        assert_int_equal(frame->publish_ack->n_results, 0); /* each simply stored */
        *acked = frame->publish_ack->through;
        frame = next(client);
    }
    assert_int_equal(frame->body_case, MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL);
    assert_string_equal(frame->refusal->code, "limit");
    assert_non_null(strstr(frame->refusal->reason, said));
    assert_false(frame->refusal->fatal);
    return frame->refusal->retry_after_ms;
}

static void send_batch(struct scene *scene, struct bus_client *client, size_t index)
{
    bus_publish(client, index * BATCH + 1, scene->events + index * BATCH, BATCH);
}

static void pass_ms(struct scene *scene, uint32_t ms)
{
    scene->ahead_s += ms / 1000 + 1;
    clock_ahead_set(&scene->spawn, scene->ahead_s);
}

/* A producer that does what it is told, but once comes back too early. */
static void obey(struct scene *scene, struct bus_client *client, const char *said)
{
    uint64_t acked = 0;
    uint32_t wait_ms, left_ms;

    send_batch(scene, client, 0);
    send_batch(scene, client, 1);
    wait_ms = expect_refusal(client, said, &acked);
    assert_in_range(wait_ms, WAIT_MIN_MS / 2, 2 * SPAWN_DEADLINE_MS);
    pass_ms(scene, wait_ms / 2);
    send_batch(scene, client, 1);
    left_ms = expect_refusal(client, said, &acked);
    assert_in_range(left_ms, 1, wait_ms / 2);
    pass_ms(scene, left_ms);
    send_batch(scene, client, 1);
    while (acked < ALL) {
        const bus_frame *frame = bus_expect(client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK);

        assert_int_equal(frame->publish_ack->n_results, 0);
        acked = frame->publish_ack->through;
    }
}

static json_int_t figure(struct scene *scene, int system, const char *name)
{
    json_t *json = bus_ask(&scene->spawn, "", "balance", ""), *line;
    json_int_t found = -1;
    size_t i;

    assert_true(json_is_true(json_object_get(json, "ok")));
    json_array_foreach (json_object_get(json, "in"), i, line)
        if (strcmp(json_string_value(json_object_get(line, "system")), spawn_system(system)) == 0)
            found = json_integer_value(json_object_get(line, name));
    json_decref(json);
    return found;
}

static void all_get_through(struct scene *scene, int system, const char *said)
{
    struct bus_client client;

    bus_connect_as(&client, &scene->spawn, system);
    (void)bus_hello(&client, 3, 0);
    obey(scene, &client, said);
    bus_close(&client);
    assert_int_equal(figure(scene, system, "received"), ALL); /* what was refused was not received */
    assert_int_equal(figure(scene, system, "stored"), ALL);
}

static void test_events(void **state)
{
    struct scene *scene = *state;

    for (size_t i = 0; i < ALL; i++) {
        char id[32];

        (void)snprintf(id, sizeof id, "q-%zu", i);
        hub_env_programme(&scene->events[i], id);
    }
    all_get_through(scene, SPAWN_PORTAL, "events_per_s");
}

static void test_bytes(void **state)
{
    struct scene *scene = *state;

    for (size_t i = 0; i < ALL; i++) {
        char id[32];

        (void)snprintf(id, sizeof id, "b-%zu", i);
        hub_env_deficit(&scene->events[i], id, "11223344595", NULL);
    }
    all_get_through(scene, SPAWN_COPMKP, "bytes_per_s");
}

static void test_waiting(void **state)
{
    struct scene *scene = *state;
    struct bus_client client;
    const bus_frame *frame;

    for (size_t i = 0; i <= WAITING_MAX; i++) {
        char id[32];

        (void)snprintf(id, sizeof id, "w-%zu", i);
        hub_env_employment(&scene->events[i], id, "11223344595", id, "1022402127461", true);
    }
    bus_connect_as(&client, &scene->spawn, SPAWN_SCHOOL);
    assert_int_equal(bus_hello(&client, 3, 0)->limits->publish_window, WAITING_MAX);
    bus_publish(&client, 1, scene->events, WAITING_MAX + 1);
    frame = bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL);
    assert_string_equal(frame->refusal->code, "limit");
    assert_false(frame->refusal->fatal);
    assert_true(frame->refusal->retry_after_ms > 0);
    bus_publish(&client, 1, scene->events, WAITING_MAX);
    assert_int_equal(bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK)->publish_ack->through,
            WAITING_MAX);
    bus_publish(&client, WAITING_MAX + 1, scene->events + WAITING_MAX, 1);
    assert_int_equal(bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK)->publish_ack->through,
            WAITING_MAX + 1);
    bus_close(&client);
    assert_int_equal(figure(scene, SPAWN_SCHOOL, "received"), WAITING_MAX + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_events, setup, teardown),
            cmocka_unit_test_setup_teardown(test_bytes, setup, teardown),
            cmocka_unit_test_setup_teardown(test_waiting, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
