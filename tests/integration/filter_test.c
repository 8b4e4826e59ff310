/* Filters of a real hub: a CESQL subscription gets what its expression says, and a wrong one stops the start.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "tests/support/bus_client.h"
#include "tests/support/config_env.h"
#include "tests/support/hub_env.h"
#include "tests/support/spawn.h"

enum { EVENTS = 12, QUIET_MS = 200 };

static void publish(struct spawn *spawn)
{
    struct mr_buf events[EVENTS];
    struct bus_client client;

    for (int i = 0; i < EVENTS; i++) {
        char id[16];

        (void)snprintf(id, sizeof id, "f-%d", i);
        events[i] = (struct mr_buf)MR_BUF_INIT;
        hub_env_programme(&events[i], id);
    }
    bus_connect_as(&client, spawn, SPAWN_PORTAL);
    (void)bus_hello(&client, 3, 0);
    bus_publish(&client, 1, events, EVENTS);
    (void)bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK);
    bus_close(&client);
    for (int i = 0; i < EVENTS; i++)
        mr_buf_fini(&events[i]);
}

/* f-0 is number 1. Of f-0 to f-11: those of one digit, but f-3 and f-5. */
static void a_subscription_in_cesql(void **state)
{
    static const uint64_t wanted[] = {1, 2, 3, 5, 7, 8, 9, 10};
    const size_t wanted_count = sizeof wanted / sizeof wanted[0];
    struct bus_client receiver;
    struct spawn spawn;
    size_t count = 0;

    (void)state;
    spawn_init(&spawn,
            "  - name: cnppm-sql\n"
            "    system: cnppm\n"
            "    filters:\n"
            "      - sql: type = 'nms.programme.listed.v1' AND id LIKE 'f-_' AND NOT EXISTS subject\n"
            "      - not: {sql: \"RIGHT(id, 1) IN (3, '5')\"}\n");
    spawn_start(&spawn);
    publish(&spawn);
    bus_connect_as(&receiver, &spawn, SPAWN_CNPPM);
    (void)bus_hello(&receiver, 0, 0);
    bus_subscribe(&receiver, "cnppm-sql", 100, 0);
    while (count < wanted_count) {
        const Marshrut__Bus__V1__Deliver *deliver =
                bus_expect(&receiver, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)->deliver;

        for (size_t i = 0; i < deliver->n_items; i++) {
            assert_in_range(count, 0, wanted_count - 1);
            assert_int_equal(deliver->items[i]->number, wanted[count++]);
        }
    }
    assert_null(bus_receive(&receiver, QUIET_MS));
    bus_close(&receiver);
    spawn_fini(&spawn);
}

static void expect_rows(const struct spawn *spawn, const char *command, const char *list, size_t at_least)
{
    json_t *document = config_env_json(spawn, CONFIG_ENV_ARGS(command, "--json"));

    assert_true(json_array_size(json_object_get(document, list)) >= at_least);
    json_decref(document);
}

/* A hub of 10,000 subscriptions starts, takes events, delivers each to the one that wants it, and tells of
 * all. */
static void ten_thousand_subscriptions(void **state)
{
    enum { MANY = 10000, WANTED = 7, NUMBER = WANTED + 1 };
    struct mr_buf extra = MR_BUF_INIT;
    struct bus_client receiver;
    struct spawn spawn;
    const Marshrut__Bus__V1__Deliver *deliver;

    (void)state;
    for (int i = 0; i < MANY; i++)
        mr_buf_printf(&extra, "  - {name: s-%05d, system: cnppm, filters: [{exact: {id: f-%d}}]}\n", i, i);
    spawn_init(&spawn, mr_buf_str(&extra));
    spawn_start(&spawn);
    publish(&spawn);
    bus_connect_as(&receiver, &spawn, SPAWN_CNPPM);
    (void)bus_hello(&receiver, 0, 0);
    bus_subscribe(&receiver, "s-00007", 100, 0);
    deliver = bus_expect(&receiver, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)->deliver;
    assert_string_equal(deliver->subscription, "s-00007");
    assert_int_equal(deliver->n_items, 1);
    assert_int_equal(deliver->items[0]->number, NUMBER);
    assert_null(bus_receive(&receiver, QUIET_MS));
    bus_close(&receiver);
    expect_rows(&spawn, "status", "subscriptions", MANY);
    expect_rows(&spawn, "balance", "out", MANY);
    spawn_fini(&spawn);
    mr_buf_fini(&extra);
}

static void a_wrong_expression_stops_the_start(void **state)
{
    struct spawn spawn;

    (void)state;
    spawn_init(&spawn, "  - {name: cnppm-sql, system: cnppm, filters: [{any: [{sql: \"id LIKE type\"}]}]}\n");
    assert_int_equal(spawn_start_fails(&spawn), 78);
    assert_true(spawn_logged(&spawn, "subscriptions[2].filters[0].any[0].sql: ParseError at byte 9"));
    spawn_forget(&spawn);
    spawn_fini(&spawn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_subscription_in_cesql),
            cmocka_unit_test(ten_thousand_subscriptions),
            cmocka_unit_test(a_wrong_expression_stops_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
