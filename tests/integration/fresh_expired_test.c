/*
 * What has just become durable is delivered from memory, and the log is what counts: a record that expires
 * while it is still in memory for a receiver that lags is had by nobody any more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/bus_client.h"
#include "tests/support/clock_ahead.h"
#include "tests/support/deficits.h"
#include "tests/support/run_program.h"

#define PROGRAMMES "cnppm-programmes"
#define DEFICITS   "cnppm-deficits"

enum { MANY = 400, CREDIT = 1000, KEEP_DAYS = 10, DAY_S = 86400, SEGMENT = 100 };

static const char extra[] = "operators: [{name: anna, roles: [pd-officer]}]\n"
                            "retention:\n"
                            "  classes: [{types: [nms.programme.], keep_days: 10}]\n";
/* Seldom asked whether it is there: its clock goes 20 days ahead in a moment. */
static const char hub_keys[] = "  ballast_mb: 1\n  space_watermark_mb: 1\n  segment_events: 100\n"
                               "  ping_interval_ms: 600000\n";

struct scene {
    struct spawn spawn;
    struct clock_ahead clock;
    struct bus_client receiver;
    struct deficits deficits;
};

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);

    assert_non_null(scene);
    spawn_init_hub(&scene->spawn, extra, hub_keys);
    clock_ahead_init(&scene->clock, &scene->spawn);
    spawn_start(&scene->spawn);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    spawn_stop(&scene->spawn);
    spawn_fini(&scene->spawn);
    free(scene);
    return 0;
}

static json_int_t tool_number(
        const struct spawn *spawn, const char *first, const char *second, const char *key)
{
    const char *argv[] = {"marshrut", "-c", spawn->config, "--json", "--as", "anna", first, second, NULL};
    struct run_program run = {0};
    json_t *json;
    json_int_t number;

    run_program(&run, argv);
    if (run.status != 0)
        fail_msg("%s %s: %s", first, second, run_program_err(&run));
    json = json_loads(run_program_out(&run), 0, NULL);
    assert_non_null(json);
    number = json_integer_value(json_object_get(json, key));
    json_decref(json);
    run_program_fini(&run);
    return number;
}

static bool is_rolled(void *ctx)
{
    const struct scene *scene = ctx;

    return tool_number(&scene->spawn, "log", "segments", "growing") <= 2 * SEGMENT;
}

/* Of PROGRAMMES, until one has this number or a greater one; how many came before that one. */
static size_t receive_until(struct scene *scene, uint64_t last)
{
    uint64_t number = 0;
    size_t count = 0;

    while (number < last) {
        const Marshrut__Bus__V1__Deliver *deliver =
                bus_expect(&scene->receiver, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)->deliver;

        assert_string_equal(deliver->subscription, PROGRAMMES);
        count += deliver->n_items;
        number = deliver->items[deliver->n_items - 1]->number;
        bus_ack(&scene->receiver, PROGRAMMES, number);
    }
    return count - 1;
}

/* One receiver takes a deficit and no more: all that comes behind the next one stays in memory for it. */
static void begin(struct scene *scene)
{
    const Marshrut__Bus__V1__Deliver *deliver;

    bus_connect_as(&scene->receiver, &scene->spawn, SPAWN_CNPPM);
    (void)bus_hello(&scene->receiver, 0, 0);
    bus_subscribe(&scene->receiver, DEFICITS, 1, 0);
    bus_subscribe(&scene->receiver, PROGRAMMES, CREDIT, 0);
    deficits_publish(&scene->deficits, &scene->spawn, "AB");
    deliver = bus_expect(&scene->receiver, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)->deliver;
    assert_string_equal(deliver->subscription, DEFICITS);
    assert_int_equal(deliver->n_items, 1);
}

static bool is_settled(void *ctx)
{
    const struct scene *scene = ctx;
    uint64_t last = scene->deficits.numbers[1] + MANY;
    json_t *json = bus_ask(&scene->spawn, "", "hub.status", ""), *row;
    bool settled = false;
    size_t i;

    json_array_foreach (json_object_get(json, "subscriptions"), i, row)
        if (strcmp(json_string_value(json_object_get(row, "name")), PROGRAMMES) == 0)
            settled = json_integer_value(json_object_get(row, "cursor")) == (json_int_t)last &&
                      json_integer_value(json_object_get(json, "unwritten")) == 0;
    json_decref(json);
    return settled;
}

static void what_has_expired_is_not_had_from_memory(void **state)
{
    struct scene *scene = *state;
    uint64_t first;
    json_int_t expired;

    begin(scene);
    first = scene->deficits.numbers[1] + 1;
    bus_publish_programmes(&scene->spawn, 1, MANY);
    assert_int_equal(receive_until(scene, first + MANY - 1), MANY - 1);
    spawn_until("they are settled on the disk", is_settled, scene);
    spawn_until("the log is rolled", is_rolled, scene);
    clock_ahead_set(&scene->spawn, 2 * KEEP_DAYS * DAY_S);
    (void)tool_number(&scene->spawn, "retention", "run", "number");
    expired = tool_number(&scene->spawn, "log", "verify", "expired");
    assert_in_range(expired, SEGMENT, MANY);
    bus_subscribe(&scene->receiver, PROGRAMMES, CREDIT, first); /* all of them again, in the same session */
    bus_publish_programmes(&scene->spawn, MANY + 1, 1);
    /* The daily run may take the rest meanwhile. */
    assert_in_range(receive_until(scene, first + MANY), 0, MANY - expired);
    bus_close(&scene->receiver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(what_has_expired_is_not_had_from_memory, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
