/* Sections 3.2 to 3.7. Fail fast: an operator of which an operand failed gives the zero value of its type. */
#include <assert.h>
#include <stdlib.h>

#include "hub/cesql/cast.h"
#include "hub/cesql/chars.h"
#include "hub/cesql/functions.h"
#include "hub/cesql/node.h"
#include "proto/base/list.h"

struct run {
    const struct mr_cesql *expression;
    const struct mr_cesql_source *source;
    struct mr_arena *arena;
    struct mr_cesql_problem *problem;
    size_t *like_steps; /* that are left to all LIKE of this evaluation */
};

static bool evaluate(const struct run *run, uint16_t index, struct mr_cesql_value *ret);

static bool fail(const struct run *run, const struct cesql_node *node, enum mr_cesql_fault fault,
        const char *what, const char *cure)
{
    *run->problem = (struct mr_cesql_problem){fault, node->at, what, cure};
    return false;
}

static bool no_room(const struct run *run, const struct cesql_node *node)
{
    return fail(
            run, node, MR_CESQL_GENERIC, "the strings of this evaluation are too large", "concatenate less");
}

/* ---- casts ---- */

static bool cast(const struct run *run, uint16_t index, struct mr_cesql_value *value, enum mr_cesql_type type)
{
    static const char *const what[] = {[MR_CESQL_BOOLEAN] = "this String is neither true nor false",
            [MR_CESQL_INTEGER] = "this String is no 32-bit integer",
            [MR_CESQL_STRING] = ""};
    const struct cesql_node *node = &run->expression->nodes[index];
    enum mr_cesql_fault fault = cesql_cast(value, type, run->arena);

    if (fault == MR_CESQL_OK)
        return true;
    return fault == MR_CESQL_GENERIC ? no_room(run, node) : fail(run, node, fault, what[type], "");
}

static bool evaluate_as(
        const struct run *run, uint16_t index, enum mr_cesql_type type, struct mr_cesql_value *ret)
{
    return evaluate(run, index, ret) && cast(run, index, ret, type);
}

/* ---- operators: with false, *ret is set by evaluate() ---- */

static bool eval_attribute(const struct run *run, const struct cesql_node *node, struct mr_cesql_value *ret)
{
    if (run->source->find(run->source->ctx, node->name, ret))
        return true;
    return fail(run, node, MR_CESQL_MISSING_ATTRIBUTE, "the event does not have this attribute",
            "ask for it first: EXISTS name AND ...");
}

static bool eval_literal(const struct run *run, const struct cesql_node *node, struct mr_cesql_value *ret)
{
    (void)run;
    *ret = node->literal;
    return true;
}

static bool eval_exists(const struct run *run, const struct cesql_node *node, struct mr_cesql_value *ret)
{
    struct mr_cesql_value unused;

    *ret = cesql_boolean(run->source->find(run->source->ctx, node->name, &unused));
    return true;
}

static bool eval_not(const struct run *run, const struct cesql_node *node, struct mr_cesql_value *ret)
{
    if (!evaluate(run, node->first, ret))
        return false;
    if (cesql_cast(ret, MR_CESQL_BOOLEAN, run->arena) != MR_CESQL_OK)
        return fail(run, node, MR_CESQL_CAST, "what NOT stands before is neither true nor false",
                "NOT binds tighter than =, LIKE and IN: write NOT (...)");
    ret->boolean = !ret->boolean;
    return true;
}

static bool eval_negate(const struct run *run, const struct cesql_node *node, struct mr_cesql_value *ret)
{
    if (!evaluate_as(run, node->first, MR_CESQL_INTEGER, ret))
        return false;
    if (ret->integer == INT32_MIN)
        return fail(run, node, MR_CESQL_MATH, "2147483648 is no 32-bit integer", "");
    ret->integer = -ret->integer;
    return true;
}

static bool eval_like(const struct run *run, const struct cesql_node *node, struct mr_cesql_value *ret)
{
    bool matches;

    if (!evaluate_as(run, node->first, MR_CESQL_STRING, ret))
        return false;
    if (!cesql_like(ret->string, node->literal.string, run->like_steps, &matches))
        return fail(run, node, MR_CESQL_GENERIC, "LIKE takes too long on so long a string",
                "a shorter string or pattern");
    *ret = cesql_boolean(matches != node->negated);
    return true;
}

static bool equal(const struct mr_cesql_value *x, const struct mr_cesql_value *y)
{
    if (x->type == MR_CESQL_STRING)
        return mr_slice_equal(x->string, y->string);
    return x->type == MR_CESQL_INTEGER ? x->integer == y->integer : x->boolean == y->boolean;
}

