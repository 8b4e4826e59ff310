/*
 * The pages read without LMDB: as LMDB reads them while they are whole; named, and never believed, when a bit
 * is flipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/bytes.h"
#include "proto/base/crc32c.h"
#include "store/kv_pages.h"
#include "tests/support/tmpdir.h"

enum { BIG, SMALL, EMPTY, TABLES };
enum { ROUNDS = 40, ROUND_ROWS = 60, FLIPS = 3000 };

static const char *const names[TABLES] = {"big", "small", "empty"};
static const struct mr_kv_options shape = {
        .tables = names, .tables_count = TABLES, .checked = 1 << BIG | 1 << SMALL};

static struct mr_kv *open_kv(const char *dir)
{
    struct mr_kv_options options = shape;
    struct mr_kv *kv;

    options.dir = dir;
    assert_int_equal(mr_kv_open(&kv, &options, NULL), 0);
    return kv;
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* Commits of puts, overwrites and deletes, so that pages split, merge and become free. */
static void fill(struct mr_kv *kv, uint64_t seed)
{
    static uint8_t value[20000];

    for (int round = 0; round < ROUNDS; round++) {
        struct mr_kv_txn *txn;

        assert_int_equal(mr_kv_begin_write(kv, &txn), 0);
        for (int i = 0; i < ROUND_ROWS; i++) {
            uint8_t key[24];
            size_t size = next_random(&seed) % 400;
            uint32_t table = next_random(&seed) % 4 == 0 ? BIG : SMALL;

            mr_put_be64(key, next_random(&seed) % 900);
            memset(key + 8, 'k', sizeof key - 8);
            memset(value, (int)next_random(&seed), sizeof value);
            if (table == BIG && next_random(&seed) % 8 == 0)
                size = next_random(&seed) % sizeof value;
            if (next_random(&seed) % 3 == 0)
                (void)mr_kv_del(txn, table, mr_slice(key, 8 + key[7] % 16));
            else
                (void)mr_kv_put(txn, table, mr_slice(key, 8 + key[7] % 16), mr_slice(value, size));
        }
        assert_int_equal(mr_kv_commit(txn), 0);
    }
}

struct seen {
    unsigned damages;
    uint64_t rows;
    uint32_t crc;
};

static void on_damage(void *ctx, const struct mr_kv_damage *damage)
{
    struct seen *seen = ctx;

    assert_non_null(damage->what);
    seen->damages++;
}

static void one_row(struct seen *seen, struct mr_slice key, struct mr_slice value)
{
    seen->rows++;
    seen->crc = mr_crc32c(mr_crc32c(seen->crc, key.data, key.size), value.data, value.size);
}

/* As the walker reads it: structure, and the rows' own CRC. */
static struct seen walk(const char *dir, struct mr_kv *kv)
{
    struct mr_kv_pages *pages = NULL;
    struct seen seen = {0};
    int r = mr_kv_pages_open(&pages, dir, kv, on_damage, &seen, NULL);

    if (r < 0) {
        assert_int_equal(r, MR_ECORRUPT);
        assert_true(seen.damages > 0);
        return seen;
    }
    for (uint32_t i = 0; i < TABLES; i++) {
        struct mr_kv_pages_cursor *cursor;
        struct mr_slice key, value;

        if (mr_kv_pages_cursor_open(&cursor, pages, names[i]) < 0) {
            seen.damages++; /* a table is not there */
            continue;
        }
        while ((r = mr_kv_pages_cursor_next(cursor, &key, &value)) == 0)
            if (mr_kv_row_check(names[i], key, value, &value) == 0)
                one_row(&seen, key, value);
            else
                seen.damages++;
        assert_int_equal(r, MR_ENOTFOUND);
        mr_kv_pages_cursor_close(cursor);
    }
    assert_int_equal(mr_kv_pages_free_list(pages), 0);
    mr_kv_pages_close(pages);
    return seen;
}

static int on_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    one_row(ctx, key, value);
    return 0;
}

/* As LMDB reads it. */
static struct seen read_all(struct mr_kv *kv)
{
    const struct mr_slice none = {0};
    struct seen seen = {0};
    struct mr_kv_txn *txn;

    assert_int_equal(mr_kv_begin_read(kv, &txn), 0);
    for (uint32_t i = 0; i < TABLES; i++)
        assert_int_equal(mr_kv_rows(txn, i, none, none, on_row, &seen), 0);
    mr_kv_abort(txn);
    return seen;
}

static int setup(void **state)
{
    *state = mr_tmpdir_new();
    return 0;
}

static int teardown(void **state)
{
    mr_tmpdir_free(*state);
    return 0;
}

static void test_reads_what_lmdb_reads(void **state)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        char dir[256];
        struct mr_kv *kv;
        struct seen want, closed, live;

        (void)snprintf(dir, sizeof dir, "%s/%u", (char *)*state, (unsigned)seed);
        kv = open_kv(dir);
        fill(kv, seed);
        want = read_all(kv);
        live = walk(dir, kv);
        mr_kv_close(kv);
        closed = walk(dir, NULL);
        assert_true(want.rows > 500);
        assert_int_equal(live.damages, 0);
        assert_int_equal(closed.damages, 0);
        assert_memory_equal(&live, &want, sizeof want);
        assert_memory_equal(&closed, &want, sizeof want);
        assert_int_equal(mr_kv_pages_check(dir, NULL), 0);
    }
}

