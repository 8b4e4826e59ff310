/* What the disk and LMDB take for a commit, without a hub: beside what `marshrut bench --rate` measures. */
#ifndef MR_HUB_TOOL_LOAD_RAW_H
#define MR_HUB_TOOL_LOAD_RAW_H

#include <stdint.h>

#include "proto/base/err.h"

/*
 * Appends 400-byte values to a table of its own below dir, so many a commit, commit after commit, for a
 * second or 300 of them; the median of their times. Blocking.
 */
int load_raw_commit_us(
        const char *dir, uint64_t events_a_commit, double *ret_p50_us, struct mr_error *reterr);

#endif
