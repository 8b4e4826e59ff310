/* What «Аудит» asks: counts of a search, the case of a record with causes and effects, its way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/assessment.pb-c.h"
#include "event/course.pb-c.h"
#include "hub/deliver/deliver_rows.h"
#include "hub/index/indexer.h"
#include "hub/own.h"
#include "tests/support/ask.h"

#define SNILS       "11223344595"
#define WRONG_SNILS "12345678900"

/* One event of a story: who was its cause, and to which case it belongs. */
struct told {
    const char *id, *correlation, *cause, *snils; /* snils NULL: of nobody, by portal */
};

static void encode(const struct told *told, struct mr_buf *out)
{
    struct mr_attributes a =
            hub_env_attributes(told->snils ? "urn:marshrut:24:copmkp" : "urn:marshrut:24:portal", told->id,
                    told->snils ? "nms.deficit.identified.v1" : "nms.programme.listed.v1");
    Nms__Event__V1__Person person = NMS__EVENT__V1__PERSON__INIT;
    Nms__Event__V1__DeficitIdentified deficit = NMS__EVENT__V1__DEFICIT_IDENTIFIED__INIT;
    Nms__Event__V1__ProgrammeListed programme = NMS__EVENT__V1__PROGRAMME_LISTED__INIT;

    a.correlationid = told->correlation;
    a.causationid = told->cause;
    person.snils = (char *)told->snils;
    deficit.person = &person;
    deficit.deficit_id = (char *)"d-1";
    deficit.area = (char *)"ict";
    deficit.identified_on = (char *)"2026-10-30";
    programme.programme_id = (char *)"p-1";
    programme.title = (char *)"x";
    programme.kind = (char *)"PK";
    programme.hours = 36;
    programme.provider_ogrn = (char *)"1022402127461";
    programme.registry = (char *)"own";
    programme.listed_on = (char *)"2026-01-15";
    hub_env_encode(out, &a, told->snils ? &deficit.base : &programme.base);
}

/* 1 caused 2 (of a person), 2 caused 3; 4 is of another case and was caused by 3; 5 waits; 6 is of no case.
 */
static const struct told story[] = {{"s-1", "case-1", NULL, NULL}, {"s-2", "case-1", "s-1", SNILS},
        {"s-3", "case-1", "s-2", NULL}, {"s-4", "case-2", "s-3", NULL}, {"s-5", "case-1", "s-2", WRONG_SNILS},
        {"s-6", NULL, "nothing-here", NULL}};

static int setup(void **state)
{
    uint64_t portal = 1, copmkp = 1;
    struct hub_env *env;

    if (hub_env_setup(state) != 0)
        return -1;
    env = *state;
    assert_int_equal(mr_deliver_rows_begin(&env->house, NULL), 0);
    for (size_t i = 0; i < sizeof story / sizeof story[0]; i++) {
        struct mr_buf event = MR_BUF_INIT;
        bool of_person = story[i].snils != NULL;

        encode(&story[i], &event);
        mr_intake_free(hub_env_publish(
                env, of_person ? "copmkp" : "portal", &event, 1, of_person ? copmkp++ : portal++));
        mr_buf_fini(&event);
    }
    return 0;
}

static void index_now(struct hub_env *env)
{
    struct mr_error error = {0};

    if (mr_indexer_run_once(&env->house, &error) != 0)
        fail_msg("indexer: %s %s", error.where, error.what);
    assert_int_equal(mr_index_through(env->house.index), mr_log_head(env->house.log));
}

/* ---- counts ---- */

static json_int_t counted(const json_t *facets, const char *facet, const char *name)
{
    json_t *list = json_object_get(facets, facet), *item;
    size_t i;

    json_array_foreach (list, i, item)
        if (strcmp(json_string_value(json_object_get(item, "name")), name) == 0)
            return json_integer_value(json_object_get(item, "count"));
    return 0;
}

static void everything_is_counted(struct hub_env *env)
{
    json_t *facets = ask_one(env, "log.facets", NULL);

    assert_int_equal(json_integer_value(json_object_get(facets, "counted")), 6);
    assert_int_equal(json_integer_value(json_object_get(facets, "next")), 0);
    assert_int_equal(counted(facets, "types", "nms.programme.listed.v1"), 4);
    assert_int_equal(counted(facets, "types", "nms.deficit.identified.v1"), 1);
    assert_int_equal(counted(facets, "systems", "portal"), 4);
    assert_int_equal(counted(facets, "systems", "copmkp"), 2);
    assert_int_equal(counted(facets, "states", "open"), 4);
    assert_int_equal(counted(facets, "states", "sealed"), 1);
    assert_int_equal(counted(facets, "states", "quarantined"), 1);
    assert_string_equal(json_string_value(json_object_get(facets, "timezone")), "Asia/Krasnoyarsk");
    json_decref(facets);
}

