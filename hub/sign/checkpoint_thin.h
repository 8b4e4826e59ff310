/*
 * Which rows of signed checkpoints need not be kept: under steady load there are two a second. All of the
 * last day stay, then the last one of each hour for 30 days, then the last one of each day; always the
 * newest. Every checkpoint that was ever signed stays provable: consistency is shown from the tree, not from
 * its row. A checkpoint's time is that of the last record that it covers.
 */
#ifndef MR_HUB_SIGN_CHECKPOINT_THIN_H
#define MR_HUB_SIGN_CHECKPOINT_THIN_H

#include "store/log.h"

enum { MR_THIN_MAX = 512 }; /* rows a commit */

struct mr_thin {
    uint64_t sizes[MR_THIN_MAX]; /* keys of the rows that may go, ascending */
    size_t count;
};

/* Looks at the rows of the snapshot, one record each, those of the last day left out. 0 or a failure. */
int mr_thin_find(struct mr_thin *ret, struct mr_log_reader *reader, int64_t now_us);
/* Takes them out; the same again does no harm. */
int mr_thin_apply(const struct mr_thin *thin, struct mr_log_batch *batch);

#endif
