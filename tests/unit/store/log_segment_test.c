/* Closed segments: rolling, rewriting, readers across the border, what a kill leaves behind, damage. */
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
#include "store/scrub.h"
#include "tests/support/segment_log.h"
#include "tests/support/tmpdir.h"

#define S(text) mr_slice_str(text)

enum { RECORDS = 500 };

static int setup(void **state)
{
    *state = mr_tmpdir_new();
    return 0;
}

static int teardown(void **state)
{
#ifdef MR_FAULT_POINTS
    mr_fault_set(NULL);
#endif
    mr_tmpdir_free(*state);
    return 0;
}

static int open_fails(const char *dir, struct mr_error *err)
{
    struct mr_log_options options = {.dir = dir};
    struct mr_log *log = NULL;
    int r = mr_log_open(&log, &options, err);

    assert_null(log);
    return r;
}

struct rule {
    segment_log_fn expired, stripped;
    char remnant[64];
};

static int change(void *ctx, const struct mr_record *record, struct mr_log_change *ret)
{
    struct rule *rule = ctx;

    ret->expire = rule->expired(record->number);
    ret->remnant = S(segment_log_text(rule->remnant, "rest", record->number));
    if (rule->stripped(record->number))
        ret->strip = 1 << 1;
    return 0;
}

static bool is_folder(const char *dir, const char *name)
{
    struct stat st;

    return stat(mr_tmpdir_path(mr_tmpdir_path(dir, "segments"), name), &st) == 0 && S_ISDIR(st.st_mode);
}

static uint64_t scrubbed(const char *dir)
{
    struct mr_scrub_options options = {.environment = "log", .dir = dir};
    struct mr_scrub_counts counts = {0};

    assert_int_equal(mr_scrub(&options, &counts, NULL), 0);
    assert_int_equal(counts.findings, 0);
    return counts.records;
}

/* ---- tests ---- */

/* Those that are in the segment and in the growing environment still are no more records than before. */
static void counted_once_on_their_way(void **state)
{
    struct mr_log *log = segment_log_open(*state);
    struct mr_log_segment segment;

    segment_log_append(log, RECORDS);
    segment = segment_log_write(log, 1, 400, 1, NULL, NULL);
    segment_log_put_row(log, &segment);
    mr_log_close(log);
    assert_int_equal(scrubbed(*state), RECORDS);
    log = segment_log_open(*state);
    assert_true(segment_log_trim(log));
    mr_log_close(log);
    assert_int_equal(scrubbed(*state), RECORDS);
}

static void rolls_at_every_step(void **state)
{
    struct mr_log *log = segment_log_open(*state);
    struct mr_log_segment segment, found;
    struct mr_log_reader *reader;

    segment_log_append(log, RECORDS);
    segment = segment_log_write(log, 1, 400, 1, NULL, NULL);
    segment_log_assert(log, RECORDS, segment_log_never, segment_log_never);
    segment_log_put_row(log, &segment);
    segment_log_assert(log, RECORDS, segment_log_never, segment_log_never);
    assert_true(segment_log_trim(log));
    segment_log_assert(log, RECORDS, segment_log_never, segment_log_never);
    mr_log_close(log);
    log = segment_log_open(*state);
    assert_true(segment_log_trim(log));
    assert_false(segment_log_trim(log));
    segment_log_assert(log, RECORDS, segment_log_never, segment_log_never);
    assert_false(segment_log_trim(log));
    segment_log_append(log, 10);
    mr_log_close(log);

    log = segment_log_open(*state);
    segment_log_assert(log, RECORDS + 10, segment_log_never, segment_log_never);
    assert_int_equal(mr_log_reader_open(log, &reader), 0);
    assert_int_equal(mr_log_trimmed(reader), 400);
    assert_int_equal(mr_log_segment_find(reader, 400, &found), 0);
    assert_int_equal(found.first, segment.first);
    assert_int_equal(found.last, segment.last);
    assert_int_equal(found.generation, segment.generation);
    assert_int_equal(found.bytes, segment.bytes);
    assert_int_equal(mr_log_segment_find(reader, 401, &found), MR_ENOTFOUND);
    assert_int_equal(mr_log_segment_last(reader, &found), 0);
    assert_int_equal(found.first, 1);
    mr_log_reader_close(reader);
    mr_log_close(log);
}

/* More of them than are kept open; a cycle over all. */
static void reads_across_many_segments(void **state)
{
    struct mr_log *log = segment_log_open(*state);

    segment_log_append(log, RECORDS);
    for (uint64_t first = 1; first < RECORDS; first += 10)
        segment_log_roll(log, first, first + 9 < RECORDS ? first + 9 : RECORDS - 1);
    segment_log_assert(log, RECORDS, segment_log_never, segment_log_never);
    segment_log_append(log, 20);
    mr_log_close(log);
    log = segment_log_open(*state);
    segment_log_assert(log, RECORDS + 20, segment_log_never, segment_log_never);
    mr_log_close(log);
}

