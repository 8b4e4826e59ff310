/*
 * CloudEvents SQL Expression Language 1.0.0 (github.com/cloudevents/spec, cesql/spec.md): compile once,
 * evaluate often. Where the specification leaves a choice, docs/adr/0014 says what was chosen.
 *
 * Threads: a compiled expression is immutable; any number of threads may evaluate it at once.
 */
#ifndef MR_CESQL_CESQL_H
#define MR_CESQL_CESQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/arena.h"
#include "proto/base/slice.h"

enum {
    MR_CESQL_BYTES_MAX = 8192,         /* of an expression */
    MR_CESQL_NODES_MAX = 1024,         /* operators, operands and functions in it */
    MR_CESQL_DEPTH_MAX = 200,          /* of nesting; a chain `a OR b OR c` is as deep as it is long */
    MR_CESQL_BUDGET_BYTES = 64 * 1024, /* good budget for the arena of one evaluation */
    /* Of all LIKE in one evaluation: patterns of a whole expression on a string of 1,024 bytes. */
    MR_CESQL_LIKE_STEPS_MAX = MR_CESQL_BYTES_MAX * 1024,
};

enum mr_cesql_type { MR_CESQL_BOOLEAN, MR_CESQL_INTEGER, MR_CESQL_STRING };

struct mr_cesql_value {
    enum mr_cesql_type type;
    bool boolean;
    int32_t integer;
    struct mr_slice string; /* UTF-8 */
};

/* Section 3.3. */
enum mr_cesql_fault {
    MR_CESQL_OK,
    MR_CESQL_PARSE,
    MR_CESQL_MATH,
    MR_CESQL_CAST,
    MR_CESQL_MISSING_ATTRIBUTE,
    MR_CESQL_MISSING_FUNCTION,
    MR_CESQL_FUNCTION_EVALUATION,
    MR_CESQL_GENERIC, /* a budget is used up; when compiling: no locale */
};

/* What went wrong and where. Texts are constant and hold no value of an event. */
struct mr_cesql_problem {
    enum mr_cesql_fault fault;
    size_t at; /* byte of the expression */
    const char *what;
    const char *cure; /* "" when there is nothing to say */
};

const char *mr_cesql_type_name(enum mr_cesql_type type); /* "Boolean" */
const char *mr_cesql_fault_name(
        enum mr_cesql_fault fault); /* "MissingAttributeError"; "" when there is none */

struct mr_cesql;

/*
 * One block of memory, owned by the caller; text is not kept. 0; MR_EINVAL: the problem is told; MR_ENOMEM;
 * MR_EUNSUPPORTED: LOWER or UPPER, and the system has no locale C.UTF-8.
 */
int mr_cesql_compile(struct mr_cesql **ret, struct mr_slice text, struct mr_cesql_problem *problem);
void mr_cesql_free(struct mr_cesql *expression); /* NULL is fine */

/* Where attributes come from. */
struct mr_cesql_source {
    /* False: the event does not have it. A string must live as long as the result is used. */
    bool (*find)(const void *ctx, const char *name, struct mr_cesql_value *ret);
    const void *ctx;
};

/*
 * Always gives a value; returns whether there was no error (section 3.3). Fail fast (section 4.1): at the
 * first error, told in problem, evaluation ends with the zero value of the expression's type, but for a
 * function that says what it gives with its error. A string lives in the expression, the event or the arena.
 */
bool mr_cesql_evaluate(const struct mr_cesql *expression, const struct mr_cesql_source *source,
        struct mr_arena *arena, struct mr_cesql_value *ret, struct mr_cesql_problem *problem);

/*
 * What an expression says before there is an event.
 *
 * outcomes(): how it may end when the attributes of `known` have the values that source gives, and every
 * other one may have any value or be missing: a set of enum mr_cesql_outcome, never too small.
 */
enum mr_cesql_outcome {
    MR_CESQL_MAY_BE_TRUE = 1,
    MR_CESQL_MAY_BE_FALSE = 2,
    MR_CESQL_MAY_FAIL = 4, /* an error, or a value that is no Boolean */
};
unsigned mr_cesql_outcomes(const struct mr_cesql *expression, const char *const *known, size_t known_count,
        const struct mr_cesql_source *source, struct mr_arena *arena);

/*
 * values(): the strings of which this attribute, if it is a String, must have one for the expression to be
 * true. Returns how many, written to ret; 0: no such list, or it is longer than max. They live in the
 * expression and may repeat.
 */
size_t mr_cesql_values(
        const struct mr_cesql *expression, const char *attribute, struct mr_slice *ret, size_t max);

/*
 * What can be seen to be wrong in a filter without an event: false and the problem when no event can pass:
 * the expression is never Boolean, calls a function that does not exist, or names an attribute as none may be
 * named.
 */
bool mr_cesql_check(const struct mr_cesql *expression, struct mr_cesql_problem *problem);

#endif
