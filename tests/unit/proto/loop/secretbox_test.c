/* Boxes are libsodium's, byte for byte, of every size, in place and not, by each way that this processor has;
 * only what is authentic is opened; and libzmq, loaded here, finds these and not libsodium's. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>
#include <zmq.h>

#include "proto/loop/secretbox.h"

enum {
    PLAIN_MAX = 300 * 1000, /* a Deliver of many events */
    DENSE_MAX = 2200,       /* every size up to here: two steps of the keystream, and a piece */
    LARGE_CASES = 60,
    SHIFT_MAX = 40,
    FLIPS = 4,
    FILL = 0x5a,
};

struct scene {
    uint8_t key[MR_SECRETBOX_KEY_BYTES], nonce[MR_SECRETBOX_NONCE_BYTES];
    uint8_t plain[PLAIN_MAX];
    uint8_t expected[PLAIN_MAX + MR_SECRETBOX_TAG_BYTES];
    uint8_t got[PLAIN_MAX + MR_SECRETBOX_TAG_BYTES + 2 * SHIFT_MAX];
};

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct scene));
    assert_non_null(*state);
    assert_true(sodium_init() >= 0);
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

/* The ways that there are, one after the other; the last is whichever is chosen. */
static bool next_way(int *way)
{
    do
        ++*way;
    while (*way < MR_SECRETBOX_WAYS && !mr_secretbox_has((enum mr_secretbox_way) * way));
    return *way <= MR_SECRETBOX_WAYS;
}

static void test_which_ways_are_here(void **state)
{
    (void)state;
    assert_true(mr_secretbox_has(MR_SECRETBOX_SODIUM));
    if (!mr_secretbox_has(MR_SECRETBOX_WIDE))
        print_message("not on this processor, so not tested: AVX-512\n");
}

static void seal_by(int way, const struct scene *scene, uint8_t *out, const uint8_t *plain, size_t size)
{
    if (way == MR_SECRETBOX_WAYS)
        mr_secretbox_seal(out, mr_slice(plain, size), scene->nonce, scene->key);
    else
        mr_secretbox_seal_by(
                (enum mr_secretbox_way)way, out, mr_slice(plain, size), scene->nonce, scene->key);
}

static bool open_by(int way, const struct scene *scene, uint8_t *out, const uint8_t *box, size_t size)
{
    if (way == MR_SECRETBOX_WAYS)
        return mr_secretbox_open(out, mr_slice(box, size), scene->nonce, scene->key);
    return mr_secretbox_open_by(
            (enum mr_secretbox_way)way, out, mr_slice(box, size), scene->nonce, scene->key);
}

static void make(struct scene *scene, size_t size)
{
    randombytes_buf(scene->key, sizeof scene->key);
    randombytes_buf(scene->nonce, sizeof scene->nonce);
    randombytes_buf(scene->plain, size);
    assert_int_equal(crypto_secretbox_easy(scene->expected, scene->plain, size, scene->nonce, scene->key), 0);
}

/* Sealed and opened, apart and in place; nothing is written beyond. */
static void same(struct scene *scene, size_t size)
{
    size_t box = size + MR_SECRETBOX_TAG_BYTES;

    make(scene, size);
    for (int way = -1; next_way(&way);) {
        memset(scene->got, FILL, box + 1);
        seal_by(way, scene, scene->got, scene->plain, size);
        assert_memory_equal(scene->got, scene->expected, box);
        assert_int_equal(scene->got[box], FILL);
        memset(scene->got, FILL, size + 1);
        assert_true(open_by(way, scene, scene->got, scene->expected, box));
        assert_memory_equal(scene->got, scene->plain, size);
        assert_int_equal(scene->got[size], FILL);
    }
}

static void test_as_libsodium_of_every_small_size(void **state)
{
    for (size_t size = 0; size <= DENSE_MAX; size++)
        same(*state, size);
}

static void test_as_libsodium_of_large_sizes(void **state)
{
    for (int i = 0; i < LARGE_CASES; i++)
        same(*state, randombytes_uniform(PLAIN_MAX));
    same(*state, PLAIN_MAX);
}

/* Plain and sealed bytes may lie over one another in any way; libzmq seals in place. */
static void overlapping(struct scene *scene, size_t size, size_t from, size_t to)
{
    size_t box = size + MR_SECRETBOX_TAG_BYTES;

    make(scene, size);
    for (int way = -1; next_way(&way);) {
        memcpy(scene->got + from, scene->plain, size);
        seal_by(way, scene, scene->got + to, scene->got + from, size);
        assert_memory_equal(scene->got + to, scene->expected, box);
        memcpy(scene->got + from, scene->expected, box);
        assert_true(open_by(way, scene, scene->got + to, scene->got + from, box));
        assert_memory_equal(scene->got + to, scene->plain, size);
    }
}

static void test_over_one_another(void **state)
{
    static const size_t sizes[] = {1, 40, 991, 992, 993, 2015, 2016, 2017, 5000};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (size_t shift = 0; shift <= SHIFT_MAX; shift++) {
            overlapping(*state, sizes[i], SHIFT_MAX, shift);
            overlapping(*state, sizes[i], shift, SHIFT_MAX);
        }
}

