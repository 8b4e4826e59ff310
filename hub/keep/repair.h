/*
 * Damaged records put back from a backup, where its leaf is the one that the tree has: nothing else can take
 * a record's place. The hub must be stopped. Slots of persons that were erased since stay empty, and what had
 * expired stays expired. A closed segment gets a new generation (store/log_segment.h).
 */
#ifndef MR_HUB_KEEP_REPAIR_H
#define MR_HUB_KEEP_REPAIR_H

#include "proto/config/config.h"
#include "store/scrub.h"

struct mr_repaired {
    uint64_t damaged; /* found */
    uint64_t mended;
    uint64_t left; /* not in the backup, another one there, or it cannot be told whether it had expired:
                      first_left is the first */
    uint64_t first_left;
};

/* dir: a backup; it is verified first (fn is told what is damaged in it). MR_EEXISTS: a hub runs. */
int mr_repair_from(const struct mr_config *config, const char *dir, struct mr_repaired *ret, mr_scrub_fn fn,
        void *ctx, struct mr_error *reterr);

#endif