static void old_snapshot_reads_on(void **state)
{
    struct mr_log *log = segment_log_open(*state);
    struct mr_log_reader *before, *between;
    struct mr_record_view view;
    struct mr_log_segment segment;

    segment_log_append(log, RECORDS);
    assert_int_equal(mr_log_reader_open(log, &before), 0);
    assert_int_equal(mr_log_read(before, 1, &view, NULL), 0);
    segment = segment_log_write(log, 1, 400, 1, NULL, NULL);
    segment_log_put_row(log, &segment);
    assert_int_equal(mr_log_reader_open(log, &between), 0);
    assert_int_equal(mr_log_read(between, 1, &view, NULL), 0);
    while (segment_log_trim(log))
        ;
    for (uint64_t n = 2; n <= RECORDS; n++) {
        assert_int_equal(mr_log_read_next(before, &view, NULL), 0);
        segment_log_assert_record(&view.record, false, false);
        if (n == 200)
            assert_int_equal(mr_log_reader_renew(between), 0);
        assert_int_equal(mr_log_read_next(between, &view, NULL), 0);
        segment_log_assert_record(&view.record, false, false);
    }
    mr_log_reader_close(before);
    mr_log_reader_close(between);
    mr_log_close(log);
}

static void rewriting_keeps_heads_and_tree(void **state)
{
    struct rule expiring = {.expired = segment_log_seventh, .stripped = segment_log_never};
    struct rule both = {.expired = segment_log_seventh, .stripped = segment_log_sixth};
    struct mr_log *log = segment_log_open(*state);
    struct mr_log_segment segment;

    segment_log_append(log, RECORDS);
    segment_log_roll(log, 1, 300);
    segment = segment_log_write(log, 1, 300, 2, change, &expiring);
    assert_int_equal(segment.expired, 300 / 7);
    segment_log_put_row(log, &segment);
    assert_int_equal(mr_log_segment_remove(log, 1, 1), 0);
    assert_false(is_folder(*state, "00000000000000000001-1"));
    segment = segment_log_write(log, 1, 300, 3, change, &both);
    assert_int_equal(segment.expired, 300 / 7);
    assert_int_equal(segment.stripped, 300 / 6 - 300 / 42);
    segment_log_put_row(log, &segment);
    assert_int_equal(mr_log_segment_remove(log, 1, 2), 0);
    segment = segment_log_write(log, 301, RECORDS - 1, 1, change, &both); /* as it is rolled */
    segment_log_put_row(log, &segment);
    while (segment_log_trim(log))
        ;
    segment_log_append(log, 1);
    segment = segment_log_write(log, 301, RECORDS, 2, change, &both); /* the last one grows */
    segment_log_put_row(log, &segment);
    while (segment_log_trim(log))
        ;
    segment_log_append(log, 1);
    assert_int_equal(mr_log_segment_remove(log, 301, 1), 0);
    mr_log_close(log);
    log = segment_log_open(*state);
    segment_log_assert(
            log, RECORDS + 2, segment_log_seventh, segment_log_sixth); /* the last two are neither */
    mr_log_close(log);
}

/* Who has the older generation open reads it to the end of the snapshot; who comes later reads the newer one.
 */
static void reader_of_a_replaced_generation(void **state)
{
    struct rule rule = {.expired = segment_log_seventh, .stripped = segment_log_never};
    struct mr_log *log = segment_log_open(*state);
    struct mr_log_reader *inside, *outside;
    struct mr_log_segment segment;
    struct mr_record_view view;

    segment_log_append(log, RECORDS);
    segment_log_roll(log, 1, 400);
    assert_int_equal(mr_log_reader_open(log, &inside), 0);
    assert_int_equal(mr_log_reader_open(log, &outside), 0);
    assert_int_equal(mr_log_read(inside, 1, &view, NULL), 0);
    segment = segment_log_write(log, 1, 400, 2, change, &rule);
    segment_log_put_row(log, &segment);
    assert_int_equal(mr_log_segment_remove(log, 1, 1), 0);
    for (uint64_t n = 2; n <= RECORDS; n++) {
        assert_int_equal(mr_log_read_next(inside, &view, NULL), 0);
        segment_log_assert_record(&view.record, false, false);
    }
    assert_int_equal(mr_log_read(inside, 7, &view, NULL), 0);
    mr_log_reader_close(inside);
    for (uint64_t n = 1; n <= RECORDS; n++) {
        assert_int_equal(mr_log_read_next(outside, &view, NULL), 0);
        segment_log_assert_record(&view.record, n <= 400 && segment_log_seventh(n), false);
    }
    mr_log_reader_close(outside);
    mr_log_close(log);
}

