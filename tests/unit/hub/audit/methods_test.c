/* The queries over a log made in one process: balance, where, log, quarantine, and the passport's way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/deliver/deliver_rows.h"
#include "hub/index/indexer.h"
#include "tests/support/ask.h"

#define SNILS       "11223344595"
#define WRONG_SNILS "12345678900"
#define OGRN        "1022402127461"

static void publish(struct hub_env *env, const char *system, struct mr_buf *event, uint64_t sequence)
{
    mr_intake_free(hub_env_publish(env, system, event, 1, sequence));
    mr_buf_fini(event);
}

/* 1 employment, 2 deficit, 3 quarantined, 4 programme, and a repeat of 2. */
static int setup(void **state)
{
    struct hub_env *env;
    struct mr_buf event = MR_BUF_INIT;

    if (hub_env_setup(state) != 0)
        return -1;
    env = *state;
    assert_int_equal(mr_deliver_rows_begin(&env->house, NULL), 0);
    hub_env_employment(&event, "m-1", SNILS, "w-1", OGRN, true);
    publish(env, "school", &event, 1);
    hub_env_deficit(&event, "e-1", SNILS, NULL);
    publish(env, "copmkp", &event, 1);
    hub_env_deficit(&event, "e-2", WRONG_SNILS, NULL);
    publish(env, "copmkp", &event, 2);
    hub_env_programme(&event, "p-1");
    publish(env, "portal", &event, 1);
    hub_env_deficit(&event, "e-1", SNILS, NULL);
    publish(env, "copmkp", &event, 3);
    return 0;
}

static void index_now(struct hub_env *env)
{
    struct mr_error error = {0};

    if (mr_indexer_run_once(&env->house, &error) != 0)
        fail_msg("indexer: %s %s", error.where, error.what);
    assert_int_equal(mr_index_through(env->house.index), mr_log_head(env->house.log));
    assert_int_equal(mr_view_through(env->house.view), mr_log_head(env->house.log));
}

static const json_t *line_of(const json_t *list, const char *key, const char *name)
{
    size_t i;
    json_t *line;

    json_array_foreach (list, i, line)
        if (strcmp(json_string_value(json_object_get(line, key)), name) == 0)
            return line;
    fail_msg("no line of %s", name);
    return NULL;
}

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void test_balance(void **state)
{
    json_t *balance = ask_one(*state, "balance", NULL);
    const json_t *in = line_of(json_object_get(balance, "in"), "system", "copmkp");
    const json_t *out = line_of(json_object_get(balance, "out"), "subscription", "cnppm-deficits");

    assert_true(json_is_true(json_object_get(balance, "ok")));
    assert_int_equal(number(in, "received"), 3);
    assert_int_equal(number(in, "stored"), 1);
    assert_int_equal(number(in, "duplicate"), 1);
    assert_int_equal(number(in, "quarantined"), 1);
    assert_int_equal(number(out, "matched"), 1);
    assert_int_equal(number(out, "waiting"), 1);
    json_decref(balance);
}

static void put_row(struct hub_env *env, enum mr_log_table table, struct mr_slice key, struct mr_buf *value)
{
    struct mr_log_batch *batch;

    assert_int_equal(mr_log_batch_begin(env->house.log, &batch), 0);
    assert_int_equal(mr_log_batch_put(batch, table, key, mr_buf_slice(value)), 0);
    assert_int_equal(mr_log_batch_commit(batch), 0);
    mr_buf_fini(value);
}

static uint16_t sub(struct hub_env *env, const char *name)
{
    return mr_names_id(env->house.names, MR_NAME_SUBSCRIPTION, name);
}

static void put_delivery(struct hub_env *env, const char *name, uint64_t n, enum mr_delivery_outcome outcome)
{
    struct mr_delivery_row row = {
            .outcome = outcome, .through = n, .count = 1, .sent_us = 1, .acked_us = 2, .attempt = 1};
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_DELIVERY_KEY_BYTES];

    assert_int_equal(mr_delivery_row_encode(&value, &row), 0);
    put_row(env, MR_LOG_DELIVERY, mr_delivery_key(sub(env, name), n, key), &value);
}

