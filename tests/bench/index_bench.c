/*
 * Figures of the index for development: mr-bench-index synthetic N | events N
 * synthetic: N records of nine entries each straight into the index: rate at the beginning and at the end,
 * bytes a record, look-ups. events: N made-up events through prepare into a log, then the indexer over them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hub/index/indexer.h"
#include "proto/base/bytes.h"
#include "store/index.h"
#include "tests/support/hub_env.h"
#include "tests/support/tmpdir.h"

enum { BATCH = 20000, LOOKS = 100000, PERSONS_EVENTS = 100 };

static double now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long anonymous_kib(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[128];
    long kib = -1;

    while (f && fgets(line, sizeof line, f))
        (void)sscanf(line, "RssAnon: %ld", &kib);
    if (f)
        (void)fclose(f);
    return kib;
}

static void key_of(uint64_t what, uint64_t n, uint8_t key[static MR_INDEX_KEY_BYTES])
{
    uint64_t z = n * 0x9e3779b97f4a7c15 + what;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    memset(key, 0, MR_INDEX_KEY_BYTES);
    mr_put_be64(key, z ^ z >> 31);
}

/* The nine entries of record n: as an event of a person in a region of 1,000 schools has them. */
static void put_record(struct mr_index_batch *batch, uint64_t n, uint64_t records)
{
    const struct {
        enum mr_index_kind kind;
        uint64_t key;
    } entries[] = {{MR_INDEX_IDENT, n}, {MR_INDEX_EVENT_ID, n}, {MR_INDEX_CORRELATION, n / 3},
            {MR_INDEX_SUBSCRIPTION, n % 2}, {MR_INDEX_SUBSCRIPTION, 2 + n % 3}, {MR_INDEX_TYPE, n % 20},
            {MR_INDEX_SYSTEM, n % 4}, {MR_INDEX_ORGANISATION, n % 1009},
            {MR_INDEX_PERSON, n * 2654435761U % (records / PERSONS_EVENTS + 1)}};
    uint8_t key[MR_INDEX_KEY_BYTES];

    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        key_of(entries[i].kind, entries[i].key, key);
        assert_int_equal(mr_index_batch_put(batch, entries[i].kind, key, n), 0);
    }
}

static void look_ups(struct mr_index *index, uint64_t records)
{
    struct mr_index_reader *reader;
    uint64_t got[PERSONS_EVENTS * 2];
    uint8_t key[MR_INDEX_KEY_BYTES];
    double start = now_s(), found = 0;

    assert_int_equal(mr_index_reader_open(index, &reader), 0);
    for (uint64_t i = 0; i < LOOKS; i++) {
        key_of(MR_INDEX_IDENT, records + 1 + i, key);
        found += mr_index_reader_find_last(reader, MR_INDEX_IDENT, key, UINT64_MAX, got, 1);
    }
    (void)printf("new identity: %.2f us (found %g)\n", (now_s() - start) * 1e6 / LOOKS, found);
    start = now_s();
    found = 0;
    for (uint64_t i = 0; i < LOOKS; i++) {
        key_of(MR_INDEX_IDENT, 1 + i * 2654435761U % records, key);
        found += mr_index_reader_find_last(reader, MR_INDEX_IDENT, key, UINT64_MAX, got, 1);
    }
    (void)printf("known identity: %.2f us (found %g of %d)\n", (now_s() - start) * 1e6 / LOOKS, found, LOOKS);
    start = now_s();
    found = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        key_of(MR_INDEX_PERSON, i * 7919 % (records / PERSONS_EVENTS + 1), key);
        found += mr_index_reader_find(reader, MR_INDEX_PERSON, key, 0, got, PERSONS_EVENTS * 2);
    }
    (void)printf("numbers of a person: %.1f us (%.1f numbers)\n", (now_s() - start) * 1e3, found / 1000);
    mr_index_reader_close(reader);
}

static bool every_other(void *ctx, uint64_t number)
{
    (void)ctx;
    return number % 2 == 0;
}

/* Half of the first million expires: what comes from inside of them goes. */
static void thin(struct mr_index *index, uint64_t records)
{
    const uint32_t inside = 1u << MR_INDEX_EVENT_ID | 1u << MR_INDEX_CORRELATION |
                            1u << MR_INDEX_ORGANISATION | 1u << MR_INDEX_PERSON;
    uint64_t last = records < 1000000 ? records : 1000000;
    double start = now_s();

    assert_int_equal(mr_index_thin(index, inside, 1, last, every_other, NULL), 0);
    (void)printf("thinned %llu records: %.2f s\n", (unsigned long long)last, now_s() - start);
}