/* From left to right, until one is equal. */
static bool eval_in(const struct run *run, const struct cesql_node *node, struct mr_cesql_value *ret)
{
    struct mr_cesql_value left;
    bool found = false;

    if (!evaluate(run, node->first, &left))
        return false;
    for (uint16_t i = run->expression->nodes[node->first].next; !found && i != CESQL_NONE;
            i = run->expression->nodes[i].next) {
        struct mr_cesql_value one;

        if (!evaluate_as(run, i, left.type, &one))
            return false;
        found = equal(&left, &one);
    }
    *ret = cesql_boolean(found != node->negated);
    return true;
}

static bool eval_logic(const struct run *run, const struct cesql_node *node, struct mr_cesql_value *ret)
{
    struct mr_cesql_value right;

    if (!evaluate_as(run, node->first, MR_CESQL_BOOLEAN, ret))
        return false;
    if (node->op == CESQL_AND ? !ret->boolean : node->op == CESQL_OR && ret->boolean)
        return true; /* the right one must not be evaluated */
    if (!evaluate_as(run, run->expression->nodes[node->first].next, MR_CESQL_BOOLEAN, &right))
        return false;
    ret->boolean = node->op == CESQL_XOR ? ret->boolean != right.boolean : right.boolean;
    return true;
}

static bool eval_pair(const struct run *run, const struct cesql_node *node, struct mr_cesql_value *left,
        struct mr_cesql_value *right)
{
    return evaluate(run, node->first, left) && evaluate(run, run->expression->nodes[node->first].next, right);
}

/* '=' is ambiguous, so the left operand is cast to the right one's type; '<' and the like are of integers. */
static bool eval_compare(const struct run *run, const struct cesql_node *node, struct mr_cesql_value *ret)
{
    struct mr_cesql_value x, y;
    bool equality = node->op == CESQL_EQUAL || node->op == CESQL_NOT_EQUAL;
    bool result;

    if (!eval_pair(run, node, &x, &y) || !cast(run, node->first, &x, equality ? y.type : MR_CESQL_INTEGER) ||
            (!equality && !cast(run, run->expression->nodes[node->first].next, &y, MR_CESQL_INTEGER)))
        return false;
    switch ((int)node->op) {
    case CESQL_EQUAL:
    case CESQL_NOT_EQUAL:
        result = equal(&x, &y) == (node->op == CESQL_EQUAL);
        break;
    case CESQL_LESS:
        result = x.integer < y.integer;
        break;
    case CESQL_LESS_EQUAL:
        result = x.integer <= y.integer;
        break;
    case CESQL_GREATER:
        result = x.integer > y.integer;
        break;
    default:
        assert(node->op == CESQL_GREATER_EQUAL);
        result = x.integer >= y.integer;
    }
    *ret = cesql_boolean(result);
    return true;
}

/* Exact in 64 bits. y is not 0 where that matters. */
static int64_t compute(enum cesql_token_kind op, int64_t x, int64_t y)
{
    switch ((int)op) {
    case CESQL_PLUS:
        return x + y;
    case CESQL_MINUS:
        return x - y;
    case CESQL_STAR:
        return x * y;
    case CESQL_DIVIDE:
        return x / y; /* C rounds towards 0, and the remainder has the sign of x */
    default:
        assert(op == CESQL_MODULO);
        return x % y;
    }
}

static bool eval_math(const struct run *run, const struct cesql_node *node, struct mr_cesql_value *ret)
{
    struct mr_cesql_value x, y;
    int64_t result;

    if (!eval_pair(run, node, &x, &y) || !cast(run, node->first, &x, MR_CESQL_INTEGER) ||
            !cast(run, run->expression->nodes[node->first].next, &y, MR_CESQL_INTEGER))
        return false;
    if (y.integer == 0 && (node->op == CESQL_DIVIDE || node->op == CESQL_MODULO))
        return fail(run, node, MR_CESQL_MATH, "division by zero", "");
    result = compute((enum cesql_token_kind)node->op, x.integer, y.integer);
    if (result < INT32_MIN || result > INT32_MAX)
        return fail(run, node, MR_CESQL_MATH, "the result is no 32-bit integer", "");
    *ret = cesql_integer((int32_t)result);
    return true;
}

/* ---- functions ---- */

static size_t arguments_count(const struct run *run, const struct cesql_node *node)
{
    size_t count = 0;

    for (uint16_t i = node->first; i != CESQL_NONE; i = run->expression->nodes[i].next)
        count++;
    return count;
}

static bool arguments(const struct run *run, const struct cesql_node *node, struct mr_cesql_value *out)
{
    size_t k = 0;

    for (uint16_t i = node->first; i != CESQL_NONE; i = run->expression->nodes[i].next, k++) {
        if (!evaluate(run, i, &out[k]))
            return false;
        if (!node->function->any && !cast(run, i, &out[k], cesql_function_parameter(node->function, k)))
            return false;
    }
    return true;
}

