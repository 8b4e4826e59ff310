/*
 * Two systems with different lists of fields get the same event from a real hub: each what its list says, in
 * deliveries and, once the person is to be forgotten, in the notice. `where` says under which configuration.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/assessment.pb-c.h"
#include "event/erasure.pb-c.h"
#include "proto/wire/codec.h"
#include "tests/support/bus_client.h"
#include "tests/support/hub_env.h"
#include "tests/support/run_program.h"
#include "tests/support/spawn.h"

#define SNILS  "11223344595"
#define FAMILY "Петрова"

static const char config_text[] =
        "  - {name: school-names, system: school, personal: full, person_fields: [family_name],\n"
        "     filters: [{prefix: {type: nms.deficit.}}]}\n"
        "  - {name: portal-numbers, system: portal, personal: full, person_fields: [snils, birth_date],\n"
        "     fields: [area], filters: [{prefix: {type: nms.deficit.}}]}\n"
        "operators:\n"
        "  - {name: officer, roles: [pd-officer]}\n"
        "  - {name: head, roles: [pd-officer]}\n";

struct env {
    struct spawn spawn;
    struct mr_arena arena;
    struct mr_event event; /* delivered last */
    struct mr_buf bytes;   /* ... its bytes */
    struct run_program run;
};

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    assert_non_null(env);
    spawn_init(&env->spawn, config_text);
    spawn_start(&env->spawn);
    mr_arena_init(&env->arena, 1 << 20);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    run_program_fini(&env->run);
    mr_buf_fini(&env->bytes);
    mr_arena_fini(&env->arena);
    spawn_fini(&env->spawn);
    free(env);
    return 0;
}

static void publish_deficit(struct env *env)
{
    struct bus_client client;
    struct mr_buf event = MR_BUF_INIT;

    hub_env_deficit(&event, "d-1", SNILS, "local-17");
    bus_connect_as(&client, &env->spawn, SPAWN_COPMKP);
    (void)bus_hello(&client, 3, 0);
    bus_publish(&client, 1, &event, 1);
    assert_int_equal(
            bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK)->publish_ack->n_results, 0);
    bus_close(&client);
    mr_buf_fini(&event);
}

/* The one event that waits for the subscription, decoded and acknowledged. */
static void take(struct env *env, int system, const char *subscription)
{
    struct bus_client client;
    const Marshrut__Bus__V1__Deliver *deliver;

    bus_connect_as(&client, &env->spawn, system);
    (void)bus_hello(&client, 0, 0);
    bus_subscribe(&client, subscription, 10, 0);
    deliver = bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)->deliver;
    assert_int_equal(deliver->n_items, 1);
    mr_buf_reset(&env->bytes);
    mr_buf_put(&env->bytes, deliver->items[0]->event.data, deliver->items[0]->event.len);
    mr_arena_reset(&env->arena);
    assert_int_equal(mr_event_decode(&env->event, mr_buf_slice(&env->bytes), &env->arena, NULL), 0);
    bus_ack(&client, subscription, deliver->items[0]->number);
    bus_close(&client);
}

static bool mentions(const struct env *env, const char *text)
{
    return memmem(env->bytes.data, env->bytes.size, text, strlen(text)) != NULL;
}

static int tool(struct env *env, const char *input, const char *const words[])
{
    const char *argv[20] = {"marshrut", "-c", env->spawn.config, "--json"};

    for (size_t i = 0; words[i]; i++)
        argv[4 + i] = words[i];
    run_program_fini(&env->run);
    env->run = (struct run_program){.input = input};
    run_program(&env->run, argv);
    return env->run.status;
}

#define TOOL(env, input, ...) tool(env, input, (const char *const[]){__VA_ARGS__, NULL})

static bool both_delivered(void *ctx)
{
    struct env *env = ctx;
    const char *out;
    int delivered = 0;

    assert_int_equal(TOOL(env, NULL, "where", "d-1"), 0);
    out = run_program_out(&env->run);
    for (const char *at = out; (at = strstr(at, "\"state\":\"delivered\"")); at++)
        delivered++;
    return delivered == 2;
}

