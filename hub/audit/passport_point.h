/* Which point of the log a passport is asked for. */
#ifndef MR_HUB_AUDIT_PASSPORT_POINT_H
#define MR_HUB_AUDIT_PASSPORT_POINT_H

#include "hub/audit/method.h"

/*
 * The argument `number` (a log number), or `time` (RFC 3339 or a date: all that was recorded before that
 * moment); 0 when neither is given: the head. MR_EINVAL for both, MR_ENOTFOUND when nothing was recorded
 * before.
 */
int mr_passport_point(const struct mr_method_call *call, const char *number, const char *time, uint64_t *ret,
        struct mr_error *reterr);

#endif
