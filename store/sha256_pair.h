/*
 * SHA-256 of several messages: two go through the processor's instructions for it side by side, since each of
 * these waits for the one before. Where the processor has none, one after another by OpenSSL. The digests are
 * those of any other SHA-256 (docs/adr/0029-together-and-once.md).
 *
 * No state of its own; any thread. Nothing is wiped but what it has copied.
 */
#ifndef MR_STORE_SHA256_PAIR_H
#define MR_STORE_SHA256_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/slice.h"

enum { MR_SHA256_PARTS_MAX = 2 };

/* The parts one after another. */
struct mr_sha256_message {
    struct mr_slice parts[MR_SHA256_PARTS_MAX];
    size_t parts_count;
    uint8_t *ret; /* 32 bytes */
};

void mr_sha256_pair(const struct mr_sha256_message *messages, size_t count);

/* By the way that is said, which must be there (asserted): both give the same. */
enum mr_sha256_way { MR_SHA256_PAIR, MR_SHA256_SINGLE, MR_SHA256_WAYS };
bool mr_sha256_has(enum mr_sha256_way way);
void mr_sha256_pair_by(enum mr_sha256_way way, const struct mr_sha256_message *messages, size_t count);

#endif
