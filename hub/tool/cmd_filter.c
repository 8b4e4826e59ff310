/*
 * filter: one CESQL expression on one event, as a subscription's filter would see it. Needs no hub and no
 * configuration.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/route/filter.h"
#include "hub/tool/input.h"
#include "hub/tool/printable.h"
#include "hub/tool/render.h"
#include "hub/tool/tool.h"
#include "proto/wire/json.h"
#include "proto/wire/registry.h"

enum { INPUT_BYTES_MAX = 4 * 1024 * 1024, ARENA_BYTES = 1024 * 1024 };

static const char *type_text(const struct mr_cesql_value *value)
{
    return mr_cesql_type_name(value->type);
}

/* ---- places ---- */

struct place {
    const char *line; /* begin of the line in the expression */
    size_t line_size;
    size_t number; /* of the line, from 1 */
    size_t column; /* in characters, from 1 */
};

static struct place place_of(const char *expression, size_t at)
{
    struct place place = {.line = expression, .number = 1, .column = 1};

    for (size_t i = 0; i < at && expression[i]; i++) {
        if (expression[i] == '\n') {
            place.line = expression + i + 1;
            place.number++;
            place.column = 1;
        } else if (((unsigned char)expression[i] & 0xc0) != 0x80) {
            place.column++;
        }
    }
    place.line_size = strcspn(place.line, "\n");
    return place;
}

/* The line of the expression and a caret below the place; a tab stays one, so that the caret stands right. */
static void print_caret(FILE *out, const char *expression, size_t at)
{
    struct place place = place_of(expression, at);
    size_t before = (size_t)(expression + at - place.line);

    tool_say(out, "  %.*s\n  ", (int)place.line_size, place.line);
    for (size_t i = 0; i < before && i < place.line_size; i++)
        if (((unsigned char)place.line[i] & 0xc0) != 0x80)
            (void)fputc(place.line[i] == '\t' ? '\t' : ' ', out);
    (void)fprintf(out, "^\n");
}

static void print_problem(FILE *out, const char *expression, const struct mr_cesql_problem *problem)
{
    struct place place = place_of(expression, problem->at);

    print_caret(out, expression, problem->at);
    tool_say(out, "%s at line %zu, column %zu: %s\n", mr_cesql_fault_name(problem->fault), place.number,
            place.column, problem->what);
    if (problem->cure[0])
        tool_say(out, "  what to do: %s\n", problem->cure);
}

static json_t *problem_json(const char *expression, const struct mr_cesql_problem *problem)
{
    struct place place = place_of(expression, problem->at);

    return json_pack("{s:s, s:I, s:I, s:s, s:s}", "type", mr_cesql_fault_name(problem->fault), "line",
            (json_int_t)place.number, "column", (json_int_t)place.column, "what", problem->what, "cure",
            problem->cure);
}

/* ---- the expression alone ---- */

/* Why it cannot be used, with exit code 65. */
static int refuse(const struct tool *tool, const char *expression, const struct mr_cesql_problem *problem)
{
    json_t *document;

    if (!tool->json) {
        print_problem(stderr, expression, problem);
        return mr_err_exit(MR_EINVAL);
    }
    document = json_pack("{s:b, s:o}", "passes", 0, "error", problem_json(expression, problem));
    tool_render(tool, stdout, document);
    json_decref(document);
    return mr_err_exit(MR_EINVAL);
}

static int out_of_memory(const struct tool *tool)
{
    struct mr_error error;

    (void)mr_error_set(&error, MR_ENOMEM, "filter", "", "out of memory");
    return tool_fail(tool, &error);
}

static json_t *types_of(const struct mr_filter *filter)
{
    json_t *types = json_array();

    for (size_t i = 0; i < mr_registry_count(); i++)
        if (mr_filter_ask_type(filter, mr_registry_at(i)->name) != MR_FILTER_NO)
            (void)json_array_append_new(types, json_string(mr_registry_at(i)->name));
    return types;
}

static void print_types(const struct tool *tool, json_t *types)
{
    size_t i, count = json_array_size(types);
    json_t *type;

    if (tool->json) {
        json_t *document = json_pack("{s:b, s:O}", "ok", count > 0, "types", types);

        tool_render(tool, stdout, document);
        json_decref(document);
    } else if (count == 0) {
        tool_say(stdout, "no event can pass: no registered type does\n");
    } else {
        tool_say(stdout, "good; events of %zu of %zu types can pass:\n", count, mr_registry_count());
        json_array_foreach (types, i, type)
            tool_say(stdout, "  %s\n", json_string_value(type));
    }
}

/* Without an event: is it good as a filter, and for events of which types? */
static int check(const struct tool *tool, char *expression)
{
    const struct mr_config_filter config = {.sql = expression};
    struct mr_filter_problem problem;
    struct mr_filter *filter = NULL;
    json_t *types;
    int r = mr_filter_create(&filter, &config, 1, &problem);

    if (r < 0)
        return r == MR_ENOMEM ? out_of_memory(tool) : refuse(tool, expression, &problem.sql);
    types = types_of(filter);
    mr_filter_free(filter);
    print_types(tool, types);
    r = json_array_size(types) == 0 ? TOOL_EXIT_CHECK : 0;
    json_decref(types);
    return r;
}

