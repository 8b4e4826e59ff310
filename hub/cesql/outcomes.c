/*
 * What an expression says before there is an event. A part that names known attributes only is evaluated;
 * AND, OR, XOR and NOT of parts are sets of what may come; all else may come out in any way.
 */
#include <string.h>

#include "hub/cesql/cast.h"
#include "hub/cesql/functions.h"
#include "hub/cesql/node.h"

enum { ANY = MR_CESQL_MAY_BE_TRUE | MR_CESQL_MAY_BE_FALSE | MR_CESQL_MAY_FAIL };

struct ask {
    const struct mr_cesql *expression;
    const char *const *known;
    size_t known_count;
    const struct mr_cesql_source *source;
    struct mr_arena *arena;
};

static bool is_known(const struct ask *ask, const char *name)
{
    for (size_t i = 0; i < ask->known_count; i++)
        if (strcmp(ask->known[i], name) == 0)
            return true;
    return false;
}

static bool all_known(const struct ask *ask, uint16_t index)
{
    const struct cesql_node *node = &ask->expression->nodes[index];

    if (node->kind == CESQL_NODE_ATTRIBUTE || node->kind == CESQL_NODE_EXISTS)
        return is_known(ask, node->name);
    for (uint16_t i = node->first; i != CESQL_NONE; i = ask->expression->nodes[i].next)
        if (!all_known(ask, i))
            return false;
    return true;
}

static unsigned certain(const struct ask *ask, uint16_t index)
{
    struct mr_cesql_problem problem;
    struct mr_cesql_value value;

    if (!cesql_evaluate_node(ask->expression, index, ask->source, ask->arena, &value, &problem) ||
            cesql_cast(&value, MR_CESQL_BOOLEAN, ask->arena) != MR_CESQL_OK)
        return MR_CESQL_MAY_FAIL;
    return value.boolean ? MR_CESQL_MAY_BE_TRUE : MR_CESQL_MAY_BE_FALSE;
}

static unsigned negated(unsigned outcomes)
{
    return (outcomes & MR_CESQL_MAY_FAIL) | (outcomes & MR_CESQL_MAY_BE_TRUE ? MR_CESQL_MAY_BE_FALSE : 0u) |
           (outcomes & MR_CESQL_MAY_BE_FALSE ? MR_CESQL_MAY_BE_TRUE : 0u);
}

/* The right operand counts only where the left one lets it be evaluated. */
static unsigned logic(unsigned op, unsigned left, unsigned right)
{
    unsigned outcomes = left & MR_CESQL_MAY_FAIL;

    if (left & MR_CESQL_MAY_BE_TRUE)
        outcomes |= op == CESQL_OR ? MR_CESQL_MAY_BE_TRUE : op == CESQL_AND ? right : negated(right);
    if (left & MR_CESQL_MAY_BE_FALSE)
        outcomes |= op == CESQL_AND ? (unsigned)MR_CESQL_MAY_BE_FALSE : right;
    return outcomes;
}

/* What the part becomes as a Boolean. */
static unsigned outcomes_of(const struct ask *ask, uint16_t index)
{
    const struct cesql_node *node = &ask->expression->nodes[index];

    if (all_known(ask, index))
        return certain(ask, index);
    if (node->kind == CESQL_NODE_EXISTS)
        return MR_CESQL_MAY_BE_TRUE | MR_CESQL_MAY_BE_FALSE;
    if (node->kind == CESQL_NODE_NOT)
        return negated(outcomes_of(ask, node->first));
    if (node->kind == CESQL_NODE_LOGIC)
        return logic(node->op, outcomes_of(ask, node->first),
                outcomes_of(ask, ask->expression->nodes[node->first].next));
    return ANY;
}

/* The value of the whole is a Boolean, an attribute's may be one. */
static bool may_be_boolean(const struct mr_cesql *expression)
{
    const struct cesql_node *root = &expression->nodes[expression->root];

    return cesql_node_type(root) == MR_CESQL_BOOLEAN;
}

unsigned mr_cesql_outcomes(const struct mr_cesql *expression, const char *const *known, size_t known_count,
        const struct mr_cesql_source *source, struct mr_arena *arena)
{
    const struct ask ask = {expression, known, known_count, source, arena};
    const struct cesql_node *root = &expression->nodes[expression->root];
    struct mr_cesql_value value;

    if (!may_be_boolean(expression))
        return MR_CESQL_MAY_FAIL;
    if (root->kind == CESQL_NODE_ATTRIBUTE && is_known(&ask, root->name) &&
            source->find(source->ctx, root->name, &value) && value.type != MR_CESQL_BOOLEAN)
        return MR_CESQL_MAY_FAIL; /* "true" as a String is no Boolean for a filter */
    return outcomes_of(&ask, expression->root);
}

