/* marshrut replay: a receiver gets again what it had, beside what is new. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "hub/tool/ask.h"
#include "hub/tool/person_option.h"
#include "hub/tool/render.h"

/* A log number, or a time. */
static void set_end(json_t *arguments, const char *number, const char *time, const char *text)
{
    char *end;
    long long value = strtoll(text, &end, 10);

    if (*text && !*end)
        (void)json_object_set_new(arguments, number, json_integer(value));
    else
        tool_set_text(arguments, time, text);
}

static int replay_run(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {{"from", required_argument, NULL, 'f'},
            {"to", required_argument, NULL, 't'}, {"dry-run", no_argument, NULL, 'n'},
            {"case", required_argument, NULL, 'c'}, {NULL, 0, NULL, 0}};
    json_t *arguments = json_object(), *document;
    bool dry = false, good = true;
    int option, code = 0;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'f')
            set_end(arguments, "from", "from_time", optarg);
        else if (option == 't')
            set_end(arguments, "to", "to_time", optarg);
        else if (option == 'c')
            tool_set_text(arguments, "case", optarg);
        else
            good = good && option == 'n';
        dry |= option == 'n';
    }
    if (!good || optind + 1 != argc ||
            !(json_object_get(arguments, "from") || json_object_get(arguments, "from_time"))) {
        json_decref(arguments);
        return tool_usage(
                &tool_replay, "takes a subscription and --from, and may take --to, --dry-run, --case");
    }
    (void)json_object_set_new(arguments, "subscription", json_string(argv[optind]));
    document = tool_ask_one(tool, dry ? "replay.plan" : "replay.start", arguments, &code);
    if (!document)
        return code;
    tool_render(tool, stdout, document);
    json_decref(document);
    return 0;
}

const struct tool_command tool_replay = {
        .name = "replay",
        .usage = "SUBSCRIPTION --from NUMBER|TIME [--to NUMBER|TIME] [--dry-run] [--case CODE]",
        .summary = "send a receiver again what it had, beside what is new",
        .help = "From this log number or time (2026-03-01, 2026-03-01T09:00:00Z) up to --to, or to the last "
                "that "
                "it\nhas taken. --dry-run says what would be sent: events and bytes by type. Without it, by "
                "an "
                "operator with\nthe role admin (--as NAME), it begins, and is an event; the receiver sees "
                "`replay` "
                "on what comes again.\nWhat is parked is left out. A restart of the hub ends it; another "
                "replay of "
                "the same subscription takes\nits place.\n",
        .run = replay_run,
};
