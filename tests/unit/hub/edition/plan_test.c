/* What a new configuration would have done with the events of the log: counted against where they went. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "proto/base/list.h"
#include "tests/support/ask.h"

#define SNILS "11223344595"

/* The running configuration with `was` replaced by `is`. */
static json_t *text_with(const struct hub_env *env, const char *was, const char *is)
{
    const char *text = (const char *)env->config->text.data, *at = strstr(text, was);
    struct mr_buf out = MR_BUF_INIT;
    json_t *json;

    assert_non_null(at);
    mr_buf_put(&out, text, (size_t)(at - text));
    mr_buf_put_str(&out, is);
    mr_buf_put_str(&out, at + strlen(was));
    assert_non_null(mr_buf_str(&out));
    json = json_string(mr_buf_str(&out));
    mr_buf_fini(&out);
    return json;
}

/* 1: school employs the person; 2, 3: deficits, one of them of a stranger to school; 4: a programme. */
static void publish(struct hub_env *env)
{
    struct mr_buf employment = MR_BUF_INIT, deficits[2] = {MR_BUF_INIT, MR_BUF_INIT}, programme = MR_BUF_INIT;

    hub_env_employment(&employment, "e-1", SNILS, "E-1", "1022402127461", true);
    hub_env_deficit(&deficits[0], "d-1", SNILS, NULL);
    hub_env_deficit(&deficits[1], "d-2", "08765430300", NULL);
    hub_env_programme(&programme, "p-1");
    mr_intake_free(hub_env_publish(env, "school", &employment, 1, 1));
    mr_intake_free(hub_env_publish(env, "copmkp", deficits, 2, 1));
    mr_intake_free(hub_env_publish(env, "portal", &programme, 1, 1));
    mr_buf_fini(&employment);
    mr_buf_fini(&deficits[0]);
    mr_buf_fini(&deficits[1]);
    mr_buf_fini(&programme);
}

static json_t *plan(struct hub_env *env, const char *was, const char *is)
{
    return ask_all(env, "config.plan", json_pack("{s:o, s:i}", "text", text_with(env, was, is), "first", 1));
}

static json_t *row_of(json_t *answer, const char *key, const char *value)
{
    json_t *document;
    size_t i;

    json_array_foreach (answer, i, document) {
        const char *text = json_string_value(json_object_get(document, key));

        if (text && strcmp(text, value) == 0)
            return document;
    }
    return NULL;
}

static void expect_row(json_t *answer, const char *subscription, const char *state, int before, int after,
        const char *gained_at, const char *lost_at)
{
    json_t *row = row_of(answer, "subscription", subscription);
    char *gained, *lost;

    assert_non_null(row);
    gained = json_dumps(json_object_get(row, "gained_at"), JSON_COMPACT);
    lost = json_dumps(json_object_get(row, "lost_at"), JSON_COMPACT);
    assert_string_equal(json_string_value(json_object_get(row, "state")), state);
    assert_int_equal(json_integer_value(json_object_get(row, "before")), before);
    assert_int_equal(json_integer_value(json_object_get(row, "after")), after);
    assert_string_equal(gained, gained_at);
    assert_string_equal(lost, lost_at);
    free(gained);
    free(lost);
}

static int summary(json_t *answer, const char *key)
{
    const json_t *last = json_array_get(answer, json_array_size(answer) - 1);

    assert_true(json_is_integer(json_object_get(last, key)));
    return (int)json_integer_value(json_object_get(last, key));
}

static void nothing_changes(void **state)
{
    struct hub_env *env = *state;
    json_t *answer;

    publish(env);
    answer = plan(env, "version: 1\n", "# a remark\nversion: 1\n");
    assert_int_equal(json_array_size(answer), 1);
    assert_int_equal(summary(answer, "changes"), 0);
    assert_int_equal(summary(answer, "looked"), 4);
    assert_int_equal(summary(answer, "same"), 8); /* four, and the notices of four systems */
    json_decref(answer);
}

static void what_goes_elsewhere_is_counted(void **state)
{
    struct hub_env *env = *state;
    json_t *answer;

    publish(env);
    answer = plan(env,
            "  - name: cnppm-deficits\n    system: cnppm\n    personal: full\n"
            "    filters: [{prefix: {type: nms.deficit.}}]\n",
            "  - name: cnppm-programmes\n    system: cnppm\n"
            "    filters: [{prefix: {type: nms.programme.}}]\n");
    expect_row(answer, "cnppm-deficits", "removed", 2, 0, "[]", "[2,3]");
    expect_row(answer, "cnppm-programmes", "added", 0, 1, "[4]", "[]");
    assert_null(row_of(answer, "subscription", "portal-routes"));
    assert_non_null(row_of(answer, "path", "subscriptions.cnppm-deficits"));
    assert_int_equal(summary(answer, "changes"), 2);
    assert_int_equal(summary(answer, "restart"), 0);
    json_decref(answer);
}

