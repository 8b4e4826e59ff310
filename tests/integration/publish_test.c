/* Publish over the bus to a real hub: one batch of every verdict, sequences, windows, sessions, orderly stop.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/bus_client.h"
#include "tests/support/hub_env.h"
#include "tests/support/spawn.h"

typedef Marshrut__Bus__V1__PublishAck ack_t;

static int setup(void **state)
{
    static struct spawn spawn;

    spawn_init(&spawn, "");
    spawn_start(&spawn);
    *state = &spawn;
    return 0;
}

static int teardown(void **state)
{
    spawn_fini(*state);
    return 0;
}

static ack_t *expect_ack(struct bus_client *client)
{
    return bus_expect(client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK)->publish_ack;
}

static const char *expect_refusal(struct bus_client *client)
{
    return bus_expect(client, MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL)->refusal->code;
}

/* Stored, malformed, quarantined (check digits), stored, repeated: each its own verdict, none hurts the
 * others. */
static void test_one_batch(void **state)
{
    struct bus_client client;
    struct mr_buf events[5] = {0};
    ack_t *ack;

    bus_connect_as(&client, *state, SPAWN_COPMKP);
    assert_string_equal(bus_hello(&client, 11, 0)->system, "copmkp");
    hub_env_deficit(&events[0], "e-1", "11223344595", "t-1");
    mr_buf_put_str(&events[1], "these are not the bytes of an event");
    hub_env_deficit(&events[2], "e-3", "11223344596", "t-3");
    hub_env_deficit(&events[3], "e-4", "11223344595", "t-1");
    hub_env_deficit(&events[4], "e-1", "11223344595", "t-1");
    bus_publish(&client, 1, events, 5);
    ack = expect_ack(&client);
    assert_int_equal(ack->through, 5);
    assert_int_equal(ack->first_number, 1);
    assert_int_equal(ack->last_leaf_hash.len, 32);
    assert_int_equal(ack->n_results, 4);
    assert_int_equal(ack->results[0]->sequence, 2);
    assert_int_equal(ack->results[0]->verdict, MARSHRUT__BUS__V1__VERDICT__VERDICT_REFUSED);
    assert_true(ack->results[0]->code[0] && ack->results[0]->reason[0] && ack->results[0]->cure[0]);
    assert_int_equal(ack->results[1]->sequence, 3);
    assert_int_equal(ack->results[1]->verdict, MARSHRUT__BUS__V1__VERDICT__VERDICT_QUARANTINED);
    assert_int_equal(ack->results[1]->number, 2);
    assert_int_equal(ack->results[2]->sequence, 4); /* stored behind a gap: told with its number */
    assert_int_equal(ack->results[2]->verdict, MARSHRUT__BUS__V1__VERDICT__VERDICT_STORED);
    assert_int_equal(ack->results[2]->number, 3);
    assert_int_equal(ack->results[3]->verdict, MARSHRUT__BUS__V1__VERDICT__VERDICT_DUPLICATE);
    assert_int_equal(ack->results[3]->number, 1);
    bus_close(&client);
    for (size_t i = 0; i < 5; i++)
        mr_buf_fini(&events[i]);
}

/* 0 is what the rows of the tool's publishing have: nobody publishes with it, and nobody is told of those. */
static void test_epoch_zero(void **state)
{
    struct bus_client client;
    struct mr_buf event = MR_BUF_INIT;

    hub_env_programme(&event, "epoch-zero");
    bus_connect_as(&client, *state, SPAWN_PORTAL);
    (void)bus_hello(&client, 0, 0);
    bus_publish(&client, 1, &event, 1);
    assert_string_equal(expect_refusal(&client), "frame");
    bus_close(&client);
    mr_buf_fini(&event);
}

/* How many verdicts of this kind a system was given, as the hub says. */
static json_int_t counted(const struct spawn *spawn, const char *system, const char *verdict)
{
    json_t *status = bus_ask(spawn, "", "hub.status", "");
    json_int_t count = -1;
    json_t *row;
    size_t i;

    json_array_foreach (json_object_get(status, "systems"), i, row)
        if (strcmp(json_string_value(json_object_get(row, "name")), system) == 0)
            count = json_integer_value(json_object_get(row, verdict));
    json_decref(status);
    return count;
}

/* Verdicts that the producer has not confirmed come again after Hello, and the sequence goes on. */
static void test_verdicts_repeated(void **state)
{
    struct bus_client client;
    Marshrut__Bus__V1__Welcome *welcome;
    ack_t *ack;

    bus_connect_as(&client, *state, SPAWN_COPMKP);
    welcome = bus_hello(&client, 11, 2);
    assert_int_equal(welcome->stored_sequence, 5);
    ack = expect_ack(&client);
    assert_int_equal(ack->n_results, 2); /* quarantined and duplicate; what was simply stored has no row */
    assert_int_equal(ack->results[0]->sequence, 3);
    assert_int_equal(ack->results[1]->sequence, 5);
    assert_int_equal(ack->through, 5);
    welcome = bus_hello(&client, 12, 0); /* an outbox made anew */
    assert_int_equal(welcome->stored_sequence, 0);
    bus_close(&client);
    assert_int_equal(counted(*state, "copmkp", "stored"), 2); /* since the start, whatever the epoch */
    assert_int_equal(counted(*state, "copmkp", "refused"), 1);
}

