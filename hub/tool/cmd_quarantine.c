/* marshrut quarantine: the desk of what was taken and waits for correction. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/tool/ask.h"
#include "hub/tool/person_option.h"
#include "hub/tool/quarantine_words.h"
#include "hub/tool/render.h"
#include "hub/tool/tool.h"
#include "proto/base/list.h"

/* A call as it was typed. */
struct call {
    struct tool *tool;
    json_t *arguments;
    json_t *numbers;
    bool russian;
    int code; /* of the worst answer so far */
};

enum { FILTERS = 1, NUMBERS = 2, CASE = 4, REASON = 8, LANG = 16, STATE = 32 };

static const struct {
    const char *option, *argument;
    int group;
} options[] = {{"--code", "code", FILTERS}, {"--system", "system", FILTERS}, {"--type", "type", FILTERS},
        {"--before", "before", FILTERS}, {"--case", "case", CASE}, {"--reason", "reason", REASON},
        {"--state", "state", STATE}, {"--lang", "lang", LANG}};

static bool take_option(struct call *call, int groups, int argc, char **argv, int *i)
{
    for (size_t k = 0; k < MR_COUNT(options); k++)
        if (strcmp(argv[*i], options[k].option) == 0 && (options[k].group & groups) && *i + 1 < argc) {
            tool_set_text(call->arguments, options[k].argument, argv[++*i]);
            return true;
        }
    return false;
}

static bool take_number(struct call *call, int groups, const char *text)
{
    char *end;
    long long number;

    if (!(groups & NUMBERS) || text[0] < '1' || text[0] > '9')
        return false;
    number = strtoll(text, &end, 10);
    if (*end)
        return false;
    (void)json_array_append_new(call->numbers, json_integer(number));
    return true;
}

/* 0, or an exit code after saying what is wrong. */
static int take_arguments(struct call *call, int groups, int argc, char **argv)
{
    const json_t *lang;

    for (int i = 2; i < argc; i++)
        if (!take_option(call, groups, argc, argv, &i) && !take_number(call, groups, argv[i]))
            return tool_usage(&tool_quarantine, "unexpected '%s' for %s", argv[i], argv[1]);
    lang = json_object_get(call->arguments, "lang");
    if (lang && strcmp(json_string_value(lang), "ru") != 0 && strcmp(json_string_value(lang), "en") != 0)
        return tool_usage(&tool_quarantine, "--lang takes ru or en");
    call->russian = lang && strcmp(json_string_value(lang), "ru") == 0;
    (void)json_object_del(call->arguments, "lang");
    if ((groups & REASON) && !json_object_get(call->arguments, "reason"))
        return tool_usage(&tool_quarantine, "%s needs --reason", argv[1]);
    return 0;
}

static int ask_one(struct call *call, const char *method)
{
    json_t *document, *event;
    size_t i;

    document = tool_ask_one(call->tool, method, json_incref(call->arguments), &call->code);
    if (!document)
        return call->code;
    if (call->russian) {
        json_array_foreach (json_object_get(document, "events"), i, event)
            tool_quarantine_russian(event);
        tool_quarantine_russian(document);
    }
    tool_render(call->tool, stdout, document);
    json_decref(document);
    return 0;
}

static int one_number(struct call *call, const char *name)
{
    if (json_array_size(call->numbers) != 1)
        return tool_usage(&tool_quarantine, "%s needs one number", name);
    return json_object_set(call->arguments, "number", json_array_get(call->numbers, 0));
}

static int list(struct call *call, int argc, char **argv)
{
    int code = take_arguments(call, FILTERS | STATE | LANG, argc, argv);

    return code ? code : ask_one(call, "quarantine.list");
}

static int show(struct call *call, int argc, char **argv)
{
    int code = take_arguments(call, NUMBERS | CASE | LANG, argc, argv);

    if (code == 0)
        code = one_number(call, argv[1]);
    return code ? code : ask_one(call, "quarantine.show");
}

/* ---- one, several, or by filter ---- */

