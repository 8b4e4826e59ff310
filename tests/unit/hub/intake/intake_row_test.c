/*
 * From a number to the intake that gave it: within batches of several, of none, of the hub's own; and past
 * rows that an older hub wrote, which do not say it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "proto/base/bytes.h"
#include "tests/support/hub_env.h"

enum { OLD_ROW_BYTES = 47 };

static int row_of(struct hub_env *env, uint64_t number, struct mr_intake_row *ret)
{
    struct mr_log_reader *reader;
    int r;

    assert_int_equal(mr_log_reader_open(env->house.log, &reader), 0);
    r = mr_intake_row_of(reader, number, ret);
    mr_log_reader_close(reader);
    return r;
}

/* Programmes with ids from `first` on. */
static void publish(struct hub_env *env, size_t first, size_t count, uint64_t sequence)
{
    struct mr_buf events[4] = {0};
    struct mr_intake *intake;
    char id[16];

    for (size_t i = 0; i < count; i++) {
        (void)snprintf(id, sizeof id, "p-%zu", first + i);
        hub_env_programme(&events[i], id);
    }
    intake = hub_env_publish(env, "portal", events, count, sequence);
    assert_int_equal(intake->status, 0);
    mr_intake_free(intake);
    for (size_t i = 0; i < count; i++)
        mr_buf_fini(&events[i]);
}

static void expect_row(struct hub_env *env, uint64_t number, uint64_t sequence, uint32_t events)
{
    struct mr_intake_row row;

    assert_int_equal(row_of(env, number, &row), 0);
    assert_int_equal(row.first_sequence, sequence);
    assert_int_equal(row.received, events);
    assert_true(number <= row.through && number > row.through - row.records);
    assert_true(row.came_us > 0 && row.came_us <= row.at_us && row.at_us <= row.committed_us);
}

static void test_each_number_has_its_intake(void **state)
{
    struct hub_env *env = *state;
    struct mr_intake_row row;

    assert_int_equal(row_of(env, 1, &row), MR_ENOTFOUND); /* an empty log */
    publish(env, 1, 3, 1);
    publish(env, 2, 2, 4); /* known ones: an intake without a record */
    publish(env, 4, 1, 6);
    publish(env, 5, 4, 7);
    for (uint64_t number = 1; number <= 3; number++)
        expect_row(env, number, 1, 3);
    expect_row(env, 4, 6, 1);
    for (uint64_t number = 5; number <= 8; number++)
        expect_row(env, number, 7, 4);
    assert_int_equal(row_of(env, 9, &row), MR_ENOTFOUND);
}

/* As version 1 had it: it ends with the time. */
static void make_old(struct hub_env *env, uint64_t running)
{
    struct mr_log_batch *batch;
    struct mr_slice value;
    uint8_t key[MR_INTAKE_KEY_BYTES], old[OLD_ROW_BYTES];

    assert_int_equal(mr_log_batch_begin(env->house.log, &batch), 0);
    assert_int_equal(mr_log_batch_get(batch, MR_LOG_INTAKE, mr_number_key(running, key), &value), 0);
    assert_true(value.size > sizeof old);
    (void)memcpy(old, value.data, sizeof old);
    old[0] = 1;
    assert_int_equal(
            mr_log_batch_put(batch, MR_LOG_INTAKE, mr_slice(key, sizeof key), mr_slice(old, sizeof old)), 0);
    assert_int_equal(mr_log_batch_commit(batch), 0);
}

static void test_rows_of_version_1_are_passed(void **state)
{
    struct hub_env *env = *state;
    struct mr_intake_row row;

    publish(env, 1, 2, 1);
    publish(env, 3, 2, 3);
    publish(env, 5, 2, 5);
    make_old(env, 1);
    make_old(env, 2);
    for (uint64_t number = 1; number <= 4; number++)
        assert_int_equal(row_of(env, number, &row), MR_ENOTFOUND);
    expect_row(env, 5, 5, 2);
    expect_row(env, 6, 5, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_each_number_has_its_intake, hub_env_setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(
                    test_rows_of_version_1_are_passed, hub_env_setup, hub_env_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
