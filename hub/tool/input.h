/* A whole file that a command reads, or standard input. */
#ifndef MR_HUB_TOOL_INPUT_H
#define MR_HUB_TOOL_INPUT_H

#include "proto/base/buf.h"
#include "proto/base/err.h"

/* What to do when there is no such file. */
#define TOOL_INPUT_EVENTS "give a file of CloudEvents JSON, or - for standard input"
#define TOOL_INPUT_CONFIG "give the file of a configuration, or - for standard input"

/* Appends the file (name "-": standard input) to out. 0; MR_ENOTFOUND, MR_EDENIED, MR_EINVAL (a folder),
 * MR_ETOOBIG, MR_EIO, MR_ENOMEM, with the name in where. */
int tool_read_input(
        const char *name, const char *cure, size_t bytes_max, struct mr_buf *out, struct mr_error *error);

#endif
