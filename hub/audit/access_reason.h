/* Why somebody may look at a person: the code list access_reason of the configuration; without it a list of
 * the hub's own. */
#ifndef MR_HUB_AUDIT_ACCESS_REASON_H
#define MR_HUB_AUDIT_ACCESS_REASON_H

#include <jansson.h>

#include "hub/audit/method.h"
#include "proto/config/config.h"

enum { MR_ACCESS_REASON_MAX = 32 };

bool mr_access_reason_known(const struct mr_config *config, const char *code);
/* [{"code", "title"}]; NULL: out of memory. */
json_t *mr_access_reasons_json(const struct mr_config *config);

/* `reason`, one of the list, and `case`: of whoever wants to look at somebody. */
int mr_arg_access(const struct mr_method_call *call, const char **ret_reason, const char **ret_case,
        struct mr_error *reterr);

#endif
