/* What no address may have, and what is none of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hub/http/personal.h"
#include "proto/base/list.h"

enum { HEAD = 20000 };

static void these_may_be_a_persons(void **state)
{
    static const char *const texts[] = {"11223344595", "112-233-445 95", "112 233 445 95",
            "a/112-233-445-95/b", "ivanova@school.ru", "x ivanova@mail.school.ru", "+7 (391) 000-00-00",
            "+73910000000", " 7 391 000 00 00", "0412 123456", "04 12 123456", "no 0412 123456 of", "Иванова",
            "дело-17", "ёлка", "00100202120", "112.233.445.95", "112_233_445_95", "112/233/445/95",
            "a=112.233.445-95", "112\u2013233\u2013445\u201395", "\uff11\uff11\uff12", "0405123456",
            "0405-123456", "04-05-123456", "x/0405_123456", "89131234567", "79131234567", "8(913)123-45-67",
            "8 913 123-45-67", "8-913-123-45-67 17", "8.913.123.45.67", "ivanov(at)mail.ru",
            "ivanov[AT]mail.ru"};

    (void)state;
    for (size_t i = 0; i < MR_COUNT(texts); i++)
        if (!mr_personal_like(texts[i], HEAD))
            fail_msg("%s is taken for nobody's", texts[i]);
}

static void these_are_not(void **state)
{
    static const char *const texts[] = {"", "17", "20000", "nms.course.finished.v1", "nms.course.",
            "school-7", "urn:marshrut:24:school", "1022402127461", "0190f8a2-7c1e-7cc0-98c5-9f1a3c1b2d4e",
            "2026-09-01T09:00:00Z", "2026-09-01T09:00:00+07:00", "2026-09-01T09:00:00 07:00", "+07:00",
            " 07:00", "11223344596", "programme-1", "a@b", "1234 5678", "12345 123456", "0412 1234567",
            "true", "7.2.1", "D-2026/17", "2026/17-3", "304246312345678", "8-2026/17",
            "12345678-1234-4567-8912-123456789012", "89131234-1234-4567-8912-12345678901a",
            "89131234-56ab-4567-0405-123456abcdef", "180000012345", "2026-09-01T09:00:12.123456Z", "PK-17",
            "2026-09-01T09:00:12.12345678+07:00", "a89131234567", "name(at)", "(at)mail.ru", "c-0000012345"};

    (void)state;
    for (size_t i = 0; i < MR_COUNT(texts); i++)
        if (mr_personal_like(texts[i], HEAD))
            fail_msg("%s is taken for a person's", texts[i]);
}

/* A log that has come so far has records with numbers like these; nobody's СНИЛС is written without its
 * zeros. */
static void a_number_of_the_log_is_none(void **state)
{
    (void)state;
    assert_true(mr_personal_like("11223344595", 11223344594));
    assert_false(mr_personal_like("11223344595", 11223344595));
    assert_true(mr_personal_like("00100202120", 11223344595));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(these_may_be_a_persons),
            cmocka_unit_test(these_are_not),
            cmocka_unit_test(a_number_of_the_log_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
