/* A rate holds over time, whatever the batches; a pause is worth one second. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hub/session/quota.h"

enum { SECOND_US = 1000 * 1000 };

/* Asks for batches of `events` as soon as it is told to, for `seconds`; how many events passed. */
static uint64_t run(struct mr_quota *quota, int64_t from_us, int seconds, uint64_t events, uint32_t per_s)
{
    int64_t now_us = from_us;
    uint64_t passed = 0;

    while (now_us < from_us + (int64_t)seconds * SECOND_US) {
        uint32_t wait_ms = mr_quota_ask(quota, now_us, events, per_s, 1, 0);

        if (wait_ms == 0)
            passed += events;
        now_us += wait_ms ? (int64_t)wait_ms * 1000 : 1;
    }
    return passed;
}

static void test_rate(void **state)
{
    static const uint64_t batches[] = {1, 7, 64, 256, 5000};

    (void)state;
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        struct mr_quota quota = {0};
        uint64_t passed = run(&quota, 5000ll * SECOND_US, 100, batches[i], 100);

        assert_in_range(passed, 9800 - batches[i], 100 * 101 + batches[i]); /* a second's worth at once */
    }
}

static void test_none_and_bytes(void **state)
{
    struct mr_quota quota = {0};
    int64_t now_us = 7ll * SECOND_US;

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(mr_quota_ask(&quota, now_us, 1000, 0, 1000000, 0), 0);
    assert_int_equal(mr_quota_ask(&quota, now_us, 1, 0, 30000, 10000), 0); /* three seconds' worth */
    assert_in_range(mr_quota_ask(&quota, now_us, 1, 0, 1, 10000), 1900, 2100);
    assert_in_range(mr_quota_ask(&quota, now_us, 1, 0, 1, 10000), 1900, 2100); /* asking costs nothing */
    assert_int_equal(mr_quota_ask(&quota, now_us + 2 * SECOND_US + 1, 1, 0, 1, 10000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rate), cmocka_unit_test(test_none_and_bytes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
