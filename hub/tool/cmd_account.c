/* marshrut account invite | list | lock | unlock: who may log in at the console. */
#include <string.h>

#include "hub/tool/ask.h"
#include "hub/tool/render.h"

static int account_run(struct tool *tool, int argc, char **argv)
{
    static const char *const acts[][2] = {
            {"invite", "account.invite"}, {"lock", "account.lock"}, {"unlock", "account.unlock"}};
    json_t *document = NULL;
    int code = TOOL_EXIT_USAGE;

    if (argc == 2 && strcmp(argv[1], "list") == 0)
        document = tool_ask_one(tool, "account.list", json_object(), &code);
    else if (argc != 3)
        return tool_usage(
                &tool_account, "say 'list', or 'invite', 'lock' or 'unlock' and the operator's name");
    for (size_t i = 0; argc == 3 && i < sizeof acts / sizeof acts[0]; i++)
        if (strcmp(argv[1], acts[i][0]) == 0)
            document = tool_ask_one(tool, acts[i][1], json_pack("{s:s}", "name", argv[2]), &code);
    if (!document && code == TOOL_EXIT_USAGE)
        return tool_usage(&tool_account, "say 'list', 'invite', 'lock' or 'unlock'");
    if (!document)
        return code;
    tool_render(tool, stdout, document);
    json_decref(document);
    return 0;
}

const struct tool_command tool_account = {
        .name = "account",
        .usage = "invite NAME | list | lock NAME | unlock NAME",
        .summary = "who may log in at the console (docs/api.md)",
        .help = "An account belongs to an operator of the configuration, and has that operator's roles.\n\n"
                "invite    makes the account, or lets its owner choose a new password: prints a secret that\n"
                "          is good once, for 72 hours, at /#invite=NAME:SECRET of the console. The old\n"
                "          password works until then\n"
                "list      the accounts there are\n"
                "lock      logs the account out and keeps it out; unlock lets it in again\n\n"
                "By an operator with the role admin (--as), a running hub; each is an event\n",
        .run = account_run,
};
