#include "tests/support/keyring_env.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "proto/base/hex.h"
#include "proto/base/list.h"
#include "store/key_cache.h"
#include "store/keyring_internal.h"
#include "store/root_key.h"

#define S(text) mr_slice_str(text)

static int open_error(const struct keyring_env *env, struct mr_keyring_options options, struct mr_error *err)
{
    struct mr_keyring *keyring = NULL;
    int r;

    (void)env;
    *err = (struct mr_error){0};
    r = mr_keyring_open(&keyring, &options, err);
    assert_null(keyring);
    return r;
}

/* ---- open ---- */

static void test_reopen_keeps_everything(void **state)
{
    struct keyring_env *env = *state;
    struct mr_slice part = S("x");
    uint8_t digest[16], again[16];
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person person = keyring_env_person(txn);
    struct mr_slot_key key;
    struct rlimit limit;

    mr_keyring_digest(env->keyring, "t", &part, 1, digest);
    assert_int_equal(mr_keyring_commit(txn), 0);
    keyring_env_reopen(env);
    assert_int_equal(mr_keyring_key(env->keyring, person.key.id, &key), 0);
    assert_memory_equal(&key, &person.key, sizeof key);
    mr_keyring_digest(env->keyring, "t", &part, 1, again);
    assert_memory_equal(digest, again, 16);
    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    assert_int_equal(limit.rlim_cur, 0);
    (void)mr_keyring_locked(env->keyring); /* as the system allows */
    assert_int_equal(mr_keyring_maintain(env->keyring), 0);
    mr_keyring_close(NULL);
}

static void test_wrong_root_is_refused(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_options options = keyring_env_options(env);
    static const uint8_t other[MR_ROOT_KEY_BYTES] = {7};
    struct mr_error err;

    mr_keyring_close(env->keyring);
    env->keyring = NULL;
    options.root_path = mr_tmpdir_path(env->dir, "other");
    assert_int_equal(mr_root_write(options.root_path, 0, 1, other, NULL), 0);
    assert_int_equal(open_error(env, options, &err), MR_ECORRUPT);
    assert_non_null(strstr(err.what, "no root key in"));
    assert_true(strlen(err.cure) > 0);
}

/* While an environment is there, a missing root is never made anew, not even with create. */
static void test_missing_root_is_refused(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_options options = keyring_env_options(env);
    struct stat st;
    struct mr_error err;

    mr_keyring_close(env->keyring);
    env->keyring = NULL;
    options.root_path = mr_tmpdir_path(env->dir, "empty");
    assert_int_equal(open_error(env, options, &err), MR_ENOTFOUND);
    assert_int_not_equal(stat(mr_tmpdir_path(env->dir, "empty/root.0"), &st), 0);
    options.create = false;
    assert_int_equal(open_error(env, options, &err), MR_ENOTFOUND);
    assert_non_null(strstr(err.cure, "escrow"));
}

static void test_either_slot_opens(void **state)
{
    struct keyring_env *env = *state;
    const char *root_path = mr_tmpdir_path(env->dir, "root");
    struct mr_root root;
    uint8_t next[MR_ROOT_KEY_BYTES] = {9};

    mr_keyring_close(env->keyring);
    env->keyring = NULL;
    assert_int_equal(mr_root_read(root_path, &root, NULL), 0);
    assert_int_equal(
            mr_root_write(root_path, 1, 2, next, NULL), 0); /* a rotation that ended before its commit */
    keyring_env_reopen(env);
    mr_keyring_close(env->keyring);
    env->keyring = NULL;
    assert_int_equal(mr_root_destroy(root_path, 0, NULL), 0);
    assert_int_equal(mr_root_destroy(root_path, 1, NULL), 0);
    assert_int_equal(mr_root_write(root_path, 1, 1, root.slots[0].key, NULL), 0);
    keyring_env_reopen(env);
}

