#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/err.h"
#include "proto/base/list.h"

static void every_code_has_a_full_row(void **state)
{
    static const int codes[] = {
#define CODE(sym, value, name, http, exit_code, retry, text) MR_E##sym,
            MR_ERR_TABLE(CODE)
#undef CODE
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(codes); i++) {
        assert_true(codes[i] < 0);
        assert_string_not_equal(mr_err_name(codes[i]), "unknown");
        assert_int_equal(mr_err_of_name(mr_err_name(codes[i])), codes[i]);
        assert_true(strlen(mr_err_text(codes[i])) > 0);
        assert_in_range(mr_err_http(codes[i]), 400, 599);
        assert_in_range(mr_err_exit(codes[i]), 64, 78);
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(codes[i], codes[j]);
            assert_string_not_equal(mr_err_name(codes[i]), mr_err_name(codes[j]));
        }
    }
    assert_true(mr_err_retry(MR_EAGAIN));
    assert_false(mr_err_retry(MR_EINVAL));
}

static void a_strange_code_is_unknown(void **state)
{
    static const int codes[] = {0, 1, 1000, -1000, INT_MIN, INT_MAX};

    (void)state;
    assert_int_equal(mr_err_of_name("unknown"), 0);
    assert_int_equal(mr_err_of_name(""), 0);
    for (size_t i = 0; i < MR_COUNT(codes); i++) {
        assert_string_equal(mr_err_name(codes[i]), "unknown");
        assert_int_equal(mr_err_http(codes[i]), 500);
        assert_int_equal(mr_err_exit(codes[i]), 70);
        assert_false(mr_err_retry(codes[i]));
    }
}

static void set_fills_all_and_returns_the_code(void **state)
{
    struct mr_error e;

    (void)state;
    assert_int_equal(mr_error_set(&e, MR_EINVAL, "data.person", "send it", "%d of %s", 3, "x"), MR_EINVAL);
    assert_int_equal(e.code, MR_EINVAL);
    assert_string_equal(e.where, "data.person");
    assert_string_equal(e.cure, "send it");
    assert_string_equal(e.what, "3 of x");
    assert_int_equal(mr_error_set(&e, MR_EIO, NULL, NULL, "plain"), MR_EIO);
    assert_string_equal(e.where, "");
    assert_string_equal(e.cure, "");
    assert_int_equal(mr_error_set(NULL, MR_EIO, "a", "b", "c"), MR_EIO);
}

/* A cut in the middle of a letter would make the text unfit for JSON. */
static void long_texts_are_cut_between_letters(void **state)
{
    struct mr_error e;
    char text[1001];

    (void)state;
    for (size_t shift = 0; shift < 2; shift++) {
        memset(text, 'a', shift);
        for (size_t i = shift; i + 2 < sizeof text; i += 2)
            memcpy(text + i, "ж", 3);
        (void)mr_error_set(&e, MR_EINVAL, text, text, "%s", text);
        assert_int_equal(strlen(e.where), (sizeof e.where - 1 - shift) / 2 * 2 + shift);
        assert_int_equal(strlen(e.cure), (sizeof e.cure - 1 - shift) / 2 * 2 + shift);
        assert_int_equal(strlen(e.what), (sizeof e.what - 1 - shift) / 2 * 2 + shift);
    }
}

static void a_path_grows_from_the_inside(void **state)
{
    struct mr_error e;

    (void)state;
    (void)mr_error_set(&e, MR_EINVAL, "hours", NULL, "x");
    mr_error_within(&e, "[2]");
    mr_error_within(&e, "steps");
    mr_error_within(&e, "data");
    assert_string_equal(e.where, "data.steps[2].hours");
    (void)mr_error_set(&e, MR_EINVAL, NULL, NULL, "x");
    mr_error_within(&e, "data");
    assert_string_equal(e.where, "data");
    for (int i = 0; i < 100; i++)
        mr_error_within(&e, "long-name");
    assert_int_equal(strlen(e.where), sizeof e.where - 1);
    mr_error_within(NULL, "data");
}

static void errno_maps_to_the_nearest(void **state)
{
    (void)state;
    assert_int_equal(mr_err_from_errno(ENOSPC), MR_ENOSPACE);
    assert_int_equal(mr_err_from_errno(EDQUOT), MR_ENOSPACE);
    assert_int_equal(mr_err_from_errno(ENOENT), MR_ENOTFOUND);
    assert_int_equal(mr_err_from_errno(EIO), MR_EIO);
    assert_int_equal(mr_err_from_errno(ENOMEM), MR_ENOMEM);
    assert_int_equal(mr_err_from_errno(0), MR_ESYSTEM);
    assert_int_equal(mr_err_from_errno(-5), MR_ESYSTEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_code_has_a_full_row),
            cmocka_unit_test(a_strange_code_is_unknown),
            cmocka_unit_test(set_fills_all_and_returns_the_code),
            cmocka_unit_test(long_texts_are_cut_between_letters),
            cmocka_unit_test(a_path_grows_from_the_inside),
            cmocka_unit_test(errno_maps_to_the_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
