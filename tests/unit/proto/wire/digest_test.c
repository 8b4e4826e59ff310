/* Vectors: FIPS 180-4 examples; the tree of RFC 6962 / Certificate Transparency; RFC 9562 section 5.7 for the
 * layout. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/err.h"
#include "proto/base/hex.h"
#include "proto/base/list.h"
#include "proto/wire/digest.h"

static void assert_digest(const uint8_t digest[MR_SHA256_BYTES], const char *expected)
{
    char text[2 * MR_SHA256_BYTES + 1];

    assert_string_equal(mr_hex_encode(digest, MR_SHA256_BYTES, text), expected);
}

static void sha256_vectors_hold(void **state)
{
    static const struct {
        const char *text;
        const char *digest;
    } rows[] = {
            {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
            {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
            {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    uint8_t out[MR_SHA256_BYTES];

    (void)state;
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        mr_sha256(mr_slice_str(rows[i].text), out);
        assert_digest(out, rows[i].digest);
    }
    mr_sha256_many(
            (const struct mr_slice[]){{(const uint8_t *)"a", 1}, {NULL, 0}, {(const uint8_t *)"bc", 2}}, 3,
            out);
    assert_digest(out, rows[1].digest);
    mr_sha256_many(NULL, 0, out);
    assert_digest(out, rows[0].digest);
}

static void leaf_and_node_hashes_are_apart(void **state)
{
    uint8_t leaf[MR_SHA256_BYTES];
    uint8_t other[MR_SHA256_BYTES];
    uint8_t node[MR_SHA256_BYTES];

    (void)state;
    mr_leaf_hash(mr_slice(NULL, 0), leaf);
    assert_digest(leaf, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    mr_leaf_hash(mr_slice("\0", 1), other);
    assert_digest(other, "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7");
    mr_node_hash(leaf, other, node);
    assert_digest(node, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
    mr_node_hash(other, leaf, node);
    assert_int_not_equal(node[0], 0xfa);
}

static void uuids_have_version_variant_and_time(void **state)
{
    struct mr_uuid7 generator = {0};
    uint8_t uuid[MR_UUID_BYTES];
    char text[MR_UUID_TEXT_MAX];

    (void)state;
    mr_uuid7_next(&generator, INT64_C(1645557742000) * 1000, uuid); /* the example of RFC 9562 A.6 */
    assert_memory_equal(uuid, "\x01\x7f\x22\xe2\x79\xb0", 6);
    assert_int_equal(uuid[6] >> 4, 7);
    assert_int_equal(uuid[8] >> 6, 2);
    assert_memory_equal(mr_uuid_format(uuid, text), "017f22e2-79b0-7", 15);
}

static void uuids_of_one_generator_ascend(void **state)
{
    /* The clock stands, goes back, jumps, and is before 1970. */
    static const int64_t clock[] = {5000000, 5000000, 4000000, 5000999, 6000000, 0, -7, 6000000};
    struct mr_uuid7 generator = {0};
    uint8_t previous[MR_UUID_BYTES] = {0};
    uint8_t uuid[MR_UUID_BYTES];

    (void)state;
    for (size_t i = 0; i < MR_COUNT(clock); i++)
        for (int n = 0; n < 200; n++) {
            mr_uuid7_next(&generator, clock[i], uuid);
            assert_true(memcmp(previous, uuid, sizeof uuid) < 0);
            memcpy(previous, uuid, sizeof uuid);
        }
    generator.counter = (1U << 26) - 2;
    for (int n = 0; n < 5; n++) {
        mr_uuid7_next(&generator, 0, uuid);
        assert_true(memcmp(previous, uuid, sizeof uuid) < 0);
        memcpy(previous, uuid, sizeof uuid);
    }
    assert_true(generator.last_ms == 6001);
}

static void uuid_text_round_trips(void **state)
{
    static const char *const good[] = {"017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
            "017F22E2-79B0-7CC3-98C4-DC0C0C07398F", "017f22e279b07cc398c4dc0c0c07398f"};
    uint8_t uuid[MR_UUID_BYTES];
    char text[MR_UUID_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < MR_COUNT(good); i++) {
        assert_int_equal(mr_uuid_parse(good[i], strlen(good[i]), uuid), 0);
        assert_string_equal(mr_uuid_format(uuid, text), good[0]);
    }
}

static void what_is_no_uuid_is_refused(void **state)
{
    static const char *const bad[] = {"", "017f22e2", "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398g", "017f22e279b07cc398c4dc0c0c07398f0000",
            "017f22e27-9b0-7cc3-98c4-dc0c0c07398f", "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}",
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398f ", "017f22e2 79b0 7cc3 98c4 dc0c0c07398f",
            "------------------------------------"};
    uint8_t uuid[MR_UUID_BYTES];

    (void)state;
    for (size_t i = 0; i < MR_COUNT(bad); i++)
        assert_int_equal(mr_uuid_parse(bad[i], strlen(bad[i]), uuid), MR_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(sha256_vectors_hold),
            cmocka_unit_test(leaf_and_node_hashes_are_apart),
            cmocka_unit_test(uuids_have_version_variant_and_time),
            cmocka_unit_test(uuids_of_one_generator_ascend),
            cmocka_unit_test(uuid_text_round_trips),
            cmocka_unit_test(what_is_no_uuid_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
