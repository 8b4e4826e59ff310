#include "tests/support/keyring_env.h"

#include <string.h>

#include "proto/base/list.h"

enum { MAX = 8 };

static struct mr_employment at(const char *org, const char *system, bool active, int64_t number)
{
    struct mr_employment employment = {.active = active, .number = number};

    (void)snprintf(employment.org, sizeof employment.org, "%s", org);
    (void)snprintf(employment.system, sizeof employment.system, "%s", system);
    return employment;
}

static void put(struct mr_keyring_txn *txn, const struct test_person *person, struct mr_employment employment)
{
    assert_int_equal(mr_employment_put(txn, person->id, &employment), 0);
}

/* The row of (org, system), of `count` rows in all. */
static struct mr_employment get(struct mr_keyring_txn *txn, const struct test_person *person, int count,
        const char *org, const char *system)
{
    struct mr_employment rows[MAX];

    assert_int_equal(mr_employment_list(txn, person->id, rows, MAX), count);
    for (int i = 0; i < count; i++)
        if (strcmp(rows[i].org, org) == 0 && strcmp(rows[i].system, system) == 0)
            return rows[i];
    fail_msg("no row for %s", system);
    return rows[0];
}

static void test_put_replaces_and_list(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person a = keyring_env_person(txn), b = keyring_env_person(txn);
    struct mr_employment rows[MAX];

    put(txn, &a, at("1027700132195", "portal", true, 0));
    put(txn, &a, at("1027700132195", "school-7", true, 5));
    put(txn, &a, at("1037739877295", "portal", false, 6));
    put(txn, &b, at("1027700132195", "portal", true, 7));
    put(txn, &a, at("1027700132195", "portal", false, 9));
    assert_int_equal(mr_keyring_commit(txn), 0);
    keyring_env_reopen(env);
    txn = keyring_env_begin(env);
    assert_int_equal(get(txn, &a, 3, "1027700132195", "portal").number, 9);
    assert_false(get(txn, &a, 3, "1027700132195", "portal").active);
    assert_true(get(txn, &a, 3, "1027700132195", "school-7").active);
    assert_int_equal(get(txn, &b, 1, "1027700132195", "portal").number, 7);
    assert_int_equal(mr_employment_list(txn, a.id, rows, 2), 2);
    assert_int_equal(mr_employment_list(txn, a.id, rows, 0), 0);
    mr_keyring_abort(txn);
}

static void test_two_posts_in_one_place(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person a = keyring_env_person(txn);
    struct mr_employment teacher = at("1027700132195", "school-7", true, 1);
    struct mr_employment methodist = at("1027700132195", "school-7", true, 2);
    struct mr_employment rows[MAX];
    int active = 0;

    teacher.id[0] = 1;
    methodist.id[0] = 2;
    put(txn, &a, teacher);
    put(txn, &a, methodist);
    methodist.active = false;
    (void)snprintf(
            methodist.org, sizeof methodist.org, "1037739877295"); /* its place is corrected on the way */
    put(txn, &a, methodist);
    assert_int_equal(mr_employment_list(txn, a.id, rows, MAX), 2);
    for (int i = 0; i < 2; i++)
        active += rows[i].active;
    assert_int_equal(active, 1);
    mr_keyring_abort(txn);
}

static void test_refuses(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person a = keyring_env_person(txn), nobody = {.id = {1}};
    struct mr_employment bad[] = {at("", "portal", true, 1), at("1", "", true, 1), at("1", "portal", true, 1),
            at("1", "portal", true, 1)};
    struct mr_employment good = at("1", "portal", true, 1);

    memset(bad[2].org, '1', sizeof bad[2].org);
    memset(bad[3].system, 'x', sizeof bad[3].system);
    for (size_t i = 0; i < MR_COUNT(bad); i++)
        assert_int_equal(mr_employment_put(txn, a.id, &bad[i]), MR_EINVAL);
    assert_int_equal(mr_employment_put(txn, nobody.id, &good), MR_ENOTFOUND);
    assert_int_equal(mr_person_set_state(txn, a.id, MR_PERSON_BLOCKED), 0);
    assert_int_equal(mr_employment_put(txn, a.id, &good), MR_EBLOCKED);
    assert_int_equal(mr_employment_list(txn, a.id, &good, 1), MR_EBLOCKED);
    assert_int_equal(mr_keyring_commit(txn), 0);
}

static void test_bytes_behind_the_text_do_not_count(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person a = keyring_env_person(txn);
    struct mr_employment dirty = at("1", "portal", true, 2);

    put(txn, &a, at("1", "portal", true, 1));
    dirty.org[5] = 'x';
    dirty.system[20] = 'y';
    put(txn, &a, dirty);
    assert_int_equal(get(txn, &a, 1, "1", "portal").number, 2);
    mr_keyring_abort(txn);
}

static void test_merge_moves_the_rows(void **state)
{
    struct keyring_env *env = *state;
    struct mr_keyring_txn *txn = keyring_env_begin(env);
    struct test_person a = keyring_env_person(txn), b = keyring_env_person(txn);

    put(txn, &a, at("1", "older-here", true, 5));
    put(txn, &b, at("1", "older-here", false, 9));
    put(txn, &a, at("1", "newer-here", true, 9));
    put(txn, &b, at("1", "newer-here", false, 5));
    put(txn, &a, at("1", "pending", true, 9));
    put(txn, &b, at("1", "pending", false, 0));
    put(txn, &b, at("2", "only-there", true, 1));
    assert_int_equal(mr_person_merge(txn, a.id, b.id), 0);
    assert_int_equal(mr_keyring_commit(txn), 0);
    txn = keyring_env_begin(env);
    assert_int_equal(get(txn, &a, 4, "1", "older-here").number, 9);
    assert_int_equal(get(txn, &a, 4, "1", "newer-here").number, 9);
    assert_true(get(txn, &a, 4, "1", "newer-here").active);
    assert_int_equal(get(txn, &a, 4, "1", "pending").number, 0);
    assert_int_equal(get(txn, &b, 4, "2", "only-there").number, 1); /* by the alias */
    put(txn, &b, at("3", "after", true, 20));
    assert_int_equal(get(txn, &a, 5, "3", "after").number, 20);
    mr_keyring_abort(txn);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, keyring_env_setup, keyring_env_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(test_put_replaces_and_list),
            T(test_two_posts_in_one_place),
            T(test_refuses),
            T(test_bytes_behind_the_text_do_not_count),
            T(test_merge_moves_the_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
