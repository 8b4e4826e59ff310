/*
 * The term of files that hold persons and lie outside the vault: at start and once a day, what is older is
 * removed from the folders and their sub-folders, one level deep. Regular files only; links are not followed.
 * Loop thread only.
 */
#ifndef MR_SDK_SWEEP_H
#define MR_SDK_SWEEP_H

#include <stdint.h>
#include <uv.h>

#include "proto/base/err.h"

enum { MR_SWEEP_DIRS_MAX = 3 };

struct mr_sweep;

struct mr_sweep_options {
    uv_loop_t *loop;
    const char *dirs[MR_SWEEP_DIRS_MAX]; /* a NULL one is passed over; borrowed */
    uint32_t keep_days;                  /* 0: nothing is ever removed */
};

int mr_sweep_open(struct mr_sweep **ret, const struct mr_sweep_options *options);
void mr_sweep_close(struct mr_sweep *sweep, void (*on_closed)(void *ctx), void *ctx);

/* Files removed from the folder. older_than: seconds since 1970. */
uint32_t mr_sweep_dir(const char *dir, int64_t older_than);

#endif
