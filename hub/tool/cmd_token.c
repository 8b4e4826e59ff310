/* marshrut token new | list | revoke: who may use the HTTP API. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "hub/tool/render.h"

static bool read_days(const char *text, json_t *arguments)
{
    char *end;
    long days;

    errno = 0;
    days = strtol(text, &end, 10);
    return !errno && end != text && !*end && days > 0 &&
           json_object_set_new(arguments, "days", json_integer(days)) == 0;
}

static int new_token(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {{"name", required_argument, NULL, 'n'},
            {"scope", required_argument, NULL, 's'}, {"system", required_argument, NULL, 'y'},
            {"days", required_argument, NULL, 'd'}, {NULL, 0, NULL, 0}};
    json_t *arguments = json_object();
    bool good = true;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'n')
            (void)json_object_set_new(arguments, "name", json_string(optarg));
        else if (option == 's')
            (void)json_object_set_new(arguments, "scopes", json_string(optarg));
        else if (option == 'y')
            (void)json_object_set_new(arguments, "system", json_string(optarg));
        else
            good = good && option == 'd' && read_days(optarg, arguments);
    }
    if (good && optind == argc && json_object_get(arguments, "name") && json_object_get(arguments, "scopes"))
        return tool_ask_and_render(tool, "token.new", arguments);
    json_decref(arguments);
    return tool_usage(
            &tool_token, "new takes --name TEXT and --scope LIST, and may take --system NAME, --days N");
}

static int token_run(struct tool *tool, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "new") == 0)
        return new_token(tool, argc - 1, argv + 1);
    if (argc == 2 && strcmp(argv[1], "list") == 0)
        return tool_ask_and_render(tool, "token.list", json_object());
    if (argc == 3 && strcmp(argv[1], "revoke") == 0)
        return tool_ask_and_render(tool, "token.revoke", json_pack("{s:s}", "id", argv[2]));
    return tool_usage(&tool_token, "say 'new', 'list' or 'revoke ID'");
}

const struct tool_command tool_token = {
        .name = "token",
        .usage = "new --name TEXT --scope LIST [--system NAME] [--days N] | list | revoke ID",
        .summary = "tokens of the HTTP API (docs/api.md)",
        .help = "new       prints a new token, once: the hub keeps only its digest. By an operator with the\n"
                "          role admin (--as), a running hub; issuing and revoking are events\n"
                "--name    what it is for; kept in the log for good, so it names nobody\n"
                "--scope   what may be done with it, separated by commas:\n"
                "          read      state, balance, where, events; nothing of a person\n"
                "          log       the tiles of the log, for who verifies it\n"
                "          passport  the passport and what its cells are made of\n"
                "          publish   events of --system, with that system's rights\n"
                "          pull      what the subscriptions of --system deliver\n"
                "--system  the configured system that it speaks for\n"
                "--days    after so many days it is not taken any more (default: no end)\n"
                "list      the tokens there were and are, without the tokens themselves\n"
                "revoke    from now on it is not taken; ID as in the list\n",
        .run = token_run,
};