/* ---- values ---- */

struct list {
    struct mr_slice *values;
    size_t count;
    size_t max;
};

static bool is_attribute(const struct mr_cesql *expression, uint16_t index, const char *name)
{
    const struct cesql_node *node = &expression->nodes[index];

    return node->kind == CESQL_NODE_ATTRIBUTE && strcmp(node->name, name) == 0;
}

static bool put_literal(struct list *list, const struct mr_cesql *expression, uint16_t index)
{
    const struct cesql_node *node = &expression->nodes[index];

    if (node->kind != CESQL_NODE_LITERAL || node->literal.type != MR_CESQL_STRING || list->count == list->max)
        return false;
    list->values[list->count++] = node->literal.string;
    return true;
}

static bool values_of(struct list *list, const struct mr_cesql *expression, uint16_t index, const char *name);

static bool values_of_logic(
        struct list *list, const struct mr_cesql *expression, const struct cesql_node *node, const char *name)
{
    uint16_t right = expression->nodes[node->first].next;
    size_t before = list->count;

    if (node->op == CESQL_OR)
        return values_of(list, expression, node->first, name) && values_of(list, expression, right, name);
    if (node->op != CESQL_AND)
        return false;
    if (values_of(list, expression, node->first, name))
        return true;
    list->count = before;
    return values_of(list, expression, right, name);
}

static bool values_of(struct list *list, const struct mr_cesql *expression, uint16_t index, const char *name)
{
    const struct cesql_node *node = &expression->nodes[index];
    uint16_t left = node->first, right = left == CESQL_NONE ? CESQL_NONE : expression->nodes[left].next;

    if (node->kind == CESQL_NODE_LOGIC)
        return values_of_logic(list, expression, node, name);
    if (node->kind == CESQL_NODE_COMPARE && node->op == CESQL_EQUAL) {
        if (is_attribute(expression, left, name))
            return put_literal(list, expression, right);
        return is_attribute(expression, right, name) && put_literal(list, expression, left);
    }
    if (node->kind != CESQL_NODE_IN || node->negated || !is_attribute(expression, left, name))
        return false;
    for (uint16_t i = right; i != CESQL_NONE; i = expression->nodes[i].next)
        if (!put_literal(list, expression, i))
            return false;
    return true;
}

size_t mr_cesql_values(
        const struct mr_cesql *expression, const char *attribute, struct mr_slice *ret, size_t max)
{
    struct list list = {ret, 0, max};

    return values_of(&list, expression, expression->root, attribute) ? list.count : 0;
}

/* ---- filters that cannot be meant ---- */

static bool is_attribute_name(const char *name)
{
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789")] == 0;
}

bool mr_cesql_check(const struct mr_cesql *expression, struct mr_cesql_problem *problem)
{
    const struct cesql_node *root = &expression->nodes[expression->root];

    *problem = (struct mr_cesql_problem){.what = "", .cure = ""};
    for (uint16_t i = 0; i < expression->count; i++) {
        const struct cesql_node *node = &expression->nodes[i];

        if (node->kind == CESQL_NODE_CALL && !node->function)
            *problem = (struct mr_cesql_problem){MR_CESQL_MISSING_FUNCTION, node->at,
                    node->negated ? "this function takes another number of arguments"
                                  : "there is no such function",
                    "docs/cesql.md lists the functions"};
        else if ((node->kind == CESQL_NODE_ATTRIBUTE || node->kind == CESQL_NODE_EXISTS) &&
                 !is_attribute_name(node->name))
            *problem = (struct mr_cesql_problem){MR_CESQL_MISSING_ATTRIBUTE, node->at,
                    "no attribute can have this name", "names are of small letters and digits"};
        if (problem->fault != MR_CESQL_OK)
            return false;
    }
    if (may_be_boolean(expression))
        return true;
    *problem = (struct mr_cesql_problem){MR_CESQL_CAST, root->at,
            "the value of this expression is never Boolean, so no event can pass",
            "compare it with something"};
    return false;
}
