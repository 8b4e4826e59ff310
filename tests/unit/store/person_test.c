#include "tests/support/keyring_env.h"

#include <string.h>

#include "proto/base/list.h"
#include "store/keyring_internal.h"

#define S(text) mr_slice_str(text)

static int find(struct mr_keyring_txn *txn, const char *snils, uint8_t *ret)
{
    return mr_person_find(txn, MR_IDENTIFIER_SNILS, S(snils), ret);
}

static int bind(struct mr_keyring_txn *txn, const char *snils, const struct test_person *person)
{
    return mr_person_bind(txn, MR_IDENTIFIER_SNILS, S(snils), person->id, NULL);
}

static void assert_found(struct mr_keyring_txn *txn, const char *snils, const struct test_person *person)
{
    uint8_t id[MR_PERSON_ID_BYTES];

    assert_int_equal(find(txn, snils, id), 0);
    assert_memory_equal(id, person->id, sizeof id);
}

static struct mr_keyring_txn *next(struct keyring_env *env, struct mr_keyring_txn *txn)
{
    assert_int_equal(mr_keyring_commit(txn), 0);
    return keyring_env_begin(env);
}

static void test_create_bind_find(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person a = keyring_env_person(txn), b = keyring_env_person(txn);
    uint8_t id[MR_PERSON_ID_BYTES];

    assert_memory_not_equal(&a, &b, sizeof a);
    assert_int_equal(find(txn, "11223344595", id), MR_ENOTFOUND);
    assert_int_equal(bind(txn, "11223344595", &a), 0);
    assert_found(txn, "11223344595", &a); /* its own write */
    assert_int_equal(mr_person_bind(txn, MR_IDENTIFIER_LOCAL, mr_slice("portal\0007", 8), a.id, NULL), 0);
    txn = next(env, txn);
    assert_found(txn, "11223344595", &a);
    assert_int_equal(mr_person_find(txn, MR_IDENTIFIER_LOCAL, mr_slice("portal\0007", 8), id), 0);
    assert_int_equal(
            mr_person_find(txn, MR_IDENTIFIER_LOCAL, S("11223344595"), id), MR_ENOTFOUND); /* kinds apart */
    mr_keyring_abort(txn);
    keyring_env_reopen(env);
    txn = keyring_env_begin(env);
    assert_found(txn, "11223344595", &a);
    mr_keyring_abort(txn);
}

/* What a transaction has opened it forgets with each change. */
static void test_own_changes_are_seen_at_once(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person a = keyring_env_person(txn), b = keyring_env_person(txn);
    struct mr_slot_key key, of_a, of_b;
    uint8_t id[MR_PERSON_ID_BYTES];

    assert_int_equal(bind(txn, "11223344595", &a), 0);
    assert_int_equal(bind(txn, "08702435634", &b), 0);
    txn = next(env, txn);
    for (int i = 0; i < 2; i++) { /* opened, then known */
        assert_found(txn, "11223344595", &a);
        assert_found(txn, "08702435634", &b);
        assert_int_equal(mr_person_key(txn, a.id, &of_a), 0);
        assert_int_equal(mr_person_key(txn, b.id, &of_b), 0);
        assert_memory_not_equal(&of_a, &of_b, sizeof of_a);
    }
    assert_int_equal(mr_person_set_state(txn, a.id, MR_PERSON_BLOCKED), 0);
    assert_int_equal(mr_person_key(txn, a.id, &key), MR_EBLOCKED);
    assert_int_equal(mr_person_set_state(txn, a.id, MR_PERSON_LIVE), 0);
    assert_int_equal(mr_person_key(txn, a.id, &key), 0);
    assert_int_equal(mr_person_merge(txn, b.id, a.id), 0);
    assert_int_equal(mr_person_key(txn, a.id, &key), 0);
    assert_memory_equal(&key, &of_b, sizeof key);
    assert_found(txn, "11223344595", &b);
    assert_int_equal(mr_person_set_state(txn, b.id, MR_PERSON_DESTROYED), 0);
    assert_int_equal(mr_person_key(txn, a.id, &key), MR_EDESTROYED);
    assert_int_equal(find(txn, "11223344595", id), MR_ENOTFOUND);
    mr_keyring_abort(txn);
    txn = keyring_env_begin(env);
    assert_found(txn, "11223344595", &a);
    assert_int_equal(mr_person_key(txn, a.id, &key), 0);
    assert_memory_equal(&key, &of_a, sizeof key);
    mr_keyring_abort(txn);
}

