/* The hashes of leaves, made together: each is that of the leaf in the log, told to its item, to the tree, to
 * its repeats in the same intake and to those that come later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "hub/intake/prepare.h"
#include "proto/wire/digest.h"
#include "tests/support/hub_env.h"

enum { EVENTS = 90, OPEN = 75 }; /* more than are hashed at once; the others are repeats */

static void hash_in_log(struct hub_env *env, uint64_t number, uint8_t ret[static 32])
{
    struct mr_record_view view;
    struct mr_log_reader *reader;
    uint8_t in_tree[32];

    assert_int_equal(mr_log_reader_open(env->house.log, &reader), 0);
    assert_int_equal(mr_log_read(reader, number, &view, NULL), 0);
    mr_leaf_hash(view.record.leaf, ret);
    assert_int_equal(mr_log_leaf_hash(reader, number, in_tree), 0);
    assert_memory_equal(in_tree, ret, 32);
    mr_log_reader_close(reader);
}

static void check(struct hub_env *env, const struct mr_intake *intake, enum mr_verdict first_ones)
{
    for (size_t i = 0; i < intake->count; i++) {
        const struct mr_intake_item *item = &intake->items[i];
        uint8_t hash[32];

        assert_int_equal(item->verdict, i < OPEN ? first_ones : MR_VERDICT_DUPLICATE);
        assert_int_equal(item->number, 1 + i % OPEN);
        hash_in_log(env, item->number, hash);
        assert_memory_equal(item->leaf_hash, hash, sizeof hash);
    }
}

static void each_has_its_own(void **state)
{
    struct hub_env *env = *state;
    struct mr_buf events[EVENTS] = {0};
    struct mr_intake *first, *again;

    for (size_t i = 0; i < EVENTS; i++) {
        char id[16];

        (void)snprintf(id, sizeof id, "p-%zu", i % OPEN);
        hub_env_programme(&events[i], id);
    }
    first = hub_env_publish(env, "portal", events, EVENTS, 1);
    check(env, first, MR_VERDICT_STORED);
    again = hub_env_publish(env, "portal", events, EVENTS, 1 + EVENTS);
    check(env, again, MR_VERDICT_DUPLICATE);
    mr_intake_free(first);
    mr_intake_free(again);
    for (size_t i = 0; i < EVENTS; i++)
        mr_buf_fini(&events[i]);
}

/* What is about a person is hashed when it is sealed, and stands among the others. */
static void also_beside_persons(void **state)
{
    struct hub_env *env = *state;
    struct mr_buf events[6] = {0};
    struct mr_intake *intake;

    for (size_t i = 0; i < 6; i++) {
        char id[16];

        (void)snprintf(id, sizeof id, "d-%zu", i);
        hub_env_deficit(&events[i], id, i % 2 ? "11223344595" : "12345678900", NULL);
    }
    intake = hub_env_publish(env, "copmkp", events, 6, 1);
    for (size_t i = 0; i < 6; i++) {
        uint8_t hash[32];

        assert_int_equal(intake->items[i].number, 1 + i);
        hash_in_log(env, 1 + i, hash);
        assert_memory_equal(intake->items[i].leaf_hash, hash, sizeof hash);
        mr_buf_fini(&events[i]);
    }
    mr_intake_free(intake);
}

#define HUB_TEST(name) cmocka_unit_test_setup_teardown(name, hub_env_setup, hub_env_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            HUB_TEST(each_has_its_own),
            HUB_TEST(also_beside_persons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
