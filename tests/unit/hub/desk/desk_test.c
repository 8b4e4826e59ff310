/* The desk: what waits is released or discarded, once; the balance adds up; bodies go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "store/fault.h"
#include "tests/support/ask.h"
#include "tests/support/desk_env.h"

static const struct mr_desk_word word = {"op-1", "admin", "case-7"};

static json_t *shown(struct desk_env *f, uint64_t number)
{
    return ask_one(f->env, "log.show", json_pack("{s:I}", "number", (json_int_t)number));
}

static const char *text(const json_t *json, const char *member)
{
    return json_string_value(json_object_get(json, member));
}

/* The person of the local id comes; then nothing is wrong with what waited for it. */
static void let_person_come(struct desk_env *f)
{
    assert_int_equal(desk_env_deficit(f, "who", GOOD_SNILS, "t-1", MR_VERDICT_STORED, ""), 2);
}

static void what_is_cured_is_released(void **state)
{
    struct desk_env *f = *state;
    struct mr_desk_done done;
    struct mr_error error = {0};
    struct mr_quarantine_row row;
    json_t *json;

    assert_int_equal(desk_env_deficit(f, "e-1", NULL, "t-1", MR_VERDICT_QUARANTINED, "person-unresolved"), 1);
    assert_int_equal(mr_desk_release(f->desk, &f->env->house, 1, &word, &done, &error), MR_EINVAL);
    assert_non_null(strstr(error.what, "person-unresolved"));
    assert_int_equal(mr_log_head(f->env->house.log), 1); /* nothing was said of it */
    let_person_come(f);
    assert_int_equal(mr_desk_release(f->desk, &f->env->house, 1, &word, &done, &error), 0);
    assert_int_equal(done.number, 3);
    assert_int_equal(done.event, 4);
    row = desk_env_row(f, 1);
    assert_int_equal(row.state, MR_QUARANTINE_RELEASED);
    assert_int_equal(row.replaced_by, 3);
    assert_int_equal(row.ended_event, 4);
    assert_string_equal(row.ended_by, "op-1");
    assert_true(row.ended_us > 0);
    json = shown(f, 3);
    assert_string_equal(text(json, "type"), "nms.deficit.identified.v1");
    assert_string_equal(text(json, "system"), "copmkp");
    json_decref(json);
    json = shown(f, 4);
    assert_string_equal(text(json, "type"), "hub.event.released.v1");
    assert_string_equal(text(json, "actor"), "op-1");
    assert_string_equal(text(json_object_get(json, "data"), "releasedAs"), "3");
    json_decref(json);
    desk_env_balance(f);
    assert_int_equal(desk_env_deficit(f, "e-1", NULL, "t-1", MR_VERDICT_DUPLICATE, ""), 3);
}

static void what_is_over_is_not_done_twice(void **state)
{
    struct desk_env *f = *state;
    struct mr_desk_done done;
    struct mr_error error = {0};

    (void)desk_env_deficit(f, "e-1", NULL, "t-1", MR_VERDICT_QUARANTINED, "person-unresolved");
    let_person_come(f);
    assert_int_equal(mr_desk_release(f->desk, &f->env->house, 1, &word, &done, &error), 0);
    assert_int_equal(mr_desk_release(f->desk, &f->env->house, 1, &word, &done, &error), MR_EINVAL);
    assert_int_equal(mr_desk_discard(f->desk, &f->env->house, 1, &word, &done, &error), MR_EINVAL);
    assert_int_equal(mr_desk_release(f->desk, &f->env->house, 2, &word, &done, &error), MR_ENOTFOUND);
    assert_int_equal(mr_log_head(f->env->house.log), 4);
    desk_env_balance(f);
}

static void what_is_discarded_is_destroyed(void **state)
{
    struct desk_env *f = *state;
    struct mr_desk_done done;
    struct mr_error error = {0};
    struct mr_quarantine_row row;
    json_t *json;

    (void)desk_env_deficit(f, "e-1", WRONG_SNILS, NULL, MR_VERDICT_QUARANTINED, "snils-checkdigit");
    assert_int_equal(desk_env_body(f, 1), 0);
    assert_int_equal(mr_desk_discard(f->desk, &f->env->house, 1, &word, &done, &error), 0);
    assert_int_equal(done.event, 2);
    assert_int_equal(desk_env_body(f, 1), MR_EDESTROYED);
    row = desk_env_row(f, 1);
    assert_int_equal(row.state, MR_QUARANTINE_DISCARDED);
    assert_int_equal(row.ended_event, 2);
    json = shown(f, 1);
    assert_null(json_object_get(json, "erased")); /* nobody was */
    json_decref(json);
    json = shown(f, 2);
    assert_string_equal(text(json, "type"), "hub.event.discarded.v1");
    assert_string_equal(text(json_object_get(json, "data"), "reason"), "case-7");
    json_decref(json);
    desk_env_balance(f);
    desk_env_restart(f);
    assert_int_equal(desk_env_body(f, 1), MR_EDESTROYED);
    /* the sender's repeat has its number, its correction under the same id is another content */
    assert_int_equal(desk_env_deficit(f, "e-1", WRONG_SNILS, NULL, MR_VERDICT_DUPLICATE, ""), 1);
    (void)desk_env_deficit(f, "e-1", GOOD_SNILS, NULL, MR_VERDICT_REFUSED, "id-conflict");
}

