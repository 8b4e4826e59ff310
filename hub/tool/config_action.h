/*
 * The actions of `marshrut config`: cmd_config.c has the table and `check`; cmd_config_change.c plan, history
 * and show; cmd_config_apply.c apply and rollback.
 */
#ifndef MR_HUB_TOOL_CONFIG_ACTION_H
#define MR_HUB_TOOL_CONFIG_ACTION_H

#include <jansson.h>

#include "hub/tool/tool.h"
#include "proto/base/buf.h"

/* argv[0] is the action; return the exit code. The configuration at -c is loaded. */
int tool_config_plan(struct tool *tool, int argc, char **argv);
int tool_config_apply(struct tool *tool, int argc, char **argv);
int tool_config_history(struct tool *tool, int argc, char **argv);
int tool_config_show(struct tool *tool, int argc, char **argv);
int tool_config_rollback(struct tool *tool, int argc, char **argv);

/* tool->config_path as `check` does; quiet: without a summary, when all is well. */
int tool_config_check(struct tool *tool, bool quiet);

/* Warns of folders and files that the configuration names and that are not there (config_places.c). */
void tool_config_places(
        const struct tool *tool, void (*warn)(void *ctx, const struct mr_error *warning), void *ctx);

/* ---- for these files; each says itself what failed, and returns the exit code ---- */

struct tool_config_planned {
    uint64_t restart; /* keys that hold only after a restart of the hub */
    bool adapters;    /* something of the adapters, who read their file at their own start */
};
/* Steals arguments. */
int tool_config_ask_plan(struct tool *tool, json_t *arguments, bool quiet, struct tool_config_planned *ret);
int tool_config_ask_text(struct tool *tool, json_t *arguments, struct mr_buf *ret); /* of a version */
/* The number of a version, the one text that there must be. */
int tool_config_version(const char *action, int count, char **texts, json_t *arguments);

/* The arguments `text` and `name` of config.plan and config.apply. 0 or MR_ECONFIG. */
int tool_config_put_text(
        json_t *arguments, const struct mr_buf *text, const char *name, struct mr_error *error);

#endif
