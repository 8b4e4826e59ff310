/* The large log: filling it, appending to it, indexing it, and the indexer's lag while events keep coming. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hub/index/indexer.h"
#include "hub/tool/bench.h"
#include "hub/tool/bench_appender.h"

enum { FILL_BATCH = 5000, SAY_EVERY = 1000000, ROUNDS_MAX = 64, OFFERED_A_SECOND = 20000, POLL_MS = 5 };

static void pause_ms(long ms)
{
    const struct timespec pause = {.tv_nsec = ms * 1000000L};

    (void)nanosleep(&pause, NULL);
}

static int fill_log(struct bench *bench)
{
    const struct bench_house *home = &bench->home;
    struct bench_appender *appender = NULL;
    double began = bench_seconds();
    int r = bench_appender_open(&appender, home->house.log, home->persons, home->persons_count, FILL_BATCH);

    for (uint64_t head = 0; r == 0 && (head = mr_log_head(home->house.log)) < bench->events;) {
        uint64_t left = bench->events - head;

        r = bench_appender_run(appender, BENCH_MIXED, left < SAY_EVERY ? left : SAY_EVERY);
        bench_say("filling: %llu of %llu events", (unsigned long long)mr_log_head(home->house.log),
                (unsigned long long)bench->events);
    }
    bench_appender_close(appender);
    bench_result_add(
            &bench->results, (struct bench_row){"filling, every fifth sealed, batch 5,000", "events/s",
                                     (double)bench->events / (bench_seconds() - began), BENCH_SHOWN, 0});
    return r;
}

/* ---- appending to a large log and to an empty one, by turns ---- */

static int compare_logs(struct bench *bench, struct mr_log *empty, double *ret_ratio)
{
    struct bench_appender *appenders[2] = {NULL, NULL};
    double rates[2], ratios[ROUNDS_MAX];
    int r = bench_appender_open(&appenders[0], empty, NULL, 0, BENCH_BATCH);

    if (r == 0)
        r = bench_appender_open(&appenders[1], bench->home.house.log, NULL, 0, BENCH_BATCH);
    for (unsigned round = 0; r == 0 && round < bench->rounds; round++) {
        for (unsigned i = 0; r == 0 && i < 2; i++) {
            unsigned which = (i + round) % 2;
            double began = bench_seconds();

            r = bench_appender_run(appenders[which], BENCH_OPEN, bench->round_events);
            rates[which] = (double)bench->round_events / (bench_seconds() - began);
        }
        ratios[round] = rates[1] / rates[0];
    }
    bench_appender_close(appenders[0]);
    bench_appender_close(appenders[1]);
    if (r == 0)
        *ret_ratio = bench_quantile(ratios, bench->rounds, 0.5);
    return r;
}

static int append_at_size(struct bench *bench)
{
    char path[PATH_MAX];
    struct mr_log_options options = {.dir = path};
    struct mr_log *empty = NULL;
    double ratio = 0;
    int r;

    (void)snprintf(path, sizeof path, "%s/empty", bench->dir);
    bench_say("appending to the large log and to an empty one, by turns");
    r = mr_log_open(&empty, &options, &bench->error);
    if (r == 0)
        r = compare_logs(bench, empty, &ratio);
    mr_log_close(empty);
    bench_result_add(&bench->results, (struct bench_row){"append to the large log : to an empty one", "ratio",
                                              ratio, BENCH_AT_LEAST, 0.8});
    return r;
}

/* ---- the indexer ---- */

static void wait_through(const struct bench *bench, struct mr_indexer *indexer, uint64_t number)
{
    while (mr_index_through(bench->home.house.index) < number) {
        mr_indexer_wake(indexer);
        pause_ms(POLL_MS);
    }
}

