/*
 * The centre's work list: each finished course one file, whose name is the log number, so that a course that
 * is delivered again makes the same file again. Temporary file, fsync, rename: the file is there whole or not
 * at all.
 */
#ifndef MR_COPMKP_WORKLIST_H
#define MR_COPMKP_WORKLIST_H

#include "adapters/sdk/adapter.h"

/* 0; 1: no event for the list (other type); negative: not written, try again. */
int mr_worklist_write(const char *out_dir, const struct mr_delivered *item);

#endif
