#include "hub/cesql/functions.h"

#include "hub/cesql/cast.h"
#include "hub/cesql/chars.h"
#include "hub/cesql/token.h"
#include "proto/base/list.h"

static struct mr_slice string_of(const struct cesql_call *call, size_t index)
{
    return call->arguments[index].string;
}

static enum mr_cesql_fault call_length(struct cesql_call *call, struct mr_cesql_value *ret)
{
    *ret = cesql_integer((int32_t)cesql_chars_count(string_of(call, 0)));
    return MR_CESQL_OK;
}

/* The arguments from the second one on, with the first one between them. */
static enum mr_cesql_fault join(
        struct cesql_call *call, struct mr_slice between, size_t from, struct mr_cesql_value *ret)
{
    size_t need = 0, used = 0;
    uint8_t *out;

    *ret = cesql_zero(MR_CESQL_STRING);
    for (size_t i = from; i < call->count; i++)
        need += string_of(call, i).size + (i > from ? between.size : 0);
    if (need == 0)
        return MR_CESQL_OK;
    out = mr_arena_alloc(call->arena, need);
    if (!out)
        return MR_CESQL_GENERIC;
    for (size_t i = from; i < call->count; i++) {
        const struct mr_slice parts[] = {i > from ? between : mr_slice(NULL, 0), string_of(call, i)};

        for (size_t k = 0; k < MR_COUNT(parts); k++) {
            if (parts[k].size > 0)
                memcpy(out + used, parts[k].data, parts[k].size);
            used += parts[k].size;
        }
    }
    *ret = cesql_string(mr_slice(out, used));
    return MR_CESQL_OK;
}

static enum mr_cesql_fault call_concat(struct cesql_call *call, struct mr_cesql_value *ret)
{
    return join(call, mr_slice(NULL, 0), 0, ret);
}

static enum mr_cesql_fault call_concat_ws(struct cesql_call *call, struct mr_cesql_value *ret)
{
    return join(call, string_of(call, 0), 1, ret);
}

static enum mr_cesql_fault change_case(struct cesql_call *call, bool to_upper, struct mr_cesql_value *ret)
{
    *ret = cesql_zero(MR_CESQL_STRING);
    return cesql_chars_case(string_of(call, 0), to_upper, call->casing, call->arena, &ret->string)
                   ? MR_CESQL_OK
                   : MR_CESQL_GENERIC;
}

static enum mr_cesql_fault call_lower(struct cesql_call *call, struct mr_cesql_value *ret)
{
    return change_case(call, /* to_upper= */ false, ret);
}

static enum mr_cesql_fault call_upper(struct cesql_call *call, struct mr_cesql_value *ret)
{
    return change_case(call, /* to_upper= */ true, ret);
}

static enum mr_cesql_fault call_trim(struct cesql_call *call, struct mr_cesql_value *ret)
{
    *ret = cesql_string(cesql_chars_trim(string_of(call, 0)));
    return MR_CESQL_OK;
}

/* LEFT and RIGHT: the whole string with an error when the number is negative. */
static enum mr_cesql_fault whole(struct cesql_call *call, struct mr_cesql_value *ret)
{
    *ret = call->arguments[0];
    if (call->arguments[1].integer >= 0)
        return MR_CESQL_OK;
    call->what = "a number of characters is not negative";
    return MR_CESQL_FUNCTION_EVALUATION;
}

static enum mr_cesql_fault call_left(struct cesql_call *call, struct mr_cesql_value *ret)
{
    enum mr_cesql_fault fault = whole(call, ret);

    if (fault == MR_CESQL_OK)
        ret->string.size = cesql_chars_bytes(ret->string, (size_t)call->arguments[1].integer);
    return fault;
}

static enum mr_cesql_fault call_right(struct cesql_call *call, struct mr_cesql_value *ret)
{
    enum mr_cesql_fault fault = whole(call, ret);
    size_t count = cesql_chars_count(ret->string), skip;

    if (fault != MR_CESQL_OK || (size_t)call->arguments[1].integer >= count)
        return fault;
    skip = cesql_chars_bytes(ret->string, count - (size_t)call->arguments[1].integer);
    ret->string = mr_slice(ret->string.data + skip, ret->string.size - skip);
    return MR_CESQL_OK;
}

static enum mr_cesql_fault call_substring(struct cesql_call *call, struct mr_cesql_value *ret)
{
    struct mr_slice text = string_of(call, 0);
    int64_t length = (int64_t)cesql_chars_count(text), position = call->arguments[1].integer;
    int64_t wanted = call->count > 2 ? call->arguments[2].integer : length;
    size_t skip;