static void test_sequences_and_limits(void **state)
{
    static struct mr_buf events[MR_BATCH_EVENTS_MAX + 1];
    struct bus_client client;
    char id[32];

    bus_connect_as(&client, *state, SPAWN_PORTAL);
    for (size_t i = 0; i <= MR_BATCH_EVENTS_MAX; i++) {
        (void)snprintf(id, sizeof id, "p-%zu", i);
        hub_env_programme(&events[i], id);
    }
    bus_publish(&client, 1, events, 1);
    assert_string_equal(expect_refusal(&client), "no-hello");
    (void)bus_hello(&client, 5, 0);
    bus_publish(&client, 3, events, 1);
    assert_string_equal(expect_refusal(&client), "sequence");
    bus_publish(&client, 4, events, 1); /* sent before it knew: dropped */
    bus_publish(&client, 1, events, 2);
    assert_int_equal(expect_ack(&client)->through, 2);
    bus_publish(&client, 2, events + 1, 2); /* overlaps: only the new one is taken */
    {
        ack_t *ack = expect_ack(&client);

        assert_int_equal(ack->first_sequence, 3);
        assert_int_equal(ack->through, 3);
        assert_int_equal(ack->n_results, 0);
    }
    bus_publish(&client, 1, events, 3); /* all of it is stored */
    assert_int_equal(expect_ack(&client)->through, 3);
    bus_publish(&client, 4, events + 3, 0);
    assert_string_equal(expect_refusal(&client), "limit");
    bus_publish(&client, 4, events, MR_BATCH_EVENTS_MAX + 1);
    assert_string_equal(expect_refusal(&client), "limit");
    bus_close(&client);
    for (size_t i = 0; i <= MR_BATCH_EVENTS_MAX; i++)
        mr_buf_fini(&events[i]);
}

static void test_newest_session(void **state)
{
    struct bus_client older, newer;
    struct mr_buf event = MR_BUF_INIT;
    bus_frame *frame;

    bus_connect_as(&older, *state, SPAWN_PORTAL);
    (void)bus_hello(&older, 0, 0);
    bus_connect_as(&newer, *state, SPAWN_PORTAL);
    (void)bus_hello(&newer, 0, 0);
    frame = bus_expect(&older, MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL);
    assert_string_equal(frame->refusal->code, "replaced");
    assert_true(frame->refusal->fatal);
    hub_env_programme(&event, "x");
    bus_publish(&older, 1, &event, 1);
    assert_string_equal(expect_refusal(&older), "no-hello");
    mr_buf_fini(&event);
    bus_close(&older);
    bus_close(&newer);
}

static void test_versions(void **state)
{
    struct bus_client client;
    bus_frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Hello hello = MARSHRUT__BUS__V1__HELLO__INIT;

    hello.version = 9;
    hello.version_min = 1;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_HELLO;
    frame.hello = &hello;
    bus_connect_as(&client, *state, SPAWN_PORTAL);
    bus_send(&client, &frame);
    assert_int_equal(bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_WELCOME)->welcome->version, 1);
    hello.version_min = 2;
    bus_send(&client, &frame);
    assert_string_equal(expect_refusal(&client), "version");
    bus_close(&client);
}

static void test_admin(void **state)
{
    const struct spawn *spawn = *state;
    struct bus_client client;
    struct mr_buf event = MR_BUF_INIT;

    bus_connect(&client, spawn->admin, NULL, NULL);
    assert_non_null(strstr(bus_query(&client, "hub.status", ""), "\"sessions\""));
    (void)bus_query(&client, "no.such.method", "{}");
    assert_int_equal(client.frame->result->error, MR_ENOTFOUND);
    (void)bus_query(&client, "hub.status", "[1");
    assert_int_equal(client.frame->result->error, MR_EINVAL);
    bus_send_hello(&client, "marshrut as=nobody", 1, 0);
    assert_string_equal(expect_refusal(&client), "unknown-system");
    bus_send_hello(&client, "marshrut as=portal", 77, 0);
    assert_string_equal(
            bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_WELCOME)->welcome->system, "portal");
    hub_env_programme(&event, "by-the-tool");
    bus_publish(&client, 1, &event, 1);
    assert_int_equal(expect_ack(&client)->through, 1);
    mr_buf_fini(&event);
    bus_close(&client);
    bus_connect_as(&client, spawn, SPAWN_SCHOOL);
    {
        bus_frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
        Marshrut__Bus__V1__Query query = MARSHRUT__BUS__V1__QUERY__INIT;

        query.method = (char *)"hub.status";
        frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_QUERY;
        frame.query = &query;
        bus_send(&client, &frame);
    }
    assert_string_equal(expect_refusal(&client), "right");
    bus_close(&client);
}

static void test_goodbye_at_stop(void **state)
{
    struct spawn *spawn = *state;
    struct bus_client client;

    bus_connect_as(&client, spawn, SPAWN_SCHOOL);
    (void)bus_hello(&client, 0, 0);
    spawn_stop(spawn);
    (void)bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_GOODBYE);
    bus_close(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_batch),
            cmocka_unit_test(test_verdicts_repeated), cmocka_unit_test(test_sequences_and_limits),
            cmocka_unit_test(test_newest_session), cmocka_unit_test(test_versions),
            cmocka_unit_test(test_epoch_zero), cmocka_unit_test(test_admin),
            cmocka_unit_test(test_goodbye_at_stop)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
