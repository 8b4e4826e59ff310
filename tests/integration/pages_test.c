/*
 * Lists of the hub that have grown larger than a frame: the tool has all of each, page by page; whoever asks
 * for all at once is told that it is too much. And a configuration is applied however many came before it.
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

#include "hub/erasure/rows.h"
#include "hub/keep/hold_rows.h"
#include "proto/base/bytes.h"
#include "proto/base/list.h"
#include "tests/support/bus_client.h"
#include "tests/support/config_env.h"
#include "tests/support/hub_env.h"

/* Each of these is more than a mebibyte of JSON, and not a whole number of pages. */
enum { VERSIONS = 12050, HOLDS = 9010, REQUESTS = 6020, PAGE = 300 };

static void put(
        struct mr_log_batch *batch, enum mr_log_table table, struct mr_slice key, struct mr_buf *value)
{
    assert_int_equal(mr_log_batch_put(batch, table, key, mr_buf_slice(value)), 0);
    mr_buf_reset(value);
}

/* What operators have done in years, into a store that is not begun. */
static void fill(struct mr_log_batch *batch)
{
    struct mr_hold_row hold = {.kind = MR_HOLD_TYPE,
            .at_us = 1,
            .type = "nms.",
            .operator_name = "boss",
            .case_reference = "2-17/2026"};
    mr_erasure_request request = MARSHRUT__ERASURE__V1__REQUEST__INIT;
    struct mr_buf value = MR_BUF_INIT;
    uint8_t id[MR_HOLD_ROW_KEY_BYTES] = {0}, version[4];

    for (uint32_t i = 1; i <= VERSIONS; i++) {
        mr_put_be32(version, i);
        mr_buf_put_str(&value, "version: 1");
        put(batch, MR_LOG_CONFIG, mr_slice(version, sizeof version), &value);
    }
    for (uint32_t i = 1; i <= HOLDS; i++) {
        mr_put_be32(id, i);
        assert_int_equal(mr_hold_row_encode(&value, &hold), 0);
        put(batch, MR_LOG_HOLD, mr_slice(id, sizeof id), &value);
    }
    request.state = MR_ERASURE_REJECTED;
    request.basis = (char *)"consent-withdrawn";
    request.requested_by = (char *)"boss";
    for (request.number = 1; request.number <= REQUESTS; request.number++)
        assert_int_equal(mr_erasure_put(batch, &request), 0);
    mr_buf_fini(&value);
}

static int setup(void **state)
{
    static struct spawn spawn;
    struct hub_env env = {0};
    struct mr_error error = {0};
    struct mr_log_batch *batch;

    spawn_init(&spawn, CONFIG_ENV_OPERATORS);
    assert_int_equal(mr_config_load(&env.config, spawn.config, &error), 0);
    hub_env_open(&env);
    assert_int_equal(mr_log_batch_begin(env.house.log, &batch), 0);
    fill(batch);
    assert_int_equal(mr_log_batch_commit(batch), 0);
    hub_env_close(&env);
    mr_config_free(env.config);
    spawn_start(&spawn); /* whose own text is one version more */
    *state = &spawn;
    return 0;
}

static int teardown(void **state)
{
    spawn_fini(*state);
    return 0;
}

static void expect_too_much(const struct spawn *spawn, const char *method)
{
    json_t *json = bus_ask(spawn, "", method, "");

    if (!json_object_get(json, "error"))
        fail_msg("%s answers", method);
    assert_string_equal(
            json_string_value(json_object_get(json, "what")), "the answer is larger than a frame");
    json_decref(json);
}

/* A hold's id begins with its number here. */
static json_int_t number_of(const json_t *item, const char *key)
{
    const char *id = json_string_value(json_object_get(item, key));
    char first[9];

    if (!id)
        return json_integer_value(json_object_get(item, key));
    (void)snprintf(first, sizeof first, "%s", id);
    return (json_int_t)strtoull(first, NULL, 16);
}

/* Each once, in their order. */
static void expect_all(const json_t *list, const char *key, size_t count)
{
    json_t *item;
    size_t i;

    assert_int_equal(json_array_size(list), count);
    json_array_foreach (list, i, item)
        assert_int_equal(number_of(item, key), i + 1);
}

static void every_list_is_had_whole(void **state)
{
    static const struct {
        const char *method, *words[3], *list, *key;
        size_t count;
    } lists[] = {{"config.history", {"config", "history"}, "versions", "version", VERSIONS + 1},
            {"hold.list", {"hold", "list"}, "holds", "hold", HOLDS},
            {"erase.list", {"erase", "list"}, "requests", "request", REQUESTS}};
    const struct spawn *spawn = *state;

    for (size_t i = 0; i < MR_COUNT(lists); i++) {
        json_t *json =
                config_env_json(spawn, CONFIG_ENV_ARGS("--json", lists[i].words[0], lists[i].words[1]));

        expect_all(json_object_get(json, lists[i].list), lists[i].key, lists[i].count);
        assert_null(json_object_get(json, "next"));
        if (json_object_get(json, "count"))
            assert_int_equal(json_integer_value(json_object_get(json, "count")), lists[i].count);
        json_decref(json);
        expect_too_much(spawn, lists[i].method);
    }
}

/* A page, and the one behind it. */
static void a_page_says_where_the_next_begins(void **state)
{
    static const char *const methods[][2] = {
            {"config.history", "versions"}, {"hold.list", "holds"}, {"erase.list", "requests"}};
    const struct spawn *spawn = *state;

    for (size_t i = 0; i < MR_COUNT(methods); i++) {
        json_t *arguments = json_pack("{s:i}", "limit", PAGE), *first, *second;
        char *text = json_dumps(arguments, 0);

        first = bus_ask(spawn, "", methods[i][0], text);
        free(text);
        (void)json_object_set(arguments, "after", json_object_get(first, "next"));
        text = json_dumps(arguments, 0);
        second = bus_ask(spawn, "", methods[i][0], text);
        free(text);
        assert_int_equal(json_array_size(json_object_get(second, methods[i][1])), PAGE);
        (void)json_array_extend(
                json_object_get(first, methods[i][1]), json_object_get(second, methods[i][1]));
        expect_all(json_object_get(first, methods[i][1]),
                i == 0   ? "version"
                : i == 1 ? "hold"
                         : "request",
                2 * PAGE);
        json_decref(arguments);
        json_decref(first);
        json_decref(second);
    }
    config_env_tool(spawn, 0, "in force", CONFIG_ENV_ARGS("config", "history"));
}

static void another_version_is_applied(void **state)
{
    const struct spawn *spawn = *state;
    char *text = config_env_text(spawn);
    const char *file = config_env_write(spawn, "next.yaml", text, "{name: clerk, roles: [auditor]}",
            "{name: clerk, roles: [auditor, admin]}");

    config_env_tool(spawn, 0, NULL, CONFIG_ENV_ARGS("--as", "boss", "config", "apply", file));
    assert_int_equal(config_env_versions(spawn), VERSIONS + 2);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_list_is_had_whole),
            cmocka_unit_test(a_page_says_where_the_next_begins),
            cmocka_unit_test(another_version_is_applied)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
