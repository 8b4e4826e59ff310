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
            "дело-17", "ёлка", "00100202120"};

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
            "true", "7.2.1"};

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
