/*
 * What a school gets about its own staff: out/<ОГРН>/<number>-<kind>.csv, one file an event (`;`, UTF-8 with
 * BOM for Excel), written by temp, fsync, rename. The log number in the name makes a repeated delivery
 * harmless. Never scores.
 */
#ifndef MR_SCHOOL_OUT_H
#define MR_SCHOOL_OUT_H

#include "adapters/sdk/adapter.h"

/* 0: written for every recipient; 1: schools get no file of this type; negative: try again. */
int mr_school_out_write(const struct mr_config *config, const char *out_dir, const struct mr_delivered *item);

#endif
