/*
 * The Merkle tree of RFC 6962 section 2.1 (unchanged in RFC 9162): SHA-256, 0x00 before an entry, 0x01 before
 * two nodes, odd right nodes carried up unchanged. Pure functions over hashes: where full nodes are kept is
 * the caller's business (struct mr_merkle_source).
 *
 * Here entries have indexes from 0, as in the specifications; the log's numbers begin at 1. Any thread.
 */
#ifndef MR_STORE_MERKLE_H
#define MR_STORE_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/err.h"
#include "proto/base/slice.h"

enum {
    MR_MERKLE_BYTES = 32,
    MR_MERKLE_HEIGHTS = 64,
    MR_MERKLE_MANY = 64,                        /* leaves that go into a range together */
    MR_MERKLE_PATH_MAX = MR_MERKLE_HEIGHTS + 1, /* hashes; a consistency path may begin with its own node */
};

void mr_merkle_leaf(struct mr_slice entry, uint8_t ret[static MR_MERKLE_BYTES]);
void mr_merkle_node(const uint8_t left[static MR_MERKLE_BYTES], const uint8_t right[static MR_MERKLE_BYTES],
        uint8_t ret[static MR_MERKLE_BYTES]);
void mr_merkle_empty_root(uint8_t ret[static MR_MERKLE_BYTES]); /* SHA-256 of nothing */

/* ---- growing: the compact range, one hash for each bit that is set in size ---- */

struct mr_merkle_range {
    uint64_t size;
    uint8_t hashes[MR_MERKLE_HEIGHTS][MR_MERKLE_BYTES]; /* [h]: only where size has bit h */
};

/* Told of every full node that an append completes, the leaf first. Non-zero stops. */
typedef int (*mr_merkle_made_fn)(
        void *ctx, unsigned height, uint64_t index, const uint8_t hash[static MR_MERKLE_BYTES]);

/* made may be NULL. Its result when non-zero: the range is then not to be used any more. */
int mr_merkle_append(struct mr_merkle_range *range, const uint8_t leaf[static MR_MERKLE_BYTES],
        mr_merkle_made_fn made, void *ctx);
/*
 * The same for up to MR_MERKLE_MANY leaves: nodes of a height are made side by side. made is told of all
 * leaves first, then of each height above, in the order of their indexes.
 */
int mr_merkle_append_many(struct mr_merkle_range *range, const uint8_t (*leaves)[MR_MERKLE_BYTES],
        size_t count, mr_merkle_made_fn made, void *ctx);
void mr_merkle_range_root(const struct mr_merkle_range *range, uint8_t ret[static MR_MERKLE_BYTES]);

/* ---- reading a tree ---- */

/* Gives full nodes: the one of 2^height entries from index * 2^height on. 0 or negative. */
struct mr_merkle_source {
    int (*read)(void *ctx, unsigned height, uint64_t index, uint8_t ret[static MR_MERKLE_BYTES]);
    void *ctx;
};

struct mr_merkle_path {
    size_t count;
    uint8_t hashes[MR_MERKLE_PATH_MAX][MR_MERKLE_BYTES];
};

/* Each returns 0 or the source's failure; MR_EINVAL: no such entry or size (index >= size, older > newer). */
int mr_merkle_range_read(struct mr_merkle_range *ret, const struct mr_merkle_source *source, uint64_t size);
int mr_merkle_root(const struct mr_merkle_source *source, uint64_t size, uint8_t ret[static MR_MERKLE_BYTES]);
int mr_merkle_inclusion(
        const struct mr_merkle_source *source, uint64_t index, uint64_t size, struct mr_merkle_path *ret);
/* From size 0 and from a size to itself the path is empty. */
int mr_merkle_consistency(
        const struct mr_merkle_source *source, uint64_t older, uint64_t newer, struct mr_merkle_path *ret);

/* ---- verifying ---- */

bool mr_merkle_verify_inclusion(uint64_t index, uint64_t size, const uint8_t leaf[static MR_MERKLE_BYTES],
        const struct mr_merkle_path *path, const uint8_t root[static MR_MERKLE_BYTES]);
/*
 * Size 0, decided here: every tree extends the empty one, with an empty path (c2sp.org/tlog-witness), and the
 * old root must then be that of the empty tree.
 */
bool mr_merkle_verify_consistency(uint64_t older, uint64_t newer,
        const uint8_t old_root[static MR_MERKLE_BYTES], const uint8_t new_root[static MR_MERKLE_BYTES],
        const struct mr_merkle_path *path);

#endif
