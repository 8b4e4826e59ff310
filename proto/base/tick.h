/* Somebody who wants to know how far a long work is: told now and then, on the worker's own thread. */
#ifndef MR_BASE_TICK_H
#define MR_BASE_TICK_H

#include <stdint.h>

enum { MR_TICK_EVERY = 1024 }; /* rows, or the like, from one time to the next: some milliseconds of work */

struct mr_tick {
    void (*fn)(void *ctx, const char *what, uint64_t done, uint64_t total); /* total 0: not known */
    void *ctx;
};

/* tick NULL: nobody wants to know. */
static inline void mr_tick(const struct mr_tick *tick, const char *what, uint64_t done, uint64_t total)
{
    if (tick)
        tick->fn(tick->ctx, what, done, total);
}

#endif
