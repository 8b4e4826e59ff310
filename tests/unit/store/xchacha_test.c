/* What blocks side by side make is what libsodium makes, of every size, in place and not; and only what is
 * authentic is opened. By each way that this processor has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "store/xchacha.h"

enum { PLAIN_MAX = 2000, AAD_MAX = 80, CASES_STEP = 7, FLIPS = 3 };

struct one {
    uint8_t key[MR_XCHACHA_KEY_BYTES], nonce[MR_XCHACHA_NONCE_BYTES];
    uint8_t plain[PLAIN_MAX], aad[AAD_MAX];
    uint8_t expected[PLAIN_MAX + MR_XCHACHA_TAG_BYTES];
    uint8_t got[PLAIN_MAX + MR_XCHACHA_TAG_BYTES];
    struct mr_slice bound;
};

static void make(struct one *one, size_t size)
{
    randombytes_buf(one, sizeof *one);
    one->bound = mr_slice(one->aad, size % (AAD_MAX + 1));
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(one->expected, NULL, one->plain, size, one->bound.data,
            one->bound.size, NULL, one->nonce, one->key);
}

/* The ways that there are, one after the other; the last is whichever is chosen. */
static bool next_way(int *way)
{
    do
        ++*way;
    while (*way < MR_XCHACHA_WAYS && !mr_xchacha_has((enum mr_xchacha_way) * way));
    return *way <= MR_XCHACHA_WAYS;
}

/* Ways that this processor lacks are left out of every test: here it is said which. */
static void test_which_ways_are_here(void **state)
{
    static const char *const names[MR_XCHACHA_WAYS] = {"AVX-512", "AVX2", "libsodium"};

    (void)state;
    assert_true(mr_xchacha_has(MR_XCHACHA_SODIUM));
    for (int way = 0; way < MR_XCHACHA_WAYS; way++)
        if (!mr_xchacha_has((enum mr_xchacha_way)way))
            print_message("not on this processor, so not tested: %s\n", names[way]);
}

static void stream_by(int way, uint8_t *ret, size_t size, const uint8_t *key)
{
    if (way == MR_XCHACHA_WAYS)
        mr_xchacha_stream(ret, size, key);
    else
        mr_xchacha_stream_by((enum mr_xchacha_way)way, ret, size, key);
}

static void seal_by(int way, struct one *one, const uint8_t *plain, size_t size)
{
    if (way == MR_XCHACHA_WAYS)
        mr_xchacha_seal(one->got, mr_slice(plain, size), one->bound, one->nonce, one->key);
    else
        mr_xchacha_seal_by(
                (enum mr_xchacha_way)way, one->got, mr_slice(plain, size), one->bound, one->nonce, one->key);
}

static bool open_by(int way, struct one *one, size_t size)
{
    struct mr_slice sealed = mr_slice(one->expected, size);

    if (way == MR_XCHACHA_WAYS)
        return mr_xchacha_open(one->got, sealed, one->bound, one->nonce, one->key);
    return mr_xchacha_open_by((enum mr_xchacha_way)way, one->got, sealed, one->bound, one->nonce, one->key);
}

static void test_stream_as_libsodium(void **state)
{
    static const uint8_t nonce[crypto_stream_chacha20_ietf_NONCEBYTES];
    struct one one;

    (void)state;
    for (size_t size = 0; size <= PLAIN_MAX; size++) {
        randombytes_buf(&one, sizeof one);
        (void)crypto_stream_chacha20_ietf(one.expected, size, nonce, one.key);
        for (int way = -1; next_way(&way);) {
            memset(one.got, 0x5a, sizeof one.got);
            stream_by(way, one.got, size, one.key);
            assert_memory_equal(one.got, one.expected, size);
            assert_int_equal(one.got[size], 0x5a);
        }
    }
}

static void test_seal_as_libsodium(void **state)
{
    struct one one;

    (void)state;
    for (size_t size = 0; size <= PLAIN_MAX; size++) {
        make(&one, size);
        for (int way = -1; next_way(&way);) {
            memset(one.got, 0, sizeof one.got);
            seal_by(way, &one, one.plain, size);
            assert_memory_equal(one.got, one.expected, size + MR_XCHACHA_TAG_BYTES);
            memcpy(one.got, one.plain, size);
            seal_by(way, &one, one.got, size);
            assert_memory_equal(one.got, one.expected, size + MR_XCHACHA_TAG_BYTES);
        }
    }
}

static void test_opens_what_libsodium_sealed(void **state)
{
    struct one one;

    (void)state;
    for (size_t size = 0; size <= PLAIN_MAX; size++) {
        make(&one, size);
        for (int way = -1; next_way(&way);) {
            memset(one.got, 0, sizeof one.got);
            assert_true(open_by(way, &one, size + MR_XCHACHA_TAG_BYTES));
            assert_memory_equal(one.got, one.plain, size);
        }
    }
}

/* Nothing of it is there to be taken for the plaintext: not written, or zeros as libsodium leaves them. */
static void refused(struct one *one, size_t size)
{
    for (int way = -1; next_way(&way);) {
        uint8_t left = way == MR_XCHACHA_SODIUM || !mr_xchacha_has(MR_XCHACHA_256) ? 0 : 0x5a;

        memset(one->got, 0x5a, sizeof one->got);
        assert_false(open_by(way, one, size + MR_XCHACHA_TAG_BYTES));
        for (size_t i = 0; i < sizeof one->got; i++)
            assert_int_equal(one->got[i], i < size ? left : 0x5a);
    }
}

static void flip_and_refuse(struct one *one, size_t size, uint8_t *bytes, size_t bytes_size)
{
    for (int i = 0; i < FLIPS && bytes_size > 0; i++) {
        size_t at = randombytes_uniform((uint32_t)bytes_size);
        uint8_t bit = (uint8_t)(1 << randombytes_uniform(8));

        bytes[at] ^= bit;
        refused(one, size);
        bytes[at] ^= bit;
    }
}

static void test_a_flipped_bit_is_refused(void **state)
{
    struct one one;

    (void)state;
    for (size_t size = 0; size <= PLAIN_MAX; size += CASES_STEP) {
        make(&one, size);
        flip_and_refuse(&one, size, one.expected, size + MR_XCHACHA_TAG_BYTES);
        flip_and_refuse(&one, size, one.aad, one.bound.size);
        flip_and_refuse(&one, size, one.nonce, sizeof one.nonce);
        flip_and_refuse(&one, size, one.key, sizeof one.key);
    }
}

static void test_shorter_than_a_tag_is_refused(void **state)
{
    struct one one;

    (void)state;
    make(&one, 0);
    for (size_t size = 0; size < MR_XCHACHA_TAG_BYTES; size++)
        for (int way = -1; next_way(&way);)
            assert_false(open_by(way, &one, size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_which_ways_are_here),
            cmocka_unit_test(test_stream_as_libsodium),
            cmocka_unit_test(test_seal_as_libsodium),
            cmocka_unit_test(test_opens_what_libsodium_sealed),
            cmocka_unit_test(test_a_flipped_bit_is_refused),
            cmocka_unit_test(test_shorter_than_a_tag_is_refused),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
