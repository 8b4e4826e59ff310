/* Of an expired event it is told by which rule, since when, and with which run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "hub/audit/expired_json.h"
#include "hub/index/indexer.h"
#include "tests/support/term_env.h"

static json_t *expiry_of(struct term_env *t, uint64_t number)
{
    struct mr_record_view *view = malloc(sizeof *view);
    struct mr_log_reader *reader;
    json_t *json = json_object(), *expiry;

    assert_int_equal(mr_log_reader_open(t->env->house.log, &reader), 0);
    assert_int_equal(mr_log_read(reader, number, view, NULL), 0);
    mr_expired_add(&t->env->house, &view->record, json);
    mr_log_reader_close(reader);
    free(view);
    expiry = json_incref(json_object_get(json, "expiry"));
    json_decref(json);
    return expiry;
}

static void test_rule_and_run(void **state)
{
    struct term_env *t = *state;
    uint64_t first_run;
    json_t *expiry;

    term_env_fill(t); /* 1..60 programmes; 61..70 deficits; 71..110 programmes of 20 days later */
    term_env_settle(t);
    term_env_start(t);
    term_env_now(TERM_ENV_BEGIN_US + 40 * TERM_ENV_DAY_US);
    assert_int_equal(term_env_run(t).expired, TERM_ENV_PROGRAMMES);
    first_run = mr_log_head(t->env->house.log);
    term_env_stop(t); /* with the clock ahead it would run by itself before it is asked */
    term_env_last_run(t, TERM_ENV_BEGIN_US + 1000 * TERM_ENV_DAY_US);
    term_env_now(TERM_ENV_BEGIN_US + 60 * TERM_ENV_DAY_US);
    term_env_start(t);
    assert_int_equal(term_env_run(t).expired, TERM_ENV_LATER);
    assert_int_equal(mr_indexer_run_once(&t->env->house, NULL), 0);
    expiry = expiry_of(t, 1);
    assert_int_equal(json_integer_value(json_object_get(expiry, "keep_days")), 30);
    assert_string_equal(
            json_string_value(json_array_get(json_object_get(expiry, "types"), 0)), "nms.programme.");
    assert_int_equal(strncmp(json_string_value(json_object_get(expiry, "due")), "2027-01-31", 10), 0);
    assert_int_equal(strncmp(json_string_value(json_object_get(expiry, "at")), "2027-02-10", 10), 0);
    assert_int_equal(json_integer_value(json_object_get(expiry, "run")), first_run);
    json_decref(expiry);
    expiry = expiry_of(t, 71); /* with the second one: the first was before its term */
    assert_true(json_integer_value(json_object_get(expiry, "run")) > (json_int_t)first_run);
    json_decref(expiry);
    assert_null(expiry_of(t, 61)); /* it has not expired */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_rule_and_run, term_env_setup, term_env_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