/* A kill between the words and the key: the next start destroys it. */
static void what_was_to_be_destroyed_is_at_the_next_start(void **state)
{
#ifdef MR_FAULT_POINTS
    struct desk_env *f = *state;
    struct mr_desk_done done;
    struct mr_error error = {0};

    (void)desk_env_deficit(f, "e-1", WRONG_SNILS, NULL, MR_VERDICT_QUARANTINED, "snils-checkdigit");
    mr_fault_set("desk.discarded:1:eio");
    assert_int_equal(mr_desk_discard(f->desk, &f->env->house, 1, &word, &done, &error), MR_EIO);
    mr_fault_set(NULL);
    assert_int_equal(desk_env_row(f, 1).state, MR_QUARANTINE_DISCARDED);
    assert_int_equal(desk_env_body(f, 1), 0);
    desk_env_restart(f);
    desk_env_await_body(f, 1, MR_EDESTROYED);
#else
    (void)state;
    skip();
#endif
}

static void what_was_erased_is_not_released(void **state)
{
    struct desk_env *f = *state;
    struct mr_desk_done done;
    struct mr_error error = {0};
    struct mr_quarantine_row row;

    (void)desk_env_deficit(f, "e-1", NULL, "t-1", MR_VERDICT_QUARANTINED, "person-unresolved");
    row = desk_env_row(f, 1);
    desk_env_destroy(f, row.item);
    assert_int_equal(mr_desk_release(f->desk, &f->env->house, 1, &word, &done, &error), MR_EDESTROYED);
    assert_int_equal(desk_env_row(f, 1).state, MR_QUARANTINE_WAITING);
}

/* ---- methods ---- */

static json_t *ask_desk(struct desk_env *f, const char *name, json_t *arguments)
{
    const struct mr_method *method = mr_method_find(name);
    const struct mr_method_call call = {.house = &f->env->house,
            .arguments = arguments,
            .operator_name = "op-1",
            .hub_running = true,
            .desk = f->desk};
    json_t *documents = json_array();
    struct mr_error error = {0};

    assert_non_null(method);
    assert_int_equal(mr_method_allowed(method, &call, &error), 0);
    if (method->read(&call, ask_collect, documents, &error) != 0)
        fail_msg("%s: %s: %s", name, error.where, error.what);
    json_decref(arguments);
    return documents;
}

static json_int_t number_of(const json_t *document, const char *member)
{
    return json_integer_value(json_object_get(document, member));
}

static void many_by_filter(void **state)
{
    struct desk_env *f = *state;
    json_t *documents, *list;

    (void)desk_env_deficit(f, "e-1", NULL, "t-1", MR_VERDICT_QUARANTINED, "person-unresolved");
    let_person_come(f);
    (void)desk_env_deficit(f, "e-3", NULL, "t-3", MR_VERDICT_QUARANTINED, "person-unresolved");
    (void)desk_env_deficit(f, "e-4", WRONG_SNILS, "t-4", MR_VERDICT_QUARANTINED, "snils-checkdigit");
    documents = ask_desk(f, "quarantine.release",
            json_pack("{s:s, s:s}", "code", "person-unresolved", "reason", "t-1-came"));
    assert_int_equal(json_array_size(documents), 3);
    assert_true(json_is_true(json_object_get(json_array_get(documents, 0), "done")));
    assert_int_equal(number_of(json_array_get(documents, 1), "number"), 3);
    assert_true(json_is_false(json_object_get(json_array_get(documents, 1), "done")));
    assert_int_equal(number_of(json_array_get(documents, 2), "done"), 1);
    assert_int_equal(number_of(json_array_get(documents, 2), "failed"), 1);
    json_decref(documents);
    list = ask_one(f->env, "quarantine.list", json_pack("{s:s}", "type", "nms.deficit."));
    assert_int_equal(number_of(list, "count"), 2);
    json_decref(list);
    documents =
            ask_desk(f, "quarantine.discard", json_pack("{s:s, s:s}", "system", "copmkp", "reason", "tests"));
    assert_int_equal(number_of(json_array_get(documents, 2), "done"), 2);
    json_decref(documents);
    list = ask_one(f->env, "quarantine.list", json_pack("{s:s}", "state", "discarded"));
    assert_int_equal(number_of(list, "count"), 2);
    json_decref(list);
    list = ask_one(f->env, "where", json_pack("{s:s}", "id", "e-4")); /* no body any more, nor an index */
    assert_int_equal(json_array_size(json_object_get(list, "matches")), 1);
    json_decref(list);
    desk_env_balance(f);
}