static void strips_in_the_growing_environment(void **state)
{
    struct mr_log *log = segment_log_open(*state);
    struct mr_log_batch *batch;
    struct mr_log_reader *reader;
    struct mr_slice value;
    uint8_t key[8], mask[2] = {0, 2};

    segment_log_append(log, RECORDS);
    segment_log_roll(log, 1, 5);
    assert_int_equal(mr_log_batch_begin(log, &batch), 0);
    for (uint64_t n = 6; n <= RECORDS; n += 6) {
        mr_put_be64(key, n);
        assert_int_equal(mr_log_batch_put(batch, MR_LOG_STRIP, mr_slice(key, 8), mr_slice(mask, 2)), 0);
    }
    assert_int_equal(mr_log_batch_commit(batch), 0);
    assert_int_equal(mr_log_batch_begin(log, &batch), 0);
    assert_int_equal(mr_log_batch_strip(batch, 3, 2), MR_ENOTFOUND);
    for (uint64_t n = 6; n <= RECORDS; n += 6)
        assert_int_equal(mr_log_batch_strip(batch, n, 2), 0);
    assert_int_equal(mr_log_batch_commit(batch), 0);
    segment_log_assert(log, RECORDS, segment_log_never, segment_log_sixth);
    assert_int_equal(mr_log_reader_open(log, &reader), 0);
    assert_int_equal(mr_log_row(reader, MR_LOG_STRIP, mr_slice(key, 8), &value), MR_ENOTFOUND);
    mr_log_reader_close(reader);
    segment_log_roll(log, 6, 450);
    mr_log_close(log);
    log = segment_log_open(*state);
    segment_log_assert(log, RECORDS, segment_log_never, segment_log_sixth);
    mr_log_close(log);
}

static void leftovers_go_at_the_next_start(void **state)
{
    static const char *const ours[] = {
            "working-00000000000000000401-1", "00000000000000000001-2", "00000000000000000401-1"};
    struct mr_log *log = segment_log_open(*state);
    char folder[256];

    segment_log_append(log, RECORDS);
    segment_log_roll(log, 1, 400);
    (void)segment_log_write(log, 1, 400, 2, NULL, NULL); /* killed before its row */
    (void)segment_log_write(log, 401, 450, 1, NULL, NULL);
    (void)snprintf(folder, sizeof folder, "%s/segments/working-00000000000000000401-1", (char *)*state);
    assert_int_equal(mkdir(folder, 0700), 0);
    (void)snprintf(folder, sizeof folder, "%s/segments/somebody's", (char *)*state);
    assert_int_equal(mkdir(folder, 0700), 0);
    for (size_t i = 0; i < 3; i++)
        assert_true(is_folder(*state, ours[i]));
    mr_log_close(log);
    log = segment_log_open(*state);
    for (size_t i = 0; i < 3; i++)
        assert_false(is_folder(*state, ours[i]));
    assert_true(is_folder(*state, "somebody's"));
    assert_true(is_folder(*state, "00000000000000000001-1"));
    segment_log_assert(log, RECORDS, segment_log_never, segment_log_never);
    mr_log_close(log);
}

#ifdef MR_FAULT_POINTS
static void failures_leave_nothing(void **state)
{
    static const char *const points[] = {"segment.write.before:1:eio", "segment.write.before:1:enospc",
            "segment.rename.before:1:eio", "segment.rename.before:1:enospc", "segment.rename.after:1:eio"};
    struct mr_log *log = segment_log_open(*state);
    const struct mr_log_segment_plan plan = {.first = 1, .last = 100, .generation = 1};

    segment_log_append(log, RECORDS);
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        struct mr_log_segment segment;
        struct mr_error err = {0};

        mr_fault_set(points[i]);
        assert_int_equal(mr_log_segment_write(log, &plan, &segment, &err),
                strstr(points[i], "eio") ? MR_EIO : MR_ENOSPACE);
        assert_true(*err.what && *err.where);
        segment_log_assert(log, RECORDS, segment_log_never, segment_log_never);
    }
    mr_fault_set(NULL);
    segment_log_roll(log, 1, 100);
    mr_log_close(log);
    log = segment_log_open(*state);
    segment_log_assert(log, RECORDS, segment_log_never, segment_log_never);
    mr_log_close(log);
}
#endif

/* ---- damage ---- */

