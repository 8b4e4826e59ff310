/* Time, injected so that tests own it. All times are microseconds. */
#ifndef MR_BASE_CLOCK_H
#define MR_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct mr_clock {
    int64_t (*wall_us)(void *ctx);      /* since 1970-01-01 UTC */
    int64_t (*monotonic_us)(void *ctx); /* for intervals */
    void *ctx;
};

/* The system's clocks. Thread-safe, static. In builds with fault points they are ahead by the seconds in the
 * file that MR_CLOCK_AHEAD names, if there is one. */
const struct mr_clock *mr_clock_system(void);

static inline int64_t mr_clock_wall_us(const struct mr_clock *clock)
{
    return clock->wall_us(clock->ctx);
}

static inline int64_t mr_clock_monotonic_us(const struct mr_clock *clock)
{
    return clock->monotonic_us(clock->ctx);
}

enum { MR_TIME_TEXT_MAX = 32 };

/* RFC 3339 in UTC with microseconds, "2026-11-22T10:00:00.000001Z"; returns out. */
char *mr_time_format(int64_t wall_us, char out[static MR_TIME_TEXT_MAX]);
/* "2026-11-22T10:00:00" of seconds since 1970, without a NUL: where it ends. */
char *mr_time_put_second(int64_t second, char out[static MR_TIME_TEXT_MAX]);

/* Reads RFC 3339 (any offset, 0 to 9 decimals), or a plain date as its midnight UTC. 0, or MR_EINVAL. */
int mr_time_parse(const char *text, size_t size, int64_t *ret_wall_us);

#endif
