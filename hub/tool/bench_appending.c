/* The append path against the ceiling of the disk and of LMDB, by turns. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/tool/bench.h"
#include "hub/tool/bench_appender.h"
#include "proto/base/bytes.h"
#include "store/kv.h"

enum { ROUNDS_MAX = 64, KEYS_CACHED = 2000 };

enum lane { RAW, OPEN, SEALED, LANES };

struct lanes {
    struct bench *bench;
    struct mr_kv *kv; /* the ceiling: one table, appended to */
    uint64_t next;
    struct mr_log *logs[LANES];
    struct bench_appender *appenders[LANES];
    double rates[LANES][ROUNDS_MAX]; /* events/s */
};

static void path_of(const struct bench *bench, const char *name, char ret[static PATH_MAX])
{
    (void)snprintf(ret, PATH_MAX, "%s/%s", bench->dir, name);
}

static int open_raw(struct lanes *lanes)
{
    static const char *const tables[] = {"rows"};
    struct mr_kv_options options = {.tables = tables, .tables_count = 1, .exclusive = true};
    char path[PATH_MAX];

    path_of(lanes->bench, "raw", path);
    options.dir = path;
    return mr_kv_open(&lanes->kv, &options, &lanes->bench->error);
}

static int open_log(struct lanes *lanes, enum lane lane, const char *name)
{
    const struct bench_house *home = &lanes->bench->home;
    char path[PATH_MAX];
    struct mr_log_options options = {.dir = path};
    int r;

    path_of(lanes->bench, name, path);
    r = mr_log_open(&lanes->logs[lane], &options, &lanes->bench->error);
    if (r == 0)
        r = bench_appender_open(&lanes->appenders[lane], lanes->logs[lane], home->persons,
                home->persons_count < KEYS_CACHED ? home->persons_count : KEYS_CACHED, BENCH_BATCH);
    return r;
}

static void close_lanes(struct lanes *lanes)
{
    for (int lane = 0; lane < LANES; lane++) {
        bench_appender_close(lanes->appenders[lane]);
        mr_log_close(lanes->logs[lane]);
    }
    mr_kv_close(lanes->kv);
}

static int raw_batch(struct lanes *lanes, uint64_t count)
{
    uint8_t key[8], value[BENCH_EVENT_BYTES];
    struct mr_kv_txn *txn;
    int r = mr_kv_begin_write(lanes->kv, &txn);

    if (r < 0)
        return r;
    memset(value, 0x5a, sizeof value);
    for (uint64_t i = 0; i < count; i++) {
        mr_put_be64(key, ++lanes->next);
        mr_put_be64(value, lanes->next);
        (void)mr_kv_append(txn, 0, mr_slice(key, sizeof key), mr_slice(value, sizeof value)); /* sticky */
    }
    return mr_kv_commit(txn);
}

static int run_lane(struct lanes *lanes, enum lane lane, uint64_t count)
{
    int r = 0;

    if (lane != RAW)
        return bench_appender_run(lanes->appenders[lane], lane == OPEN ? BENCH_OPEN : BENCH_SEALED, count);
    for (; r == 0 && count > 0; count -= count < BENCH_BATCH ? count : BENCH_BATCH)
        r = raw_batch(lanes, count < BENCH_BATCH ? count : BENCH_BATCH);
    return r;
}

/* Each lane once before it counts; then every lane once a round, so that a slow moment hits all alike. */
static int run_rounds(struct lanes *lanes)
{
    const struct bench *bench = lanes->bench;
    int r = 0;

    for (int lane = 0; r == 0 && lane < LANES; lane++)
        r = run_lane(lanes, (enum lane)lane, BENCH_BATCH);
    for (unsigned round = 0; r == 0 && round < bench->rounds; round++) {
        for (unsigned i = 0; r == 0 && i < LANES; i++) {
            enum lane lane = (enum lane)((i + round) % LANES);
            double began = bench_seconds();

            r = run_lane(lanes, lane, bench->round_events);
            lanes->rates[lane][round] = (double)bench->round_events / (bench_seconds() - began);
        }
    }
    return r;
}

/* Of the rounds' own ratios: what a slow disk does to one round it does to all of its lanes. */
static double ratio(const struct lanes *lanes, enum lane lane)
{
    double ratios[ROUNDS_MAX];

    for (unsigned i = 0; i < lanes->bench->rounds; i++)
        ratios[i] = lanes->rates[lane][i] / lanes->rates[RAW][i];
    return bench_quantile(ratios, lanes->bench->rounds, 0.5);
}

static double per_byte(const struct lanes *lanes, enum lane lane, const char *name)
{
    char path[PATH_MAX];

    path_of(lanes->bench, name, path);
    return (double)bench_disk_bytes(path) / (double)(mr_log_head(lanes->logs[lane]) * BENCH_EVENT_BYTES);
}

static void report(struct lanes *lanes)
{
    struct bench_results *results = &lanes->bench->results;
    unsigned n = lanes->bench->rounds;
    double open = ratio(lanes, OPEN), sealed = ratio(lanes, SEALED);

    bench_result_add(results, (struct bench_row){"raw LMDB, append-only table, batch 500", "events/s",
                                      bench_quantile(lanes->rates[RAW], n, 0.5), BENCH_SHOWN, 0});
    bench_result_add(results, (struct bench_row){"open events", "events/s",
                                      bench_quantile(lanes->rates[OPEN], n, 0.5), BENCH_SHOWN, 0});
    bench_result_add(results, (struct bench_row){"sealed events, a person of eight fields", "events/s",
                                      bench_quantile(lanes->rates[SEALED], n, 0.5), BENCH_SHOWN, 0});
    bench_result_add(
            results, (struct bench_row){"open events : raw LMDB", "ratio", open, BENCH_AT_LEAST, 0.5});
    bench_result_add(
            results, (struct bench_row){"sealed events : raw LMDB", "ratio", sealed, BENCH_AT_LEAST, 0.15});
    bench_result_add(results, (struct bench_row){"disk a byte of an open event", "bytes",
                                      per_byte(lanes, OPEN, "open"), BENCH_AT_MOST, 1.5});
    bench_result_add(results, (struct bench_row){"disk a byte of a sealed event", "bytes",
                                      per_byte(lanes, SEALED, "sealed"), BENCH_AT_MOST, 3});
}

int bench_appending(struct bench *bench)
{
    struct lanes *lanes = calloc(1, sizeof *lanes);
    int r;

    if (!lanes)
        return bench_fail(bench, MR_ENOMEM, "bench");
    if (bench->rounds > ROUNDS_MAX)
        bench->rounds = ROUNDS_MAX;
    lanes->bench = bench;
    bench_say("appending: %u rounds of %llu events: raw, open, sealed", bench->rounds,
            (unsigned long long)bench->round_events);
    r = open_raw(lanes);
    if (r == 0)
        r = open_log(lanes, OPEN, "open");
    if (r == 0)
        r = open_log(lanes, SEALED, "sealed");
    if (r == 0)
        r = run_rounds(lanes);
    if (r == 0)
        report(lanes);
    close_lanes(lanes);
    free(lanes);
    return bench_fail(bench, r, "appending");
}