    *ret = cesql_zero(MR_CESQL_STRING);
    if (position > length || position < -length) {
        call->what = "this position is outside of the string";
        return MR_CESQL_FUNCTION_EVALUATION;
    }
    if (wanted < 0) {
        call->what = "a length is not negative";
        return MR_CESQL_FUNCTION_EVALUATION;
    }
    if (position == 0)
        return MR_CESQL_OK;
    skip = cesql_chars_bytes(text, (size_t)(position > 0 ? position - 1 : length + position));
    text = mr_slice(text.data + skip, text.size - skip);
    ret->string = mr_slice(text.data, cesql_chars_bytes(text, (size_t)wanted));
    return MR_CESQL_OK;
}

static enum mr_cesql_fault call_abs(struct cesql_call *call, struct mr_cesql_value *ret)
{
    int32_t x = call->arguments[0].integer;

    if (x == INT32_MIN) {
        *ret = cesql_integer(INT32_MAX);
        call->what = "the absolute value of -2147483648 is no 32-bit integer";
        return MR_CESQL_MATH;
    }
    *ret = cesql_integer(x < 0 ? -x : x);
    return MR_CESQL_OK;
}

static enum mr_cesql_fault cast(struct cesql_call *call, enum mr_cesql_type type, struct mr_cesql_value *ret)
{
    enum mr_cesql_fault fault;

    *ret = call->arguments[0];
    fault = cesql_cast(ret, type, call->arena);
    call->what = type == MR_CESQL_INTEGER ? "this String is no 32-bit integer"
                                          : "this String is neither true nor false";
    return fault;
}

static enum mr_cesql_fault call_int(struct cesql_call *call, struct mr_cesql_value *ret)
{
    return cast(call, MR_CESQL_INTEGER, ret);
}

static enum mr_cesql_fault call_bool(struct cesql_call *call, struct mr_cesql_value *ret)
{
    return cast(call, MR_CESQL_BOOLEAN, ret);
}

static enum mr_cesql_fault call_string(struct cesql_call *call, struct mr_cesql_value *ret)
{
    return cast(call, MR_CESQL_STRING, ret);
}

static enum mr_cesql_fault call_is_int(struct cesql_call *call, struct mr_cesql_value *ret)
{
    struct mr_cesql_value value = call->arguments[0];

    *ret = cesql_boolean(cesql_cast(&value, MR_CESQL_INTEGER, call->arena) == MR_CESQL_OK);
    return MR_CESQL_OK;
}

static enum mr_cesql_fault call_is_bool(struct cesql_call *call, struct mr_cesql_value *ret)
{
    struct mr_cesql_value value = call->arguments[0];

    *ret = cesql_boolean(cesql_cast(&value, MR_CESQL_BOOLEAN, call->arena) == MR_CESQL_OK);
    return MR_CESQL_OK;
}

#define B MR_CESQL_BOOLEAN
#define I MR_CESQL_INTEGER
#define S MR_CESQL_STRING

static const struct cesql_function functions[] = {
        {"LENGTH", 1, 1, false, false, I, {S}, call_length},
        {"CONCAT", 0, CESQL_VARIADIC, false, false, S, {S, S, S}, call_concat},
        {"CONCAT_WS", 1, CESQL_VARIADIC, false, false, S, {S, S, S}, call_concat_ws},
        {"LOWER", 1, 1, false, true, S, {S}, call_lower},
        {"UPPER", 1, 1, false, true, S, {S}, call_upper},
        {"TRIM", 1, 1, false, false, S, {S}, call_trim},
        {"LEFT", 2, 2, false, false, S, {S, I}, call_left},
        {"RIGHT", 2, 2, false, false, S, {S, I}, call_right},
        {"SUBSTRING", 2, 3, false, false, S, {S, I, I}, call_substring},
        {"ABS", 1, 1, false, false, I, {I}, call_abs},
        {"INT", 1, 1, true, false, I, {0}, call_int},
        {"BOOL", 1, 1, true, false, B, {0}, call_bool},
        {"STRING", 1, 1, true, false, S, {0}, call_string},
        {"IS_INT", 1, 1, true, false, B, {0}, call_is_int},
        {"IS_BOOL", 1, 1, true, false, B, {0}, call_is_bool},
};
#undef B
#undef I
#undef S

const struct cesql_function *cesql_function_find(struct mr_slice name, size_t arguments)
{
    for (size_t i = 0; i < MR_COUNT(functions); i++) {
        const struct cesql_function *f = &functions[i];

        if (cesql_same_word(name, f->name) && arguments >= f->arguments_min &&
                (f->arguments_max == CESQL_VARIADIC || arguments <= f->arguments_max))
            return f;
    }
    return NULL;
}

bool cesql_function_named(struct mr_slice name)
{
    for (size_t i = 0; i < MR_COUNT(functions); i++)
        if (cesql_same_word(name, functions[i].name))
            return true;
    return false;
}

enum mr_cesql_type cesql_function_parameter(const struct cesql_function *function, size_t index)
{
    return function->parameters[index < CESQL_PARAMETERS_MAX ? index : CESQL_PARAMETERS_MAX - 1];
}
