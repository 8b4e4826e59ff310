#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "adapters/sdk/normalise.h"
#include "adapters/sdk/table.h"
#include "proto/base/buf.h"
#include "proto/base/list.h"

static struct mr_table *read_ok(const char *text, size_t size)
{
    struct mr_table *table = NULL;
    struct mr_error error = {0};

    if (mr_table_read(&table, mr_slice(text, size), "t.csv", &error) != 0)
        fail_msg("%s %s", error.what, error.where);
    return table;
}

static void test_encodings_and_separators(void **state)
{
    static const struct {
        const char *name, *text, *encoding;
        size_t size;
    } cases[] = {
            {"utf-8 ;", "Имя;Дата\nИван;01.02.2026\n", "utf-8", 0},
            {"utf-8 with BOM, comma", "\xef\xbb\xbfИмя,Дата\r\nИван,01.02.2026\r\n", "utf-8", 0},
            {"tab, no last newline", "Имя\tДата\nИван\t01.02.2026", "utf-8", 0},
            {"cp1251", "\xc8\xec\xff;\xc4\xe0\xf2\xe0\n\xc8\xe2\xe0\xed;01.02.2026\n", "cp1251", 0},
            {"blank lines", "\nИмя;Дата\n\n;\nИван;01.02.2026\n\n", "utf-8", 0},
            {"a title above", "Полный список;\nИмя;Дата\nИван;01.02.2026\n", "utf-8", 0},
            {"utf-16",
                    "\xff\xfe\x18\x04\x3c\x04\x4f\x04;"
                    "\0\x14\x04\x30\x04\x42\x04\x30\x04\n\0\x18\x04\x32\x04\x30\x04\x3d\x04;\0x\0",
                    "utf-16le", 32},
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        struct mr_table *table =
                read_ok(cases[i].text, cases[i].size ? cases[i].size : strlen(cases[i].text));

        print_message("%s\n", cases[i].name);
        assert_string_equal(mr_table_encoding(table), cases[i].encoding);
        assert_int_equal(mr_table_rows(table), 1);
        assert_int_equal(mr_table_column(table, "нет|ДАТА"), 1);
        assert_string_equal(mr_table_cell(table, 0, mr_table_column(table, "имя")), "Иван");
        mr_table_free(table);
    }
}

static void test_lines_and_raw(void **state)
{
    const char *text = "a;b\r\n1;\"x\ny\"\r\n2;\"q\"\"q\"\r\n";
    struct mr_table *table = read_ok(text, strlen(text));

    (void)state;
    assert_int_equal(mr_table_line(table, 0), 2);
    assert_int_equal(mr_table_line(table, 1), 4);
    assert_string_equal(mr_table_cell(table, 0, 1), "x y");
    assert_string_equal(mr_table_cell(table, 1, 1), "q\"q");
    assert_string_equal(mr_table_raw(table, 0), "1;\"x y\"");
    assert_string_equal(mr_table_raw_header(table), "a;b");
    assert_string_equal(mr_table_cell(table, 0, 7), "");
    mr_table_free(table);
}

static void test_refused_by_name(void **state)
{
    static const struct {
        const char *name, *text, *where;
        size_t size;
    } cases[] = {
            {"quote in the middle", "a;b\n1;x\"y\n", "строка 2", 0},
            {"text behind a quote", "a;b\n1;2\n1;\"x\"y\n", "строка 3", 0},
            {"quote never closed", "a;b\n1;\"x\n2;y\n3;z\n", "строка 2", 0},
            {"NUL", "a;b\n1;\0\n", "строка 2", 8},
            {"a byte that cp1251 lacks", "a;\xc0\n1;2\n\x98;3\n", "строка 3", 0},
            {"mixed encodings", "Имя;Дата\nИван;1\n\xc8\xe2\xe0\xed;2\n", "строка 3", 0},
            {"more cells than columns", "a;b\n1;2;3\n", "строка 2", 0},
            {"nothing", "\n\n", "строка 1", 0},
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        struct mr_table *table = NULL;
        struct mr_error error = {0};

        print_message("%s\n", cases[i].name);
        assert_int_equal(
                mr_table_read(&table,
                        mr_slice(cases[i].text, cases[i].size ? cases[i].size : strlen(cases[i].text)), "t",
                        &error),
                MR_EINVAL);
        assert_string_equal(error.where, cases[i].where);
        assert_true(error.what[0] != 0 && error.cure[0] != 0);
    }
}