static void assert_state(struct mr_keyring_txn *txn, const uint8_t *id, enum mr_person_state expected,
        const uint8_t *expected_survivor)
{
    enum mr_person_state got;
    uint8_t survivor[MR_PERSON_ID_BYTES];

    for (int i = 0; i < 2; i++) {
        assert_int_equal(mr_person_state(txn, id, &got, survivor), 0);
        assert_int_equal(got, expected);
        assert_memory_equal(survivor, expected_survivor, sizeof survivor);
    }
}

static void assert_employed(struct mr_keyring_txn *txn, const uint8_t *id, int expected)
{
    struct mr_employment rows[4];

    for (int i = 0; i < 2; i++)
        assert_int_equal(mr_employment_list(txn, id, rows, 4), expected);
}

/* So do states, survivors and who is employed nowhere: each is asked for twice, opened and known. */
static void test_changes_of_state_are_seen_at_once(void **state)
{
    static const struct mr_employment post = {.org = "1027700132195", .system = "school", .active = true};
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person a = keyring_env_person(txn), b = keyring_env_person(txn);
    struct mr_slot_key key;

    txn = next(env, txn);
    assert_int_equal(mr_person_key(txn, a.id, &key), 0);
    assert_int_equal(mr_person_key(txn, b.id, &key), 0);
    assert_state(txn, a.id, MR_PERSON_LIVE, a.id);
    assert_employed(txn, a.id, 0);
    assert_employed(txn, b.id, 0);
    assert_int_equal(mr_employment_put(txn, a.id, &post), 0);
    assert_int_equal(mr_person_key(txn, a.id, &key), 0);
    assert_employed(txn, a.id, 1);
    assert_int_equal(mr_person_set_state(txn, a.id, MR_PERSON_BLOCKED), 0);
    assert_state(txn, a.id, MR_PERSON_BLOCKED, a.id);
    assert_employed(txn, a.id, MR_EBLOCKED);
    assert_int_equal(mr_person_set_state(txn, a.id, MR_PERSON_LIVE), 0);
    assert_int_equal(mr_person_key(txn, a.id, &key), 0);
    assert_int_equal(mr_person_key(txn, b.id, &key), 0);
    assert_employed(txn, b.id, 0);
    assert_int_equal(mr_person_merge(txn, b.id, a.id), 0);
    assert_state(txn, a.id, MR_PERSON_LIVE, b.id);
    assert_int_equal(mr_person_key(txn, a.id, &key), 0);
    assert_state(txn, a.id, MR_PERSON_LIVE, b.id);
    assert_employed(txn, a.id, 1);
    assert_employed(txn, b.id, 1);
    assert_int_equal(mr_person_set_state(txn, b.id, MR_PERSON_DESTROYED), 0);
    assert_state(txn, b.id, MR_PERSON_DESTROYED, b.id);
    assert_employed(txn, b.id, MR_EDESTROYED);
    mr_keyring_abort(txn);
}

