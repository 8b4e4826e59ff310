#include <stdio.h>
#include <string.h>

#include "hub/tool/ask.h"
#include "hub/tool/render.h"
#include "hub/tool/tool.h"

static int quarantine_run(struct tool *tool, int argc, char **argv)
{
    int code = 0;
    json_t *document;

    if (argc != 2 || strcmp(argv[1], "list") != 0)
        return tool_usage(&tool_quarantine, "say 'list'");
    document = tool_ask_one(tool, "quarantine.list", json_object(), &code);
    if (!document)
        return code;
    tool_render(tool, stdout, document);
    json_decref(document);
    return 0;
}

const struct tool_command tool_quarantine = {
        .name = "quarantine",
        .usage = "list",
        .summary = "events that were taken but wait for correction",
        .help = "Each with its number, the field, the rule that it broke and what to do.\n",
        .run = quarantine_run,
};
