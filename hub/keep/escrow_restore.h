/*
 * What an escrow place has, put back where it is missing: keys/ into the store, the root key into its folder
 * (docs/storage-keys.md, "Escrow"). Only together they count, so the copy is tried with the root key before
 * it gets its name. For the tool, with the hub stopped; blocking. A killed one is begun anew.
 */
#ifndef MR_HUB_KEEP_ESCROW_RESTORE_H
#define MR_HUB_KEEP_ESCROW_RESTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/config/config.h"

struct mr_escrow_restored {
    bool root, keys; /* what was put back */
    uint32_t generation;
};

/*
 * MR_EEXISTS: both are there, or the folder of keys/ is not empty. MR_ENOTFOUND: the place is not there, or
 * has none. MR_ECORRUPT: they do not open together; nothing is put then.
 */
int mr_escrow_restore(
        const struct mr_config *config, struct mr_escrow_restored *ret, struct mr_error *reterr);

#endif
