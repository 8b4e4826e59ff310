/* The growing environment written anew: what was taken out of records is in no byte of any file any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "proto/base/bytes.h"
#include "proto/base/list.h"
#include "store/kv.h"
#include "tests/support/bytes_search.h"
#include "tests/support/segment_log.h"
#include "tests/support/tmpdir.h"

enum { RECORDS = 500, VICTIM = 297, MORE = 40 };

static bool is_victim(uint64_t number)
{
    return number == VICTIM;
}

static void strip(struct mr_log *log)
{
    struct mr_log_batch *batch;

    assert_int_equal(mr_log_batch_begin(log, &batch), 0);
    assert_int_equal(mr_log_batch_strip(batch, VICTIM, 1 << 1), 0);
    assert_int_equal(mr_log_batch_commit(batch), 0);
}

static void no_byte_stays(void **state)
{
    struct mr_log *log = segment_log_open(*state);
    struct mr_kv_compaction done;
    struct mr_log_batch *batch;

    segment_log_append(log, RECORDS);
    strip(log);
    segment_log_assert(log, RECORDS, segment_log_never, is_victim);
    assert_int_equal(mr_log_batch_begin(log, &batch), 0);
    assert_int_equal(mr_log_batch_strip(batch, VICTIM, 1 << 0), 0);
    assert_int_equal(mr_log_batch_commit(batch), 0);
    assert_true(bytes_folder_has(*state, "slot-of-record-297")); /* in a free page, or a gap of one in use */
    assert_int_equal(mr_log_compact(log, &done, NULL), 0);
    assert_false(bytes_folder_has(*state, "slot-of-record-297"));
    assert_true(bytes_folder_has(*state, "slot-of-record-294"));
    segment_log_append(log, MORE);
    mr_log_close(log);
    log = segment_log_open(*state);
    assert_int_equal(mr_log_head(log), RECORDS + MORE);
    mr_log_close(log);
}

static void readers_and_segments_go_on(void **state)
{
    struct mr_log *log = segment_log_open(*state);
    struct mr_log_reader *idle, *busy;
    struct mr_record_view view;
    struct mr_kv_compaction done;

    segment_log_append(log, RECORDS);
    segment_log_roll(log, 1, 200);
    assert_int_equal(mr_log_reader_open(log, &idle), 0);
    mr_log_reader_pause(idle);
    assert_int_equal(mr_log_compact(log, &done, NULL), 0); /* it waits for nobody who pauses */
    assert_int_equal(mr_log_reader_open(log, &busy), 0);
    mr_log_reader_close(busy);
    assert_int_equal(mr_log_reader_renew(idle), 0);
    for (uint64_t n = 1; n <= RECORDS; n += 7)
        assert_int_equal(mr_log_read(idle, n, &view, NULL), 0);
    mr_log_reader_close(idle);
    segment_log_assert(log, RECORDS, segment_log_never, segment_log_never);
    mr_log_close(log);
}

/* Somebody who appends all the time. */
struct appender {
    struct mr_log *log;
    atomic_bool stop;
    unsigned commits;
};

static void *append(void *ctx)
{
    struct appender *appender = ctx;

    while (!atomic_load(&appender->stop)) {
        segment_log_append(appender->log, 1);
        appender->commits++;
    }
    return NULL;
}

static void appending_goes_on(void **state)
{
    struct appender appender = {.log = segment_log_open(*state)};
    struct mr_kv_compaction done;
    pthread_t thread;
    uint64_t before;
    int compacted = 0;

    segment_log_append(appender.log, RECORDS);
    assert_int_equal(pthread_create(&thread, NULL, append, &appender), 0);
    while (compacted < 5) {
        before = mr_log_head(appender.log);
        compacted += mr_log_compact(appender.log, &done, NULL) == 0;
        while (mr_log_head(appender.log) == before)
            (void)sched_yield();
    }
    atomic_store(&appender.stop, true);
    (void)pthread_join(thread, NULL);
    segment_log_assert(appender.log, RECORDS + appender.commits, segment_log_never, segment_log_never);
    mr_log_close(appender.log);
    appender.log = segment_log_open(*state);
    segment_log_assert(appender.log, RECORDS + appender.commits, segment_log_never, segment_log_never);
    mr_log_close(appender.log);
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

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {T(no_byte_stays), T(readers_and_segments_go_on), T(appending_goes_on)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
