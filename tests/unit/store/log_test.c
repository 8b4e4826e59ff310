#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/bytes.h"
#include "store/fault.h"
#include "store/kv.h"
#include "store/log.h"
#include "tests/support/tmpdir.h"

#define S(text) mr_slice_str(text)

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

static struct mr_log *open_log(const char *dir, bool read_only)
{
    struct mr_log_options options = {.dir = dir, .read_only = read_only};
    struct mr_error err = {0};
    struct mr_log *log = NULL;
    int r = mr_log_open(&log, &options, &err);

    if (r < 0)
        print_error("%s: %s\n", err.where, err.what);
    assert_int_equal(r, 0);
    return log;
}

static struct mr_log_batch *batch_of(struct mr_log *log)
{
    struct mr_log_batch *batch = NULL;

    assert_int_equal(mr_log_batch_begin(log, &batch), 0);
    return batch;
}

static struct mr_log_reader *reader_of(struct mr_log *log)
{
    struct mr_log_reader *reader = NULL;

    assert_int_equal(mr_log_reader_open(log, &reader), 0);
    return reader;
}

/* Record n: leaf "leaf-of-record-<n>", recorded at 1000 * n. */
static void append_some(struct mr_log *log, unsigned count)
{
    struct mr_log_batch *batch = batch_of(log);
    char leaf[32];

    for (unsigned i = 0; i < count; i++) {
        uint64_t number = mr_log_batch_head(batch) + 1;
        struct mr_record record = {.number = number, .recorded_us = (int64_t)number * 1000};

        (void)snprintf(leaf, sizeof leaf, "leaf-of-record-%llu", (unsigned long long)number);
        record.leaf = S(leaf);
        assert_int_equal(mr_log_batch_append(batch, &record), 0);
    }
    assert_int_equal(mr_log_batch_commit(batch), 0);
}

static void assert_leaf(const struct mr_record_view *view, unsigned number)
{
    char leaf[32];

    (void)snprintf(leaf, sizeof leaf, "leaf-of-record-%u", number);
    assert_int_equal(view->record.number, number);
    assert_true(mr_slice_equal(view->record.leaf, S(leaf)));
}

static void appends_and_reads(void **state)
{
    struct mr_log *log = open_log(*state, false);
    struct mr_log_reader *reader;
    struct mr_record_view view;

    assert_int_equal(mr_log_head(log), 0);
    assert_int_equal(mr_log_head_recorded_us(log), 0);
    append_some(log, 3);
    append_some(log, 300);
    assert_int_equal(mr_log_head(log), 303);
    assert_int_equal(mr_log_head_recorded_us(log), 303000);
    mr_log_close(log);

    log = open_log(*state, false);
    assert_int_equal(mr_log_head(log), 303);
    assert_int_equal(mr_log_head_recorded_us(log), 303000);
    reader = reader_of(log);
    assert_int_equal(mr_log_read(reader, 0, &view, NULL), MR_ENOTFOUND);
    assert_int_equal(mr_log_read(reader, 304, &view, NULL), MR_ENOTFOUND);
    for (unsigned i = 1; i <= 303; i++) {
        assert_int_equal(mr_log_read_next(reader, &view, NULL), 0);
        assert_leaf(&view, i);
    }
    assert_int_equal(mr_log_read_next(reader, &view, NULL), MR_ENOTFOUND);
    assert_int_equal(mr_log_read(reader, 77, &view, NULL), 0);
    assert_int_equal(mr_log_read_next(reader, &view, NULL), 0);
    assert_leaf(&view, 78);
    mr_log_reader_close(reader);
    mr_log_close(log);
}

