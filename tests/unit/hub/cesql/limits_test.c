/* What an expression may not exceed: bytes, parts, depth, and the memory and time of an evaluation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "hub/cesql/cesql.h"
#include "proto/base/buf.h"
#include "proto/base/err.h"

static bool find(const void *ctx, const char *name, struct mr_cesql_value *ret)
{
    (void)ctx;
    *ret = (struct mr_cesql_value){.type = MR_CESQL_STRING, .string = mr_slice_str("nms.route.closed.v1")};
    return strcmp(name, "type") == 0;
}

static const struct mr_cesql_source source = {find, NULL};

static int compile_text(struct mr_buf *text, struct mr_cesql **ret, struct mr_cesql_problem *problem)
{
    int r = mr_cesql_compile(ret, mr_buf_slice(text), problem);

    mr_buf_fini(text);
    return r;
}

static void repeat(struct mr_buf *out, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mr_buf_put(out, text, strlen(text));
}

/* An expression of `count` times the part: good up to the limit, refused above. */
static void limit_of(const char *before, const char *part, const char *after, size_t good, size_t bad)
{
    const size_t counts[] = {good, bad};

    for (size_t i = 0; i < 2; i++) {
        struct mr_buf text = MR_BUF_INIT;
        struct mr_cesql *compiled = NULL;
        struct mr_cesql_problem problem;
        int r;

        repeat(&text, before, counts[i]);
        repeat(&text, part, 1);
        repeat(&text, after, counts[i]);
        r = compile_text(&text, &compiled, &problem);
        if (r != (i == 0 ? 0 : MR_EINVAL))
            print_error("%zu times %s%s: %d %s\n", counts[i], before, after, r, problem.what);
        assert_int_equal(r, i == 0 ? 0 : MR_EINVAL);
        mr_cesql_free(compiled);
    }
}

static void limits(void **state)
{
    (void)state;
    limit_of("(", "TRUE", ")", 150, 250);
    limit_of("NOT ", "TRUE", "", 150, 250);
    limit_of("- ", "1", "", 150, 250);
    limit_of("", "TRUE", " OR id = 'x'", 150, 250);
    limit_of("TRIM(", "'x'", ")", 150, 250);
}

static void limits_of_size(void **state)
{
    struct mr_buf text = MR_BUF_INIT;
    struct mr_cesql *compiled = NULL;
    struct mr_cesql_problem problem;

    (void)state;
    repeat(&text, " ", MR_CESQL_BYTES_MAX - 4);
    repeat(&text, "TRUE", 1);
    assert_int_equal(compile_text(&text, &compiled, &problem), 0);
    mr_cesql_free(compiled);
    repeat(&text, " ", MR_CESQL_BYTES_MAX - 3);
    repeat(&text, "TRUE", 1);
    assert_int_equal(compile_text(&text, &compiled, &problem), MR_EINVAL);
    assert_int_equal(problem.at, MR_CESQL_BYTES_MAX);
    repeat(&text, "1 IN (1", 1);
    repeat(&text, ",1", MR_CESQL_NODES_MAX - 3);
    repeat(&text, ")", 1);
    assert_int_equal(compile_text(&text, &compiled, &problem), 0);
    mr_cesql_free(compiled);
    repeat(&text, "1 IN (1", 1);
    repeat(&text, ",1", MR_CESQL_NODES_MAX - 2);
    repeat(&text, ")", 1);
    assert_int_equal(compile_text(&text, &compiled, &problem), MR_EINVAL);
}

/* Strings that double: the arena's budget ends it with a GenericError. */
static void evaluation_has_a_budget(void **state)
{
    struct mr_buf text = MR_BUF_INIT;
    struct mr_cesql *compiled = NULL;
    struct mr_cesql_problem problem;
    struct mr_cesql_value value;
    struct mr_arena arena;

    (void)state;
    repeat(&text, "CONCAT(type, type, type, ", 150);
    repeat(&text, "type", 1);
    repeat(&text, ")", 150);
    assert_int_equal(compile_text(&text, &compiled, &problem), 0);
    mr_arena_init(&arena, MR_CESQL_BUDGET_BYTES);
    assert_false(mr_cesql_evaluate(compiled, &source, &arena, &value, &problem));
    assert_int_equal(problem.fault, MR_CESQL_GENERIC);
    assert_int_equal(value.type, MR_CESQL_STRING);
    assert_int_equal(value.string.size, 0);
    mr_arena_fini(&arena);
    mr_cesql_free(compiled);
}

/* A long string against a long pattern: a GenericError instead of hundreds of millions of steps. */
static void like_has_a_budget(void **state)
{
    struct mr_buf text = MR_BUF_INIT;
    struct mr_cesql *compiled = NULL;
    struct mr_cesql_problem problem;
    struct mr_cesql_value value;
    struct mr_arena arena;

    (void)state;
    repeat(&text, "CONCAT('", 1);
    repeat(&text, "n", 2000);
    repeat(&text, "'", 1);
    repeat(&text, ", type", 300);
    repeat(&text, ") LIKE '%", 1);
    repeat(&text, "_", 3000);
    repeat(&text, "b'", 1);
    assert_int_equal(compile_text(&text, &compiled, &problem), 0);
    mr_arena_init(&arena, MR_CESQL_BUDGET_BYTES);
    assert_false(mr_cesql_evaluate(compiled, &source, &arena, &value, &problem));
    assert_int_equal(problem.fault, MR_CESQL_GENERIC);
    assert_false(value.boolean);
    mr_arena_fini(&arena);
    mr_cesql_free(compiled);
}

/* Patterns of many '%' must not take time that grows beyond text times pattern: this would never end. */
static void like_does_not_explode(void **state)
{
    struct mr_buf text = MR_BUF_INIT;
    struct mr_cesql *compiled = NULL;
    struct mr_cesql_problem problem;
    struct mr_cesql_value value;
    struct mr_arena arena;

    (void)state;
    repeat(&text, "'", 1);
    repeat(&text, "a", 3000);
    repeat(&text, "' LIKE '", 1);
    repeat(&text, "%a", 1000);
    repeat(&text, "b'", 1);
    assert_int_equal(compile_text(&text, &compiled, &problem), 0);
    mr_arena_init(&arena, MR_CESQL_BUDGET_BYTES);
    assert_true(mr_cesql_evaluate(compiled, &source, &arena, &value, &problem));
    assert_false(value.boolean);
    mr_arena_fini(&arena);
    mr_cesql_free(compiled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(limits),
            cmocka_unit_test(limits_of_size),
            cmocka_unit_test(evaluation_has_a_budget),
            cmocka_unit_test(like_has_a_budget),
            cmocka_unit_test(like_does_not_explode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
