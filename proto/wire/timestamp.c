#include "proto/wire/timestamp.h"

#include <string.h>

#include "proto/base/err.h"

enum { NANOS_MAX = 999999999, SECONDS_TEXT_SIZE = 19 };

static const int64_t seconds_min = INT64_C(-62135596800); /* 0001-01-01T00:00:00Z */
static const int64_t seconds_max = INT64_C(253402300799); /* 9999-12-31T23:59:59Z */

bool mr_timestamp_valid(int64_t seconds, int32_t nanos)
{
    return seconds >= seconds_min && seconds <= seconds_max && nanos >= 0 && nanos <= NANOS_MAX;
}

char *mr_timestamp_format(int64_t seconds, int32_t nanos, char out[static MR_TIME_TEXT_MAX])
{
    int n = nanos < 0 ? 0 : nanos > NANOS_MAX ? NANOS_MAX : nanos;
    int digits = n == 0 ? 0 : n % 1000000 == 0 ? 3 : n % 1000 == 0 ? 6 : 9;
    char *at;

    seconds = seconds < seconds_min ? seconds_min : seconds > seconds_max ? seconds_max : seconds;
    at = mr_time_put_second(seconds, out);
    if (digits > 0)
        *at++ = '.';
    for (int i = 0, place = 100000000; i < digits; i++, place /= 10)
        *at++ = (char)('0' + n / place % 10);
    *at++ = 'Z';
    *at = 0;
    return out;
}

/* Decimals 7 to 9, which mr_time_parse leaves out. The text is known to be RFC 3339. */
static int32_t last_decimals(struct mr_slice text)
{
    const uint8_t *dot = memchr(text.data, '.', text.size);
    const uint8_t *end = text.data + text.size;
    int32_t value = 0;
    int32_t scale = 100;

    if (!dot)
        return 0;
    for (const uint8_t *at = dot + 1; at < end && *at >= '0' && *at <= '9'; at++)
        if (at - dot > 6) {
            value += (*at - '0') * scale;
            scale /= 10;
        }
    return value;
}

int mr_timestamp_parse(struct mr_slice text, int64_t *ret_seconds, int32_t *ret_nanos)
{
    int64_t wall_us;
    int64_t seconds;

    if (text.size <= SECONDS_TEXT_SIZE || mr_time_parse((const char *)text.data, text.size, &wall_us) < 0)
        return MR_EINVAL;
    seconds = wall_us / 1000000 - (wall_us % 1000000 < 0);
    if (!mr_timestamp_valid(seconds, 0))
        return MR_EINVAL;
    *ret_seconds = seconds;
    *ret_nanos = (int32_t)(wall_us - seconds * 1000000) * 1000 + last_decimals(text);
    return 0;
}
