#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/tool/ask.h"
#include "hub/tool/log_tiles.h"
#include "hub/tool/render.h"
#include "hub/tool/tool.h"
#include "proto/base/list.h"

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

static int log_count(struct tool *tool, int argc, char **argv)
{
    (void)argv;
    if (argc != 1)
        return tool_usage(&tool_log, "count takes nothing");
    return render_one(tool, "log.count", json_pack("{s:s}", "by", "type"));
}

static int log_segments(struct tool *tool, int argc, char **argv)
{
    (void)argv;
    if (argc != 1)
        return tool_usage(&tool_log, "segments takes nothing");
    return render_one(tool, "log.segments", json_object());
}

static int log_show(struct tool *tool, int argc, char **argv)
{
    char *end;
    long long number;

    if (argc != 2)
        return tool_usage(&tool_log, "show takes one log number");
    errno = 0;
    number = strtoll(argv[1], &end, 10);
    if (*end || number < 1 || errno == ERANGE)
        return tool_usage(&tool_log, "show takes a log number from 1 on, not '%s'", argv[1]);
    return render_one(tool, "log.show", json_pack("{s:I}", "number", (json_int_t)number));
}

static int log_run(struct tool *tool, int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(struct tool *tool, int argc, char **argv);
    } commands[] = {{"show", log_show}, {"count", log_count}, {"segments", log_segments},
            {"find", tool_log_find}, {"key", tool_log_key}, {"checkpoint", tool_log_checkpoint},
            {"prove", tool_log_prove}, {"verify", tool_log_verify}, {"export", tool_log_export}};

    for (size_t i = 0; argc > 1 && i < MR_COUNT(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(tool, argc - 1, argv + 1);
    return tool_usage(&tool_log, "say what to do");
}

const struct tool_command tool_log = {
        .name = "log",
        .usage = "show N | find ... | count | segments | key | checkpoint | prove N [--out FILE] [--leaf "
                 "FILE] | verify "
                 "... | "
                 "export DIR",
        .summary = "look at the log, prove and check what is in it",
        .help = "show N         head, leaf and slots of record N; personal values stay sealed\n"
                "find           records that all of these hold for, ascending; the first 100:\n"
                "               --type TYPE (ends in '.': a prefix)  --system NAME  --org OGRN\n"
                "               --correlation ID  --id ID (of the source)  --number A-B\n"
                "               --from TIME  --to TIME (not included; 2026-03-01 or RFC 3339, UTC)\n"
                "               --limit N  --after NUMBER  --count (only how many)\n"
                "               --newest (the newest first)\n"
                "find --case NUMBER and one of --snils N (-: from standard input), --local SYSTEM:ID,\n"
                "               --person ID   the records of a person, by their envelopes. Needs --as NAME "
                "with\n"
                "               the role auditor or pd-officer and a running hub: the question is an event\n"
                "               (hub.access.logged.v1) before its answer is shown\n"
                "count          records by type\n"
                "segments       the closed segments that older records lie in, and how many are outside of "
                "them\n"
                "key            the verifier's key of the log (c2sp.org/signed-note)\n"
                "checkpoint     the newest signed checkpoint\n"
                "prove N        a proof that record N is in the log (c2sp.org/tlog-proof@v1); --leaf FILE\n"
                "               writes the entry itself, which the proof is of\n"
                "verify         every record of the store against the tree and every checkpoint\n"
                "verify DIR     the same of a folder that export wrote\n"
                "verify --proof FILE --leaf FILE   one proof; nothing else is needed but the key\n"
                "               --key VKEY: of the log, from a source that you trust; else it is taken from\n"
                "               the store or folder itself, and said so. Exit code 1: the check did not "
                "hold\n"
                "export DIR     the log as files (c2sp.org/tlog-tiles); again: adds what is new\n",
        .run = log_run,
};