/* The last tenth is what "at N" means: the indexes are as large as they get. */
static void index_all(struct bench *bench, struct mr_indexer *indexer)
{
    uint64_t head = mr_log_head(bench->home.house.log), late = head - head / 10;
    double began = bench_seconds(), at_late;
    char path[PATH_MAX];

    bench_say("indexing %llu events", (unsigned long long)head);
    wait_through(bench, indexer, late);
    late = mr_index_through(bench->home.house.index);
    at_late = bench_seconds();
    wait_through(bench, indexer, head);
    bench_result_add(&bench->results, (struct bench_row){"indexer, whole log", "events/s",
                                              (double)head / (bench_seconds() - began), BENCH_SHOWN, 0});
    if (head > late)
        bench_result_add(&bench->results,
                (struct bench_row){"indexer, last tenth", "events/s",
                        (double)(head - late) / (bench_seconds() - at_late), BENCH_AT_LEAST, 50000});
    (void)snprintf(path, sizeof path, "%s/store/index", bench->dir);
    bench_result_add(
            &bench->results, (struct bench_row){"indexes an event", "bytes",
                                     (double)bench_disk_bytes(path) / (double)head, BENCH_AT_MOST, 150});
    (void)snprintf(path, sizeof path, "%s/store/views", bench->dir);
    bench_result_add(&bench->results, (struct bench_row){"facts an event", "bytes",
                                              (double)bench_disk_bytes(path) / (double)head, BENCH_SHOWN, 0});
}

/* When each batch was offered, so that the age of what is not indexed yet can be told. */
struct offer {
    double began;
    uint64_t first;
};

/* Seconds since the oldest event that is not in the indexes yet was offered. */
static double lag_now(const struct bench *bench, const struct offer *offer)
{
    uint64_t through = mr_index_through(bench->home.house.index);
    double offered_at = offer->began;

    if (through >= mr_log_head(bench->home.house.log))
        return 0;
    if (through + 1 > offer->first)
        offered_at += (double)(through + 1 - offer->first) / OFFERED_A_SECOND;
    return bench_seconds() - offered_at;
}

static int offer_events(struct bench *bench, struct mr_indexer *indexer, double *ret_lag, double *ret_late)
{
    const struct bench_house *home = &bench->home;
    struct bench_appender *appender = NULL;
    struct offer offer = {.began = bench_seconds(), .first = mr_log_head(home->house.log) + 1};
    uint64_t batches = (uint64_t)(bench->lag_seconds * OFFERED_A_SECOND / BENCH_BATCH);
    int r = bench_appender_open(&appender, home->house.log, home->persons, home->persons_count, BENCH_BATCH);

    *ret_lag = *ret_late = 0;
    offer.began = bench_seconds();
    for (uint64_t i = 0; r == 0 && i < batches; i++) {
        double due = offer.began + (double)((i + 1) * BENCH_BATCH) / OFFERED_A_SECOND, lag;

        r = bench_appender_batch(appender, BENCH_MIXED, BENCH_BATCH);
        mr_indexer_wake(indexer);
        while (bench_seconds() < due)
            pause_ms(1);
        if (bench_seconds() - due > *ret_late)
            *ret_late = bench_seconds() - due;
        lag = lag_now(bench, &offer);
        if (lag > *ret_lag)
            *ret_lag = lag;
    }
    if (r == 0)
        r = bench_appender_wait(appender);
    bench_appender_close(appender);
    return r;
}

static int lag_under_load(struct bench *bench, struct mr_indexer *indexer)
{
    double lag, late;
    int r;

    bench_say("offering %d events/s for %.0f s", OFFERED_A_SECOND, bench->lag_seconds);
    r = offer_events(bench, indexer, &lag, &late);
    bench_result_add(&bench->results,
            (struct bench_row){"indexer's lag at 20,000 events/s, most", "s", lag, BENCH_AT_MOST, 2});
    bench_result_add(&bench->results,
            (struct bench_row){"  the offer itself behind its time, most", "s", late, BENCH_SHOWN, 0});
    if (r == 0)
        wait_through(bench, indexer, mr_log_head(bench->home.house.log));
    return r;
}

int bench_large(struct bench *bench)
{
    struct mr_indexer *indexer;
    int r = fill_log(bench);

    if (r == 0)
        r = append_at_size(bench);
    if (r == 0)
        r = mr_indexer_start(&indexer, &bench->home.house);
    if (r < 0)
        return bench_fail(bench, r, "the large log");
    index_all(bench, indexer);
    r = lag_under_load(bench, indexer);
    mr_indexer_stop(indexer);
    return bench_fail(bench, r, "indexing");
}
