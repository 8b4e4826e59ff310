/*
 * CESQL 1.0.0 rule by rule: the section that a table is about stands above it. Each row is an expression, its
 * value, and its error with the place where it is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/cesql/cesql.h"
#include "proto/base/err.h"
#include "proto/base/list.h"

static const struct {
    const char *name;
    struct mr_cesql_value value;
} attributes[] = {
        {"id", {.type = MR_CESQL_STRING, .string = {(const uint8_t *)"e-17", 4}}},
        {"type", {.type = MR_CESQL_STRING, .string = {(const uint8_t *)"nms.route.closed.v1", 19}}},
        {"hop", {.type = MR_CESQL_STRING, .string = {(const uint8_t *)"5", 1}}},
        {"ttl", {.type = MR_CESQL_STRING, .string = {(const uint8_t *)"10", 2}}},
        {"word", {.type = MR_CESQL_STRING, .string = {(const uint8_t *)"Yes", 3}}},
        {"truth", {.type = MR_CESQL_STRING, .string = {(const uint8_t *)"tRuE", 4}}},
        {"empty", {.type = MR_CESQL_STRING, .string = {(const uint8_t *)"", 0}}},
        {"count", {.type = MR_CESQL_INTEGER, .integer = 42}},
        {"flag", {.type = MR_CESQL_BOOLEAN, .boolean = true}},
        {"firstname", {.type = MR_CESQL_STRING, .string = {(const uint8_t *)"Anna", 4}}},
        {"lastname", {.type = MR_CESQL_STRING, .string = {(const uint8_t *)"Orlova", 6}}},
        {"sequence", {.type = MR_CESQL_STRING, .string = {(const uint8_t *)"10", 2}}},
        {"2nd", {.type = MR_CESQL_STRING, .string = {(const uint8_t *)"b", 1}}},
};

static bool find(const void *ctx, const char *name, struct mr_cesql_value *ret)
{
    (void)ctx;
    for (size_t i = 0; i < MR_COUNT(attributes); i++) {
        if (strcmp(attributes[i].name, name) == 0) {
            *ret = attributes[i].value;
            return true;
        }
    }
    return false;
}

static const struct mr_cesql_source source = {find, NULL};

/* "true", "7", "'text'"; then the error's name and the byte, as "'' CastError 4". */
static void result_text(const char *expression, char *out, size_t size)
{
    struct mr_cesql *compiled = NULL;
    struct mr_cesql_problem problem;
    struct mr_cesql_value value;
    struct mr_arena arena;
    int r = mr_cesql_compile(&compiled, mr_slice_str(expression), &problem);

    if (r < 0) {
        assert_int_equal(r, MR_EINVAL);
        assert_int_equal(problem.fault, MR_CESQL_PARSE);
        assert_true(problem.at <= strlen(expression) && strlen(problem.what) > 5);
        (void)snprintf(out, size, "ParseError %zu", problem.at);
        return;
    }
    mr_arena_init(&arena, MR_CESQL_BUDGET_BYTES);
    r = mr_cesql_evaluate(compiled, &source, &arena, &value, &problem);
    if (value.type == MR_CESQL_BOOLEAN)
        (void)snprintf(out, size, "%s", value.boolean ? "true" : "false");
    else if (value.type == MR_CESQL_INTEGER)
        (void)snprintf(out, size, "%d", value.integer);
    else
        (void)snprintf(out, size, "'%.*s'", (int)value.string.size, (const char *)value.string.data);
    assert_int_equal(r, problem.fault == MR_CESQL_OK);
    if (!r)
        (void)snprintf(out + strlen(out), size - strlen(out), " %s %zu", mr_cesql_fault_name(problem.fault),
                problem.at);
    mr_arena_fini(&arena);
    mr_cesql_free(compiled);
}

struct row {
    const char *expression;
    const char *result;
};

