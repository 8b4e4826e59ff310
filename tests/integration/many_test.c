/*
 * Answers with more in them than a frame has place for: the tool puts them together from pages; whoever asks
 * for all at once is told that it is too much, and what to do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/buf.h"
#include "tests/support/bus_client.h"
#include "tests/support/config_env.h"

/* A list of 4,000 that wait has about 1.2 MB, the way of 1,000 a little more than a frame. */
enum { WAITING = 4000, OF_ONE_CASE = 1000, EVENT_BYTES = 1024 };

#define WRONG "11223344594" /* its check digits are not right: the event waits for correction */

static int setup(void **state)
{
    static struct spawn spawn;

    spawn_init(&spawn, CONFIG_ENV_OPERATORS);
    spawn_start(&spawn);
    *state = &spawn;
    return 0;
}

static int teardown(void **state)
{
    spawn_fini(*state);
    return 0;
}

static void put_event(struct mr_buf *out, int i)
{
    char text[EVENT_BYTES];

    (void)snprintf(text, sizeof text,
            "{\"specversion\":\"1.0\",\"id\":\"m-%d\",\"source\":\"urn:marshrut:24:copmkp\",\"type\":"
            "\"nms.deficit.identified.v1\",\"time\":\"2026-03-01T09:00:00Z\",\"regioncode\":\"24\","
            "\"basis\":\"education\",\"actor\":\"test\",\"actorrole\":\"system\",\"correlationid\":\"c-%d\","
            "\"data\":{\"person\":{\"localId\":\"t-%d\",\"snils\":\"" WRONG "\",\"familyName\":\"Петрова\"},"
            "\"deficitId\":\"D-%d\",\"area\":\"ict\",\"identifiedOn\":\"2026-03-01\"}}\n",
            i, i / OF_ONE_CASE, i, i);
    mr_buf_put_str(out, text);
}

static void publish(const struct spawn *spawn)
{
    const char *argv[] = {"marshrut", "-c", spawn->config, "publish", NULL};
    struct mr_buf events = MR_BUF_INIT;
    struct run_program run = {0};

    for (int i = 0; i < WAITING; i++)
        put_event(&events, i);
    run.input = mr_buf_str(&events);
    run_program(&run, argv);
    assert_int_equal(run.status, 1); /* they wait */
    assert_non_null(strstr(run_program_out(&run), "4000 waiting for correction"));
    run_program_fini(&run);
    mr_buf_fini(&events);
}

/* Each once, ascending, and `count` of them. */
static void expect_numbers(const json_t *list, size_t count)
{
    json_int_t before = 0;
    json_t *item;
    size_t i;

    assert_int_equal(json_array_size(list), count);
    json_array_foreach (list, i, item) {
        json_int_t number = json_integer_value(json_object_get(item, "number"));

        assert_true(number > before);
        before = number;
    }
}

static void expect_too_much(const struct spawn *spawn, const char *method, const char *arguments)
{
    json_t *json = bus_ask(spawn, "", method, arguments);

    assert_non_null(json_object_get(json, "error"));
    assert_string_equal(
            json_string_value(json_object_get(json, "what")), "the answer is larger than a frame");
    json_decref(json);
}

static void more_than_a_frame(void **state)
{
    const struct spawn *spawn = *state;
    json_t *json;

    publish(spawn);
    expect_too_much(spawn, "quarantine.list", "{}");
    json = config_env_json(spawn, CONFIG_ENV_ARGS("--json", "quarantine", "list"));
    assert_int_equal(json_integer_value(json_object_get(json, "count")), WAITING);
    assert_null(json_object_get(json, "next"));
    expect_numbers(json_object_get(json, "events"), WAITING);
    json_decref(json);

    expect_too_much(spawn, "where", "{\"id\":\"c-1\"}");
    json = config_env_json(spawn, CONFIG_ENV_ARGS("--json", "where", "c-1"));
    assert_true(json_is_false(json_object_get(json, "more")));
    assert_null(json_object_get(json, "next"));
    expect_numbers(json_object_get(json, "matches"), OF_ONE_CASE);
    assert_int_equal(json_array_size(json_object_get(json, "verdicts")), OF_ONE_CASE);
    json_decref(json);
    config_env_tool(spawn, 66, "nothing of that id", CONFIG_ENV_ARGS("where", "c-9"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(more_than_a_frame, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
