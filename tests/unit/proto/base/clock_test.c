#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "proto/base/clock.h"
#include "proto/base/err.h"
#include "proto/base/list.h"

static void times_are_formatted_in_utc(void **state)
{
    static const struct {
        int64_t us;
        const char *text;
    } rows[] = {
            {0, "1970-01-01T00:00:00.000000Z"},
            {1, "1970-01-01T00:00:00.000001Z"},
            {-1, "1969-12-31T23:59:59.999999Z"},
            {INT64_C(1795341600000001), "2026-11-22T10:00:00.000001Z"},
            {INT64_C(951782400000000), "2000-02-29T00:00:00.000000Z"},
            {INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z"},
            {INT64_C(-62135596800000000), "0001-01-01T00:00:00.000000Z"},
    };
    char out[MR_TIME_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        int64_t back;

        assert_string_equal(mr_time_format(rows[i].us, out), rows[i].text);
        assert_int_equal(mr_time_parse(out, strlen(out), &back), 0);
        assert_true(back == rows[i].us);
    }
    /* Never overruns, whatever the number. */
    assert_non_null(mr_time_format(INT64_MAX, out));
    assert_non_null(mr_time_format(INT64_MIN, out));
}

/* The calendar is our own: day by day beside the C library's. */
static void days_are_those_of_the_calendar(void **state)
{
    const int64_t first = -719162 /* 0001-01-01 */, last = 2932896 /* 9999-12-31 */;

    (void)state;
    for (int64_t day = first; day <= last; day += 3) {
        time_t second = (time_t)(day * 86400 + (day - first) * 7919 % 86400);
        int64_t us = (int64_t)second * 1000000 + 42, back = 0;
        char ours[MR_TIME_TEXT_MAX], theirs[64];
        struct tm tm;

        assert_non_null(gmtime_r(&second, &tm));
        (void)snprintf(theirs, sizeof theirs, "%04d-%02d-%02dT%02d:%02d:%02d.000042Z", tm.tm_year + 1900,
                tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        if (strcmp(mr_time_format(us, ours), theirs) != 0)
            fail_msg("%s, and not %s", ours, theirs);
        if (mr_time_parse(ours, strlen(ours), &back) != 0 || back != us)
            fail_msg("%s is read as another time", ours);
    }
}

static void rfc3339_is_read(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
    } rows[] = {
            {"1970-01-01", 0},
            {"1970-01-01T00:00:01Z", 1000000},
            {"1970-01-01t00:00:01z", 1000000},
            {"1970-01-01 00:00:01Z", 1000000},
            {"1970-01-01T03:00:00+03:00", 0},
            {"1969-12-31T19:00:00-05:00", 0},
            {"1970-01-01T00:00:00.5Z", 500000},
            {"1970-01-01T00:00:00.123456789Z", 123456},
            {"1970-01-01T00:00:00.000001Z", 1},
            {"2016-12-31T23:59:60Z", INT64_C(1483228800000000)},
            {"2024-02-29", INT64_C(1709164800000000)},
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        int64_t us = -1;

        assert_int_equal(mr_time_parse(rows[i].text, strlen(rows[i].text), &us), 0);
        assert_true(us == rows[i].us);
    }
}

static void what_is_not_rfc3339_is_refused(void **state)
{
    static const char *const rows[] = {
            "",
            "1",
            "1970",
            "1970-01",
            "1970-1-01",
            "1970-01-1",
            "1970-13-01",
            "1970-00-01",
            "1970-01-00",
            "1970-01-32",
            "2023-02-29",
            "1900-02-29",
            "1970-01-01T",
            "1970-01-01T00:00",
            "1970-01-01T00:00:00",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:60:00Z",
            "1970-01-01T00:00:61Z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00.1234567890Z",
            "1970-01-01T00:00:00+3:00",
            "1970-01-01T00:00:00+03",
            "1970-01-01T00:00:00+24:00",
            "1970-01-01T00:00:00+00:60",
            "1970-01-01T00:00:00Zx",
            "01.02.1970",
            "1970-01-01T00:00:00Z ",
            " 1970-01-01",
            "-970-01-01",
            "+970-01-01",
            "1970-01-01x",
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        int64_t us = 77;

        assert_int_equal(mr_time_parse(rows[i], strlen(rows[i]), &us), MR_EINVAL);
        assert_int_equal(us, 77);
    }
}

static void a_text_is_read_no_further_than_its_size(void **state)
{
    int64_t us;

    (void)state;
    for (size_t size = 0; size < 20; size++)
        assert_int_equal(mr_time_parse("1970-01-01T00:00:01Z", size, &us), size == 10 ? 0 : MR_EINVAL);
}

static void the_system_clocks_run(void **state)
{
    const struct mr_clock *clock = mr_clock_system();
    int64_t a = mr_clock_monotonic_us(clock);

    (void)state;
    assert_true(mr_clock_monotonic_us(clock) >= a);
    assert_true(mr_clock_wall_us(clock) > INT64_C(1700000000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(times_are_formatted_in_utc),
            cmocka_unit_test(days_are_those_of_the_calendar),
            cmocka_unit_test(rfc3339_is_read),
            cmocka_unit_test(what_is_not_rfc3339_is_refused),
            cmocka_unit_test(a_text_is_read_no_further_than_its_size),
            cmocka_unit_test(the_system_clocks_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
