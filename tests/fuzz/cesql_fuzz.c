/*
 * A CESQL expression from a stranger: whatever compiles gives a value or a problem at a place inside of it,
 * the same one twice, and what it says without an event is not contradicted by one.
 */
#include <assert.h>
#include <string.h>

#include "hub/cesql/cesql.h"
#include "proto/base/err.h"
#include "tests/fuzz/fuzz.h"

static bool find(const void *ctx, const char *name, struct mr_cesql_value *ret)
{
    (void)ctx;
    if (strcmp(name, "type") == 0 || strcmp(name, "subject") == 0)
        *ret = (struct mr_cesql_value){.type = MR_CESQL_STRING, .string = mr_slice_str("nms.Ёж.10%")};
    else if (strcmp(name, "hop") == 0)
        *ret = (struct mr_cesql_value){.type = MR_CESQL_INTEGER, .integer = INT32_MIN};
    else if (strcmp(name, "flag") == 0)
        *ret = (struct mr_cesql_value){.type = MR_CESQL_BOOLEAN, .boolean = true};
    else
        return false;
    return true;
}

static bool same(const struct mr_cesql_value *a, const struct mr_cesql_value *b)
{
    return a->type == b->type && a->boolean == b->boolean && a->integer == b->integer &&
           mr_slice_equal(a->string, b->string);
}

static void check(const struct mr_cesql *expression, size_t size)
{
    static const char *const known[] = {"type"};
    const struct mr_cesql_source source = {find, NULL};
    struct mr_cesql_problem problem, again_problem;
    struct mr_cesql_value value, again;
    struct mr_slice values[16];
    struct mr_arena arena, again_arena;
    unsigned outcomes;
    bool good;

    mr_arena_init(&arena, MR_CESQL_BUDGET_BYTES);
    mr_arena_init(&again_arena, MR_CESQL_BUDGET_BYTES);
    good = mr_cesql_evaluate(expression, &source, &arena, &value, &problem);
    assert(good == (problem.fault == MR_CESQL_OK) && problem.at <= size);
    assert(good == mr_cesql_evaluate(expression, &source, &again_arena, &again, &again_problem));
    assert(same(&value, &again) && problem.at == again_problem.at);
    mr_arena_reset(&again_arena);
    outcomes = mr_cesql_outcomes(expression, known, 1, &source, &again_arena);
    if (problem.fault != MR_CESQL_GENERIC) /* the parts may have more room than the whole */
        assert(outcomes & (!good || value.type != MR_CESQL_BOOLEAN ? (unsigned)MR_CESQL_MAY_FAIL
                                  : value.boolean                  ? (unsigned)MR_CESQL_MAY_BE_TRUE
                                                                   : (unsigned)MR_CESQL_MAY_BE_FALSE));
    if (good && value.type == MR_CESQL_BOOLEAN && value.boolean) {
        size_t count = mr_cesql_values(expression, "subject", values, 16), i = 0;

        while (i < count && !mr_slice_equal(values[i], mr_slice_str("nms.Ёж.10%")))
            i++;
        assert(count == 0 || i < count);
    }
    (void)mr_cesql_check(expression, &problem);
    assert(problem.at <= size);
    mr_arena_fini(&arena);
    mr_arena_fini(&again_arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_cesql *expression = NULL;
    struct mr_cesql_problem problem;
    int r = mr_cesql_compile(&expression, mr_slice(data, size), &problem);

    if (r == 0) {
        check(expression, size);
        mr_cesql_free(expression);
    } else {
        assert(r == MR_EINVAL && problem.fault == MR_CESQL_PARSE && problem.at <= size && problem.what[0]);
    }
    return 0;
}
