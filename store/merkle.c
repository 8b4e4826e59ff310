#include "store/merkle.h"

#include <assert.h>
#include <string.h>

#include "store/sha256.h"
#include "store/sha256_pair.h"

static const uint8_t LEAF_PREFIX = 0, NODE_PREFIX = 1;

void mr_merkle_leaf(struct mr_slice entry, uint8_t ret[static MR_MERKLE_BYTES])
{
    struct mr_sha256_state state;

    mr_sha256_init(&state);
    mr_sha256_put(&state, mr_slice(&LEAF_PREFIX, 1));
    mr_sha256_put(&state, entry);
    mr_sha256_final(&state, ret);
}

void mr_merkle_node(const uint8_t left[static MR_MERKLE_BYTES], const uint8_t right[static MR_MERKLE_BYTES],
        uint8_t ret[static MR_MERKLE_BYTES])
{
    struct mr_sha256_state state;
    uint8_t both[1 + 2 * MR_MERKLE_BYTES];

    both[0] = NODE_PREFIX;
    memcpy(both + 1, left, MR_MERKLE_BYTES);
    memcpy(both + 1 + MR_MERKLE_BYTES, right, MR_MERKLE_BYTES);
    mr_sha256_init(&state);
    mr_sha256_put(&state, mr_slice(both, sizeof both));
    mr_sha256_final(&state, ret);
}

void mr_merkle_empty_root(uint8_t ret[static MR_MERKLE_BYTES])
{
    struct mr_sha256_state state;

    mr_sha256_init(&state);
    mr_sha256_final(&state, ret);
}

/* ---- growing ---- */

int mr_merkle_append(struct mr_merkle_range *range, const uint8_t leaf[static MR_MERKLE_BYTES],
        mr_merkle_made_fn made, void *ctx)
{
    uint8_t hash[MR_MERKLE_BYTES];
    unsigned height = 0;
    int r = made ? made(ctx, 0, range->size, leaf) : 0;

    memcpy(hash, leaf, sizeof hash);
    for (; r == 0 && (range->size >> height & 1); height++) {
        mr_merkle_node(range->hashes[height], hash, hash);
        if (made)
            r = made(ctx, height + 1, range->size >> (height + 1), hash);
    }
    if (r != 0)
        return r;
    memcpy(range->hashes[height], hash, sizeof hash);
    range->size++;
    return 0;
}

/* Nodes of one height that follow each other; the first place is for a left sibling of before. */
struct row {
    uint8_t hashes[1 + MR_MERKLE_MANY][MR_MERKLE_BYTES];
};

static void make_nodes(
        const uint8_t (*children)[MR_MERKLE_BYTES], size_t count, uint8_t (*ret)[MR_MERKLE_BYTES])
{
    struct mr_sha256_message messages[(1 + MR_MERKLE_MANY) / 2];

    for (size_t i = 0; i < count; i++)
        messages[i] = (struct mr_sha256_message){
                .parts = {mr_slice(&NODE_PREFIX, 1), mr_slice(children[2 * i], 2 * MR_MERKLE_BYTES)},
                .parts_count = 2,
                .ret = ret[i]};
    mr_sha256_pair(messages, count);
}

static int tell_row(uint8_t (*hashes)[MR_MERKLE_BYTES], size_t count, unsigned height, uint64_t first,
        mr_merkle_made_fn made, void *ctx)
{
    int r = 0;

    for (size_t i = 0; made && r == 0 && i < count; i++)
        r = made(ctx, height, first + i, hashes[i]);
    return r;
}

int mr_merkle_append_many(struct mr_merkle_range *range, const uint8_t (*leaves)[MR_MERKLE_BYTES],
        size_t count, mr_merkle_made_fn made, void *ctx)
{
    struct row rows[2];
    uint8_t(*row)[MR_MERKLE_BYTES] = rows[0].hashes + 1;
    uint64_t first = range->size; /* index of the first one in the row */
    unsigned height = 0;
    int r;

    assert(count <= MR_MERKLE_MANY);
    memcpy(row, leaves, count * MR_MERKLE_BYTES);
    range->size += count;
    while ((r = tell_row(row, count, height, first, made, ctx)) == 0 && count > 0) {
        if (first & 1) {
            memcpy(*--row, range->hashes[height], MR_MERKLE_BYTES);
            first--;
            count++;
        }
        if (count & 1)
            memcpy(range->hashes[height], row[count - 1], MR_MERKLE_BYTES);
        count /= 2;
        first /= 2;
        height++;
        make_nodes(row, count, rows[height & 1].hashes + 1);
        row = rows[height & 1].hashes + 1;
    }
    return r;
}

