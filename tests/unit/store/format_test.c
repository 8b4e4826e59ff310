/*
 * The format of the log held to vectors that an independent program made (tests/vectors/log_format.py):
 * records of all kinds, a hash of the tree, rows of segments and of slots to empty. These bytes are a
 * promise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "proto/base/bytes.h"
#include "proto/base/hex.h"
#include "proto/base/list.h"
#include "store/kv.h"
#include "store/log_segment.h"
#include "tests/support/tmpdir.h"

#define S(text) mr_slice_str(text)

static const char open_record[] =
        "01000000ede34d1c00010203040506071112000321222324aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb"
        "00010007012c6c656166";
static const char sealed_record[] =
        "01020001c21c29ba00010203040506071112000121222324aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb"
        "000700000002000000056c6561667331736c6f7432";
static const char stripped_record[] =
        "01020011e24711f600010203040506071112000121222324aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb"
        "000700000000000000056c656166736c6f7432";
static const char expired_record[] =
        "01000009506e391400010203040506071112000121222324aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb"
        "000772657374";
static const char leaf_hash[] = "0d27e27f7827ccd745199e8eb3a6af368e1064af42ae9f83740e98121e2bc025";
static const char segment_row[] =
        "00000000000f424000000003000000000003d090000000000000001100000000075bcd15f9d45333";
static const char strip_row[] = "00057e93cdd8";

static const uint16_t open_subs[] = {1, 7, 300}, sealed_subs[] = {7};

static struct mr_record record_of(uint64_t number, uint16_t flags, const char *leaf)
{
    struct mr_record record = {.number = number,
            .recorded_us = 0x0001020304050607,
            .system = 0x1112,
            .flags = flags,
            .config = 0x21222324,
            .subs = number == 42 ? open_subs : sealed_subs,
            .subs_count = number == 42 ? 3 : 1,
            .leaf = S(leaf)};

    memset(record.ident, 0xaa, sizeof record.ident);
    memset(record.digest, 0xbb, sizeof record.digest);
    return record;
}

static void assert_hex(struct mr_slice have, const char *want)
{
    char *text = malloc(2 * have.size + 1);

    assert_string_equal(mr_hex_encode(have.data, have.size, text), want);
    free(text);
}

static void records(void **state)
{
    const struct {
        const char *want;
        struct mr_record record;
        size_t slots_count;
        const char *slots[2];
    } cases[] = {{open_record, record_of(42, 0, "leaf"), 0, {0}},
            {sealed_record, record_of(43, MR_RECORD_SEALED, "leaf"), 2, {"s1", "slot2"}},
            {stripped_record, record_of(43, MR_RECORD_SEALED | MR_RECORD_STRIPPED, "leaf"), 2, {"", "slot2"}},
            {expired_record, record_of(43, MR_RECORD_SEALED | MR_RECORD_EXPIRED, "rest"), 0, {0}}};

    (void)state;
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        struct mr_record record = cases[i].record;
        struct mr_buf out = MR_BUF_INIT, again = MR_BUF_INIT;
        struct mr_record_view view;

        record.slots_count = cases[i].slots_count;
        for (size_t k = 0; k < record.slots_count; k++)
            record.slots[k] = S(cases[i].slots[k]);
        assert_int_equal(mr_record_encode(&out, &record), 0);
        assert_hex(mr_buf_slice(&out), cases[i].want);
        assert_int_equal(mr_record_decode(&view, record.number, mr_buf_slice(&out), NULL), 0);
        assert_int_equal(view.record.flags, record.flags);
        assert_int_equal(mr_record_encode(&again, &view.record), 0);
        assert_hex(mr_buf_slice(&again), cases[i].want);
        mr_buf_fini(&out);
        mr_buf_fini(&again);
    }
}

static void hash_of_a_leaf(void **state)
{
    uint8_t hash[MR_MERKLE_BYTES];

    (void)state;
    mr_merkle_leaf(S("leaf"), hash);
    assert_hex(mr_slice(hash, sizeof hash), leaf_hash);
}

/* The bytes of a row with its CRC go into the table as they are; the log reads them. */
static void put_raw(const char *dir, const char *table, uint64_t number, const char *hex)
{
    const char *const tables[] = {table};
    struct mr_kv_options options = {.dir = dir, .tables = tables, .tables_count = 1};
    uint8_t key[8], value[64];
    struct mr_kv_txn *txn;
    struct mr_kv *kv;

    mr_put_be64(key, number);
    assert_int_equal(mr_hex_decode(hex, strlen(hex), value, strlen(hex) / 2), 0);
    assert_int_equal(mr_kv_open(&kv, &options, NULL), 0);
    assert_int_equal(mr_kv_begin_write(kv, &txn), 0);
    assert_int_equal(mr_kv_put(txn, 0, mr_slice(key, 8), mr_slice(value, strlen(hex) / 2)), 0);
    assert_int_equal(mr_kv_commit(txn), 0);
    mr_kv_close(kv);
}

static struct mr_log *open_log(const char *dir, bool read_only)
{
    struct mr_log_options options = {.dir = dir, .read_only = read_only};
    struct mr_log *log = NULL;

    assert_int_equal(mr_log_open(&log, &options, NULL), 0);
    return log;
}

static void rows(void **state)
{
    char *dir = mr_tmpdir_new();
    struct mr_log_segment segment;
    struct mr_log_reader *reader;
    struct mr_slice value;
    struct mr_log *log;
    uint8_t key[8];

    (void)state;
    mr_log_close(open_log(dir, false));
    put_raw(dir, "segment", 1, segment_row);
    put_raw(dir, "strip", 43, strip_row);
    log = open_log(dir, true);
    assert_int_equal(mr_log_reader_open(log, &reader), 0);
    assert_int_equal(mr_log_segment_last(reader, &segment), 0);
    assert_int_equal(segment.first, 1);
    assert_int_equal(segment.last, 1000000);
    assert_int_equal(segment.generation, 3);
    assert_int_equal(segment.expired, 250000);
    assert_int_equal(segment.stripped, 17);
    assert_int_equal(segment.bytes, 123456789);
    mr_put_be64(key, 43);
    assert_int_equal(mr_log_row(reader, MR_LOG_STRIP, mr_slice(key, 8), &value), 0);
    assert_hex(value, "0005");
    mr_log_reader_close(reader);
    mr_log_close(log);
    mr_tmpdir_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(records),
            cmocka_unit_test(hash_of_a_leaf),
            cmocka_unit_test(rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
