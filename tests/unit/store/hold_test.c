#include "store/hold.h"

#include <string.h>

#include "store/keyring_internal.h"
#include "tests/support/keyring_env.h"

static const uint8_t FIRST[MR_HOLD_ID_BYTES] = {1}, SECOND[MR_HOLD_ID_BYTES] = {2};

static struct mr_keyring_txn *next(struct keyring_env *env, struct mr_keyring_txn *txn)
{
    assert_int_equal(mr_keyring_commit(txn), 0);
    return keyring_env_begin(env);
}

static bool held(struct keyring_env *env, const struct test_person *person)
{
    bool ret = false;

    assert_int_equal(mr_keyring_held(env->keyring, person->key.id, &ret), 0);
    return ret;
}

struct seen {
    int count;
    char texts[4][64];
};

static int on_hold(void *ctx, const uint8_t *hold, const char *text)
{
    struct seen *seen = ctx;

    assert_true(hold[0] == 1 || hold[0] == 2);
    (void)snprintf(seen->texts[hold[0]], sizeof seen->texts[0], "%s", text);
    seen->count++;
    return 0;
}

static void test_hold_and_release(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person a = keyring_env_person(txn), b = keyring_env_person(txn), nobody = {.id = {1}};
    struct seen seen = {0};

    assert_int_equal(mr_person_hold(txn, nobody.id, FIRST, "x"), MR_ENOTFOUND);
    assert_int_equal(mr_person_held(txn, a.id), 0);
    assert_int_equal(mr_person_hold(txn, a.id, FIRST, "case 1"), 0);
    assert_int_equal(mr_person_hold(txn, a.id, FIRST, "case 1"), MR_EEXISTS);
    assert_int_equal(mr_person_hold(txn, a.id, SECOND, ""), 0);
    assert_int_equal(mr_person_held(txn, a.id), 2);
    assert_false(held(env, &a)); /* not yet committed */
    txn = next(env, txn);
    assert_true(held(env, &a));
    assert_false(held(env, &b));
    assert_int_equal(mr_person_holds(txn, a.id, on_hold, &seen), 0);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.texts[1], "case 1");
    assert_string_equal(seen.texts[2], "");
    assert_int_equal(mr_person_set_state(txn, a.id, MR_PERSON_DESTROYED), MR_EDENIED);
    assert_int_equal(mr_person_set_state(txn, a.id, MR_PERSON_BLOCKED), 0);
    assert_int_equal(mr_person_hold_release(txn, a.id, FIRST), 0); /* also of a blocked person */
    assert_int_equal(mr_person_hold_release(txn, a.id, FIRST), MR_ENOTFOUND);
    txn = next(env, txn);
    assert_true(held(env, &a));
    assert_int_equal(mr_person_hold_release(txn, a.id, SECOND), 0);
    txn = next(env, txn);
    assert_false(held(env, &a));
    assert_int_equal(mr_kv_count(txn->kv, MR_KEYRING_HOLD), 0);
    assert_int_equal(mr_person_set_state(txn, a.id, MR_PERSON_DESTROYED), 0);
    assert_int_equal(mr_person_hold(txn, a.id, FIRST, "x"), MR_EDESTROYED);
    mr_keyring_abort(txn);
}

static void test_hold_survives_reopening_and_aborts_do_not_hold(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person a = keyring_env_person(txn), b = keyring_env_person(txn);

    assert_int_equal(mr_person_hold(txn, a.id, FIRST, "x"), 0);
    txn = next(env, txn);
    assert_int_equal(mr_person_hold(txn, b.id, FIRST, "x"), 0);
    mr_keyring_abort(txn);
    keyring_env_reopen(env);
    assert_true(held(env, &a));
    assert_false(held(env, &b));
}

static void test_merges_move_holds(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person a = keyring_env_person(txn), b = keyring_env_person(txn), c = keyring_env_person(txn);
    struct seen seen = {0};

    assert_int_equal(mr_person_hold(txn, b.id, FIRST, "of b"), 0);
    assert_int_equal(mr_person_hold(txn, c.id, SECOND, "of c"), 0);
    assert_int_equal(mr_person_merge(txn, a.id, b.id), 0);
    txn = next(env, txn);
    assert_true(held(env, &a) && held(env, &b) && held(env, &c));
    assert_int_equal(mr_person_merge(txn, a.id, c.id), 0);
    assert_int_equal(mr_person_held(txn, b.id), 2);
    assert_int_equal(mr_person_holds(txn, c.id, on_hold, &seen), 0);
    assert_string_equal(seen.texts[1], "of b");
    assert_string_equal(seen.texts[2], "of c");
    assert_int_equal(mr_person_set_state(txn, b.id, MR_PERSON_DESTROYED), MR_EDENIED);
    assert_int_equal(mr_person_hold_release(txn, c.id, FIRST), 0);
    txn = next(env, txn);
    assert_true(held(env, &a) && held(env, &b) && held(env, &c));
    assert_int_equal(mr_person_hold_release(txn, b.id, SECOND), 0);
    txn = next(env, txn);
    assert_false(held(env, &a) || held(env, &b) || held(env, &c));
    assert_int_equal(mr_kv_count(txn->kv, MR_KEYRING_HOLD), 0);
    mr_keyring_abort(txn);
}

static void test_long_texts(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person a = keyring_env_person(txn);
    char text[MR_HOLD_TEXT_MAX + 2];

    memset(text, 'x', sizeof text);
    text[MR_HOLD_TEXT_MAX + 1] = '\0';
    assert_int_equal(mr_person_hold(txn, a.id, FIRST, text), MR_EINVAL);
    text[MR_HOLD_TEXT_MAX] = '\0';
    assert_int_equal(mr_person_hold(txn, a.id, FIRST, text), 0);
    assert_int_equal(mr_keyring_commit(txn), 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, keyring_env_setup, keyring_env_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(test_hold_and_release),
            T(test_hold_survives_reopening_and_aborts_do_not_hold),
            T(test_merges_move_holds),
            T(test_long_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