static void put_cursor(struct hub_env *env, const char *name, uint64_t cursor)
{
    struct mr_cursor_row row = {.cursor = cursor, .first = 1};
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_CURSOR_KEY_BYTES];

    assert_int_equal(mr_cursor_row_encode(&value, &row), 0);
    put_row(env, MR_LOG_CURSOR, mr_cursor_key(sub(env, name), key), &value);
}

static void put_parked(struct hub_env *env, const char *name, uint64_t n)
{
    struct mr_nack_row row = {.at_us = 3, .attempt = 10, .reason = "disk-full"};
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_DELIVERY_KEY_BYTES];

    assert_int_equal(mr_nack_row_encode(&value, &row), 0);
    put_row(env, MR_LOG_PARKED, mr_delivery_key(sub(env, name), n, key), &value);
}

static void test_balance_out_and_a_lost_row(void **state)
{
    struct hub_env *env = *state;
    json_t *balance;

    put_delivery(env, "cnppm-deficits", 2, MR_DELIVERY_TAKEN);
    put_cursor(env, "cnppm-deficits", 2);
    put_parked(env, "portal-deficits", 2);
    put_cursor(env, "portal-routes", 4); /* but no row says that they were delivered */
    balance = ask_one(env, "balance", NULL);
    assert_false(json_is_true(json_object_get(balance, "ok")));
    assert_true(json_array_size(json_object_get(balance, "differences")) == 1);
    assert_int_equal(
            number(line_of(json_object_get(balance, "out"), "subscription", "cnppm-deficits"), "delivered"),
            1);
    assert_int_equal(
            number(line_of(json_object_get(balance, "out"), "subscription", "portal-deficits"), "parked"), 1);
    assert_int_equal(
            number(line_of(json_object_get(balance, "out"), "subscription", "portal-deficits"), "waiting"),
            0);
    json_decref(balance);
}

static void check_where(struct hub_env *env)
{
    json_t *where = ask_one(env, "where", json_pack("{s:s}", "id", "e-1"));
    const json_t *match = json_array_get(json_object_get(where, "matches"), 0);
    const json_t *deliveries = json_object_get(match, "deliveries");
    char *text = json_dumps(where, 0);

    assert_int_equal(json_array_size(json_object_get(where, "matches")), 1);
    assert_int_equal(number(match, "number"), 2);
    assert_string_equal(json_string_value(json_object_get(
                                line_of(deliveries, "subscription", "cnppm-deficits"), "state")),
            "delivered");
    assert_string_equal(json_string_value(json_object_get(
                                line_of(deliveries, "subscription", "portal-deficits"), "state")),
            "parked");
    assert_string_equal(
            json_string_value(json_object_get(line_of(deliveries, "subscription", "portal-routes"), "state")),
            "waiting");
    assert_string_equal(json_string_value(json_object_get(
                                line_of(deliveries, "subscription", "portal-routes"), "waits_for")),
            "its receiver, which is not connected");
    assert_non_null(json_object_get(json_object_get(match, "intake"), "committed"));
    assert_int_equal(json_array_size(json_object_get(where, "verdicts")), 1);
    assert_non_null(strstr(text, "7.deficits.identified"));
    assert_null(strstr(text, "Петрова"));
    assert_null(strstr(text, SNILS));
    free(text);
    json_decref(where);
}

static void test_where_before_and_after_the_index(void **state)
{
    struct hub_env *env = *state;
    struct mr_error error = {0};
    json_t *where;

    put_delivery(env, "cnppm-deficits", 2, MR_DELIVERY_TAKEN);
    put_cursor(env, "cnppm-deficits", 2);
    put_parked(env, "portal-deficits", 2);
    check_where(env);
    index_now(env);
    check_where(env);
    where = ask_one(env, "where", json_pack("{s:s}", "id", "e-2")); /* waits for correction */
    assert_string_equal(
            json_string_value(json_object_get(
                    json_object_get(json_array_get(json_object_get(where, "matches"), 0), "quarantine"),
                    "code")),
            "snils-checkdigit");
    json_decref(where);
    assert_int_equal(ask_fails(env, "where", json_pack("{s:s}", "id", "nothing"), &error), MR_ENOTFOUND);
}

