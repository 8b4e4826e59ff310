/*
 * How often somebody may ask: a bucket for each address and each token, that fills again with time. As many
 * as are remembered are bounded; who was not here for the longest time is forgotten first. Loop thread.
 */
#ifndef MR_HUB_HTTP_LIMIT_H
#define MR_HUB_HTTP_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct mr_limit_bucket;

struct mr_limit {
    uint32_t per_s; /* 0: no limit */
    uint32_t burst;
    struct mr_limit_bucket *buckets; /* uthash, in the order of their last use */
};

enum { MR_LIMIT_KEY_BYTES = 64 };

/* Takes `cost` out of the bucket. 0: it may; else the seconds after which it may. */
uint32_t mr_limit_take(struct mr_limit *limit, const char *key, uint32_t cost, int64_t now_us);
/* What was taken was no misuse: gives it back. */
void mr_limit_give(struct mr_limit *limit, const char *key, uint32_t cost);
void mr_limit_fini(struct mr_limit *limit);

#endif
