#include "hub/http/limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

enum { BUCKETS_MAX = 4096, US_IN_S = 1000000 };

struct mr_limit_bucket {
    char key[MR_LIMIT_KEY_BYTES];
    int64_t full_us; /* when it will be full again: a bucket that is full holds `burst` */
    UT_hash_handle hh;
};

static struct mr_limit_bucket *bucket_of(struct mr_limit *limit, const char *text)
{
    char key[MR_LIMIT_KEY_BYTES];
    struct mr_limit_bucket *bucket;

    (void)snprintf(key, sizeof key, "%s", text);
    HASH_FIND_STR(limit->buckets, key, bucket);
    if (bucket) {
        HASH_DEL(limit->buckets, bucket); /* behind all others */
    } else if (HASH_COUNT(limit->buckets) >= BUCKETS_MAX) {
        bucket = limit->buckets; /* the one that was used longest ago */
        HASH_DEL(limit->buckets, bucket);
        bucket->full_us = 0;
    } else {
        bucket = calloc(1, sizeof *bucket);
    }
    if (!bucket)
        return NULL;
    (void)snprintf(bucket->key, sizeof bucket->key, "%s", key);
    HASH_ADD_STR(limit->buckets, key, bucket);
    return bucket;
}

uint32_t mr_limit_take(struct mr_limit *limit, const char *key, uint32_t cost, int64_t now_us)
{
    struct mr_limit_bucket *bucket = limit->per_s ? bucket_of(limit, key) : NULL;
    int64_t span_us, missing_us;

    if (!bucket)
        return 0;
    span_us = (int64_t)limit->burst * US_IN_S / limit->per_s;
    if (bucket->full_us < now_us)
        bucket->full_us = now_us;
    missing_us = bucket->full_us + (int64_t)cost * US_IN_S / limit->per_s - now_us - span_us;
    if (missing_us > 0)
        return (uint32_t)((missing_us + US_IN_S - 1) / US_IN_S);
    bucket->full_us += (int64_t)cost * US_IN_S / limit->per_s;
    return 0;
}

void mr_limit_give(struct mr_limit *limit, const char *key, uint32_t cost)
{
    struct mr_limit_bucket *bucket = limit->per_s ? bucket_of(limit, key) : NULL;

    if (bucket)
        bucket->full_us -= (int64_t)cost * US_IN_S / limit->per_s;
}

void mr_limit_fini(struct mr_limit *limit)
{
    struct mr_limit_bucket *bucket, *next;

    HASH_ITER (hh, limit->buckets, bucket, next) {
        HASH_DEL(limit->buckets, bucket);
        free(bucket);
    }
}
