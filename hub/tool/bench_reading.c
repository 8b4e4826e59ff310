/* Reading the large log: in order, a person's history, proofs, the whole tree again. */
#include <stdlib.h>

#include "hub/index/index_keys.h"
#include "hub/record/opened.h"
#include "hub/tool/bench.h"
#include "hub/tool/log_tiles.h"

enum { HISTORIES = 200, HISTORY_MAX = 100, PROOFS = 2000 };

/* ---- in order ---- */

static int read_all(struct bench *bench, struct mr_log_reader *reader, struct mr_record_view *view)
{
    uint64_t head = mr_log_reader_head(reader), bytes = 0;
    double began = bench_seconds();
    int r = 0;

    bench_say("reading %llu records in order", (unsigned long long)head);
    for (uint64_t n = 1; r == 0 && n <= head; n++) {
        r = n == 1 ? mr_log_read(reader, n, view, &bench->error)
                   : mr_log_read_next(reader, view, &bench->error);
        if (r == 0)
            bytes += view->record.leaf.size;
    }
    if (r == 0 && bytes > 0)
        bench_result_add(
                &bench->results, (struct bench_row){"sequential read, CRC checked", "events/s",
                                         (double)head / (bench_seconds() - began), BENCH_AT_LEAST, 1e6});
    return r;
}

/* ---- a person's history ---- */

struct history {
    struct bench *bench;
    struct mr_log_reader *reader;
    struct mr_record_view *view;
    struct mr_opened opened;
    uint64_t numbers[HISTORY_MAX];
    size_t events; /* of all persons looked at */
};

/* Numbers by the index, each record read, opened and decoded. */
static int one_history(struct history *h, const struct mr_seal_person *person)
{
    const struct mr_house *house = &h->bench->home.house;
    uint8_t key[MR_INDEX_KEY_BYTES];
    int n, r = 0;

    mr_index_key_person(&person->key, key);
    n = mr_index_find(house->index, MR_INDEX_PERSON, key, 0, h->numbers, HISTORY_MAX);
    for (int i = 0; r == 0 && i < n; i++) {
        r = mr_log_read(h->reader, h->numbers[i], h->view, &h->bench->error);
        if (r == 0)
            r = mr_opened_read(&h->opened, house, &h->view->record, MR_PURPOSE_SHOW, &h->bench->error);
    }
    h->events += n > 0 ? (size_t)n : 0;
    return n < 0 ? n : r;
}

static int read_histories(struct bench *bench, struct mr_log_reader *reader, struct mr_record_view *view)
{
    const struct bench_house *home = &bench->home;
    struct history h = {.bench = bench, .reader = reader, .view = view};
    size_t count = home->persons_count < HISTORIES ? home->persons_count : HISTORIES;
    double ms[HISTORIES];
    int r = 0;

    bench_say("histories of %zu persons", count);
    mr_opened_init(&h.opened);
    for (size_t i = 0; r == 0 && i < count; i++) {
        double began = bench_seconds();

        r = one_history(&h, &home->persons[i * home->persons_count / count]);
        ms[i] = (bench_seconds() - began) * 1e3;
    }
    mr_opened_fini(&h.opened);
    if (r < 0)
        return r;
    bench_result_add(&bench->results, (struct bench_row){"person's history, median", "ms",
                                              bench_quantile(ms, count, 0.5), BENCH_AT_MOST, 5});
    bench_result_add(&bench->results, (struct bench_row){"person's history, p99", "ms",
                                              bench_quantile(ms, count, 0.99), BENCH_SHOWN, 0});
    bench_result_add(&bench->results,
            (struct bench_row){"  events in it", "events", (double)h.events / (double)count, BENCH_SHOWN, 0});
    return 0;
}

/* ---- proofs ---- */

static int prove(struct bench *bench, struct mr_log_reader *reader)
{
    uint64_t size = mr_log_reader_head(reader), random = 1;
    double us[PROOFS];
    int r = 0;

    bench_say("%d inclusion proofs", PROOFS);
    for (size_t i = 0; r == 0 && i < PROOFS; i++) {
        struct mr_merkle_path path;
        double began = bench_seconds();

        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        r = mr_log_inclusion(reader, 1 + (random >> 16) % size, size, &path);
        us[i] = (bench_seconds() - began) * 1e3;
    }
    if (r < 0)
        return r;
    bench_result_add(&bench->results, (struct bench_row){"inclusion proof, median", "ms",
                                              bench_quantile(us, PROOFS, 0.5), BENCH_AT_MOST, 1});
    bench_result_add(&bench->results, (struct bench_row){"inclusion proof, p99", "ms",
                                              bench_quantile(us, PROOFS, 0.99), BENCH_AT_MOST, 1});
    return 0;
}

/* ---- the whole tree, as marshrut log verify does ---- */

static int load_tile(void *ctx, unsigned level, uint64_t tile, unsigned width,
        uint8_t (*ret)[MR_MERKLE_BYTES], struct mr_error *reterr)
{
    (void)reterr;
    return mr_log_tile(ctx, level, tile * MR_TILE_WIDTH, width, ret);
}

static int verify(struct bench *bench, struct mr_log_reader *reader, struct mr_record_view *view)
{
    struct tile_check *check = calloc(1, sizeof *check);
    struct mr_checkpoint whole = {.size = mr_log_reader_head(reader)};
    double began = bench_seconds();
    int r = check ? mr_log_tree_root(reader, whole.size, whole.root) : MR_ENOMEM;

    if (!check)
        return r;
    bench_say("verifying %llu leaves", (unsigned long long)whole.size);
    *check =
            (struct tile_check){.size = whole.size, .load = load_tile, .ctx = reader, .error = &bench->error};
    for (uint64_t n = 1; r == 0 && n <= whole.size; n++) {
        r = mr_log_read(reader, n, view, &bench->error);
        if (r == 0)
            r = tile_check_entry(check, view->record.leaf);
    }
    if (r == 0)
        r = tile_check_root(check, &whole);
    free(check);
    if (r == 0)
        bench_result_add(&bench->results,
                (struct bench_row){"full verification", "leaves/s",
                        (double)whole.size / (bench_seconds() - began), BENCH_AT_LEAST, 500000});
    return r;
}

int bench_reading(struct bench *bench)
{
    struct mr_record_view *view = malloc(sizeof *view);
    struct mr_log_reader *reader = NULL;
    int r = view ? mr_log_reader_open(bench->home.house.log, &reader) : MR_ENOMEM;

    if (r == 0)
        r = read_all(bench, reader, view);
    if (r == 0)
        r = read_histories(bench, reader, view);
    if (r == 0)
        r = prove(bench, reader);
    if (r == 0)
        r = verify(bench, reader, view);
    mr_log_reader_close(reader);
    free(view);
    return bench_fail(bench, r, "reading");
}
