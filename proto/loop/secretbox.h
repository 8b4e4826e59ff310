/*
 * XSalsa20-Poly1305 with the tag in front: NaCl's secretbox, what libzmq's CURVE puts each message into
 * (RFC 26 of ZeroMQ, CurveZMQ; libsodium's crypto_secretbox_easy). Byte for byte libsodium's. Where the
 * processor has AVX-512, the keystream is made sixteen blocks side by side (proto/loop/salsa20.h), and of
 * what is 2 KiB or more OpenSSL makes the tag (proto/loop/poly1305.h); elsewhere all of it is libsodium's
 * (docs/adr/0035-boxes-of-curve.md).
 *
 * What is linked with this also answers libzmq itself: see "libzmq's calls" in secretbox.c.
 *
 * Any thread, to the end of the process. key and nonce are of crypto_secretbox_KEYBYTES and
 * crypto_secretbox_NONCEBYTES, and not where out is. out may overlap in, in any way.
 */
#ifndef MR_LOOP_SECRETBOX_H
#define MR_LOOP_SECRETBOX_H

#include <stdbool.h>

#include "proto/base/slice.h"

enum { MR_SECRETBOX_KEY_BYTES = 32, MR_SECRETBOX_NONCE_BYTES = 24, MR_SECRETBOX_TAG_BYTES = 16 };

/* MR_SECRETBOX_TAG_BYTES + plain.size at out. */
void mr_secretbox_seal(uint8_t *out, struct mr_slice plain,
        const uint8_t nonce[static MR_SECRETBOX_NONCE_BYTES],
        const uint8_t key[static MR_SECRETBOX_KEY_BYTES]);

/* box.size - MR_SECRETBOX_TAG_BYTES at out, or nothing when out is NULL. false: not what was sealed with
 * these; out is as it was, or zeros. */
bool mr_secretbox_open(uint8_t *out, struct mr_slice box,
        const uint8_t nonce[static MR_SECRETBOX_NONCE_BYTES],
        const uint8_t key[static MR_SECRETBOX_KEY_BYTES]);

/* ---- by the way that is said: both give the same ---- */

enum mr_secretbox_way { MR_SECRETBOX_WIDE, MR_SECRETBOX_SODIUM, MR_SECRETBOX_WAYS };

bool mr_secretbox_has(enum mr_secretbox_way way);
void mr_secretbox_seal_by(enum mr_secretbox_way way, uint8_t *out, struct mr_slice plain,
        const uint8_t nonce[static MR_SECRETBOX_NONCE_BYTES],
        const uint8_t key[static MR_SECRETBOX_KEY_BYTES]);
bool mr_secretbox_open_by(enum mr_secretbox_way way, uint8_t *out, struct mr_slice box,
        const uint8_t nonce[static MR_SECRETBOX_NONCE_BYTES],
        const uint8_t key[static MR_SECRETBOX_KEY_BYTES]);

#endif