/* Longer than what is kept, of the same beginning, and of the same bytes but another kind. */
static void test_identifiers_are_told_apart(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person a = keyring_env_person(txn), b = keyring_env_person(txn);
    uint8_t value[MR_OPENED_VALUE_MAX + 2], id[MR_PERSON_ID_BYTES];

    memset(value, '7', sizeof value);
    for (size_t size = 1; size <= sizeof value; size++)
        assert_int_equal(
                mr_person_bind(txn, MR_IDENTIFIER_LOCAL, mr_slice(value, size), size % 2 ? a.id : b.id, NULL),
                0);
    txn = next(env, txn);
    for (int i = 0; i < 2; i++) {
        for (size_t size = 1; size <= sizeof value; size++) {
            assert_int_equal(mr_person_find(txn, MR_IDENTIFIER_LOCAL, mr_slice(value, size), id), 0);
            assert_memory_equal(id, size % 2 ? a.id : b.id, sizeof id);
            assert_int_equal(mr_person_find(txn, MR_IDENTIFIER_LOCAL, mr_slice(value, size), id), 0);
            assert_memory_equal(id, size % 2 ? a.id : b.id, sizeof id);
            assert_int_equal(
                    mr_person_find(txn, MR_IDENTIFIER_SNILS, mr_slice(value, size), id), MR_ENOTFOUND);
        }
    }
    mr_keyring_abort(txn);
}

/* Asking writes nothing, so its commit waits for no disk. */
static void test_what_changes_a_transaction(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person a;
    struct mr_slot_key key;

    assert_false(mr_keyring_changed(txn));
    a = keyring_env_person(txn);
    assert_true(mr_keyring_changed(txn));
    assert_int_equal(bind(txn, "11223344595", &a), 0);
    txn = next(env, txn);
    assert_found(txn, "11223344595", &a);
    assert_int_equal(mr_person_key(txn, a.id, &key), 0);
    assert_employed(txn, a.id, 0);
    assert_int_equal(bind(txn, "11223344595", &a), 0); /* it is so already */
    assert_false(mr_keyring_changed(txn));
    assert_int_equal(mr_person_set_state(txn, a.id, MR_PERSON_BLOCKED), 0);
    assert_true(mr_keyring_changed(txn));
    mr_keyring_abort(txn);
}

static void test_bind_clash(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person a = keyring_env_person(txn), b = keyring_env_person(txn), nobody = {.id = {1}};
    uint8_t other[MR_PERSON_ID_BYTES];

    assert_int_equal(bind(txn, "1", &a), 0);
    assert_int_equal(bind(txn, "1", &a), 0); /* again: no news */
    assert_int_equal(mr_person_bind(txn, MR_IDENTIFIER_SNILS, S("1"), b.id, other), MR_EEXISTS);
    assert_memory_equal(other, a.id, sizeof other);
    assert_int_equal(bind(txn, "1", &b), MR_EEXISTS);
    assert_int_equal(bind(txn, "2", &nobody), MR_ENOTFOUND);
    txn = next(env, txn); /* outcomes are no failures: the commit goes through */
    assert_found(txn, "1", &a);
    mr_keyring_abort(txn);
}

static void test_abort_leaves_nothing(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person a = keyring_env_person(txn);
    enum mr_person_state s;
    uint8_t id[MR_PERSON_ID_BYTES];

    assert_int_equal(bind(txn, "1", &a), 0);
    mr_keyring_abort(txn);
    txn = keyring_env_begin(env);
    assert_int_equal(find(txn, "1", id), MR_ENOTFOUND);
    assert_int_equal(mr_person_state(txn, a.id, &s, NULL), MR_ENOTFOUND);
    mr_keyring_abort(txn);
}

