/* What an expression says before there is an event: outcomes, values, and filters that cannot be meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "hub/cesql/cesql.h"
#include "proto/base/list.h"

static bool find(const void *ctx, const char *name, struct mr_cesql_value *ret)
{
    (void)ctx;
    assert_string_equal(name, "type"); /* nothing else is known, so nothing else may be asked */
    *ret = (struct mr_cesql_value){.type = MR_CESQL_STRING, .string = mr_slice_str("nms.route.closed.v1")};
    return true;
}

static const struct mr_cesql_source source = {find, NULL};

static unsigned outcomes(const char *expression)
{
    static const char *const known[] = {"type"};
    struct mr_cesql *compiled = NULL;
    struct mr_cesql_problem problem;
    struct mr_arena arena;
    unsigned got;

    assert_int_equal(mr_cesql_compile(&compiled, mr_slice_str(expression), &problem), 0);
    mr_arena_init(&arena, MR_CESQL_BUDGET_BYTES);
    got = mr_cesql_outcomes(compiled, known, 1, &source, &arena);
    mr_arena_fini(&arena);
    mr_cesql_free(compiled);
    return got;
}

/* The type is nms.route.closed.v1; nothing else is known. */
static void what_the_type_alone_says(void **state)
{
    enum { T = MR_CESQL_MAY_BE_TRUE, F = MR_CESQL_MAY_BE_FALSE, E = MR_CESQL_MAY_FAIL };
    static const struct {
        const char *expression;
        unsigned outcomes;
    } rows[] = {
            {"type = 'nms.route.closed.v1'", T},
            {"type = 'x'", F},
            {"type LIKE 'nms.%' AND type NOT LIKE '%.v2'", T},
            {"type = 'x' AND orgid = '1'", F},
            {"orgid = '1' AND type = 'x'", F | E},
            {"NOT (orgid = '1' AND type = 'x')", T | E},
            {"type LIKE 'nms.%' AND orgid = '1'", T | F | E},
            {"type LIKE 'nms.%' OR orgid = '1'", T},
            {"type = 'x' OR orgid = '1'", T | F | E},
            {"EXISTS orgid", T | F},
            {"NOT EXISTS orgid AND type = 'x'", F},
            {"type XOR TRUE", E},
            {"(type = 'x') XOR EXISTS orgid", T | F},
            {"type", E},
            {"orgid", T | F | E},
            {"LENGTH(type)", E},
            {"LENGTH(type) > 5", T},
            {"TRUE", T},
            {"1 / 0 = 1", E},
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        unsigned got = outcomes(rows[i].expression);

        if (got != rows[i].outcomes)
            print_error("%s: %u, not %u\n", rows[i].expression, got, rows[i].outcomes);
        assert_int_equal(got, rows[i].outcomes);
    }
}

static void what_an_attribute_must_be(void **state)
{
    static const struct {
        const char *expression;
        const char *values; /* of orgid, joined by commas */
    } rows[] = {
            {"orgid = '1'", "1"}, {"'1' = orgid", "1"}, {"orgid = 1", ""}, {"orgid != '1'", ""},
            {"orgid IN ('1', '2')", "1,2"}, {"orgid IN ('1', type)", ""}, {"orgid NOT IN ('1')", ""},
            {"type = 'x' AND orgid = '1'", "1"}, {"orgid = '1' AND type = 'x'", "1"},
            {"orgid = '1' OR type = 'x'", ""}, {"orgid = '1' OR orgid IN ('2', '3')", "1,2,3"},
            {"(orgid = '1' OR type = 'x') AND orgid = '4'", "4"}, {"NOT (orgid = '1')", ""},
            {"orgid = '1' XOR TRUE", ""}, {"orgid LIKE '1'", ""}, {"orgid = '1' = TRUE", ""},
            {"orgid IN ('1','2','3','4','5')", ""}, /* longer than asked for */
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        struct mr_cesql *compiled = NULL;
        struct mr_cesql_problem problem;
        struct mr_slice values[4];
        char got[64] = "";
        size_t count;

        assert_int_equal(mr_cesql_compile(&compiled, mr_slice_str(rows[i].expression), &problem), 0);
        count = mr_cesql_values(compiled, "orgid", values, MR_COUNT(values));
        for (size_t k = 0; k < count; k++)
            (void)snprintf(got + strlen(got), sizeof got - strlen(got), "%s%.*s", k ? "," : "",
                    (int)values[k].size, (const char *)values[k].data);
        if (strcmp(got, rows[i].values) != 0)
            print_error("%s: %s\n", rows[i].expression, got);
        assert_string_equal(got, rows[i].values);
        mr_cesql_free(compiled);
    }
}

static void filters_that_cannot_be_meant(void **state)
{
    static const struct {
        const char *expression;
        enum mr_cesql_fault fault;
        size_t at;
    } rows[] = {
            {"type = 'x'", MR_CESQL_OK, 0},
            {"flag", MR_CESQL_OK, 0},
            {"1 + 1", MR_CESQL_CAST, 2},
            {"CONCAT(type)", MR_CESQL_CAST, 0},
            {"'true'", MR_CESQL_CAST, 0},
            {"TRUE OR NOSUCH()", MR_CESQL_MISSING_FUNCTION, 8},
            {"LENGTH() = 1", MR_CESQL_MISSING_FUNCTION, 0},
            {"orgId = '1'", MR_CESQL_MISSING_ATTRIBUTE, 0},
            {"EXISTS orgId", MR_CESQL_MISSING_ATTRIBUTE, 0},
    };

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        struct mr_cesql *compiled = NULL;
        struct mr_cesql_problem problem;

        assert_int_equal(mr_cesql_compile(&compiled, mr_slice_str(rows[i].expression), &problem), 0);
        assert_int_equal(mr_cesql_check(compiled, &problem), rows[i].fault == MR_CESQL_OK);
        assert_int_equal(problem.fault, rows[i].fault);
        assert_int_equal(problem.at, rows[i].at);
        mr_cesql_free(compiled);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_the_type_alone_says),
            cmocka_unit_test(what_an_attribute_must_be),
            cmocka_unit_test(filters_that_cannot_be_meant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
