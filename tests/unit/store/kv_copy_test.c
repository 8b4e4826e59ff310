#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/base/bytes.h"
#include "store/kv.h"
#include "tests/support/keys_files.h"
#include "tests/support/tmpdir.h"

/* Long keys, so that there are many borders between pages. */
enum { A, B, TABLES, ROWS = 400, KEY_BYTES = 200, MARK_BYTES = 20 };
static const char *const names[] = {"a", "b"};

struct box {
    char *dir;
    struct mr_kv *kv;
};

static struct mr_slice key_of(uint32_t i, uint8_t out[static KEY_BYTES])
{
    memset(out, 'k', KEY_BYTES);
    mr_put_be32(out, 0x70000000 + i);
    return mr_slice(out, KEY_BYTES);
}

static bool stays(uint32_t i)
{
    return i % 8 == 0;
}

static void fill(struct mr_kv *kv)
{
    struct mr_kv_txn *txn = NULL;
    uint8_t key[KEY_BYTES];

    assert_int_equal(mr_kv_begin_write(kv, &txn), 0);
    for (uint32_t i = 0; i < ROWS; i++)
        assert_int_equal(mr_kv_put(txn, i % TABLES, key_of(i, key), mr_slice(key, 100)), 0);
    assert_int_equal(mr_kv_commit(txn), 0);
    assert_int_equal(mr_kv_begin_write(kv, &txn), 0);
    for (uint32_t i = 0; i < ROWS; i++)
        if (!stays(i))
            assert_int_equal(mr_kv_del(txn, i % TABLES, key_of(i, key)), 0);
    assert_int_equal(mr_kv_commit(txn), 0);
}

static struct mr_kv_options options_of(const char *dir)
{
    return (struct mr_kv_options){.dir = dir, .tables = names, .tables_count = TABLES, .checked = 1 << B};
}

static int setup(void **state)
{
    struct box *box = calloc(1, sizeof *box);
    struct mr_kv_options options;

    box->dir = mr_tmpdir_new();
    options = options_of(mr_tmpdir_path(box->dir, "kv"));
    assert_int_equal(mr_kv_open(&box->kv, &options, NULL), 0);
    fill(box->kv);
    assert_int_equal(mkdir(mr_tmpdir_path(box->dir, "copy"), 0700), 0);
    *state = box;
    return 0;
}

static int teardown(void **state)
{
    struct box *box = *state;

    mr_kv_close(box->kv);
    mr_tmpdir_free(box->dir);
    free(box);
    return 0;
}

static void assert_copy(struct box *box)
{
    struct mr_kv_options options = options_of(mr_tmpdir_path(box->dir, "copy"));
    struct mr_kv_txn *txn = NULL;
    struct mr_kv *copy = NULL;

    options.read_only = options.unlocked = true;
    assert_int_equal(mr_kv_open(&copy, &options, NULL), 0);
    assert_int_equal(mr_kv_begin_read(copy, &txn), 0);
    for (uint32_t i = 0; i < ROWS; i++) {
        uint8_t key[KEY_BYTES];
        struct mr_slice got;

        assert_int_equal(mr_kv_get(txn, i % TABLES, key_of(i, key), &got), stays(i) ? 0 : MR_ENOTFOUND);
        assert_true(!stays(i) || mr_slice_equal(got, mr_slice(key, 100)));
    }
    assert_int_equal(mr_kv_count(txn, A) + mr_kv_count(txn, B), ROWS / 8);
    mr_kv_abort(txn);
    mr_kv_close(copy);
}

static unsigned deleted_keys_in(const char *dir)
{
    unsigned count = 0;

    for (uint32_t i = 0; i < ROWS; i++) {
        uint8_t key[KEY_BYTES];

        (void)key_of(i, key);
        count += !stays(i) && keys_files_count(dir, key, MARK_BYTES) > 0;
    }
    return count;
}

static void test_copy_of_pages(void **state)
{
    struct box *box = *state;
    struct mr_error err = {0};
    struct stat st;

    assert_int_equal(mr_kv_copy(box->kv, mr_tmpdir_path(box->dir, "no/data.mdb"), &err), MR_ENOTFOUND);
    assert_true(strlen(err.what) > 0);
    assert_int_equal(mr_kv_copy(box->kv, mr_tmpdir_path(box->dir, "copy/data.mdb"), NULL), 0);
    assert_int_equal(mr_kv_copy(box->kv, mr_tmpdir_path(box->dir, "copy/data.mdb"), NULL), MR_EEXISTS);
    assert_int_equal(stat(mr_tmpdir_path(box->dir, "copy/data.mdb"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_copy(box);
}

/* Why there is the other kind: a border between pages outlives its row, and goes along with the page. */
static void test_copy_of_rows_has_no_key_of_a_deleted_row(void **state)
{
    struct box *box = *state;
    struct mr_error err = {0};

    assert_int_equal(mr_kv_copy_rows(box->kv, mr_tmpdir_path(box->dir, "no"), &err), MR_ENOTFOUND);
    assert_true(strlen(err.what) > 0);
    assert_int_equal(mr_kv_copy_rows(box->kv, mr_tmpdir_path(box->dir, "copy"), NULL), 0);
    assert_copy(box);
    assert_int_equal(deleted_keys_in(mr_tmpdir_path(box->dir, "copy")), 0);
}

static void test_unknown_tables_are_not_lost(void **state)
{
    struct box *box = *state;
    struct mr_kv_options options = options_of(mr_tmpdir_path(box->dir, "kv"));
    struct mr_error err = {0};

    mr_kv_close(box->kv);
    box->kv = NULL;
    options.tables_count = 1;
    options.checked = 0;
    assert_int_equal(mr_kv_open(&box->kv, &options, NULL), 0);
    assert_int_equal(mr_kv_copy_rows(box->kv, mr_tmpdir_path(box->dir, "copy"), &err), MR_EUNSUPPORTED);
    assert_true(strlen(err.cure) > 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(test_copy_of_pages),
            T(test_copy_of_rows_has_no_key_of_a_deleted_row),
            T(test_unknown_tables_are_not_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
