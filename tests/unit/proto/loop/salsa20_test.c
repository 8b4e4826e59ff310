/* The keystream is libsodium's wherever it starts and the bytes lie; of a key nothing stays in the stack. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include <sodium.h>

#include "proto/loop/salsa20.h"
#include "proto/loop/secretbox.h"

enum {
    STEPS = 5,
    SIZE = STEPS * MR_SALSA20_STEP_BYTES,
    ALIGN_MAX = 64,
    STACK_BYTES = 1024 * 1024,
    WORD_BYTES = 4,
};

struct scene {
    uint8_t key[MR_SECRETBOX_KEY_BYTES], nonce[MR_SECRETBOX_NONCE_BYTES];
    uint8_t in[SIZE + ALIGN_MAX], out[SIZE + ALIGN_MAX], expected[SIZE];
    uint8_t box[SIZE + MR_SECRETBOX_TAG_BYTES];
    bool opened;
};

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);

    *state = scene;
    if (!scene || sodium_init() < 0)
        return -1;
    randombytes_buf(scene->key, sizeof scene->key);
    randombytes_buf(scene->nonce, sizeof scene->nonce);
    randombytes_buf(scene->in, sizeof scene->in);
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static void skip_elsewhere(void)
{
    if (!mr_salsa20_here()) {
        print_message("not on this processor, so not tested: AVX-512\n");
        skip();
    }
}

/* From a block on, in pieces. */
static void test_from_any_block(void **state)
{
    static const uint64_t blocks[] = {
            0, 16, (1ull << 31) - 32, (1ull << 32) - 32, (1ull << 32) - 16, 1ull << 32, (7ull << 32) - 48};
    struct scene *scene = *state;
    struct mr_salsa20 salsa;

    skip_elsewhere();
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        (void)crypto_stream_salsa20_xor_ic(
                scene->expected, scene->in, SIZE, scene->nonce, blocks[i], scene->key);
        mr_salsa20_begin(&salsa, scene->key, scene->nonce);
        salsa.words[8] = (uint32_t)blocks[i];
        salsa.words[9] = (uint32_t)(blocks[i] >> 32);
        mr_salsa20_xor(&salsa, scene->out, scene->in, 1);
        mr_salsa20_xor(
                &salsa, scene->out + MR_SALSA20_STEP_BYTES, scene->in + MR_SALSA20_STEP_BYTES, STEPS - 1);
        assert_memory_equal(scene->out, scene->expected, SIZE);
    }
}

static void test_wherever_the_bytes_lie(void **state)
{
    struct scene *scene = *state;
    struct mr_salsa20 salsa;

    skip_elsewhere();
    for (size_t at = 0; at < ALIGN_MAX; at++) {
        uint8_t *out = scene->out + (at * 7) % ALIGN_MAX;

        (void)crypto_stream_salsa20_xor(scene->expected, scene->in + at, SIZE, scene->nonce, scene->key);
        mr_salsa20_begin(&salsa, scene->key, scene->nonce);
        mr_salsa20_xor(&salsa, out, scene->in + at, STEPS);
        assert_memory_equal(out, scene->expected, SIZE);
    }
}

/* ---- what stays ---- */

static void *seal_and_open(void *arg)
{
    struct scene *scene = arg;

    mr_secretbox_seal_by(MR_SECRETBOX_WIDE, scene->box, mr_slice(scene->in, SIZE), scene->nonce, scene->key);
    scene->opened = mr_secretbox_open_by(
            MR_SECRETBOX_WIDE, scene->out, mr_slice(scene->box, sizeof scene->box), scene->nonce, scene->key);
    return NULL;
}

/* Places at which a word of the key follows itself, as in a vector, or the word before it, as in a copy. */
static int traces(const uint8_t *stack, const uint8_t key[static MR_SALSA20_KEY_BYTES])
{
    int found = 0;

    for (size_t at = WORD_BYTES; at < STACK_BYTES; at += WORD_BYTES)
        for (size_t i = 0; i < MR_SALSA20_KEY_BYTES; i += WORD_BYTES) {
            const uint8_t *here = stack + at, *word = key + i;

            if (memcmp(here, word, WORD_BYTES) != 0)
                continue;
            found += memcmp(here - WORD_BYTES, word, WORD_BYTES) == 0;
            found += i > 0 && memcmp(here - WORD_BYTES, word - WORD_BYTES, WORD_BYTES) == 0;
        }
    return found;
}

/* The key that is made of a session's key and the first 16 bytes of the nonce is the same for all of CURVE's
 * messages of one direction. */
static void test_no_key_stays_in_the_stack(void **state)
{
    struct scene *scene = *state;
    uint8_t derived[MR_SALSA20_KEY_BYTES];
    uint8_t *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_attr_t attr;
    pthread_t thread;

    skip_elsewhere();
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    print_message("not tested: sanitizers keep registers in the stack\n");
    skip();
#endif
    assert_ptr_not_equal(stack, MAP_FAILED);
    (void)seal_and_open(scene); /* the dynamic linker saves all registers in the stack at first calls */
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstack(&attr, stack, STACK_BYTES), 0);
    assert_int_equal(pthread_create(&thread, &attr, seal_and_open, scene), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(pthread_attr_destroy(&attr), 0);
    assert_true(scene->opened);
    (void)crypto_core_hsalsa20(derived, scene->nonce, scene->key, NULL);
    assert_int_equal(traces(stack, derived), 0);
    assert_int_equal(traces(stack, scene->key), 0);
    assert_int_equal(munmap(stack, STACK_BYTES), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_from_any_block, set_up, tear_down),
            cmocka_unit_test_setup_teardown(test_wherever_the_bytes_lie, set_up, tear_down),
            cmocka_unit_test_setup_teardown(test_no_key_stays_in_the_stack, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
