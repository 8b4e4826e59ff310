/*
 * marshrut, the tool: what its commands share. One command a file (cmd_*.c), one table in main.c.
 *
 * Exit codes: 0 done; 1 a check did not hold (balance, verify, items refused); 64 usage; otherwise those of
 * proto/base/err.h (sysexits.h), which `marshrut --help` and docs/operations.md list.
 */
#ifndef MR_HUB_TOOL_TOOL_H
#define MR_HUB_TOOL_TOOL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "proto/base/err.h"
#include "proto/config/config.h"

enum { TOOL_EXIT_CHECK = 1, TOOL_EXIT_USAGE = 64 };

struct tool {
    const char *config_path;
    struct mr_config *config;  /* loaded on first use: tool_config() */
    const char *operator_name; /* --as; "" when not given */
    bool json;                 /* --json: one document a line, for machines */
    bool tty;                  /* colours and progress only on a terminal */
};

struct tool_command {
    const char *name;
    const char *usage;                                    /* behind the name: "[--from N] [--type T] [-f]" */
    const char *summary;                                  /* one line */
    const char *help;                                     /* the rest; may be NULL */
    int (*run)(struct tool *tool, int argc, char **argv); /* argv[0] is the command; returns the exit code */
};

extern const struct tool_command tool_access;
extern const struct tool_command tool_account;
extern const struct tool_command tool_backup;
extern const struct tool_command tool_balance;
extern const struct tool_command tool_bench;
extern const struct tool_command tool_config_command;
extern const struct tool_command tool_erase;
extern const struct tool_command tool_escrow;
extern const struct tool_command tool_filter;
extern const struct tool_command tool_hold;
extern const struct tool_command tool_keys;
extern const struct tool_command tool_log;
extern const struct tool_command tool_map;
extern const struct tool_command tool_parked;
extern const struct tool_command tool_passport;
extern const struct tool_command tool_publish;
extern const struct tool_command tool_quarantine;
extern const struct tool_command tool_rebuild;
extern const struct tool_command tool_receipt;
extern const struct tool_command tool_replay;
extern const struct tool_command tool_restore;
extern const struct tool_command tool_retention;
extern const struct tool_command tool_scrub;
extern const struct tool_command tool_status;
extern const struct tool_command tool_tail;
extern const struct tool_command tool_token;
extern const struct tool_command tool_top;
extern const struct tool_command tool_types;
extern const struct tool_command tool_up;
extern const struct tool_command tool_where;

/* Loads the configuration once. NULL after saying why. */
const struct mr_config *tool_config(struct tool *tool);

/* Prints for people; what the texts bring along is made printable (printable.h). */
void tool_say(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints the error as sentences (what, where, what to do) and returns its exit code. */
int tool_fail(const struct tool *tool, const struct mr_error *error);
/* A wrong call: says what is wrong and how the command is used. Returns TOOL_EXIT_USAGE. */
int tool_usage(const struct tool_command *command, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* The same of a call without a command. */
int tool_usage_general(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Wrong calls are told as one JSON line, as errors are (code "usage"). */
void tool_usage_as_json(bool as_json);

/* Signals that end the tool's waiting (Ctrl-C, TERM) were caught. Async-signal-safe flag, set by
 * tool_catch_signals(). */
void tool_catch_signals(void);
bool tool_interrupted(void);

#endif
