/* A compiled expression: a tree in one array. For the files of this folder only. */
#ifndef MR_CESQL_NODE_H
#define MR_CESQL_NODE_H

#include <locale.h>

#include "hub/cesql/cesql.h"
#include "hub/cesql/token.h"

enum cesql_node_kind {
    CESQL_NODE_LITERAL,   /* literal */
    CESQL_NODE_ATTRIBUTE, /* name */
    CESQL_NODE_EXISTS,    /* name */
    CESQL_NODE_NOT,       /* one child */
    CESQL_NODE_NEGATE,    /* one child */
    CESQL_NODE_LIKE,      /* one child; literal is the pattern; negated */
    CESQL_NODE_IN,        /* first child in the others; negated */
    CESQL_NODE_LOGIC,     /* two children; op: CESQL_AND, OR, XOR */
    CESQL_NODE_COMPARE,   /* two; op: CESQL_EQUAL ... CESQL_GREATER_EQUAL */
    CESQL_NODE_MATH,      /* two; op: CESQL_PLUS ... CESQL_MODULO */
    CESQL_NODE_CALL,      /* any; function, NULL: there is none of this name with so many arguments */
};

enum { CESQL_NONE = UINT16_MAX };

struct cesql_function;

struct cesql_node {
    uint8_t kind; /* enum cesql_node_kind */
    uint8_t op;   /* enum cesql_token_kind */
    bool negated;
    uint16_t first; /* child, or CESQL_NONE; always of a smaller index than its parent */
    uint16_t next;  /* sibling, or CESQL_NONE */
    uint16_t depth; /* of the tree below, itself counted */
    uint32_t at;    /* byte where its operator, or else it itself, begins */
    union {
        struct mr_cesql_value literal;
        const char *name;
        const struct cesql_function *function;
    };
};

struct mr_cesql {
    locale_t casing; /* for LOWER and UPPER; 0 when neither is there */
    char *pool;      /* names and strings */
    uint16_t root;
    uint16_t count;
    struct cesql_node nodes[];
};

/* The type of what a node gives (section 3.2: Boolean where it cannot be told). */
enum mr_cesql_type cesql_node_type(const struct cesql_node *node);

/* False and a constant problem; see mr_cesql_evaluate(). For what analyses a part of an expression. */
bool cesql_evaluate_node(const struct mr_cesql *expression, uint16_t node,
        const struct mr_cesql_source *source, struct mr_arena *arena, struct mr_cesql_value *ret,
        struct mr_cesql_problem *problem);

#endif
