/* RFC 6962 against published vectors, accumulated vectors of two other programs, and a naive tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/hex.h"
#include "proto/base/list.h"
#include "store/merkle.h"
#include "store/sha256.h"

enum { BYTES = MR_MERKLE_BYTES, HEX = 2 * BYTES + 1, NAIVE_MAX = 600, ACCUMULATED = 130 };

#define D2  "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
#define D4  "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
#define D6  "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
#define D48 "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"

static const char *const roots[] = {
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static const char *const leaves[] = {
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1",
};

/* Every full node of a tree, as the log keeps the rows. */
struct tree {
    struct mr_merkle_range range;
    uint8_t nodes[10][1024][BYTES];
    unsigned reads;
};

static int keep_node(void *ctx, unsigned height, uint64_t index, const uint8_t hash[static BYTES])
{
    struct tree *tree = ctx;

    memcpy(tree->nodes[height][index], hash, BYTES);
    return 0;
}

static int read_node(void *ctx, unsigned height, uint64_t index, uint8_t ret[static BYTES])
{
    struct tree *tree = ctx;

    assert_true((index + 1) << height <= tree->range.size);
    memcpy(ret, tree->nodes[height][index], BYTES);
    tree->reads++;
    return 0;
}

static struct mr_merkle_source source_of(struct tree *tree)
{
    return (struct mr_merkle_source){read_node, tree};
}

static void add(struct tree *tree, struct mr_slice entry)
{
    uint8_t leaf[BYTES];

    mr_merkle_leaf(entry, leaf);
    assert_int_equal(mr_merkle_append(&tree->range, leaf, keep_node, tree), 0);
}

static struct tree *published(void)
{
    static const char *const inputs[] = {"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
            "606162636465666768696a6b6c6d6e6f"};
    struct tree *tree = calloc(1, sizeof *tree);

    assert_non_null(tree);
    for (size_t i = 0; i < MR_COUNT(inputs); i++) {
        uint8_t entry[16];
        size_t size = strlen(inputs[i]) / 2;

        assert_int_equal(mr_hex_decode(inputs[i], 2 * size, entry, size), 0);
        add(tree, mr_slice(entry, size));
    }
    return tree;
}

static void assert_hash(const uint8_t *hash, const char *hex)
{
    char text[HEX];

    assert_string_equal(mr_hex_encode(hash, BYTES, text), hex);
}

static void test_hashes(void **state)
{
    uint8_t hash[BYTES];
    struct mr_sha256_state sha;

    (void)state;
    mr_merkle_empty_root(hash);
    assert_hash(hash, roots[0]);
    mr_merkle_leaf(mr_slice_str("L123456"), hash);
    assert_hash(hash, "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56");
    /* The published vector of a node has children of four bytes. */
    mr_sha256_init(&sha);
    mr_sha256_put(&sha, mr_slice_str("\001N123N456"));
    mr_sha256_final(&sha, hash);
    assert_hash(hash, "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb");
}

static void test_published_roots(void **state)
{
    struct tree *tree = published();
    struct mr_merkle_source source = source_of(tree);
    struct mr_merkle_range range;
    uint8_t hash[BYTES];

    (void)state;
    for (uint64_t n = 0; n < MR_COUNT(roots); n++) {
        assert_int_equal(mr_merkle_root(&source, n, hash), 0);
        assert_hash(hash, roots[n]);
        assert_int_equal(mr_merkle_range_read(&range, &source, n), 0);
        mr_merkle_range_root(&range, hash);
        assert_hash(hash, roots[n]);
    }
    for (uint64_t i = 0; i < MR_COUNT(leaves); i++)
        assert_hash(tree->nodes[0][i], leaves[i]);
    assert_hash(tree->nodes[1][0], roots[2]);
    assert_hash(tree->nodes[1][1], D2);
    assert_hash(tree->nodes[1][2], D4);
    assert_hash(tree->nodes[1][3], D6);
    assert_hash(tree->nodes[2][0], roots[4]);
    assert_hash(tree->nodes[2][1], D48);
    mr_merkle_range_root(&tree->range, hash);
    assert_hash(hash, roots[8]);
    free(tree);
}

static void assert_path(const struct mr_merkle_path *path, const char *const *expected)
{
    size_t count = 0;

    for (; count < 3 && expected[count]; count++) {
        assert_true(count < path->count);
        assert_hash(path->hashes[count], expected[count]);
    }
    assert_int_equal(path->count, count);
}

