/*
 * Digests and identifiers. SHA-256 is OpenSSL's (it uses SHA-NI); CRC32C is in proto/base/crc32c.h. Any
 * thread, and a mr_uuid7 by one thread at a time.
 */
#ifndef MR_WIRE_DIGEST_H
#define MR_WIRE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/slice.h"

enum { MR_SHA256_BYTES = 32, MR_UUID_BYTES = 16, MR_UUID_TEXT_MAX = 37 };

void mr_sha256(struct mr_slice data, uint8_t out[static MR_SHA256_BYTES]);

/* SHA-256 over the concatenation of `count` slices. */
void mr_sha256_many(const struct mr_slice *parts, size_t count, uint8_t out[static MR_SHA256_BYTES]);

/* RFC 6962 section 2.1: SHA-256(0x00 || leaf), SHA-256(0x01 || left || right). */
void mr_leaf_hash(struct mr_slice leaf, uint8_t out[static MR_SHA256_BYTES]);
void mr_node_hash(const uint8_t left[static MR_SHA256_BYTES], const uint8_t right[static MR_SHA256_BYTES],
        uint8_t out[static MR_SHA256_BYTES]);

/*
 * RFC 9562 version 7: 48-bit Unix milliseconds, then a 26-bit counter that starts at random each millisecond
 * and keeps the ids of one generator in order (also when the clock goes back), then 48 random bits.
 * Zero-initialise it.
 */
struct mr_uuid7 {
    uint64_t last_ms;
    uint32_t counter;
    uint8_t pool[250]; /* random bytes of the kernel, each used once */
    uint8_t left;
};
void mr_uuid7_next(struct mr_uuid7 *generator, int64_t wall_us, uint8_t out[static MR_UUID_BYTES]);

/* "0198f3c2-....": lower case with hyphens; returns out. */
char *mr_uuid_format(const uint8_t uuid[static MR_UUID_BYTES], char out[static MR_UUID_TEXT_MAX]);
/* 36 characters with hyphens or 32 without; 0 or MR_EINVAL. */
int mr_uuid_parse(const char *text, size_t size, uint8_t out[static MR_UUID_BYTES]);

#endif
