/*
 * The main job with kill -9: hub and adapters die again and again at moments that follow from the seed, and
 * come back; everything arrives once, the balance adds up. MR_SEED repeats a run, MR_KILLS asks for more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sdk/file.h"
#include "proto/base/list.h"
#include "tests/support/run_program.h"
#include "tests/support/spawn.h"
#include "tests/support/tmpdir.h"

enum { JOB_SECONDS = 280, LOG_BYTES_MAX = 64 * 1024 * 1024 };

static const char *setting(const char *name, const char *otherwise)
{
    const char *value = getenv(name);

    return value && *value ? value : otherwise;
}

static void scan_log(const char *dir, const char *name)
{
    static const char *const bad[] = {"AddressSanitizer", "LeakSanitizer", "ThreadSanitizer",
            "runtime error:", "Assertion", "stack smashing", "level=error"};
    struct mr_buf text = MR_BUF_INIT;

    assert_int_equal(mr_file_read(mr_tmpdir_path(dir, name), LOG_BYTES_MAX, &text), 0);
    for (size_t i = 0; i < MR_COUNT(bad); i++) {
        const char *found = text.size ? strstr(mr_buf_str(&text), bad[i]) : NULL;

        if (found)
            fail_msg("%s has \"%s\": %.4000s", name, bad[i], found);
    }
    mr_buf_fini(&text);
}

static void scan_logs(const char *dir)
{
    DIR *folder = opendir(dir);
    struct dirent *entry;
    int count = 0;

    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        size_t n = strlen(entry->d_name);

        if (n > 4 && strcmp(entry->d_name + n - 4, ".log") == 0) {
            scan_log(dir, entry->d_name);
            count++;
        }
    }
    (void)closedir(folder);
    assert_int_equal(count, 3); /* hub and adapters; the two outside systems */
}

static bool nothing_runs(void *ctx)
{
    return run_program_marked(ctx) == 0;
}

/* The tool on the store that lies there, with no hub. */
static void expect_balance(const char *dir)
{
    struct run_program run = {0};
    json_t *balance;

    run_program(&run, (const char *[]){"marshrut", "-c", mr_tmpdir_path(dir, "marshrut.yaml"), "balance",
                              "--json", NULL});
    balance = json_loads(run_program_out(&run), 0, NULL);
    if (run.status != 0 || !json_is_true(json_object_get(balance, "ok")))
        fail_msg("balance ended with %d: %s%s", run.status, run_program_out(&run), run_program_err(&run));
    assert_true(json_integer_value(json_object_get(balance, "head")) > 0);
    json_decref(balance);
    run_program_fini(&run);
}

static void test_killed_and_whole(void **state)
{
    const char *seed = setting("MR_SEED", "1");
    char *dir = mr_tmpdir_new();
    struct run_program run = {.seconds_max = JOB_SECONDS, .mark = dir};

    (void)state;
    run_program(&run, (const char *[]){"mr-demo", "--once", "--dir", dir, "--schools", "6", "--teachers",
                              "120", "--kill", setting("MR_KILLS", "20"), "--seed", seed, NULL});
    if (run.status != 0) {
        print_error("%s\n%s\n", run_program_out(&run), run_program_err(&run));
        fail_msg("the main job ended with %d; again with MR_SEED=%s; its folder is kept: %s", run.status,
                seed, dir);
    }
    run_program_fini(&run);
    spawn_until("nothing is left running", nothing_runs, dir);
    scan_logs(dir);
    expect_balance(dir);
    mr_tmpdir_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_killed_and_whole)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
