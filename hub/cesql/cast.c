#include "hub/cesql/cast.h"

#include <stdio.h>

#include "hub/cesql/token.h"

struct mr_cesql_value cesql_zero(enum mr_cesql_type type)
{
    return (struct mr_cesql_value){.type = type};
}

struct mr_cesql_value cesql_boolean(bool boolean)
{
    return (struct mr_cesql_value){.type = MR_CESQL_BOOLEAN, .boolean = boolean};
}

struct mr_cesql_value cesql_integer(int32_t integer)
{
    return (struct mr_cesql_value){.type = MR_CESQL_INTEGER, .integer = integer};
}

struct mr_cesql_value cesql_string(struct mr_slice string)
{
    return (struct mr_cesql_value){.type = MR_CESQL_STRING, .string = string};
}

/* Base 10, a sign may lead, 32 bits. */
static bool read_integer(struct mr_slice text, int32_t *ret)
{
    bool negative = text.size > 0 && text.data[0] == '-';
    size_t i = negative || (text.size > 0 && text.data[0] == '+') ? 1 : 0;
    int64_t value = 0;

    if (i == text.size)
        return false;
    for (; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (text.data[i] - '0');
        if (value > (int64_t)INT32_MAX + 1)
            return false;
    }
    if (negative)
        value = -value;
    if (value > INT32_MAX)
        return false;
    *ret = (int32_t)value;
    return true;
}

static enum mr_cesql_fault to_string(struct mr_cesql_value *value, struct mr_arena *arena)
{
    char *text;

    if (value->type == MR_CESQL_BOOLEAN) {
        *value = cesql_string(mr_slice_str(value->boolean ? "true" : "false"));
        return MR_CESQL_OK;
    }
    text = mr_arena_printf(arena, "%d", value->integer);
    *value = cesql_string(mr_slice_str(text));
    return text ? MR_CESQL_OK : MR_CESQL_GENERIC;
}

static enum mr_cesql_fault to_integer(struct mr_cesql_value *value)
{
    int32_t integer = 0;
    bool good = true;

    if (value->type == MR_CESQL_BOOLEAN)
        integer = value->boolean;
    else
        good = read_integer(value->string, &integer);
    *value = cesql_integer(integer);
    return good ? MR_CESQL_OK : MR_CESQL_CAST;
}

static enum mr_cesql_fault to_boolean(struct mr_cesql_value *value)
{
    bool boolean, good = true;

    if (value->type == MR_CESQL_INTEGER) {
        boolean = value->integer != 0;
    } else {
        boolean = cesql_same_word(value->string, "TRUE");
        good = boolean || cesql_same_word(value->string, "FALSE");
    }
    *value = cesql_boolean(boolean);
    return good ? MR_CESQL_OK : MR_CESQL_CAST;
}

enum mr_cesql_fault cesql_cast(struct mr_cesql_value *value, enum mr_cesql_type type, struct mr_arena *arena)
{
    if (value->type == type)
        return MR_CESQL_OK;
    if (type == MR_CESQL_STRING)
        return to_string(value, arena);
    return type == MR_CESQL_INTEGER ? to_integer(value) : to_boolean(value);
}