static void conditions_hold_for_counts(struct hub_env *env)
{
    json_t *facets = ask_one(env, "log.facets", json_pack("{s:s}", "state", "sealed"));

    assert_int_equal(json_integer_value(json_object_get(facets, "counted")), 1);
    json_decref(facets);
    facets = ask_one(env, "log.facets",
            json_pack("{s:s, s:i, s:i}", "source", "urn:marshrut:24:", "least", 2, "last", 4));
    assert_int_equal(json_integer_value(json_object_get(facets, "counted")), 3);
    json_decref(facets);
    facets = ask_one(env, "log.facets",
            json_pack("{s:s, s:s}", "source", "urn:marshrut:24:portal", "correlation", "case-1"));
    assert_int_equal(json_integer_value(json_object_get(facets, "counted")), 2);
    json_decref(facets);
    facets = ask_one(env, "log.facets", json_pack("{s:s}", "source", "urn:marshrut:24:por"));
    assert_int_equal(json_integer_value(json_object_get(facets, "counted")), 0);
    json_decref(facets);
}

/* Indexed and not yet indexed: the same. */
static void test_counts(void **state)
{
    everything_is_counted(*state);
    conditions_hold_for_counts(*state);
    index_now(*state);
    everything_is_counted(*state);
    conditions_hold_for_counts(*state);
}

static void test_days_are_those_of_the_zone(void **state)
{
    static const char *const zones[] = {"", "+14:00", "-14:00"};
    char days[3][16];

    for (size_t i = 0; i < 3; i++) {
        json_t *facets = ask_one(*state, "log.facets", json_pack("{s:s}", "zone", zones[i]));
        const json_t *list = json_object_get(facets, "days");

        assert_true(json_array_size(list) >= 1);
        (void)snprintf(days[i], sizeof days[i], "%s",
                json_string_value(json_object_get(json_array_get(list, 0), "name")));
        assert_int_equal(strlen(days[i]), 10);
        json_decref(facets);
    }
    assert_true(strcmp(days[1], days[2]) > 0); /* 28 hours between them: never the same day */
    assert_true(strcmp(days[0], days[2]) >= 0 && strcmp(days[0], days[1]) <= 0);
}

static void test_what_is_wrong_is_said(void **state)
{
    static const struct {
        const char *name, *value;
    } wrong[] = {{"state", "lost"}, {"zone", "+7"}, {"zone", "+99:00"}, {"zone", "07:00+"}, {"from", "today"},
            {"system", "nobody"}};
    struct mr_error error;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        error = (struct mr_error){0};
        assert_int_equal(
                ask_fails(*state, "log.facets", json_pack("{s:s}", wrong[i].name, wrong[i].value), &error),
                MR_EINVAL);
        assert_string_equal(error.where, wrong[i].name);
        assert_true(error.cure[0] != 0);
    }
}

/* ---- the case ---- */

static const json_t *item_of(const json_t *answer, json_int_t number)
{
    json_t *item;
    size_t i;

    json_array_foreach (json_object_get(answer, "items"), i, item)
        if (json_integer_value(json_object_get(item, "number")) == number)
            return item;
    fail_msg("the case has no %lld", (long long)number);
    return NULL;
}

static json_int_t cause_of(const json_t *answer, json_int_t number)
{
    return json_integer_value(json_object_get(item_of(answer, number), "cause"));
}

static json_t *case_of(struct hub_env *env, int number)
{
    return ask_one(env, "log.case", json_pack("{s:i}", "number", number));
}

static void the_case_is_told(struct hub_env *env)
{
    json_t *answer = case_of(env, 2);

    assert_true(json_is_true(json_object_get(answer, "correlated")));
    assert_false(json_is_true(json_object_get(answer, "closed")));
    assert_int_equal(cause_of(answer, 2), 1);
    assert_int_equal(cause_of(answer, 3), 2);
    assert_int_equal(cause_of(answer, 1), 0);
    assert_string_equal(json_string_value(json_object_get(item_of(answer, 2), "state")), "sealed");
    json_decref(answer);
    answer = case_of(env, 4); /* its cause has another correlation */
    assert_int_equal(cause_of(answer, 4), 3);
    assert_true(json_is_true(json_object_get(item_of(answer, 3), "outside")));
    assert_int_equal(json_array_size(json_object_get(answer, "items")), 2);
    json_decref(answer);
    answer = case_of(env, 6);
    assert_false(json_is_true(json_object_get(answer, "correlated")));
    assert_true(json_is_true(json_object_get(item_of(answer, 6), "cause_elsewhere")));
    json_decref(answer);
}

static void test_case(void **state)
{
    the_case_is_told(*state);
    index_now(*state);
    the_case_is_told(*state);
}

