/*
 * Section 2, with the precedence of section 3.6: functions, NOT and '-', LIKE, EXISTS, IN, then the binary
 * operators by level; what is equal goes from left to right. NOT binds tighter than '=', LIKE and IN.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "hub/cesql/cast.h"
#include "hub/cesql/chars.h"
#include "hub/cesql/functions.h"
#include "hub/cesql/node.h"
#include "proto/base/err.h"
#include "proto/base/list.h"
#include "proto/wire/wire.h"

struct parser {
    struct mr_slice text;
    struct cesql_token token; /* the next one */
    struct mr_cesql_problem *problem;
    unsigned depth;
    bool casing;
    char *pool;
    size_t pool_used;
    uint16_t count;
    struct cesql_node nodes[MR_CESQL_NODES_MAX];
};

/* Every parse function gives a node or CESQL_NONE, and then the problem is told. */
static uint16_t fail(struct parser *p, size_t at, const char *what, const char *cure)
{
    *p->problem = (struct mr_cesql_problem){MR_CESQL_PARSE, at, what, cure};
    return CESQL_NONE;
}

static uint16_t unexpected(struct parser *p, const char *wanted)
{
    if (p->token.kind == CESQL_BAD)
        return fail(p, p->token.at, p->token.what, "");
    return fail(p, p->token.at, p->token.kind == CESQL_END ? "the expression ends too early" : wanted,
            p->token.kind == CESQL_END ? wanted : "");
}

static void advance(struct parser *p)
{
    p->token = cesql_token_next(p->text, p->token.at + p->token.size);
}

static bool take(struct parser *p, enum cesql_token_kind kind)
{
    if (p->token.kind != kind)
        return false;
    advance(p);
    return true;
}

/* ---- nodes ---- */

static uint16_t add(struct parser *p, struct cesql_node node)
{
    unsigned depth = 0;

    if (p->count == MR_CESQL_NODES_MAX)
        return fail(p, node.at, "the expression has more than 1024 parts", "split it into several filters");
    for (uint16_t i = node.first; i != CESQL_NONE; i = p->nodes[i].next)
        if (p->nodes[i].depth > depth)
            depth = p->nodes[i].depth;
    if (depth >= MR_CESQL_DEPTH_MAX)
        return fail(p, node.at, "more than 200 operators lie within each other",
                "write IN (...) for a long chain of OR, or split it into several filters");
    node.depth = (uint16_t)(depth + 1);
    p->nodes[p->count] = node;
    return p->count++;
}

static uint16_t add_pair(struct parser *p, struct cesql_node node, uint16_t left, uint16_t right)
{
    node.first = left;
    node.next = CESQL_NONE;
    p->nodes[left].next = right;
    return add(p, node);
}

static struct cesql_node node_of(enum cesql_node_kind kind, size_t at)
{
    return (struct cesql_node){
            .kind = (uint8_t)kind, .at = (uint32_t)at, .first = CESQL_NONE, .next = CESQL_NONE};
}

/* The pool holds every name and string with a NUL; names and strings are shorter than their source but for
 * that NUL, and each has at least a byte there. */
static const char *keep_name(struct parser *p, const struct cesql_token *token)
{
    char *out = p->pool + p->pool_used;

    memcpy(out, p->text.data + token->at, token->size);
    out[token->size] = 0;
    p->pool_used += token->size + 1;
    return out;
}

static struct mr_cesql_value keep_string(struct parser *p, const struct cesql_token *token)
{
    char *out = p->pool + p->pool_used;
    size_t size = cesql_token_string(p->text, token, out);

    p->pool_used += size;
    return cesql_string(mr_slice(out, size));
}

/* ---- grammar ---- */

static uint16_t parse_expression(struct parser *p, unsigned level);

