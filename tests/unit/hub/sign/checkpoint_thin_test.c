/* Old rows of checkpoints against a plain rule over many days, and again as time goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "hub/sign/checkpoint_thin.h"
#include "proto/base/bytes.h"
#include "tests/support/tmpdir.h"

/* A checkpoint every ten minutes for fifty days. */
enum { DAYS = 50, A_DAY = 144, COUNT = DAYS * A_DAY };

static const int64_t START_US = INT64_C(1790000123) * 1000000;
static const int64_t HOUR_US = INT64_C(3600) * 1000000;
static const int64_t STEP_US = INT64_C(600) * 1000000;

struct env {
    char *dir;
    struct mr_log *log;
    struct mr_log_reader *reader;
    bool kept[COUNT + 1];
};

static int64_t time_of(uint64_t number)
{
    return START_US + (int64_t)number * STEP_US;
}

static void put_checkpoint(struct mr_log_batch *batch, uint64_t size)
{
    uint8_t key[8];

    mr_put_be64(key, size);
    assert_int_equal(
            mr_log_batch_put(batch, MR_LOG_CHECKPOINT, mr_slice(key, sizeof key), mr_slice_str("note")), 0);
}

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);
    struct mr_log_options options;
    struct mr_log_batch *batch;

    assert_non_null(env);
    env->dir = mr_tmpdir_new();
    options = (struct mr_log_options){.dir = env->dir};
    assert_int_equal(mr_log_open(&env->log, &options, NULL), 0);
    assert_int_equal(mr_log_batch_begin(env->log, &batch), 0);
    for (uint64_t n = 1; n <= COUNT; n++) {
        const struct mr_record record = {
                .number = n, .recorded_us = time_of(n), .leaf = mr_slice_str("leaf")};

        assert_int_equal(mr_log_batch_append(batch, &record), 0);
        put_checkpoint(batch, n);
    }
    assert_int_equal(mr_log_batch_commit(batch), 0);
    assert_int_equal(mr_log_reader_open(env->log, &env->reader), 0);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    mr_log_reader_close(env->reader);
    mr_log_close(env->log);
    mr_tmpdir_free(env->dir);
    free(env);
    return 0;
}

static int note_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct env *env = ctx;

    (void)value;
    env->kept[mr_get_be64(key.data)] = true;
    return 0;
}

static void thin_all(struct env *env, int64_t now_us)
{
    static struct mr_thin thin;
    struct mr_log_batch *batch;

    do {
        assert_int_equal(mr_log_reader_renew(env->reader), 0);
        assert_int_equal(mr_thin_find(&thin, env->reader, now_us), 0);
        assert_int_equal(mr_log_batch_begin(env->log, &batch), 0);
        assert_int_equal(mr_thin_apply(&thin, batch), 0);
        assert_int_equal(mr_thin_apply(&thin, batch), 0); /* a commit that is built again */
        assert_int_equal(mr_log_batch_commit(batch), 0);
    } while (thin.count > 0);
    memset(env->kept, 0, sizeof env->kept);
    assert_int_equal(mr_log_reader_renew(env->reader), 0);
    assert_int_equal(mr_log_rows(env->reader, MR_LOG_CHECKPOINT, (struct mr_slice){0}, (struct mr_slice){0},
                             note_row, env),
            0);
}

/* Straight from the rule's words. */
static bool expected(uint64_t n, int64_t now_us)
{
    int64_t age_us = now_us - time_of(n);
    int64_t period_us = age_us > 30 * 24 * HOUR_US ? 24 * HOUR_US : HOUR_US;

    if (n == COUNT || age_us < 24 * HOUR_US)
        return true;
    return time_of(n) / period_us != time_of(n + 1) / period_us;
}

static void check(struct env *env, int64_t now_us)
{
    size_t kept = 0;

    thin_all(env, now_us);
    for (uint64_t n = 1; n <= COUNT; n++) {
        if (env->kept[n] != expected(n, now_us))
            print_error("checkpoint of %llu\n", (unsigned long long)n);
        assert_int_equal(env->kept[n], expected(n, now_us));
        kept += env->kept[n];
    }
    assert_in_range(kept, 1, COUNT);
}

static void test_days_hours_all(void **state)
{
    struct env *env = *state;

    check(env, time_of(COUNT) + 1);
    assert_true(env->kept[COUNT - A_DAY + 2] && env->kept[COUNT]);
    check(env, time_of(COUNT) + 12 * HOUR_US);
}

/* Nothing came for years: the days stay, and the newest. */
static void test_old_log(void **state)
{
    struct env *env = *state;
    size_t kept = 0;

    thin_all(env, time_of(COUNT) + 1000 * 24 * HOUR_US);
    for (uint64_t n = 1; n <= COUNT; n++)
        kept += env->kept[n];
    assert_in_range(kept, DAYS, DAYS + 1);
    assert_true(env->kept[COUNT]);
}

/* The clock was set back: nothing looks old, nothing goes. */
static void test_clock_back(void **state)
{
    struct env *env = *state;

    thin_all(env, START_US - HOUR_US);
    for (uint64_t n = 1; n <= COUNT; n++)
        assert_true(env->kept[n]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_days_hours_all, setup, teardown),
            cmocka_unit_test_setup_teardown(test_old_log, setup, teardown),
            cmocka_unit_test_setup_teardown(test_clock_back, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
