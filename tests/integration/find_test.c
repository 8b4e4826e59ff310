/* Looking a person up with the tool: the question is in the log before its answer is on the screen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/support/golden.h"
#include "tests/support/run_program.h"
#include "tests/support/spawn.h"

#define SNILS  "11223344595"
#define NOBODY "12345678964"
#define DEFICIT(id)                                                                                          \
    "{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"urn:marshrut:24:copmkp\",\"type\":"             \
    "\"nms.deficit.identified.v1\",\"time\":\"2026-03-01T09:00:00Z\",\"regioncode\":\"24\",\"basis\":"       \
    "\"education\",\"actor\":\"test\",\"actorrole\":\"system\",\"correlationid\":\"c-7\",\"data\":"          \
    "{\"person\":{\"snils\":\"" SNILS "\",\"familyName\":\"Петрова\"},\"deficitId\":\"D-" id                 \
    "\",\"area\":\"ict\",\"identifiedOn\":\"2026-03-01\"}}\n"

static const char config[] = "operators:\n  - {name: ivanova, roles: [auditor]}\n";

static int setup(void **state)
{
    static struct spawn hub;

    spawn_init(&hub, config);
    spawn_start(&hub);
    *state = &hub;
    return 0;
}

static int teardown(void **state)
{
    spawn_fini(*state);
    return 0;
}

static void run(struct spawn *hub, const char *golden, const char *input, const char *const arguments[])
{
    const char *argv[20] = {"marshrut", "-c", hub->config};
    struct run_program run = {.input = input};
    char name[64];

    for (size_t i = 0; arguments[i]; i++)
        argv[3 + i] = arguments[i];
    run_program(&run, argv);
    assert_int_equal(run.status, 0);
    assert_null(strstr(run_program_out(&run), SNILS));
    assert_null(strstr(run_program_out(&run), "Петрова"));
    (void)snprintf(name, sizeof name, "tool/%s.txt", golden);
    golden_expect(name, run_program_out(&run), hub->dir);
    run_program_fini(&run);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void a_person_is_found_and_that_is_said(void **state)
{
    run(*state, "find-published", DEFICIT("d-1") DEFICIT("d-2"), ARGS("publish"));
    run(*state, "find-person", "112-233-445 95\n",
            ARGS("--as", "ivanova", "log", "find", "--snils", "-", "--case", "17-03"));
    run(*state, "find-person-json", SNILS "\n",
            ARGS("--as", "ivanova", "--json", "log", "find", "--snils", "-", "--case", "17-03", "--number",
                    "2-", "--correlation", "c-7"));
    run(*state, "find-person-nobody", NULL,
            ARGS("--as", "ivanova", "log", "find", "--snils", NOBODY, "--case", "17/04"));
    run(*state, "find-access", NULL, ARGS("log", "find", "--type", "hub.access."));
    run(*state, "find-access-said", NULL, ARGS("tail", "--type", "hub.access."));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(a_person_is_found_and_that_is_said, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