static void test_merge(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person a = keyring_env_person(txn), b = keyring_env_person(txn), c = keyring_env_person(txn);
    struct mr_slot_key key;
    enum mr_person_state s;
    uint8_t id[MR_PERSON_ID_BYTES];

    assert_int_equal(bind(txn, "a", &a), 0);
    assert_int_equal(bind(txn, "b", &b), 0);
    assert_int_equal(bind(txn, "c", &c), 0);
    assert_int_equal(mr_person_merge(txn, b.id, a.id), 0);
    assert_int_equal(mr_person_merge(txn, c.id, b.id), 0);
    txn = next(env, txn);
    assert_found(txn, "a", &c);
    assert_found(txn, "b", &c);
    assert_found(txn, "c", &c);
    assert_int_equal(mr_person_state(txn, a.id, &s, id), 0);
    assert_memory_equal(id, c.id, sizeof id);
    assert_int_equal(mr_person_key(txn, a.id, &key), 0);
    assert_memory_equal(&key, &c.key, sizeof key);
    assert_int_equal(bind(txn, "a", &c), 0);
    assert_int_equal(bind(txn, "new", &a), 0);
    assert_found(txn, "new", &c);
    mr_keyring_abort(txn);
    assert_int_equal(mr_keyring_person_key(env->keyring, a.id, &key), 0);
    assert_memory_equal(&key, &c.key, sizeof key);
    assert_int_equal(mr_keyring_key(env->keyring, a.key.id, &key), 0); /* old slots open still */
    assert_memory_equal(&key, &a.key, sizeof key);
}

static void test_merge_refuses(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person a = keyring_env_person(txn), b = keyring_env_person(txn), c = keyring_env_person(txn);
    struct test_person gone = keyring_env_person(txn), blocked = keyring_env_person(txn),
                       nobody = {.id = {1}};

    assert_int_equal(mr_person_merge(txn, a.id, b.id), 0);
    assert_int_equal(mr_person_set_state(txn, gone.id, MR_PERSON_DESTROYED), 0);
    assert_int_equal(mr_person_set_state(txn, blocked.id, MR_PERSON_BLOCKED), 0);
    const struct {
        const struct test_person *survivor, *previous;
        int ret;
    } cases[] = {
            {&a, &b, 0}, /* again */
            {&a, &a, MR_EINVAL},
            {&b, &a, MR_EINVAL},  /* a cycle */
            {&b, &b, 0},          /* merged already */
            {&c, &b, MR_EEXISTS}, /* an alias of another */
            {&a, &nobody, MR_ENOTFOUND},
            {&nobody, &a, MR_ENOTFOUND},
            {&a, &gone, MR_EDESTROYED},
            {&gone, &a, MR_EDESTROYED},
            {&a, &blocked, MR_EBLOCKED},
    };
    for (size_t i = 0; i < MR_COUNT(cases); i++)
        assert_int_equal(mr_person_merge(txn, cases[i].survivor->id, cases[i].previous->id), cases[i].ret);
    assert_int_equal(mr_keyring_commit(txn), 0);
}

static void test_long_merge_chain(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person persons[40];

    for (size_t i = 0; i < MR_COUNT(persons); i++) {
        persons[i] = keyring_env_person(txn);
        if (i == 0)
            assert_int_equal(bind(txn, "first", &persons[0]), 0);
        else
            assert_int_equal(mr_person_merge(txn, persons[i].id, persons[i - 1].id), 0);
    }
    assert_found(txn, "first", &persons[MR_COUNT(persons) - 1]);
    assert_int_equal(mr_keyring_commit(txn), 0);
}

static void assert_keys(struct keyring_env *env, const struct test_person *person, int expected)
{
    struct mr_slot_key key;

    assert_int_equal(mr_keyring_key(env->keyring, person->key.id, &key), expected);
    assert_int_equal(mr_keyring_person_key(env->keyring, person->id, &key), expected);
}

