/* Look-ups from other threads while persons are erased and the environment is compacted: old or new, never
 * wrong. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "proto/base/list.h"
#include "store/erasure.h"
#include "store/hold.h"
#include "store/kv.h"
#include "tests/support/keyring_env.h"

enum { PERSONS_EACH = 40, ROUNDS = 30, THREADS = 3 };

struct shared {
    struct keyring_env *env;
    struct test_person persons[PERSONS_EACH];
    atomic_uint begun;  /* persons below this index may be gone */
    atomic_uint erased; /* persons below this index are gone */
    atomic_bool end;
};

/* What a look-up may say, by what was known before and after it. */
static void assert_answer(struct shared *shared, unsigned i, unsigned erased_before, unsigned begun_after,
        int r, const struct mr_slot_key *key)
{
    if (i < erased_before)
        assert_int_equal(r, MR_EDESTROYED);
    else if (i >= begun_after)
        assert_int_equal(r, 0);
    else
        assert_true(r == 0 || r == MR_EDESTROYED);
    if (r == 0)
        assert_memory_equal(key, &shared->persons[i].key, sizeof *key);
}

static void *look_up(void *ctx)
{
    struct shared *shared = ctx;
    struct mr_keyring *keyring = shared->env->keyring;

    for (unsigned turn = 0; !atomic_load(&shared->end); turn++) {
        unsigned i = turn * 7 % PERSONS_EACH;
        unsigned before = atomic_load(&shared->erased);
        struct mr_slot_key key;
        bool held = true;
        int r = turn % 2 ? mr_keyring_key(keyring, shared->persons[i].key.id, &key)
                         : mr_keyring_person_key(keyring, shared->persons[i].id, &key);

        assert_answer(shared, i, before, atomic_load(&shared->begun), r, &key);
        assert_int_equal(mr_keyring_knows(keyring, shared->persons[i].key.id), 0);
        assert_int_equal(mr_keyring_held(keyring, shared->persons[i].key.id, &held), 0);
        assert_int_equal(held, i == PERSONS_EACH - 1);
    }
    return NULL;
}

static void make_persons(struct shared *shared)
{
    static const uint8_t hold[MR_HOLD_ID_BYTES] = {1};
    struct mr_keyring_txn *txn = keyring_env_begin(shared->env);

    for (size_t i = 0; i < PERSONS_EACH; i++)
        shared->persons[i] = keyring_env_person(txn);
    assert_int_equal(mr_person_hold(txn, shared->persons[PERSONS_EACH - 1].id, hold, "x"), 0);
    assert_int_equal(mr_keyring_commit(txn), 0);
}

static void erase_one(struct shared *shared, unsigned i)
{
    const struct mr_erasure_options options = {.id = {(uint8_t)(i + 1)}};
    struct mr_keyring *keyring = shared->env->keyring;
    struct mr_erasure_result result;
    struct mr_kv_compaction compaction;

    atomic_store(&shared->begun, i + 1);
    assert_int_equal(mr_keyring_erase(keyring, (const uint8_t(*)[MR_PERSON_ID_BYTES])shared->persons[i].id, 1,
                             &options, &result, NULL),
            0);
    atomic_store(&shared->erased, i + 1);
    assert_int_equal(result.keys, 1);
    assert_int_equal(mr_keyring_finish_erasure(keyring, NULL, NULL), 0);
    if (i % 5 == 0)
        assert_int_equal(mr_keyring_compact(keyring, &compaction, NULL), 0);
}

static void test_look_ups_during_erasures(void **state)
{
    static struct shared shared;
    pthread_t threads[THREADS];

    shared.env = *state;
    make_persons(&shared);
    for (size_t i = 0; i < MR_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_up, &shared), 0);
    for (unsigned i = 0; i < ROUNDS; i++)
        erase_one(&shared, i);
    atomic_store(&shared.end, true);
    for (size_t i = 0; i < MR_COUNT(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(
                    test_look_ups_during_erasures, keyring_env_setup, keyring_env_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
