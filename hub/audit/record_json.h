/* A record of the log as JSON without any personal value: what its leaf says, open events whole (decision
 * 24). */
#ifndef MR_HUB_AUDIT_RECORD_JSON_H
#define MR_HUB_AUDIT_RECORD_JSON_H

#include <jansson.h>

#include "hub/house.h"

/* number, recorded, type, source, system, hub_id, sealed, quarantined; of open events id; data. NULL: out of
 * memory. */
json_t *mr_record_json(const struct mr_house *house, const struct mr_record *record);
/* The same with the head, the hash that the tree has of its leaf, commitments and the state of each slot's
 * key. */
json_t *mr_record_json_full(
        const struct mr_house *house, const struct mr_record *record, const uint8_t leaf_hash[static 32]);

#endif