static void test_block_and_unblock_take_the_aliases(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person a = keyring_env_person(txn), b = keyring_env_person(txn);
    struct mr_slot_key key;
    enum mr_person_state s;

    assert_int_equal(mr_person_merge(txn, a.id, b.id), 0);
    txn = next(env, txn);
    assert_keys(env, &a, 0);
    assert_keys(env, &b, 0); /* in the cache now */
    assert_int_equal(mr_person_set_state(txn, b.id, MR_PERSON_BLOCKED), 0);
    assert_int_equal(mr_person_key(txn, a.id, &key), MR_EBLOCKED);
    assert_int_equal(bind(txn, "x", &a), MR_EBLOCKED);
    assert_keys(env, &a, 0); /* not yet committed */
    txn = next(env, txn);
    assert_keys(env, &a, MR_EBLOCKED);
    assert_keys(env, &b, MR_EBLOCKED);
    assert_int_equal(mr_keyring_knows(env->keyring, a.key.id), 0);
    assert_int_equal(mr_person_state(txn, b.id, &s, NULL), 0);
    assert_int_equal(s, MR_PERSON_BLOCKED);
    assert_int_equal(mr_person_set_state(txn, a.id, MR_PERSON_LIVE), 0);
    assert_int_equal(mr_keyring_commit(txn), 0);
    assert_keys(env, &a, 0);
    assert_int_equal(mr_keyring_key(env->keyring, b.key.id, &key), 0);
    assert_memory_equal(&key, &b.key, sizeof key);
}

static void test_an_aborted_block_blocks_nobody(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person a = keyring_env_person(txn);

    txn = next(env, txn);
    assert_int_equal(mr_person_set_state(txn, a.id, MR_PERSON_BLOCKED), 0);
    mr_keyring_abort(txn);
    assert_keys(env, &a, 0);
}

static void test_destroy(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person a = keyring_env_person(txn), b = keyring_env_person(txn), c = keyring_env_person(txn);
    struct mr_employment employment = {.org = "1027700132195", .system = "portal", .active = true};
    enum mr_person_state s;
    uint8_t id[MR_PERSON_ID_BYTES];

    assert_int_equal(bind(txn, "a", &a), 0);
    assert_int_equal(bind(txn, "b", &b), 0);
    assert_int_equal(bind(txn, "c", &c), 0);
    assert_int_equal(mr_person_merge(txn, a.id, b.id), 0);
    assert_int_equal(mr_employment_put(txn, a.id, &employment), 0);
    txn = next(env, txn);
    assert_keys(env, &a, 0);
    assert_int_equal(mr_person_set_state(txn, a.id, MR_PERSON_DESTROYED), 0);
    assert_int_equal(find(txn, "a", id), MR_ENOTFOUND);
    txn = next(env, txn);
    assert_keys(env, &a, MR_EDESTROYED);
    assert_keys(env, &b, MR_EDESTROYED);
    assert_keys(env, &c, 0);
    assert_int_equal(find(txn, "b", id), MR_ENOTFOUND);
    assert_found(txn, "c", &c);
    assert_int_equal(mr_person_state(txn, b.id, &s, NULL), 0);
    assert_int_equal(s, MR_PERSON_DESTROYED);
    assert_int_equal(mr_keyring_knows(env->keyring, a.key.id), 0); /* recorded as destroyed */
    assert_int_equal(mr_person_set_state(txn, a.id, MR_PERSON_LIVE), MR_EDESTROYED);
    assert_int_equal(mr_employment_list(txn, a.id, &employment, 1), MR_EDESTROYED);
    assert_int_equal(bind(txn, "a", &c), 0); /* the identifier is free */
    mr_keyring_abort(txn);
    keyring_env_reopen(env);
    assert_keys(env, &a, MR_EDESTROYED);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, keyring_env_setup, keyring_env_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(test_create_bind_find),
            T(test_own_changes_are_seen_at_once),
            T(test_changes_of_state_are_seen_at_once),
            T(test_identifiers_are_told_apart),
            T(test_what_changes_a_transaction),
            T(test_bind_clash),
            T(test_abort_leaves_nothing),
            T(test_merge),
            T(test_merge_refuses),
            T(test_long_merge_chain),
            T(test_block_and_unblock_take_the_aliases),
            T(test_an_aborted_block_blocks_nobody),
            T(test_destroy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