static void test_huge(void **state)
{
    struct mr_buf text = MR_BUF_INIT;
    struct mr_table *table;
    struct mr_error error;

    (void)state;
    mr_buf_put_str(&text, "a;b\n1;");
    for (int i = 0; i < MR_TABLE_CELL_BYTES_MAX + 1; i++)
        mr_buf_put_u8(&text, 'x');
    assert_int_equal(mr_table_read(&table, mr_buf_slice(&text), "t", &error), MR_EINVAL);
    mr_buf_reset(&text);
    for (int i = 0; i < 100; i++)
        mr_buf_put_str(&text, "c;");
    assert_int_equal(mr_table_read(&table, mr_buf_slice(&text), "t", &error), MR_EINVAL);
    mr_buf_fini(&text);
}

static void test_normalise(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
            {"Иванoв", "Иванов"}, /* Latin o */
            {"  Петров \xc2\xa0 Пётр ", "Петров Пётр"},
            {"Иванова\xe2\x80\x93Петрова", "Иванова-Петрова"},
            {"ivan@school.ru", "ivan@school.ru"},
            {"COM", "COM"},               /* all Latin: left alone */
            {"Андреи\xcc\x86", "Андрей"}, /* и and a breve */
            {"шк\xc2\xadола", "школа"},
            {"ИКТ-class", "ИКТ-class"},
    };
    char out[256];

    (void)state;
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        assert_int_equal(
                mr_table_normalise(cases[i].in, out, sizeof out), strcmp(cases[i].in, cases[i].out) != 0);
        assert_string_equal(out, cases[i].out);
    }
    assert_true(mr_fold_equal("CHИЛС", "снилс"));
    assert_true(mr_fold_equal("Дата приёма", "дата  приема:"));
}

static void test_dates_and_decimals(void **state)
{
    static const struct {
        const char *in, *out;
    } dates[] = {
            {"22.11.2026", "2026-11-22"},
            {"2026-11-22", "2026-11-22"},
            {"22/11/2026", "2026-11-22"},
            {"1.2.2026", "2026-02-01"},
            {"22.11.2026 0:00:00", "2026-11-22"},
            {"31.02.2026", NULL},
            {"22.11.26", NULL},
            {"22.11/2026", NULL},
            {"", NULL},
            {"завтра", NULL},
            {"2026-11-221", NULL},
    };
    static const struct {
        const char *in;
        int64_t out;
        int r;
    } decimals[] = {
            {"12,5", 12500, 0},
            {"12.5", 12500, 0},
            {"1 234,50", 1234500, 0},
            {"-3", -3000, 0},
            {"0,1234", 0, MR_EINVAL},
            {"1,5000", 1500, 0},
            {"", 0, MR_EINVAL},
            {"1,2,3", 0, MR_EINVAL},
            {"5,", 0, MR_EINVAL},
            {"99999999999999999999", 0, MR_EINVAL},
    };
    char date[11];
    int64_t value;

    (void)state;
    for (size_t i = 0; i < MR_COUNT(dates); i++) {
        assert_int_equal(mr_table_date(dates[i].in, date), dates[i].out ? 0 : MR_EINVAL);
        if (dates[i].out)
            assert_string_equal(date, dates[i].out);
    }
    for (size_t i = 0; i < MR_COUNT(decimals); i++) {
        assert_int_equal(mr_table_decimal(decimals[i].in, &value), decimals[i].r);
        if (decimals[i].r == 0)
            assert_int_equal(value, decimals[i].out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_encodings_and_separators),
            cmocka_unit_test(test_lines_and_raw),
            cmocka_unit_test(test_refused_by_name),
            cmocka_unit_test(test_huge),
            cmocka_unit_test(test_normalise),
            cmocka_unit_test(test_dates_and_decimals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
