#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/err.h"
#include "proto/loop/watchdog.h"
#include "tests/support/notify_socket.h"
#include "tests/support/tmpdir.h"
#include "tests/support/turns.h"

struct fixture {
    char *dir;
    struct notify_socket manager;
    uv_loop_t loop;
    uv_timer_t alive; /* the watchdog alone does not keep the loop */
    struct mr_watchdog watchdog;
    uint64_t looks_wanted;
    bool gets_on;
};

static void on_alive(uv_timer_t *timer)
{
    (void)timer;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->dir = mr_tmpdir_new();
    notify_socket_open(&f->manager, f->dir);
    assert_int_equal(setenv("NOTIFY_SOCKET", strchr(f->manager.variable, '=') + 1, 1), 0);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    (void)uv_timer_init(&f->loop, &f->alive);
    (void)uv_timer_start(&f->alive, on_alive, 1, 1);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    mr_watchdog_close(&f->watchdog);
    mr_watchdog_close(&f->watchdog);
    uv_close((uv_handle_t *)&f->alive, NULL);
    turns_end(&f->loop);
    notify_socket_close(&f->manager);
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
    mr_tmpdir_free(f->dir);
    free(f);
    return 0;
}

static bool gets_on(void *ctx)
{
    return ((struct fixture *)ctx)->gets_on;
}

static bool has_looked(void *ctx)
{
    struct fixture *f = ctx;

    return f->watchdog.looks >= f->looks_wanted;
}

static void look_on(struct fixture *f, uint64_t looks)
{
    f->looks_wanted = f->watchdog.looks + looks;
    turns_until(&f->loop, "looks", has_looked, f);
}

static int taken(struct fixture *f)
{
    char text[64];
    int n = 0;

    while (notify_socket_take(&f->manager, text, sizeof text)) {
        assert_string_equal(text, "WATCHDOG=1");
        n++;
    }
    return n;
}

static void says_it_only_while_there_is_progress(void **state)
{
    struct fixture *f = *state;

    (void)setenv("WATCHDOG_USEC", "3000", 1);
    f->gets_on = true;
    assert_int_equal(mr_watchdog_open(&f->watchdog, &f->loop, gets_on, f), 0);
    look_on(f, 5);
    assert_true(taken(f) >= 5);
    f->gets_on = false;
    look_on(f, 1);
    (void)taken(f);
    look_on(f, 5);
    assert_int_equal(taken(f), 0);
    f->gets_on = true;
    look_on(f, 2);
    assert_true(taken(f) >= 2);
}

/* The term of another process, or none: nothing is said, and nothing has to be closed. */
static void off_without_a_term(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(mr_watchdog_open(&f->watchdog, &f->loop, NULL, NULL), 0);
    assert_false(f->watchdog.open);
    (void)setenv("WATCHDOG_USEC", "3000", 1);
    (void)setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(mr_watchdog_open(&f->watchdog, &f->loop, NULL, NULL), 0);
    assert_false(f->watchdog.open);
    (void)unsetenv("WATCHDOG_PID");
    (void)setenv("WATCHDOG_USEC", "soon", 1);
    assert_int_equal(mr_watchdog_open(&f->watchdog, &f->loop, NULL, NULL), MR_EINVAL);
    assert_false(f->watchdog.open);
    assert_int_equal(taken(f), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(says_it_only_while_there_is_progress, setup, teardown),
            cmocka_unit_test_setup_teardown(off_without_a_term, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
