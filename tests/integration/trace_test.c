/* traceparent through a real hub: in with an event, out with its delivery, and in the log when it was not
 * taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "event/assessment.pb-c.h"
#include "tests/support/bus_client.h"
#include "tests/support/hub_env.h"

#define STORED      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
#define QUARANTINED "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
#define REFUSED     "00-2af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
#define NO_TRACE    "no trace: 112-233-445 95"

enum { FLOOD = 200, LOG_BYTES = 1024 * 1024 };

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

static void deficit(
        struct mr_buf *out, const char *id, const char *type, const char *snils, const char *trace)
{
    struct mr_attributes a = hub_env_attributes("urn:marshrut:24:copmkp", id, type);
    Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;
    Nms__Event__V1__DeficitIdentified payload = NMS__EVENT__V1__DEFICIT_IDENTIFIED__INIT;

    a.traceparent = trace;
    person.snils = (char *)snils;
    payload.person = &person;
    payload.deficit_id = (char *)"d-1";
    payload.area = (char *)"ict";
    payload.identified_on = (char *)"2026-10-30";
    *out = (struct mr_buf)MR_BUF_INIT;
    hub_env_encode(out, &a, &payload.base);
}

static void publish(struct bus_client *client, uint64_t first, struct mr_buf *events, size_t count)
{
    bus_publish(client, first, events, count);
    (void)bus_expect(client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK);
    for (size_t i = 0; i < count; i++)
        mr_buf_fini(&events[i]);
}

/* The attribute of the one event that is delivered. */
static void expect_delivered(const struct spawn *spawn, const char *trace)
{
    const Marshrut__Bus__V1__Deliver *deliver;
    struct bus_client client;
    struct mr_arena arena;
    struct mr_event event;

    bus_connect_as(&client, spawn, SPAWN_CNPPM);
    (void)bus_hello(&client, 0, 0);
    bus_subscribe(&client, "cnppm-deficits", 10, 0);
    deliver = bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)->deliver;
    assert_int_equal(deliver->n_items, 1);
    mr_arena_init(&arena, 1024 * 1024);
    assert_int_equal(
            mr_event_decode(&event, mr_slice(deliver->items[0]->event.data, deliver->items[0]->event.len),
                    &arena, NULL),
            0);
    assert_string_equal(event.a.traceparent, trace);
    mr_arena_fini(&arena);
    bus_close(&client);
}

static void in_and_out(void **state)
{
    const struct spawn *spawn = *state;
    struct bus_client client;
    struct mr_buf events[4];

    bus_connect_as(&client, spawn, SPAWN_COPMKP);
    (void)bus_hello(&client, 7, 0);
    deficit(&events[0], "stored", "nms.deficit.identified.v1", "11223344595", STORED);
    deficit(&events[1], "quarantined", "nms.deficit.identified.v1", "11223344596", QUARANTINED);
    deficit(&events[2], "refused", "nms.nothing.v1", "11223344595", REFUSED);
    deficit(&events[3], "no-trace", "nms.nothing.v1", "11223344595", NO_TRACE);
    publish(&client, 1, events, 4);
    bus_close(&client);

    assert_true(spawn_logged(spawn, "event=event.quarantined system=copmkp sequence=2 number=2 code="));
    assert_true(spawn_logged(spawn, " traceparent=" QUARANTINED "\n"));
    assert_true(spawn_logged(spawn, "event=event.refused system=copmkp sequence=3 code="));
    assert_true(spawn_logged(spawn, " traceparent=" REFUSED "\n"));
    assert_true(spawn_logged(spawn, "event=event.refused system=copmkp sequence=4 code="));
    assert_false(spawn_logged(spawn, "no trace"));
    assert_false(spawn_logged(spawn, STORED)); /* what was taken makes no line */
    expect_delivered(spawn, STORED);
}

static size_t lines_with(const struct spawn *spawn, const char *text)
{
    static char log[LOG_BYTES];
    FILE *file = fopen(spawn->log, "re");
    size_t n = 0;

    assert_non_null(file);
    log[fread(log, 1, sizeof log - 1, file)] = 0;
    (void)fclose(file);
    for (const char *at = log; (at = strstr(at, text)) != NULL; at++)
        n++;
    return n;
}

struct more {
    const struct spawn *spawn;
    struct bus_client client;
    uint64_t sequence;
};

/* One more each time: the count is said with the first line of another second. */
static bool is_counted(void *ctx)
{
    struct more *more = ctx;
    struct mr_buf event;

    deficit(&event, "one-more", "nms.nothing.v1", "11223344595", NULL);
    publish(&more->client, ++more->sequence, &event, 1);
    return spawn_logged(more->spawn, "event=event.not-logged count=");
}

/* A sender of nothing but mistakes does not fill the disk with lines; how many are missing is said. */
static void a_flood_is_cut(void **state)
{
    struct more more = {.spawn = *state, .sequence = FLOOD};
    static struct mr_buf events[FLOOD];

    for (int i = 0; i < FLOOD; i++) {
        char id[16];

        (void)snprintf(id, sizeof id, "flood-%d", i);
        deficit(&events[i], id, "nms.nothing.v1", "11223344595", NULL);
    }
    bus_connect_as(&more.client, more.spawn, SPAWN_COPMKP);
    (void)bus_hello(&more.client, 7, 0);
    publish(&more.client, 1, events, FLOOD);
    assert_in_range(lines_with(more.spawn, "event=event.refused"), 1, FLOOD - 1);
    spawn_until("counted", is_counted, &more);
    bus_close(&more.client);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH(in_and_out), WITH(a_flood_is_cut)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
