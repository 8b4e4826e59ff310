/* Two people at one passport: what If-Match refuses and how it says so; what differs between two points of
 * the log; what was copied to the cabinet; the way as it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "hub/deliver/deliver_rows.h"
#include "proto/base/hex.h"
#include "proto/wire/digest.h"
#include "tests/support/ask.h"

/* ---- support ---- */

static int setup(void **state)
{
    struct mr_buf event = MR_BUF_INIT;
    struct hub_env *env;

    if (hub_env_setup(state) != 0)
        return -1;
    env = *state;
    assert_int_equal(mr_deliver_rows_begin(&env->house, NULL), 0);
    hub_env_programme(&event, "p-1");
    mr_intake_free(hub_env_publish(env, "portal", &event, 1, 1));
    mr_buf_fini(&event);
    return 0;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : "";
}

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const json_t *cell_of(const json_t *passport, const char *code)
{
    const json_t *section, *cell;
    size_t i, j;

    json_array_foreach (json_object_get(passport, "sections"), i, section)
        json_array_foreach (json_object_get(section, "cells"), j, cell)
            if (strcmp(text(cell, "cell"), code) == 0)
                return cell;
    fail_msg("no cell %s", code);
    return NULL;
}

/* Number of the event. */
static json_int_t done(struct hub_env *env, const char *operator_name, const char *method, json_t *arguments)
{
    json_decref(act(env, operator_name, method, arguments));
    return (json_int_t)mr_log_head(env->house.log);
}

static json_int_t set(struct hub_env *env, const char *cell, const char *value)
{
    return done(env, "orlova", "passport.set",
            json_pack("{s:s, s:s, s:s}", "cell", cell, "value", value, "basis", "приказ"));
}

static json_t *set_if(const char *value, const char *tag)
{
    return json_pack(
            "{s:s, s:s, s:s, s:s}", "cell", "3.premises", "value", value, "basis", "приказ", "if_match", tag);
}

/* ---- tests ---- */

static json_t *set_of(const char *cell, const char *oktmo)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "cell", cell, "value", "7", "basis", "приказ", "oktmo", oktmo);
}

/* A typing error is no figure; the cell has the title and the unit of the form. */
static void test_a_cell_that_the_form_has_not(void **state)
{
    static const struct {
        const char *cell, *oktmo, *what, *cure;
    } cases[] = {
            {"3.premisses", "", "the nearest is 3.premises", "passport.cells"},
            {"3.premises.0470100", "", "the nearest is 3.premises", "passport.cells"},
            {"3.premisses.04701000", "", "the nearest is 3.premises", "passport.cells"},
            {"3.y", "", "the nearest is 3.x", "passport.cells"},
            {"3.premises", "4701", "no ОКТМО", "8 digits"},
            {"premises", "", "no code of a cell", "as in 3.premises"},
            {"1.total", "", "computed from events", "passport override"},
    };
    struct hub_env *env = *state;
    struct mr_error error = {0};
    json_t *passport;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(
                ask_fails(env, "passport.set", set_of(cases[i].cell, cases[i].oktmo), &error), MR_EINVAL);
        assert_non_null(strstr(error.what, cases[i].what));
        assert_non_null(strstr(error.cure, cases[i].cure));
    }
    (void)done(env, "orlova", "passport.set", set_of("3.premises", "04701000"));
    (void)done(env, "orlova", "passport.set", set_of("3.premises.04702000", ""));
    (void)set(env, "3.premises", "12");
    passport = ask_one(env, "passport.show", NULL);
    assert_string_equal(text(cell_of(passport, "3.premises"), "title"), "Помещения");
    assert_string_equal(text(cell_of(passport, "3.premises"), "unit"), "ед.");
    assert_string_equal(text(cell_of(passport, "3.premises.04701000"), "title"), "Помещения: 04701000");
    assert_string_equal(text(cell_of(passport, "3.premises.04702000"), "value"), "7");
    assert_int_equal(json_array_size(json_object_get(passport, "form_cells")), 2);
    json_decref(passport);
}

