/* Arguments of a method, read with errors that name the argument. Texts are the JSON value's. */
#ifndef MR_HUB_AUDIT_ARGS_H
#define MR_HUB_AUDIT_ARGS_H

#include "hub/audit/method.h"

/* A text, at most max bytes; NULL argument value: "" when optional, else MR_EINVAL. */
int mr_arg_text(const struct mr_method_call *call, const char *name, bool required, size_t max,
        const char **ret, struct mr_error *reterr);
/* A whole number in low..high; absent: fallback. */
int mr_arg_number(const struct mr_method_call *call, const char *name, uint64_t low, uint64_t high,
        uint64_t fallback, uint64_t *ret, struct mr_error *reterr);

/* RFC 3339, or a date, which is its midnight UTC, as the log is. Absent: *ret stays. */
int mr_arg_time(const struct mr_method_call *call, const char *name, int64_t *ret, struct mr_error *reterr);

/*
 * A reference, at most 64 bytes: latin letters, digits and - / . _, and no СНИЛС. It is kept for good, where
 * persons have no place. `asked` is what the cure asks for: "the number of the case".
 */
int mr_arg_reference(const struct mr_method_call *call, const char *name, bool required, const char *asked,
        const char **ret, struct mr_error *reterr);

/* `case`: the number of a file, of an order, of a request, and no names: it is written where it stays. */
int mr_arg_case(const struct mr_method_call *call, const char **ret, struct mr_error *reterr);

/* "school", "hub", or "system 7" for one that was in the configuration once. */
const char *mr_system_name(const struct mr_house *house, uint16_t id, char *out, size_t size);
const char *mr_subscription_name(const struct mr_house *house, uint16_t id, char *out, size_t size);

/* "2026-11-22T10:00:00.000001Z"; null for 0. */
json_t *mr_time_json(int64_t wall_us);

#endif