static void test_published_paths(void **state)
{
    static const struct {
        uint64_t a, n;
        const char *path[3];
    } inclusion[] = {{0, 1, {NULL}}, {0, 8, {leaves[1], D2, D48}}, {5, 8, {leaves[4], D6, roots[4]}},
            {2, 3, {roots[2]}}, {1, 5, {leaves[0], D2, leaves[4]}}},
      consistency[] = {{1, 1, {NULL}}, {1, 8, {leaves[1], D2, D48}}, {6, 8, {D4, D6, roots[4]}},
              {2, 5, {D2, leaves[4]}}, {6, 7, {D4, leaves[6], roots[4]}}};
    struct tree *tree = published();
    struct mr_merkle_source source = source_of(tree);
    struct mr_merkle_path path;

    (void)state;
    for (size_t i = 0; i < MR_COUNT(inclusion); i++) {
        assert_int_equal(mr_merkle_inclusion(&source, inclusion[i].a, inclusion[i].n, &path), 0);
        assert_path(&path, inclusion[i].path);
        assert_int_equal(mr_merkle_consistency(&source, consistency[i].a, consistency[i].n, &path), 0);
        assert_path(&path, consistency[i].path);
    }
    assert_int_equal(mr_merkle_inclusion(&source, 8, 8, &path), MR_EINVAL);
    assert_int_equal(mr_merkle_inclusion(&source, 0, 0, &path), MR_EINVAL);
    assert_int_equal(mr_merkle_consistency(&source, 8, 7, &path), MR_EINVAL);
    free(tree);
}

/* ---- 17,030 proofs by three digests ---- */

static void put_line(struct mr_sha256_state *sha, uint64_t a, uint64_t n, const struct mr_merkle_path *path)
{
    char text[48];
    char hex[HEX];

    (void)snprintf(text, sizeof text, "%llu %llu", (unsigned long long)a, (unsigned long long)n);
    mr_sha256_put(sha, mr_slice_str(text));
    for (size_t i = 0; i < path->count; i++) {
        mr_sha256_put(sha, mr_slice_str(" "));
        mr_sha256_put(sha, mr_slice_str(mr_hex_encode(path->hashes[i], BYTES, hex)));
    }
    mr_sha256_put(sha, mr_slice_str("\n"));
}

static void assert_digest(struct mr_sha256_state *sha, const char *hex)
{
    uint8_t digest[BYTES];

    mr_sha256_final(sha, digest);
    assert_hash(digest, hex);
}

static struct tree *bytes_tree(unsigned count)
{
    struct tree *tree = calloc(1, sizeof *tree);

    assert_non_null(tree);
    for (unsigned i = 0; i < count; i++) {
        uint8_t entry[2] = {(uint8_t)i, (uint8_t)(i >> 8)};

        add(tree, mr_slice(entry, i < 256 ? 1 : 2));
    }
    return tree;
}

static void test_accumulated(void **state)
{
    struct tree *tree = bytes_tree(ACCUMULATED);
    struct mr_merkle_source source = source_of(tree);
    struct mr_sha256_state all_roots, inclusion, consistency;
    struct mr_merkle_path path;

    (void)state;
    mr_sha256_init(&all_roots);
    mr_sha256_init(&inclusion);
    mr_sha256_init(&consistency);
    for (uint64_t n = 1; n <= ACCUMULATED; n++) {
        uint8_t root[BYTES];
        char line[HEX + 24], hex[HEX];

        assert_int_equal(mr_merkle_root(&source, n, root), 0);
        (void)snprintf(
                line, sizeof line, "%llu %s\n", (unsigned long long)n, mr_hex_encode(root, BYTES, hex));
        mr_sha256_put(&all_roots, mr_slice_str(line));
        for (uint64_t i = 0; i < n; i++) {
            assert_int_equal(mr_merkle_inclusion(&source, i, n, &path), 0);
            put_line(&inclusion, i, n, &path);
            assert_int_equal(mr_merkle_consistency(&source, i + 1, n, &path), 0);
            put_line(&consistency, i + 1, n, &path);
        }
    }
    assert_digest(&all_roots, "d35ccec0cee406fa63d1597891bb2d66df747b4e8817cd6e010a2d58fffb1fcb");
    assert_digest(&inclusion, "893ce6eea61adc33c22c0e3a952498b76dfa3c282e78ac659f6fcc0ea44f9983");
    assert_digest(&consistency, "2498232e1aebe8d1aa8d339d897fc471f4495fe0b8a55ac08f7dae3d88bc4c2a");
    free(tree);
}

