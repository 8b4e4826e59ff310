/* What the systems may publish, held against the registry of event types. */
#ifndef MR_HUB_SESSION_RIGHTS_H
#define MR_HUB_SESSION_RIGHTS_H

#include "proto/config/config.h"

/* Every entry of `publish` is for at least one type that exists. 0 or MR_ECONFIG; file: the configuration's
 * name. */
int mr_rights_check(const struct mr_config *config, const char *file, struct mr_error *reterr);

/* Terms for types that no event can have: no harm, but surely not what was meant. */
void mr_rights_terms(const struct mr_config *config, const char *file,
        void (*warn)(void *ctx, const struct mr_error *warning), void *ctx);

#endif
