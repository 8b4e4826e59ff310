/* google.protobuf.Timestamp from and to RFC 3339, with its nanoseconds. Pure; any thread. */
#ifndef MR_WIRE_TIMESTAMP_H
#define MR_WIRE_TIMESTAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/clock.h"
#include "proto/base/slice.h"

/* Years 1 to 9999, nanos 0 to 999,999,999. */
bool mr_timestamp_valid(int64_t seconds, int32_t nanos);

/* With 0, 3, 6 or 9 decimals, as ProtoJSON wants it; returns out. What is not valid is brought to the nearest
 * that is. */
char *mr_timestamp_format(int64_t seconds, int32_t nanos, char out[static MR_TIME_TEXT_MAX]);

/* A date with time and offset; 0, or MR_EINVAL. */
int mr_timestamp_parse(struct mr_slice text, int64_t *ret_seconds, int32_t *ret_nanos);

#endif