/* ---- against the definition ---- */

static void naive(const uint8_t (*leaf)[BYTES], uint64_t n, uint8_t ret[static BYTES])
{
    uint8_t left[BYTES], right[BYTES];
    uint64_t k = 1;

    if (n == 1) {
        memcpy(ret, leaf[0], BYTES);
        return;
    }
    while (2 * k < n)
        k *= 2;
    naive(leaf, k, left);
    naive(leaf + k, n - k, right);
    mr_merkle_node(left, right, ret);
}

static uint64_t next_random(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* Any one bit of a path, an index or a root spoils a proof. */
static void spoil_inclusion(uint64_t *random, uint64_t i, uint64_t n, const uint8_t *leaf,
        struct mr_merkle_path *path, uint8_t *root)
{
    unsigned bit = (unsigned)(next_random(random) % 256);
    uint8_t *byte = path->count ? &path->hashes[next_random(random) % path->count][bit / 8] : &root[bit / 8];

    *byte ^= (uint8_t)(1 << bit % 8);
    assert_false(mr_merkle_verify_inclusion(i, n, leaf, path, root));
    *byte ^= (uint8_t)(1 << bit % 8);
    assert_true(mr_merkle_verify_inclusion(i, n, leaf, path, root));
    if (n > 1)
        assert_false(mr_merkle_verify_inclusion((i + 1) % n, n, leaf, path, root));
    assert_false(mr_merkle_verify_inclusion(n, n, leaf, path, root));
    path->count++; /* one hash too many */
    assert_false(mr_merkle_verify_inclusion(i, n, leaf, path, root));
    path->count--;
}

static void spoil_consistency(uint64_t *random, uint64_t m, uint64_t n, uint8_t *old_root, uint8_t *new_root,
        struct mr_merkle_path *path)
{
    unsigned bit = (unsigned)(next_random(random) % 256);
    uint8_t *byte =
            path->count ? &path->hashes[next_random(random) % path->count][bit / 8] : &old_root[bit / 8];

    *byte ^= (uint8_t)(1 << bit % 8);
    assert_false(mr_merkle_verify_consistency(m, n, old_root, new_root, path));
    *byte ^= (uint8_t)(1 << bit % 8);
    assert_true(mr_merkle_verify_consistency(m, n, old_root, new_root, path));
    assert_false(mr_merkle_verify_consistency(n + 1, n, old_root, new_root, path));
    path->count++;
    assert_false(mr_merkle_verify_consistency(m, n, old_root, new_root, path));
    path->count--;
}

static void test_naive(void **state)
{
    struct tree *tree = bytes_tree(NAIVE_MAX);
    struct mr_merkle_source source = source_of(tree);
    struct mr_merkle_path path;
    uint8_t root[BYTES], other[BYTES];
    uint64_t random = 6962;

    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        uint64_t n = 1 + next_random(&random) % NAIVE_MAX;
        uint64_t m = 1 + next_random(&random) % n;

        naive(tree->nodes[0], n, root);
        assert_int_equal(mr_merkle_root(&source, n, other), 0);
        assert_memory_equal(root, other, BYTES);
        assert_int_equal(mr_merkle_inclusion(&source, m - 1, n, &path), 0);
        assert_true(mr_merkle_verify_inclusion(m - 1, n, tree->nodes[0][m - 1], &path, root));
        spoil_inclusion(&random, m - 1, n, tree->nodes[0][m - 1], &path, root);
        naive(tree->nodes[0], m, other);
        assert_int_equal(mr_merkle_consistency(&source, m, n, &path), 0);
        assert_true(mr_merkle_verify_consistency(m, n, other, root, &path));
        spoil_consistency(&random, m, n, other, root, &path);
    }
    free(tree);
}

static void test_size_zero(void **state)
{
    struct tree *tree = bytes_tree(3);
    struct mr_merkle_source source = source_of(tree);
    struct mr_merkle_path path;
    uint8_t empty[BYTES], root[BYTES];

    (void)state;
    mr_merkle_empty_root(empty);
    mr_merkle_range_root(&tree->range, root);
    assert_int_equal(mr_merkle_consistency(&source, 0, 3, &path), 0);
    assert_true(mr_merkle_verify_consistency(0, 3, empty, root, &path));
    assert_true(mr_merkle_verify_consistency(0, 0, empty, empty, &path));
    assert_false(mr_merkle_verify_consistency(0, 3, root, root, &path));
    assert_false(mr_merkle_verify_consistency(1, 3, empty, root, &path)); /* an empty path proves nothing */
    path.count = 1;
    memcpy(path.hashes[0], root, BYTES);
    assert_false(mr_merkle_verify_consistency(0, 3, empty, root, &path));
    free(tree);
}

