/* The quick way gives the order that comparing gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "store/index_internal.h"

enum { COUNT = 5000, KINDS = 5 };

static int compare(const void *a, const void *b)
{
    return mr_index_entry_compare(a, b);
}

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return *seed >> 20;
}

/* How the numbers come: all in order, those of each kind, or anyhow. */
enum order { ALL_ASCEND, KINDS_ASCEND, ANYHOW };

static uint64_t number_of(enum order order, size_t i, unsigned kind, size_t count, uint64_t *seed)
{
    if (order == ANYHOW)
        return 1 + next(seed) % count;
    return 1 + i / KINDS + (order == KINDS_ASCEND ? (KINDS - kind) * 7 : 0);
}

/* Kind 0 has one hash, kind 1 three, the others any of `mask`. */
static void make(struct mr_index_entry *entries, size_t count, uint64_t mask, enum order order, uint64_t seed)
{
    memset(entries, 0, count * sizeof *entries);
    for (size_t i = 0; i < count; i++) {
        uint64_t r = next(&seed);

        entries[i].kind = (uint8_t)(r % KINDS);
        entries[i].hash = entries[i].kind == 0   ? 7
                          : entries[i].kind == 1 ? r % 3 << 40
                                                 : next(&seed) << 21 & mask & INT64_MAX;
        entries[i].number = number_of(order, i, entries[i].kind, count, &seed);
    }
}

static void check(uint64_t mask, enum order order, size_t count)
{
    struct mr_index_entry *got = calloc(count + 1, sizeof *got), *wanted = calloc(count + 1, sizeof *wanted);

    assert_true(got && wanted);
    make(got, count, mask, order, 42 + count);
    memcpy(wanted, got, count * sizeof *got);
    qsort(wanted, count, sizeof *wanted, compare);
    mr_index_sort(got, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(got[i].kind, wanted[i].kind);
        assert_int_equal(got[i].hash, wanted[i].hash);
        assert_int_equal(got[i].number, wanted[i].number);
    }
    free(got);
    free(wanted);
}

static void ascending_numbers(void **state)
{
    (void)state;
    for (size_t count = 0; count < 40; count++)
        check(UINT64_MAX, ALL_ASCEND, count);
    check(UINT64_MAX, ALL_ASCEND, COUNT);
    check(UINT64_C(0xff000000ff0000), ALL_ASCEND,
            COUNT); /* digits that are all the same; an odd number of others */
    check(UINT64_C(0xff0000ff00ff0000), ALL_ASCEND, COUNT);
}

/* As notes put them: the texts of some numbers behind the heads of all. */
static void numbers_of_each_kind(void **state)
{
    (void)state;
    for (size_t count = 0; count < 40; count++)
        check(UINT64_MAX, KINDS_ASCEND, count);
    check(UINT64_MAX, KINDS_ASCEND, COUNT);
}

static void numbers_in_no_order(void **state)
{
    (void)state;
    check(UINT64_MAX, ANYHOW, COUNT);
    check(UINT64_C(0xff000000), ANYHOW, COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(ascending_numbers),
            cmocka_unit_test(numbers_of_each_kind),
            cmocka_unit_test(numbers_in_no_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
