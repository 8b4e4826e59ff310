/* Which cells of a passport rest on a record. */
#ifndef MR_HUB_AUDIT_RESTS_JSON_H
#define MR_HUB_AUDIT_RESTS_JSON_H

#include "hub/project/passport.h"

/* Their codes. NULL: out of memory. */
json_t *mr_rests_json(const struct mr_passport *passport, uint64_t number);

#endif
