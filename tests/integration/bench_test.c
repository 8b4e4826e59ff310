/* marshrut bench store on a small log: every row is measured, and nothing is left behind. Not how fast. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <jansson.h>
#include <string.h>

#include "proto/base/list.h"
#include "tests/support/run_program.h"
#include "tests/support/tmpdir.h"

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

/* The row whose name begins with these words; its value is a number above zero. */
static void assert_measured(const json_t *rows, const char *words)
{
    size_t i;
    json_t *row;

    json_array_foreach (rows, i, row) {
        if (strncmp(json_string_value(json_object_get(row, "name")), words, strlen(words)) != 0)
            continue;
        if (json_real_value(json_object_get(row, "value")) > 0)
            return;
        fail_msg("%s: not above zero", words);
    }
    fail_msg("no row %s", words);
}

static void assert_empty(const char *dir)
{
    DIR *folder = opendir(dir);
    const struct dirent *entry;

    assert_non_null(folder);
    while ((entry = readdir(folder)))
        assert_true(entry->d_name[0] == '.');
    (void)closedir(folder);
}

static void test_every_row(void **state)
{
    static const char *const rows[] = {"raw LMDB", "open events : raw", "sealed events : raw",
            "disk a byte of an open event", "disk a byte of a sealed event", "filling",
            "append to the large log", "indexer, whole log", "indexes an event", "moving records",
            "sequential read", "person's history, median", "inclusion proof, p99", "full verification",
            "scrub of all that is stored", "commit of 100 open events, p99", "backup, made and read back",
            "the same while a backup is made, p99", "opening after kill -9", "anonymous memory"};
    const char *argv[] = {
            "marshrut", "--json", "bench", "store", "--dir", *state, "--events", "3000", "--quick", NULL};
    struct run_program run = {.seconds_max = 900}; /* under a sanitizer */
    json_t *document;

    run_program(&run, argv);
    if (run.status != 0)
        print_error("%s\n", run_program_err(&run));
    assert_int_equal(run.status, 0);
    document = json_loads(run_program_out(&run), 0, NULL);
    assert_non_null(document);
    for (size_t i = 0; i < MR_COUNT(rows); i++)
        assert_measured(json_object_get(document, "rows"), rows[i]);
    json_decref(document);
    run_program_fini(&run);
    assert_empty(*state);
}

static void test_said_before(void **state)
{
    const char *nowhere[] = {"marshrut", "bench", "store", "--dir", "/nonexistent", NULL};
    const char *huge[] = {"marshrut", "bench", "store", "--dir", *state, "--events", "100000000000000", NULL};
    const char *nothing[] = {"marshrut", "bench", NULL};
    struct run_program run = {0};

    run_program(&run, nowhere);
    assert_int_equal(run.status, 66);
    run_program_fini(&run);
    run = (struct run_program){0};
    run_program(&run, huge);
    assert_int_equal(run.status, 75);
    assert_non_null(strstr(run_program_err(&run), "are needed"));
    run_program_fini(&run);
    run = (struct run_program){0};
    run_program(&run, nothing);
    assert_int_equal(run.status, 64);
    run_program_fini(&run);
    assert_empty(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_every_row, setup, teardown),
            cmocka_unit_test_setup_teardown(test_said_before, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
