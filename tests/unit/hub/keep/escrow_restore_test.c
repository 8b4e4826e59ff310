/* keys/ and the root key come back from their escrow places, whichever is missing; and never half. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hub/keep/escrow_restore.h"
#include "hub/keep/leftover.h"
#include "store/erasure.h"
#include "tests/support/hub_env.h"
#include "tests/support/tmpdir.h"

static struct mr_config_escrow places;
static char root_place[256], keys_place[256];

static const char *below(const struct hub_env *env, const char *name)
{
    return mr_tmpdir_path(env->dir, name);
}

static bool has(const struct hub_env *env, const char *name)
{
    struct stat st;

    return stat(below(env, name), &st) == 0;
}

/* A person, and copies of what opens them; the hub is stopped. */
static int setup(void **state)
{
    struct mr_escrow escrow = {.root = root_place, .keys = keys_place};
    struct mr_buf event = MR_BUF_INIT;
    struct hub_env *env;

    assert_int_equal(hub_env_setup(state), 0);
    env = *state;
    (void)snprintf(root_place, sizeof root_place, "%s/escrow-root", env->dir);
    (void)snprintf(keys_place, sizeof keys_place, "%s/escrow-keys", env->dir);
    assert_int_equal(mkdir(root_place, 0700), 0);
    assert_int_equal(mkdir(keys_place, 0700), 0);
    places = (struct mr_config_escrow){.root = root_place, .keys = keys_place};
    env->config->hub.escrow = &places;
    hub_env_deficit(&event, "d-1", "11223344595", NULL);
    mr_intake_free(hub_env_publish(env, "copmkp", &event, 1, 1));
    mr_buf_wipe(&event);
    assert_int_equal(mr_keyring_finish_erasure(env->house.keyring, &escrow, NULL), 0);
    hub_env_close(env);
    return 0;
}

static int teardown(void **state)
{
    struct hub_env *env = *state;

    env->config->hub.escrow = NULL; /* it is ours, not the configuration's */
    return hub_env_teardown(state);
}

static struct mr_escrow_restored restore(struct hub_env *env)
{
    struct mr_escrow_restored restored;
    struct mr_error error = {0};

    if (mr_escrow_restore(env->config, &restored, &error) < 0)
        fail_msg("%s: %s", error.where, error.what);
    assert_int_equal(restored.generation, 1);
    return restored;
}

static void expect_failure(struct hub_env *env, int code, const char *what)
{
    struct mr_escrow_restored restored;
    struct mr_error error = {0};

    assert_int_equal(mr_escrow_restore(env->config, &restored, &error), code);
    if (!strstr(error.what, what))
        fail_msg("%s: %s", error.where, error.what);
    assert_true(error.cure[0]);
}

static void expect_open(struct hub_env *env)
{
    struct mr_keyring_txn *txn;
    uint8_t person[MR_PERSON_ID_BYTES];

    hub_env_open(env);
    assert_int_equal(mr_keyring_begin(env->house.keyring, &txn), 0);
    assert_int_equal(mr_person_find(txn, MR_IDENTIFIER_SNILS, mr_slice_str("11223344595"), person), 0);
    mr_keyring_abort(txn);
    hub_env_close(env);
}

static void lose_keys(const struct hub_env *env)
{
    assert_int_equal(mr_leftover_remove(below(env, "store/keys"), NULL), 0);
}

static void lose_root(const struct hub_env *env)
{
    assert_int_equal(unlink(below(env, "root/root.0")), 0);
}

static void test_what_is_missing_comes_back(void **state)
{
    struct hub_env *env = *state;
    struct mr_escrow_restored restored;

    expect_failure(env, MR_EEXISTS, "are here already");
    lose_keys(env);
    restored = restore(env);
    assert_true(restored.keys && !restored.root);
    expect_open(env);
    lose_root(env);
    restored = restore(env);
    assert_true(!restored.keys && restored.root);
    expect_open(env);
    lose_keys(env);
    lose_root(env);
    restored = restore(env);
    assert_true(restored.keys && restored.root);
    expect_open(env);
}

/* Of another hub, or of another generation: nothing is put, and nothing is left. */
static void test_what_does_not_fit_is_refused(void **state)
{
    static const uint8_t other[MR_ROOT_KEY_BYTES] = {7};
    struct hub_env *env = *state;

    lose_keys(env);
    lose_root(env);
    assert_int_equal(mr_root_file_write(root_place, "root.2", 2, other, NULL), 0);
    expect_failure(env, MR_ECORRUPT, "does not open");
    assert_false(has(env, "store/keys") || has(env, "store/restoring-keys"));
    assert_int_equal(unlink(below(env, "escrow-root/root.2")), 0);
    (void)restore(env);
    expect_open(env);
}

static void test_places_that_have_nothing(void **state)
{
    struct hub_env *env = *state;

    lose_keys(env);
    lose_root(env);
    assert_int_equal(unlink(below(env, "escrow-keys/keys.1.mdb")), 0);
    expect_failure(env, MR_ENOTFOUND, "no copy of keys/");
    assert_int_equal(rmdir(keys_place), 0);
    expect_failure(env, MR_ENOTFOUND, "cannot read the escrow place");
    places.keys = NULL;
    expect_failure(env, MR_ENOTFOUND, "no copy of keys/");
    assert_false(has(env, "store/keys"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_what_is_missing_comes_back, setup, teardown),
            cmocka_unit_test_setup_teardown(test_what_does_not_fit_is_refused, setup, teardown),
            cmocka_unit_test_setup_teardown(test_places_that_have_nothing, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
