#include "tests/conformance/driver/suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/conformance/driver/case.h"
#include "tests/conformance/driver/examples.h"

struct one {
    const json_t *json;
    struct speaker *speaker;
};

static void run_one(void **state)
{
    const struct one *one = *state;

    case_run(one->json, one->speaker);
}

static void run_examples(void **state)
{
    examples_run(*state);
}

int suite_run(struct speaker *speaker)
{
    json_t *cases = cases_load();
    const char *only = getenv("MR_CASE");
    size_t count = json_array_size(cases), chosen = 0;
    struct CMUnitTest *tests = calloc(count + 1, sizeof *tests);
    struct one *ones = calloc(count, sizeof *ones);
    int failed;

    assert_true(tests && ones);
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_object_get(json_array_get(cases, i), "name"));

        const char *speaks = json_string_value(json_object_get(json_array_get(cases, i), "only"));

        if ((only && strcmp(only, name) != 0) || (speaks && strcmp(speaks, speaker->name) != 0))
            continue;
        ones[chosen] = (struct one){json_array_get(cases, i), speaker};
        tests[chosen] =
                (struct CMUnitTest){.name = name, .test_func = run_one, .initial_state = &ones[chosen]};
        chosen++;
    }
    if (!only || strcmp(only, "examples") == 0)
        tests[chosen++] =
                (struct CMUnitTest){.name = "examples", .test_func = run_examples, .initial_state = speaker};
    /* The public macro takes arrays whose size the compiler knows. */
    failed = chosen > 0 ? _cmocka_run_group_tests("conformance", tests, chosen, NULL, NULL) : 1;
    speaker->close(speaker);
    free(tests);
    free(ones);
    json_decref(cases);
    return failed;
}
