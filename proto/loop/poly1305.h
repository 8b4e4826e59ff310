/*
 * Poly1305 (RFC 8439, 2.5), the tag of a box: OpenSSL's where that is faster, else libsodium's; they are the
 * same (docs/adr/0035-boxes-of-curve.md).
 *
 * Any thread, also one that still runs when the process ends: what is linked with this does not have exit()
 * put OpenSSL away. What OpenSSL is configured with (OPENSSL_CONF, providers, FIPS) changes nothing, and
 * nothing is left in its queue of errors. Both libraries' code may leave what it made of the key, which is of
 * one message, in dead stack.
 */
#ifndef MR_LOOP_POLY1305_H
#define MR_LOOP_POLY1305_H

#include "proto/base/slice.h"

enum { MR_POLY1305_KEY_BYTES = 32, MR_POLY1305_TAG_BYTES = 16 };

void mr_poly1305(uint8_t ret[static MR_POLY1305_TAG_BYTES], struct mr_slice data,
        const uint8_t key[static MR_POLY1305_KEY_BYTES]);

#endif