/* Whom a system employed then is in the record: scope staff is judged by it. */
static void staff_is_judged_by_the_record(void **state)
{
    struct hub_env *env = *state;
    json_t *answer;

    publish(env);
    answer = plan(env, "    scope: staff\n", "");
    expect_row(answer, "school-staff", "kept", 1, 2, "[3]", "[]");
    json_decref(answer);
    answer = plan(env, "{prefix: {type: nms.deficit.}}, {prefix: {type: nms.route.}}",
            "{prefix: {type: nms.deficit.}}, {prefix: {type: nms.programme.}}");
    assert_null(row_of(answer, "subscription", "school-staff")); /* nobody of its staff is in a programme */
    json_decref(answer);
}

static void the_range_is_what_was_asked_for(void **state)
{
    struct hub_env *env = *state;
    json_t *answer;

    publish(env);
    answer = ask_all(env, "config.plan",
            json_pack("{s:o, s:i, s:i}", "text", text_with(env, "    scope: staff\n", ""), "first", 2, "last",
                    2));
    assert_int_equal(summary(answer, "looked"), 1);
    assert_int_equal(summary(answer, "first"), 2);
    assert_int_equal(summary(answer, "last"), 2);
    json_decref(answer);
    answer = ask_all(env, "config.plan",
            json_pack("{s:o, s:s}", "text", text_with(env, "    scope: staff\n", ""), "to", "2026-01-01"));
    assert_int_equal(summary(answer, "looked"), 0);
    json_decref(answer);
    answer =
            ask_all(env, "config.plan", json_pack("{s:o}", "text", text_with(env, "    scope: staff\n", "")));
    assert_int_equal(summary(answer, "looked"), 4); /* the last day */
    json_decref(answer);
}

static void what_is_wrong_has_its_place(void **state)
{
    static const struct {
        const char *was, *is, *where, *what;
    } rows[] = {
            {"version: 1\n", "version: 2\n", "new.yaml:1:10", "reads version 1"},
            {"    scope: staff\n", "    scoop: staff\n", "new.yaml:", "unknown key: scoop"},
            {"{type: nms.deficit.}}, {prefix", "{typ: nms.deficit.}}, {prefix",
                    "new.yaml:", "unknown key: typ"},
            {"publish: [nms.route., ", "publish: [nms.rout., ", "new.yaml:", "no event type is"},
            {"filters: [{any: [", "filters: [{sql: \"id =\"}, {any: [", "new.yaml:", "ParseError"},
    };
    struct hub_env *env = *state;

    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        struct mr_error error = {0};

        assert_int_equal(ask_fails(env, "config.plan",
                                 json_pack("{s:o, s:s}", "text", text_with(env, rows[i].was, rows[i].is),
                                         "name", "new.yaml"),
                                 &error),
                MR_ECONFIG);
        if (strncmp(error.where, rows[i].where, strlen(rows[i].where)) != 0 ||
                !strstr(error.what, rows[i].what))
            fail_msg("%zu: %s: %s", i, error.where, error.what);
    }
}

static void versions_are_listed_and_shown(void **state)
{
    struct hub_env *env = *state;
    json_t *answer = ask_one(env, "config.history", NULL), *version;

    version = json_array_get(json_object_get(answer, "versions"), 0);
    assert_int_equal(json_array_size(json_object_get(answer, "versions")), 1);
    assert_null(json_object_get(version, "first"));
    json_decref(answer);
    publish(env);
    answer = ask_one(env, "config.history", NULL);
    version = json_array_get(json_object_get(answer, "versions"), 0);
    assert_int_equal(json_integer_value(json_object_get(version, "first")), 1);
    assert_true(json_is_true(json_object_get(version, "in_force")));
    json_decref(answer);
    answer = ask_all(env, "config.show", json_pack("{s:i}", "version", 1));
    assert_string_equal(json_string_value(json_object_get(json_array_get(answer, 0), "text")),
            (const char *)env->config->text.data);
    json_decref(answer);
    assert_int_equal(ask_fails(env, "config.show", json_pack("{s:i}", "version", 2), NULL), MR_ENOTFOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hub_env_setup, hub_env_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(nothing_changes),
            TEST(what_goes_elsewhere_is_counted),
            TEST(staff_is_judged_by_the_record),
            TEST(the_range_is_what_was_asked_for),
            TEST(what_is_wrong_has_its_place),
            TEST(versions_are_listed_and_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