static const Nms__Event__V1__DeficitIdentified *deficit_of(const struct env *env)
{
    return (const void *)env->event.payload;
}

static void test_each_gets_what_its_list_says(void **state)
{
    struct env *env = *state;

    publish_deficit(env);
    take(env, SPAWN_SCHOOL, "school-names");
    assert_string_equal(deficit_of(env)->person->family_name, FAMILY);
    assert_int_equal(strlen(deficit_of(env)->person->person_id), 32);
    assert_string_equal(deficit_of(env)->identified_on, "2026-10-30");
    assert_false(mentions(env, SNILS));
    assert_false(mentions(env, "local-17"));
    take(env, SPAWN_PORTAL, "portal-numbers");
    assert_string_equal(deficit_of(env)->person->snils, SNILS);
    assert_string_equal(deficit_of(env)->area, "ict");
    assert_false(mentions(env, FAMILY));
    assert_false(mentions(env, "2026-10-30"));
    spawn_until("both have it", both_delivered, env);
    assert_non_null(strstr(run_program_out(&env->run), "\"attempt\":1,\"config\":1"));
    spawn_stop(&env->spawn);
}

static const Nms__Event__V1__HubErasureNotice *notice_of(const struct env *env)
{
    assert_string_equal(env->event.a.type, "hub.erasure.notice.v1");
    return (const void *)env->event.payload;
}

static void test_a_notice_tells_no_more(void **state)
{
    struct env *env = *state;

    publish_deficit(env);
    assert_int_equal(TOOL(env, SNILS "\n", "erase", "request", "--snils", "-", "--basis", "consent-withdrawn",
                             "--case", "K-1", "--as", "officer"),
            0);
    assert_int_equal(TOOL(env, NULL, "erase", "approve", "1", "--as", "head"), 0);
    take(env, SPAWN_SCHOOL, "@erasure-school");
    assert_int_equal(notice_of(env)->n_ids, 1);
    assert_int_equal(notice_of(env)->n_snils, 0);
    assert_int_equal(notice_of(env)->n_names, 1);
    assert_string_equal(notice_of(env)->names[0]->family_name, FAMILY);
    take(env, SPAWN_PORTAL, "@erasure-portal");
    assert_int_equal(notice_of(env)->n_snils, 1);
    assert_false(mentions(env, FAMILY));
    take(env, SPAWN_COPMKP, "@erasure-copmkp"); /* it has sent all this itself */
    assert_int_equal(notice_of(env)->n_snils, 1);
    assert_string_equal(notice_of(env)->names[0]->family_name, FAMILY);
    assert_int_equal(notice_of(env)->n_local_ids, 1);
    spawn_stop(&env->spawn);
}

static void test_a_wrong_name_is_told_before_the_start(void **state)
{
    struct spawn spawn;
    struct env *env = *state;

    spawn_init(&spawn, "  - {name: x, system: school, personal: full, person_fields: [snills]}\n");
    assert_int_equal(spawn_start_fails(&spawn), 78);
    assert_true(spawn_logged(&spawn, "person_fields[0]"));
    run_program_fini(&env->run);
    env->run = (struct run_program){0};
    run_program(&env->run, (const char *const[]){"marshrut", "-c", spawn.config, "config", "check", NULL});
    assert_int_equal(env->run.status, 78);
    assert_non_null(strstr(run_program_err(&env->run), "person_fields[0]: no such field: \"snills\""));
    assert_non_null(strstr(run_program_err(&env->run), "the nearest is \"snils\""));
    spawn_forget(&spawn);
    spawn_fini(&spawn);
}

#define MINIMISE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {MINIMISE_TEST(test_each_gets_what_its_list_says),
            MINIMISE_TEST(test_a_notice_tells_no_more),
            MINIMISE_TEST(test_a_wrong_name_is_told_before_the_start)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
