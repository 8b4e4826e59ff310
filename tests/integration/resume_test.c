/* kill -9 of the hub while a producer publishes: after resuming nothing is lost and nothing is there twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/bus_client.h"
#include "tests/support/hub_env.h"
#include "tests/support/spawn.h"

enum { EVENTS = 2000, BATCH = 50, KILLS = 4 };

struct producer {
    struct mr_buf events[EVENTS];
    uint64_t numbers[EVENTS + 1]; /* by sequence; 0: not acknowledged */
    uint64_t through;
};

static void take_ack(struct producer *producer, const Marshrut__Bus__V1__PublishAck *ack)
{
    uint64_t number = ack->first_number;
    size_t r = 0;

    if (ack->first_sequence == 0) { /* verdicts repeated, or nothing new */
        producer->through = ack->through > producer->through ? ack->through : producer->through;
        return;
    }
    assert_int_equal(ack->first_sequence, producer->through + 1);
    for (uint64_t s = ack->first_sequence; s <= ack->through; s++) {
        if (r < ack->n_results && ack->results[r]->sequence == s) {
            producer->numbers[s] = ack->results[r]->number;
            if (ack->results[r]->verdict == MARSHRUT__BUS__V1__VERDICT__VERDICT_STORED)
                number = ack->results[r]->number + 1;
            r++;
        } else {
            producer->numbers[s] = number++;
        }
    }
    producer->through = ack->through;
}

/* Publishes from where the hub says, until everything is acknowledged or `until` is. */
static void publish(struct spawn *spawn, struct producer *producer, uint64_t until)
{
    struct bus_client client;
    uint64_t sent;

    bus_connect_as(&client, spawn, SPAWN_PORTAL);
    sent = bus_hello(&client, 42, producer->through)->stored_sequence;
    assert_true(sent >= producer->through); /* an acknowledged one is never lost */
    producer->through = sent;
    while (producer->through < until) {
        while (sent < EVENTS && sent < producer->through + 20 * BATCH) {
            uint64_t count = EVENTS - sent < BATCH ? EVENTS - sent : BATCH;

            bus_publish(&client, sent + 1, &producer->events[sent], count);
            sent += count;
        }
        take_ack(producer, bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK)->publish_ack);
    }
    bus_close(&client);
}

static int by_number(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* The same events of an outbox made anew: every one is known under its number. */
static void assert_all_there(struct spawn *spawn, struct producer *producer)
{
    struct bus_client client;

    bus_connect_as(&client, spawn, SPAWN_PORTAL);
    assert_int_equal(bus_hello(&client, 43, 0)->stored_sequence, 0);
    for (uint64_t sent = 0; sent < EVENTS; sent += BATCH) {
        const Marshrut__Bus__V1__PublishAck *ack;

        bus_publish(&client, sent + 1, &producer->events[sent], BATCH);
        ack = bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK)->publish_ack;
        assert_int_equal(ack->n_results, BATCH);
        for (size_t i = 0; i < BATCH; i++) {
            assert_int_equal(ack->results[i]->verdict, MARSHRUT__BUS__V1__VERDICT__VERDICT_DUPLICATE);
            assert_int_equal(ack->results[i]->number, sent + i + 1);
        }
    }
    bus_close(&client);
}

static void test_kill_and_resume(void **state)
{
    static struct spawn spawn;
    static struct producer producer;
    char id[32];
    size_t seen = 0;

    (void)state;
    spawn_init(&spawn, "");
    for (size_t i = 0; i < EVENTS; i++) {
        (void)snprintf(id, sizeof id, "ev-%zu", i);
        hub_env_programme(&producer.events[i], id);
    }
    for (uint64_t i = 1; i <= KILLS; i++) {
        spawn_start(&spawn);
        publish(&spawn, &producer, i * EVENTS / (KILLS + 1));
        spawn_kill(&spawn);
    }
    spawn_start(&spawn);
    publish(&spawn, &producer, EVENTS);
    assert_int_equal(bus_status_number(&spawn, "head"), EVENTS);
    qsort(producer.numbers + 1, EVENTS, sizeof producer.numbers[0], by_number);
    for (size_t i = 1; i <= EVENTS; i++) {
        if (producer.numbers[i] == 0)
            continue; /* stored, and the ack was lost with the hub */
        if (producer.numbers[i] == producer.numbers[i - 1])
            fail_msg("number %llu twice", (unsigned long long)producer.numbers[i]);
        assert_in_range(producer.numbers[i], 1, EVENTS);
        seen++;
    }
    assert_true(seen > 0);
    assert_all_there(&spawn, &producer);
    for (size_t i = 0; i < EVENTS; i++)
        mr_buf_fini(&producer.events[i]);
    spawn_fini(&spawn);
}

/* A client that comes back while its batch is on the way gets its answer once, and the hub does not take it
 * twice. */
