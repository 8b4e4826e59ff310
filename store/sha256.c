#define OPENSSL_SUPPRESS_DEPRECATED
#include "store/sha256.h"

#include <openssl/sha.h>
#include <sodium.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct mr_sha256_state), "the state must fit");

static SHA256_CTX *ctx(struct mr_sha256_state *state)
{
    return (SHA256_CTX *)(void *)state->opaque;
}

void mr_sha256_init(struct mr_sha256_state *state)
{
    (void)SHA256_Init(ctx(state));
}

void mr_sha256_put(struct mr_sha256_state *state, struct mr_slice data)
{
    if (data.size > 0)
        (void)SHA256_Update(ctx(state), data.data, data.size);
}

void mr_sha256_final(struct mr_sha256_state *state, uint8_t ret[static 32])
{
    (void)SHA256_Final(ret, ctx(state));
    sodium_memzero(state, sizeof *state);
}