static int fail_at_height(void *ctx, unsigned height, uint64_t index, const uint8_t hash[static BYTES])
{
    (void)index;
    (void)hash;
    return height == *(unsigned *)ctx ? MR_EIO : 0;
}

static int fail_read(void *ctx, unsigned height, uint64_t index, uint8_t ret[static BYTES])
{
    (void)ctx;
    (void)height;
    (void)index;
    memset(ret, 0, BYTES);
    return MR_ECORRUPT;
}

static void test_failures_go_up(void **state)
{
    const struct mr_merkle_source source = {fail_read, NULL};
    struct mr_merkle_range range = {0};
    struct mr_merkle_path path;
    uint8_t hash[BYTES] = {0};
    unsigned height = 1;

    (void)state;
    assert_int_equal(mr_merkle_append(&range, hash, fail_at_height, &height), 0);
    assert_int_equal(mr_merkle_append(&range, hash, fail_at_height, &height), MR_EIO);
    assert_int_equal(mr_merkle_root(&source, 5, hash), MR_ECORRUPT);
    assert_int_equal(mr_merkle_inclusion(&source, 1, 5, &path), MR_ECORRUPT);
    assert_int_equal(mr_merkle_consistency(&source, 3, 5, &path), MR_ECORRUPT);
}

/* Told of heights from the leaves up, of each in the order of its indexes. */
struct order {
    struct tree *tree;
    unsigned height;
    uint64_t next[10]; /* index of each height */
};

static int keep_in_order(void *ctx, unsigned height, uint64_t index, const uint8_t hash[static BYTES])
{
    struct order *order = ctx;

    assert_true(height >= order->height);
    assert_int_equal(index, order->next[height]++);
    order->height = height;
    return keep_node(order->tree, height, index, hash);
}

/* Pieces of all sizes, beginning at many places: range and nodes are those of one leaf after another. */
static void test_many_are_as_one_by_one(void **state)
{
    struct tree *want = bytes_tree(NAIVE_MAX), *tree = calloc(1, sizeof *tree),
                *alone = calloc(1, sizeof *alone);
    uint64_t random = 9162;

    (void)state;
    assert_true(tree && alone);
    for (unsigned round = 0; round < 200; round++) {
        struct order order = {.tree = tree};

        memset(tree, 0, sizeof *tree);
        memset(alone, 0, sizeof *alone);
        while (tree->range.size < NAIVE_MAX) {
            uint64_t first = tree->range.size;
            size_t count = (size_t)(next_random(&random) % (MR_MERKLE_MANY + 1));

            count = count < NAIVE_MAX - first ? count : NAIVE_MAX - first;
            order.height = 0;
            assert_int_equal(
                    mr_merkle_append_many(&tree->range, (const uint8_t(*)[BYTES])want->nodes[0] + first,
                            count, keep_in_order, &order),
                    0);
            for (size_t i = 0; i < count; i++)
                (void)mr_merkle_append(&alone->range, want->nodes[0][first + i], keep_node, alone);
            assert_int_equal(tree->range.size, first + count);
            for (unsigned height = 0; height < 10; height++)
                if (tree->range.size >> height & 1)
                    assert_memory_equal(tree->range.hashes[height], alone->range.hashes[height], BYTES);
        }
        assert_memory_equal(tree->nodes, want->nodes, sizeof tree->nodes);
    }
    free(alone);
    free(tree);
    free(want);
}

static void test_failure_of_many_goes_up(void **state)
{
    const uint8_t three[3][BYTES] = {{0}};

    (void)state;
    for (unsigned height = 0; height <= 2; height++) {
        struct mr_merkle_range range = {0};

        assert_int_equal(
                mr_merkle_append_many(&range, three, 3, fail_at_height, &height), height < 2 ? MR_EIO : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_many_are_as_one_by_one),
            cmocka_unit_test(test_failure_of_many_goes_up),
            cmocka_unit_test(test_hashes),
            cmocka_unit_test(test_published_roots),
            cmocka_unit_test(test_published_paths),
            cmocka_unit_test(test_accumulated),
            cmocka_unit_test(test_naive),
            cmocka_unit_test(test_size_zero),
            cmocka_unit_test(test_failures_go_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
