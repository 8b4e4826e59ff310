/* The large log as a hub leaves it: its older part moved into closed segments by the hub's own compactor. */
#include <stdio.h>
#include <time.h>

#include "hub/keep/compactor.h"
#include "hub/tool/bench.h"
#include "hub/tool/bench_event.h"

enum { POLL_MS = 20, STUCK_S = 120 };

struct parts {
    struct mr_matcher *matcher;
    struct mr_writer *writer;
    struct mr_prepare *prepare;
    struct mr_compactor *compactor;
};

static int start(struct bench *bench, struct parts *parts)
{
    struct mr_house *house = &bench->home.house;
    const struct mr_writer_options options = {.log = house->log, .batch_jobs_max = 256};
    struct mr_compactor_options compacting = {.house = house};
    int r = mr_matcher_create(&parts->matcher, house->config, house->names, &bench->error);

    if (r == 0)
        r = mr_writer_start(&parts->writer, &options);
    if (r == 0)
        r = mr_prepare_start(&parts->prepare, house, parts->matcher, parts->writer, &bench->error);
    compacting.writer = parts->writer;
    compacting.prepare = parts->prepare;
    return r < 0 ? r : mr_compactor_start(&parts->compactor, &compacting, &bench->error);
}

static void stop(struct parts *parts)
{
    mr_compactor_quiet(parts->compactor);
    mr_prepare_stop(parts->prepare);
    mr_writer_stop(parts->writer);
    mr_compactor_stop(parts->compactor);
    mr_matcher_free(parts->matcher);
}

/* Records that are in segments alone; negative: a failure. */
static int64_t moved(struct mr_log_reader *reader)
{
    int r = mr_log_reader_renew(reader);
    uint64_t trimmed = r == 0 ? mr_log_trimmed(reader) : 0;

    mr_log_reader_pause(reader);
    return r < 0 ? r : (int64_t)trimmed;
}

/* Until no more than two segments' worth lie outside of them: then the compactor rests. */
static int wait_until_rolled(
        struct bench *bench, struct mr_log_reader *reader, double *ret_seconds, int64_t *ret_moved)
{
    const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    int64_t rest = 2 * (int64_t)bench->home.config->hub.segment_events, last = 0, now = 0;
    int64_t head = (int64_t)mr_log_head(bench->home.house.log);
    double began = bench_seconds(), at_last = began;

    while (head - now > rest) {
        now = moved(reader);
        if (now < 0)
            return (int)now;
        if (now > last)
            at_last = bench_seconds();
        if (bench_seconds() - at_last > STUCK_S)
            return mr_error_set(&bench->error, MR_ETIMEOUT, "compactor", "",
                    "it stands still at %lld records", (long long)now);
        last = now;
        (void)nanosleep(&pause, NULL);
    }
    *ret_seconds = bench_seconds() - began;
    *ret_moved = now;
    return 0;
}

static void report(struct bench *bench, double seconds, int64_t rolled)
{
    char path[PATH_MAX];

    if (rolled <= 0)
        return;
    bench_result_add(&bench->results, (struct bench_row){"moving records into closed segments", "events/s",
                                              (double)rolled / seconds, BENCH_SHOWN, 0});
    (void)snprintf(path, sizeof path, "%s/store/log/segments", bench->dir);
    bench_result_add(&bench->results,
            (struct bench_row){"disk a byte of an event in them, every fifth sealed", "bytes",
                    (double)bench_disk_bytes(path) / ((double)rolled * BENCH_EVENT_BYTES), BENCH_SHOWN, 0});
}

int bench_rolling(struct bench *bench)
{
    struct parts parts = {NULL};
    struct mr_log_reader *reader = NULL;
    double seconds = 0;
    int64_t rolled = 0;
    int r = mr_log_reader_open(bench->home.house.log, &reader);

    bench_say("moving the older part into closed segments");
    if (r == 0) {
        mr_log_reader_pause(reader);
        r = start(bench, &parts);
    }
    if (r == 0)
        r = wait_until_rolled(bench, reader, &seconds, &rolled);
    stop(&parts);
    mr_log_reader_close(reader);
    if (r == 0)
        report(bench, seconds, rolled);
    return bench_fail(bench, r, "rolling");
}
