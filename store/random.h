/*
 * Random bytes by the handful: a call of the kernel for each salt and nonce costs as much as sealing does.
 * They are the keystream of ChaCha20 under a key of the kernel's, a new one for each pool, which is forgotten
 * at once; each byte is given once and wiped. Not for keys. Zero-initialise it; one thread.
 */
#ifndef MR_STORE_RANDOM_H
#define MR_STORE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum { MR_RANDOM_POOL_BYTES = 2048 };

struct mr_random {
    uint8_t pool[MR_RANDOM_POOL_BYTES];
    size_t left;
};

void mr_random_take(
        struct mr_random *random, uint8_t *ret, size_t size); /* at most the pool's size (asserted) */
void mr_random_wipe(struct mr_random *random);

#endif
