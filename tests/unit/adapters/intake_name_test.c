/* Names of what people get back, what they are told of times, and books of a spreadsheet program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "adapters/sdk/intake_name.h"
#include "adapters/sdk/local_time.h"
#include "adapters/sdk/workbook.h"
#include "proto/base/list.h"

#define NOW INT64_C(1795342500123000) /* 2026-11-22T10:15:00.123Z */

static void test_rounds(void **state)
{
    char name[MR_OUTPUT_NAME_MAX], first[MR_OUTPUT_NAME_MAX];

    (void)state;
    mr_intake_output_name(first, "staff.csv", NOW, ".rejected.csv");
    assert_string_equal(first, "staff.csv.20261122T101500.123Z.rejected.csv");
    assert_true(mr_intake_mends(first));
    assert_true(mr_intake_mends("staff.csv.20261122T101500Z.rejected.csv"));
    assert_false(mr_intake_mends("staff.csv"));
    assert_false(mr_intake_mends("staff.rejected.csv"));
    for (int i = 0; i < 5; i++) {
        mr_intake_output_name(name, first, NOW + 1000, ".rejected.csv");
        assert_string_equal(name, "staff.csv.20261122T101500.124Z.rejected.csv");
        memcpy(first, name, sizeof name);
    }
}

static void test_cut(void **state)
{
    char name[MR_OUTPUT_NAME_MAX], lengthy[256] = "a";

    (void)state;
    for (int i = 0; i < 120; i++)
        memcpy(lengthy + 1 + 2 * i, "ж", 3);
    mr_intake_output_name(name, lengthy, NOW, ".rejected.csv");
    assert_true(strlen(name) < MR_OUTPUT_NAME_MAX);
    assert_memory_equal(name + 139, ".2026", 5); /* "a" and 69 letters of two bytes */
}

static void test_refused_suffix(void **state)
{
    static const char *const cases[][2] = {{"a.csv", ".refused.csv"}, {"a", ".refused"}, {".a", ".refused"},
            {"a.тхт", ".refused"}, {"книга.xlsx", ".refused.xlsx"}};
    char out[32];

    (void)state;
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        mr_intake_refused_suffix(out, cases[i][0]);
        assert_string_equal(out, cases[i][1]);
    }
}

static void test_local_time(void **state)
{
    char out[MR_LOCAL_TIME_TEXT_MAX];

    (void)state;
    assert_string_equal(mr_local_time("Asia/Krasnoyarsk", NOW, out), "22.11.2026 17:15:00 (UTC+07:00)");
    assert_string_equal(mr_local_time("Europe/Moscow", 0, out), "01.01.1970 03:00:00 (UTC+03:00)");
    assert_string_equal(mr_local_time("No/Where", NOW, out), "22.11.2026 10:15:00 (UTC+00:00)");
    assert_string_equal(mr_local_time("../../etc/passwd", NOW, out), "22.11.2026 10:15:00 (UTC+00:00)");
}

static struct mr_slice zip_of(uint8_t bytes[static 128], const char *entry)
{
    memset(bytes, 0, 128);
    memcpy(bytes, "PK\x03\x04", 4);
    memcpy(bytes + 10, "PK\x01\x02", 4);
    bytes[10 + 28] = (uint8_t)strlen(entry);
    memcpy(bytes + 10 + 46, entry, strlen(entry));
    return mr_slice(bytes, 128);
}

static void test_workbook(void **state)
{
    struct mr_error error = {0};
    uint8_t bytes[128];

    (void)state;
    assert_int_equal(mr_workbook_refuse(zip_of(bytes, "xl/workbook.xml"), &error), MR_EINVAL);
    assert_string_equal(error.what, "Это книга Excel");
    assert_true(mr_workbook_looks_like(zip_of(bytes, "[Content_Types].xml")));
    assert_false(mr_workbook_looks_like(zip_of(bytes, "manifest.csv")));
    assert_true(mr_workbook_looks_like(mr_slice_str("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1...")));
    assert_false(mr_workbook_looks_like(mr_slice_str("xl/;[Content_Types].xml")));
    assert_int_equal(mr_workbook_refuse(mr_slice_str("a;b"), &error), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_rounds),
            cmocka_unit_test(test_cut),
            cmocka_unit_test(test_refused_suffix),
            cmocka_unit_test(test_local_time),
            cmocka_unit_test(test_workbook),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
