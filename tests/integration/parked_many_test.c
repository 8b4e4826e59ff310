/*
 * More parked deliveries than a page, and than one act, has place for: listed whole, acted on by filter, each
 * once by one command, also while the receiver goes on failing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/list.h"
#include "tests/support/bus_client.h"
#include "tests/support/config_env.h"

#define SUB "cnppm-programmes"

/* A page of the tool and an act of the hub have 1,000. */
enum { PARKED = 1200, AT_ONCE = 1000, CREDIT = 500, FOREVER_MS = 3600 * 1000 };

struct scene {
    struct spawn spawn;
    pid_t receiver; /* 0: none */
};

/* Takes nothing, for good, until it is killed. */
static void refuse_all(const struct spawn *spawn)
{
    struct bus_client client;

    bus_connect_as(&client, spawn, SPAWN_CNPPM);
    (void)bus_hello(&client, 0, 0);
    bus_subscribe(&client, SUB, CREDIT, 0);
    for (;;) {
        bus_frame *frame = bus_receive(&client, FOREVER_MS);
        uint64_t numbers[CREDIT];
        size_t count = 0;

        if (!frame || frame->body_case != MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)
            continue;
        for (size_t i = 0; i < frame->deliver->n_items && count < CREDIT; i++)
            numbers[count++] = frame->deliver->items[i]->number;
        for (size_t i = 0; i < count; i++)
            bus_nack(&client, SUB, numbers[i], true);
        bus_credit(&client, SUB, (uint32_t)count);
    }
}

static void begin_receiver(struct scene *scene)
{
    scene->receiver = fork();
    assert_true(scene->receiver >= 0);
    if (scene->receiver == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        refuse_all(&scene->spawn);
        _exit(127);
    }
}

static void end_receiver(struct scene *scene)
{
    if (scene->receiver) {
        (void)kill(scene->receiver, SIGKILL);
        (void)waitpid(scene->receiver, NULL, 0);
    }
    scene->receiver = 0;
}

static json_int_t number_of(const json_t *json, const char *key)
{
    return json_integer_value(json_object_get(json, key));
}

static const char *text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text ? text : "";
}

static bool all_failed(void *ctx)
{
    const struct scene *scene = ctx;
    json_t *json = bus_ask(&scene->spawn, "", "parked.list", "{\"limit\":1,\"state\":\"failed\"}");
    bool all = number_of(json, "failed") == PARKED;

    json_decref(json);
    return all;
}

/* What lies behind the cursor cannot be acted on yet. */
static bool all_settled(void *ctx)
{
    const struct scene *scene = ctx;

    json_t *json = bus_ask(&scene->spawn, "", "parked.list", "{\"limit\":10000,\"state\":\"failed\"}");
    const json_t *list = json_object_get(json, "parked");
    json_int_t last = number_of(json_array_get(list, PARKED - 1), "number"); /* 0: not all yet */

    json_decref(json);
    return last > 0 && bus_settled_cursor(&scene->spawn, SUB) >= last;
}

static int setup(void **state)
{
    static struct scene scene;

    spawn_init(&scene.spawn, CONFIG_ENV_OPERATORS);
    spawn_start(&scene.spawn);
    bus_publish_programmes(&scene.spawn, 1, PARKED / 2);
    bus_publish_programmes(&scene.spawn, PARKED / 2 + 1, PARKED / 2);
    begin_receiver(&scene);
    spawn_until("all of it is parked", all_settled, &scene);
    *state = &scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    end_receiver(scene);
    spawn_fini(&scene->spawn);
    return 0;
}

/* Each once, ascending, and with so many attempts behind it; returns the last one. */
static json_int_t check_rows(const json_t *list, size_t count, json_int_t attempts)
{
    json_int_t before = 0;
    json_t *row;
    size_t i;

    assert_int_equal(json_array_size(list), count);
    json_array_foreach (list, i, row) {
        assert_true(number_of(row, "number") > before);
        before = number_of(row, "number");
        assert_int_equal(number_of(row, "attempts"), attempts);
        assert_string_equal(json_string_value(json_object_get(row, "state")), "failed");
    }
    return before;
}

static void expect_listed(const struct scene *scene, json_int_t attempts)
{
    json_t *json = config_env_json(&scene->spawn, CONFIG_ENV_ARGS("--json", "parked", "list"));

    assert_int_equal(number_of(json, "failed"), PARKED);
    assert_true(json_is_false(json_object_get(json, "more")));
    assert_null(json_object_get(json, "next"));
    (void)check_rows(json_object_get(json, "parked"), PARKED, attempts);
    json_decref(json);
}

