#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/tool/ask.h"
#include "hub/tool/pages.h"
#include "hub/tool/person_option.h"
#include "hub/tool/render.h"
#include "hub/tool/tool.h"
#include "proto/base/list.h"

enum { REQUESTS_A_PAGE = 500 };

static const struct {
    const char *option, *argument;
} options[] = {{"--basis", "basis"}, {"--case", "case"}, {"--reason", "reason"}};

static bool take_option(json_t *arguments, int argc, char **argv, int *i)
{
    if (tool_person_option(arguments, argc, argv, i))
        return true;
    for (size_t k = 0; k < MR_COUNT(options); k++)
        if (strcmp(argv[*i], options[k].option) == 0 && *i + 1 < argc) {
            tool_set_text(arguments, options[k].argument, argv[++*i]);
            return true;
        }
    return false;
}

/* 0, or an exit code after saying what is wrong. */
static int take_arguments(json_t *arguments, bool numbered, int argc, char **argv)
{
    char *end;

    for (int i = 2; i < argc; i++) {
        if (take_option(arguments, argc, argv, &i))
            continue;
        if (!numbered || argv[i][0] < '1' || argv[i][0] > '9')
            return tool_usage(&tool_erase, "unexpected '%s' for %s", argv[i], argv[1]);
        (void)json_object_set_new(arguments, "request", json_integer(strtoll(argv[i], &end, 10)));
        if (*end)
            return tool_usage(&tool_erase, "a request has a number, not '%s'", argv[i]);
    }
    if (tool_person_wrong(arguments))
        return tool_usage(&tool_erase, "%s", tool_person_wrong(arguments));
    if (numbered && !json_object_get(arguments, "request"))
        return tool_usage(&tool_erase, "%s needs the number of the request", argv[1]);
    return 0;
}

static const struct {
    const char *name, *method;
    bool numbered;
} actions[] = {{"request", "erase.request", false}, {"approve", "erase.approve", true},
        {"reject", "erase.reject", true}, {"list", "erase.list", false}, {"show", "erase.show", true}};

static int erase_run(struct tool *tool, int argc, char **argv)
{
    static const char *const lists[] = {"requests", NULL};
    json_t *arguments, *document;
    size_t i = 0;
    int code = 0;

    while (argc > 1 && i < MR_COUNT(actions) && strcmp(actions[i].name, argv[1]) != 0)
        i++;
    if (argc < 2 || i == MR_COUNT(actions))
        return tool_usage(&tool_erase, "say request, approve, reject, list or show");
    arguments = json_object();
    code = take_arguments(arguments, actions[i].numbered, argc, argv);
    if (code != 0) {
        json_decref(arguments);
        return code;
    }
    document = strcmp(actions[i].name, "list") == 0
                       ? tool_pages_ask(tool, actions[i].method, arguments, REQUESTS_A_PAGE, lists, &code)
                       : tool_ask_one(tool, actions[i].method, arguments, &code);
    if (!document)
        return code;
    tool_render(tool, stdout, document);
    json_decref(document);
    return 0;
}

const struct tool_command tool_erase = {
        .name = "erase",
        .usage = "request|approve|reject|list|show ...",
        .summary = "forget a person: requested by one operator, approved by another",
        .help = "  erase request --snils N | --local SYSTEM ID | --person ID  --basis CODE --case TEXT\n"
                "                            blocks the person at once; refused under legal hold\n"
                "  erase approve NUMBER      destroys; by another operator than the one who asked\n"
                "  erase reject NUMBER --reason CODE\n"
                "                            unblocks the person\n"
                "  erase list                requests, their terms, who has not answered\n"
                "  erase show NUMBER         one of them, with the systems that were told\n\n"
                "All but list and show need --as OPERATOR with the role pd-officer. \"-\" in the place of a "
                "value "
                "reads\nit from standard input, so that it stands in no history: --snils -. CODE is of small "
                "letters, digits\nand '-': consent-withdrawn, purpose-reached, unlawful ... docs/erasure.md "
                "tells "
                "what is destroyed\nand what is not.\n",
        .run = erase_run,
};
