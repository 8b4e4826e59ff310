/* In each program of ours libzmq has the boxes of CURVE made by the program, however it was linked: as the
 * dynamic linker tells it (ld.so(8), LD_DEBUG). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/run_program.h"

static const char *const programs[] = {
        "marshrutd", "marshrut", "marshrut-school", "marshrut-copmkp", "marshrut-cnppm", "marshrut-portal"};
static const char *const calls[] = {"crypto_box_easy_afternm", "crypto_box_open_easy_afternm"};

/* "binding file .../libzmq.so.5 [0] to marshrutd [0]: normal symbol `crypto_box_easy_afternm'" */
static bool bound(const char *told, const char *program, const char *call)
{
    char end[256];

    (void)snprintf(end, sizeof end, " to %s [0]: normal symbol `%s'", program, call);
    for (const char *at = told; (at = strstr(at, end)); at++) {
        const char *line = at;

        while (line > told && line[-1] != '\n')
            line--;
        if (memmem(line, (size_t)(at - line), "/libzmq.so", strlen("/libzmq.so")))
            return true;
    }
    return false;
}

static void test_libzmq_asks_the_program(void **state)
{
    (void)state;
    assert_int_equal(setenv("LD_BIND_NOW", "1", 1) | setenv("LD_DEBUG", "bindings", 1), 0);
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        struct run_program run = {0};

        run_program(&run, (const char *const[]){programs[i], "--help", NULL});
        assert_int_equal(run.status, 0);
        for (size_t j = 0; j < sizeof calls / sizeof calls[0]; j++)
            if (!bound(run_program_err(&run), programs[i], calls[j]))
                fail_msg("in %s libzmq has another's %s", programs[i], calls[j]);
        run_program_fini(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_libzmq_asks_the_program)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