/* A crash between root key and first commit. */
static void test_create_takes_the_root_that_is_there(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_options options = keyring_env_options(env);
    static const uint8_t there[MR_ROOT_KEY_BYTES] = {5};
    struct mr_keyring *keyring = NULL;
    struct mr_root root;

    options.root_path = mr_tmpdir_path(env->dir, "root2");
    options.dir = mr_tmpdir_path(env->dir, "keys2");
    assert_int_equal(mr_root_write(options.root_path, 0, 1, there, NULL), 0);
    assert_int_equal(mr_keyring_open(&keyring, &options, NULL), 0);
    mr_keyring_close(keyring);
    assert_int_equal(mr_root_read(options.root_path, &root, NULL), 0);
    assert_memory_equal(root.slots[0].key, there, sizeof there);
    assert_int_equal(root.slots[1].state, MR_ROOT_FREE);
}

static void test_read_only(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_options options = keyring_env_options(env);
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person person = keyring_env_person(txn);
    struct mr_slot_key key;

    assert_int_equal(mr_keyring_commit(txn), 0);
    mr_keyring_close(env->keyring);
    env->keyring = NULL;
    options.read_only = true;
    assert_int_equal(mr_keyring_open(&env->keyring, &options, NULL), 0);
    assert_int_equal(mr_keyring_key(env->keyring, person.key.id, &key), 0);
    assert_memory_equal(key.dek, person.key.dek, sizeof key.dek);
    assert_int_equal(mr_keyring_begin(env->keyring, &txn), MR_EDENIED);
}

/* ---- keys ---- */

static void test_keys_of_an_open_transaction(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person person = keyring_env_person(txn);
    struct mr_slot_key key;

    assert_int_equal(mr_person_key(txn, person.id, &key), 0);
    assert_memory_equal(&key, &person.key, sizeof key);
    assert_int_equal(mr_keyring_key(env->keyring, person.key.id, &key),
            MR_EDESTROYED); /* for others it is not there */
    assert_int_equal(mr_keyring_person_key(env->keyring, person.id, &key), MR_ENOTFOUND);
    assert_int_equal(mr_keyring_knows(env->keyring, person.key.id), MR_ENOTFOUND);
    mr_keyring_abort(txn);
    assert_int_equal(mr_keyring_key(env->keyring, person.key.id, &key), MR_EDESTROYED);
    txn = keyring_env_begin(env);
    assert_int_equal(mr_person_key(txn, person.id, &key), MR_ENOTFOUND);
    person = keyring_env_person(txn);
    assert_int_equal(mr_keyring_commit(txn), 0);
    assert_int_equal(mr_keyring_key(env->keyring, person.key.id, &key), 0);
    assert_memory_equal(&key, &person.key, sizeof key);
    assert_int_equal(mr_keyring_person_key(env->keyring, person.id, &key), 0);
    assert_int_equal(mr_keyring_knows(env->keyring, person.key.id), 0);
    mr_keyring_abort(NULL);
}

static void test_ten_times_more_persons_than_cache(void **state)
{
    enum { PERSONS = 160 };
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    static struct test_person persons[PERSONS];
    struct mr_slot_key key;

    for (size_t i = 0; i < PERSONS; i++)
        persons[i] = keyring_env_person(txn);
    for (size_t i = 0; i < PERSONS; i++) { /* more than the cache within one transaction */
        assert_int_equal(mr_person_key(txn, persons[i].id, &key), 0);
        assert_memory_equal(&key, &persons[i].key, sizeof key);
    }
    assert_int_equal(mr_keyring_commit(txn), 0);
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < PERSONS; i++) {
            assert_int_equal(mr_keyring_key(env->keyring, persons[i * 7 % PERSONS].key.id, &key), 0);
            assert_memory_equal(&key, &persons[i * 7 % PERSONS].key, sizeof key);
        }
}

