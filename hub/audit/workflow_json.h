/* The way of a passport as the methods tell it. */
#ifndef MR_HUB_AUDIT_WORKFLOW_JSON_H
#define MR_HUB_AUDIT_WORKFLOW_JSON_H

#include <jansson.h>

#include "hub/project/workflow.h"

/* state, title, version, as_of, digest, tag; steps: what can be done now ("approve"), and by which roles.
 * NULL: out of memory. */
json_t *mr_workflow_json(const struct mr_workflow_row *row);
/* As mr_workflow_document; MR_ENOTFOUND says which argument named a version that there is not. */
int mr_workflow_stored(struct mr_log *log, uint32_t version, const char *argument, struct mr_buf *out,
        struct mr_error *reterr);

#endif
