/* Where a record is on its way, as JSON: by the rows that delivery and quarantine keep of it. Own snapshot of
 * the reader. */
#ifndef MR_HUB_AUDIT_DELIVERY_JSON_H
#define MR_HUB_AUDIT_DELIVERY_JSON_H

#include <jansson.h>

#include "hub/audit/method.h"
#include "hub/deliver/deliver_rows.h"

/* The row that settles this number for the subscription. 0, MR_ENOTFOUND or a failure. */
int mr_delivery_covering(
        struct mr_log_reader *reader, uint16_t sub, uint64_t number, struct mr_delivery_row *ret);
/* What docs/methods.md calls a delivery, of one subscription. NULL: out of memory. */
json_t *mr_delivery_json(const struct mr_method_call *call, struct mr_log_reader *reader, uint16_t sub,
        const struct mr_record *record);
/* Sets "intake", how the record came in; not of one that an older hub took. */
void mr_intake_add(struct mr_log_reader *reader, uint64_t number, json_t *json);
/* What its receiver gave back, the first 100: [attempt, at, reason]. */
json_t *mr_delivery_tries_json(struct mr_log_reader *reader, uint16_t sub, uint64_t number);
/* Sets "quarantine" of one that waits or waited for correction. */
void mr_quarantine_add(struct mr_log_reader *reader, uint64_t number, json_t *json);

#endif
