/* Vectors of domain.md, "Formats and checks", and published numbers of well-known organisations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "proto/wire/ident.h"

static void test_snils_vectors(void **state)
{
    static const char *const good[] = {"11223344595", "12345678964", "00101998900", "99610000000",
            "00100199800", "00100199877", "00000000100"};
    static const char *const bad[] = {"12345678900", "11223344594", "00000000000", "1122334459",
            "112233445950", "112-233-445 95", "1122334459x", "", "00100199999"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(mr_ident_snils_ok(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(mr_ident_snils_ok(bad[i]));
    assert_false(mr_ident_snils_ok(NULL));
}

static void test_snils_within(void **state)
{
    static const char *const with[] = {"11223344595", "112-233-445 95", "112-233-445-95", "112 233 445 95",
            "112-233-44595", "17-11223344595", "d/112-233-445-95/2026", "o.snils_11223344595.",
            "12-11223344595-1"};
    static const char *const without[] = {"", "2-17/2026", "11223344596", "1122334459", "112233445950",
            "011223344595", "112-233-445-950", "11-223-344-595", "112--233-445-95", "112/233/445/95",
            "00000000000", "70RS0001-01-2026-000123-45", "1027700132195"};

    (void)state;
    for (size_t i = 0; i < sizeof with / sizeof with[0]; i++)
        assert_true(mr_ident_snils_within(with[i]));
    for (size_t i = 0; i < sizeof without / sizeof without[0]; i++)
        assert_false(mr_ident_snils_within(without[i]));
    assert_false(mr_ident_snils_within(NULL));
}

static void test_snils_check_digits(void **state)
{
    (void)state;
    assert_int_equal(mr_ident_snils_check("112233445"), 95);
    assert_int_equal(mr_ident_snils_check("123456789"), 64);
    assert_int_equal(mr_ident_snils_check("001019989"), 0); /* sum 100 */
    assert_int_equal(mr_ident_snils_check("996100000"), 0); /* sum 201, 201 mod 101 = 100 */
    assert_int_equal(mr_ident_snils_check("12345678"), -1);
    assert_int_equal(mr_ident_snils_check("12345678x"), -1);
    assert_int_equal(mr_ident_snils_check(NULL), -1);
}

static void test_snils_normalise(void **state)
{
    char out[12];

    (void)state;
    assert_int_equal(mr_ident_snils_normalise("112-233-445 95", out), 0);
    assert_string_equal(out, "11223344595");
    assert_int_equal(mr_ident_snils_normalise(" 112\u2011233\u2013445\u00a095 ", out), 0);
    assert_string_equal(out, "11223344595");
    assert_int_equal(mr_ident_snils_normalise("11223344595", out), 0);
    assert_int_equal(mr_ident_snils_normalise("112-233-445", out), 1);
    assert_string_equal(out, "");
    assert_int_equal(mr_ident_snils_normalise("112-233-445 955", out), 1);
    assert_string_equal(out, "");
    assert_int_equal(mr_ident_snils_normalise("112-233-445 9O", out), 1);
    assert_int_equal(mr_ident_snils_normalise("", out), 1);
    assert_int_equal(mr_ident_snils_normalise(NULL, out), 1);
}

static void test_inn(void **state)
{
    (void)state;
    assert_true(mr_ident_inn_ok("7707083893"));
    assert_true(mr_ident_inn_ok("7736050003"));
    assert_true(mr_ident_inn_ok("500100732259"));
    assert_false(mr_ident_inn_ok("7707083894"));
    assert_false(mr_ident_inn_ok("500100732258"));
    assert_false(mr_ident_inn_ok("500100732269"));
    assert_false(mr_ident_inn_ok("0000000000"));
    assert_false(mr_ident_inn_ok("000000000000"));
    assert_false(mr_ident_inn_ok("77070838931"));
    assert_false(mr_ident_inn_ok(NULL));
    assert_int_equal(mr_ident_inn10_check("770708389"), 3);
    assert_int_equal(mr_ident_inn12_check("5001007322"), 59);
    assert_int_equal(mr_ident_inn12_check("50010"), -1);
}

static void test_ogrn(void **state)
{
    (void)state;
    assert_true(mr_ident_ogrn_ok("1027700132195"));
    assert_true(mr_ident_ogrn_ok("1027700070518"));
    assert_true(mr_ident_ogrn_ok("304500116000157"));
    assert_false(mr_ident_ogrn_ok("1027700132196"));
    assert_false(mr_ident_ogrn_ok("304500116000158"));
    assert_false(mr_ident_ogrn_ok("0000000000000"));
    assert_false(mr_ident_ogrn_ok("102770013219"));
    assert_int_equal(mr_ident_ogrn_check("102770013219"), 5);
    assert_int_equal(mr_ident_ogrnip_check("30450011600015"), 7);
    assert_int_equal(mr_ident_ogrn_check("x"), -1);
}

static void test_oktmo(void **state)
{
    (void)state;
    assert_true(mr_ident_oktmo_ok("04701000"));
    assert_true(mr_ident_oktmo_ok("60602101001"));
    assert_false(mr_ident_oktmo_ok("047010000"));
    assert_false(mr_ident_oktmo_ok("00000000"));
    assert_false(mr_ident_oktmo_ok("0470100x"));
    assert_false(mr_ident_oktmo_ok(""));
}

static void test_date(void **state)
{
    static const char *const good[] = {"1900-01-01", "2000-02-29", "2024-02-29", "2021-12-31", "2100-12-31"};
    static const char *const bad[] = {"1899-12-31", "2101-01-01", "2023-02-29", "2100-02-29", "1900-02-29",
            "2021-13-01", "2021-00-10", "2021-04-31", "2021-01-00", "2021-1-1", "31.12.2021", "2021-12-31 ",
            "2021-12-3", "", "2021/12/31", "20211-2-31", "-021-12-31", "2021-12-+1"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(mr_ident_date_ok(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(mr_ident_date_ok(bad[i]));
    assert_false(mr_ident_date_ok(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_snils_vectors),
            cmocka_unit_test(test_snils_within),
            cmocka_unit_test(test_snils_check_digits),
            cmocka_unit_test(test_snils_normalise),
            cmocka_unit_test(test_inn),
            cmocka_unit_test(test_ogrn),
            cmocka_unit_test(test_oktmo),
            cmocka_unit_test(test_date),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
