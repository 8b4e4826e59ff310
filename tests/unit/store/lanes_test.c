/* Digests side by side are those of libsodium, whatever is in the other lanes, and by each way that this
 * processor has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "proto/base/list.h"
#include "store/lanes.h"

enum { MESSAGES = 40, SIZE_MAX_HERE = 700 };

static uint8_t data[MESSAGES][SIZE_MAX_HERE];
static uint8_t got[MESSAGES][MR_LANES_DIGEST_MAX];

static void expect(const uint8_t *key, size_t digest_bytes, size_t i, size_t size)
{
    uint8_t expected[MR_LANES_DIGEST_MAX];

    assert_int_equal(crypto_generichash(expected, digest_bytes, data[i], size, key, MR_LANES_KEY_BYTES), 0);
    assert_memory_equal(got[i], expected, digest_bytes);
}

/* Cut at two places that move, so that parts end inside of blocks, at their ends, and are empty. */
static struct mr_lanes_message cut(size_t i, size_t size)
{
    size_t a = size * (i % 5) / 4, b = a + (size - a) * (i % 3) / 2;

    return (struct mr_lanes_message){
            .parts = {mr_slice(data[i], a), mr_slice(data[i] + a, b - a), mr_slice(data[i] + b, size - b)},
            .parts_count = 3,
            .ret = got[i]};
}

/* Of some messages, the first of this size, with a key of their own. */
static void compare(enum mr_lanes_way way, size_t size)
{
    static const size_t digest_sizes[] = {16, 32, 64};
    size_t digest_bytes = digest_sizes[size % MR_COUNT(digest_sizes)], count = 1 + size % MESSAGES;
    struct mr_lanes_message messages[MESSAGES];
    uint8_t key[MR_LANES_KEY_BYTES];
    struct mr_lanes_key begun;
    size_t sizes[MESSAGES];

    randombytes_buf(key, sizeof key);
    memset(got, 0, sizeof got);
    for (size_t i = 0; i < count; i++) {
        sizes[i] = i == 0 ? size : 1 + randombytes_uniform(SIZE_MAX_HERE);
        messages[i] = cut(i, sizes[i]);
    }
    if (way == MR_LANES_WAYS) { /* whichever it chooses */
        mr_lanes_key_begin(&begun, key, digest_bytes);
        mr_lanes_digest(&begun, messages, count);
    } else {
        mr_lanes_key_begin_by(way, &begun, key, digest_bytes);
        mr_lanes_digest_by(way, &begun, messages, count);
    }
    for (size_t i = 0; i < count; i++)
        expect(key, digest_bytes, i, sizes[i]);
}

static void by(enum mr_lanes_way way)
{
    if (way != MR_LANES_WAYS && !mr_lanes_has(way)) {
        print_message("this processor has no such registers\n");
        skip();
    }
    randombytes_buf(data, sizeof data);
    for (size_t size = 1; size <= SIZE_MAX_HERE; size++)
        compare(way, size);
}

static void test_512(void **state)
{
    (void)state;
    by(MR_LANES_512);
}

static void test_256(void **state)
{
    (void)state;
    by(MR_LANES_256);
}

static void test_plain(void **state)
{
    (void)state;
    by(MR_LANES_PLAIN);
}

static void test_chosen(void **state)
{
    (void)state;
    assert_true(mr_lanes_has(MR_LANES_PLAIN));
    assert_int_equal(mr_lanes_here(), mr_lanes_has(MR_LANES_512) || mr_lanes_has(MR_LANES_256));
    by(MR_LANES_WAYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_512), cmocka_unit_test(test_256),
            cmocka_unit_test(test_plain), cmocka_unit_test(test_chosen)};

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
