#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/list.h"
#include "proto/wire/wire.h"

#define BYTES(text)                                                                                          \
    {                                                                                                        \
        (const uint8_t *)(text), sizeof(text) - 1                                                            \
    }

static void utf8_follows_rfc3629(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {
            {"", true},
            {"a", true},
            {"Перминов Ёлкин", true},
            {"\xe2\x82\xac", true},
            {"\xf0\x9f\x8e\x93", true},
            {"\x7f", true},
            {"\xc2\x80", true},
            {"\xdf\xbf", true},
            {"\xe0\xa0\x80", true},
            {"\xed\x9f\xbf", true},
            {"\xee\x80\x80", true},
            {"\xef\xbf\xbf", true},
            {"\xf0\x90\x80\x80", true},
            {"\xf4\x8f\xbf\xbf", true},
            {"\x80", false},
            {"\xbf", false},
            {"\xc0\x80", false},
            {"\xc1\xbf", false},
            {"\xc2", false},
            {"\xc2\x41", false},
            {"\xe0\x9f\xbf", false},
            {"\xe0\xa0", false},
            {"\xed\xa0\x80", false},
            {"\xed\xbf\xbf", false},
            {"\xe2\x82", false},
            {"\xe2\x28\xa1", false},
            {"\xe2\x82\x28", false},
            {"\xf0\x8f\xbf\xbf", false},
            {"\xf0\x9f\x8e", false},
            {"\xf0\x9f\x8e\x41", false},
            {"\xf4\x90\x80\x80", false},
            {"\xf5\x80\x80\x80", false},
            {"\xfe", false},
            {"\xff", false},
            {"a\xd0", false},
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++)
        if (mr_utf8_valid(mr_slice_str(rows[i].text)) != rows[i].valid)
            fail_msg("row %zu", i);
    assert_false(mr_utf8_valid(mr_slice("a\0b", 3)));
    assert_true(mr_utf8_valid(mr_slice(NULL, 0)));
}

static void wire_next_gives_raw_fields(void **state)
{
    struct mr_slice rest =
            BYTES("\x08\x96\x01\x12\x02hi\x1d\x01\x02\x03\x04\x21\x01\x02\x03\x04\x05\x06\x07\x08");
    const struct mr_slice whole = rest;
    struct mr_wire_field f;

    (void)state;
    assert_int_equal(mr_wire_next(&rest, &f), 1);
    assert_int_equal(f.number, 1);
    assert_int_equal(f.varint, 150);
    assert_int_equal(f.raw.size, 3);
    assert_int_equal(mr_wire_next(&rest, &f), 1);
    assert_true(mr_slice_equal(f.bytes, mr_slice_str("hi")));
    assert_int_equal(f.raw.size, 4);
    assert_int_equal(mr_wire_next(&rest, &f), 1);
    assert_int_equal(f.varint, 0x04030201);
    assert_int_equal(mr_wire_next(&rest, &f), 1);
    assert_true(f.varint == UINT64_C(0x0807060504030201));
    assert_int_equal(mr_wire_next(&rest, &f), 0);
    assert_true(mr_slice_equal(mr_wire_find(whole, 2), mr_slice_str("hi")));
    assert_null(mr_wire_find(whole, 1).data);
    assert_null(mr_wire_find(whole, 9).data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(utf8_follows_rfc3629),
            cmocka_unit_test(wire_next_gives_raw_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
