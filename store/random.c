#include "store/random.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "store/xchacha.h"

/* A key of the kernel's for each pool: its keystream is the pool, and the key is forgotten. */
static void fill(struct mr_random *random)
{
    uint8_t key[MR_XCHACHA_KEY_BYTES];

    randombytes_buf(key, sizeof key);
    mr_xchacha_stream(random->pool, sizeof random->pool, key);
    sodium_memzero(key, sizeof key);
    random->left = sizeof random->pool;
}

void mr_random_take(struct mr_random *random, uint8_t *ret, size_t size)
{
    uint8_t *at;

    assert(size <= sizeof random->pool);
    if (random->left < size)
        fill(random);
    random->left -= size;
    at = random->pool + random->left;
    memcpy(ret, at, size);
    sodium_memzero(at, size);
}

void mr_random_wipe(struct mr_random *random)
{
    sodium_memzero(random, sizeof *random);
}
