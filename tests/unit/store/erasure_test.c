#include "store/erasure.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/list.h"
#include "store/fault.h"
#include "store/hold.h"
#include "store/keyring_internal.h"
#include "store/kv.h"
#include "store/root_key.h"
#include "tests/support/keyring_env.h"
#include "tests/support/keys_files.h"

#define S(text) mr_slice_str(text)

enum { PERSONS = 6, ERASED = 2 }; /* persons[1] is an alias of persons[0]: both go */

/* A keyring with some persons, each with a number as identifier. */
struct house {
    struct keyring_env *env;
    struct test_person persons[PERSONS];
};

static const char *const snils[PERSONS] = {
        "11223344595", "08765430300", "11223344696", "11223344797", "11223344898", "11223344999"};

static void fill(struct house *house)
{
    struct mr_employment employment = {.org = "1027700132195", .system = "portal", .active = true};
    struct mr_keyring_txn *txn = keyring_env_begin(house->env);

    for (size_t i = 0; i < PERSONS; i++) {
        house->persons[i] = keyring_env_person(txn);
        assert_int_equal(
                mr_person_bind(txn, MR_IDENTIFIER_SNILS, S(snils[i]), house->persons[i].id, NULL), 0);
        assert_int_equal(mr_employment_put(txn, house->persons[i].id, &employment), 0);
    }
    assert_int_equal(mr_person_merge(txn, house->persons[0].id, house->persons[1].id), 0);
    assert_int_equal(mr_keyring_commit(txn), 0);
}

static int setup(void **state)
{
    struct house *house = calloc(1, sizeof *house);

    if (keyring_env_setup((void **)&house->env) != 0)
        return -1;
    fill(house);
    *state = house;
    return 0;
}

static int teardown(void **state)
{
    struct house *house = *state;

    keyring_env_teardown((void **)&house->env);
    free(house);
    return 0;
}

static const char *path(const struct house *house, const char *name)
{
    return mr_tmpdir_path(house->env->dir, name);
}

static int erase(struct house *house, uint8_t batch, struct mr_erasure_result *ret)
{
    const struct mr_erasure_options options = {.id = {batch}};
    struct mr_error err = {0};
    int r = mr_keyring_erase(house->env->keyring, (const uint8_t(*)[MR_PERSON_ID_BYTES])house->persons[0].id,
            1, &options, ret, &err);

    if (r < 0) {
        assert_int_equal(err.code, r);
        assert_true(strlen(err.what) > 0 && strlen(err.where) > 0);
    }
    return r;
}

static void assert_state(struct house *house, bool erased)
{
    struct mr_keyring *keyring = house->env->keyring;
    struct mr_keyring_txn *txn = keyring_env_begin(house->env);

    for (size_t i = 0; i < PERSONS; i++) {
        bool gone = erased && i < ERASED;
        uint8_t id[MR_PERSON_ID_BYTES];
        struct mr_employment employment;
        enum mr_person_state person_state;
        struct mr_slot_key key;

        assert_int_equal(mr_keyring_key(keyring, house->persons[i].key.id, &key), gone ? MR_EDESTROYED : 0);
        if (!gone)
            assert_memory_equal(&key, &house->persons[i].key, sizeof key);
        assert_int_equal(
                mr_keyring_person_key(keyring, house->persons[i].id, &key), gone ? MR_EDESTROYED : 0);
        assert_int_equal(
                mr_person_find_own(txn, MR_IDENTIFIER_SNILS, S(snils[i]), id), gone ? MR_ENOTFOUND : 0);
        if (!gone)
            assert_memory_equal(id, house->persons[i].id, sizeof id);
        assert_int_equal(mr_person_state(txn, house->persons[i].id, &person_state, NULL), 0);
        assert_int_equal(person_state, gone ? MR_PERSON_DESTROYED : MR_PERSON_LIVE);
        assert_int_equal(
                mr_employment_list(txn, house->persons[i].id, &employment, 1), gone ? MR_EDESTROYED : 1);
        assert_int_equal(mr_keyring_knows(keyring, house->persons[i].key.id), 0);
    }
    mr_keyring_abort(txn);
}

static struct mr_erasure_status status_of(struct house *house)
{
    struct mr_erasure_status status;

    assert_int_equal(mr_keyring_erasure_status(house->env->keyring, &status, NULL), 0);
    return status;
}

static void finish(struct house *house)
{
    assert_int_equal(mr_keyring_finish_erasure(house->env->keyring, NULL, NULL), 0);
}

/* ---- what it does ---- */

static void test_the_persons_go_and_the_others_stay(void **state)
{
    struct house *house = *state;
    struct mr_erasure_result result;

    assert_state(house, false); /* in the cache now */
    assert_int_equal(erase(house, 1, &result), 0);
    assert_int_equal(result.generation_before, 1);
    assert_int_equal(result.generation_after, 2);
    assert_int_equal(result.persons, 1);
    assert_int_equal(result.keys, ERASED);
    assert_int_equal(result.identifiers, ERASED);
    assert_int_equal(result.damaged, 0);
    assert_in_range(result.buckets, 2, 4);
    assert_state(house, true);
    assert_true(status_of(house).waiting);
    assert_int_equal(status_of(house).generation, 2);
    keyring_env_reopen(house->env); /* both roots are there: the one that opens it is live */
    assert_state(house, true);
    finish(house);
    assert_false(status_of(house).waiting);
    keyring_env_reopen(house->env);
    assert_state(house, true);
    finish(house); /* again: nothing */
    assert_int_equal(status_of(house).generation, 2);
}