static json_t *page(const struct scene *scene, const char *after, unsigned limit, const char *more)
{
    char arguments[160];
    json_t *json;

    (void)snprintf(arguments, sizeof arguments, "{\"limit\":%u,\"after\":\"%s\"%s}", limit, after, more);
    json = bus_ask(&scene->spawn, "", "parked.list", arguments);
    return json;
}

static void a_list_has_pages(void **state)
{
    static const char *const nowhere[][2] = {{"7", ""}, {"s1", ""}, {"s0n1", ""}, {"s1n1 ", ""},
            {"s99999n1", ""}, {"s9n1", ",\"subscription\":\"" SUB "\""}};
    const struct scene *scene = *state;
    char next[64];
    json_t *json;

    expect_listed(scene, 1);
    json = page(scene, "", PARKED - 1, "");
    assert_int_equal(number_of(json, "failed"), PARKED);
    assert_true(json_is_true(json_object_get(json, "more")));
    (void)check_rows(json_object_get(json, "parked"), PARKED - 1, 1);
    (void)snprintf(next, sizeof next, "%s", json_string_value(json_object_get(json, "next")));
    json_decref(json);
    json = page(scene, next, PARKED, ",\"subscription\":\"" SUB "\"");
    assert_null(json_object_get(json, "failed")); /* was told */
    assert_true(json_is_false(json_object_get(json, "more")));
    assert_string_equal(json_string_value(json_object_get(json, "next")), "");
    (void)check_rows(json_object_get(json, "parked"), 1, 1);
    json_decref(json);
    for (size_t i = 0; i < MR_COUNT(nowhere); i++) {
        json = page(scene, nowhere[i][0], 1, nowhere[i][1]);
        if (strcmp(text_of(json, "what"), "no place to go on from") != 0)
            fail_msg("%s%s: %s", nowhere[i][0], nowhere[i][1], text_of(json, "what"));
        json_decref(json);
    }
    json = bus_ask(&scene->spawn, "", "parked.list", "{\"state\":\"lost\"}");
    assert_string_equal(json_string_value(json_object_get(json, "what")), "no such state");
    json_decref(json);
}

/* The receiver gives back what is sent again while the command is at work: it is not sent a third time. */
static void each_is_tried_once_by_one_command(void **state)
{
    struct scene *scene = *state;
    json_t *json = config_env_json(&scene->spawn,
            CONFIG_ENV_ARGS("--json", "--as", "boss", "parked", "retry", "--subscription", SUB));

    assert_int_equal(number_of(json, "released"), PARKED);
    assert_int_equal(number_of(json, "not_now"), 0);
    assert_true(json_is_false(json_object_get(json, "more")));
    json_decref(json);
    spawn_until("all of it has failed again", all_failed, scene);
    expect_listed(scene, 2);
}

static bool all_discarded(void *ctx)
{
    const struct scene *scene = ctx;
    json_t *json = bus_ask(&scene->spawn, "", "balance", ""), *line;
    json_int_t discarded = -1;
    size_t i;

    assert_true(json_is_true(json_object_get(json, "ok")));
    json_array_foreach (json_object_get(json, "out"), i, line)
        if (strcmp(json_string_value(json_object_get(line, "subscription")), SUB) == 0)
            discarded = number_of(line, "discarded");
    json_decref(json);
    return discarded == PARKED;
}

/* An act is one commit of a thousand: a hub that is killed behind the first has done that, and the same
 * command does the rest. */
static void an_act_is_whole(void **state)
{
    struct scene *scene = *state;
    json_t *json;

    json = bus_ask(&scene->spawn, "boss", "parked.discard", "{\"all\":true,\"case\":\"2026/17\"}");
    assert_int_equal(number_of(json, "discarded"), AT_ONCE);
    assert_true(json_is_true(json_object_get(json, "more")));
    json_decref(json);
    spawn_kill(&scene->spawn);
    spawn_start(&scene->spawn);
    json = config_env_json(&scene->spawn, CONFIG_ENV_ARGS("--json", "--as", "boss", "parked", "discard",
                                                  "--type", "nms.programme.", "--case", "2026/17"));
    assert_int_equal(number_of(json, "discarded"), PARKED - AT_ONCE);
    json_decref(json);
    config_env_tool(&scene->spawn, 66, "nothing parked fits",
            CONFIG_ENV_ARGS("--as", "boss", "parked", "release", "--all"));
    spawn_until("the balance has them", all_discarded, scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_list_has_pages),
            cmocka_unit_test(each_is_tried_once_by_one_command), cmocka_unit_test(an_act_is_whole)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
