#include "store/random.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

void mr_random_take(struct mr_random *random, uint8_t *ret, size_t size)
{
    uint8_t *at;

    assert(size <= sizeof random->pool);
    if (random->left < size) {
        randombytes_buf(random->pool, sizeof random->pool);
        random->left = sizeof random->pool;
    }
    random->left -= size;
    at = random->pool + random->left;
    memcpy(ret, at, size);
    sodium_memzero(at, size);
}

void mr_random_wipe(struct mr_random *random)
{
    sodium_memzero(random, sizeof *random);
}