static void reader_keeps_its_snapshot(void **state)
{
    struct mr_log *log = open_log(*state, false);
    struct mr_log_reader *reader;
    struct mr_record_view view;

    append_some(log, 1);
    reader = reader_of(log);
    assert_int_equal(mr_log_read_next(reader, &view, NULL), 0);
    append_some(log, 1);
    assert_int_equal(mr_log_reader_head(reader), 1);
    assert_int_equal(mr_log_read_next(reader, &view, NULL), MR_ENOTFOUND);
    mr_log_reader_pause(reader);
    append_some(log, 1);
    assert_int_equal(mr_log_reader_renew(reader), 0);
    assert_int_equal(mr_log_reader_head(reader), 3);
    assert_int_equal(mr_log_read_next(reader, &view, NULL), 0);
    assert_leaf(&view, 2);
    assert_int_equal(mr_log_reader_renew(reader), 0);
    assert_int_equal(mr_log_read_next(reader, &view, NULL), 0);
    assert_leaf(&view, 3);
    mr_log_reader_close(reader);
    mr_log_close(log);
}

static int collect(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct mr_buf *out = ctx;

    mr_buf_put_slice(out, key);
    mr_buf_put_str(out, "=");
    mr_buf_put_slice(out, value);
    mr_buf_put_str(out, " ");
    return mr_slice_equal(value, S("stop")) ? 7 : 0;
}

static void rows_move_with_records(void **state)
{
    static const struct {
        const char *prefix, *from, *want;
        int r;
    } cases[] = {
            {"", "", "a=1 ab=2 abc=3 b=stop ", 7},
            {"ab", "", "ab=2 abc=3 ", 0},
            {"", "abc", "abc=3 b=stop ", 7},
            {"ab", "abb", "abc=3 ", 0},
            {"ab", "b", "", 0},
            {"x", "", "", 0},
            {"", "c", "c=4 ", 0},
    };
    struct mr_log *log = open_log(*state, false);
    struct mr_log_batch *batch = batch_of(log);
    struct mr_log_reader *reader;
    struct mr_slice value;

    mr_log_batch_put(batch, MR_LOG_CURSOR, S("ab"), S("2"));
    mr_log_batch_put(batch, MR_LOG_CURSOR, S("abc"), S("3"));
    mr_log_batch_put(batch, MR_LOG_CURSOR, S("a"), S("1"));
    mr_log_batch_put(batch, MR_LOG_CURSOR, S("b"), S("stop"));
    mr_log_batch_put(batch, MR_LOG_CURSOR, S("c"), S("4"));
    mr_log_batch_put(batch, MR_LOG_CURSOR, S("gone"), S("5"));
    assert_int_equal(mr_log_batch_get(batch, MR_LOG_CURSOR, S("gone"), &value), 0);
    assert_int_equal(mr_log_batch_del(batch, MR_LOG_CURSOR, S("gone")), 0);
    assert_int_equal(mr_log_batch_commit(batch), 0);
    batch = batch_of(log);
    mr_log_batch_put(batch, MR_LOG_CURSOR, S("aborted"), S("6"));
    mr_log_batch_abort(batch);

    reader = reader_of(log);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mr_buf got = MR_BUF_INIT;

        assert_int_equal(
                mr_log_rows(reader, MR_LOG_CURSOR, S(cases[i].prefix), S(cases[i].from), collect, &got),
                cases[i].r);
        assert_string_equal(mr_buf_str(&got), cases[i].want);
        mr_buf_fini(&got);
    }
    assert_int_equal(mr_log_row(reader, MR_LOG_CURSOR, S("ab"), &value), 0);
    assert_true(mr_slice_equal(value, S("2")));
    assert_int_equal(mr_log_row(reader, MR_LOG_NACK, S("ab"), &value), MR_ENOTFOUND);
    assert_int_equal(mr_log_row(reader, MR_LOG_META, S("id"), &value), 0);
    assert_int_equal(value.size, 16);
    mr_log_reader_close(reader);
    mr_log_close(log);
}

