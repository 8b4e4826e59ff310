#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/bytes.h"
#include "store/hold.h"
#include "store/key_tree.h"
#include "store/keyring_internal.h"
#include "store/kv.h"
#include "store/root_key.h"
#include "tests/support/erasure_env.h"
#include "tests/support/keys_files.h"

#define S(text) mr_slice_str(text)

/* ---- what it does ---- */

static void test_the_persons_go_and_the_others_stay(void **state)
{
    struct house *house = *state;
    struct mr_erasure_result result;

    house_assert_state(house, false); /* in the cache now */
    assert_int_equal(house_erase(house, 1, &result), 0);
    assert_int_equal(result.generation_before, 1);
    assert_int_equal(result.generation_after, 2);
    assert_int_equal(result.persons, 1);
    assert_int_equal(result.keys, ERASED);
    assert_int_equal(result.identifiers, ERASED);
    assert_int_equal(result.damaged, 0);
    assert_in_range(result.buckets, 2, 4);
    house_assert_state(house, true);
    assert_true(house_status(house).waiting);
    assert_int_equal(house_status(house).generation, 2);
    keyring_env_reopen(house->env); /* both roots are there: the one that opens it is live */
    house_assert_state(house, true);
    house_finish(house);
    assert_false(house_status(house).waiting);
    keyring_env_reopen(house->env);
    house_assert_state(house, true);
    house_finish(house); /* again: nothing */
    assert_int_equal(house_status(house).generation, 2);
}

static void test_new_persons_after_it(void **state)
{
    struct house *house = *state;
    struct mr_erasure_result result;
    struct mr_keyring_txn *txn;
    struct test_person person;
    struct mr_slot_key key;

    assert_int_equal(house_erase(house, 1, &result), 0);
    txn = keyring_env_begin(house->env);
    person = keyring_env_person(txn);
    assert_int_equal(mr_person_bind(txn, MR_IDENTIFIER_SNILS, S(house_snils[0]), person.id, NULL), 0);
    assert_int_equal(mr_keyring_commit(txn), 0);
    house_finish(house);
    keyring_env_reopen(house->env);
    assert_int_equal(mr_keyring_key(house->env->keyring, person.key.id, &key), 0);
    assert_memory_equal(&key, &person.key, sizeof key);
}

static void test_the_same_batch_again_is_the_same_result(void **state)
{
    struct house *house = *state;
    struct mr_erasure_result first, again;

    assert_int_equal(house_erase(house, 1, &first), 0);
    assert_int_equal(house_erase(house, 1, &again), 0);
    assert_memory_equal(&first, &again, sizeof first);
    assert_int_equal(house_status(house).generation, 2);
    assert_int_equal(house_erase(house, 2, &again), MR_EAGAIN); /* the first one is not finished */
    house_finish(house);
    assert_int_equal(house_erase(house, 2, &again), 0);
    assert_int_equal(again.persons, 0); /* they are gone already */
    assert_int_equal(again.generation_after, 3);
    house_finish(house);
    house_assert_state(house, true);
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
    house_assert_state(house, true);
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
    house_assert_state(house, false);
    assert_int_equal(mr_root_read(house_path(house, "root"), &root, NULL), 0);
    assert_int_equal(root.slots[1].state, MR_ROOT_FREE); /* not even a root was written */
    mr_root_wipe(&root);
    txn = keyring_env_begin(house->env);
    assert_int_equal(mr_person_hold_release(txn, house->persons[0].id, hold), 0);
    assert_int_equal(mr_keyring_commit(txn), 0);
    assert_int_equal(house_erase(house, 1, &result), 0);
    house_assert_state(house, true);
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
    house_assert_state(house, true);
}

/* ---- damage ---- */

static void put_row(
        struct house *house, enum mr_keyring_table table, struct mr_slice key, struct mr_slice value)
{
    struct mr_kv_txn *kv = NULL;

    assert_int_equal(mr_kv_begin_write(house->env->keyring->kv, &kv), 0);
    assert_int_equal(mr_kv_put(kv, table, key, value), 0);
    assert_int_equal(mr_kv_commit(kv), 0);
}

/* A row of the erased person's bucket that no key opens: somebody else's loss, and no reason to forget
 * nobody. */
