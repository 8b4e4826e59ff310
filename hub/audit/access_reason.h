/* Why somebody may look at a person: the code list access_reason of the configuration; without it a list of
 * the hub's own. */
#ifndef MR_HUB_AUDIT_ACCESS_REASON_H
#define MR_HUB_AUDIT_ACCESS_REASON_H

#include <jansson.h>

#include "proto/config/config.h"

enum { MR_ACCESS_REASON_MAX = 32 };

bool mr_access_reason_known(const struct mr_config *config, const char *code);
/* [{"code", "title"}]; NULL: out of memory. */
json_t *mr_access_reasons_json(const struct mr_config *config);

#endif
