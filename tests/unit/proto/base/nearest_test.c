#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "proto/base/list.h"
#include "proto/base/nearest.h"

static void test_distance(void **state)
{
    static const struct {
        const char *a, *b;
        size_t distance;
    } rows[] = {{"", "", 0}, {"snils", "snils", 0}, {"", "snils", 5}, {"snils", "", 5}, {"snil", "snils", 1},
            {"sinls", "snils", 2}, {"familyName", "family_name", 2}, {"kitten", "sitting", 3}};

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++)
        if (mr_text_distance(rows[i].a, rows[i].b) != rows[i].distance)
            fail_msg("%s, %s: %zu", rows[i].a, rows[i].b, mr_text_distance(rows[i].a, rows[i].b));
}

static void test_too_long(void **state)
{
    char text[MR_NEAREST_TEXT_MAX + 2] = {0};

    (void)state;
    memset(text, 'a', MR_NEAREST_TEXT_MAX);
    assert_int_equal(mr_text_distance(text, "a"), MR_NEAREST_TEXT_MAX - 1);
    text[MR_NEAREST_TEXT_MAX] = 'a';
    assert_true(mr_text_distance(text, "a") == SIZE_MAX);
    assert_true(mr_text_distance("a", text) == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_distance), cmocka_unit_test(test_too_long)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
