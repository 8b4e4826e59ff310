/*
 * One run of a program: bytes on its standard input, a deadline, its end. Its output goes nowhere. It is the
 * leader of a process group, and the whole group is killed at the deadline. Loop thread only.
 */
#ifndef MR_LOOP_COMMAND_H
#define MR_LOOP_COMMAND_H

#include <stdint.h>
#include <uv.h>

#include "proto/base/slice.h"

enum { MR_COMMAND_ARGUMENTS_MAX = 32 };

struct mr_command;
struct mr_command_options {
    uv_loop_t *loop;
    char *const *argv; /* absolute path first */
    uint32_t argv_count;
    struct mr_slice input; /* copied */
    uint32_t timeout_ms;
    /* Once, after the program has ended: its status, or minus the signal that ended it. */
    void (*done)(void *ctx, int64_t status);
    void *ctx;
};

/* MR_ENOMEM; MR_EINVAL: too many arguments; negative of proto/base/err.h when it cannot be started, and done
 * is not called. */
int mr_command_run(struct mr_command **ret, const struct mr_command_options *options);
/* Kills it without another word: done is not called. Memory goes when the loop has let go of it. */
void mr_command_drop(struct mr_command *command);

#endif
