#include <stdio.h>
#include <string.h>

#include "hub/tool/tool.h"

static int config_run(struct tool *tool, int argc, char **argv)
{
    const struct mr_config *config;

    if (argc < 2 || argc > 3 || strcmp(argv[1], "check") != 0)
        return tool_usage(&tool_config_command, "say 'check'");
    if (argc == 3)
        tool->config_path = argv[2];
    config = tool_config(tool);
    if (!config)
        return mr_err_exit(MR_ECONFIG);
    if (tool->json)
        (void)printf("{\"ok\":true,\"systems\":%u,\"subscriptions\":%u}\n", config->systems_count,
                config->subscriptions_count);
    else
        tool_say(stdout, "%s: in order: region %s, %u systems, %u subscriptions, %u operators\n",
                tool->config_path, config->region, config->systems_count, config->subscriptions_count,
                config->operators_count);
    return 0;
}

const struct tool_command tool_config_command = {
        .name = "config",
        .usage = "check [FILE]",
        .summary = "check a configuration file",
        .help = "Reads the file as hub and adapters do, and says with file, line and column what is wrong "
                "and how to\n"
                "mend it. Exit code 78 when something is.\n",
        .run = config_run,
};