static void test_a_damaged_row_is_counted_and_left(void **state)
{
    struct house *house = *state;
    struct mr_erasure_result result;
    uint8_t key[MR_BLIND_BYTES] = {9}, value[3 + MR_WRAPPED_ID_BYTES] = {1};
    struct mr_kv_txn *kv = NULL;
    struct mr_slice got;

    mr_put_be16(value + 1, mr_bucket_of(house->persons[0].key.id));
    put_row(house, MR_KEYRING_BIDX, mr_slice(key, sizeof key), mr_slice(value, sizeof value));
    assert_int_equal(house_erase(house, 1, &result), 0);
    assert_int_equal(result.damaged, 1);
    assert_int_equal(result.identifiers, ERASED);
    house_assert_state(house, true);
    assert_int_equal(mr_kv_begin_read(house->env->keyring->kv, &kv), 0);
    assert_int_equal(mr_kv_get(kv, MR_KEYRING_BIDX, mr_slice(key, sizeof key), &got), 0);
    assert_true(mr_slice_equal(got, mr_slice(value, sizeof value)));
    mr_kv_abort(kv);
}

/* Under a bucket key that does not open are thousands of persons: a new root would make their loss final. */
static void test_a_damaged_bucket_key_stops_it(void **state)
{
    struct house *house = *state;
    struct mr_erasure_result result;
    uint8_t bucket[2], value[77] = {1};
    struct mr_root root;

    mr_put_be16(bucket, (uint16_t)((mr_bucket_of(house->persons[0].key.id) + 1) % MR_BUCKETS));
    put_row(house, MR_KEYRING_BKT, mr_slice(bucket, sizeof bucket), mr_slice(value, sizeof value));
    assert_int_equal(house_erase(house, 1, &result), MR_ECORRUPT);
    assert_int_equal(house_status(house).generation, 1);
    assert_int_equal(mr_root_read(house_path(house, "root"), &root, NULL), 0);
    assert_int_equal(root.slots[1].state, MR_ROOT_FREE); /* the next root is gone again */
    mr_root_wipe(&root);
}

/* ---- what old copies are worth ---- */

static void copy_root(struct house *house, const char *to)
{
    struct mr_root root;

    assert_int_equal(mr_root_read(house_path(house, "root"), &root, NULL), 0);
    for (unsigned i = 0; i < MR_ROOT_SLOTS; i++)
        if (root.slots[i].state == MR_ROOT_PRESENT)
            assert_int_equal(mr_root_write(house_path(house, to), i, root.slots[i].generation,
                                     root.slots[i].key, NULL),
                    0);
    mr_root_wipe(&root);
}

static void test_an_old_copy_opens_with_the_old_root_only(void **state)
{
    struct house *house = *state;
    struct mr_erasure_result result;

    house_close(house);
    keys_files_copy(house_path(house, "keys"), house_path(house, "backup"));
    copy_root(house, "stolen");
    keyring_env_open(house->env);
    assert_int_equal(house_erase(house, 1, &result), 0);
    assert_int_equal(
            house_opens_with(house, "backup", "root"), 0); /* the old root is still here: not yet erased */
    house_finish(house);
    house_close(house);
    assert_int_equal(house_opens_with(house, "backup", "root"), MR_ECORRUPT);
    assert_int_equal(house_opens_with(house, "backup", "stolen"), 0); /* the copy itself is whole */
    assert_int_equal(house_opens_with(house, "keys", "stolen"), MR_ECORRUPT);
    keyring_env_open(house->env);
    house_assert_state(house, true);
}

/* ---- a process that only reads ---- */

/* Opened before two erasures, it looks up between and after them. Exit status: what went wrong, or 0. */
static void read_beside(struct house *house, int told, int tell)
{
    struct mr_keyring_options options = keyring_env_options(house->env);
    struct mr_keyring *keyring = NULL;
    struct mr_slot_key key;
    char byte = 0;

    options.create = false;
    options.read_only = true;
    if (mr_keyring_open(&keyring, &options, NULL) != 0)
        _exit(1);
    for (int round = 0; round < 3; round++) {
        const struct test_person *stays = &house->persons[PERSONS - 1];

        if (mr_keyring_person_key(keyring, stays->id, &key) != 0 ||
                memcmp(&key, &stays->key, sizeof key) != 0)
            _exit(2);
        if (mr_keyring_key(keyring, house->persons[2 + round].key.id, &key) != 0)
            _exit(3); /* not in the cache: from the tables, under the root of this round */
        if (write(tell, &byte, 1) != 1 || (round < 2 && read(told, &byte, 1) != 1))
            _exit(4);
    }
    mr_keyring_close(keyring);
    _exit(0);
}

