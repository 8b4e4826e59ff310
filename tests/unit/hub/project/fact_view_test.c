/* Rows of one batch: whose key is known already is asked for all the same, each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "hub/project/fact_view.h"
#include "proto/base/bytes.h"
#include "tests/support/hub_env.h"

enum { ROW_OPEN = 1, ROW_SEALED = 2 };

static void create(struct hub_env *env, uint8_t ret[static MR_PERSON_ID_BYTES])
{
    struct mr_keyring_txn *txn;

    assert_int_equal(mr_keyring_begin(env->house.keyring, &txn), 0);
    assert_int_equal(mr_person_create(txn, ret, NULL), 0);
    assert_int_equal(mr_keyring_commit(txn), 0);
}

static void set_state(struct hub_env *env, const uint8_t *person, enum mr_person_state state)
{
    struct mr_keyring_txn *txn;

    assert_int_equal(mr_keyring_begin(env->house.keyring, &txn), 0);
    assert_int_equal(mr_person_set_state(txn, person, state), 0);
    assert_int_equal(mr_keyring_commit(txn), 0);
}

struct rows {
    struct hub_env *env;
    struct mr_view_batch *batch;
    struct mr_fact_sealing sealing;
};

static struct mr_slice put(struct rows *rows, uint64_t number, const uint8_t *person)
{
    struct mr_fact fact = {.number = number, .kind = MR_FACT_DEFICIT, .has_person = true, .id = "d-1"};
    uint8_t key[MR_FACT_ROW_KEY_BYTES] = {0};
    struct mr_slice value;

    memcpy(fact.person, person, sizeof fact.person);
    assert_int_equal(mr_fact_put(&rows->env->house, rows->batch, &fact, &rows->sealing), 0);
    mr_put_be64(key, number);
    assert_int_equal(mr_view_batch_get(rows->batch, MR_VIEW_FACT, mr_slice(key, sizeof key), &value), 0);
    assert_true(value.size > 1);
    return value;
}

static void expect_withheld(struct mr_slice value)
{
    struct mr_arena arena;
    struct mr_fact fact;

    assert_int_equal(value.data[0], ROW_OPEN);
    mr_arena_init(&arena, 4096);
    assert_int_equal(mr_fact_decode(&fact, mr_slice(value.data + 1, value.size - 1), &arena), 0);
    assert_int_equal(fact.kind, MR_FACT_WITHHELD);
    assert_string_equal(fact.code, "blocked");
    mr_arena_fini(&arena);
}

static void test_a_block_holds_for_the_next_row(void **state)
{
    struct rows rows = {.env = *state};
    uint8_t person[MR_PERSON_ID_BYTES], other[MR_PERSON_ID_BYTES];

    create(rows.env, person);
    create(rows.env, other);
    assert_int_equal(mr_view_batch_begin(rows.env->house.view, &rows.batch), 0);
    assert_int_equal(put(&rows, 1, person).data[0], ROW_SEALED);
    assert_int_equal(put(&rows, 2, person).data[0], ROW_SEALED); /* by what is known of the row before */
    set_state(rows.env, person, MR_PERSON_BLOCKED);
    expect_withheld(put(&rows, 3, person));
    expect_withheld(put(&rows, 4, person));
    assert_int_equal(put(&rows, 5, other).data[0], ROW_SEALED);
    set_state(rows.env, person, MR_PERSON_LIVE);
    assert_int_equal(put(&rows, 6, person).data[0], ROW_SEALED);
    mr_view_batch_abort(rows.batch);
    mr_fact_sealing_wipe(&rows.sealing);
    assert_true(sodium_is_zero((const uint8_t *)&rows.sealing, sizeof rows.sealing));
}

/* Each row is under the key of its own person, and no two have the same nonce. */
static void test_rows_are_their_persons(void **state)
{
    struct rows rows = {.env = *state};
    uint8_t person[MR_PERSON_ID_BYTES], other[MR_PERSON_ID_BYTES];
    struct mr_slot_key key, key_of_other;
    uint8_t nonce[24];
    struct mr_slice value;

    create(rows.env, person);
    create(rows.env, other);
    assert_int_equal(mr_keyring_person_key(rows.env->house.keyring, person, &key), 0);
    assert_int_equal(mr_keyring_person_key(rows.env->house.keyring, other, &key_of_other), 0);
    assert_int_equal(mr_view_batch_begin(rows.env->house.view, &rows.batch), 0);
    value = put(&rows, 1, person);
    assert_memory_equal(value.data + 1, key.id, sizeof key.id);
    memcpy(nonce, value.data + 1 + sizeof key.id, sizeof nonce);
    value = put(&rows, 2, other);
    assert_memory_equal(value.data + 1, key_of_other.id, sizeof key.id);
    value = put(&rows, 3, person);
    assert_memory_equal(value.data + 1, key.id, sizeof key.id);
    value = put(&rows, 4, person);
    assert_memory_equal(value.data + 1, key.id, sizeof key.id);
    assert_memory_not_equal(value.data + 1 + sizeof key.id, nonce, sizeof nonce);
    mr_view_batch_abort(rows.batch);
    mr_fact_sealing_wipe(&rows.sealing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(
                    test_a_block_holds_for_the_next_row, hub_env_setup, hub_env_teardown),
            cmocka_unit_test_setup_teardown(test_rows_are_their_persons, hub_env_setup, hub_env_teardown),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