/* Prepare thread. */
static int block(void *ctx, struct mr_keyring *keyring)
{
    struct mr_keyring_txn *txn;
    uint8_t person[MR_PERSON_ID_BYTES];
    int r = mr_keyring_begin(keyring, &txn);

    if (r == 0)
        r = mr_person_find(txn, MR_IDENTIFIER_SNILS, mr_slice_str(ctx), person);
    if (r == 0)
        r = mr_person_set_state(txn, person, MR_PERSON_BLOCKED);
    return r == 0 ? mr_keyring_commit(txn) : r;
}

/* Whose keys are blocked is in no case, and its own case is not told. */
static void test_blocked_is_closed(void **state)
{
    struct hub_env *env = *state;
    char snils[] = SNILS;
    json_t *answer;

    index_now(env);
    assert_int_equal(mr_own_task(env->prepare, block, snils), 0);
    answer = case_of(env, 2);
    assert_true(json_is_true(json_object_get(answer, "closed")));
    assert_false(json_is_true(json_object_get(answer, "correlated")));
    assert_int_equal(json_array_size(json_object_get(answer, "items")), 1);
    json_decref(answer);
}

/* What is sealed links, and is not shown. */
static void test_no_sealed_text_is_shown(void **state)
{
    static const char *const methods[] = {"log.case", "log.way", "log.facets"};

    for (size_t i = 0; i < 3; i++) {
        json_t *answer = ask_one(*state, methods[i], i < 2 ? json_pack("{s:i}", "number", 2) : NULL);
        char *text = json_dumps(answer, 0);

        assert_null(strstr(text, "case-1"));
        assert_null(strstr(text, "s-2"));
        assert_null(strstr(text, SNILS));
        free(text);
        json_decref(answer);
    }
}

/* ---- the way ---- */

static void put(struct hub_env *env, enum mr_log_table table, struct mr_slice key, struct mr_buf *value)
{
    struct mr_log_batch *batch;

    assert_int_equal(mr_log_batch_begin(env->house.log, &batch), 0);
    assert_int_equal(mr_log_batch_put(batch, table, key, mr_buf_slice(value)), 0);
    assert_int_equal(mr_log_batch_commit(batch), 0);
    mr_buf_fini(value);
}

static void put_tries(struct hub_env *env, uint16_t sub)
{
    for (uint32_t attempt = 1; attempt <= 3; attempt++) {
        struct mr_nack_row row = {.at_us = 1000000 * attempt, .attempt = attempt, .reason = "disk-full"};
        struct mr_buf value = MR_BUF_INIT;
        uint8_t key[MR_NACK_KEY_BYTES];

        assert_int_equal(mr_nack_row_encode(&value, &row), 0);
        put(env, MR_LOG_NACK, mr_nack_key(sub, 2, attempt, key), &value);
    }
}

static void test_way(void **state)
{
    struct hub_env *env = *state;
    json_t *way, *delivery, *tries = NULL;
    size_t i;

    put_tries(env, mr_names_id(env->house.names, MR_NAME_SUBSCRIPTION, "cnppm-deficits"));
    way = ask_one(env, "log.way", json_pack("{s:i}", "number", 2));
    assert_string_equal(json_string_value(json_object_get(way, "system")), "copmkp");
    assert_true(json_is_string(json_object_get(way, "recorded")));
    assert_true(json_is_string(json_object_get(way, "admitted")));
    json_array_foreach (json_object_get(way, "deliveries"), i, delivery)
        if (strcmp(json_string_value(json_object_get(delivery, "subscription")), "cnppm-deficits") == 0)
            tries = json_object_get(delivery, "tries");
    assert_int_equal(json_array_size(tries), 3);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(tries, 2), "attempt")), 3);
    assert_string_equal(json_string_value(json_object_get(json_array_get(tries, 0), "reason")), "disk-full");
    json_decref(way);
    way = ask_one(env, "log.way", json_pack("{s:i}", "number", 5));
    assert_string_equal(
            json_string_value(json_object_get(json_object_get(way, "quarantine"), "state")), "waiting");
    json_decref(way);
}

static void test_no_such_record(void **state)
{
    static const char *const methods[] = {"log.case", "log.way"};
    struct mr_error error = {0};

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(
                ask_fails(*state, methods[i], json_pack("{s:i}", "number", 7), &error), MR_ENOTFOUND);
        assert_string_equal(error.where, "number");
        assert_int_equal(ask_fails(*state, methods[i], NULL, &error), MR_EINVAL);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, hub_env_teardown)
    const struct CMUnitTest tests[] = {
            TEST(test_counts),
            TEST(test_days_are_those_of_the_zone),
            TEST(test_what_is_wrong_is_said),
            TEST(test_case),
            TEST(test_blocked_is_closed),
            TEST(test_no_sealed_text_is_shown),
            TEST(test_way),
            TEST(test_no_such_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