static const char *state_of(struct hub_env *env, const char *id, const char *subscription)
{
    json_t *where = ask_one(env, "where", json_pack("{s:s}", "id", id));
    const json_t *match = json_array_get(json_object_get(where, "matches"), 0);
    static char state[64];

    (void)snprintf(state, sizeof state, "%s",
            json_string_value(json_object_get(
                    line_of(json_object_get(match, "deliveries"), "subscription", subscription), "state")));
    json_decref(where);
    return state;
}

/* The row of a range has the time of its first one: no event was sent before it was recorded. */
static void expect_sent_when_recorded(struct hub_env *env, const char *id, const char *subscription)
{
    json_t *where = ask_one(env, "where", json_pack("{s:s}", "id", id));
    const json_t *match = json_array_get(json_object_get(where, "matches"), 0);
    const json_t *delivery = line_of(json_object_get(match, "deliveries"), "subscription", subscription);

    assert_string_equal(json_string_value(json_object_get(delivery, "sent")),
            json_string_value(json_object_get(match, "recorded")));
    json_decref(where);
}

/* A range has what lies within it, but for what has a row of its own. */
static void test_where_within_ranges(void **state)
{
    struct hub_env *env = *state;
    struct mr_delivery_row range = {.outcome = MR_DELIVERY_TAKEN,
            .through = 4,
            .count = 3,
            .sent_us = 1,
            .acked_us = 2,
            .attempt = 1};
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_DELIVERY_KEY_BYTES];

    put_cursor(env, "cnppm-deficits", 4);
    assert_string_equal(state_of(env, "e-1", "cnppm-deficits"), "not delivered");
    assert_int_equal(mr_delivery_row_encode(&value, &range), 0);
    put_row(env, MR_LOG_DELIVERY, mr_delivery_key(sub(env, "cnppm-deficits"), 1, key), &value);
    assert_string_equal(state_of(env, "e-1", "cnppm-deficits"), "delivered");
    expect_sent_when_recorded(env, "e-1", "cnppm-deficits");
    put_delivery(env, "cnppm-deficits", 1, MR_DELIVERY_SUPPRESSED); /* in its place */
    assert_string_equal(state_of(env, "e-1", "cnppm-deficits"), "not delivered");
    put_delivery(env, "cnppm-deficits", 2, MR_DELIVERY_SUPPRESSED);
    assert_string_equal(state_of(env, "e-1", "cnppm-deficits"), "suppressed");
    put_parked(env, "cnppm-deficits", 2);
    assert_string_equal(state_of(env, "e-1", "cnppm-deficits"), "parked");
}

static void test_log(void **state)
{
    struct hub_env *env = *state;
    json_t *tail = ask_all(env, "log.tail", json_pack("{s:s}", "type", "nms.deficit."));
    json_t *show = ask_one(env, "log.show", json_pack("{s:i}", "number", 2));
    json_t *count = ask_one(env, "log.count", json_pack("{s:s}", "by", "system"));
    json_t *list = ask_one(env, "quarantine.list", NULL);
    char *text = json_dumps(show, 0);

    assert_int_equal(
            json_array_size(tail), 2); /* one deficit (the quarantined one is not of that type), and next */
    assert_int_equal(number(json_array_get(tail, 1), "next"), 5);
    assert_non_null(strstr(text, "ict")); /* marked public */
    assert_null(strstr(text, "Петрова"));
    /* with its quotes: an id of the hub may have the letters by chance */
    assert_null(strstr(text, "\"d-1\""));
    assert_int_equal(number(line_of(json_object_get(count, "counts"), "name", "copmkp"), "count"), 2);
    assert_int_equal(number(list, "count"), 1);
    free(text);
    json_decref(tail);
    json_decref(show);
    json_decref(count);
    json_decref(list);
}

static const json_t *cell_of(const json_t *passport, const char *code)
{
    size_t i;
    json_t *section;

    json_array_foreach (json_object_get(passport, "sections"), i, section) {
        size_t j;
        json_t *cell;

        json_array_foreach (json_object_get(section, "cells"), j, cell)
            if (strcmp(json_string_value(json_object_get(cell, "cell")), code) == 0)
                return cell;
    }
    return NULL;
}