static void check_rows(const struct row *rows, size_t count)
{
    int wrong = 0;

    for (size_t i = 0; i < count; i++) {
        char got[256];

        result_text(rows[i].expression, got, sizeof got);
        if (strcmp(got, rows[i].result) == 0)
            continue;
        print_error("%s\n  gives  %s\n  not    %s\n", rows[i].expression, got, rows[i].result);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

#define CHECK(...)                                                                                           \
    do {                                                                                                     \
        static const struct row rows[] = {__VA_ARGS__};                                                      \
                                                                                                             \
        (void)state;                                                                                         \
        check_rows(rows, MR_COUNT(rows));                                                                    \
    } while (0)

/* 2.2 */
static void literals(void **state)
{
    CHECK({"0", "0"}, {"007", "7"}, {"+3", "3"}, {"-3", "-3"}, {"2147483647", "2147483647"},
            {"-2147483648", "-2147483648"}, {"2147483648", "ParseError 0"}, {"-2147483649", "ParseError 0"},
            {"99999999999999999999999", "ParseError 0"}, {"true", "true"}, {"FaLsE", "false"}, {"''", "''"},
            {"\"\"", "''"}, {"'Ёж'", "'Ёж'"}, {"'say \"so\"'", "'say \"so\"'"}, {"\"it's\"", "'it's'"},
            {"'it\\'s'", "'it's'"}, {"\"a\\\"b\"", "'a\"b'"}, {"'a\\\"b'", "'a\\\"b'"}, {"'a\\n'", "'a\\n'"},
            {"'a\\\\'", "'a\\\\'"}, {"'\\'\\''", "''''"}, {" \t\r\n'x' ", "'x'"},
            {"'line\nbreak'", "'line\nbreak'"}, {"'open", "ParseError 0"}, {"1 + 'open\\'", "ParseError 4"},
            {"\"a'", "ParseError 0"}, {"'a' 'b'", "ParseError 4"}, {"'a''b'", "ParseError 3"},
            {"+ 3", "ParseError 0"}, {"1.5", "ParseError 1"}, {"", "ParseError 0"}, {"   ", "ParseError 3"},
            {"\xff", "ParseError 0"}, {"'a\xc3'", "ParseError 2"}, {"1 = 'Ж' Ж", "ParseError 9"},
            {"#", "ParseError 0"}, {"1 ; 2", "ParseError 2"});
}

/* 2.2, 3.2 */
static void attributes_and_their_absence(void **state)
{
    CHECK({"id", "'e-17'"}, {"count", "42"}, {"flag", "true"}, {"2nd", "'b'"}, {"empty", "''"},
            {"absent", "false MissingAttributeError 0"}, {"count + absent", "0 MissingAttributeError 8"},
            {"1 / absent", "0 MissingAttributeError 4"}, {"absent / 0", "0 MissingAttributeError 0"},
            {"absent = ''", "false MissingAttributeError 0"},
            {"absent != ''", "false MissingAttributeError 0"},
            {"true AND (absent = '')", "false MissingAttributeError 10"},
            {"true AND (missingAttribute = '')", "false MissingAttributeError 10"},
            {"NOT absent", "false MissingAttributeError 4"}, {"-absent", "0 MissingAttributeError 1"},
            {"absent LIKE '%'", "false MissingAttributeError 0"},
            {"absent NOT LIKE '%'", "false MissingAttributeError 0"},
            {"absent IN ('a')", "false MissingAttributeError 0"},
            {"absent NOT IN ('a')", "false MissingAttributeError 0"},
            {"'b' NOT IN ('a', absent)", "false MissingAttributeError 17"},
            {"LENGTH(absent)", "0 MissingAttributeError 7"},
            {"CONCAT('a', absent)", "'' MissingAttributeError 12"},
            {"LEFT(absent, -1)", "'' MissingAttributeError 5"}, {"Id", "false MissingAttributeError 0"},
            {"a_b", "ParseError 0"}, {"id_", "ParseError 0"}, {"id source", "ParseError 3"});
}

/* 3.4.1, 3.4.2, 3.6: and the choice that what does not fit into 32 bits is a MathError */
static void arithmetic(void **state)
{
    CHECK({"1 + 2 * 3", "7"}, {"(1 + 2) * 3", "9"}, {"10 - 3 - 2", "5"}, {"10 - (3 - 2)", "9"}, {"2-1", "1"},
            {"2 -1", "1"}, {"2 - -1", "3"}, {"2--1", "3"}, {"7 / 2", "3"}, {"-7 / 2", "-3"}, {"7 / -2", "-3"},
            {"7 % 3", "1"}, {"-7 % 3", "-1"}, {"7 % -3", "1"}, {"20 / 2 * 5", "50"}, {"20 % 7 * 2", "12"},
            {"2 * 3 % 4", "2"}, {"- 5", "-5"}, {"--5", "5"}, {"- -5", "5"}, {"-(1 + 2)", "-3"},
            {"-hop", "-5"}, {"-2nd", "0 CastError 1"}, {"hop + ttl", "15"}, {"hop * '2'", "10"},
            {"TRUE + TRUE", "2"}, {"count - flag", "41"}, {"5 / 0", "0 MathError 2"},
            {"5 % 0", "0 MathError 2"}, {"5 / FALSE", "0 MathError 2"}, {"2147483647 + 1", "0 MathError 11"},
            {"-2147483648 - 1", "0 MathError 12"}, {"65536 * 65536", "0 MathError 6"},
            {"-2147483648 / -1", "0 MathError 12"}, {"-2147483648 % -1", "0"},
            {"--2147483648", "0 MathError 0"}, {"-'x'", "0 CastError 1"}, {"1 + word", "0 CastError 4"},
            {"word + 1", "0 CastError 0"}, {"word + 'no'", "0 CastError 0"}, {"1 +", "ParseError 3"},
            {"* 2", "ParseError 0"}, {"1 + * 2", "ParseError 4"}, {"(1", "ParseError 2"},
            {"1)", "ParseError 1"}, {"()", "ParseError 1"}, {"1 2", "ParseError 2"});
}

/* 3.4.2, 3.7: '=' casts the left operand to the type of the right one */
static void comparison(void **state)
{
    CHECK({"1 = 1", "true"}, {"1 = 2", "false"}, {"1 != 2", "true"}, {"1 <> 1", "false"},
            {"'a' = 'a'", "true"}, {"'a' = 'A'", "false"}, {"'a' <> 'A'", "true"}, {"TRUE = FALSE", "false"},
            {"TRUE != FALSE", "true"}, {"hop = 5", "true"}, {"hop = '5'", "true"}, {"'05' = 5", "true"},
            {"5 = '05'", "false"}, {"5 = '5'", "true"}, {"TRUE = 'true'", "true"}, {"TRUE = 'TRUE'", "false"},
            {"'TRUE' = TRUE", "true"}, {"TRUE = \"true\" AND FALSE = \"false\"", "true"},
            {"TRUE = \"TRUE\" OR FALSE = \"FALSE\"", "false"}, {"7 = TRUE", "true"}, {"0 = TRUE", "false"},
            {"TRUE = 1", "true"}, {"word = 5", "false CastError 0"}, {"word != 5", "false CastError 0"},
            {"'x' = TRUE", "false CastError 0"}, {"truth = TRUE", "true"}, {"hop < ttl", "true"},
            {"ttl < hop", "false"}, {"5 <= hop", "true"}, {"hop >= 6", "false"}, {"hop > 4", "true"},
            {"'9' < '10'", "true"}, {"FALSE < TRUE", "true"}, {"word < 1", "false CastError 0"},
            {"1 < word", "false CastError 4"}, {"1 < 2 = TRUE", "true"}, {"1 = 1 = 1", "true"},
            {"3 > 2 > 1", "false"}, {"3 > 2 > 0", "true"}, {"1 + 1 = 4 / 2", "true"},
            {"(1 / 0) = 0", "false MathError 3"}, {"1 == 1", "ParseError 3"}, {"1 ! 1", "ParseError 2"},
            {"= 1", "ParseError 0"}, {"1 =", "ParseError 3"}, {"1 => 1", "ParseError 3"});
}

/* 3.4.1, 3.4.2, 3.6 */
static void logic(void **state)
{
    CHECK({"TRUE AND TRUE", "true"}, {"TRUE AND FALSE", "false"}, {"FALSE OR TRUE", "true"},
            {"FALSE OR FALSE", "false"}, {"TRUE XOR TRUE", "false"}, {"TRUE XOR FALSE", "true"},
            {"FALSE XOR FALSE", "false"}, {"NOT TRUE", "false"}, {"NOT NOT TRUE", "true"},
            {"not false", "true"}, {"NOT 'FALSE'", "true"}, {"NOT 0", "true"}, {"NOT 10", "false"},
            {"NOT word", "false CastError 0"}, {"truth AND 1", "true"},
            {"TRUE AND word", "false CastError 9"}, {"word AND TRUE", "false CastError 0"},
            {"word OR TRUE", "false CastError 0"},
            /* the right operand must not be evaluated */
            {"FALSE AND absent", "false"}, {"TRUE OR absent", "true"}, {"FALSE AND 1 / 0", "false"},
            {"TRUE OR NOSUCH()", "true"}, {"FALSE OR absent", "false MissingAttributeError 9"},
            {"TRUE AND 1 / 0", "false MathError 11"}, {"TRUE XOR absent", "false MissingAttributeError 9"},
            {"FALSE XOR absent", "false MissingAttributeError 10"},
            {"absent AND FALSE", "false MissingAttributeError 0"},
            {"TRUE AND (1 != 1 / 0)", "false MathError 17"}, {"FALSE OR (1 != 1 / 0)", "false MathError 17"},
            /* AND, OR and XOR are of one level, from left to right */
            {"TRUE OR FALSE AND FALSE", "false"}, {"TRUE OR (FALSE AND FALSE)", "true"},
            {"FALSE AND TRUE OR TRUE", "true"}, {"TRUE XOR TRUE AND FALSE", "false"},
            {"TRUE OR absent AND absent", "false MissingAttributeError 19"},
            /* NOT binds tighter than what follows */
            {"NOT 1 = 0", "true"}, {"NOT FALSE = FALSE", "false"}, {"NOT (FALSE = FALSE)", "false"},
            {"NOT type = 'x'", "false CastError 0"}, {"NOT (type = 'x')", "true"}, {"NOT 0 + 1", "2"},
            {"AND TRUE", "ParseError 0"}, {"TRUE AND", "ParseError 8"}, {"TRUE TRUE", "ParseError 5"},
            {"NOT", "ParseError 3"}, {"TRUE AND OR TRUE", "ParseError 9"});
}

/* 3.4.3 */
static void like(void **state)
{
    CHECK({"'abc' LIKE 'abc'", "true"}, {"'abc' LIKE 'aBc'", "false"}, {"'abc' LIKE 'ab'", "false"},
            {"'ab' LIKE 'abc'", "false"}, {"'' LIKE ''", "true"}, {"'' LIKE '%'", "true"},
            {"'' LIKE '_'", "false"}, {"'abc' LIKE '%'", "true"}, {"'abc' LIKE 'a%'", "true"},
            {"'abc' LIKE '%c'", "true"}, {"'abc' LIKE '%b%'", "true"}, {"'abc' LIKE '%b'", "false"},
            {"'abc' LIKE '___'", "true"}, {"'abc' LIKE '__'", "false"}, {"'abc' LIKE '____'", "false"},
            {"'abc' LIKE '_%_'", "true"}, {"'aXbXc' LIKE 'a%X%c'", "true"}, {"'abab' LIKE '%ab'", "true"},
            {"'ababx' LIKE '%ab'", "false"}, {"'aab' LIKE '%ab'", "true"},
            {"'mississippi' LIKE '%iss%ip%'", "true"}, {"'a%c' LIKE 'a\\%c'", "true"},
            {"'abc' LIKE 'a\\%c'", "false"}, {"'a_c' LIKE 'a\\_c'", "true"}, {"'abc' LIKE 'a\\_c'", "false"},
            {"'x%' LIKE '%\\%'", "true"}, {"'xy' LIKE '%\\%'", "false"}, {"'a\\b' LIKE 'a\\b'", "true"},
            {"'a\\b' LIKE 'a_b'", "true"}, {"'it\\'s' LIKE '%\\'s'", "true"}, {"'.*' LIKE '.*'", "true"},
            {"'ab' LIKE '.*'", "false"}, {"'ёж' LIKE '__'", "true"}, {"'ёж' LIKE '_ж'", "true"},
            {"'ёжик' LIKE '%__ик'", "true"}, {"'ёж' LIKE '%_ёж'", "false"}, {"'abc' NOT LIKE 'abd'", "true"},
            {"'abc' not like '%'", "false"}, {"12 LIKE '1_'", "true"}, {"-12 LIKE '-%'", "true"},
            {"TRUE LIKE 'tru_'", "true"}, {"flag LIKE 'TRUE'", "false"}, {"type LIKE 'nms.route.%'", "true"},
            {"NOT 'false' LIKE 'tr%'", "true"}, {"'a' LIKE 'a' = TRUE", "true"}, {"1 + 2 LIKE '2'", "2"},
            {"'x' LIKE 'x' LIKE 'true'", "true"}, {"'a' LIKE id", "ParseError 9"},
            {"'a' LIKE 5", "ParseError 9"}, {"'a' LIKE ('a')", "ParseError 9"}, {"'a' LIKE", "ParseError 8"},
            {"'a' NOT 'b'", "ParseError 8"}, {"(1 / 0) LIKE '0'", "false MathError 3"});
}

/* 3.4.4 */
static void exists(void **state)
{
    CHECK({"EXISTS id", "true"}, {"exists absent", "false"}, {"EXISTS empty", "true"}, {"EXISTS 2nd", "true"},
            {"NOT EXISTS absent", "true"}, {"EXISTS absent AND absent = 'x'", "false"},
            {"EXISTS id = TRUE", "true"}, {"EXISTS id AND EXISTS type", "true"},
            {"EXISTS 'id'", "ParseError 7"}, {"EXISTS", "ParseError 6"}, {"EXISTS (id)", "ParseError 7"},
            {"EXISTS a_b", "ParseError 7"}, {"EXISTS true", "ParseError 7"});
}

/* 3.4.5, 3.7: the left operand's type is that of the comparison */
static void in(void **state)
{
    CHECK({"2 IN (1, 2, 3)", "true"}, {"4 IN (1, 2, 3)", "false"}, {"4 NOT IN (1, 2)", "true"},
            {"'a' IN ('b', 'a')", "true"}, {"'a' IN ('A')", "false"}, {"hop IN (4, 5)", "true"},
            {"hop IN ('05')", "false"}, {"5 IN ('05')", "true"}, {"5 IN ('x', 5)", "false CastError 6"},
            {"5 IN (5, 'x')", "true"}, {"5 NOT IN (5, 'x')", "false"}, {"TRUE IN ('true')", "true"},
            {"'true' IN (TRUE)", "true"}, {"'TRUE' IN (TRUE)", "false"},
            {"1 IN (1 / 0)", "false MathError 8"},
            {"type IN ('a', CONCAT('nms.', 'route.closed.v1'))", "true"}, {"1 + 1 IN (1)", "2"},
            {"(1 + 1) IN (2)", "true"}, {"NOT 1 IN (0)", "true"}, {"NOT (1 IN (0))", "true"},
            {"NOT type IN ('a')", "false CastError 0"}, {"1 IN ((1 + 0))", "true"},
            {"1 IN (1) = TRUE", "true"}, {"1 IN (2, 3) OR TRUE", "true"}, {"1 IN ()", "ParseError 6"},
            {"1 IN", "ParseError 4"}, {"1 IN 1", "ParseError 5"}, {"1 IN (1", "ParseError 7"},
            {"1 IN (1,)", "ParseError 8"});
}

/* 2.4, 3.5, 3.7 */
static void calls(void **state)
{
    CHECK({"LENGTH('abc')", "3"}, {"length ( 'abc' )", "3"}, {"LENGTH('')", "0"}, {"LENGTH(1234)", "4"},
            {"LENGTH(TRUE)", "4"}, {"LENGTH('ёжик')", "4"}, {"LENGTH('😀')", "1"}, {"CONCAT()", "''"},
            {"CONCAT('a')", "'a'"}, {"CONCAT('a', 1, TRUE, '')", "'a1true'"}, {"CONCAT_WS('-')", "''"},
            {"CONCAT_WS('-', 'a')", "'a'"}, {"CONCAT_WS(', ', 'a', '', 'b', 4, 'c')", "'a, , b, 4, c'"},
            {"CONCAT_WS()", "false MissingFunctionError 0"}, {"LOWER('ABC ДЁ')", "'abc дё'"},
            {"UPPER('abc дёß')", "'ABC ДЁß'"}, {"Upper(TRUE)", "'TRUE'"}, {"UPPER('')", "''"},
            {"TRIM('  a b  ')", "'a b'"}, {"TRIM('\t\n x')", "'x'"}, {"TRIM('\xc2\xa0x\xe3\x80\x80')", "'x'"},
            {"TRIM('   ')", "''"}, {"TRIM('\x01 x')", "'\x01 x'"}, {"LEFT('abc', 2)", "'ab'"},
            {"LEFT('abc', 9)", "'abc'"}, {"LEFT('abc', 0)", "''"}, {"LEFT('ёжик', 2)", "'ёж'"},
            {"LEFT('abc', '1')", "'a'"}, {"LEFT('abc', -1)", "'abc' FunctionEvaluationError 0"},
            {"RIGHT('abc', 2)", "'bc'"}, {"RIGHT('abc', 9)", "'abc'"}, {"RIGHT('abc', 0)", "''"},
            {"RIGHT('ёжик', 2)", "'ик'"}, {"RIGHT('abc', -1)", "'abc' FunctionEvaluationError 0"},
            {"LENGTH(LEFT('abc', -1))", "0 FunctionEvaluationError 7"}, {"SUBSTRING('abcdef', 3)", "'cdef'"},
            {"SUBSTRING('abcdef', 1)", "'abcdef'"}, {"SUBSTRING('abcdef', 6)", "'f'"},
            {"SUBSTRING('abcdef', -2)", "'ef'"}, {"SUBSTRING('abcdef', -6)", "'abcdef'"},
            {"SUBSTRING('abcdef', 0)", "''"}, {"SUBSTRING('abcdef', 7)", "'' FunctionEvaluationError 0"},
            {"SUBSTRING('abcdef', -7)", "'' FunctionEvaluationError 0"},
            {"SUBSTRING('abcdef', 2, 3)", "'bcd'"}, {"SUBSTRING('abcdef', 5, 9)", "'ef'"},
            {"SUBSTRING('abcdef', 2, 0)", "''"}, {"SUBSTRING('abcdef', -3, 2)", "'de'"},
            {"SUBSTRING('abcdef', 0, 2)", "''"},
            {"SUBSTRING('abcdef', 2, -1)", "'' FunctionEvaluationError 0"},
            {"SUBSTRING('', 1)", "'' FunctionEvaluationError 0"}, {"SUBSTRING('ёжик', 2, 2)", "'жи'"},
            {"SUBSTRING('abc', -2147483648)", "'' FunctionEvaluationError 0"}, {"ABS(-5)", "5"},
            {"ABS(5)", "5"}, {"ABS('-7')", "7"}, {"ABS(-2147483648)", "2147483647 MathError 0"},
            {"ABS(-2147483648) + 1", "0 MathError 0"}, {"ABS('x')", "0 CastError 4"},
            {"LEFT('abc', 'x')", "'' CastError 12"}, {"NOSUCH(1)", "false MissingFunctionError 0"},
            {"1 + NOSUCH()", "0 MissingFunctionError 4"},
            {"CONCAT(NOSUCH(), 'a')", "'' MissingFunctionError 7"},
            {"LENGTH()", "false MissingFunctionError 0"},
            {"LENGTH('a', 'b')", "false MissingFunctionError 0"},
            {"SUBSTRING('a')", "false MissingFunctionError 0"},
            {"CONCAT(LEFT('abc', 1), RIGHT('xyz', 1))", "'az'"}, {"LENGTH('a'", "ParseError 10"},
            {"LENGTH('a',)", "ParseError 11"}, {"LENGTH(,)", "ParseError 7"}, {"f2('a')", "ParseError 0"},
            {"-LENGTH('ab')", "-2"});
}

/* 3.7: the table of casts, by the functions that cast */
static void casts(void **state)
{
    CHECK({"INT('12')", "12"}, {"INT('-12')", "-12"}, {"INT('+12')", "12"}, {"INT('012')", "12"},
            {"INT(7)", "7"}, {"INT(TRUE)", "1"}, {"INT(FALSE)", "0"}, {"INT('2147483647')", "2147483647"},
            {"INT('-2147483648')", "-2147483648"}, {"INT('2147483648')", "0 CastError 0"},
            {"INT('-2147483649')", "0 CastError 0"}, {"INT('')", "0 CastError 0"},
            {"INT('-')", "0 CastError 0"}, {"INT(' 1')", "0 CastError 0"}, {"INT('1a')", "0 CastError 0"},
            {"INT('--1')", "0 CastError 0"}, {"INT('99999999999999999999')", "0 CastError 0"},
            {"BOOL('TRUE')", "true"}, {"BOOL('fAlSe')", "false"}, {"BOOL(0)", "false"}, {"BOOL(-3)", "true"},
            {"BOOL(TRUE)", "true"}, {"BOOL('1')", "false CastError 0"}, {"BOOL('')", "false CastError 0"},
            {"STRING(-10)", "'-10'"}, {"STRING(007)", "'7'"}, {"STRING(TRUE)", "'true'"},
            {"STRING(FALSE)", "'false'"}, {"STRING('x')", "'x'"}, {"IS_INT('5')", "true"},
            {"IS_INT('x')", "false"}, {"IS_INT(TRUE)", "true"}, {"IS_BOOL('true')", "true"},
            {"IS_BOOL('yes')", "false"}, {"IS_INT(absent)", "false MissingAttributeError 7"},
            {"IS_INT(hop) AND int(hop) < int(ttl) and int(hop) < 1000", "true"}, {"count = '42'", "true"},
            {"count LIKE '4_'", "true"}, {"flag = 'true'", "true"}, {"CONCAT(count, flag)", "'42true'"});
}

/* 2, 3.2, 3.4.3, 3.7, 5: what the text itself shows, with made-up values */
static void examples_of_the_specification(void **state)
{
    CHECK({"int(hop) < int(ttl) and int(hop) < 1000", "true"},
            {"INT(hop) < INT(ttl) AND INT(hop) < 1000", "true"}, {"absent * 5", "0 MissingAttributeError 0"},
            {"EXISTS subject", "false"}, {"firstname = 'Anna'", "true"},
            {"firstname = 'Vera' OR absent = 'Anna'", "false MissingAttributeError 22"},
            {"(firstname = 'Anna' AND lastname = 'Orlova') OR absent = 'Anna Orlova'", "true"},
            {"sequence = 10", "true"}, {"sequence = 11", "false"}, {"hop < ttl", "true"},
            {"LENGTH(sequence + 10) = 2", "true"}, {"'abc%' LIKE 'abc\\%'", "true"},
            {"'abcd' LIKE 'abc\\%'", "false"}, {"'ab*' LIKE '_b*'", "true"}, {"'abcd1' LIKE '_b%'", "true"},
            {"'aBc' LIKE '_b%'", "false"}, {"'b' LIKE '_b%'", "false"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(literals),
            cmocka_unit_test(attributes_and_their_absence),
            cmocka_unit_test(arithmetic),
            cmocka_unit_test(comparison),
            cmocka_unit_test(logic),
            cmocka_unit_test(like),
            cmocka_unit_test(exists),
            cmocka_unit_test(in),
            cmocka_unit_test(calls),
            cmocka_unit_test(casts),
            cmocka_unit_test(examples_of_the_specification),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
