#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hub/alert/balance_watch.h"
#include "tests/support/hub_env.h"
#include "tests/support/turns.h"

static bool is_drawn(void *ctx)
{
    return ((const struct mr_balance_watch *)ctx)->drawn > 0;
}

/* On a loop of its own; how many sums did not hold. */
static uint64_t differences(struct hub_env *env)
{
    struct mr_balance_watch watch = {0};
    uint64_t found;
    uv_loop_t loop;

    assert_int_equal(uv_loop_init(&loop), 0);
    mr_balance_watch_open(&watch, &loop, &env->house, 1);
    turns_until(&loop, "drawn", is_drawn, &watch);
    found = watch.differences;
    mr_balance_watch_close(&watch);
    turns_end(&loop);
    return found;
}

static void publish(struct hub_env *env)
{
    struct mr_buf event = MR_BUF_INIT;

    hub_env_programme(&event, "one");
    mr_intake_free(hub_env_publish(env, "portal", &event, 1, 1));
    mr_buf_fini(&event);
}

/* A row that says that more was received than there is anywhere. */
static void claim_more(struct hub_env *env)
{
    const struct mr_intake_row row = {.system = mr_names_id(env->house.names, MR_NAME_SYSTEM, "portal"),
            .epoch = 1,
            .first_sequence = 2,
            .received = 1};
    uint8_t key[MR_INTAKE_KEY_BYTES];
    struct mr_log_batch *batch;
    struct mr_buf value = MR_BUF_INIT;

    assert_int_equal(mr_intake_row_encode(&value, &row), 0);
    assert_int_equal(mr_log_batch_begin(env->house.log, &batch), 0);
    assert_int_equal(
            mr_log_batch_put(batch, MR_LOG_INTAKE, mr_number_key(1000, key), mr_buf_slice(&value)), 0);
    assert_int_equal(mr_log_batch_commit(batch), 0);
    mr_buf_fini(&value);
}

static void a_sum_that_does_not_hold_is_found(void **state)
{
    struct hub_env *env = *state;

    publish(env);
    assert_int_equal(differences(env), 0);
    claim_more(env);
    assert_int_equal(differences(env), 1);
}

/* Closing ends the one that runs; what it had found does not count. */
static void closing_does_not_wait_for_the_next(void **state)
{
    struct hub_env *env = *state;
    struct mr_balance_watch watch = {0};
    uv_loop_t loop;

    assert_int_equal(uv_loop_init(&loop), 0);
    mr_balance_watch_open(&watch, &loop, &env->house, 1);
    while (!watch.running)
        (void)uv_run(&loop, UV_RUN_ONCE);
    mr_balance_watch_close(&watch);
    assert_false(watch.running);
    assert_int_equal(watch.drawn, 0);
    turns_end(&loop);
}

static void off(void **state)
{
    struct hub_env *env = *state;
    struct mr_balance_watch watch = {0};
    uv_loop_t loop;

    assert_int_equal(uv_loop_init(&loop), 0);
    mr_balance_watch_open(&watch, &loop, &env->house, 0);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0); /* nothing is there to wait for */
    mr_balance_watch_close(&watch);
    turns_end(&loop);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, hub_env_setup, hub_env_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            WITH(a_sum_that_does_not_hold_is_found),
            WITH(closing_does_not_wait_for_the_next),
            WITH(off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