static void test_reconnect_in_flight(void **state)
{
    static struct spawn spawn;
    struct bus_client first, second;
    struct mr_buf events[BATCH] = {0};
    uint64_t through;
    char id[32];

    (void)state;
    spawn_init(&spawn, "");
    spawn_start(&spawn);
    for (size_t i = 0; i < BATCH; i++) {
        (void)snprintf(id, sizeof id, "r-%zu", i);
        hub_env_programme(&events[i], id);
    }
    bus_connect_as(&first, &spawn, SPAWN_PORTAL);
    (void)bus_hello(&first, 9, 0);
    bus_publish(&first, 1, events, BATCH);
    bus_connect_as(&second, &spawn, SPAWN_PORTAL);
    through = bus_hello(&second, 9, 0)->stored_sequence;
    bus_publish(&second, 1, events, BATCH);
    while (through < BATCH)
        through = bus_expect(&second, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK)->publish_ack->through;
    assert_int_equal(through, BATCH);
    assert_int_equal(bus_status_number(&spawn, "head"), BATCH);
    bus_close(&first);
    bus_close(&second);
    for (size_t i = 0; i < BATCH; i++)
        mr_buf_fini(&events[i]);
    spawn_fini(&spawn);
}

/* SIGTERM in the middle: what was taken is answered before Goodbye, and what was answered is there
 * afterwards. */
static void test_stop_under_load(void **state)
{
    static struct spawn spawn;
    struct bus_client client;
    struct mr_buf event = MR_BUF_INIT;
    uint64_t through = 0;
    bus_frame *frame;
    char id[32];

    (void)state;
    spawn_init(&spawn, "");
    spawn_start(&spawn);
    bus_connect_as(&client, &spawn, SPAWN_PORTAL);
    (void)bus_hello(&client, 8, 0);
    for (uint64_t i = 1; i <= 500; i++) {
        (void)snprintf(id, sizeof id, "s-%llu", (unsigned long long)i);
        mr_buf_reset(&event);
        hub_env_programme(&event, id);
        bus_publish(&client, i, &event, 1);
    }
    assert_int_equal(
            bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK)->publish_ack->first_number, 1);
    spawn_stop(&spawn);
    while ((frame = bus_receive(&client, SPAWN_DEADLINE_MS)) &&
            frame->body_case != MARSHRUT__BUS__V1__FRAME__BODY_GOODBYE)
        if (frame->body_case == MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK)
            through = frame->publish_ack->through;
    assert_non_null(frame);
    bus_close(&client);
    spawn_start(&spawn);
    assert_int_equal(bus_status_number(&spawn, "head"), through);
    mr_buf_fini(&event);
    spawn_fini(&spawn);
}

#define OFTEN SPAWN_HUB "  ping_interval_ms: 1000\n"

static bool nobody_is_there(void *ctx)
{
    struct bus_client client;
    bool empty;

    bus_connect(&client, ((struct spawn *)ctx)->admin, NULL, NULL);
    empty = strstr(bus_query(&client, "hub.status", ""), "\"sessions\":[]") != NULL;
    bus_close(&client);
    return empty;
}

/* A client whose application hangs: its library still answers heartbeats, nobody answers Ping. */
static void test_silent_client(void **state)
{
    static struct spawn spawn;
    struct bus_client client;

    (void)state;
    spawn_init_hub(&spawn, "", OFTEN);
    spawn_start(&spawn);
    bus_connect_as(&client, &spawn, SPAWN_SCHOOL);
    (void)bus_hello(&client, 0, 0);
    assert_false(nobody_is_there(&spawn));
    spawn_until("the silent client is let go", nobody_is_there, &spawn);
    assert_true(spawn_logged(&spawn, "why=silent"));
    bus_close(&client);
    spawn_fini(&spawn);
}

/* It stood still (a machine that was suspended, a disk): that nobody was heard is its own doing, and nobody
 * has to begin anew. */
static void test_hub_stood_still(void **state)
{
    enum { STILL_MS = 5000 }; /* more than four ping intervals */
    struct spawn spawn;
    struct bus_client client;
    struct mr_buf event = MR_BUF_INIT;

    (void)state;
    spawn_init_hub(&spawn, "", OFTEN);
    spawn_start(&spawn);
    bus_connect_as(&client, &spawn, SPAWN_PORTAL);
    (void)bus_hello(&client, 1, 0);
    assert_int_equal(kill(spawn.pid, SIGSTOP), 0);
    hub_env_programme(&event, "still-1");
    bus_publish(&client, 1, &event, 1);
    (void)poll(NULL, 0, STILL_MS);
    assert_int_equal(kill(spawn.pid, SIGCONT), 0);
    assert_int_equal(
            bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK)->publish_ack->through, 1);
    mr_buf_fini(&event);
    bus_close(&client);
    spawn_fini(&spawn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kill_and_resume),
            cmocka_unit_test(test_reconnect_in_flight), cmocka_unit_test(test_stop_under_load),
            cmocka_unit_test(test_silent_client), cmocka_unit_test(test_hub_stood_still)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