static void test_a_cell_that_somebody_else_set(void **state)
{
    struct hub_env *env = *state;
    struct mr_error error = {0};
    json_int_t first = set(env, "3.premises", "12");
    char tag[32], seen[32];

    (void)snprintf(tag, sizeof tag, "\"said-%lld\"", (long long)first);
    assert_int_equal(ask_fails(env, "passport.set", set_if("13", "said-0"), &error), MR_ECHANGED);
    (void)snprintf(seen, sizeof seen, "said-%lld now", (long long)first);
    assert_non_null(strstr(error.what, "the cell 3.premises has changed"));
    assert_non_null(strstr(error.what, seen));
    (void)done(env, "orlova", "passport.set", set_if("13", tag)); /* as the header has it, in quotes */
    assert_int_equal(ask_fails(env, "passport.set", set_if("14", tag), &error), MR_ECHANGED);
    assert_int_equal(ask_fails(env, "passport.override",
                             json_pack("{s:s, s:s, s:s, s:s}", "cell", "2.hours", "value", "1", "reason", "r",
                                     "if_match", tag),
                             &error),
            MR_ECHANGED);
    (void)done(env, "orlova", "passport.override",
            json_pack("{s:s, s:s, s:s, s:s}", "cell", "2.hours", "value", "1", "reason", "r", "if_match",
                    "said-0"));
}

static json_t *step_if(const char *tag)
{
    return json_pack("{s:s}", "if_match", tag);
}

static void test_a_step_over_what_was_not_seen(void **state)
{
    struct hub_env *env = *state;
    struct mr_error error = {0};
    json_t *passport = ask_one(env, "passport.show", NULL);
    char before[64];

    (void)snprintf(before, sizeof before, "%s", text(passport, "tag"));
    json_decref(passport);
    assert_string_equal(before, "draft-0-0");
    (void)set(env, "3.premises", "12");
    assert_int_equal(ask_fails(env, "passport.submit", step_if(before), &error), MR_ECHANGED);
    passport = ask_one(env, "passport.show", NULL);
    (void)done(env, "orlova", "passport.submit", step_if(text(passport, "tag")));
    json_decref(passport);
    assert_int_equal(ask_fails(env, "passport.approve", step_if("submitted-2"), &error), MR_ECHANGED);
    assert_string_equal(error.what,
            "the passport has changed since you looked at it: it is submitted-1 now, and was submitted-2");
    (void)done(env, "belov", "passport.handback",
            json_pack("{s:s, s:s}", "reason", "r", "if_match", "W/\"submitted-1\""));
    assert_int_equal(ask_fails(env, "passport.approve", step_if("submitted-1"), &error), MR_ECHANGED);
    assert_int_equal(ask_fails(env, "passport.submit", step_if("handed-back-1-1"), &error), MR_ECHANGED);
    (void)done(env, "orlova", "passport.submit", step_if("handed-back-1"));
}

static void test_differences(void **state)
{
    struct hub_env *env = *state;
    json_int_t first = set(env, "3.premises", "12"), last;
    json_t *diff, *stored;
    const json_t *row;

    (void)done(env, "orlova", "passport.submit", json_object());
    (void)done(env, "belov", "passport.handback", json_pack("{s:s}", "reason", "уточнить"));
    last = set(env, "3.premises", "13");
    diff = ask_one(env, "passport.diff", json_pack("{s:I, s:I}", "from", first, "to", last));
    assert_int_equal(number(diff, "count"), 1);
    row = json_array_get(json_object_get(diff, "cells"), 0);
    assert_string_equal(text(row, "cell"), "3.premises");
    assert_string_equal(text(row, "change"), "changed");
    assert_string_equal(text(json_object_get(row, "from"), "value"), "12");
    assert_string_equal(text(json_object_get(row, "to"), "value"), "13");
    stored = ask_one(env, "passport.diff", json_pack("{s:i}", "from_version", 1)); /* against now */
    assert_int_equal(number(stored, "count"), 1);
    assert_int_equal(number(json_object_get(stored, "to"), "as_of"), last);
    json_decref(stored);
    json_decref(diff);
    diff = ask_one(env, "passport.diff", json_pack("{s:I, s:I}", "from", last, "to", first - 1));
    row = json_array_get(json_object_get(diff, "cells"), 0);
    assert_string_equal(text(row, "change"), "removed");
    assert_true(json_is_null(json_object_get(row, "to")));
    json_decref(diff);
}

