#include "tests/crash/replay/finish.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "hub/keep/compactor.h"
#include "hub/erasure/eraser.h"
#include "hub/keep/hold_rows.h"
#include "hub/index/indexer.h"
#include "hub/own.h"
#include "tests/crash/replay/reopened_internal.h"
#include "tests/support/tmpdir.h"

enum { WAIT_MS = 60 * 1000, TURN_MS = 3 };

/* The threads behind prepare and writer, and what they say to each other. */
struct behind {
    struct look *look;
    struct mr_indexer *indexer;
    struct mr_compactor *compactor;
    struct mr_eraser *_Atomic eraser;
};

static void on_said(void *ctx)
{
    mr_indexer_wake(((struct behind *)ctx)->indexer);
}

static void on_strip(void *ctx)
{
    mr_compactor_wake(((struct behind *)ctx)->compactor);
}

static void on_stripped(void *ctx)
{
    struct mr_eraser *eraser = ((struct behind *)ctx)->eraser;

    if (eraser)
        mr_eraser_wake(eraser);
}

static void start(struct behind *b, struct look *look, const struct again *again)
{
    struct mr_compactor_options compacting = {.house = &look->house,
            .writer = again->writer,
            .prepare = again->prepare,
            .news = on_said,
            .stripped = on_stripped,
            .ctx = b};
    struct mr_eraser_options erasing = {
            .house = &look->house, .prepare = again->prepare, .said = on_said, .strip = on_strip, .ctx = b};
    struct mr_eraser *eraser;
    struct mr_error error = {0};

    b->look = look;
    mr_log_reader_pause(look->reader); /* files are written anew when nobody reads */
    look_want(look, mr_indexer_start(&b->indexer, &look->house), "the indexer", &error);
    look_want(look, mr_compactor_start(&b->compactor, &compacting, &error), "the compactor", &error);
    erasing.indexer = b->indexer;
    look_want(look, mr_eraser_start(&eraser, &erasing, &error), "the eraser", &error);
    b->eraser = eraser;
    mr_indexer_wake(b->indexer);
}

static void stop(struct behind *b)
{
    mr_eraser_stop(b->eraser);
    mr_compactor_stop(b->compactor);
    mr_indexer_stop(b->indexer);
    mr_eraser_free(b->eraser);
}

/* ---- erasures ---- */

enum { REQUESTS_MAX = 32 };

struct requests {
    uint64_t count;
    uint32_t states[REQUESTS_MAX];
};

static int add_request(void *ctx, const mr_erasure_request *request)
{
    struct requests *requests = ctx;

    if (requests->count < REQUESTS_MAX)
        requests->states[requests->count++] = request->state;
    return 0;
}

static struct requests read_requests(const struct look *look)
{
    struct requests requests = {0};
    struct mr_error error = {0};

    look_want(look, mr_erasure_all(look->house.log, add_request, &requests), "the requests", &error);
    return requests;
}

/* As the officers would: what was not durable is said again. */
static void ask(const struct behind *b, const struct job_erasure *job, uint64_t number)
{
    const struct mr_erasure_wish wish = {.snils = job->snils,
            .basis = "consent-withdrawn",
            .case_text = "file 7 of 2026",
            .operator_name = "officer"};
    struct requests requests = read_requests(b->look);
    struct mr_error error = {0};
    uint64_t new_number;

    if (requests.count < number) {
        look_want(b->look, mr_eraser_request(b->eraser, &wish, &new_number, &error), "a request", &error);
        requests = read_requests(b->look);
    }
    if (requests.states[number - 1] == MR_ERASURE_REQUESTED)
        look_want(b->look, mr_eraser_approve(b->eraser, number, "head", &error), "an approval", &error);
}

static void await_completed(const struct behind *b, uint64_t number)
{
    char waits[MR_ERASER_WAITS_BYTES];

    for (int ms = 0; read_requests(b->look).states[number - 1] != MR_ERASURE_COMPLETED; ms += TURN_MS) {
        (void)poll(NULL, 0, TURN_MS);
        if (ms < WAIT_MS)
            continue;
        mr_eraser_waits(b->eraser, number, waits);
        look_found(b->look, "request %llu does not come to its end: %s", (unsigned long long)number, waits);
    }
}

static void expect_clean(const struct look *look, const struct job_erasure *job)
{
    char where[512];

    if (!job_erasure_is_clean(
                mr_tmpdir_path(look->dir, "store"), mr_slice(job->key_id, sizeof job->key_id), where))
        look_found(look, "the key id of an erased person is in %s", where);
}

void finish_erasures(struct look *look, struct again *again, const void *ctx)
{
    const struct finish_erasures *all = ctx;
    struct behind b = {0};
    uint64_t count = 0;

    while (count < all->count && all->jobs[count].event->leaves_at <= look->cut)
        count++;
    start(&b, look, again);
    for (uint64_t i = 0; i < count; i++)
        ask(&b, &all->jobs[i], i + 1);
    for (uint64_t i = 0; i < count; i++)
        await_completed(&b, i + 1);
    stop(&b);
    for (uint64_t i = 0; i < count; i++)
        expect_clean(look, &all->jobs[i]);
    look->finished = true;
}

/* ---- retention ---- */

static long ahead_days; /* the process looks at one store only */

static int64_t later(void *ctx)
{
    (void)ctx;
    return mr_clock_wall_us(mr_clock_system()) + ahead_days * INT64_C(86400000000);
}

static int add_hold(void *ctx, struct mr_slice key, struct mr_slice value)
{
    (void)value;
    mr_buf_put_slice(ctx, key);
    return 0;
}

static int drop_holds(struct mr_own *own, struct mr_log_batch *batch)
{
    const struct mr_buf *keys = own->ctx;
    int r = 0;

    for (size_t at = 0; r == 0 && at < keys->size; at += MR_HOLD_ROW_KEY_BYTES)
        r = mr_log_batch_del(batch, MR_LOG_HOLD, mr_slice(keys->data + at, MR_HOLD_ROW_KEY_BYTES));
    return r;
}

static void release_holds(struct look *look, const struct again *again)
{
    struct mr_buf keys = MR_BUF_INIT;
    struct mr_own own = {.rows = drop_holds, .ctx = &keys};
    struct mr_error error = {0};

    look_want(look,
            mr_log_rows(look->reader, MR_LOG_HOLD, mr_slice(NULL, 0), mr_slice(NULL, 0), add_hold, &keys),
            "the holds", &error);
    look_want(look, mr_own_say(again->prepare, &own, &error), "the holds", &error);
    mr_buf_fini(&keys);
}

static bool has_begun(const struct look *look)
{
    const struct history_producer *portal = &look->history->producers[HISTORY_PORTAL];

    return portal->count > 0 && portal->events[0].leaves_at <= look->cut;
}

void finish_retention(struct look *look, struct again *again, const void *ctx)
{
    static struct mr_clock clock;
    struct mr_compactor_run run = {0};
    struct mr_error error = {0};
    struct behind b = {0};

    if (!has_begun(look))
        return;
    ahead_days = *(const long *)ctx;
    clock = *mr_clock_system();
    clock.wall_us = later;
    look->house.clock = &clock;
    release_holds(look, again);
    start(&b, look, again);
    look_want(look, mr_compactor_wait(b.compactor, mr_compactor_ask(b.compactor), WAIT_MS, &run), "a run",
            &error);
    look_want(look, run.status, "a run of retention", &error);
    stop(&b);
    look->finished = true;
}