static void test_cache(void **state)
{
    struct mr_key_cache *cache = NULL;
    struct mr_slot_key key[5] = {0}, got;
    uint64_t epoch;

    (void)state;
    assert_int_equal(mr_key_cache_new(&cache, 0), MR_EINVAL);
    assert_int_equal(mr_key_cache_new(&cache, 3), 0);
    for (uint8_t i = 0; i < 5; i++)
        memset(&key[i], i + 1, sizeof key[i]);
    epoch = mr_key_cache_epoch(cache);
    for (int i = 0; i < 3; i++)
        mr_key_cache_put(cache, &key[i], epoch, 0);
    assert_true(mr_key_cache_get(cache, key[0].id, 0, &got)); /* now the newest */
    assert_memory_equal(&got, &key[0], sizeof got);
    mr_key_cache_put(cache, &key[3], epoch, 0);
    assert_false(mr_key_cache_get(cache, key[1].id, 0, &got)); /* the oldest went */
    assert_true(mr_key_cache_get(cache, key[0].id, 0, &got));
    assert_int_equal(mr_key_cache_count(cache), 3);

    mr_key_cache_drop(cache, key[0].id);
    assert_false(mr_key_cache_get(cache, key[0].id, 0, &got));
    mr_key_cache_put(cache, &key[0], epoch, 0); /* read in a snapshot before the drop */
    assert_false(mr_key_cache_get(cache, key[0].id, 0, &got));
    epoch = mr_key_cache_epoch(cache);

    mr_key_cache_put(cache, &key[4], epoch, 1);
    assert_false(mr_key_cache_get(cache, key[4].id, 0, &got));
    assert_true(mr_key_cache_get(cache, key[4].id, 1, &got));
    mr_key_cache_settle(cache, 1, false);
    assert_false(mr_key_cache_get(cache, key[4].id, 1, &got));
    mr_key_cache_put(cache, &key[4], epoch, 2);
    mr_key_cache_settle(cache, 2, true);
    assert_true(mr_key_cache_get(cache, key[4].id, 0, &got));
    mr_key_cache_free(cache);
    mr_key_cache_free(NULL);
}

/* ---- digests, pseudonyms, seals ---- */

static void test_digest_parts_do_not_run_together(void **state)
{
    struct keyring_env *env = *state;
    struct mr_slice a[] = {S("ab"), S("c")}, b[] = {S("a"), S("bc")}, c[] = {S("abc")};
    struct {
        const char *tag;
        const struct mr_slice *parts;
        size_t count;
    } cases[] = {{"t", a, 2}, {"t", b, 2}, {"t", c, 1}, {"u", a, 2}, {"t", a, 1}, {"t", a, 0}};
    uint8_t digests[MR_COUNT(cases)][16];

    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        mr_keyring_digest(env->keyring, cases[i].tag, cases[i].parts, cases[i].count, digests[i]);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(digests[i], digests[k], 16);
    }
}

/* Many at once are what each is alone: tags that are begun beforehand and others, one part and two. */
static void test_digests_together(void **state)
{
    enum { ORDERS = 150 };
    static const char *const tags[] = {"ident", "bytes", "event-id", "another"};
    struct keyring_env *env = *state;
    static uint8_t data[2000], got[ORDERS][16];
    struct mr_digest_order orders[ORDERS];

    randombytes_buf(data, sizeof data);
    for (size_t count = 0; count <= ORDERS; count += count < 5 ? 1 : 29) {
        memset(got, 0, sizeof got);
        for (size_t i = 0; i < count; i++)
            orders[i] = (struct mr_digest_order){.tag = tags[i % MR_COUNT(tags)],
                    .parts = {mr_slice(data, 7 * i), mr_slice(data + i, 300)},
                    .count = 1 + i % 2,
                    .ret = got[i]};
        mr_keyring_digests(env->keyring, orders, count);
        for (size_t i = 0; i < count; i++) {
            uint8_t alone[16];

            mr_keyring_digest(env->keyring, orders[i].tag, orders[i].parts, orders[i].count, alone);
            assert_memory_equal(got[i], alone, sizeof alone);
        }
    }
}

