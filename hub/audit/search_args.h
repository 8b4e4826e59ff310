/* The conditions of a search as a method's arguments: those of log.find, its counts and its export are the
 * same. */
#ifndef MR_HUB_AUDIT_SEARCH_ARGS_H
#define MR_HUB_AUDIT_SEARCH_ARGS_H

#include "hub/audit/method.h"
#include "hub/audit/search.h"

/* `order` sets ret->newest: before mr_search_args, whose bounds follow it. MR_EINVAL. */
int mr_search_order(const struct mr_method_call *call, struct mr_search *ret, struct mr_error *reterr);
/* Sets all but the person and the bound; texts are the call's. MR_EINVAL with the argument. */
int mr_search_args(const struct mr_method_call *call, struct mr_search *ret, struct mr_error *reterr);

#endif
