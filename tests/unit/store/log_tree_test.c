/* The log's tree: rows in the records' commit, proofs for any size, older logs brought up to date, damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/bytes.h"
#include "store/checkpoint.h"
#include "store/kv.h"
#include "store/log.h"
#include "tests/support/tmpdir.h"

enum { MANY = 66000, BATCH = 6000, TABLES = 11 };
enum { T_META, T_RECORDS, T_CP, T_ROW };

static const char *const tables[TABLES] = {
        "meta", "records", "cp", "row0", "row1", "row2", "row3", "row4", "row5", "row6", "row7"};

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

static struct mr_log *open_log(const char *dir)
{
    struct mr_log_options options = {.dir = dir};
    struct mr_error err = {0};
    struct mr_log *log = NULL;
    int r = mr_log_open(&log, &options, &err);

    if (r < 0)
        print_error("%s: %s\n", err.where, err.what);
    assert_int_equal(r, 0);
    return log;
}

static int open_fails(const char *dir, struct mr_error *err)
{
    struct mr_log_options options = {.dir = dir};
    struct mr_log *log = NULL;
    int r = mr_log_open(&log, &options, err);

    assert_null(log);
    return r;
}

static void leaf_of(uint64_t number, char leaf[static 32])
{
    (void)snprintf(leaf, 32, "leaf-%llu", (unsigned long long)number);
}

static void append(struct mr_log *log, unsigned count, bool commit)
{
    static const uint16_t subs[] = {1, 7};
    struct mr_log_batch *batch = NULL;
    char leaf[32];

    assert_int_equal(mr_log_batch_begin(log, &batch), 0);
    for (unsigned i = 0; i < count; i++) {
        uint64_t number = mr_log_batch_head(batch) + 1;
        struct mr_record record = {.number = number,
                .recorded_us = (int64_t)number,
                .subs = subs,
                .subs_count = 2,
                .slots = {mr_slice_str("slot")},
                .slots_count = 1};

        leaf_of(number, leaf);
        record.leaf = mr_slice_str(leaf);
        assert_int_equal(mr_log_batch_append(batch, &record), 0);
    }
    if (commit)
        assert_int_equal(mr_log_batch_commit(batch), 0);
    else
        mr_log_batch_abort(batch);
}

/* The root of the first n leaves, by the tree's own growing. */
static void root_of(uint64_t n, uint8_t ret[static MR_MERKLE_BYTES])
{
    struct mr_merkle_range *range = calloc(1, sizeof *range);
    uint8_t hash[MR_MERKLE_BYTES];
    char leaf[32];

    assert_non_null(range);
    for (uint64_t i = 1; i <= n; i++) {
        leaf_of(i, leaf);
        mr_merkle_leaf(mr_slice_str(leaf), hash);
        (void)mr_merkle_append(range, hash, NULL, NULL);
    }
    mr_merkle_range_root(range, ret);
    free(range);
}

static void assert_root(struct mr_log_reader *reader, uint64_t size)
{
    uint8_t expected[MR_MERKLE_BYTES], root[MR_MERKLE_BYTES];

    root_of(size, expected);
    assert_int_equal(mr_log_tree_root(reader, size, root), 0);
    assert_memory_equal(root, expected, sizeof root);
}

static void test_grows_with_commits(void **state)
{
    struct mr_log *log = open_log(*state);
    struct mr_log_reader *reader;
    uint8_t root[MR_MERKLE_BYTES];

    append(log, 3, true);
    append(log, 300, false); /* an aborted batch leaves no trace in the tree */
    append(log, 254, true);
    mr_log_close(log);
    log = open_log(*state);
    append(log, 260, true);
    assert_int_equal(mr_log_reader_open(log, &reader), 0);
    for (uint64_t size = 0; size <= 517; size++)
        assert_root(reader, size);
    assert_int_equal(mr_log_tree_root(reader, 518, root), MR_EINVAL);
    append(log, 1, true);
    assert_int_equal(mr_log_tree_root(reader, 518, root), MR_EINVAL); /* the snapshot is older */
    assert_int_equal(mr_log_reader_renew(reader), 0);
    assert_root(reader, 518);
    mr_log_reader_close(reader);
    mr_log_close(log);
}

