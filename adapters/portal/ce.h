/* One CloudEvent that came in by HTTP: the checks that are the portal adapter's own, and into the outbox. */
#ifndef MR_PORTAL_CE_H
#define MR_PORTAL_CE_H

#include "adapters/sdk/post.h"
#include "proto/config/config.h"
#include "proto/wire/ce.h"

/* One event of a request or of the feed as an item of `post`, begun and ended here. */
void mr_ce_item(const struct mr_config_system *system, json_t *event, struct mr_post *post);

#endif