static void test_pseudonyms(void **state)
{
    struct keyring_env *env = *state;
    uint8_t person[16] = {1, 2, 3}, a[16], b[16], back[16];

    assert_int_equal(mr_keyring_pseudonym(env->keyring, "school", person, a), 0);
    assert_int_equal(mr_keyring_pseudonym(env->keyring, "portal", person, b), 0);
    assert_memory_not_equal(a, b, 16);
    assert_memory_not_equal(a, person, 16);
    assert_int_equal(mr_keyring_pseudonym_open(env->keyring, "school", a, back), 0);
    assert_memory_equal(back, person, 16);
    assert_int_equal(mr_keyring_pseudonym_open(env->keyring, "portal", a, back), 0);
    assert_memory_not_equal(back, person, 16);
    keyring_env_reopen(env);
    assert_int_equal(mr_keyring_pseudonym(env->keyring, "school", person, b), 0);
    assert_memory_equal(a, b, 16);
}

static void test_seal(void **state)
{
    struct mr_slot_key key = {{1}, {2}}, other = {{1}, {3}};
    struct mr_buf sealed = MR_BUF_INIT, plain = MR_BUF_INIT;
    uint8_t aad[MR_SEAL_AAD_MAX + 1] = {0};

    (void)state;
    assert_int_equal(mr_keyring_seal(&key, S("row"), S("value"), &sealed), 0);
    assert_int_equal(mr_keyring_unseal(&key, S("row"), mr_buf_slice(&sealed), &plain), 0);
    assert_true(mr_slice_equal(mr_buf_slice(&plain), S("value")));
    assert_int_equal(mr_keyring_unseal(&key, S("raw"), mr_buf_slice(&sealed), &plain), MR_ECORRUPT);
    assert_int_equal(mr_keyring_unseal(&other, S("row"), mr_buf_slice(&sealed), &plain), MR_ECORRUPT);
    for (size_t size = 0; size < sealed.size; size++)
        assert_int_equal(mr_keyring_unseal(&key, S("row"), mr_slice(sealed.data, size), &plain), MR_ECORRUPT);
    for (size_t i = 0; i < sealed.size; i++) {
        sealed.data[i] ^= 1;
        assert_int_equal(mr_keyring_unseal(&key, S("row"), mr_buf_slice(&sealed), &plain), MR_ECORRUPT);
        sealed.data[i] ^= 1;
    }
    assert_int_equal(plain.size, 5);
    assert_int_equal(mr_keyring_seal(&key, mr_slice(aad, MR_SEAL_AAD_MAX), S(""), &sealed), 0);
    assert_int_equal(mr_keyring_seal(&key, mr_slice(aad, sizeof aad), S(""), &sealed), MR_EINVAL);
    mr_buf_fini(&sealed);
    mr_buf_wipe(&plain);
}

/* The design's vector has identifier type 2. */
static void test_blind_index_vectors(void **state)
{
    static const struct {
        uint16_t kind;
        const char *hex;
    } cases[] = {
            {2, "0e7628f3993c8629e674aa75d3b28362ac820e5cf356362b7d86a460ca80fe7e"},
            {MR_IDENTIFIER_SNILS, "54b8b3f4aa5857553ecaff8c93ff1958e13361f5367908de5932e355e4b690a6"},
    };
    uint8_t key[32], blind[32];
    char hex[65];

    (void)state;
    memset(key, 0xb1, sizeof key);
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        mr_blind_index(key, cases[i].kind, S("11223344595"), blind);
        assert_string_equal(mr_hex_encode(blind, 32, hex), cases[i].hex);
    }
}