static void failed_append_leaves_nothing(void **state)
{
    struct mr_log *log = open_log(*state, false);
    struct mr_log_batch *batch = batch_of(log);
    struct mr_record bad = {.number = 2, .subs_count = MR_RECORD_SUBS_MAX + 1};
    struct mr_record good = {.number = 1};

    assert_int_equal(mr_log_batch_append(batch, &good), 0);
    assert_int_equal(mr_log_batch_append(batch, &bad), MR_EINVAL);
    assert_int_equal(mr_log_batch_append(batch, &good), MR_EINVAL);
    assert_int_equal(mr_log_batch_commit(batch), MR_EINVAL);
    assert_int_equal(mr_log_head(log), 0);
    append_some(log, 1);
    mr_log_close(log);
}

static void read_only_beside_the_owner(void **state)
{
    struct mr_log_options options = {.dir = *state, .read_only = true};
    struct mr_log *log = NULL;

    assert_int_equal(mr_log_open(&log, &options, NULL), MR_ENOTFOUND);
    log = open_log(*state, false);
    append_some(log, 2);
    mr_log_close(log);
    log = open_log(*state, true);
    assert_int_equal(mr_log_head(log), 2);
    assert_int_equal(mr_log_head_recorded_us(log), 2000);
    mr_log_close(log);
}

/* Puts a row of the table `meta` there behind the log's back. */
static void put_meta(const char *dir, const char *key, uint8_t version)
{
    static const char *const tables[] = {"meta"};
    struct mr_kv_options options = {.dir = dir, .tables = tables, .tables_count = 1, .checked = 1};
    const uint8_t value[4] = {0, 0, 0, version};
    struct mr_kv_txn *txn;
    struct mr_kv *kv;

    assert_int_equal(mr_kv_open(&kv, &options, NULL), 0);
    assert_int_equal(mr_kv_begin_write(kv, &txn), 0);
    assert_int_equal(mr_kv_put(txn, 0, S(key), mr_slice(value, 4)), 0);
    assert_int_equal(mr_kv_commit(txn), 0);
    mr_kv_close(kv);
}

static void other_layout_is_refused(void **state)
{
    struct mr_log_options options = {.dir = *state};
    struct mr_error err = {0};
    struct mr_log *log = open_log(*state, false);

    mr_log_close(log);
    put_meta(*state, "layout", 3);
    assert_int_equal(mr_log_open(&log, &options, &err), MR_EUNSUPPORTED);
    assert_string_equal(err.what, "the store has layout 3, this program knows 1");
    options.read_only = true;
    assert_int_equal(mr_log_open(&log, &options, NULL), MR_EUNSUPPORTED);
}

static void log_of_an_unreleased_version_is_refused(void **state)
{
    struct mr_log_options options = {.dir = *state};
    struct mr_error err = {0};
    struct mr_log *log;

    put_meta(*state, "format", 2);
    assert_int_equal(mr_log_open(&log, &options, &err), MR_EUNSUPPORTED);
    assert_string_equal(err.what, "the store was made by an unreleased version");
    assert_true(*err.cure);
}

/* Removes a record behind the log's back. */
static void remove_record(const char *dir, uint64_t number)
{
    static const char *const tables[] = {"records"};
    struct mr_kv_options options = {.dir = dir, .tables = tables, .tables_count = 1};
    struct mr_kv_txn *txn;
    struct mr_kv *kv;
    uint8_t key[8];

    mr_put_be64(key, number);
    assert_int_equal(mr_kv_open(&kv, &options, NULL), 0);
    assert_int_equal(mr_kv_begin_write(kv, &txn), 0);
    assert_int_equal(mr_kv_del(txn, 0, mr_slice(key, 8)), 0);
    assert_int_equal(mr_kv_commit(txn), 0);
    mr_kv_close(kv);
}

