/* A keyring in a temporary folder, for tests of what stands on it. */
#ifndef MR_TESTS_KEYRING_ENV_H
#define MR_TESTS_KEYRING_ENV_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/keyring.h"
#include "tests/support/tmpdir.h"

struct keyring_env {
    char *dir;
    uint32_t cache_keys;
    struct mr_keyring *keyring;
};

static inline struct mr_keyring_options keyring_env_options(const struct keyring_env *env)
{
    return (struct mr_keyring_options){
            .dir = mr_tmpdir_path(env->dir, "keys"),
            .root_path = mr_tmpdir_path(env->dir, "root"),
            .create = true,
            .cache_keys = env->cache_keys,
    };
}

static inline void keyring_env_open(struct keyring_env *env)
{
    struct mr_keyring_options options = keyring_env_options(env);
    struct mr_error err = {0};
    int r = mr_keyring_open(&env->keyring, &options, &err);

    if (r < 0)
        print_error("%s: %s\n", err.where, err.what);
    assert_int_equal(r, 0);
}

static inline void keyring_env_reopen(struct keyring_env *env)
{
    mr_keyring_close(env->keyring);
    env->keyring = NULL;
    keyring_env_open(env);
}

static inline int keyring_env_setup(void **state)
{
    struct keyring_env *env = calloc(1, sizeof *env);

    assert_true(sodium_init() >= 0);
    env->dir = mr_tmpdir_new();
    env->cache_keys = 16;
    keyring_env_open(env);
    *state = env;
    return 0;
}

static inline int keyring_env_teardown(void **state)
{
    struct keyring_env *env = *state;

    mr_keyring_close(env->keyring);
    mr_tmpdir_free(env->dir);
    free(env);
    return 0;
}

static inline struct mr_keyring_txn *keyring_env_begin(struct keyring_env *env)
{
    struct mr_keyring_txn *txn = NULL;

    assert_int_equal(mr_keyring_begin(env->keyring, &txn), 0);
    return txn;
}

struct test_person {
    uint8_t id[MR_PERSON_ID_BYTES];
    struct mr_slot_key key;
};

static inline struct test_person keyring_env_person(struct mr_keyring_txn *txn)
{
    struct test_person person;

    assert_int_equal(mr_person_create(txn, person.id, &person.key), 0);
    return person;
}

#endif
