#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/err.h"
#include "proto/base/list.h"
#include "proto/base/zone.h"

/* A machine may lack the database: then all is said in UTC, and the other test says so. */
static void need_database(void)
{
    if (access("/usr/share/zoneinfo/Asia/Kolkata", R_OK) != 0)
        skip();
}

static int64_t at(const char *text)
{
    int64_t us;

    assert_int_equal(mr_time_parse(text, strlen(text), &us), 0);
    return us;
}

static void test_format(void **state)
{
    static const struct {
        const char *zone, *moment, *text;
    } rows[] = {
            {"Asia/Krasnoyarsk", "2026-11-28T18:04:05.9Z",
                    "29.11.2026 01:04:05 (Asia/Krasnoyarsk, UTC+07:00)"},
            {"Europe/Moscow", "2026-06-30T21:00:00Z", "01.07.2026 00:00:00 (Europe/Moscow, UTC+03:00)"},
            {"Europe/Moscow", "2013-06-30T21:00:00Z", "01.07.2013 01:00:00 (Europe/Moscow, UTC+04:00)"},
            {"Asia/Kolkata", "2026-01-01T00:00:00Z", "01.01.2026 05:30:00 (Asia/Kolkata, UTC+05:30)"},
    };
    char out[MR_ZONE_TEXT_MAX];

    (void)state;
    need_database();
    for (size_t i = 0; i < MR_COUNT(rows); i++)
        assert_string_equal(mr_zone_format(rows[i].zone, at(rows[i].moment), out), rows[i].text);
}

/* What is not known is said to be so, and no neighbouring offset is taken for it. */
static void test_not_known(void **state)
{
    char out[MR_ZONE_TEXT_MAX];
    int32_t seconds;

    (void)state;
    assert_string_equal(
            mr_zone_format("no/such", at("2026-11-28T18:04:05Z"), out), "28.11.2026 18:04:05 (UTC)");
    assert_string_equal(
            mr_zone_format("../zoneinfo/UTC", at("2026-11-28T18:04:05Z"), out), "28.11.2026 18:04:05 (UTC)");
    assert_int_equal(mr_zone_offset("", 0, &seconds), MR_ENOTFOUND);
    assert_int_equal(mr_zone_offset("no/such", 0, &seconds), MR_ENOTFOUND);
    need_database();
    assert_int_equal(mr_zone_offset("Europe/Berlin", at("2100-07-01T00:00:00Z"), &seconds), MR_EUNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_format), cmocka_unit_test(test_not_known)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