static int print_each(void *ctx, json_t *document)
{
    struct call *call = ctx;

    if (json_is_false(json_object_get(document, "done")))
        call->code = TOOL_EXIT_CHECK;
    if (call->tool->json || json_object_get(document, "number"))
        tool_render(call->tool, stdout, document);
    if (!json_object_get(document, "number"))
        (void)json_object_set(call->arguments, "after", json_object_get(document, "next"));
    return 0;
}

static int ask_many(struct call *call, const char *method)
{
    struct mr_error error = {0};
    int r = tool_ask(call->tool, method, json_deep_copy(call->arguments), print_each, call, &error);

    if (r == 0)
        return 0;
    if (error.code == 0)
        (void)mr_error_set(&error, r, method, NULL, "%s", mr_err_text(r));
    return tool_fail(call->tool, &error);
}

/* As long as there are more than the hub does at once. */
static int by_filter(struct call *call, const char *method)
{
    int code = 0;

    do
        code = ask_many(call, method);
    while (code == 0 && json_integer_value(json_object_get(call->arguments, "after")) > 0);
    return code;
}

static int act(struct call *call, const char *method, int argc, char **argv)
{
    int code = take_arguments(call, FILTERS | NUMBERS | REASON, argc, argv);
    json_t *number;
    size_t i;

    if (code)
        return code;
    if (!tool_config(call->tool))
        return mr_err_exit(MR_ECONFIG);
    if (json_array_size(call->numbers) == 0 && json_object_size(call->arguments) == 1)
        return tool_usage(&tool_quarantine, "%s needs numbers or a filter", argv[1]);
    if (json_array_size(call->numbers) == 0)
        code = by_filter(call, method);
    json_array_foreach (call->numbers, i, number) {
        (void)json_object_set(call->arguments, "number", number);
        code = code ? code : ask_many(call, method);
    }
    return code ? code : call->code;
}

static int release(struct call *call, int argc, char **argv)
{
    return act(call, "quarantine.release", argc, argv);
}

static int discard(struct call *call, int argc, char **argv)
{
    return act(call, "quarantine.discard", argc, argv);
}

static const struct {
    const char *name;
    int (*run)(struct call *call, int argc, char **argv);
} actions[] = {{"list", list}, {"show", show}, {"release", release}, {"discard", discard}};

static int quarantine_run(struct tool *tool, int argc, char **argv)
{
    struct call call = {.tool = tool};
    size_t i = 0;
    int code;

    while (argc > 1 && i < MR_COUNT(actions) && strcmp(actions[i].name, argv[1]) != 0)
        i++;
    if (argc < 2 || i == MR_COUNT(actions))
        return tool_usage(&tool_quarantine, "say list, show, release or discard");
    call.arguments = json_object();
    call.numbers = json_array();
    code = actions[i].run(&call, argc, argv);
    json_decref(call.arguments);
    json_decref(call.numbers);
    return code;
}

const struct tool_command tool_quarantine = {
        .name = "quarantine",
        .usage = "list|show|release|discard ...",
        .summary = "events that were taken but wait for correction",
        .help = "  quarantine list [FILTER] [--state STATE] [--lang ru]\n"
                "                            each with its number, the field, the rule that it broke and "
                "what "
                "to do\n"
                "  quarantine show NUMBER --case CODE\n"
                "                            the event with its values; that you looked is an event\n"
                "  quarantine release NUMBER...|FILTER --reason CODE\n"
                "                            takes it as it is, when the reason is gone: a code list was "
                "extended ...\n"
                "  quarantine discard NUMBER...|FILTER --reason CODE\n"
                "                            never takes it; its body is destroyed\n\n"
                "FILTER is one or more of --code CODE, --system NAME, --type TYPE (one that ends in '.' is a "
                "beginning)\nand --before TIME (put aside before: 2026-03-01, or with a time). STATE is "
                "waiting (if not given),\nreleased, discarded, replaced or all. --reason and --case are of "
                "latin letters, digits and - / . _: they\nare kept for good and name nobody. What waits "
                "behind "
                "an earlier event of the same person (code behind)\ngoes on by itself when that one is over. "
                "release and discard need --as OPERATOR with the role\npd-officer or admin, show auditor "
                "too. "
                "Exit code 1: some could not be released or discarded.\n",
        .run = quarantine_run,
};