static void test_new_persons_after_it(void **state)
{
    struct house *house = *state;
    struct mr_erasure_result result;
    struct mr_keyring_txn *txn;
    struct test_person person;
    struct mr_slot_key key;

    assert_int_equal(erase(house, 1, &result), 0);
    txn = keyring_env_begin(house->env);
    person = keyring_env_person(txn);
    assert_int_equal(mr_person_bind(txn, MR_IDENTIFIER_SNILS, S(snils[0]), person.id, NULL), 0);
    assert_int_equal(mr_keyring_commit(txn), 0);
    finish(house);
    keyring_env_reopen(house->env);
    assert_int_equal(mr_keyring_key(house->env->keyring, person.key.id, &key), 0);
    assert_memory_equal(&key, &person.key, sizeof key);
}

static void test_the_same_batch_again_is_the_same_result(void **state)
{
    struct house *house = *state;
    struct mr_erasure_result first, again;

    assert_int_equal(erase(house, 1, &first), 0);
    assert_int_equal(erase(house, 1, &again), 0);
    assert_memory_equal(&first, &again, sizeof first);
    assert_int_equal(status_of(house).generation, 2);
    assert_int_equal(erase(house, 2, &again), MR_EAGAIN); /* the first one is not finished */
    finish(house);
    assert_int_equal(erase(house, 2, &again), 0);
    assert_int_equal(again.persons, 0); /* they are gone already */
    assert_int_equal(again.generation_after, 3);
    finish(house);
    assert_state(house, true);
}

static void test_blocked_persons_and_those_named_twice(void **state)
{
    struct house *house = *state;
    const struct mr_erasure_options options = {.id = {1}};
    struct mr_keyring_txn *txn = keyring_env_begin(house->env);
    struct mr_erasure_result result;
    uint8_t persons[3][MR_PERSON_ID_BYTES];

    assert_int_equal(mr_person_set_state(txn, house->persons[0].id, MR_PERSON_BLOCKED), 0);
    assert_int_equal(mr_keyring_commit(txn), 0);
    memcpy(persons[0], house->persons[1].id, sizeof persons[0]); /* the alias */
    memcpy(persons[1], house->persons[0].id, sizeof persons[1]);
    memcpy(persons[2], house->persons[1].id, sizeof persons[2]);
    assert_int_equal(mr_keyring_erase(house->env->keyring, (const uint8_t(*)[MR_PERSON_ID_BYTES])persons, 3,
                             &options, &result, NULL),
            0);
    assert_int_equal(result.persons, 1);
    assert_int_equal(result.keys, 2);
    assert_state(house, true);
}

static int erase_two(struct house *house, const uint8_t *a, const uint8_t *b, struct mr_erasure_result *ret)
{
    const struct mr_erasure_options options = {.id = {1}};
    uint8_t persons[2][MR_PERSON_ID_BYTES];
    struct mr_error err = {0};
    int r;

    memcpy(persons[0], a, sizeof persons[0]);
    memcpy(persons[1], b, sizeof persons[1]);
    r = mr_keyring_erase(
            house->env->keyring, (const uint8_t(*)[MR_PERSON_ID_BYTES])persons, 2, &options, ret, &err);
    assert_int_equal(err.code, r);
    return r;
}

static void test_refusals_change_nothing(void **state)
{
    static const uint8_t nobody[MR_PERSON_ID_BYTES] = {1, 2, 3}, hold[MR_HOLD_ID_BYTES] = {4};
    struct house *house = *state;
    struct mr_erasure_result result;
    struct mr_keyring_txn *txn;
    struct mr_root root;

    assert_int_equal(erase_two(house, house->persons[0].id, nobody, &result), MR_ENOTFOUND);
    assert_int_equal(result.refused, 1);
    txn = keyring_env_begin(house->env);
    assert_int_equal(mr_person_hold(txn, house->persons[1].id, hold, "a court"), 0); /* an alias of 0 */
    assert_int_equal(mr_keyring_commit(txn), 0);
    assert_int_equal(erase_two(house, house->persons[2].id, house->persons[0].id, &result), MR_EDENIED);
    assert_int_equal(result.refused, 1);
    assert_state(house, false);
    assert_int_equal(mr_root_read(path(house, "root"), &root, NULL), 0);
    assert_int_equal(root.slots[1].state, MR_ROOT_FREE); /* not even a root was written */
    mr_root_wipe(&root);
    txn = keyring_env_begin(house->env);
    assert_int_equal(mr_person_hold_release(txn, house->persons[0].id, hold), 0);
    assert_int_equal(mr_keyring_commit(txn), 0);
    assert_int_equal(erase(house, 1, &result), 0);
    assert_state(house, true);
}

/* Destroyed one by one before, without a rotation: the next one makes up for it. */
static void test_what_was_destroyed_before_is_included(void **state)
{
    struct house *house = *state;
    const struct mr_erasure_options options = {.id = {1}};
    struct mr_keyring_txn *txn = keyring_env_begin(house->env);
    struct mr_erasure_result result;

    assert_int_equal(mr_person_set_state(txn, house->persons[0].id, MR_PERSON_DESTROYED), 0);
    assert_int_equal(mr_keyring_commit(txn), 0);
    assert_int_equal(mr_keyring_erase(house->env->keyring, NULL, 0, &options, &result, NULL), 0);
    assert_int_equal(result.persons, 0);
    assert_in_range(result.buckets, 2, 4);
    assert_state(house, true);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(test_the_persons_go_and_the_others_stay),
            T(test_new_persons_after_it),
            T(test_the_same_batch_again_is_the_same_result),
            T(test_blocked_persons_and_those_named_twice),
            T(test_refusals_change_nothing),
            T(test_what_was_destroyed_before_is_included),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
