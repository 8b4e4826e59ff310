/* marshrut bench: the load arrives whole, every figure is there, and nothing is left behind. Not how fast. */
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

#include "proto/base/list.h"
#include "tests/support/run_program.h"
#include "tests/support/spawn.h"
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

static double number(const json_t *document, const char *key)
{
    const json_t *value = json_object_get(document, key);

    if (!json_is_number(value))
        fail_msg("%s is no number", key);
    return json_number_value(value);
}

static void assert_latency(const json_t *document, const char *key)
{
    const json_t *latency = json_object_get(document, key);

    assert_true(number(latency, "p50") > 0);
    assert_true(number(latency, "p99") >= number(latency, "p50"));
    assert_true(number(latency, "p999") >= number(latency, "p99"));
}

/* Runs it, and looks at what is promised of every run. The caller releases the document. */
static json_t *measure(const char *const argv[], double events)
{
    struct run_program run = {.seconds_max = 500}; /* under a sanitizer, beside others */
    json_t *document;

    run_program(&run, argv);
    if (run.status != 0)
        print_error("%s%s\n", run_program_out(&run), run_program_err(&run));
    assert_int_equal(run.status, 0);
    document = json_loads(run_program_out(&run), 0, NULL);
    assert_non_null(document);
    assert_true(number(document, "events") == events);
    assert_true(number(document, "published_per_s") > 0);
    assert_true(number(document, "delivered_per_s") > 0);
    assert_true(number(document, "rss_bytes") > number(document, "rss_anon_bytes"));
    assert_true(number(document, "cpu_s_per_million") >= 0);
    assert_true(number(document, "commits") > 0);
    assert_true(number(document, "delivered_again") == 0);
    assert_latency(document, "ack_us");
    assert_latency(document, "e2e_us");
    run_program_fini(&run);
    return document;
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

static void test_private_hub(void **state)
{
    const char *argv[] = {"marshrut", "--json", "bench", "--spawn", "--dir", *state, "--events", "1001",
            "--window", "500", "--producers", "2", "--consumers", "2", "--size", "600", NULL};

    json_decref(measure(argv, 1001));
    assert_empty(*state);
}

static void test_persons(void **state)
{
    const char *argv[] = {"marshrut", "--json", "bench", "--spawn", "--dir", *state, "--events", "200",
            "--person", "--batch", "64", NULL};

    json_decref(measure(argv, 200));
    assert_empty(*state);
}

/* Only publishing: nothing is delivered, and the rest is measured. */
static void test_nobody_takes(void **state)
{
    const char *argv[] = {"marshrut", "--json", "bench", "--spawn", "--dir", *state, "--events", "300",
            "--consumers", "0", NULL};
    struct run_program run = {0};
    json_t *document;

    run_program(&run, argv);
    if (run.status != 0)
        fail_msg("%d\n%s%s", run.status, run_program_out(&run), run_program_err(&run));
    document = json_loads(run_program_out(&run), 0, NULL);
    assert_non_null(document);
    assert_true(number(document, "published_per_s") > 0);
    assert_true(number(document, "delivered_per_s") == 0);
    assert_latency(document, "ack_us");
    assert_true(json_is_null(json_object_get(document, "e2e_us")));
    json_decref(document);
    run_program_fini(&run);
    assert_empty(*state);
}

static void test_rate(void **state)
{
    const char *argv[] = {"marshrut", "--json", "bench", "--spawn", "--dir", *state, "--events", "500",
            "--rate", "1000", NULL};
    json_t *document = measure(argv, 500);

    assert_true(number(document, "published_per_s") < 1100); /* it is offered no faster */
    assert_true(number(document, "raw_commit_us") > 0);
    json_decref(document);
    assert_empty(*state);
}

/* ---- a hub that runs ---- */

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = calloc(1, 64 * 1024);

    assert_non_null(file);
    assert_non_null(text);
    text[fread(text, 1, 64 * 1024 - 1, file)] = 0;
    (void)fclose(file);
    return text;
}

/* Adds what `bench keys` printed to the configuration, as its comments say. */
static void add_to_configuration(const char *path, char *printed)
{
    char *text = read_text(path);
    char *at = strstr(text, "subscriptions:\n");
    char *second = strstr(printed, "# to `subscriptions`:\n");
    FILE *file = fopen(path, "we");

    assert_non_null(at);
    assert_non_null(second);
    assert_non_null(file);
    (void)fprintf(file, "%.*s%.*s%s%s", (int)(at - text), text, (int)(second - printed), printed, at, second);
    assert_int_equal(fclose(file), 0);
    free(text);
}

static void test_running_hub(void **state)
{
    struct spawn spawn;
    struct run_program run = {0};
    char keys[200];
    const char *make[] = {"marshrut", "-c", spawn.config, "bench", "keys", keys, NULL};
    const char *load[] = {
            "marshrut", "-c", spawn.config, "--json", "bench", "--keys", keys, "--events", "300", NULL};

    (void)state;
    spawn_init(&spawn, "");
    (void)snprintf(keys, sizeof keys, "%s/bench-keys", spawn.dir);
    run_program(&run, make);
    assert_int_equal(run.status, 0);
    add_to_configuration(spawn.config, (char *)run_program_out(&run));
    run_program_fini(&run);
    spawn_start(&spawn);
    json_decref(measure(load, 300));
    json_decref(measure(load, 300)); /* its events are new ones each time */
    spawn_fini(&spawn);
}

static void test_said_before(void **state)
{
    const struct {
        const char *argv[8];
        int status;
        const char *words;
    } calls[] = {
            {{"marshrut", "bench", NULL}, 64, "say which hub"},
            {{"marshrut", "bench", "--spawn", "--window", "0", NULL}, 64, "--window takes a number"},
            {{"marshrut", "bench", "--spawn", "--events", "many", NULL}, 64, "--events takes a number"},
            {{"marshrut", "bench", "bus", NULL}, 64, "none of: store, keys"},
            {{"marshrut", "bench", "keys", NULL}, 64, "the folder for the keys"},
            {{"marshrut", "bench", "--spawn", "--dir", "/nonexistent", NULL}, 66, "--dir"},
            {{"marshrut", "bench", "--spawn", "--dir", *state, "--size", "20", NULL}, 65, "no event of 20"},
    };

    for (size_t i = 0; i < MR_COUNT(calls); i++) {
        struct run_program run = {0};

        run_program(&run, calls[i].argv);
        assert_int_equal(run.status, calls[i].status);
        assert_non_null(strstr(run_program_err(&run), calls[i].words));
        run_program_fini(&run);
    }
    assert_empty(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_private_hub, setup, teardown),
            cmocka_unit_test_setup_teardown(test_persons, setup, teardown),
            cmocka_unit_test_setup_teardown(test_nobody_takes, setup, teardown),
            cmocka_unit_test_setup_teardown(test_rate, setup, teardown),
            cmocka_unit_test(test_running_hub),
            cmocka_unit_test_setup_teardown(test_said_before, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
