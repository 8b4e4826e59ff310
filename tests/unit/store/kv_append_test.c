/* Appending: pages are filled, rows are where they belong, and what is not behind the last row is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "proto/base/bytes.h"
#include "store/kv.h"
#include "tests/support/tmpdir.h"

enum { A, B, TABLES, PAGE = 4096, LONGEST = 9000 };
static const char *const names[] = {"a", "b"};
static uint8_t bytes[LONGEST];

static int setup(void **state)
{
    memset(bytes, 'x', sizeof bytes);
    *state = mr_tmpdir_new();
    return 0;
}

static int teardown(void **state)
{
    mr_tmpdir_free(*state);
    return 0;
}

/* Rows of b end in a CRC, those of a do not. */
static struct mr_kv *open_kv(const char *dir)
{
    const struct mr_kv_options options = {
            .dir = dir, .tables = names, .tables_count = TABLES, .checked = 1 << B};
    struct mr_kv *kv = NULL;

    assert_int_equal(mr_kv_open(&kv, &options, NULL), 0);
    return kv;
}

static struct mr_kv_txn *write_of(struct mr_kv *kv)
{
    struct mr_kv_txn *txn = NULL;

    assert_int_equal(mr_kv_begin_write(kv, &txn), 0);
    return txn;
}

static struct mr_slice key_of(uint64_t number, uint8_t key[static 8])
{
    mr_put_be64(key, number);
    return mr_slice(key, 8);
}

static int append(struct mr_kv_txn *txn, uint32_t table, uint64_t number, size_t size)
{
    uint8_t key[8];

    mr_put_be64(bytes, number);
    return mr_kv_append(txn, table, key_of(number, key), mr_slice(bytes, size));
}

static uint64_t used(struct mr_kv *kv)
{
    struct mr_kv_usage usage;

    assert_int_equal(mr_kv_usage(kv, &usage), 0);
    return usage.used_bytes;
}

/* Four of them are a page, in each of many transactions; rows of another table come in between. */
static void pages_are_filled(void **state)
{
    enum { TXNS = 20, ROWS = 200, A_PAGE = 4, SIZE = PAGE / A_PAGE - 24 };
    struct mr_kv *kv = open_kv(*state);
    uint64_t before = used(kv), number = 0;

    for (int i = 0; i < TXNS; i++) {
        struct mr_kv_txn *txn = write_of(kv);

        for (int k = 0; k < ROWS; k++) {
            number++;
            assert_int_equal(append(txn, A, number, SIZE), 0);
            assert_int_equal(append(txn, B, number, SIZE - 4), 0);
        }
        assert_int_equal(mr_kv_commit(txn), 0);
    }
    /* Both tables' leaves, and little above them: pages divided in two halves would be as many again. */
    assert_in_range(used(kv) - before, 2 * number / A_PAGE * PAGE, 2 * number / A_PAGE * PAGE * 21 / 20);
    mr_kv_close(kv);
}

static size_t size_of(uint64_t number)
{
    static const size_t sizes[] = {32, 450, 0, 2021, 2022, 2023, 2024, 8, 4070, 511, 1, LONGEST, 64, 33};

    return 8 + sizes[number % (sizeof sizes / sizeof sizes[0])] % (LONGEST - 8);
}

static void rows_of_all_sizes_are_read_back(void **state)
{
    enum { TXNS = 30, ROWS = 100 };
    struct mr_kv *kv = open_kv(*state);
    struct mr_kv_cursor *cursor = NULL;
    struct mr_kv_txn *txn;
    uint64_t number = 0;

    for (int i = 0; i < TXNS; i++) {
        txn = write_of(kv);
        for (int k = 0; k < ROWS; k++, number++) {
            assert_int_equal(append(txn, A, number, size_of(number)), 0);
            assert_int_equal(append(txn, B, number, size_of(number + 3)), 0);
        }
        assert_int_equal(mr_kv_commit(txn), 0);
    }
    assert_int_equal(mr_kv_begin_read(kv, &txn), 0);
    for (uint32_t table = A; table <= B; table++) {
        uint64_t at = 0;
        struct mr_slice key = {0}, value;

        assert_int_equal(mr_kv_count(txn, table), number);
        assert_int_equal(mr_kv_cursor_open(txn, table, &cursor), 0);
        for (int r = mr_kv_cursor_seek(cursor, key, &key, &value); r == 0;
                r = mr_kv_cursor_next(cursor, &key, &value), at++) {
            assert_int_equal(mr_get_be64(key.data), at);
            assert_int_equal(value.size, size_of(table == A ? at : at + 3));
            assert_int_equal(mr_get_be64(value.data), at);
        }
        assert_int_equal(at, number);
        mr_kv_cursor_close(cursor);
    }
    mr_kv_abort(txn);
    mr_kv_close(kv);
}