static uint16_t parse_integer(struct parser *p, size_t at, size_t size)
{
    struct cesql_node node = node_of(CESQL_NODE_LITERAL, at);

    node.literal = cesql_string(mr_slice(p->text.data + at, size));
    if (cesql_cast(&node.literal, MR_CESQL_INTEGER, NULL) != MR_CESQL_OK)
        return fail(p, at, "an integer lies between -2147483648 and 2147483647", "write it as a string");
    advance(p);
    return add(p, node);
}

/* One or more expressions up to the closing bracket; they become siblings behind *last. */
static bool parse_list(struct parser *p, uint16_t *first, uint16_t *last, size_t *count)
{
    do {
        uint16_t one = parse_expression(p, 0);

        if (one == CESQL_NONE)
            return false;
        if (*last == CESQL_NONE)
            *first = one;
        else
            p->nodes[*last].next = one;
        *last = one;
        (*count)++;
    } while (take(p, CESQL_COMMA));
    if (take(p, CESQL_CLOSE))
        return true;
    unexpected(p, "a comma or a closing bracket belongs here");
    return false;
}

static uint16_t parse_call(struct parser *p, const struct cesql_token *name)
{
    struct cesql_node node = node_of(CESQL_NODE_CALL, name->at);
    struct mr_slice word = mr_slice(p->text.data + name->at, name->size);
    uint16_t last = CESQL_NONE;
    size_t count = 0;

    for (size_t i = 0; i < word.size; i++)
        if (word.data[i] >= '0' && word.data[i] <= '9')
            return fail(p, name->at, "a function's name is of letters and '_'", "");
    if (!take(p, CESQL_CLOSE) && !parse_list(p, &node.first, &last, &count))
        return CESQL_NONE;
    node.function = cesql_function_find(word, count);
    node.negated = !node.function && cesql_function_named(word); /* for the problem's words */
    p->casing |= node.function && node.function->casing;
    return add(p, node);
}

/* An attribute's name, or a function. */
static uint16_t parse_name(struct parser *p)
{
    struct cesql_token name = p->token;
    struct cesql_node node = node_of(CESQL_NODE_ATTRIBUTE, name.at);

    advance(p);
    if (take(p, CESQL_OPEN))
        return parse_call(p, &name);
    if (memchr(p->text.data + name.at, '_', name.size))
        return fail(p, name.at, "an attribute's name is of small letters and digits",
                "a function's name has a bracket behind it");
    node.name = keep_name(p, &name);
    return add(p, node);
}

static uint16_t parse_exists(struct parser *p)
{
    struct cesql_node node = node_of(CESQL_NODE_EXISTS, p->token.at);
    struct cesql_token name;

    advance(p);
    name = p->token;
    if ((name.kind != CESQL_NAME && name.kind != CESQL_INTEGER) ||
            memchr(p->text.data + name.at, '_', name.size))
        return unexpected(p, "an attribute's name belongs behind EXISTS");
    node.name = keep_name(p, &name);
    advance(p);
    return add(p, node);
}

static uint16_t parse_primary(struct parser *p)
{
    struct cesql_node node = node_of(CESQL_NODE_LITERAL, p->token.at);
    uint16_t inner;

    switch ((int)p->token.kind) {
    case CESQL_TRUE:
    case CESQL_FALSE:
        node.literal = cesql_boolean(p->token.kind == CESQL_TRUE);
        advance(p);
        return add(p, node);
    case CESQL_STRING:
        node.literal = keep_string(p, &p->token);
        advance(p);
        return add(p, node);
    case CESQL_INTEGER:
        return parse_integer(p, p->token.at, p->token.size);
    case CESQL_NAME:
        return parse_name(p);
    case CESQL_EXISTS:
        return parse_exists(p);
    case CESQL_OPEN:
        advance(p);
        inner = parse_expression(p, 0);
        if (inner == CESQL_NONE || take(p, CESQL_CLOSE))
            return inner;
        return unexpected(p, "an operator or a closing bracket belongs here");
    default:
        return unexpected(p, "a value belongs here: an attribute, a literal, a function or a bracket");
    }
}