/* ---- on an event ---- */

static json_t *value_json(const struct mr_cesql_value *value)
{
    if (value->type == MR_CESQL_BOOLEAN)
        return json_boolean(value->boolean);
    if (value->type == MR_CESQL_INTEGER)
        return json_integer(value->integer);
    return json_stringn(value->string.size ? (const char *)value->string.data : "", value->string.size);
}

static void print_value(const struct mr_cesql_value *value)
{
    if (value->type == MR_CESQL_BOOLEAN)
        tool_say(stdout, "%s", value->boolean ? "true" : "false");
    else if (value->type == MR_CESQL_INTEGER)
        tool_say(stdout, "%d", value->integer);
    else
        tool_say(stdout, "'%.*s'", (int)value->string.size, (const char *)value->string.data);
    tool_say(stdout, " (%s)", type_text(value));
}

static void print_result(const struct tool *tool, const char *expression, const struct mr_cesql_value *value,
        const struct mr_cesql_problem *problem, bool passes)
{
    json_t *document;

    if (!tool->json) {
        print_value(value);
        tool_say(stdout, ": the event %s\n", passes ? "passes" : "does not pass");
        if (problem->fault != MR_CESQL_OK)
            print_problem(stdout, expression, problem);
        return;
    }
    document = json_pack(
            "{s:o, s:s, s:b}", "value", value_json(value), "type", type_text(value), "passes", passes);
    if (problem->fault != MR_CESQL_OK)
        (void)json_object_set_new(document, "error", problem_json(expression, problem));
    tool_render(tool, stdout, document);
    json_decref(document);
}

/* The event of the file, decoded as the hub would; bytes holds what it borrows. */
static int read_event(const char *file, struct mr_buf *bytes, struct mr_arena *arena, struct mr_event *ret,
        struct mr_error *error)
{
    struct mr_buf text = MR_BUF_INIT;
    json_t *json = NULL;
    int r = tool_read_input(file, TOOL_INPUT_EVENTS, INPUT_BYTES_MAX, &text, error);

    if (r == 0) {
        json = mr_json_parse(mr_buf_slice(&text), file, error);
        r = json ? mr_event_from_json(json, bytes, error) : error->code;
    }
    if (r == 0)
        r = mr_event_decode(ret, mr_buf_slice(bytes), arena, error);
    json_decref(json);
    mr_buf_wipe(&text);
    return r;
}

static int evaluate(const struct tool *tool, const char *expression, const struct mr_cesql *compiled,
        const struct mr_event *event)
{
    struct mr_arena arena;
    const struct mr_event_view view = {event, &arena};
    const struct mr_cesql_source source = mr_event_source(&view);
    struct mr_cesql_problem problem;
    struct mr_cesql_value value;
    bool good, passes;

    mr_arena_init(&arena, MR_CESQL_BUDGET_BYTES);
    good = mr_cesql_evaluate(compiled, &source, &arena, &value, &problem);
    passes = good && value.type == MR_CESQL_BOOLEAN && value.boolean;
    print_result(tool, expression, &value, &problem, passes);
    mr_arena_fini(&arena);
    return passes ? 0 : TOOL_EXIT_CHECK;
}

static int try_event(const struct tool *tool, const char *expression, const char *file)
{
    struct mr_cesql *compiled = NULL;
    struct mr_cesql_problem problem;
    struct mr_buf bytes = MR_BUF_INIT;
    struct mr_arena arena;
    struct mr_error error = {0};
    struct mr_event event;
    int r = mr_cesql_compile(&compiled, mr_slice_str(expression), &problem);

    if (r < 0)
        return r == MR_ENOMEM ? out_of_memory(tool) : refuse(tool, expression, &problem);
    mr_arena_init(&arena, ARENA_BYTES);
    r = read_event(file, &bytes, &arena, &event, &error);
    r = r < 0 ? tool_fail(tool, &error) : evaluate(tool, expression, compiled, &event);
    mr_arena_fini(&arena);
    mr_buf_wipe(&bytes);
    mr_cesql_free(compiled);
    return r;
}

static int filter_run(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {{"event", required_argument, NULL, 'e'}, {NULL, 0, NULL, 0}};
    const char *file = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "e:", options, NULL)) != -1) {
        if (option != 'e')
            return tool_usage(&tool_filter, "unknown option");
        file = optarg;
    }
    if (optind + 1 != argc)
        return tool_usage(&tool_filter, "give one expression, in quotes");
    return file ? try_event(tool, argv[optind], file) : check(tool, argv[optind]);
}

const struct tool_command tool_filter = {
        .name = "filter",
        .usage = "EXPR [--event FILE.json]",
        .summary = "try a CESQL expression of a subscription on an event",
        .help = "Evaluates EXPR (docs/cesql.md) on the event in FILE (CloudEvents JSON; - is standard input) "
                "and prints\n"
                "value and type, and an error with its place. Without an event it says of which types events "
                "can pass.\n"
                "Needs no hub and no configuration. Before an EXPR that begins with '-' write --.\n"
                "Exit code 0 when the event passes: the value is true, without an error; 1 when it does not, "
                "or when\n"
                "no event can; 65 when EXPR cannot be parsed (without an event: used as a filter) or FILE is "
                "no event.\n",
        .run = filter_run,
};
