/* marshrut account invite | list | lock | unlock: who may log in at the console. */
#include <string.h>

#include "hub/tool/render.h"
#include "proto/base/list.h"

static int account_run(struct tool *tool, int argc, char **argv)
{
    static const char *const acts[][2] = {
            {"invite", "account.invite"}, {"lock", "account.lock"}, {"unlock", "account.unlock"}};

    if (argc == 2 && strcmp(argv[1], "list") == 0)
        return tool_ask_and_render(tool, "account.list", json_object());
    for (size_t i = 0; argc == 3 && i < MR_COUNT(acts); i++)
        if (strcmp(argv[1], acts[i][0]) == 0)
            return tool_ask_and_render(tool, acts[i][1], json_pack("{s:s}", "name", argv[2]));
    return tool_usage(&tool_account, "say 'list', or 'invite', 'lock' or 'unlock' and the operator's name");
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
