/* What the systems may publish, held against the registry of event types. */
#ifndef MR_HUB_RIGHTS_H
#define MR_HUB_RIGHTS_H

#include "proto/config/config.h"

/* Every entry of `publish` is for at least one type that exists. 0 or MR_ECONFIG; file: the configuration's
 * name. */
int mr_rights_check(const struct mr_config *config, const char *file, struct mr_error *reterr);

#endif
