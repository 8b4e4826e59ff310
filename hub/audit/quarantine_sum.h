/* How many of the events that were put aside there are by the code of what is wrong, and since when. Any
 * thread that may read the log; each call for itself. */
#ifndef MR_HUB_AUDIT_QUARANTINE_SUM_H
#define MR_HUB_AUDIT_QUARANTINE_SUM_H

#include "hub/audit/quarantine_choice.h"

/* {state, count, events: [], codes: [{code, reason, cure, count, oldest}]}, most first; the texts are of the
 * oldest one. The types of the events are not read: it costs a walk over the rows. The caller frees `ret`.
 * MR_ENOMEM, errors of the log. */
int mr_quarantine_sum(const struct mr_quarantine_choice *choice, json_t **ret);

#endif
