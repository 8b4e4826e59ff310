#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/buf.h"
#include "proto/base/list.h"

static void an_empty_buffer_can_be_freed_wiped_and_read(void **state)
{
    struct mr_buf buf = MR_BUF_INIT;

    (void)state;
    mr_buf_fini(NULL);
    mr_buf_wipe(NULL);
    mr_buf_fini(&buf);
    mr_buf_wipe(&buf);
    mr_buf_put(&buf, NULL, 0);
    mr_buf_put_slice(&buf, mr_slice(NULL, 0));
    assert_int_equal(buf.size, 0);
    assert_false(mr_buf_failed(&buf));
    assert_string_equal(mr_buf_str(&buf), "");
    mr_buf_fini(&buf);
}

static void puts_append_in_network_order(void **state)
{
    static const uint8_t expected[] = {
            1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 'a', 'b', 'c', '-', '7'};
    struct mr_buf buf = MR_BUF_INIT;

    (void)state;
    mr_buf_put_u8(&buf, 1);
    mr_buf_put_be16(&buf, 0x0203);
    mr_buf_put_be32(&buf, 0x04050607);
    mr_buf_put_be64(&buf, UINT64_C(0x08090a0b0c0d0e0f));
    mr_buf_put_str(&buf, "abc");
    mr_buf_printf(&buf, "%d", -7);
    assert_int_equal(buf.size, sizeof expected);
    assert_memory_equal(buf.data, expected, sizeof expected);
    mr_buf_wipe(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.size, 0);
}

/* Little by little it doubles; much at once is taken as it is. */
static void it_grows_by_what_is_wanted(void **state)
{
    enum { MUCH = 100 * 1000 };
    struct mr_buf buf = MR_BUF_INIT;
    size_t grown = 0, capacity = 0;

    (void)state;
    for (size_t i = 0; i < MUCH; i++) {
        mr_buf_put_u8(&buf, 'a');
        grown += buf.capacity != capacity;
        capacity = buf.capacity;
    }
    assert_in_range(grown, 1, 20);
    mr_buf_fini(&buf);
    assert_non_null(mr_buf_reserve(&buf, MUCH));
    assert_int_equal(buf.capacity, MUCH);
    mr_buf_fini(&buf);
}

static void varints_are_the_shortest(void **state)
{
    static const struct {
        uint64_t value;
        const char *bytes;
        size_t size;
    } rows[] = {
            {0, "\x00", 1},
            {1, "\x01", 1},
            {127, "\x7f", 1},
            {128, "\x80\x01", 2},
            {300, "\xac\x02", 2},
            {UINT32_MAX, "\xff\xff\xff\xff\x0f", 5},
            {UINT64_MAX, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10},
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        struct mr_buf buf = MR_BUF_INIT;

        mr_buf_put_varint(&buf, rows[i].value);
        assert_int_equal(buf.size, rows[i].size);
        assert_memory_equal(buf.data, rows[i].bytes, rows[i].size);
        mr_buf_fini(&buf);
    }
}

static void growth_keeps_the_bytes(void **state)
{
    struct mr_buf buf = MR_BUF_INIT;

    (void)state;
    for (uint32_t i = 0; i < 10000; i++)
        mr_buf_put_be32(&buf, i);
    assert_int_equal(buf.size, 40000);
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(buf.data[4 * i + 2] << 8 | buf.data[4 * i + 3], i & 0xffff);
    mr_buf_fini(&buf);
}

static void str_ends_with_nul_that_is_not_counted(void **state)
{
    struct mr_buf buf = MR_BUF_INIT;

    (void)state;
    for (size_t i = 0; i < 200; i++) {
        mr_buf_put_u8(&buf, 'x');
        assert_int_equal(strlen(mr_buf_str(&buf)), i + 1);
        assert_int_equal(buf.size, i + 1);
    }
    mr_buf_fini(&buf);
}

static void a_failure_is_remembered_until_reset(void **state)
{
    struct mr_buf buf = MR_BUF_INIT;

    (void)state;
    mr_buf_put_str(&buf, "kept");
    assert_null(mr_buf_reserve(&buf, SIZE_MAX));
    assert_true(mr_buf_failed(&buf));
    mr_buf_put_str(&buf, "lost");
    mr_buf_printf(&buf, "%s", "lost");
    assert_int_equal(buf.size, 4);
    assert_null(mr_buf_str(&buf));
    mr_buf_reset(&buf);
    assert_false(mr_buf_failed(&buf));
    mr_buf_put_str(&buf, "new");
    assert_string_equal(mr_buf_str(&buf), "new");
    mr_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(an_empty_buffer_can_be_freed_wiped_and_read),
            cmocka_unit_test(puts_append_in_network_order),
            cmocka_unit_test(it_grows_by_what_is_wanted),
            cmocka_unit_test(varints_are_the_shortest),
            cmocka_unit_test(growth_keeps_the_bytes),
            cmocka_unit_test(str_ends_with_nul_that_is_not_counted),
            cmocka_unit_test(a_failure_is_remembered_until_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