static void test_seek_begins_where_it_is_told(void **state)
{
    struct mr_kv *kv = open_kv(*state);
    struct mr_kv_pages *pages;
    struct seen seen = {0};

    fill(kv, 3);
    assert_int_equal(mr_kv_pages_open(&pages, *state, kv, on_damage, &seen, NULL), 0);
    for (uint64_t number = 0; number < 950; number += 7) {
        struct mr_kv_pages_cursor *cursor;
        struct mr_kv_txn *txn;
        struct mr_kv_cursor *other;
        struct mr_slice key, value, other_key, other_value;
        uint8_t from[8];
        int r, want;

        mr_put_be64(from, number);
        assert_int_equal(mr_kv_begin_read(kv, &txn), 0);
        assert_int_equal(mr_kv_cursor_open(txn, SMALL, &other), 0);
        want = mr_kv_cursor_seek(other, mr_slice(from, 8), &other_key, &other_value);
        mr_kv_pages_close(pages); /* each page is taken once */
        assert_int_equal(mr_kv_pages_open(&pages, *state, kv, on_damage, &seen, NULL), 0);
        assert_int_equal(mr_kv_pages_cursor_open(&cursor, pages, "small"), 0);
        assert_int_equal(mr_kv_pages_cursor_seek(cursor, mr_slice(from, 8)), 0);
        for (r = mr_kv_pages_cursor_next(cursor, &key, &value); r == 0 && want == 0;
                r = mr_kv_pages_cursor_next(cursor, &key, &value)) {
            assert_true(mr_slice_equal(key, other_key));
            want = mr_kv_cursor_next(other, &other_key, &other_value);
        }
        assert_int_equal(r, MR_ENOTFOUND);
        assert_int_equal(want, MR_ENOTFOUND);
        mr_kv_pages_cursor_close(cursor);
        mr_kv_cursor_close(other);
        mr_kv_abort(txn);
    }
    assert_int_equal(seen.damages, 0);
    mr_kv_pages_close(pages);
    mr_kv_close(kv);
}

static uint64_t seed_of_run(void)
{
    const char *text = getenv("MR_SEED");

    return text ? strtoull(text, NULL, 10) : 1;
}

/* Every flip is told, or changes nothing that is read. */
static void test_flipped_bits_are_told(void **state)
{
    const char *path = mr_tmpdir_path(*state, "data.mdb");
    uint64_t seed = seed_of_run();
    unsigned told = 0;
    struct seen want;
    struct stat st;
    int fd;

    {
        struct mr_kv *kv = open_kv(*state);

        fill(kv, 5);
        want = read_all(kv);
        mr_kv_close(kv);
    }
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    for (int i = 0; i < FLIPS; i++) {
        off_t at = i % 3 == 0 ? (off_t)(next_random(&seed) % 8192 % 200 + 4096 * (next_random(&seed) % 2))
                              : (off_t)(next_random(&seed) % (uint32_t)st.st_size);
        uint8_t byte, flipped;
        struct seen seen;

        assert_int_equal(pread(fd, &byte, 1, at), 1);
        flipped = byte ^ (uint8_t)(1 << next_random(&seed) % 8);
        assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
        seen = walk(*state, NULL);
        told += seen.damages > 0;
        if (seen.damages == 0 && memcmp(&seen, &want, sizeof want) != 0)
            fail_msg("flip %d at %lld: believed", i, (long long)at);
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    (void)close(fd);
    assert_true(told > FLIPS / 4);
    print_message("%u of %u flips were damage\n", told, FLIPS);
}

/* A page of noise: what lies on it is lost, the rest is read; and the owner does not open it. */
static void test_the_rest_is_read(void **state)
{
    const char *path = mr_tmpdir_path(*state, "data.mdb");
    struct mr_kv_options options = shape;
    struct mr_error error = {0};
    struct seen want, seen;
    struct mr_kv *kv = open_kv(*state);
    unsigned partly = 0;
    struct stat st;
    int fd;

    fill(kv, 5);
    want = read_all(kv);
    mr_kv_close(kv);
    assert_int_equal(stat(path, &st), 0);
    fd = open(path, O_RDWR | O_CLOEXEC);
    for (off_t at = 2 * 4096; at < st.st_size; at += 4096) {
        uint8_t page[4096], noise[4096];

        memset(noise, 0x5a, sizeof noise);
        assert_int_equal(pread(fd, page, sizeof page, at), sizeof page);
        assert_int_equal(pwrite(fd, noise, sizeof noise, at), sizeof noise);
        seen = walk(*state, NULL);
        assert_true(seen.rows <= want.rows);
        assert_true(seen.damages > 0 || seen.rows == want.rows);
        partly += seen.damages > 0 && seen.rows > want.rows / 2;
        if (mr_kv_pages_check(*state, &error) < 0) {
            options.dir = *state;
            options.exclusive = true;
            assert_int_equal(mr_kv_open(&kv, &options, &error), MR_ECORRUPT);
            assert_non_null(strstr(error.cure, "backup"));
        }
        assert_int_equal(pwrite(fd, page, sizeof page, at), sizeof page);
    }
    (void)close(fd);
    assert_true(partly > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_reads_what_lmdb_reads, setup, teardown),
            cmocka_unit_test_setup_teardown(test_seek_begins_where_it_is_told, setup, teardown),
            cmocka_unit_test_setup_teardown(test_flipped_bits_are_told, setup, teardown),
            cmocka_unit_test_setup_teardown(test_the_rest_is_read, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
