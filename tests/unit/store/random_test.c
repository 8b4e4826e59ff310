/* Random bytes by the handful: all of them given, none twice, none left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "store/random.h"

enum { TAKEN = 2000, BYTES = 24 };

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, BYTES);
}

static void test_never_twice(void **state)
{
    static uint8_t taken[TAKEN][BYTES];
    struct mr_random random = {0};

    (void)state;
    for (size_t i = 0; i < TAKEN; i++)
        mr_random_take(&random, taken[i], BYTES);
    qsort(taken, TAKEN, BYTES, compare);
    for (size_t i = 1; i < TAKEN; i++)
        assert_memory_not_equal(taken[i - 1], taken[i], BYTES);
}

/* What was given is nowhere in the pool any more, whatever sizes are asked for. */
static void test_given_is_wiped(void **state)
{
    struct mr_random random = {0};
    uint8_t bytes[MR_RANDOM_POOL_BYTES];

    (void)state;
    for (size_t size = 8; size <= sizeof bytes; size += 13) {
        mr_random_take(&random, bytes, size);
        assert_false(sodium_is_zero(bytes, size));
        assert_true(sodium_is_zero(random.pool + random.left, size));
    }
    mr_random_take(&random, bytes, 1);
    mr_random_wipe(&random);
    assert_true(sodium_is_zero(random.pool, sizeof random.pool));
    assert_int_equal(random.left, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_never_twice), cmocka_unit_test(test_given_is_wiped)};

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
