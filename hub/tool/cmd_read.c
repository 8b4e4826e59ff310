/* The commands that ask one question and print the answer: where, balance, status. */
#include <stdio.h>
#include <string.h>

#include "hub/tool/ask.h"
#include "hub/tool/pages.h"
#include "hub/tool/render.h"
#include "hub/tool/tool.h"

enum { MATCHES_A_PAGE = 1000 };

/* Takes the reference. code: when there is no document. */
static int show(const struct tool *tool, json_t *document, int code)
{
    if (!document)
        return code;
    tool_render(tool, stdout, document);
    if (json_is_false(json_object_get(document, "ok")))
        code = TOOL_EXIT_CHECK;
    json_decref(document);
    return code;
}

static int ask_and_render(struct tool *tool, const char *method, json_t *arguments)
{
    int code = 0;
    json_t *document = tool_ask_one(tool, method, arguments, &code);

    return show(tool, document, code);
}

static int where_run(struct tool *tool, int argc, char **argv)
{
    static const char *const lists[] = {"matches", "verdicts", NULL};
    int code = 0;
    json_t *document;

    if (argc != 2 || !argv[1][0])
        return tool_usage(&tool_where, "give one id");
    document = tool_pages_ask(tool, "where", json_pack("{s:s}", "id", argv[1]), MATCHES_A_PAGE, lists, &code);
    return show(tool, document, code);
}

const struct tool_command tool_where = {
        .name = "where",
        .usage = "ID",
        .summary = "the whole way of an event through the hub",
        .help = "ID is an event's id, the hub's own id of it, a document's registration number, or a "
                "correlation id.\n"
                "Says when it came and from whom, its number, who wanted it, and for each whether it was "
                "delivered,\n"
                "waits or is parked, and why. Works with and without a running hub. Exit code 66: nothing of "
                "that id.\n",
        .run = where_run,
};

static int balance_run(struct tool *tool, int argc, char **argv)
{
    (void)argv;
    if (argc != 1)
        return tool_usage(&tool_balance, "takes no arguments");
    return ask_and_render(tool, "balance", json_object());
}

const struct tool_command tool_balance = {
        .name = "balance",
        .usage = "",
        .summary = "is every event accounted for, in and out",
        .help = "In, per system: received = stored + duplicate + quarantined + refused. Out, per "
                "subscription: matched =\n"
                "delivered + waiting + parked + discarded + expired + suppressed. At the desk: each that was "
                "quarantined\n"
                "still waits or was released, corrected, replaced or discarded; each that was ever parked "
                "still "
                "is or has\n"
                "ended. All from the log itself. Exit code 1 and the difference when a sum does not hold.\n",
        .run = balance_run,
};

static int status_run(struct tool *tool, int argc, char **argv)
{
    (void)argv;
    if (argc != 1)
        return tool_usage(&tool_status, "takes no arguments");
    return ask_and_render(tool, "hub.status", json_object());
}

const struct tool_command tool_status = {
        .name = "status",
        .usage = "",
        .summary = "what the running hub does: systems, log, lag",
        .run = status_run,
};
