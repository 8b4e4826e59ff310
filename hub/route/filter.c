#include "hub/route/filter.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/buf.h"
#include "proto/base/list.h"

enum kind { KIND_EXACT, KIND_PREFIX, KIND_SUFFIX, KIND_ALL, KIND_ANY, KIND_NOT, KIND_SQL };

/* What an attribute must be, begin with or end with. */
struct wanted {
    unsigned attribute;
    struct mr_slice text;
};

struct mr_filter {
    enum kind kind;
    struct wanted *wanted; /* of exact, prefix, suffix */
    size_t wanted_count;
    struct mr_filter *parts; /* of all, any, not */
    size_t parts_count;
    struct mr_cesql *sql;
    const char *sql_text;
};

/* ---- compiling ---- */

struct compiler {
    struct mr_filter_problem *problem; /* its path is that of the filter being compiled */
};

static int compile(
        const struct compiler *compiler, const struct mr_config_filter *config, struct mr_filter *ret);

static int compile_attributes(
        const struct mr_filter_attributes *attributes, enum kind kind, struct mr_filter *ret)
{
    ret->kind = kind;
    ret->wanted = calloc(MR_FILTER_ATTRIBUTES, sizeof *ret->wanted);
    if (!ret->wanted)
        return MR_ENOMEM;
    for (unsigned i = 0; i < MR_FILTER_ATTRIBUTES; i++) {
        const char *text = mr_filter_attribute_wanted(attributes, i);

        if (text)
            ret->wanted[ret->wanted_count++] = (struct wanted){i, mr_slice_str(text)};
    }
    return 0;
}

static int compile_parts(const struct compiler *compiler, enum kind kind, const char *name,
        const struct mr_config_filter *filters, uint32_t count, struct mr_filter *ret)
{
    char *path = compiler->problem->path;
    size_t size = strlen(path);
    int r = 0;

    ret->kind = kind;
    ret->parts = calloc(count + 1u, sizeof *ret->parts);
    if (!ret->parts)
        return MR_ENOMEM;
    for (uint32_t i = 0; r == 0 && i < count; i++) {
        if (kind == KIND_NOT)
            (void)snprintf(path + size, sizeof compiler->problem->path - size, ".not");
        else
            (void)snprintf(path + size, sizeof compiler->problem->path - size, "%s%s[%u]",
                    size > 0 ? "." : "", name, (unsigned)i);
        ret->parts_count++;
        r = compile(compiler, &filters[i], &ret->parts[i]);
    }
    if (r == 0)
        path[size] = 0;
    return r;
}

static int compile_sql(const struct compiler *compiler, const char *text, struct mr_filter *ret)
{
    struct mr_filter_problem *problem = compiler->problem;
    size_t size = strlen(problem->path);
    int r = mr_cesql_compile(&ret->sql, mr_slice_str(text), &problem->sql);

    ret->kind = KIND_SQL;
    ret->sql_text = text;
    if (r == 0 && !mr_cesql_check(ret->sql, &problem->sql))
        r = MR_EINVAL;
    if (r < 0)
        (void)snprintf(problem->path + size, sizeof problem->path - size, ".sql");
    return r == MR_EINVAL ? MR_ECONFIG : r;
}

static int compile(
        const struct compiler *compiler, const struct mr_config_filter *config, struct mr_filter *ret)
{
    if (config->exact)
        return compile_attributes(config->exact, KIND_EXACT, ret);
    if (config->prefix)
        return compile_attributes(config->prefix, KIND_PREFIX, ret);
    if (config->suffix)
        return compile_attributes(config->suffix, KIND_SUFFIX, ret);
    if (config->all)
        return compile_parts(compiler, KIND_ALL, "all", config->all, config->all_count, ret);
    if (config->any)
        return compile_parts(compiler, KIND_ANY, "any", config->any, config->any_count, ret);
    if (config->not_)
        return compile_parts(compiler, KIND_NOT, "not", config->not_, 1, ret);
    if (config->sql)
        return compile_sql(compiler, config->sql, ret);
    return compile_parts(compiler, KIND_ANY, "any", NULL, 0, ret); /* no dialect: nothing is given away */
}