static void test_moments(void **state)
{
    struct hub_env *env = *state;
    struct mr_error error = {0};
    json_t *passport = ask_one(env, "passport.show", json_pack("{s:s}", "at", "2100-01-01"));

    assert_int_equal(number(passport, "as_of"), (json_int_t)mr_log_head(env->house.log));
    json_decref(passport);
    assert_int_equal(
            ask_fails(env, "passport.show", json_pack("{s:s}", "at", "2001-01-01"), &error), MR_ENOTFOUND);
    assert_string_equal(error.where, "at");
    assert_int_equal(
            ask_fails(env, "passport.show", json_pack("{s:s, s:i}", "at", "2100-01-01", "as_of", 1), &error),
            MR_EINVAL);
    assert_int_equal(
            ask_fails(env, "passport.diff", json_pack("{s:i}", "from_version", 7), &error), MR_ENOTFOUND);
    assert_string_equal(error.where, "from_version");
}

/* What is marked is the value of the version that was approved, not the one of now; the document stays. */
static void test_copied(void **state)
{
    struct hub_env *env = *state;
    struct mr_error error = {0};
    json_t *passport, *check;
    const json_t *copied;
    json_int_t marked;

    (void)set(env, "3.premises", "12");
    assert_int_equal(
            ask_fails(env, "passport.copied", json_pack("{s:s}", "cell", "3.premises"), &error), MR_EINVAL);
    (void)done(env, "orlova", "passport.submit", json_object());
    assert_int_equal(
            ask_fails(env, "passport.copied", json_pack("{s:s}", "cell", "3.premises"), &error), MR_EINVAL);
    (void)done(env, "belov", "passport.approve", json_object());
    assert_int_equal(
            ask_fails(env, "passport.copied", json_pack("{s:s}", "cell", "3.nothing"), &error), MR_ENOTFOUND);
    marked = done(env, "belov", "passport.copied", json_pack("{s:i}", "section", 3));
    passport = ask_one(env, "passport.show", NULL);
    copied = json_object_get(cell_of(passport, "3.premises"), "copied");
    assert_int_equal(number(copied, "number"), marked);
    assert_string_equal(text(copied, "by"), "belov");
    assert_string_equal(text(copied, "value"), "12");
    assert_int_equal(strlen(text(copied, "on")), 10);
    assert_null(json_object_get(cell_of(passport, "2.hours"), "copied"));
    json_decref(passport);
    check = ask_one(env, "passport.check", NULL);
    assert_string_equal(text(check, "result"), "equal");
    json_decref(check);
}

static void test_the_way_is_told(void **state)
{
    struct hub_env *env = *state;
    json_t *workflow = ask_one(env, "passport.workflow", NULL), *history, *version;
    uint8_t digest[32];
    char hex[65];

    assert_string_equal(text(workflow, "tag"), "draft-0");
    json_decref(workflow);
    (void)set(env, "3.premises", "12");
    (void)done(env, "orlova", "passport.submit", json_object());
    workflow = ask_one(env, "passport.workflow", NULL);
    assert_int_equal(json_array_size(json_object_get(workflow, "steps")), 2);
    assert_string_equal(text(json_array_get(json_object_get(workflow, "steps"), 0), "step"), "approve");
    assert_string_equal(text(json_array_get(json_object_get(workflow, "steps"), 0), "roles"), "ministry");
    history = ask_all(env, "passport.history", json_object());
    assert_int_equal(json_array_size(history), 3);
    assert_string_equal(text(json_array_get(history, 1), "type"), "nms.passport.filled.v1");
    assert_string_equal(text(json_array_get(history, 1), "actor"), "orlova");
    assert_int_equal(number(json_array_get(history, 2), "found"), 2);
    version = ask_one(env, "passport.version", json_pack("{s:i}", "version", 1));
    mr_sha256(mr_slice_str(text(version, "document")), digest);
    assert_string_equal(mr_hex_encode(digest, sizeof digest, hex), text(workflow, "digest"));
    json_decref(version);
    json_decref(history);
    json_decref(workflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_a_cell_that_the_form_has_not, setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_a_cell_that_somebody_else_set, setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_a_step_over_what_was_not_seen, setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_differences, setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_moments, setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_copied, setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_the_way_is_told, setup, hub_env_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