static void damaged_segment_is_named(void **state)
{
    char file[256], aside[256];
    struct mr_log *log = segment_log_open(*state);
    struct mr_error err = {0};
    struct stat st;

    segment_log_append(log, RECORDS);
    segment_log_roll(log, 1, 400);
    mr_log_close(log);
    (void)snprintf(file, sizeof file, "%s/segments/00000000000000000001-1/data.mdb", (char *)*state);
    (void)snprintf(aside, sizeof aside, "%s/aside", (char *)*state);
    assert_int_equal(rename(file, aside), 0);
    assert_int_equal(open_fails(*state, &err), MR_ECORRUPT);
    assert_string_equal(err.what, "a segment of the log is missing");
    assert_int_equal(rename(aside, file), 0);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(truncate(file, st.st_size - 4096), 0);
    assert_int_equal(open_fails(*state, &err), MR_ECORRUPT);
    assert_non_null(strstr(err.what, "its row says"));
}

/* A file of the right name and size, of another log. */
static void segment_of_another_log_is_refused(void **state)
{
    char mine[256], other[256], theirs[256];
    struct mr_log *log = segment_log_open(*state);
    struct mr_log_reader *reader;
    struct mr_record_view view;
    struct mr_error err = {0};

    segment_log_append(log, RECORDS);
    segment_log_roll(log, 1, 400);
    mr_log_close(log);
    (void)snprintf(other, sizeof other, "%s/other", (char *)*state);
    log = segment_log_open(other);
    segment_log_append(log, RECORDS);
    segment_log_roll(log, 1, 400);
    mr_log_close(log);
    (void)snprintf(theirs, sizeof theirs, "%s/segments/00000000000000000001-1/data.mdb", other);
    (void)snprintf(mine, sizeof mine, "%s/segments/00000000000000000001-1/data.mdb", (char *)*state);
    assert_int_equal(rename(theirs, mine), 0);
    log = segment_log_open(*state);
    assert_int_equal(mr_log_reader_open(log, &reader), 0);
    assert_int_equal(mr_log_read(reader, 5, &view, &err), MR_ECORRUPT);
    assert_non_null(strstr(err.what, "of another log"));
    assert_int_equal(mr_log_read(reader, 401, &view, NULL), 0);
    mr_log_reader_close(reader);
    mr_log_close(log);
}

static void flip_bit(const char *path, const char *text)
{
    struct stat st;
    char *file, *at;
    int fd = open(path, O_RDWR);
    unsigned flips = 0;

    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    file = malloc((size_t)st.st_size);
    assert_int_equal(pread(fd, file, (size_t)st.st_size, 0), st.st_size);
    for (at = file; (at = memmem(at, (size_t)(file + st.st_size - at), text, strlen(text))); flips++) {
        *at ^= 4;
        assert_int_equal(pwrite(fd, at, 1, at - file), 1);
    }
    assert_true(flips > 0);
    free(file);
    close(fd);
}

/* Damage moves along with its record and harms no other. */
static void damaged_record_is_copied_as_it_is(void **state)
{
    struct rule rule = {.expired = segment_log_seventh, .stripped = segment_log_never};
    struct mr_log *log = segment_log_open(*state);
    struct mr_log_reader *reader;
    struct mr_record_view view;
    struct mr_log_segment segment;

    segment_log_append(log, RECORDS);
    mr_log_close(log);
    flip_bit(mr_tmpdir_path(*state, "data.mdb"), "leaf-of-record-217"); /* a seventh one */
    log = segment_log_open(*state);
    segment = segment_log_write(log, 1, 400, 1, change, &rule);
    assert_int_equal(segment.expired, 400 / 7 - 1);
    segment_log_put_row(log, &segment);
    while (segment_log_trim(log))
        ;
    assert_int_equal(mr_log_reader_open(log, &reader), 0);
    for (uint64_t n = 1; n <= RECORDS; n++) {
        int r = mr_log_read_next(reader, &view, NULL);

        assert_int_equal(r, n == 217 ? MR_ECORRUPT : 0);
        if (r == 0)
            segment_log_assert_record(&view.record, n <= 400 && segment_log_seventh(n), false);
    }
    mr_log_reader_close(reader);
    mr_log_close(log);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(rolls_at_every_step),
            T(counted_once_on_their_way),
            T(reads_across_many_segments),
            T(old_snapshot_reads_on),
            T(rewriting_keeps_heads_and_tree),
            T(reader_of_a_replaced_generation),
            T(strips_in_the_growing_environment),
            T(leftovers_go_at_the_next_start),
#ifdef MR_FAULT_POINTS
            T(failures_leave_nothing),
#endif
            T(damaged_segment_is_named),
            T(segment_of_another_log_is_refused),
            T(damaged_record_is_copied_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