/* NOT and '-'; a sign right before digits is the literal's own. */
static uint16_t parse_unary(struct parser *p)
{
    struct cesql_token sign = p->token;
    struct cesql_node node = node_of(sign.kind == CESQL_NOT ? CESQL_NODE_NOT : CESQL_NODE_NEGATE, sign.at);
    uint16_t child;

    if (sign.kind != CESQL_NOT && sign.kind != CESQL_MINUS && sign.kind != CESQL_PLUS)
        return parse_primary(p);
    advance(p);
    if (sign.kind != CESQL_NOT && p->token.kind == CESQL_INTEGER && p->token.at == sign.at + 1)
        return parse_integer(p, sign.at, p->token.size + 1);
    if (sign.kind == CESQL_PLUS)
        return fail(p, sign.at, "a value belongs here, and '+' alone is none", "");
    if (++p->depth > MR_CESQL_DEPTH_MAX)
        return fail(p, sign.at, "more than 200 signs in a row", "");
    child = parse_unary(p);
    p->depth--;
    if (child == CESQL_NONE)
        return child;
    node.first = child;
    return add(p, node);
}

static uint16_t parse_like(struct parser *p, struct cesql_node node, uint16_t child)
{
    node.kind = CESQL_NODE_LIKE;
    node.first = child;
    if (p->token.kind != CESQL_STRING)
        return unexpected(p, "the pattern of LIKE is a string literal");
    node.literal = keep_string(p, &p->token);
    advance(p);
    return add(p, node);
}

static uint16_t parse_in(struct parser *p, struct cesql_node node, uint16_t child)
{
    uint16_t last = child;
    size_t count = 0;

    node.kind = CESQL_NODE_IN;
    node.first = child;
    if (!take(p, CESQL_OPEN))
        return unexpected(p, "a bracket with at least one value belongs behind IN");
    if (p->token.kind == CESQL_CLOSE)
        return unexpected(p, "IN needs at least one value");
    return parse_list(p, &node.first, &last, &count) ? add(p, node) : CESQL_NONE;
}

/* LIKE and IN, with or without NOT, behind what they are asked of. */
static uint16_t parse_postfix(struct parser *p)
{
    uint16_t left = parse_unary(p);

    while (left != CESQL_NONE) {
        struct cesql_node node = node_of(CESQL_NODE_LIKE, p->token.at);

        node.negated = take(p, CESQL_NOT);
        if (take(p, CESQL_LIKE))
            left = parse_like(p, node, left);
        else if (take(p, CESQL_IN))
            left = parse_in(p, node, left);
        else if (node.negated)
            return unexpected(p, "LIKE or IN belongs behind this NOT");
        else
            break;
    }
    return left;
}

/* Precedence of the binary operators: 1 is the lowest; 0: the token is none. */
static unsigned level_of(enum cesql_token_kind kind, enum cesql_node_kind *node)
{
    static const struct {
        enum cesql_token_kind first, last;
        enum cesql_node_kind node;
    } levels[] = {{CESQL_AND, CESQL_XOR, CESQL_NODE_LOGIC},
            {CESQL_EQUAL, CESQL_GREATER_EQUAL, CESQL_NODE_COMPARE},
            {CESQL_PLUS, CESQL_MINUS, CESQL_NODE_MATH}, {CESQL_STAR, CESQL_MODULO, CESQL_NODE_MATH}};

    for (unsigned i = 0; i < MR_COUNT(levels); i++) {
        *node = levels[i].node;
        if (kind >= levels[i].first && kind <= levels[i].last)
            return i + 1;
    }
    return 0;
}