static void assert_proofs(struct mr_log_reader *reader, uint64_t number, uint64_t size)
{
    uint8_t root[MR_MERKLE_BYTES], old_root[MR_MERKLE_BYTES], leaf[MR_MERKLE_BYTES], stored[MR_MERKLE_BYTES];
    struct mr_merkle_path path;
    char text[32];

    leaf_of(number, text);
    mr_merkle_leaf(mr_slice_str(text), leaf);
    assert_int_equal(mr_log_leaf_hash(reader, number, stored), 0);
    assert_memory_equal(stored, leaf, sizeof leaf);
    assert_int_equal(mr_log_tree_root(reader, size, root), 0);
    assert_int_equal(mr_log_inclusion(reader, number, size, &path), 0);
    assert_true(mr_merkle_verify_inclusion(number - 1, size, leaf, &path, root));
    assert_int_equal(mr_log_tree_root(reader, number, old_root), 0);
    assert_int_equal(mr_log_consistency(reader, number, size, &path), 0);
    assert_true(mr_merkle_verify_consistency(number, size, old_root, root, &path));
}

/* Beyond 65,536 a second level of tiles has an entry. */
static void test_proofs_of_many(void **state)
{
    struct mr_log *log = open_log(*state);
    struct mr_log_reader *reader;
    struct mr_merkle_path path;
    uint8_t tile[256][MR_MERKLE_BYTES];
    uint64_t random = 1;

    for (unsigned done = 0; done < MANY; done += BATCH)
        append(log, BATCH, true);
    mr_log_close(log);
    log = open_log(*state);
    assert_int_equal(mr_log_reader_open(log, &reader), 0);
    assert_root(reader, MANY);
    assert_root(reader, 65536);
    for (unsigned i = 0; i < 200; i++) {
        uint64_t size, number;

        random = random * 6364136223846793005u + 1442695040888963407u;
        size = 1 + (random >> 33) % MANY;
        number = 1 + (random >> 13) % size;
        assert_proofs(reader, number, size);
    }
    assert_proofs(reader, 1, MANY);
    assert_proofs(reader, MANY, MANY);
    assert_int_equal(mr_log_inclusion(reader, 0, 5, &path), MR_EINVAL);
    assert_int_equal(mr_log_inclusion(reader, 6, 5, &path), MR_EINVAL);
    assert_int_equal(mr_log_inclusion(reader, 1, MANY + 1, &path), MR_EINVAL);
    assert_int_equal(mr_log_consistency(reader, 1, MANY + 1, &path), MR_EINVAL);
    assert_int_equal(mr_log_leaf_hash(reader, 0, tile[0]), MR_EINVAL);
    assert_int_equal(mr_log_leaf_hash(reader, MANY + 1, tile[0]), MR_EINVAL);
    assert_int_equal(mr_log_tile(reader, 1, 256, 1, tile), 0);
    assert_int_equal(mr_log_tile(reader, 2, 0, 1, tile), 0);
    assert_int_equal(mr_log_tile(reader, 0, 65792, 208, tile), 0);
    assert_int_equal(mr_log_tile(reader, 0, 65792, 209, tile), MR_EINVAL);
    assert_int_equal(mr_log_tile(reader, 1, 258, 1, tile), MR_EINVAL);
    assert_int_equal(mr_log_tile(reader, 8, 0, 0, tile), MR_EINVAL);
    mr_log_reader_close(reader);
    mr_log_close(log);
}

/* ---- behind the log's back ---- */

static struct mr_kv_txn *tamper(const char *dir, struct mr_kv **ret_kv)
{
    struct mr_kv_options options = {
            .dir = dir, .tables = tables, .tables_count = TABLES, .checked = 1 << T_META | 1 << T_CP};
    struct mr_kv_txn *txn;

    assert_int_equal(mr_kv_open(ret_kv, &options, NULL), 0);
    assert_int_equal(mr_kv_begin_write(*ret_kv, &txn), 0);
    return txn;
}

static void tampered(struct mr_kv *kv, struct mr_kv_txn *txn)
{
    assert_int_equal(mr_kv_commit(txn), 0);
    mr_kv_close(kv);
}

