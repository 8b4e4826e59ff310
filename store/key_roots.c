#include "store/key_roots.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "proto/base/err.h"

enum { LIVE, ADDED, PLACES };

struct place {
    uint32_t generation; /* 0: empty */
    uint8_t key[MR_KEY_BYTES];
};

struct mr_key_roots {
    pthread_mutex_t lock;
    struct place places[PLACES];
    bool locked;
};

int mr_key_roots_new(struct mr_key_roots **ret)
{
    struct mr_key_roots *roots = sodium_malloc(sizeof *roots);

    if (!roots)
        return MR_ENOMEM;
    memset(roots, 0, sizeof *roots);
    roots->locked = sodium_mlock(roots, sizeof *roots) == 0;
    pthread_mutex_init(&roots->lock, NULL);
    *ret = roots;
    return 0;
}

void mr_key_roots_free(struct mr_key_roots *roots)
{
    if (!roots)
        return;
    pthread_mutex_destroy(&roots->lock);
    sodium_free(roots);
}

bool mr_key_roots_locked(const struct mr_key_roots *roots)
{
    return roots->locked;
}

uint32_t mr_key_roots_live(struct mr_key_roots *roots)
{
    uint32_t generation;

    pthread_mutex_lock(&roots->lock);
    generation = roots->places[LIVE].generation;
    pthread_mutex_unlock(&roots->lock);
    return generation;
}

int mr_key_roots_get(struct mr_key_roots *roots, uint32_t generation, uint8_t ret[static MR_KEY_BYTES])
{
    int r = MR_ENOTFOUND;

    pthread_mutex_lock(&roots->lock);
    for (size_t i = 0; i < PLACES && generation != 0 && r < 0; i++)
        if (roots->places[i].generation == generation) {
            memcpy(ret, roots->places[i].key, MR_KEY_BYTES);
            r = 0;
        }
    pthread_mutex_unlock(&roots->lock);
    return r;
}

void mr_key_roots_add(struct mr_key_roots *roots, uint32_t generation, const uint8_t key[static MR_KEY_BYTES])
{
    struct place *added = &roots->places[ADDED];

    pthread_mutex_lock(&roots->lock);
    assert(generation != 0 && added->generation == 0 && roots->places[LIVE].generation != generation);
    added->generation = generation;
    memcpy(added->key, key, MR_KEY_BYTES);
    pthread_mutex_unlock(&roots->lock);
}

void mr_key_roots_switch(struct mr_key_roots *roots, uint32_t generation)
{
    pthread_mutex_lock(&roots->lock);
    assert(roots->places[ADDED].generation == generation);
    roots->places[LIVE] = roots->places[ADDED];
    sodium_memzero(&roots->places[ADDED], sizeof roots->places[ADDED]);
    pthread_mutex_unlock(&roots->lock);
}

void mr_key_roots_drop_added(struct mr_key_roots *roots)
{
    pthread_mutex_lock(&roots->lock);
    sodium_memzero(&roots->places[ADDED], sizeof roots->places[ADDED]);
    pthread_mutex_unlock(&roots->lock);
}

void mr_key_roots_learn(
        struct mr_key_roots *roots, uint32_t generation, const uint8_t key[static MR_KEY_BYTES])
{
    struct place *live = &roots->places[LIVE], *added = &roots->places[ADDED];

    pthread_mutex_lock(&roots->lock);
    if (live->generation != generation && added->generation != generation) {
        if (added->generation != 0)
            *live = *added;
        added->generation = generation;
        memcpy(added->key, key, MR_KEY_BYTES);
    }
    pthread_mutex_unlock(&roots->lock);
}