static void test_a_reader_beside_learns_the_new_root(void **state)
{
    struct house *house = *state;
    int go[2], done[2], status = 0;
    char byte = 0;
    pid_t pid;

    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(done), 0);
    house_close(house);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        read_beside(house, go[0], done[1]);
    keyring_env_open(house->env);
    for (uint8_t round = 0; round < 3; round++) {
        struct mr_erasure_result result;

        assert_int_equal(read(done[0], &byte, 1), 1);
        if (round == 2)
            break;
        assert_int_equal(house_erase(house, (uint8_t)(round + 1), &result), 0);
        house_finish(house);
        assert_int_equal(write(go[1], &byte, 1), 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    for (int i = 0; i < 2; i++) {
        close(go[i]);
        close(done[i]);
    }
}

/* A row "destroyed" for the person, one for its key, and none of another state: nothing that has both. */
static void assert_tombstones(struct house *house, const struct test_person *made)
{
    const char *keys = house_path(house, "keys");
    uint8_t person[MR_PERSON_ID_BYTES + 2], key[MR_KEY_ID_BYTES + 2];

    memcpy(person, made->id, sizeof made->id);
    memcpy(key, made->key.id, sizeof made->key.id);
    for (uint8_t version = 1, state = MR_PERSON_LIVE; state <= MR_PERSON_DESTROYED; state++) {
        bool expected = state == MR_PERSON_DESTROYED;

        person[MR_PERSON_ID_BYTES] = key[MR_KEY_ID_BYTES + 1] = version;
        person[MR_PERSON_ID_BYTES + 1] = key[MR_KEY_ID_BYTES] = state;
        assert_int_equal(keys_files_count(keys, person, sizeof person) > 0, expected);
        assert_int_equal(keys_files_count(keys, key, sizeof key) > 0, expected);
    }
}

/* Not even from a copy of before does a person lead to its key: nothing in it names both in plain. */
static void test_rows_of_the_erased(void **state)
{
    struct house *house = *state;
    struct mr_kv_compaction compaction;
    struct mr_erasure_result result;
    uint8_t blind[ERASED][MR_BLIND_BYTES];

    for (size_t i = 0; i < ERASED; i++) {
        mr_blind_index(house->env->keyring->secrets->blind, MR_IDENTIFIER_SNILS, S(house_snils[i]), blind[i]);
        assert_true(keys_files_count(house_path(house, "keys"), blind[i], sizeof blind[i]) > 0);
    }
    assert_int_equal(house_erase(house, 1, &result), 0);
    house_finish(house);
    assert_true(keys_files_count(house_path(house, "keys"), blind[0], sizeof blind[0]) > 0); /* an old page */
    assert_int_equal(mr_keyring_compact(house->env->keyring, &compaction, NULL), 0);
    assert_true(compaction.after_bytes < compaction.before_bytes);
    house_assert_state(house, true);
    house_close(house);
    for (size_t i = 0; i < ERASED; i++) {
        const struct test_person *person = &house->persons[i];

        assert_int_equal(keys_files_count(house_path(house, "keys"), blind[i], sizeof blind[i]), 0);
        assert_int_equal(
                keys_files_count(house_path(house, "keys"), house_snils[i], strlen(house_snils[i])), 0);
        assert_int_equal(
                keys_files_count(house_path(house, "keys"), person->key.dek, sizeof person->key.dek), 0);
        assert_tombstones(house, person);
    }
    keyring_env_open(house->env);
    house_assert_state(house, true);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, house_setup, house_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(test_the_persons_go_and_the_others_stay),
            T(test_new_persons_after_it),
            T(test_the_same_batch_again_is_the_same_result),
            T(test_blocked_persons_and_those_named_twice),
            T(test_refusals_change_nothing),
            T(test_what_was_destroyed_before_is_included),
            T(test_a_damaged_row_is_counted_and_left),
            T(test_a_damaged_bucket_key_stops_it),
            T(test_an_old_copy_opens_with_the_old_root_only),
            T(test_a_reader_beside_learns_the_new_root),
            T(test_rows_of_the_erased),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
