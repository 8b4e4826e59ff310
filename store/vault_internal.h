/* For tests and for whoever prints test vectors: a nonce that is given. Never use it for anything that is
 * stored. */
#ifndef MR_STORE_VAULT_INTERNAL_H
#define MR_STORE_VAULT_INTERNAL_H

#include "store/vault.h"

enum { MR_SLOT_NONCE_BYTES = 24 };

int mr_slot_seal_with_nonce(struct mr_buf *out, const struct mr_slot_key *key,
        const uint8_t leaf_hash[static 32], uint8_t slot, const uint8_t salt[static MR_SALT_BYTES],
        const struct mr_slot_field *fields, size_t count, const uint8_t nonce[static MR_SLOT_NONCE_BYTES]);

#endif
