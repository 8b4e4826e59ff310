/*
 * SHA-256 in pieces. OpenSSL's low-level functions, in this one place: they use SHA-NI as EVP does, cost the
 * same (0.16 us for a short message) and neither allocate nor fail, so that a commitment needs no error path.
 */
#ifndef MR_STORE_SHA256_H
#define MR_STORE_SHA256_H

#include <stdint.h>

#include "proto/base/slice.h"

struct mr_sha256_state {
    uint64_t opaque[16];
};

void mr_sha256_init(struct mr_sha256_state *state);
void mr_sha256_put(struct mr_sha256_state *state, struct mr_slice data);
void mr_sha256_final(struct mr_sha256_state *state, uint8_t ret[static 32]); /* wipes the state */

#endif
