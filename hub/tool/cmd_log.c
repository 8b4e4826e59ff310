#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/tool/ask.h"
#include "hub/tool/render.h"
#include "hub/tool/tool.h"

static int render_one(struct tool *tool, const char *method, json_t *arguments)
{
    int code = 0;
    json_t *document = tool_ask_one(tool, method, arguments, &code);

    if (!document)
        return code;
    tool_render(tool, stdout, document);
    json_decref(document);
    return 0;
}

static int log_run(struct tool *tool, int argc, char **argv)
{
    char *end;
    long long number;

    if (argc == 2 && strcmp(argv[1], "count") == 0)
        return render_one(tool, "log.count", json_pack("{s:s}", "by", "type"));
    if (argc != 3 || strcmp(argv[1], "show") != 0)
        return tool_usage(&tool_log, "say 'show N' or 'count'");
    errno = 0;
    number = strtoll(argv[2], &end, 10);
    if (*end || number < 1 || errno == ERANGE)
        return tool_usage(&tool_log, "show takes a log number from 1 on, not '%s'", argv[2]);
    return render_one(tool, "log.show", json_pack("{s:I}", "number", (json_int_t)number));
}

const struct tool_command tool_log = {
        .name = "log",
        .usage = "show N | count",
        .summary = "look at one record of the log, or count records by type",
        .help = "show prints head, leaf and slots of record N; personal values stay sealed.\n",
        .run = log_run,
};
