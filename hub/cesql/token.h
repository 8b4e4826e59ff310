/* The words of an expression (CESQL 1.0.0, sections 2.2 to 2.4). Pure; any thread. */
#ifndef MR_CESQL_TOKEN_H
#define MR_CESQL_TOKEN_H

#include "proto/base/slice.h"

enum cesql_token_kind {
    CESQL_END,
    CESQL_BAD, /* what: see struct cesql_token */
    CESQL_NAME,
    CESQL_INTEGER,
    CESQL_STRING,
    CESQL_TRUE,
    CESQL_FALSE,
    CESQL_OPEN,
    CESQL_CLOSE,
    CESQL_COMMA,
    CESQL_AND,
    CESQL_OR,
    CESQL_XOR,
    CESQL_NOT,
    CESQL_LIKE,
    CESQL_EXISTS,
    CESQL_IN,
    CESQL_EQUAL,
    CESQL_NOT_EQUAL,
    CESQL_LESS,
    CESQL_LESS_EQUAL,
    CESQL_GREATER,
    CESQL_GREATER_EQUAL,
    CESQL_PLUS,
    CESQL_MINUS,
    CESQL_STAR,
    CESQL_DIVIDE,
    CESQL_MODULO,
};

struct cesql_token {
    enum cesql_token_kind kind;
    size_t at;        /* byte where it begins */
    size_t size;      /* bytes; a string's with its quotes */
    const char *what; /* of CESQL_BAD: why */
};

/* The next one at or behind byte `at`. */
struct cesql_token cesql_token_next(struct mr_slice text, size_t at);

/* Letters of both cases are the same (section 2). */
bool cesql_same_word(struct mr_slice word, const char *upper_case);

/* A string literal's value into out, which has room for token->size bytes; returns its size. */
size_t cesql_token_string(struct mr_slice text, const struct cesql_token *token, char *out);

#endif