static bool eval_call(const struct run *run, const struct cesql_node *node, struct mr_cesql_value *ret)
{
    struct cesql_call call = {
            .arena = run->arena, .casing = run->expression->casing, .count = arguments_count(run, node)};
    struct mr_cesql_value few[CESQL_PARAMETERS_MAX], *values = few;
    enum mr_cesql_fault fault;

    *ret = cesql_zero(cesql_node_type(node)); /* but the function may say what it gives with its error */
    if (!node->function)
        return fail(run, node, MR_CESQL_MISSING_FUNCTION,
                node->negated ? "this function takes another number of arguments"
                              : "there is no such function",
                "docs/cesql.md lists the functions");
    if (call.count > MR_COUNT(few)) {
        values = mr_arena_alloc(run->arena, call.count * sizeof *values);
        if (!values)
            return no_room(run, node);
    }
    if (!arguments(run, node, values))
        return false;
    call.arguments = values;
    fault = node->function->call(&call, ret);
    if (fault == MR_CESQL_OK)
        return true;
    return fault == MR_CESQL_GENERIC ? no_room(run, node) : fail(run, node, fault, call.what, "");
}

/* ---- all of them ---- */

typedef bool (*eval_fn)(const struct run *run, const struct cesql_node *node, struct mr_cesql_value *ret);

static const struct {
    eval_fn eval;
    enum mr_cesql_type type;
} kinds[] = {
        [CESQL_NODE_LITERAL] = {eval_literal, MR_CESQL_BOOLEAN},
        [CESQL_NODE_ATTRIBUTE] = {eval_attribute, MR_CESQL_BOOLEAN},
        [CESQL_NODE_EXISTS] = {eval_exists, MR_CESQL_BOOLEAN},
        [CESQL_NODE_NOT] = {eval_not, MR_CESQL_BOOLEAN},
        [CESQL_NODE_NEGATE] = {eval_negate, MR_CESQL_INTEGER},
        [CESQL_NODE_LIKE] = {eval_like, MR_CESQL_BOOLEAN},
        [CESQL_NODE_IN] = {eval_in, MR_CESQL_BOOLEAN},
        [CESQL_NODE_LOGIC] = {eval_logic, MR_CESQL_BOOLEAN},
        [CESQL_NODE_COMPARE] = {eval_compare, MR_CESQL_BOOLEAN},
        [CESQL_NODE_MATH] = {eval_math, MR_CESQL_INTEGER},
        [CESQL_NODE_CALL] = {eval_call, MR_CESQL_BOOLEAN},
};

enum mr_cesql_type cesql_node_type(const struct cesql_node *node)
{
    if (node->kind == CESQL_NODE_LITERAL)
        return node->literal.type;
    if (node->kind == CESQL_NODE_CALL && node->function)
        return node->function->returns;
    return kinds[node->kind].type;
}

/* As deep as the tree, which MR_CESQL_DEPTH_MAX limits. */
static bool evaluate(const struct run *run, uint16_t index, struct mr_cesql_value *ret)
{
    const struct cesql_node *node = &run->expression->nodes[index];

    if (kinds[node->kind].eval(run, node, ret))
        return true;
    if (node->kind != CESQL_NODE_CALL)
        *ret = cesql_zero(cesql_node_type(node));
    return false;
}

bool cesql_evaluate_node(const struct mr_cesql *expression, uint16_t node,
        const struct mr_cesql_source *source, struct mr_arena *arena, struct mr_cesql_value *ret,
        struct mr_cesql_problem *problem)
{
    size_t like_steps = MR_CESQL_LIKE_STEPS_MAX;
    const struct run run = {expression, source, arena, problem, &like_steps};

    *problem = (struct mr_cesql_problem){.what = "", .cure = ""};
    return evaluate(&run, node, ret);
}

bool mr_cesql_evaluate(const struct mr_cesql *expression, const struct mr_cesql_source *source,
        struct mr_arena *arena, struct mr_cesql_value *ret, struct mr_cesql_problem *problem)
{
    return cesql_evaluate_node(expression, expression->root, source, arena, ret, problem);
}

const char *mr_cesql_type_name(enum mr_cesql_type type)
{
    static const char *const names[] = {
            [MR_CESQL_BOOLEAN] = "Boolean", [MR_CESQL_INTEGER] = "Integer", [MR_CESQL_STRING] = "String"};

    return names[type];
}

const char *mr_cesql_fault_name(enum mr_cesql_fault fault)
{
    static const char *const names[] = {[MR_CESQL_OK] = "",
            [MR_CESQL_PARSE] = "ParseError",
            [MR_CESQL_MATH] = "MathError",
            [MR_CESQL_CAST] = "CastError",
            [MR_CESQL_MISSING_ATTRIBUTE] = "MissingAttributeError",
            [MR_CESQL_MISSING_FUNCTION] = "MissingFunctionError",
            [MR_CESQL_FUNCTION_EVALUATION] = "FunctionEvaluationError",
            [MR_CESQL_GENERIC] = "GenericError"};

    return names[fault];
}