/* Enough rows that the room of the last page is known. */
static struct mr_kv_txn *append_some(struct mr_kv *kv)
{
    struct mr_kv_txn *txn = write_of(kv);

    for (uint64_t number = 10; number <= 1000; number += 10)
        assert_int_equal(append(txn, A, number, 100), 0);
    return txn;
}

static void what_is_not_behind_is_refused(void **state)
{
    static const uint64_t numbers[] = {0, 5, 995, 1000};
    struct mr_kv *kv = open_kv(*state);
    struct mr_kv_txn *txn;

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        txn = append_some(kv);
        assert_int_equal(append(txn, A, numbers[i], 100), MR_EEXISTS);
        mr_kv_abort(txn);
    }
    mr_kv_close(kv);
}

/* A row that came in another way counts as well. */
static void a_row_put_behind_is_the_last(void **state)
{
    struct mr_kv *kv = open_kv(*state);
    struct mr_kv_txn *txn = append_some(kv);
    uint8_t key[8];

    assert_int_equal(mr_kv_put(txn, A, key_of(2000, key), mr_slice_str("put")), 0);
    assert_int_equal(append(txn, A, 1500, 100), MR_EEXISTS);
    mr_kv_abort(txn);
    txn = append_some(kv);
    assert_int_equal(mr_kv_put(txn, A, key_of(2000, key), mr_slice_str("put")), 0);
    assert_int_equal(append(txn, A, 2001, 100), 0);
    assert_int_equal(append(txn, A, 2001, 100), MR_EEXISTS);
    mr_kv_abort(txn);
    mr_kv_close(kv);
}

/* Pages that other ways have put behind the last one, and taken away again, are not appended past. */
static void pages_put_behind_are_the_last(void **state)
{
    enum { FIRST = 2000, MANY = 40 };
    struct mr_kv *kv = open_kv(*state);
    struct mr_kv_txn *txn = append_some(kv);
    uint8_t key[8];

    for (uint64_t number = FIRST; number < FIRST + MANY; number++)
        assert_int_equal(mr_kv_put(txn, A, key_of(number, key), mr_slice(bytes, 1000)), 0);
    assert_int_equal(append(txn, A, FIRST + MANY, 100), 0);
    for (uint64_t number = FIRST; number <= FIRST + MANY; number++)
        assert_int_equal(mr_kv_del(txn, A, key_of(number, key)), 0);
    assert_int_equal(append(txn, A, FIRST, 100), 0);
    assert_int_equal(append(txn, A, FIRST + 1, 100), 0);
    assert_int_equal(append(txn, A, 1500, 100), MR_EEXISTS);
    mr_kv_abort(txn);
    txn = append_some(kv);
    for (uint64_t number = FIRST; number < FIRST + MANY; number++)
        assert_int_equal(mr_kv_put(txn, A, key_of(number, key), mr_slice(bytes, 1000)), 0);
    assert_int_equal(append(txn, A, 1500, 100), MR_EEXISTS);
    mr_kv_abort(txn);
    mr_kv_close(kv);
}

static void what_was_taken_out_can_be_appended(void **state)
{
    struct mr_kv *kv = open_kv(*state);
    struct mr_kv_txn *txn = append_some(kv);
    struct mr_slice value;
    uint8_t key[8];

    assert_int_equal(mr_kv_del(txn, A, key_of(1000, key)), 0);
    assert_int_equal(append(txn, A, 1000, 50), 0);
    assert_int_equal(mr_kv_get(txn, A, key_of(1000, key), &value), 0);
    assert_int_equal(value.size, 50);
    assert_int_equal(mr_kv_clear(txn, A), 0);
    assert_int_equal(append(txn, A, 1, 100), 0);
    assert_int_equal(append(txn, A, 2, 100), 0);
    assert_int_equal(mr_kv_count(txn, A), 2);
    assert_int_equal(mr_kv_commit(txn), 0);
    mr_kv_close(kv);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(pages_are_filled),
            T(rows_of_all_sizes_are_read_back),
            T(what_is_not_behind_is_refused),
            T(a_row_put_behind_is_the_last),
            T(pages_put_behind_are_the_last),
            T(what_was_taken_out_can_be_appended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
