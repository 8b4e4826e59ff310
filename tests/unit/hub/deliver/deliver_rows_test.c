#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "hub/deliver/deliver_rows.h"

static void test_cursor(void **state)
{
    const struct mr_cursor_row row = {.cursor = 0x1122334455667788u, .first = 7};
    struct mr_cursor_row back;
    struct mr_buf buf = MR_BUF_INIT;

    (void)state;
    assert_int_equal(mr_cursor_row_encode(&buf, &row), 0);
    assert_int_equal(mr_cursor_row_decode(&back, mr_buf_slice(&buf)), 0);
    assert_int_equal(back.cursor, row.cursor);
    assert_int_equal(back.first, row.first);
    for (size_t size = 0; size < buf.size; size++)
        assert_int_equal(mr_cursor_row_decode(&back, mr_slice(buf.data, size)), MR_ECORRUPT);
    mr_buf_fini(&buf);
}

static void test_delivery(void **state)
{
    const struct mr_delivery_row row = {.outcome = MR_DELIVERY_SUPPRESSED,
            .through = 99,
            .count = 3,
            .sent_us = -1,
            .acked_us = 1700000000000000,
            .attempt = 2,
            .session = 5,
            .config = 6};
    struct mr_delivery_row back;
    struct mr_buf buf = MR_BUF_INIT;

    (void)state;
    assert_int_equal(mr_delivery_row_encode(&buf, &row), 0);
    assert_int_equal(mr_delivery_row_decode(&back, mr_buf_slice(&buf)), 0);
    assert_int_equal(back.outcome, row.outcome);
    assert_int_equal(back.through, row.through);
    assert_int_equal(back.count, row.count);
    assert_int_equal(back.sent_us, row.sent_us);
    assert_int_equal(back.acked_us, row.acked_us);
    assert_int_equal(back.attempt, row.attempt);
    assert_int_equal(back.session, row.session);
    assert_int_equal(back.config, row.config);
    for (size_t size = 0; size < buf.size; size++)
        assert_int_equal(mr_delivery_row_decode(&back, mr_slice(buf.data, size)), MR_ECORRUPT);
    buf.data[0] = 9;
    assert_int_equal(mr_delivery_row_decode(&back, mr_buf_slice(&buf)), MR_ECORRUPT);
    mr_buf_fini(&buf);
}

static void test_nack(void **state)
{
    struct mr_nack_row row = {.at_us = 5, .attempt = 4}, back;
    struct mr_buf buf = MR_BUF_INIT;
    uint8_t key[MR_NACK_KEY_BYTES];

    (void)state;
    mr_nack_reason("no-such-Person Иванов", row.reason);
    assert_memory_equal(row.reason, "no-such-?erson??", 16); /* nothing that could name somebody */
    assert_null(strpbrk(row.reason, " P"));
    mr_nack_reason("a-code-that-is-much-longer-than-any-code-needs-to-be-at-all", row.reason);
    assert_int_equal(strlen(row.reason), MR_DELIVER_REASON_MAX - 1);
    assert_int_equal(mr_nack_row_encode(&buf, &row), 0);
    assert_int_equal(mr_nack_row_decode(&back, mr_buf_slice(&buf)), 0);
    assert_string_equal(back.reason, row.reason);
    assert_int_equal(back.attempt, 4);
    assert_int_equal(mr_nack_row_decode(&back, mr_slice(buf.data, 5)), MR_ECORRUPT);
    mr_buf_put_u8(&buf, 'x');
    assert_int_equal(mr_nack_row_decode(&back, mr_buf_slice(&buf)), MR_ECORRUPT);
    assert_int_equal(mr_nack_key(1, 2, 3, key).size, MR_NACK_KEY_BYTES);
    assert_memory_equal(key, "\0\1\0\0\0\0\0\0\0\2\0\0\0\3", MR_NACK_KEY_BYTES);
    mr_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_cursor), cmocka_unit_test(test_delivery), cmocka_unit_test(test_nack)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
