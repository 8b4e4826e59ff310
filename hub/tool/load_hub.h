/*
 * The hub that `marshrut bench` loads: a private one in a folder of its own, started and stopped here, or one
 * that runs. What is asked of either: its process, its state. One thread.
 */
#ifndef MR_HUB_TOOL_LOAD_HUB_H
#define MR_HUB_TOOL_LOAD_HUB_H

#include <jansson.h>
#include <limits.h>
#include <sys/types.h>

#include "hub/tool/load.h"
#include "hub/tool/tool.h"

struct load_hub {
    char dir[PATH_MAX / 2]; /* of a private one; "" otherwise */
    char keys[PATH_MAX];
    char endpoint[300];
    struct mr_config *config; /* of a private one: owned */
    struct tool tool;         /* for questions to it */
    pid_t child;              /* 0: not ours */
    pid_t pid;                /* of the hub; 0: not known, it is on another machine */
};

struct load_usage {
    double cpu_s; /* user and system */
    uint64_t rss_bytes;
    uint64_t rss_anon_bytes;
};

/* Starts a private hub, or finds the one that runs. On failure everything is cleared away. */
int load_hub_open(
        struct load_hub *hub, struct tool *tool, const struct load_options *options, struct mr_error *reterr);
void load_hub_close(struct load_hub *hub); /* stops and removes a private one */

/* hub.status; a new reference, NULL on failure. */
json_t *load_hub_status(struct load_hub *hub, struct mr_error *reterr);
/* Zeroes when the process is not known. */
void load_process_usage(pid_t pid, struct load_usage *ret);

#endif
