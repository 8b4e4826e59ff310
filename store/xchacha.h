/*
 * XChaCha20-Poly1305-IETF and the keystream of ChaCha20-IETF (RFC 8439), byte for byte what libsodium makes
 * of them. Up to twelve blocks go through the rounds side by side in vector registers; libsodium of this size
 * of messages, an event's, takes most of them one after another (docs/adr/0029-together-and-once.md). Where
 * the processor has no such registers, it is libsodium. HChaCha20 and Poly1305 are libsodium's everywhere.
 *
 * Pure functions over the caller's memory; any thread.
 */
#ifndef MR_STORE_XCHACHA_H
#define MR_STORE_XCHACHA_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/slice.h"

enum { MR_XCHACHA_KEY_BYTES = 32, MR_XCHACHA_NONCE_BYTES = 24, MR_XCHACHA_TAG_BYTES = 16 };

/* size bytes of the keystream of nonce 0, from block 0 on. */
void mr_xchacha_stream(uint8_t *ret, size_t size, const uint8_t key[static MR_XCHACHA_KEY_BYTES]);

/* plain.size + MR_XCHACHA_TAG_BYTES at out, which may be where the plaintext is. */
void mr_xchacha_seal(uint8_t *out, struct mr_slice plain, struct mr_slice aad,
        const uint8_t nonce[static MR_XCHACHA_NONCE_BYTES], const uint8_t key[static MR_XCHACHA_KEY_BYTES]);

/*
 * sealed.size - MR_XCHACHA_TAG_BYTES at out. false: not what was sealed with these; nothing was written. It
 * is decrypted only after it was found to be authentic.
 */
bool mr_xchacha_open(uint8_t *out, struct mr_slice sealed, struct mr_slice aad,
        const uint8_t nonce[static MR_XCHACHA_NONCE_BYTES], const uint8_t key[static MR_XCHACHA_KEY_BYTES]);

/* ---- by the registers that are said, which must be there (asserted): all of them give the same ---- */

enum mr_xchacha_way { MR_XCHACHA_512, MR_XCHACHA_256, MR_XCHACHA_SODIUM, MR_XCHACHA_WAYS };

bool mr_xchacha_has(enum mr_xchacha_way way);
void mr_xchacha_stream_by(
        enum mr_xchacha_way way, uint8_t *ret, size_t size, const uint8_t key[static MR_XCHACHA_KEY_BYTES]);
void mr_xchacha_seal_by(enum mr_xchacha_way way, uint8_t *out, struct mr_slice plain, struct mr_slice aad,
        const uint8_t nonce[static MR_XCHACHA_NONCE_BYTES], const uint8_t key[static MR_XCHACHA_KEY_BYTES]);
bool mr_xchacha_open_by(enum mr_xchacha_way way, uint8_t *out, struct mr_slice sealed, struct mr_slice aad,
        const uint8_t nonce[static MR_XCHACHA_NONCE_BYTES], const uint8_t key[static MR_XCHACHA_KEY_BYTES]);

#endif
