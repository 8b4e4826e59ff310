/*
 * Who takes part in `marshrut bench`: keys of its systems in a folder, and what the configuration of the hub
 * says of them. No state; any thread.
 */
#ifndef MR_HUB_TOOL_LOAD_KEYS_H
#define MR_HUB_TOOL_LOAD_KEYS_H

#include "proto/base/buf.h"
#include "proto/base/err.h"
#include "proto/base/slice.h"

#include <stdint.h>

struct load_keys {
    const char *dir;    /* NAME.key and NAME.pub are made here; the folder is there */
    const char *region; /* code of the hub's region */
    uint32_t producers;
    uint32_t consumers;
};

/* Makes a key for each, and appends their entries of `systems` and of `subscriptions` (YAML, without these
 * words themselves). MR_EEXISTS: there are keys already. */
int load_keys_make(const struct load_keys *keys, struct mr_buf *systems, struct mr_buf *subscriptions,
        struct mr_error *reterr);

#endif