void mr_merkle_range_root(const struct mr_merkle_range *range, uint8_t ret[static MR_MERKLE_BYTES])
{
    bool begun = false;

    mr_merkle_empty_root(ret);
    for (unsigned height = 0; height < MR_MERKLE_HEIGHTS; height++) {
        if (!(range->size >> height & 1))
            continue;
        if (begun)
            mr_merkle_node(range->hashes[height], ret, ret);
        else
            memcpy(ret, range->hashes[height], MR_MERKLE_BYTES);
        begun = true;
    }
}

/* ---- reading ---- */

/* The full nodes that make up `size` entries from `start` on, a multiple of a power of two >= size. */
static int read_range(
        struct mr_merkle_range *ret, const struct mr_merkle_source *source, uint64_t start, uint64_t size)
{
    int r = 0;

    ret->size = size;
    for (unsigned height = MR_MERKLE_HEIGHTS; r == 0 && height-- > 0;) {
        if (!(size >> height & 1))
            continue;
        r = source->read(source->ctx, height, start >> height, ret->hashes[height]);
        start += (uint64_t)1 << height;
    }
    return r;
}

static int push_root(
        struct mr_merkle_path *path, const struct mr_merkle_source *source, uint64_t start, uint64_t size)
{
    struct mr_merkle_range range;
    int r = read_range(&range, source, start, size);

    assert(path->count < MR_MERKLE_PATH_MAX);
    if (r == 0)
        mr_merkle_range_root(&range, path->hashes[path->count++]);
    return r;
}

/* The largest power of two below n, n > 1: where RFC 6962 splits a tree. */
static uint64_t split_of(uint64_t n)
{
    return (uint64_t)1 << (63 - __builtin_clzll(n - 1));
}

static void reverse(struct mr_merkle_path *path)
{
    for (size_t i = 0; i < path->count / 2; i++) {
        uint8_t *low = path->hashes[i];
        uint8_t *high = path->hashes[path->count - 1 - i];
        uint8_t kept[MR_MERKLE_BYTES];

        memcpy(kept, low, sizeof kept);
        memcpy(low, high, sizeof kept);
        memcpy(high, kept, sizeof kept);
    }
}

int mr_merkle_range_read(struct mr_merkle_range *ret, const struct mr_merkle_source *source, uint64_t size)
{
    return read_range(ret, source, 0, size);
}

int mr_merkle_root(const struct mr_merkle_source *source, uint64_t size, uint8_t ret[static MR_MERKLE_BYTES])
{
    struct mr_merkle_range range;
    int r = read_range(&range, source, 0, size);

    if (r == 0)
        mr_merkle_range_root(&range, ret);
    return r;
}

/* From the root down to the leaf, then turned round. */
int mr_merkle_inclusion(
        const struct mr_merkle_source *source, uint64_t index, uint64_t size, struct mr_merkle_path *ret)
{
    uint64_t start = 0, n = size;
    int r = 0;

    ret->count = 0;
    if (index >= size)
        return MR_EINVAL;
    while (r == 0 && n > 1) {
        uint64_t k = split_of(n);

        if (index - start < k) {
            r = push_root(ret, source, start + k, n - k);
            n = k;
        } else {
            r = push_root(ret, source, start, k);
            start += k;
            n -= k;
        }
    }
    reverse(ret);
    return r;
}

/* SUBPROOF of the RFC, from the root down; the node that both trees share comes last, unless it is the old
 * root. */