static void expect(struct hub_env *env, const char *code, const char *value, const char *cell_state)
{
    json_t *passport = ask_one(env, "passport.show", NULL);
    const json_t *cell = cell_of(passport, code);

    if (!cell)
        fail_msg("no cell %s", code);
    assert_string_equal(json_string_value(json_object_get(cell, "value")), value);
    if (cell_state)
        assert_string_equal(json_string_value(json_object_get(cell, "state")), cell_state);
    json_decref(passport);
}

static void expect_state(json_t *reply, const char *name)
{
    assert_string_equal(json_string_value(json_object_get(reply, "state")), name);
    json_decref(reply);
}

static void test_find(void **state)
{
    struct hub_env *env = *state;
    json_t *found;

    for (int indexed = 0; indexed < 2; indexed++) {
        found = ask_all(env, "log.find", json_pack("{s:s, s:s}", "type", "nms.", "system", "copmkp"));
        assert_int_equal(json_array_size(found), 2);
        assert_int_equal(number(json_array_get(found, 0), "number"), 2);
        assert_int_equal(number(json_array_get(found, 1), "next"), 0);
        json_decref(found);
        found = ask_all(env, "log.find", json_pack("{s:i}", "limit", 3));
        assert_int_equal(json_array_size(found), 4);
        assert_int_equal(number(json_array_get(found, 3), "next"), 4);
        json_decref(found);
        found = ask_one(env, "log.find", json_pack("{s:b, s:i}", "count", 1, "after", 1));
        assert_int_equal(number(found, "found"), 3);
        json_decref(found);
        index_now(env);
    }
}

/* The question is an event, which names nobody; the answer is envelopes. */
static void test_find_a_person(void **state)
{
    struct hub_env *env = *state;
    struct mr_error error = {0};
    json_t *reply = act(env, "op-2", "log.find-person",
            json_pack("{s:s, s:s}", "snils", "112-233-445 95", "case", "17-03/2026"));
    json_t *event = ask_one(env, "log.show", json_pack("{s:i}", "number", 5));
    char *text = json_dumps(event, 0), *answer = json_dumps(reply, 0);

    assert_true(json_is_true(json_object_get(reply, "known")));
    assert_int_equal(number(reply, "found"), 2);
    assert_int_equal(number(json_array_get(json_object_get(reply, "matches"), 0), "number"), 1);
    assert_int_equal(number(json_array_get(json_object_get(reply, "matches"), 1), "number"), 2);
    assert_null(strstr(answer, "Петрова"));
    assert_null(strstr(answer, SNILS));
    assert_string_equal(json_string_value(json_object_get(event, "type")), "hub.access.logged.v1");
    assert_non_null(strstr(text, "17-03/2026"));
    assert_non_null(strstr(text, "op-2"));
    assert_null(strstr(text, SNILS));
    free(text);
    free(answer);
    json_decref(event);
    json_decref(reply);
    reply = act(env, "op-2", "log.find-person", /* the sender's own id of an employee is not a person's */
            json_pack("{s:s, s:s, s:s}", "local_system", "school", "local", "w-1", "case", "17-03/2026"));
    assert_false(json_is_true(json_object_get(reply, "known")));
    json_decref(reply);
    assert_int_equal(mr_log_head(env->house.log), 6); /* that nobody was found is said too */
    assert_int_equal(
            ask_fails(env, "log.find-person", json_pack("{s:s}", "snils", SNILS), &error), MR_EINVAL);
    assert_int_equal(ask_fails(env, "log.find-person",
                             json_pack("{s:s, s:s, s:s, s:s}", "snils", SNILS, "local_system", "school",
                                     "local", "w-1", "case", "17-03/2026"),
                             &error),
            MR_EINVAL); /* whom of the two */
}

