/* Backup and restore say how far they are: on a terminal, on a line that goes again, and nowhere else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/support/bus_client.h"
#include "tests/support/run_program.h"
#include "tests/support/spawn.h"
#include "tests/support/terminal.h"

/* More than a mebibyte: less is not told of. */
enum { EVENTS = 6000, AT_ONCE = 1000, PATH_BYTES = 192, WORDS_MAX = 4 };

static int setup(void **state)
{
    static struct spawn spawn;

    spawn_init(&spawn, "");
    spawn_start(&spawn);
    for (uint64_t first = 1; first <= EVENTS; first += AT_ONCE)
        bus_publish_programmes(&spawn, first, AT_ONCE);
    *state = &spawn;
    return 0;
}

static int teardown(void **state)
{
    spawn_fini(*state);
    return 0;
}

/* `marshrut WORDS` on a terminal tells this on its way, and ends well without it. */
static void expect_told(const struct spawn *spawn, const char *told, const char *const words[WORDS_MAX])
{
    const char *argv[4 + WORDS_MAX] = {"marshrut", "-c", spawn->config};
    struct terminal terminal = {0};

    for (size_t i = 0; i < WORDS_MAX && words[i]; i++)
        argv[3 + i] = words[i];
    terminal_open(&terminal, "xterm", 24, 80, argv);
    if (terminal_wait(&terminal) != 0 || !terminal_has(&terminal, told))
        fail_msg("%s is not told: %s", told, mr_buf_str(&terminal.drawn));
    assert_true(terminal_has(&terminal, "\r\033[K")); /* its line is gone */
    assert_true(terminal_has(&terminal, "records"));
    terminal_close(&terminal);
}

static void expect_silent(const struct spawn *spawn, const char *dir)
{
    const char *const argv[] = {"marshrut", "-c", spawn->config, "backup", dir, NULL};
    struct run_program run = {0};

    run_program(&run, argv);
    assert_int_equal(run.status, 0);
    assert_string_equal(run_program_err(&run), "");
    assert_null(strstr(run_program_out(&run), "MiB"));
    run_program_fini(&run);
}

static void on_a_terminal_alone(void **state)
{
    struct spawn *spawn = *state;
    char first[PATH_BYTES], second[PATH_BYTES], store[PATH_BYTES], away[PATH_BYTES];

    (void)snprintf(first, sizeof first, "%s/backup-1", spawn->dir);
    (void)snprintf(second, sizeof second, "%s/backup-2", spawn->dir);
    (void)snprintf(store, sizeof store, "%s/store", spawn->dir);
    (void)snprintf(away, sizeof away, "%s/store-away", spawn->dir);
    expect_told(spawn, "MiB copied and read back: ", (const char *const[WORDS_MAX]){"backup", first});
    expect_told(spawn, "MiB read: 1 of ", (const char *const[WORDS_MAX]){"backup", "verify", first});
    expect_silent(spawn, second);
    spawn_stop(spawn);
    assert_int_equal(rename(store, away), 0);
    expect_told(spawn, "MiB read: 1 of ", (const char *const[WORDS_MAX]){"restore", first});
    spawn_start(spawn);
    assert_int_equal(bus_status_number(spawn, "head"), EVENTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(on_a_terminal_alone, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