/* By the keyring's own key, taken in beforehand: the same, of every size. */
static void test_blind_of_the_keyring(void **state)
{
    struct keyring_env *env = *state;
    uint8_t value[300], expected[32], blind[32];

    randombytes_buf(value, sizeof value);
    for (size_t size = 0; size <= sizeof value; size++) {
        mr_blind_index(env->keyring->secrets->blind, MR_IDENTIFIER_LOCAL, mr_slice(value, size), expected);
        mr_keyring_blind(env->keyring, MR_IDENTIFIER_LOCAL, mr_slice(value, size), blind);
        assert_memory_equal(blind, expected, sizeof blind);
    }
}

/* ---- threads ---- */

enum { THREAD_PERSONS = 64, ROUNDS = 60 };

struct shared {
    struct mr_keyring *keyring;
    struct test_person persons[THREAD_PERSONS];
    atomic_int blocked; /* persons below this index are blocked for good */
    atomic_bool stop;
    atomic_int wrong;
};

static void *read_keys(void *arg)
{
    struct shared *shared = arg;
    struct mr_slot_key key;

    while (!atomic_load(&shared->stop))
        for (int i = 0; i < THREAD_PERSONS; i++) {
            bool blocked = i < atomic_load(&shared->blocked); /* before the look-up */
            int by_id = mr_keyring_key(shared->keyring, shared->persons[i].key.id, &key);
            int by_person;

            if (by_id == 0 && memcmp(&key, &shared->persons[i].key, sizeof key) != 0)
                atomic_fetch_add(&shared->wrong, 1);
            by_person = mr_keyring_person_key(shared->keyring, shared->persons[i].id, &key);
            if (blocked && (by_id != MR_EBLOCKED || by_person != MR_EBLOCKED))
                atomic_fetch_add(&shared->wrong, 1);
            if ((by_id != 0 && by_id != MR_EBLOCKED) || (by_person != 0 && by_person != MR_EBLOCKED))
                atomic_fetch_add(&shared->wrong, 1);
        }
    return NULL;
}

static void test_two_readers_and_a_writer(void **state)
{
    struct keyring_env *env = *state;
    static struct shared shared;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    pthread_t threads[2];

    shared = (struct shared){.keyring = env->keyring};
    for (int i = 0; i < THREAD_PERSONS; i++)
        shared.persons[i] = keyring_env_person(txn);
    assert_int_equal(mr_keyring_commit(txn), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_keys, &shared), 0);
    for (int round = 0; round < ROUNDS; round++) {
        txn = keyring_env_begin(env);
        (void)keyring_env_person(txn);
        if (round % 3 == 2) {
            mr_keyring_abort(txn);
            continue;
        }
        assert_int_equal(mr_person_set_state(txn, shared.persons[round].id, MR_PERSON_BLOCKED), 0);
        if (round % 3 == 1)
            assert_int_equal(mr_person_set_state(txn, shared.persons[round - 1].id, MR_PERSON_BLOCKED), 0);
        if (round % 3 == 1 && round > 1)
            assert_int_equal(mr_person_set_state(txn, shared.persons[round - 2].id, MR_PERSON_BLOCKED), 0);
        assert_int_equal(mr_keyring_commit(txn), 0);
        if (round % 3 == 1)
            atomic_store(&shared.blocked, round + 1);
    }
    atomic_store(&shared.stop, true);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&shared.wrong), 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, keyring_env_setup, keyring_env_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(test_reopen_keeps_everything),
            T(test_wrong_root_is_refused),
            T(test_missing_root_is_refused),
            T(test_either_slot_opens),
            T(test_create_takes_the_root_that_is_there),
            T(test_read_only),
            T(test_keys_of_an_open_transaction),
            T(test_ten_times_more_persons_than_cache),
            cmocka_unit_test(test_cache),
            T(test_digest_parts_do_not_run_together),
            T(test_digests_together),
            T(test_pseudonyms),
            cmocka_unit_test(test_seal),
            cmocka_unit_test(test_blind_index_vectors),
            T(test_blind_of_the_keyring),
            T(test_two_readers_and_a_writer),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
