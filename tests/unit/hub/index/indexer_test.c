/* The indexer: one pass, many passes and the thread build the same; without it the answers are the same too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/index/index_keys.h"
#include "hub/index/indexer.h"
#include "hub/project/passport.h"
#include "tests/support/hub_env.h"

static const char *const numbers[] = {"11223344595", "12345678964", "00101998900"};
enum { EVENTS = 12, PERSONS = 3 };

static void publish(struct hub_env *env, unsigned i)
{
    struct mr_buf event = MR_BUF_INIT;
    char id[16];

    (void)snprintf(id, sizeof id, "x-%u", i);
    if (i % 4 == 3)
        hub_env_programme(&event, id);
    else if (i % 4 == 2)
        hub_env_deficit(&event, id, numbers[i % PERSONS], NULL);
    else
        hub_env_employment(&event, id, numbers[i % PERSONS], i % 8 == 4 ? "w-0" : id, "1022402127461", true);
    mr_intake_free(hub_env_publish(env,
            i % 4 == 3   ? "portal"
            : i % 4 == 2 ? "copmkp"
                         : "school",
            &event, 1, 1 + i));
    mr_buf_fini(&event);
}

static void canonical(struct hub_env *env, struct mr_buf *out)
{
    struct mr_error error = {0};
    struct mr_passport passport;
    uint8_t digest[32];

    if (mr_passport_open(&passport, &env->house, 0, &error) != 0)
        fail_msg("%s: %s", error.where, error.what);
    mr_buf_reset(out);
    assert_int_equal(mr_passport_canonical(&passport, out, digest), 0);
    mr_passport_fini(&passport);
}

static void expect_same(struct mr_buf *a, struct mr_buf *b)
{
    assert_string_equal(mr_buf_str(a), mr_buf_str(b));
}

static void test_bit_by_bit_is_rebuilt_is_not_indexed(void **state)
{
    struct hub_env *env = *state;
    struct mr_buf tail = MR_BUF_INIT, now = MR_BUF_INIT;

    for (unsigned i = 0; i < EVENTS; i++) {
        publish(env, i);
        canonical(env, &tail); /* the newest is in the log only */
        if (i % 3 == 0)
            assert_int_equal(mr_indexer_run_once(&env->house, NULL), 0);
    }
    canonical(env, &tail);
    assert_int_equal(mr_indexer_run_once(&env->house, NULL), 0);
    canonical(env, &now);
    expect_same(&tail, &now);
    assert_int_equal(mr_view_clear(env->house.view), 0); /* the index stays: it is not written twice */
    canonical(env, &now);
    expect_same(&tail, &now);
    assert_int_equal(mr_indexer_run_once(&env->house, NULL), 0);
    assert_int_equal(mr_view_through(env->house.view), EVENTS);
    canonical(env, &now);
    expect_same(&tail, &now);
    mr_buf_fini(&tail);
    mr_buf_fini(&now);
}

static void test_keys(void **state)
{
    struct hub_env *env = *state;
    uint8_t key[MR_INDEX_KEY_BYTES];
    uint64_t found[8];

    publish(env, 2);
    assert_int_equal(mr_indexer_run_once(&env->house, NULL), 0);
    mr_index_key_ident(env->house.keyring, "urn:marshrut:24:copmkp", "x-2", key);
    assert_int_equal(mr_index_find(env->house.index, MR_INDEX_IDENT, key, 0, found, 8), 1);
    assert_int_equal(found[0], 1);
    mr_index_key_event_id(env->house.keyring, "x-2", key);
    assert_int_equal(mr_index_find(env->house.index, MR_INDEX_EVENT_ID, key, 0, found, 8), 1);
    mr_index_key_type("nms.deficit.identified.v1", key);
    assert_int_equal(mr_index_find(env->house.index, MR_INDEX_TYPE, key, 0, found, 8), 1);
    mr_index_key_subscription(mr_names_id(env->house.names, MR_NAME_SUBSCRIPTION, "cnppm-deficits"), key);
    assert_int_equal(mr_index_find(env->house.index, MR_INDEX_SUBSCRIPTION, key, 0, found, 8), 1);
}

static void test_thread(void **state)
{
    struct hub_env *env = *state;
    struct mr_indexer *indexer;

    assert_int_equal(mr_indexer_start(&indexer, &env->house), 0);
    for (unsigned i = 0; i < EVENTS; i++) {
        publish(env, i);
        mr_indexer_wake(indexer);
    }
    while (mr_view_through(env->house.view) < EVENTS) /* ctest's time limit is the only one */
        (void)sched_yield();
    mr_indexer_stop(indexer);
    mr_indexer_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(
                    test_bit_by_bit_is_rebuilt_is_not_indexed, hub_env_setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_keys, hub_env_setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_thread, hub_env_setup, hub_env_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
