/* Digests side by side are those of libsodium, whatever is in the other lane. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "store/sha256_pair.h"

enum { MESSAGES = 20, SIZE_MAX_HERE = 400, DIGEST_BYTES = crypto_hash_sha256_BYTES };

static uint8_t data[MESSAGES][SIZE_MAX_HERE];
static uint8_t got[MESSAGES][DIGEST_BYTES];

/* Cut at a place that moves, so that parts end inside of blocks, at their ends, and are empty. */
static struct mr_sha256_message cut(size_t i, size_t size)
{
    size_t at = size * (i % 5) / 4;

    if (i % 7 == 6)
        return (struct mr_sha256_message){
                .parts = {mr_slice(data[i], size)}, .parts_count = 1, .ret = got[i]};
    return (struct mr_sha256_message){.parts = {mr_slice(data[i], at), mr_slice(data[i] + at, size - at)},
            .parts_count = 2,
            .ret = got[i]};
}

static void expect(size_t i, size_t size)
{
    uint8_t expected[DIGEST_BYTES];

    (void)crypto_hash_sha256(expected, data[i], size);
    assert_memory_equal(got[i], expected, sizeof expected);
}

static void test_as_libsodium(void **state)
{
    struct mr_sha256_message messages[MESSAGES];
    size_t sizes[MESSAGES];

    (void)state;
    randombytes_buf(data, sizeof data);
    for (size_t size = 0; size <= SIZE_MAX_HERE; size++) {
        size_t count = 1 + size % MESSAGES;

        for (size_t i = 0; i < count; i++) {
            sizes[i] = i == 0 ? size : randombytes_uniform(SIZE_MAX_HERE + 1);
            messages[i] = cut(i, sizes[i]);
        }
        memset(got, 0, sizeof got);
        mr_sha256_pair(messages, count);
        for (size_t i = 0; i < count; i++)
            expect(i, sizes[i]);
    }
}

static void test_of_nothing(void **state)
{
    const struct mr_sha256_message empty = {.ret = got[0]};

    (void)state;
    mr_sha256_pair(NULL, 0);
    mr_sha256_pair(&empty, 1);
    expect(0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_as_libsodium),
            cmocka_unit_test(test_of_nothing),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
