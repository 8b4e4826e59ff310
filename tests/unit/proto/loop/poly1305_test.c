/* Tags are libsodium's of every size; however OpenSSL is configured; and to the last moment of a process,
 * which threads that are not ended go through together with it. Ends of processes are those of children: this
 * program with the name of an end. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <sodium.h>

#include "proto/loop/poly1305.h"

enum {
    DATA_MAX = 20 * 1000,
    DENSE_MAX = 2500, /* every size up to here: both libraries' */
    LARGE = 9000,     /* OpenSSL's */
    LARGE_CASES = 60,
    THREADS = 3,
    TAGS_BEFORE = 100,
    TAGS_AFTER = 300,
    EXIT_WRONG = 3,
};

/* The program, for its children. */
static const char self[] = "/proc/self/exe";

static bool right(struct mr_slice data, const uint8_t *key)
{
    uint8_t got[MR_POLY1305_TAG_BYTES], expected[MR_POLY1305_TAG_BYTES];

    mr_poly1305(got, data, key);
    (void)crypto_onetimeauth(expected, data.data, data.size, key);
    return memcmp(got, expected, sizeof got) == 0;
}

static bool right_of_large(void)
{
    uint8_t key[MR_POLY1305_KEY_BYTES], data[LARGE];

    randombytes_buf(key, sizeof key);
    randombytes_buf(data, sizeof data);
    return right(mr_slice(data, sizeof data), key);
}

static void test_as_libsodium(void **state)
{
    static uint8_t data[DATA_MAX];
    uint8_t key[MR_POLY1305_KEY_BYTES];

    (void)state;
    for (size_t i = 0; i <= DENSE_MAX + LARGE_CASES; i++) {
        size_t size = i <= DENSE_MAX ? i : randombytes_uniform(DATA_MAX);

        randombytes_buf(key, sizeof key);
        randombytes_buf(data, size);
        assert_true(right(mr_slice(data, size), key));
    }
    assert_true(right(mr_slice(NULL, 0), key));
}

/* Carries in all places: the sum is about 2^130. */
static void test_of_largest_numbers(void **state)
{
    static uint8_t data[LARGE];
    uint8_t key[MR_POLY1305_KEY_BYTES];

    (void)state;
    memset(key, 0xff, sizeof key);
    memset(data, 0xff, sizeof data);
    for (size_t size = LARGE - 300; size <= LARGE; size++)
        assert_true(right(mr_slice(data, size), key));
}

/* RFC 8439, 2.5.2. */
static void test_vector_of_the_rfc(void **state)
{
    static const char text[] = "Cryptographic Forum Research Group";
    static const uint8_t key[MR_POLY1305_KEY_BYTES] = {0x85, 0xd6, 0xbe, 0x78, 0x57, 0x55, 0x6d, 0x33, 0x7f,
            0x44, 0x52, 0xfe, 0x42, 0xd5, 0x06, 0xa8, 0x01, 0x03, 0x80, 0x8a, 0xfb, 0x0d, 0xb2, 0xfd, 0x4a,
            0xbf, 0xf6, 0xaf, 0x41, 0x49, 0xf5, 0x1b};
    static const uint8_t tag[MR_POLY1305_TAG_BYTES] = {
            0xa8, 0x06, 0x1d, 0xc1, 0x30, 0x51, 0x36, 0xc6, 0xc2, 0x2b, 0x8b, 0xaf, 0x0c, 0x01, 0x27, 0xa9};
    uint8_t got[MR_POLY1305_TAG_BYTES];

    (void)state;
    mr_poly1305(got, mr_slice_str(text), key);
    assert_memory_equal(got, tag, sizeof tag);
}

/* ---- in a process of its own ---- */

static int exit_of_child(const char *role)
{
    pid_t pid = fork();
    int status = 0;

    assert_true(pid >= 0);
    if (pid == 0) {
        (void)execl(self, self, role, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void use_openssl(void)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    assert_non_null(ctx);
    assert_int_equal(EVP_DigestInit_ex(ctx, EVP_sha256(), NULL), 1);
    EVP_MD_CTX_free(ctx);
}

/* What OpenSSL registers with atexit() afterwards, it does before this. */
static void large_at_the_end(void)
{
    if (!right_of_large())
        _exit(EXIT_WRONG);
}

static int child_first_at_the_end(void)
{
    (void)atexit(large_at_the_end);
    use_openssl();
    return 0;
}

static int child_again_at_the_end(void)
{
    (void)atexit(large_at_the_end);
    use_openssl();
    return right_of_large() ? 0 : EXIT_WRONG;
}

static atomic_int tags;

static void *make_tags(void *arg)
{
    for (;;) {
        if (!right_of_large())
            _exit(EXIT_WRONG);
        (void)atomic_fetch_add(&tags, 1);
    }
    return arg;
}

static void wait_for_tags(int count)
{
    for (int from = atomic_load(&tags); atomic_load(&tags) - from < count;)
        (void)sched_yield();
}

/* Sanitizers' own looks at the end are for processes that end their threads. */
static void tags_at_the_end(void)
{
    wait_for_tags(TAGS_AFTER);
    _exit(EXIT_SUCCESS);
}

static int child_busy_at_the_end(void)
{
    pthread_t thread;

    (void)atexit(tags_at_the_end);
    use_openssl();
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&thread, NULL, make_tags, NULL) != 0 || pthread_detach(thread) != 0)
            return EXIT_WRONG;
    wait_for_tags(TAGS_BEFORE);
    return 0;
}

/* A machine on which OpenSSL is told to use nothing that has no FIPS certificate: Poly1305 has none. */
static int child_fips_alone(void)
{
    if (EVP_default_properties_enable_fips(NULL, 1) != 1 || EVP_MAC_fetch(NULL, "POLY1305", NULL))
        return EXIT_WRONG;
    ERR_clear_error();
    return right_of_large() && ERR_peek_error() == 0 ? 0 : EXIT_WRONG;
}

static const struct child {
    const char *role;
    int (*run)(void);
} children[] = {
        {"first at the end", child_first_at_the_end},
        {"again at the end", child_again_at_the_end},
        {"busy at the end", child_busy_at_the_end},
        {"FIPS alone", child_fips_alone},
};

static void test_in_any_process(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof children / sizeof children[0]; i++) {
        int code = exit_of_child(children[i].role);

        if (code != 0)
            print_error("%s: %d\n", children[i].role, code);
        assert_int_equal(code, 0);
    }
}

static int run_child(const char *role)
{
    for (size_t i = 0; i < sizeof children / sizeof children[0]; i++)
        if (strcmp(children[i].role, role) == 0)
            return children[i].run();
    return EXIT_WRONG;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_as_libsodium),
            cmocka_unit_test(test_of_largest_numbers),
            cmocka_unit_test(test_vector_of_the_rfc),
            cmocka_unit_test(test_in_any_process),
    };

    if (sodium_init() < 0)
        return EXIT_FAILURE;
    if (argc > 1)
        return run_child(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