static void synthetic(uint64_t records)
{
    char *dir = mr_tmpdir_new();
    struct mr_index *index;
    struct mr_index_usage usage;
    double start = now_s(), part = start, slowest = 0;

    assert_int_equal(mr_index_open(&index, dir, false, NULL), 0);
    for (uint64_t n = 1; n <= records;) {
        struct mr_index_batch *batch;
        double begun = now_s();

        assert_int_equal(mr_index_batch_begin(index, &batch), 0);
        for (uint64_t i = 0; i < BATCH && n <= records; i++, n++)
            put_record(batch, n, records);
        assert_int_equal(mr_index_batch_commit(batch, n - 1), 0);
        for (int i = 0; i < 2 && mr_index_merge(index) == 1; i++)
            ;
        if (now_s() - begun > slowest)
            slowest = now_s() - begun;
        if ((n - 1) % 1000000 == 0) {
            (void)mr_index_usage(index, &usage);
            (void)printf("%llu: %.0f records/s, slowest batch %.2f s, %llu runs, %.1f B/record in use, %.1f "
                         "of file, "
                         "anonymous %ld KiB\n",
                    (unsigned long long)(n - 1), 1e6 / (now_s() - part), slowest,
                    (unsigned long long)usage.runs, (double)usage.used_bytes / (double)(n - 1),
                    (double)usage.file_bytes / (double)(n - 1), anonymous_kib());
            part = now_s();
            slowest = 0;
        }
    }
    (void)printf("all: %.0f records/s\n", (double)records / (now_s() - start));
    look_ups(index, records);
    thin(index, records);
    mr_index_close(index);
    mr_tmpdir_free(dir);
}

static void publish(struct hub_env *env, uint64_t from, uint64_t count)
{
    struct mr_buf *events = calloc(count, sizeof *events);
    char snils[12], id[32];

    for (uint64_t i = 0; i < count; i++) {
        uint64_t n = from + i;

        (void)snprintf(id, sizeof id, "e-%llu", (unsigned long long)n);
        (void)snprintf(snils, sizeof snils, "%s",
                n % 3 == 0   ? "11223344595"
                : n % 3 == 1 ? "12345678964"
                             : "00101998900");
        if (n / 1000 % 2 == 0)
            hub_env_programme(&events[i], id);
        else
            hub_env_deficit(&events[i], id, snils, NULL);
    }
    mr_intake_free(hub_env_publish(env, from / 1000 % 2 == 0 ? "portal" : "copmkp", events, count, from));
    for (uint64_t i = 0; i < count; i++)
        mr_buf_fini(&events[i]);
    free(events);
}

static void events(uint64_t count)
{
    void *state = NULL;
    struct hub_env *env;
    double start;

    assert_int_equal(hub_env_setup(&state), 0);
    env = state;
    env->config->hub.index_lag_max = 10 * 1000 * 1000; /* nobody indexes yet */
    start = now_s();
    for (uint64_t n = 0; n < count; n += 1000)
        publish(env, n, 1000);
    (void)printf(
            "published %llu in %.1f s\n", (unsigned long long)mr_log_head(env->house.log), now_s() - start);
    start = now_s();
    assert_int_equal(mr_indexer_run_once(&env->house, NULL), 0);
    (void)printf("indexed: %.0f events/s, anonymous %ld KiB\n", (double)count / (now_s() - start),
            anonymous_kib());
    assert_int_equal(mr_view_clear(env->house.view), 0);
    start = now_s();
    assert_int_equal(mr_indexer_run_once(&env->house, NULL), 0);
    (void)printf("views only: %.0f events/s\n", (double)count / (now_s() - start));
    assert_int_equal(mr_index_clear(env->house.index), 0);
    start = now_s();
    assert_int_equal(mr_indexer_run_once(&env->house, NULL), 0);
    (void)printf("index only: %.0f events/s\n", (double)count / (now_s() - start));
    (void)hub_env_teardown(&state);
}

int main(int argc, char **argv)
{
    uint64_t count = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;

    if (count >= 1000 && strcmp(argv[1], "synthetic") == 0)
        synthetic(count);
    else if (count >= 1000 && strcmp(argv[1], "events") == 0)
        events(count);
    else
        return fprintf(stderr, "usage: mr-bench-index synthetic N | events N (from 1000)\n"), 64;
    return 0;
}