/* What is kept for good has no room for a name, nor for a СНИЛС. */
static void test_case_is_a_code(void **state)
{
    static const char *const persons[] = {SNILS, "112-233-445-95", "17/112-233-44595"};
    struct hub_env *env = *state;
    struct mr_error error = {0};

    assert_int_equal(
            ask_fails(env, "hold.place",
                    json_pack("{s:i, s:i, s:s}", "from", 1, "to", 2, "case", "по иску Петровой"), &error),
            MR_EINVAL);
    assert_string_equal(error.where, "case");
    assert_non_null(strstr(error.cure, "latin letters, digits and - / . _"));
    assert_null(strstr(error.what, "Петровой"));
    for (size_t i = 0; i < sizeof persons / sizeof persons[0]; i++) {
        assert_int_equal(
                ask_fails(env, "hold.place",
                        json_pack("{s:i, s:i, s:s}", "from", 1, "to", 2, "case", persons[i]), &error),
                MR_EINVAL);
        assert_non_null(strstr(error.cure, "a case number, not a person"));
    }
    json_decref(act(env, "op-2", "hold.place",
            json_pack("{s:i, s:i, s:s}", "from", 1, "to", 2, "case", "2-17/2026")));
}

static void test_passport_of_the_log(void **state)
{
    struct hub_env *env = *state;
    json_t *explained;

    expect(env, "1.total", "1", NULL); /* from the tail */
    index_now(env);
    expect(env, "1.total", "1", NULL); /* from the view */
    expect(env, "2.programmes.own", "1", NULL);
    expect(env, "7.deficits.identified", "1", NULL);
    explained = ask_one(env, "passport.explain", json_pack("{s:s}", "cell", "7.deficits.identified"));
    assert_int_equal(json_integer_value(json_array_get(json_object_get(explained, "numbers"), 0)), 2);
    json_decref(explained);
}

static void check_equal(struct hub_env *env)
{
    json_t *check = ask_one(env, "passport.check", NULL);

    assert_string_equal(json_string_value(json_object_get(check, "result")), "equal");
    json_decref(check);
}

static void test_the_whole_way(void **state)
{
    struct hub_env *env = *state;
    struct mr_error error = {0};

    index_now(env);
    expect_state(act(env, "orlova", "passport.set",
                         json_pack("{s:s, s:s, s:s, s:s}", "file_sha256",
                                 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", "cell",
                                 "3.premises", "value", "12", "basis", "приказ")),
            "draft");
    expect_state(
            act(env, "orlova", "passport.override",
                    json_pack("{s:s, s:s, s:s}", "cell", "1.total", "value", "2", "reason", "поздний приём")),
            "draft");
    expect(env, "3.premises", "12", "entered");
    expect(env, "1.total", "2", "overridden");
    assert_int_equal(ask_fails(env, "passport.approve", NULL, &error), MR_EINVAL);
    expect_state(act(env, "orlova", "passport.submit", json_object()), "submitted");
    check_equal(env);
    expect_state(
            act(env, "belov", "passport.handback", json_pack("{s:s}", "reason", "уточнить")), "handed-back");
    expect_state(act(env, "orlova", "passport.submit", json_object()), "submitted");
    assert_int_equal(ask_fails(env, "passport.set",
                             json_pack("{s:s, s:s, s:s}", "cell", "3.x", "value", "1", "basis", "b"), &error),
            MR_EINVAL);
    assert_string_equal(error.what, "passport v2 is submitted; it can be approved or handed back");
    expect_state(act(env, "belov", "passport.approve", json_object()), "approved");
    expect_state(act(env, "belov", "passport.send",
                         json_pack("{s:s, s:s}", "letter_number", "77", "letter_date", "2026-12-01")),
            "sent");
    expect_state(act(env, "akademia", "passport.answer", json_pack("{s:s}", "answer", "agreed")), "agreed");
    check_equal(env);
}

static void test_exports(void **state)
{
    static const char *const formats[] = {"json", "csv", "xlsx"};

    for (size_t i = 0; i < 3; i++) {
        json_t *file = ask_one(*state, "passport.export", json_pack("{s:s}", "format", formats[i]));

        assert_true(number(file, "bytes") > 1000);
        json_decref(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_balance, setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_balance_out_and_a_lost_row, setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_where_before_and_after_the_index, setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_where_within_ranges, setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_log, setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_find, setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_case_is_a_code, setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_find_a_person, setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_passport_of_the_log, setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_the_whole_way, setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_exports, setup, hub_env_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