static void gap_is_noticed(void **state)
{
    struct mr_log_options options = {.dir = *state};
    struct mr_log *log = open_log(*state, false);
    struct mr_log_reader *reader;
    struct mr_record_view view;
    struct mr_error err = {0};

    append_some(log, 5);
    mr_log_close(log);
    remove_record(*state, 3);
    assert_int_equal(mr_log_open(&log, &options, &err), MR_ECORRUPT);
    assert_string_equal(err.what, "the last record is 5, but there are 4");
    log = open_log(*state, true);
    reader = reader_of(log);
    assert_int_equal(mr_log_read(reader, 2, &view, NULL), 0);
    assert_int_equal(mr_log_read_next(reader, &view, &err), MR_ECORRUPT);
    assert_string_equal(err.where, "record 3");
    assert_int_equal(mr_log_read_next(reader, &view, NULL), 0);
    assert_leaf(&view, 4);
    mr_log_reader_close(reader);
    mr_log_close(log);
}

/* Flips one bit of `text` wherever it is in the closed store's file. */
static void flip_bit(const char *dir, const char *text)
{
    const char *path = mr_tmpdir_path(dir, "data.mdb");
    size_t size = strlen(text);
    int flips = 0;
    struct stat st;
    char *file, *at;
    int fd = open(path, O_RDWR);

    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    file = malloc((size_t)st.st_size);
    assert_int_equal(pread(fd, file, (size_t)st.st_size, 0), st.st_size);
    at = file;
    while ((at = memmem(at, (size_t)(file + st.st_size - at), text, size))) {
        *at ^= 4;
        assert_int_equal(pwrite(fd, at, 1, at - file), 1);
        flips++;
    }
    assert_true(flips > 0);
    free(file);
    close(fd);
}

static void flipped_bit_harms_one_record(void **state)
{
    struct mr_log *log = open_log(*state, false);
    struct mr_log_reader *reader;
    struct mr_record_view view;
    struct mr_error err = {0};

    append_some(log, 50);
    mr_log_close(log);
    flip_bit(*state, "leaf-of-record-25");
    log = open_log(*state, false);
    reader = reader_of(log);
    for (unsigned i = 1; i <= 50; i++) {
        int r = mr_log_read_next(reader, &view, &err);

        assert_int_equal(r, i == 25 ? MR_ECORRUPT : 0);
        if (r == 0)
            assert_leaf(&view, i);
    }
    assert_string_equal(err.where, "record 25");
    assert_string_equal(err.what, "CRC does not match");
    mr_log_reader_close(reader);
    mr_log_close(log);
}

static void damaged_end_is_isolated(void **state)
{
    struct mr_log *log = open_log(*state, false);
    struct mr_log_reader *reader;
    struct mr_record_view view;
    int64_t recorded_us;

    append_some(log, 5);
    reader = reader_of(log);
    assert_int_equal(mr_log_read(reader, 4, &view, NULL), 0);
    recorded_us = view.record.recorded_us;
    mr_log_reader_close(reader);
    mr_log_close(log);
    flip_bit(*state, "leaf-of-record-5");
    log = open_log(*state, false);
    assert_int_equal(mr_log_head(log), 5);
    assert_int_equal(mr_log_head_recorded_us(log), recorded_us);
    append_some(log, 3);
    reader = reader_of(log);
    for (uint64_t n = 1; n <= 8; n++)
        assert_int_equal(mr_log_read(reader, n, &view, NULL), n == 5 ? MR_ECORRUPT : 0);
    mr_log_reader_close(reader);
    mr_log_close(log);
}

static void usage_is_told(void **state)
{
    struct mr_log *log = open_log(*state, false);
    struct mr_log_usage usage = {0};

    append_some(log, 100);
    assert_int_equal(mr_log_usage(log, &usage), 0);
    assert_true(usage.used_bytes > 0 && usage.file_bytes >= usage.used_bytes && usage.disk_free_bytes > 0);
    assert_int_equal(mr_log_maintain(log), 0);
    mr_log_close(log);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(appends_and_reads),
            T(reader_keeps_its_snapshot),
            T(rows_move_with_records),
            T(failed_append_leaves_nothing),
            T(read_only_beside_the_owner),
            T(other_layout_is_refused),
            T(log_of_an_unreleased_version_is_refused),
            T(gap_is_noticed),
            T(flipped_bit_harms_one_record),
            T(damaged_end_is_isolated),
            T(usage_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
