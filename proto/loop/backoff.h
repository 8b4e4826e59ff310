/* Exponential back-off with full jitter, bounded. Pure but for the random source that the caller passes. */
#ifndef MR_LOOP_BACKOFF_H
#define MR_LOOP_BACKOFF_H

#include <stdint.h>

struct mr_backoff {
    uint32_t first_ms;
    uint32_t max_ms;
    uint32_t attempt; /* failures in a row */
};

/* Delay before the next try: between half and the whole of min(max, first * 2^attempt). random: any 32 bits.
 */
static inline uint32_t mr_backoff_next(struct mr_backoff *backoff, uint32_t random)
{
    uint32_t shift = backoff->attempt < 16 ? backoff->attempt : 16;
    uint64_t span = (uint64_t)backoff->first_ms << shift;

    if (span > backoff->max_ms)
        span = backoff->max_ms;
    backoff->attempt++;
    return (uint32_t)(span / 2 + random % (span / 2 + 1));
}

static inline void mr_backoff_reset(struct mr_backoff *backoff)
{
    backoff->attempt = 0;
}

#endif
