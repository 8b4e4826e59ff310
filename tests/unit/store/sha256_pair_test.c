/* Digests side by side are those of libsodium, whatever is in the other lane, and by each way that this
 * processor has. */
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

/* Of some messages, the first of this size. */
static void compare(enum mr_sha256_way way, size_t size)
{
    struct mr_sha256_message messages[MESSAGES];
    size_t sizes[MESSAGES], count = 1 + size % MESSAGES;

    for (size_t i = 0; i < count; i++) {
        sizes[i] = i == 0 ? size : randombytes_uniform(SIZE_MAX_HERE + 1);
        messages[i] = cut(i, sizes[i]);
    }
    memset(got, 0, sizeof got);
    if (way == MR_SHA256_WAYS) /* whichever it chooses */
        mr_sha256_pair(messages, count);
    else
        mr_sha256_pair_by(way, messages, count);
    for (size_t i = 0; i < count; i++)
        expect(i, sizes[i]);
}

static void by(enum mr_sha256_way way)
{
    const struct mr_sha256_message empty = {.ret = got[0]};

    if (way != MR_SHA256_WAYS && !mr_sha256_has(way)) {
        print_message("this processor, or what this was built with, has no such instructions\n");
        skip();
    }
    randombytes_buf(data, sizeof data);
    for (size_t size = 0; size <= SIZE_MAX_HERE; size++)
        compare(way, size);
    mr_sha256_pair(NULL, 0);
    mr_sha256_pair(&empty, 1);
    expect(0, 0);
}

static void test_pair(void **state)
{
    (void)state;
    by(MR_SHA256_PAIR);
}

static void test_single(void **state)
{
    (void)state;
    by(MR_SHA256_SINGLE);
}

static void test_chosen(void **state)
{
    (void)state;
    assert_true(mr_sha256_has(MR_SHA256_SINGLE));
    by(MR_SHA256_WAYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_pair),
            cmocka_unit_test(test_single),
            cmocka_unit_test(test_chosen),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
