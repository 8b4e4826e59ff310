#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/tool/printable.h"
#include "proto/base/list.h"

static void test_put(void **state)
{
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {{"", ""}, {"plain, Ёж\tтаб\nline", "plain, Ёж\tтаб\nline"}, {"\x1b[31mred", "\\x1b[31mred"},
            {"a\rb\x08\x7f", "a\\x0db\\x08\\x7f"},
            {"\xc2\x9b"
             "2J",
                    "\\u{9b}2J"},
            {"a\xe2\x80\xae"
             "b",
                    "a\\u{202e}b"},
            {"\xe2\x81\xa6x\xe2\x81\xa9", "\\u{2066}x\\u{2069}"}, {"\xe2\x80\xa9", "\xe2\x80\xa9"},
            {"\x9b", "\\x9b"}, {"\xc0\x9b", "\\xc0\\x9b"}, {"\xd0", "\\xd0"}, {"\xff\xfe", "\\xff\\xfe"},
            {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"}};

    (void)state;
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        char *got = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&got, &size);

        assert_non_null(out);
        tool_put(out, cases[i].text);
        (void)fclose(out);
        assert_string_equal(got, cases[i].want);
        free(got);
    }
}

static void test_columns(void **state)
{
    char *got = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&got, &size);

    (void)state;
    assert_int_equal(tool_columns("Ёж"), 2);
    assert_int_equal(tool_columns("\x1b[m"), 6);
    tool_put_padded(out, "Ёж", 4);
    tool_put_padded(out, "long", 2);
    (void)fclose(out);
    assert_string_equal(got, "Ёж  long");
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_put), cmocka_unit_test(test_columns)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
