/*
 * Keyed BLAKE2b (RFC 7693) of many messages at once: eight go through the rounds side by side, one in each
 * lane of the vector registers, and where these are of 512 bits another eight fill the time in which the
 * first wait for themselves. Those of a size next to each other are the least work. The result is that of any
 * other BLAKE2b; a digest costs a fourth of it when there are eight, and half when there is one, since the
 * key's block is taken in once (docs/adr/0029-together-and-once.md).
 *
 * No state of its own; any thread. A key is a secret like the key it is made of: the caller's memory, the
 * caller's wiping.
 */
#ifndef MR_STORE_LANES_H
#define MR_STORE_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/slice.h"

enum { MR_LANES_PARTS_MAX = 4, MR_LANES_KEY_BYTES = 32, MR_LANES_DIGEST_MAX = 64 };

struct mr_lanes_key {
    uint64_t h[8]; /* after the block of the key */
    size_t digest_bytes;
};

/* One after another: a message has at least one byte in them. */
struct mr_lanes_message {
    struct mr_slice parts[MR_LANES_PARTS_MAX];
    size_t parts_count;
    uint8_t *ret; /* digest_bytes of the key */
};

/* The registers that it is done in. The plain way is there always, and slower than one after another. */
enum mr_lanes_way { MR_LANES_512, MR_LANES_256, MR_LANES_PLAIN, MR_LANES_WAYS };

bool mr_lanes_has(enum mr_lanes_way way);
/* Has this processor any but the plain way? When it has not, there are better ones than this. */
bool mr_lanes_here(void);

/* By the widest that this processor has. */
void mr_lanes_key_begin(
        struct mr_lanes_key *ret, const uint8_t key[static MR_LANES_KEY_BYTES], size_t digest_bytes);

void mr_lanes_digest(const struct mr_lanes_key *key, const struct mr_lanes_message *messages, size_t count);

/* By the one that is said, which must be there: all of them give the same. */
void mr_lanes_key_begin_by(enum mr_lanes_way way, struct mr_lanes_key *ret,
        const uint8_t key[static MR_LANES_KEY_BYTES], size_t digest_bytes);
void mr_lanes_digest_by(enum mr_lanes_way way, const struct mr_lanes_key *key,
        const struct mr_lanes_message *messages, size_t count);

#endif