int mr_filter_create(struct mr_filter **ret, const struct mr_config_filter *filters, uint32_t count,
        struct mr_filter_problem *problem)
{
    const struct compiler compiler = {problem};
    struct mr_filter *filter = calloc(1, sizeof *filter);
    int r;

    *problem = (struct mr_filter_problem){.sql = {.what = "", .cure = ""}};
    if (!filter)
        return MR_ENOMEM;
    r = compile_parts(&compiler, KIND_ALL, "filters", filters, count, filter);
    if (r < 0) {
        mr_filter_free(filter);
        return r;
    }
    *ret = filter;
    return 0;
}

static void clear(struct mr_filter *filter)
{
    for (size_t i = 0; i < filter->parts_count; i++)
        clear(&filter->parts[i]);
    free(filter->parts);
    free(filter->wanted);
    mr_cesql_free(filter->sql);
}

void mr_filter_free(struct mr_filter *filter)
{
    if (!filter)
        return;
    clear(filter);
    free(filter);
}

/* ---- one event ---- */

static bool compares(enum kind kind, struct mr_slice value, struct mr_slice wanted)
{
    if (kind == KIND_EXACT)
        return mr_slice_equal(value, wanted);
    if (value.size < wanted.size)
        return false;
    return mr_slice_equal(
            mr_slice(kind == KIND_PREFIX ? value.data : value.data + (value.size - wanted.size), wanted.size),
            wanted);
}

/* Every attribute that the filter names must be there and compare. */
static bool attributes_match(const struct mr_filter *filter, const struct mr_event *event)
{
    for (size_t i = 0; i < filter->wanted_count; i++) {
        const struct wanted *wanted = &filter->wanted[i];
        const char *value = mr_filter_attribute_of(&event->a, wanted->attribute);

        if (!value || !compares(filter->kind, mr_slice_str(value), wanted->text))
            return false;
    }
    return true;
}

/* all: until one does not match; any: until one does. */
static bool parts_match(const struct mr_filter *filter, const struct mr_event_view *view)
{
    for (size_t i = 0; i < filter->parts_count; i++)
        if (mr_filter_matches(&filter->parts[i], view) == (filter->kind == KIND_ANY))
            return filter->kind == KIND_ANY;
    return filter->kind == KIND_ALL;
}

static bool sql_matches(const struct mr_filter *filter, const struct mr_event_view *view)
{
    struct mr_cesql_source source = mr_event_source(view);
    struct mr_cesql_problem problem;
    struct mr_cesql_value value;
    bool good = mr_cesql_evaluate(filter->sql, &source, view->arena, &value, &problem);

    mr_arena_reset(view->arena);
    return good && value.type == MR_CESQL_BOOLEAN && value.boolean;
}

bool mr_filter_matches(const struct mr_filter *filter, const struct mr_event_view *view)
{
    switch (filter->kind) {
    case KIND_EXACT:
    case KIND_PREFIX:
    case KIND_SUFFIX:
        return attributes_match(filter, view->event);
    case KIND_ALL:
    case KIND_ANY:
        return parts_match(filter, view);
    case KIND_NOT:
        return !mr_filter_matches(&filter->parts[0], view);
    case KIND_SQL:
        return sql_matches(filter, view);
    }
    assert(false);
    return false;
}

/* ---- before there is an event ---- */

static enum mr_filter_answer ask_attributes(const struct mr_filter *filter, const char *type)
{
    enum mr_filter_answer answer = MR_FILTER_YES;

    for (size_t i = 0; i < filter->wanted_count; i++) {
        if (filter->wanted[i].attribute != MR_FILTER_ATTRIBUTE_TYPE)
            answer = MR_FILTER_MAYBE;
        else if (!compares(filter->kind, mr_slice_str(type), filter->wanted[i].text))
            return MR_FILTER_NO;
    }
    return answer;
}

/* all: the least of the answers; any: the greatest. */
static enum mr_filter_answer ask_parts(const struct mr_filter *filter, const char *type)
{
    bool all = filter->kind == KIND_ALL;
    enum mr_filter_answer answer = all ? MR_FILTER_YES : MR_FILTER_NO;

    for (size_t i = 0; i < filter->parts_count; i++) {
        enum mr_filter_answer one = mr_filter_ask_type(&filter->parts[i], type);

        if (all ? one < answer : one > answer)
            answer = one;
    }
    return answer;
}