/* By what is wrong: most first, each with its words and its oldest. */
static void what_waits_is_summed_up(void **state)
{
    struct desk_env *f = *state;
    struct mr_error error = {0};
    json_t *sum;
    const json_t *codes, *most;

    (void)desk_env_deficit(f, "e-1", NULL, "t-1", MR_VERDICT_QUARANTINED, "person-unresolved");
    (void)desk_env_deficit(f, "e-2", WRONG_SNILS, "t-2", MR_VERDICT_QUARANTINED, "snils-checkdigit");
    (void)desk_env_deficit(f, "e-3", WRONG_SNILS, "t-3", MR_VERDICT_QUARANTINED, "snils-checkdigit");
    sum = ask_one(f->env, "quarantine.list", json_pack("{s:b}", "summary", 1));
    codes = json_object_get(sum, "codes");
    most = json_array_get(codes, 0);
    assert_int_equal(number_of(sum, "count"), 3);
    assert_int_equal(json_array_size(json_object_get(sum, "events")), 0);
    assert_int_equal(json_array_size(codes), 2);
    assert_string_equal(text(most, "code"), "snils-checkdigit");
    assert_int_equal(number_of(most, "count"), 2);
    assert_non_null(text(most, "reason"));
    assert_non_null(text(most, "cure"));
    assert_non_null(text(most, "oldest"));
    assert_string_equal(text(json_array_get(codes, 1), "code"), "person-unresolved");
    assert_int_equal(number_of(json_array_get(codes, 1), "count"), 1);
    json_decref(sum);
    sum = ask_one(
            f->env, "quarantine.list", json_pack("{s:s, s:s}", "summary", "true", "type", "nms.course."));
    assert_int_equal(number_of(sum, "count"), 0);
    json_decref(sum);
    assert_int_equal(ask_fails(f->env, "quarantine.list",
                             json_pack("{s:b, s:b}", "summary", 1, "proposed", 1), &error),
            MR_EINVAL);
    assert_string_equal(error.where, "summary");
}

static void nothing_is_meant_by_nothing(void **state)
{
    struct desk_env *f = *state;
    struct mr_error error = {0};

    assert_int_equal(ask_fails(f->env, "quarantine.discard", json_pack("{s:s}", "reason", "tests"), &error),
            MR_EINVAL);
    assert_string_equal(error.where, "number");
    assert_int_equal(
            ask_fails(f->env, "quarantine.list", json_pack("{s:s}", "system", "copmpk"), &error), MR_EINVAL);
    assert_string_equal(error.where, "system");
    assert_int_equal(ask_fails(f->env, "quarantine.release",
                             json_pack("{s:i, s:s}", "number", 1, "reason", "Иванов сказал"), &error),
            MR_EINVAL);
    assert_string_equal(error.where, "reason");
}

/* Values are seen by whoever says for which case, and that is in the log first. */
static void looking_is_an_event(void **state)
{
    struct desk_env *f = *state;
    struct mr_error error = {0};
    json_t *json;

    (void)desk_env_deficit(f, "e-1", WRONG_SNILS, "t-1", MR_VERDICT_QUARANTINED, "snils-checkdigit");
    assert_int_equal(
            ask_fails(f->env, "quarantine.show", json_pack("{s:i}", "number", 1), &error), MR_EINVAL);
    json = act_at_desk(f->env, f->desk, "op-2", "quarantine.show",
            json_pack("{s:i, s:s, s:s}", "number", 1, "case", "17-03", "reason", "correction"));
    assert_string_equal(text(json, "code"), "snils-checkdigit");
    assert_string_equal(
            text(json_object_get(json_object_get(json_object_get(json, "event"), "data"), "person"), "snils"),
            WRONG_SNILS);
    json_decref(json);
    json = shown(f, 2);
    assert_string_equal(text(json, "type"), "hub.access.logged.v1");
    assert_string_equal(text(json_object_get(json, "data"), "number"), "1");
    assert_string_equal(text(json_object_get(json, "data"), "reason"), "correction");
    assert_string_equal(text(json_object_get(json, "data"), "caseCode"), "17-03");
    json_decref(json);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, desk_env_setup, desk_env_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(what_is_cured_is_released), TEST(what_is_over_is_not_done_twice),
            TEST(what_is_discarded_is_destroyed), TEST(what_was_to_be_destroyed_is_at_the_next_start),
            TEST(what_was_erased_is_not_released), TEST(many_by_filter), TEST(nothing_is_meant_by_nothing),
            TEST(what_waits_is_summed_up), TEST(looking_is_an_event)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
