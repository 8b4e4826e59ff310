/* The note of the last backup: absent, written, replaced, damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>

#include "hub/keep/backup_last.h"
#include "tests/support/tmpdir.h"

static void test_note(void **state)
{
    const char *dir = *state;
    const char *store = dir;
    struct mr_error error = {0};
    FILE *file;

    assert_int_equal(mr_backup_last_generation(store), 0);
    assert_int_equal(mr_backup_last_write(store, 3, "2026-11-28T00:00:00.000000Z", &error), 0);
    assert_int_equal(mr_backup_last_generation(store), 3);
    assert_int_equal(mr_backup_last_write(store, 12, "2026-11-29T00:00:00.000000Z", &error), 0);
    assert_int_equal(mr_backup_last_generation(store), 12);
    file = fopen(mr_tmpdir_path(dir, "backup.last"), "w");
    assert_non_null(file);
    assert_true(fputs("nothing of use", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(mr_backup_last_generation(store), 0);
    assert_true(mr_backup_last_write(mr_tmpdir_path(dir, "none"), 1, "", &error) < 0);
    assert_string_not_equal(error.cure, "");
}

static int setup(void **state)
{
    *state = mr_tmpdir_new();
    return 0;
}

static int teardown(void **state)
{
    mr_tmpdir_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_note, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