/* Operators above `level`. */
static uint16_t parse_binary(struct parser *p, unsigned level)
{
    uint16_t left = parse_postfix(p);

    while (left != CESQL_NONE) {
        enum cesql_node_kind kind;
        unsigned own = level_of(p->token.kind, &kind);
        struct cesql_node node = node_of(kind, p->token.at);
        uint16_t right;

        if (own <= level)
            break;
        node.op = (uint8_t)p->token.kind;
        advance(p);
        right = parse_binary(p, own);
        if (right == CESQL_NONE)
            return right;
        left = add_pair(p, node, left, right);
    }
    return left;
}

static uint16_t parse_expression(struct parser *p, unsigned level)
{
    uint16_t node;

    if (++p->depth > MR_CESQL_DEPTH_MAX)
        return fail(p, p->token.at, "more than 200 brackets lie within each other", "");
    node = parse_binary(p, level);
    p->depth--;
    return node;
}

static uint16_t parse(struct parser *p)
{
    uint16_t root;

    p->token = cesql_token_next(p->text, 0);
    root = parse_expression(p, 0);
    if (root != CESQL_NONE && p->token.kind != CESQL_END)
        return unexpected(p, "the expression is over before this: an operator is missing");
    return root;
}

/* ---- the block ---- */

static int finish(struct mr_cesql **ret, const struct parser *p, uint16_t root)
{
    size_t nodes_size = p->count * sizeof(struct cesql_node);
    struct mr_cesql *expression = malloc(sizeof *expression + nodes_size);

    if (!expression)
        return MR_ENOMEM;
    *expression = (struct mr_cesql){.pool = p->pool, .root = root, .count = p->count};
    memcpy(expression->nodes, p->nodes, nodes_size);
    if (p->casing) {
        expression->casing = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
        if (!expression->casing) {
            free(expression);
            *p->problem = (struct mr_cesql_problem){MR_CESQL_GENERIC, 0,
                    "LOWER and UPPER need the locale C.UTF-8, and this system has none",
                    "install the package libc-bin"};
            return MR_EUNSUPPORTED;
        }
    }
    *ret = expression;
    return 0;
}

/* The first byte that begins no character; text.size: all is UTF-8. */
static size_t not_utf8(struct mr_slice text)
{
    size_t i = 0, size;

    for (; i < text.size; i += size) {
        size = cesql_char_size(mr_slice(text.data + i, text.size - i));
        if (!mr_utf8_valid(mr_slice(text.data + i, size)))
            break;
    }
    return i;
}

static int check_text(struct mr_slice text, struct mr_cesql_problem *problem)
{
    size_t bad = text.size > MR_CESQL_BYTES_MAX ? MR_CESQL_BYTES_MAX : not_utf8(text);

    *problem = (struct mr_cesql_problem){.what = "", .cure = ""};
    if (bad == text.size)
        return 0;
    *problem = text.size > MR_CESQL_BYTES_MAX
                       ? (struct mr_cesql_problem){MR_CESQL_PARSE, bad,
                                 "the expression is longer than 8192 bytes", "split it into several filters"}
                       : (struct mr_cesql_problem){
                                 MR_CESQL_PARSE, bad, "this is no UTF-8", "save the file as UTF-8"};
    return MR_EINVAL;
}

int mr_cesql_compile(struct mr_cesql **ret, struct mr_slice text, struct mr_cesql_problem *problem)
{
    struct parser *p;
    uint16_t root;
    int r = check_text(text, problem);

    if (r < 0)
        return r;
    p = calloc(1, sizeof *p);
    if (p) {
        p->text = text;
        p->problem = problem;
        p->pool = malloc(text.size * 2 + 2);
    }
    if (!p || !p->pool) {
        free(p);
        return MR_ENOMEM;
    }
    root = parse(p);
    assert(p->pool_used <= text.size * 2 + 1);
    r = root == CESQL_NONE ? MR_EINVAL : finish(ret, p, root);
    if (r < 0)
        free(p->pool);
    free(p);
    return r;
}

void mr_cesql_free(struct mr_cesql *expression)
{
    if (!expression)
        return;
    if (expression->casing)
        freelocale(expression->casing);
    free(expression->pool);
    free(expression);
}
