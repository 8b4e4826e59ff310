/* The actions of `marshrut config` that ask the hub (cmd_config_change.c), and the one that does not. */
#ifndef MR_HUB_TOOL_CONFIG_ACTION_H
#define MR_HUB_TOOL_CONFIG_ACTION_H

#include "hub/tool/tool.h"

/* argv[0] is the action; return the exit code. */
int tool_config_plan(struct tool *tool, int argc, char **argv);
int tool_config_history(struct tool *tool, int argc, char **argv);
int tool_config_show(struct tool *tool, int argc, char **argv);

/* tool->config_path as `check` does; quiet: without a summary, when all is well. */
int tool_config_check(struct tool *tool, bool quiet);

#endif
