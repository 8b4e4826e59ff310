/* Rows of what is parked: there and back, the older form, damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "hub/deliver/parked_row.h"

static void test_there_and_back(void **state)
{
    const struct mr_parked_row row = {.state = MR_PARKED_RELEASED,
            .at_us = 1795000000000000,
            .attempt = 3,
            .attempts_max = 13,
            .not_before_us = 1795000060000000,
            .order = {.tags = {7, UINT64_MAX}, .count = 2},
            .reason = "no-such-course"};
    struct mr_buf buf = MR_BUF_INIT;
    struct mr_parked_row back;

    (void)state;
    assert_int_equal(mr_parked_row_encode(&buf, &row), 0);
    assert_int_equal(mr_parked_row_decode(&back, mr_buf_slice(&buf)), 0);
    assert_int_equal(back.state, row.state);
    assert_int_equal(back.at_us, row.at_us);
    assert_int_equal(back.attempt, 3);
    assert_int_equal(back.attempts_max, 13);
    assert_int_equal(back.not_before_us, row.not_before_us);
    assert_int_equal(back.order.count, 2);
    assert_true(back.order.tags[1] == UINT64_MAX && back.order.tags[0] == 7);
    assert_string_equal(back.reason, row.reason);
    for (size_t size = 0; size < 27 + 16; size++)
        assert_int_equal(mr_parked_row_decode(&back, mr_slice(buf.data, size)), MR_ECORRUPT);
    buf.data[1] = MR_PARKED_RELEASED + 1;
    assert_int_equal(mr_parked_row_decode(&back, mr_buf_slice(&buf)), MR_ECORRUPT);
    buf.data[1] = MR_PARKED_FAILED;
    buf.data[26] = MR_RECORD_SLOTS_MAX + 1;
    assert_int_equal(mr_parked_row_decode(&back, mr_buf_slice(&buf)), MR_ECORRUPT);
    mr_buf_fini(&buf);
}

static void test_older_form(void **state)
{
    const struct mr_nack_row nack = {.at_us = 1795000000000000, .attempt = 10, .reason = "disk-full"};
    struct mr_buf buf = MR_BUF_INIT;
    struct mr_parked_row row;

    (void)state;
    assert_int_equal(mr_nack_row_encode(&buf, &nack), 0);
    assert_int_equal(mr_parked_row_decode(&row, mr_buf_slice(&buf)), 0);
    assert_int_equal(row.state, MR_PARKED_FAILED);
    assert_int_equal(row.attempt, 10);
    assert_int_equal(row.order.count, 0);
    assert_string_equal(row.reason, "disk-full");
    mr_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_older_form)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
