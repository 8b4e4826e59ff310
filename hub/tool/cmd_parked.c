/* marshrut parked: deliveries that receivers did not take, and what becomes of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/tool/ask.h"
#include "hub/tool/person_option.h"
#include "hub/tool/render.h"
#include "proto/base/list.h"

static const struct {
    const char *option, *argument;
    bool acts_only;
} options[] = {{"--subscription", "subscription", false}, {"--type", "type", false},
        {"--reason", "reason", false}, {"--before", "before", false}, {"--case", "case", true}};

static const struct action {
    const char *name, *method, *done; /* done: what the answer counts; NULL: it only reads */
} actions[] = {{"list", "parked.list", NULL}, {"show", "parked.show", NULL},
        {"retry", "parked.retry", "released"}, {"release", "parked.release", "released"},
        {"discard", "parked.discard", "discarded"}};

static bool take_option(const struct action *action, json_t *arguments, int argc, char **argv, int *i)
{
    if (action->done && strcmp(argv[*i], "--all") == 0)
        return json_object_set_new(arguments, "all", json_true()) == 0;
    if (!action->done && strcmp(argv[*i], "--state") == 0 && *i + 1 < argc) {
        tool_set_text(arguments, "state", argv[++*i]);
        return true;
    }
    for (size_t k = 0; k < MR_COUNT(options); k++) {
        if (strcmp(argv[*i], options[k].option) == 0 && *i + 1 < argc &&
                (action->done || !options[k].acts_only)) {
            tool_set_text(arguments, options[k].argument, argv[++*i]);
            return true;
        }
    }
    return false;
}

/* 0, or an exit code after saying what is wrong. */
static int take_arguments(const struct action *action, json_t *arguments, int argc, char **argv)
{
    json_t *numbers = json_array();

    for (int i = 2; i < argc; i++) {
        char *end = NULL;
        long long number;

        if (take_option(action, arguments, argc, argv, &i))
            continue;
        number = strtoll(argv[i], &end, 10);
        if (argv[i][0] < '1' || argv[i][0] > '9' || *end) {
            json_decref(numbers);
            return tool_usage(
                    &tool_parked, "unexpected '%s' for %s: log numbers and filters", argv[i], argv[1]);
        }
        (void)json_array_append_new(numbers, json_integer(number));
    }
    if (json_array_size(numbers) > 0)
        (void)json_object_set(arguments, "numbers", numbers);
    json_decref(numbers);
    if (action->done && json_object_size(arguments) == (json_object_get(arguments, "case") != NULL))
        return tool_usage(&tool_parked, "%s needs numbers, a filter or --all", action->name);
    if (strcmp(action->name, "discard") == 0 && !json_object_get(arguments, "case"))
        return tool_usage(&tool_parked, "discard needs --case: why they are given up");
    if (strcmp(action->name, "show") == 0 && json_array_size(json_object_get(arguments, "numbers")) != 1)
        return tool_usage(&tool_parked, "show needs one number");
    return 0;
}

/* An act takes so many at once: asked until there are no more. Steals arguments. */
static int act(struct tool *tool, const struct action *action, json_t *arguments)
{
    json_int_t total = 0;
    bool more = true;
    int code = 0;

    while (more) {
        json_t *document = tool_ask_one(tool, action->method, json_incref(arguments), &code);

        if (!document)
            break;
        total += json_integer_value(json_object_get(document, action->done));
        more = json_is_true(json_object_get(document, "more"));
        if (more) {
            json_decref(document);
            continue;
        }
        (void)json_object_set_new(document, action->done, json_integer(total));
        tool_render(tool, stdout, document);
        json_decref(document);
    }
    json_decref(arguments);
    return code;
}

static int parked_run(struct tool *tool, int argc, char **argv)
{
    json_t *arguments, *document;
    size_t i = 0;
    int code = 0;

    while (argc > 1 && i < MR_COUNT(actions) && strcmp(actions[i].name, argv[1]) != 0)
        i++;
    if (argc < 2 || i == MR_COUNT(actions))
        return tool_usage(&tool_parked, "say list, show, retry, release or discard");
    arguments = json_object();
    code = take_arguments(&actions[i], arguments, argc, argv);
    if (code != 0) {
        json_decref(arguments);
        return code;
    }
    if (actions[i].done)
        return act(tool, &actions[i], arguments);
    document = tool_ask_one(tool, actions[i].method, arguments, &code);
    if (!document)
        return code;
    tool_render(tool, stdout, document);
    json_decref(document);
    return 0;
}

const struct tool_command tool_parked = {
        .name = "parked",
        .usage = "list|show|retry|release|discard [NUMBER ...] [--subscription S] [--type T] [--reason CODE] "
                 "...",
        .summary = "deliveries that a receiver did not take, and what waits behind them",
        .help = "  parked list [--state failed|behind|released]\n"
                "  parked show NUMBER        the attempts, the event, what waits behind it\n"
                "  parked retry WHICH        one more attempt; parked again when that fails\n"
                "  parked release WHICH      as many attempts as the subscription allows\n"
                "  parked discard WHICH --case CODE\n"
                "                            the receiver does not get them any more; they stay in the "
                "log\n\n"
                "WHICH: log numbers, or filters, or --all. Filters: --subscription NAME, --type TYPE (one "
                "that "
                "ends\nin '.' is a beginning), --reason CODE, --before TIME (parked before it). retry, "
                "release "
                "and\ndiscard are for what has failed, by an operator with the role admin (--as NAME); each "
                "is "
                "an\nevent. What waits behind is of the same person or organisation and follows in its order "
                "by "
                "itself.\n--case is a reference that names nobody: latin letters, digits and - / . _\n",
        .run = parked_run,
};
