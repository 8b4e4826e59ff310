/*
 * How long commits wait while an environment is compacted in place: mr-bench-compact DIR GIB [BATCH]
 * Fills an environment below DIR with rows of 450 bytes, as the growing log has them, then commits BATCH rows
 * (100) at a time without a pause: alone for some seconds, and through a compaction.
 */
#include <stdatomic.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "proto/base/bytes.h"
#include "proto/base/slice.h"
#include "store/kv.h"

enum { VALUE_BYTES = 450, FILL_BATCH = 20000, ALONE_S = 5, SAMPLES_MAX = 4 << 20, SLOW_US = 100000 };

static const char *const tables[] = {"meta", "records"};

struct bench {
    struct mr_kv *kv;
    uint64_t next;
    unsigned batch;
    atomic_bool stop;
    uint32_t *us; /* SAMPLES_MAX */
    size_t count;
};

static int64_t now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what, int r)
{
    (void)fprintf(stderr, "%s: %s\n", what, mr_err_text(r));
    exit(1);
}

static void commit_rows(struct bench *b, unsigned count)
{
    uint8_t key[8], value[VALUE_BYTES];
    struct mr_kv_txn *txn;
    int r = mr_kv_begin_write(b->kv, &txn);

    for (unsigned i = 0; r == 0 && i < count; i++) {
        uint64_t x = b->next * 0x9e3779b97f4a7c15;

        mr_put_be64(key, b->next++);
        for (size_t at = 0; at + 8 <= sizeof value; at += 8, x = x * 6364136223846793005 + 1)
            mr_put_be64(value + at, x);
        r = mr_kv_append(txn, 1, mr_slice(key, sizeof key), mr_slice(value, sizeof value));
    }
    mr_put_be64(key, b->next);
    if (r == 0)
        r = mr_kv_put(txn, 0, mr_slice_str("head"), mr_slice(key, sizeof key));
    if (r == 0)
        r = mr_kv_commit(txn);
    if (r < 0)
        die("commit", r);
}

static void commit_one(struct bench *b)
{
    int64_t begun = now_us();

    commit_rows(b, b->batch);
    if (b->count < SAMPLES_MAX)
        b->us[b->count++] = (uint32_t)(now_us() - begun);
}

static void *commit_all_the_time(void *ctx)
{
    struct bench *b = ctx;

    while (!atomic_load(&b->stop))
        commit_one(b);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static void report(struct bench *b, const char *what, double seconds)
{
    uint64_t slow = 0, slow_us = 0;

    qsort(b->us, b->count, sizeof *b->us, compare);
    for (size_t i = 0; i < b->count; i++)
        if (b->us[i] > SLOW_US) {
            slow++;
            slow_us += b->us[i];
        }
    (void)printf("%-10s %6.1f s  %6zu commits  p50 %.1f  p99 %.1f  max %.1f ms  above 100 ms: %llu, together "
                 "%.2f s\n",
            what, seconds, b->count, b->us[b->count / 2] / 1e3, b->us[b->count * 99 / 100] / 1e3,
            b->us[b->count - 1] / 1e3, (unsigned long long)slow, (double)slow_us / 1e6);
}

static void run_alone(struct bench *b)
{
    int64_t begun = now_us();

    b->count = 0;
    while (now_us() - begun < ALONE_S * INT64_C(1000000))
        commit_one(b);
    report(b, "alone", (double)(now_us() - begun) / 1e6);
}

static void run_compacting(struct bench *b)
{
    struct mr_kv_compaction result;
    struct mr_error error = {0};
    int64_t begun = now_us();
    pthread_t thread;
    int r;

    b->count = 0;
    if (pthread_create(&thread, NULL, commit_all_the_time, b) != 0)
        die("thread", MR_ESYSTEM);
    r = mr_kv_compact(b->kv, &result, &error);
    atomic_store(&b->stop, true);
    (void)pthread_join(thread, NULL);
    if (r < 0)
        die(error.what, r);
    report(b, "compacting", (double)(now_us() - begun) / 1e6);
    (void)printf("           %.2f -> %.2f GiB\n", (double)result.before_bytes / (1 << 30),
            (double)result.after_bytes / (1 << 30));
}

int main(int argc, char **argv)
{
    const struct mr_kv_options options = {
            .dir = argc > 2 ? argv[1] : "", .tables = tables, .tables_count = 2, .exclusive = true};
    double gib = argc > 2 ? strtod(argv[2], NULL) : 0;
    struct bench b = {.batch = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 100, .next = 1};
    struct mr_error error = {0};
    int r;

    if (gib <= 0 || b.batch == 0) {
        (void)fprintf(stderr, "usage: mr-bench-compact DIR GIB [BATCH]\n");
        return 64;
    }
    b.us = calloc(SAMPLES_MAX, sizeof *b.us);
    r = b.us ? mr_kv_open(&b.kv, &options, &error) : MR_ENOMEM;
    if (r < 0)
        die(error.what, r);
    while ((double)b.next * VALUE_BYTES < gib * (1 << 30))
        commit_rows(&b, FILL_BATCH);
    run_alone(&b);
    run_compacting(&b);
    run_alone(&b);
    mr_kv_close(b.kv);
    free(b.us);
    return 0;
}
