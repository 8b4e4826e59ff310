/*
 * Keyed digests. BLAKE2b takes the key as a block of its own in front of the data: for what every event needs
 * that block and the tag are taken in once, when the key is known, and each digest goes on from there. The
 * result is the same.
 */
#include <string.h>

#include <sodium.h>

#include "proto/base/bytes.h"
#include "store/keyring_internal.h"

enum { DIGEST_BYTES = 16 };

static const char *const begun_tags[MR_KEYRING_TAGS] = {
        "ident", "bytes", "event-id", "correlation", "organisation"};

static void begin(const struct mr_keyring_secrets *secrets, const char *tag, crypto_generichash_state *state)
{
    (void)crypto_generichash_init(state, secrets->digest, MR_KEY_BYTES, DIGEST_BYTES);
    (void)crypto_generichash_update(state, (const uint8_t *)tag, strlen(tag) + 1);
}

void mr_keyring_digests_begin(struct mr_keyring_secrets *secrets)
{
    for (size_t i = 0; i < MR_KEYRING_TAGS; i++)
        begin(secrets, begun_tags[i], &secrets->begun[i]);
}

static void take_begun(
        const struct mr_keyring_secrets *secrets, const char *tag, crypto_generichash_state *state)
{
    for (size_t i = 0; i < MR_KEYRING_TAGS; i++) {
        if (strcmp(begun_tags[i], tag) == 0) {
            memcpy(state, &secrets->begun[i], sizeof *state);
            return;
        }
    }
    begin(secrets, tag, state);
}

void mr_keyring_digest(const struct mr_keyring *keyring, const char *tag, const struct mr_slice *parts,
        size_t count, uint8_t ret[static 16])
{
    crypto_generichash_state state;

    take_begun(keyring->secrets, tag, &state);
    for (size_t i = 0; i < count; i++) {
        uint8_t size[8];

        mr_put_be64(size, parts[i].size);
        (void)crypto_generichash_update(&state, size, sizeof size);
        if (parts[i].size > 0)
            (void)crypto_generichash_update(&state, parts[i].data, parts[i].size);
    }
    (void)crypto_generichash_final(&state, ret, DIGEST_BYTES);
    sodium_memzero(&state, sizeof state);
}
