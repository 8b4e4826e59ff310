/*
 * All that a hub stores, scrubbed: the four environments (store/scrub.h), the root key's slots, log.key and
 * log.checkpoint; log/ against keys/, index/ and views/ against log/. With a hub running or without; changes
 * nothing. Blocking, for the tool.
 */
#ifndef MR_HUB_KEEP_SCRUB_HOUSE_H
#define MR_HUB_KEEP_SCRUB_HOUSE_H

#include "proto/config/config.h"
#include "store/scrub.h"

struct mr_scrub_house {
    struct mr_scrub_counts counts;
    bool keys_opened; /* false: no root key here, or keys/ is damaged: its rows were not opened */
};

/* tick: rows so far, of an environment; NULL: nobody wants to know. 0 with findings or without. Negative:
 * nothing could be looked at (no store, no right). */
int mr_scrub_house(const struct mr_config *config, mr_scrub_fn fn, void *ctx, const struct mr_tick *tick,
        struct mr_scrub_house *ret, struct mr_error *reterr);

#endif
