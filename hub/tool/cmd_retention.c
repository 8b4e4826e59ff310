/* marshrut retention plan | run. */
#include <string.h>

#include "hub/tool/ask.h"
#include "hub/tool/render.h"

static int plan(struct tool *tool)
{
    int code = 0;
    json_t *document = tool_ask_one(tool, "retention.plan", json_object(), &code);

    if (!document)
        return code;
    tool_render(tool, stdout, document);
    json_decref(document);
    return 0;
}

/* The hub answers in between: a run over a large log takes minutes. */
static int run(struct tool *tool)
{
    json_t *arguments = json_object(), *document;
    int code = 0;

    for (;;) {
        document = tool_ask_one(tool, "retention.run", arguments, &code);
        if (!document)
            return code;
        if (json_is_true(json_object_get(document, "ended")))
            break;
        arguments = json_pack("{s:O}", "ticket", json_object_get(document, "ticket"));
        json_decref(document);
    }
    (void)json_object_del(document, "ticket");
    (void)json_object_del(document, "ended");
    tool_render(tool, stdout, document);
    json_decref(document);
    return 0;
}

static int retention_run(struct tool *tool, int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "plan") == 0)
        return plan(tool);
    if (argc == 2 && strcmp(argv[1], "run") == 0)
        return run(tool);
    return tool_usage(&tool_retention, "say 'plan' or 'run'");
}

const struct tool_command tool_retention = {
        .name = "retention",
        .usage = "plan | run",
        .summary = "let events expire whose term has passed",
        .help = "plan   for each class of the configuration how many events are due, how many bytes they "
                "take, and\n"
                "       how many stay all the same: under a legal hold, or because somebody waits for them\n"
                "run    now, instead of waiting for the daily run; by an operator with the role pd-officer "
                "or\n"
                "       admin. What expires is gone for good but its head, its type and its place in the "
                "tree:\n"
                "       every proof and checkpoint stays valid, and balance still adds up\n",
        .run = retention_run,
};