int mr_merkle_consistency(
        const struct mr_merkle_source *source, uint64_t older, uint64_t newer, struct mr_merkle_path *ret)
{
    uint64_t start = 0, m = older, n = newer;
    int r = 0;

    ret->count = 0;
    if (older > newer)
        return MR_EINVAL;
    if (older == 0)
        return 0;
    while (r == 0 && m != n) {
        uint64_t k = split_of(n);

        if (m <= k) {
            r = push_root(ret, source, start + k, n - k);
            n = k;
        } else {
            r = push_root(ret, source, start, k);
            start += k;
            m -= k;
            n -= k;
        }
    }
    if (r == 0 && start > 0)
        r = push_root(ret, source, start, m);
    reverse(ret);
    return r;
}

/* ---- verifying: the algorithms of RFC 9162 2.1.3.2 and 2.1.4.2 ---- */

static bool equal(const uint8_t a[static MR_MERKLE_BYTES], const uint8_t b[static MR_MERKLE_BYTES])
{
    return memcmp(a, b, MR_MERKLE_BYTES) == 0;
}

/* A step up; after a hash from the left also over the levels at which the node has no sibling. */
static void climb(uint64_t *fn, uint64_t *sn, bool left)
{
    while (left && !(*fn & 1) && *fn != 0) {
        *fn >>= 1;
        *sn >>= 1;
    }
    *fn >>= 1;
    *sn >>= 1;
}

bool mr_merkle_verify_inclusion(uint64_t index, uint64_t size, const uint8_t leaf[static MR_MERKLE_BYTES],
        const struct mr_merkle_path *path, const uint8_t root[static MR_MERKLE_BYTES])
{
    uint64_t fn = index, sn = size - 1;
    uint8_t hash[MR_MERKLE_BYTES];

    if (index >= size)
        return false;
    memcpy(hash, leaf, sizeof hash);
    for (size_t i = 0; i < path->count; i++) {
        bool left = (fn & 1) || fn == sn;

        if (sn == 0)
            return false;
        if (left)
            mr_merkle_node(path->hashes[i], hash, hash);
        else
            mr_merkle_node(hash, path->hashes[i], hash);
        climb(&fn, &sn, left);
    }
    return sn == 0 && equal(hash, root);
}

/* 0 < older < newer. */
static bool verify_growth(uint64_t older, uint64_t newer, const uint8_t old_root[static MR_MERKLE_BYTES],
        const uint8_t new_root[static MR_MERKLE_BYTES], const struct mr_merkle_path *path)
{
    bool power = (older & (older - 1)) == 0; /* the old root is a node of the new tree: not in the path */
    uint64_t fn = older - 1, sn = newer - 1;
    uint8_t old_hash[MR_MERKLE_BYTES], new_hash[MR_MERKLE_BYTES];

    if (path->count == 0)
        return false;
    for (; fn & 1; fn >>= 1)
        sn >>= 1;
    memcpy(old_hash, power ? old_root : path->hashes[0], sizeof old_hash);
    memcpy(new_hash, old_hash, sizeof new_hash);
    for (size_t i = power ? 0 : 1; i < path->count; i++) {
        bool left = (fn & 1) || fn == sn;

        if (sn == 0)
            return false;
        if (left) {
            mr_merkle_node(path->hashes[i], old_hash, old_hash);
            mr_merkle_node(path->hashes[i], new_hash, new_hash);
        } else {
            mr_merkle_node(new_hash, path->hashes[i], new_hash);
        }
        climb(&fn, &sn, left);
    }
    return sn == 0 && equal(old_hash, old_root) && equal(new_hash, new_root);
}

bool mr_merkle_verify_consistency(uint64_t older, uint64_t newer,
        const uint8_t old_root[static MR_MERKLE_BYTES], const uint8_t new_root[static MR_MERKLE_BYTES],
        const struct mr_merkle_path *path)
{
    uint8_t empty[MR_MERKLE_BYTES];

    if (older > newer)
        return false;
    if (older == newer)
        return path->count == 0 && equal(old_root, new_root);
    if (older > 0)
        return verify_growth(older, newer, old_root, new_root, path);
    mr_merkle_empty_root(empty);
    return path->count == 0 && equal(old_root, empty);
}