static bool find_type(const void *ctx, const char *name, struct mr_cesql_value *ret)
{
    if (strcmp(name, mr_filter_attribute_name(MR_FILTER_ATTRIBUTE_TYPE)) != 0)
        return false;
    *ret = (struct mr_cesql_value){.type = MR_CESQL_STRING, .string = mr_slice_str(ctx)};
    return true;
}

static enum mr_filter_answer ask_sql(const struct mr_filter *filter, const char *type)
{
    const char *const known[] = {mr_filter_attribute_name(MR_FILTER_ATTRIBUTE_TYPE)};
    const struct mr_cesql_source source = {find_type, type};
    struct mr_arena arena;
    unsigned outcomes;

    mr_arena_init(&arena, MR_CESQL_BUDGET_BYTES);
    outcomes = mr_cesql_outcomes(filter->sql, known, MR_COUNT(known), &source, &arena);
    mr_arena_fini(&arena);
    if (outcomes == MR_CESQL_MAY_BE_TRUE)
        return MR_FILTER_YES;
    return outcomes & MR_CESQL_MAY_BE_TRUE ? MR_FILTER_MAYBE : MR_FILTER_NO;
}

enum mr_filter_answer mr_filter_ask_type(const struct mr_filter *filter, const char *type)
{
    switch (filter->kind) {
    case KIND_EXACT:
    case KIND_PREFIX:
    case KIND_SUFFIX:
        return ask_attributes(filter, type);
    case KIND_ALL:
    case KIND_ANY:
        return ask_parts(filter, type);
    case KIND_NOT:
        return (enum mr_filter_answer)(MR_FILTER_YES - mr_filter_ask_type(&filter->parts[0], type));
    case KIND_SQL:
        return ask_sql(filter, type);
    }
    assert(false);
    return MR_FILTER_MAYBE;
}

/* all: the shortest list of a part will do; any: all of them, if each part has one. */
static size_t values_of_parts(
        const struct mr_filter *filter, unsigned attribute, struct mr_slice *ret, size_t max)
{
    size_t best = 0, best_part = 0, count = 0;

    for (size_t i = 0; i < filter->parts_count; i++) {
        size_t one = mr_filter_values(&filter->parts[i], attribute, ret + count, max - count);

        if (filter->kind == KIND_ANY && one == 0)
            return 0;
        if (filter->kind == KIND_ANY)
            count += one;
        else if (one > 0 && (best == 0 || one < best))
            best = one, best_part = i;
    }
    if (filter->kind == KIND_ANY || best == 0)
        return count;
    return mr_filter_values(&filter->parts[best_part], attribute, ret, max);
}

size_t mr_filter_values(const struct mr_filter *filter, unsigned attribute, struct mr_slice *ret, size_t max)
{
    if (filter->kind == KIND_ALL || filter->kind == KIND_ANY)
        return values_of_parts(filter, attribute, ret, max);
    if (filter->kind == KIND_SQL)
        return mr_cesql_values(filter->sql, mr_filter_attribute_name(attribute), ret, max);
    for (size_t i = 0; filter->kind == KIND_EXACT && i < filter->wanted_count; i++) {
        if (filter->wanted[i].attribute == attribute && max > 0) {
            ret[0] = filter->wanted[i].text;
            return 1;
        }
    }
    return 0;
}

static void put_text(struct mr_buf *out, struct mr_slice text)
{
    mr_buf_put_varint(out, text.size);
    mr_buf_put_slice(out, text);
}

void mr_filter_put_form(const struct mr_filter *filter, struct mr_buf *out)
{
    mr_buf_put_u8(out, (uint8_t)filter->kind);
    mr_buf_put_varint(out, filter->wanted_count);
    for (size_t i = 0; i < filter->wanted_count; i++) {
        mr_buf_put_u8(out, (uint8_t)filter->wanted[i].attribute);
        put_text(out, filter->wanted[i].text);
    }
    mr_buf_put_varint(out, filter->parts_count);
    for (size_t i = 0; i < filter->parts_count; i++)
        mr_filter_put_form(&filter->parts[i], out);
    put_text(out, mr_slice_str(filter->sql_text));
}
