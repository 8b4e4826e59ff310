/* marshrut top on a terminal, beside a real hub that comes and goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <string.h>

#include "tests/support/run_program.h"
#include "tests/support/spawn.h"
#include "tests/support/terminal.h"

static int setup(void **state)
{
    static struct spawn spawn;

    spawn_init(&spawn, "");
    spawn_start(&spawn);
    *state = &spawn;
    return 0;
}

static int teardown(void **state)
{
    spawn_fini(*state);
    return 0;
}

static void open_top(struct terminal *terminal, const struct spawn *spawn, const char *term)
{
    const char *const argv[] = {"marshrut", "-c", spawn->config, "top", "--interval", "0.1", NULL};

    terminal_open(terminal, term, 40, 120, argv);
}

static void it_draws_follows_and_gives_the_terminal_back(void **state)
{
    struct spawn *spawn = *state;
    struct terminal terminal;

    open_top(&terminal, spawn, "xterm");
    terminal_expect(&terminal, "urn:marshrut:24:hub");
    terminal_expect(&terminal, "SUBSCRIPTION");
    terminal_expect(&terminal, "cnppm-programmes");
    terminal_expect(&terminal, "scroll");
    assert_false(terminal_is_cooked(&terminal));

    spawn_end(spawn);
    terminal_expect(&terminal, "asked again");
    spawn_start(spawn);
    terminal_resize(&terminal, 30, 100);
    terminal_expect(&terminal, "q: end");
    for (int lines = 31; !terminal_has(&terminal, "page keys"); lines ^= 1) { /* it finds the new hub */
        terminal_resize(&terminal, lines, 100);
        terminal_expect(&terminal, "q: end");
    }
    terminal_keys(&terminal, "q");
    assert_int_equal(terminal_wait(&terminal), 0);
    assert_true(terminal_is_cooked(&terminal));
    assert_true(terminal_has(&terminal, "\033[?1049l")); /* the screen from before is there again */
    terminal_close(&terminal);
    spawn_stop(spawn);
}

/* On a small one the head stays and the rest is scrolled; Ctrl-C ends it as well. */
static void a_small_terminal_scrolls(void **state)
{
    struct spawn *spawn = *state;
    struct terminal terminal;
    int columns = 60;

    open_top(&terminal, spawn, "xterm");
    terminal_expect(&terminal, "cnppm-programmes");
    terminal_expect(&terminal, "scroll");
    for (int i = 0; i < 2; i++) { /* the first may find the end of what was drawn before it */
        terminal_resize(&terminal, 12, ++columns);
        terminal_expect(&terminal, "q: end");
    }
    assert_false(terminal_has(&terminal, "@erasure-school"));
    while (!terminal_has(&terminal, "@erasure-school")) {
        terminal_keys(&terminal, "jjjj");
        terminal_resize(&terminal, 12, ++columns);
        terminal_expect(&terminal, "q: end");
    }
    assert_true(terminal_has(&terminal, "urn:marshrut:24:hub"));
    terminal_keys(&terminal, "\003");
    assert_int_equal(terminal_wait(&terminal), 0);
    assert_true(terminal_is_cooked(&terminal));
    terminal_close(&terminal);
    spawn_stop(spawn);
}

static void an_unknown_terminal_is_said(void **state)
{
    struct spawn *spawn = *state;
    struct terminal terminal;

    open_top(&terminal, spawn, "no-such-terminal");
    assert_int_equal(terminal_wait(&terminal), 69);
    assert_true(terminal_has(&terminal, "the terminal 'no-such-terminal' is not known"));
    terminal_close(&terminal);
    spawn_stop(spawn);
}

static void run(
        const struct spawn *spawn, struct run_program *run, const char *a, const char *b, const char *c)
{
    const char *const argv[] = {"marshrut", "-c", spawn->config, "top", a, b, c, NULL};

    run_program(run, argv);
}

static void once_without_a_terminal(void **state)
{
    struct spawn *spawn = *state;
    struct run_program once = {0};

    run(spawn, &once, "--once", "--interval", "0.1");
    assert_int_equal(once.status, 0);
    assert_non_null(strstr(run_program_out(&once), "log       0 events, 0.0/s; 0 not signed yet\n"));
    assert_non_null(strstr(run_program_out(&once), "\nschool                   no"));
    assert_null(strchr(run_program_out(&once), '\033'));
    run(spawn, &once, "--interval", "0", NULL);
    assert_int_equal(once.status, 64);
    assert_non_null(strstr(run_program_err(&once), "from 0.1 to 3600: '0'"));
    run(spawn, &once, NULL, NULL, NULL);
    assert_int_equal(once.status, 64);
    assert_non_null(strstr(run_program_err(&once), "needs a terminal; --once prints one picture"));
    run(spawn, &once, "--once", "--json", NULL);
    assert_int_equal(once.status, 64);
    spawn_stop(spawn);
    run(spawn, &once, "--once", NULL, NULL);
    assert_int_equal(once.status, 75);
    assert_non_null(strstr(run_program_err(&once), "needs a running hub"));
    run_program_fini(&once);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            WITH(it_draws_follows_and_gives_the_terminal_back),
            WITH(a_small_terminal_scrolls),
            WITH(an_unknown_terminal_is_said),
            WITH(once_without_a_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