static void test_damaged_rows_are_named(void **state)
{
    static const uint8_t other[MR_MERKLE_BYTES] = {1};
    struct mr_log *log = open_log(*state);
    struct mr_error err = {0};
    struct mr_kv_txn *txn;
    struct mr_kv *kv;
    uint8_t key[8];

    append(log, 300, true);
    mr_log_close(log);
    txn = tamper(*state, &kv);
    mr_put_be64(key, 0);
    assert_int_equal(mr_kv_del(txn, T_ROW + 1, mr_slice(key, 8)), 0);
    tampered(kv, txn);
    assert_int_equal(open_fails(*state, &err), MR_ECORRUPT);
    assert_string_equal(err.where, "log table row1");
    assert_string_equal(err.what, "300 records need 1 rows of the tree, there are 0");
    txn = tamper(*state, &kv);
    assert_int_equal(mr_kv_put(txn, T_ROW + 1, mr_slice(key, 8), mr_slice(other, sizeof other)), 0);
    mr_put_be64(key, 299);
    assert_int_equal(mr_kv_put(txn, T_ROW, mr_slice(key, 8), mr_slice(other, sizeof other)), 0);
    tampered(kv, txn);
    assert_int_equal(open_fails(*state, &err), MR_ECORRUPT);
    assert_string_equal(err.what, "the tree has another hash for record 300");
}

static void put_checkpoint(struct mr_log *log, uint64_t size, uint64_t told_size, const uint8_t *root)
{
    const uint8_t seed[MR_NOTE_KEY_BYTES] = {9};
    struct mr_buf note = MR_BUF_INIT;
    struct mr_note_signer signer;
    struct mr_log_batch *batch;
    uint8_t key[8];

    mr_put_be64(key, size);
    assert_int_equal(mr_note_signer_init(&signer, "test/log", seed), 0);
    assert_int_equal(mr_checkpoint_sign(&note, told_size, root, &signer), 0);
    assert_int_equal(mr_log_batch_begin(log, &batch), 0);
    assert_int_equal(mr_log_batch_put(batch, MR_LOG_CHECKPOINT, mr_slice(key, 8), mr_buf_slice(&note)), 0);
    assert_int_equal(mr_log_batch_commit(batch), 0);
    mr_buf_fini(&note);
}

static void test_checkpoint_must_agree(void **state)
{
    struct mr_log *log = open_log(*state);
    struct mr_log_reader *reader;
    struct mr_error err = {0};
    struct mr_slice note;
    uint8_t root[MR_MERKLE_BYTES];
    uint64_t size;

    append(log, 10, true);
    assert_int_equal(mr_log_reader_open(log, &reader), 0);
    assert_int_equal(mr_log_checkpoint(reader, &size, &note), MR_ENOTFOUND);
    root_of(7, root);
    put_checkpoint(log, 7, 7, root);
    assert_int_equal(mr_log_reader_renew(reader), 0);
    assert_int_equal(mr_log_checkpoint(reader, &size, &note), 0);
    assert_int_equal(size, 7);
    mr_log_reader_close(reader);
    mr_log_close(log);
    log = open_log(*state);
    root_of(8, root);
    put_checkpoint(log, 9, 9, root);
    mr_log_close(log);
    assert_int_equal(open_fails(*state, &err), MR_ECORRUPT);
    assert_string_equal(err.what, "the log has 10 records and does not agree with its checkpoint of 9");
}

static void test_checkpoint_of_a_longer_log(void **state)
{
    struct mr_log *log = open_log(*state);
    uint8_t root[MR_MERKLE_BYTES];
    struct mr_error err = {0};

    append(log, 2, true);
    root_of(3, root);
    put_checkpoint(log, 3, 3, root);
    mr_log_close(log);
    assert_int_equal(open_fails(*state, &err), MR_ECORRUPT);
    assert_string_equal(err.what, "the log has 2 records and does not agree with its checkpoint of 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_grows_with_commits, setup, teardown),
            cmocka_unit_test_setup_teardown(test_proofs_of_many, setup, teardown),
            cmocka_unit_test_setup_teardown(test_damaged_rows_are_named, setup, teardown),
            cmocka_unit_test_setup_teardown(test_checkpoint_must_agree, setup, teardown),
            cmocka_unit_test_setup_teardown(test_checkpoint_of_a_longer_log, setup, teardown),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