/* Nothing of it is there to be taken for the plaintext: not written, or zeros as libsodium leaves them. */
static void refused(struct scene *scene, size_t box)
{
    for (int way = -1; next_way(&way);) {
        memset(scene->got, FILL, box);
        assert_false(open_by(way, scene, scene->got, scene->expected, box));
        for (size_t i = 0; i < box; i++)
            assert_true(scene->got[i] == FILL || scene->got[i] == 0);
    }
}

static void test_only_what_is_authentic(void **state)
{
    static const size_t sizes[] = {0, 1, 63, 992, 993, 4096, 9000};
    struct scene *scene = *state;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t box = sizes[i] + MR_SECRETBOX_TAG_BYTES;

        make(scene, sizes[i]);
        for (int flip = 0; flip < FLIPS; flip++) {
            size_t at = flip == 0 ? box - 1 : randombytes_uniform((uint32_t)box);

            scene->expected[at] ^= 0x10;
            refused(scene, box);
            scene->expected[at] ^= 0x10;
        }
        scene->nonce[20] ^= 1;
        refused(scene, box);
        scene->nonce[20] ^= 1;
        scene->key[31] ^= 1;
        refused(scene, box);
        scene->key[31] ^= 1;
        for (size_t cut = 1; cut <= MR_SECRETBOX_TAG_BYTES; cut++)
            refused(scene, box - cut);
    }
}

/* As of libsodium: whoever gives no place for the plaintext asks whether a box is authentic. And what has no
 * bytes may be nowhere. */
static void test_without_a_place(void **state)
{
    static const size_t sizes[] = {0, 1, 992, 993, 5000};
    struct scene *scene = *state;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t box = sizes[i] + MR_SECRETBOX_TAG_BYTES;

        make(scene, sizes[i]);
        for (int way = -1; next_way(&way);) {
            assert_true(open_by(way, scene, NULL, scene->expected, box));
            scene->expected[box - 1] ^= 1;
            assert_false(open_by(way, scene, NULL, scene->expected, box));
            scene->expected[box - 1] ^= 1;
        }
    }
    make(scene, 0);
    for (int way = -1; next_way(&way);) {
        seal_by(way, scene, scene->got, NULL, 0);
        assert_memory_equal(scene->got, scene->expected, MR_SECRETBOX_TAG_BYTES);
        assert_false(open_by(way, scene, scene->got, NULL, 0));
    }
}

/* From NaCl's own tests (secretbox.c, D. J. Bernstein, T. Lange, P. Schwabe). */
static void test_vector_of_nacl(void **state)
{
    static const char
            key[] = "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389",
            nonce[] = "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37",
            plain[] = "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a"
                      "1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057"
                      "e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040"
                      "e082f937763848645e0705",
            box[] = "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4"
                    "476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738"
                    "b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de"
                    "56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5";
    enum { SIZE = 131 };
    struct scene *scene = *state;
    size_t n;

    assert_int_equal(sodium_hex2bin(scene->key, sizeof scene->key, key, strlen(key), NULL, &n, NULL), 0);
    assert_int_equal(
            sodium_hex2bin(scene->nonce, sizeof scene->nonce, nonce, strlen(nonce), NULL, &n, NULL), 0);
    assert_int_equal(sodium_hex2bin(scene->plain, PLAIN_MAX, plain, strlen(plain), NULL, &n, NULL), 0);
    assert_int_equal(n, SIZE);
    assert_int_equal(sodium_hex2bin(scene->expected, PLAIN_MAX, box, strlen(box), NULL, &n, NULL), 0);
    assert_int_equal(n, SIZE + MR_SECRETBOX_TAG_BYTES);
    for (int way = -1; next_way(&way);) {
        seal_by(way, scene, scene->got, scene->plain, SIZE);
        assert_memory_equal(scene->got, scene->expected, n);
    }
}

/* What libzmq finds by these names is this program's, though libsodium is loaded and has them, too. */
static void test_libzmq_finds_these(void **state)
{
    static const char *const names[] = {"crypto_box_easy_afternm", "crypto_box_open_easy_afternm"};
    int major, minor, patch;

    (void)state;
    zmq_version(&major, &minor, &patch);
    assert_true(major == 4);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        void *found = dlsym(RTLD_DEFAULT, names[i]), *other = dlsym(RTLD_NEXT, names[i]);
        Dl_info here, there;

        assert_non_null(found);
        assert_non_null(other);
        assert_ptr_not_equal(found, other);
        assert_int_not_equal(dladdr(found, &here), 0);
        assert_int_not_equal(dladdr(other, &there), 0);
        assert_null(strstr(here.dli_fname, "libsodium"));
        assert_non_null(strstr(there.dli_fname, "libsodium"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_which_ways_are_here),
            cmocka_unit_test(test_as_libsodium_of_every_small_size),
            cmocka_unit_test(test_as_libsodium_of_large_sizes),
            cmocka_unit_test(test_over_one_another),
            cmocka_unit_test(test_only_what_is_authentic),
            cmocka_unit_test(test_without_a_place),
            cmocka_unit_test(test_vector_of_nacl),
            cmocka_unit_test(test_libzmq_finds_these),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
