/* Keys that are held up: counted per row, kept through growth, and never more than there is room for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hub/deliver/parked.h"

/* Spread as digests are; never 0. */
static uint64_t tag_of(uint64_t i)
{
    return (i + 1) * 0x9e3779b97f4a7c15ull;
}

static struct mr_order one(uint64_t i)
{
    return (struct mr_order){.tags = {tag_of(i)}, .count = 1};
}

static void test_counts_rows(void **state)
{
    struct mr_parked parked = {0};
    struct mr_order a = one(1), both = {.tags = {tag_of(1), tag_of(2)}, .count = 2}, b = one(2), none = {0};

    (void)state;
    assert_false(mr_parked_holds(&parked, &a));
    mr_parked_remove(&parked, &a); /* of nothing: nothing */
    mr_parked_add(&parked, &a);
    mr_parked_add(&parked, &both);
    mr_parked_add(&parked, &none);
    assert_int_equal(parked.rows, 3);
    assert_true(mr_parked_holds(&parked, &a));
    assert_true(mr_parked_holds(&parked, &b));
    assert_false(mr_parked_holds(&parked, &none));
    mr_parked_remove(&parked, &both);
    assert_true(mr_parked_holds(&parked, &a)); /* its own row is still there */
    assert_false(mr_parked_holds(&parked, &b));
    mr_parked_remove(&parked, &a);
    mr_parked_remove(&parked, &none);
    assert_false(mr_parked_holds(&parked, &a));
    assert_int_equal(parked.rows, 0);
    mr_parked_fini(&parked);
}

static void test_grows_and_forgets(void **state)
{
    struct mr_parked parked = {0};

    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        struct mr_order order = one(i);

        mr_parked_add(&parked, &order);
    }
    for (uint64_t i = 0; i < 2000; i++) {
        struct mr_order order = one(i);

        assert_int_equal(mr_parked_holds(&parked, &order), i < 1000);
    }
    for (uint64_t i = 0; i < 100000; i++) { /* one at a time: the memory does not grow with those that were */
        struct mr_order order = one(10000 + i);

        mr_parked_add(&parked, &order);
        mr_parked_remove(&parked, &order);
    }
    assert_in_range(parked.capacity, 1, 16384);
    assert_false(parked.full);
    mr_parked_reset(&parked);
    assert_int_equal(parked.rows, 0);
    mr_parked_fini(&parked);
}

static void test_full(void **state)
{
    struct mr_parked parked = {0};
    uint64_t i = 0;

    (void)state;
    for (; i < 4 * MR_PARKED_TAGS_MAX && !parked.full; i++) {
        struct mr_order order = one(i);

        mr_parked_add(&parked, &order);
    }
    assert_true(parked.full);
    assert_true(i > MR_PARKED_TAGS_MAX);
    mr_parked_reset(&parked);
    assert_false(parked.full);
    mr_parked_fini(&parked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_counts_rows),
            cmocka_unit_test(test_grows_and_forgets), cmocka_unit_test(test_full)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
