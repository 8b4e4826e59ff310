#include "hub/cesql/token.h"

#include <string.h>

#include "proto/base/list.h"

static const struct {
    const char *word;
    enum cesql_token_kind kind;
} keywords[] = {
        {"AND", CESQL_AND},
        {"OR", CESQL_OR},
        {"XOR", CESQL_XOR},
        {"NOT", CESQL_NOT},
        {"LIKE", CESQL_LIKE},
        {"EXISTS", CESQL_EXISTS},
        {"IN", CESQL_IN},
        {"TRUE", CESQL_TRUE},
        {"FALSE", CESQL_FALSE},
};

/* A longer sign stands before the one that it begins with. */
static const struct {
    const char *sign;
    enum cesql_token_kind kind;
} signs[] = {
        {"!=", CESQL_NOT_EQUAL},
        {"<>", CESQL_NOT_EQUAL},
        {"<=", CESQL_LESS_EQUAL},
        {">=", CESQL_GREATER_EQUAL},
        {"<", CESQL_LESS},
        {">", CESQL_GREATER},
        {"=", CESQL_EQUAL},
        {"(", CESQL_OPEN},
        {")", CESQL_CLOSE},
        {",", CESQL_COMMA},
        {"+", CESQL_PLUS},
        {"-", CESQL_MINUS},
        {"*", CESQL_STAR},
        {"/", CESQL_DIVIDE},
        {"%", CESQL_MODULO},
};

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static uint8_t upper(uint8_t c)
{
    return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

bool cesql_same_word(struct mr_slice word, const char *upper_case)
{
    if (strlen(upper_case) != word.size)
        return false;
    for (size_t i = 0; i < word.size; i++)
        if (upper(word.data[i]) != (uint8_t)upper_case[i])
            return false;
    return true;
}

/* A string ends at its quote, unless a backslash stands before it; a backslash takes the next byte along. */
static struct cesql_token string_at(struct mr_slice text, size_t at)
{
    uint8_t quote = text.data[at];
    size_t i = at + 1;

    while (i < text.size && text.data[i] != quote)
        i += text.data[i] == '\\' ? 2 : 1;
    if (i >= text.size)
        return (struct cesql_token){CESQL_BAD, at, text.size - at, "this string has no end"};
    return (struct cesql_token){CESQL_STRING, at, i + 1 - at, NULL};
}

static struct cesql_token word_at(struct mr_slice text, size_t at)
{
    size_t end = at, digits = 0;

    while (end < text.size &&
            (is_letter(text.data[end]) || is_digit(text.data[end]) || text.data[end] == '_')) {
        digits += is_digit(text.data[end]);
        end++;
    }
    if (digits == end - at)
        return (struct cesql_token){CESQL_INTEGER, at, end - at, NULL};
    for (size_t i = 0; i < MR_COUNT(keywords); i++)
        if (cesql_same_word(mr_slice(text.data + at, end - at), keywords[i].word))
            return (struct cesql_token){keywords[i].kind, at, end - at, NULL};
    return (struct cesql_token){CESQL_NAME, at, end - at, NULL};
}

struct cesql_token cesql_token_next(struct mr_slice text, size_t at)
{
    while (at < text.size && is_space(text.data[at]))
        at++;
    if (at >= text.size)
        return (struct cesql_token){CESQL_END, text.size, 0, NULL};
    if (text.data[at] == '\'' || text.data[at] == '"')
        return string_at(text, at);
    if (is_letter(text.data[at]) || is_digit(text.data[at]))
        return word_at(text, at);
    for (size_t i = 0; i < MR_COUNT(signs); i++) {
        size_t size = strlen(signs[i].sign);

        if (text.size - at >= size && memcmp(text.data + at, signs[i].sign, size) == 0)
            return (struct cesql_token){signs[i].kind, at, size, NULL};
    }
    return (struct cesql_token){CESQL_BAD, at, 1, "no part of the language begins with this character"};
}

size_t cesql_token_string(struct mr_slice text, const struct cesql_token *token, char *out)
{
    const char *in = (const char *)text.data + token->at;
    size_t size = 0;

    for (size_t i = 1; i + 1 < token->size; i++) {
        if (in[i] == '\\' && in[i + 1] == in[0])
            i++; /* the quote itself */
        else if (in[i] == '\\')
            out[size++] = in[i++]; /* kept as it is, with what follows */
        out[size++] = in[i];
    }
    return size;
}
