#include "store/key_cache.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/err.h"

enum { NONE = UINT32_MAX >> 1, MARGIN_BYTES = 64 };

/* In the arena; indexes instead of pointers. A free entry is in the LRU list (at its old end) and in no
 * chain. */
struct entry {
    struct mr_slot_key key;
    uint64_t serial;
    uint32_t older;
    uint32_t newer;
    uint32_t chain;
    bool used;
};

struct mr_key_cache {
    pthread_mutex_t lock;
    struct entry *entries; /* sodium_malloc */
    uint32_t *buckets;     /* first entry of a chain; a power of two of them */
    uint32_t mask;
    uint32_t size;
    uint32_t count;
    uint32_t oldest;
    uint32_t newest;
    uint64_t epoch;       /* drops so far */
    uint64_t settled;     /* serials up to this one are committed */
    uint32_t provisional; /* entries put under a serial not yet settled */
    bool locked;
};

/* Key ids are random: their bytes are the hash. Bytes 8 on, as the first two choose the bucket key. */
static uint32_t *chain_of(struct mr_key_cache *cache, const uint8_t *id)
{
    uint32_t hash;

    memcpy(&hash, id + 8, sizeof hash);
    return &cache->buckets[hash & cache->mask];
}

static uint32_t find(struct mr_key_cache *cache, const uint8_t *id)
{
    uint32_t i = *chain_of(cache, id);

    while (i != NONE && memcmp(cache->entries[i].key.id, id, MR_KEY_ID_BYTES) != 0)
        i = cache->entries[i].chain;
    return i;
}

static void lru_remove(struct mr_key_cache *cache, uint32_t i)
{
    struct entry *e = &cache->entries[i];

    *(e->older == NONE ? &cache->oldest : &cache->entries[e->older].newer) = e->newer;
    *(e->newer == NONE ? &cache->newest : &cache->entries[e->newer].older) = e->older;
}

static void lru_push_newest(struct mr_key_cache *cache, uint32_t i)
{
    struct entry *e = &cache->entries[i];

    e->older = cache->newest;
    e->newer = NONE;
    *(cache->newest == NONE ? &cache->oldest : &cache->entries[cache->newest].newer) = i;
    cache->newest = i;
}

static void lru_push_oldest(struct mr_key_cache *cache, uint32_t i)
{
    struct entry *e = &cache->entries[i];

    e->newer = cache->oldest;
    e->older = NONE;
    *(cache->oldest == NONE ? &cache->newest : &cache->entries[cache->oldest].older) = i;
    cache->oldest = i;
}

/* Out of its chain and wiped; stays where it is in the list. */
static void forget(struct mr_key_cache *cache, uint32_t i)
{
    struct entry *e = &cache->entries[i];
    uint32_t *at = chain_of(cache, e->key.id);

    while (*at != i)
        at = &cache->entries[*at].chain;
    *at = e->chain;
    if (e->serial > cache->settled)
        cache->provisional--;
    sodium_memzero(&e->key, sizeof e->key);
    e->used = false;
    cache->count--;
}

static void forget_and_free(struct mr_key_cache *cache, uint32_t i)
{
    forget(cache, i);
    lru_remove(cache, i);
    lru_push_oldest(cache, i);
}

int mr_key_cache_new(struct mr_key_cache **ret, uint32_t keys)
{
    struct mr_key_cache *cache;
    uint32_t buckets = 1;

    if (keys == 0 || keys > NONE / 4)
        return MR_EINVAL;
    while (buckets < keys)
        buckets *= 2;
    cache = calloc(1, sizeof *cache);
    if (!cache)
        return MR_ENOMEM;
    pthread_mutex_init(&cache->lock, NULL);
    cache->size = keys;
    cache->mask = buckets - 1;
    cache->oldest = cache->newest = NONE;
    cache->buckets = malloc(buckets * sizeof *cache->buckets);
    cache->entries = sodium_allocarray(keys, sizeof *cache->entries);
    if (!cache->buckets || !cache->entries) {
        mr_key_cache_free(cache);
        return MR_ENOMEM;
    }
    /* sodium_malloc tries this too, but does not say how it went: RLIMIT_MEMLOCK may be small. */
    cache->locked = sodium_mlock(cache->entries, keys * sizeof *cache->entries) == 0;
    memset(cache->entries, 0, keys * sizeof *cache->entries);
    for (uint32_t i = 0; i < buckets; i++)
        cache->buckets[i] = NONE;
    for (uint32_t i = 0; i < keys; i++)
        lru_push_newest(cache, i);
    *ret = cache;
    return 0;
}

void mr_key_cache_free(struct mr_key_cache *cache)
{
    if (!cache)
        return;
    sodium_free(cache->entries);
    free(cache->buckets);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

bool mr_key_cache_locked(const struct mr_key_cache *cache)
{
    return cache->locked;
}

uint64_t mr_key_cache_epoch(struct mr_key_cache *cache)
{
    uint64_t epoch;

    pthread_mutex_lock(&cache->lock);
    epoch = cache->epoch;
    pthread_mutex_unlock(&cache->lock);
    return epoch;
}

bool mr_key_cache_get(struct mr_key_cache *cache, const uint8_t id[static MR_KEY_ID_BYTES], uint64_t serial,
        struct mr_slot_key *ret)
{
    bool found;
    uint32_t i;

    pthread_mutex_lock(&cache->lock);
    i = find(cache, id);
    found = i != NONE && (cache->entries[i].serial <= cache->settled || cache->entries[i].serial == serial);
    if (found) {
        *ret = cache->entries[i].key;
        lru_remove(cache, i);
        lru_push_newest(cache, i);
    }
    pthread_mutex_unlock(&cache->lock);
    return found;
}

void mr_key_cache_put(
        struct mr_key_cache *cache, const struct mr_slot_key *key, uint64_t epoch, uint64_t serial)
{
    pthread_mutex_lock(&cache->lock);
    if (epoch == cache->epoch && find(cache, key->id) == NONE) {
        uint32_t *chain = chain_of(cache, key->id);
        uint32_t i = cache->oldest;
        struct entry *e = &cache->entries[i];

        if (e->used)
            forget(cache, i);
        e->key = *key;
        e->serial = serial;
        e->chain = *chain;
        e->used = true;
        *chain = i;
        lru_remove(cache, i);
        lru_push_newest(cache, i);
        cache->count++;
        if (serial > cache->settled)
            cache->provisional++;
    }
    pthread_mutex_unlock(&cache->lock);
}

void mr_key_cache_drop(struct mr_key_cache *cache, const uint8_t id[static MR_KEY_ID_BYTES])
{
    uint32_t i;

    pthread_mutex_lock(&cache->lock);
    cache->epoch++;
    i = find(cache, id);
    if (i != NONE)
        forget_and_free(cache, i);
    pthread_mutex_unlock(&cache->lock);
}

void mr_key_cache_settle(struct mr_key_cache *cache, uint64_t serial, bool committed)
{
    pthread_mutex_lock(&cache->lock);
    assert(serial > cache->settled);
    for (uint32_t i = 0; i < cache->size && !committed && cache->provisional > 0; i++)
        if (cache->entries[i].used && cache->entries[i].serial > cache->settled)
            forget_and_free(cache, i);
    cache->provisional = 0;
    cache->settled = serial;
    pthread_mutex_unlock(&cache->lock);
}

uint32_t mr_key_cache_count(struct mr_key_cache *cache)
{
    uint32_t count;

    pthread_mutex_lock(&cache->lock);
    count = cache->count;
    pthread_mutex_unlock(&cache->lock);
    return count;
}
