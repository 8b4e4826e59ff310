/* data.mdb as power loss leaves it while an environment is being made: opened, without help. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <string.h>
#include <unistd.h>

#include "store/kv.h"
#include "tests/support/tmpdir.h"

static const char *const tables[] = {"one"};

static int open_env(const char *dir, struct mr_kv **ret)
{
    const struct mr_kv_options options = {.dir = dir, .tables = tables, .tables_count = 1, .exclusive = true};

    return mr_kv_open(ret, &options, NULL);
}

static void write_file(const char *dir, const uint8_t *bytes, size_t size)
{
    int fd = open(mr_tmpdir_path(dir, "data.mdb"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    (void)close(fd);
}

static size_t read_file(const char *dir, uint8_t *ret, size_t size)
{
    int fd = open(mr_tmpdir_path(dir, "data.mdb"), O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, ret, size);

    assert_true(fd >= 0 && n > 0);
    (void)close(fd);
    return (size_t)n;
}

static void put_one(struct mr_kv *kv)
{
    struct mr_kv_txn *txn;

    assert_int_equal(mr_kv_begin_write(kv, &txn), 0);
    assert_int_equal(mr_kv_put(txn, 0, mr_slice_str("key"), mr_slice_str("value")), 0);
    assert_int_equal(mr_kv_commit(txn), 0);
}

/* The two pages as LMDB first writes them: those of a store, with the transaction and roots of none. */
static void first_pages(uint8_t pages[static 8192])
{
    enum { META = 16, DBS = 24, LAST = 120, TXN = 128 };
    char *dir = mr_tmpdir_new();
    struct mr_kv *kv;

    assert_int_equal(open_env(dir, &kv), 0);
    mr_kv_close(kv);
    assert_true(read_file(dir, pages, 8192) == 8192);
    for (size_t i = 0; i < 2; i++) {
        uint8_t *meta = pages + i * 4096 + META;

        memset(meta + DBS + 4 + 2, 0, 2 + 32); /* depth and counts of the list of free pages */
        memset(meta + DBS + 48 + 4 + 2, 0, 2 + 32);
        memset(meta + DBS + 40, 0xff, 8); /* no root */
        memset(meta + DBS + 48 + 40, 0xff, 8);
        memset(meta + LAST, 0, 16);
        meta[LAST] = 1;
    }
    mr_tmpdir_free(dir);
}

static void opens_what_was_being_made(void **state)
{
    static const struct {
        size_t size;
        bool first, second; /* is the page there, or zeros? */
    } cases[] = {{0, false, false}, {512, false, false}, {512, true, false}, {4096, true, false},
            {4096, false, false}, {4608, true, false}, {8192, false, false}, {8192, true, false},
            {8192, false, true}, {8192, true, true}};
    uint8_t pages[8192];

    (void)state;
    first_pages(pages);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *dir = mr_tmpdir_new();
        uint8_t bytes[8192];
        struct mr_kv *kv = NULL;

        memcpy(bytes, pages, sizeof bytes);
        if (!cases[i].first)
            memset(bytes, 0, 4096);
        if (!cases[i].second)
            memset(bytes + 4096, 0, 4096);
        write_file(dir, bytes, cases[i].size);
        if (open_env(dir, &kv) != 0)
            fail_msg("case %zu", i);
        put_one(kv);
        mr_kv_close(kv);
        mr_tmpdir_free(dir);
    }
}

/* A store that was cut off is damage, not a beginning. */
static void refuses_what_held_something(void **state)
{
    static const size_t sizes[] = {100, 4096, 8191, 8192};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *dir = mr_tmpdir_new();
        struct mr_kv *kv = NULL;

        assert_int_equal(open_env(dir, &kv), 0);
        put_one(kv);
        put_one(kv);
        mr_kv_close(kv);
        assert_int_equal(truncate(mr_tmpdir_path(dir, "data.mdb"), (off_t)sizes[i]), 0);
        if (open_env(dir, &kv) == 0)
            fail_msg("%zu bytes of a store were taken for none", sizes[i]);
        mr_tmpdir_free(dir);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(opens_what_was_being_made),
            cmocka_unit_test(refuses_what_held_something),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
