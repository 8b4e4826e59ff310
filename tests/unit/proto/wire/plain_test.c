#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "proto/wire/plain.h"

enum { SIZE_MAX_TRIED = 41 };

static void every_byte_at_every_place_is_judged(void **state)
{
    (void)state;
    for (size_t size = 1; size < SIZE_MAX_TRIED; size++)
        for (size_t place = 0; place < size; place++)
            for (int byte = 0; byte < 256; byte++) {
                bool plain = byte >= 0x20 && byte < 0x7f;
                uint8_t text[SIZE_MAX_TRIED];
                char to[SIZE_MAX_TRIED + 1];

                memset(text, place % 2 ? ' ' : '~', size);
                text[place] = (uint8_t)byte;
                memset(to, '#', sizeof to);
                if (mr_plain_copy(to, text, size) != plain)
                    fail_msg("byte %d at %zu of %zu", byte, place, size);
                assert_memory_equal(to, text, size);
                assert_int_equal(to[size], '#');
            }
}

static void nothing_is_plain(void **state)
{
    char to[] = "#";

    (void)state;
    assert_true(mr_plain_copy(to, (const uint8_t *)"", 0));
    assert_string_equal(to, "#");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_byte_at_every_place_is_judged),
            cmocka_unit_test(nothing_is_plain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
