#include "tests/support/eraser_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "hub/own.h"
#include "store/log_segment.h"
#include "tests/support/spawn.h"

/* ---- the compactor's work, as far as it matters here ---- */

static int collect_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    mr_buf_put_slice(ctx, key);
    mr_buf_put_slice(ctx, value);
    return 0;
}

static int strip_rows(struct mr_own *own, struct mr_log_batch *batch)
{
    const struct mr_buf *rows = own->ctx;
    int r = 0;

    for (size_t at = 0; r == 0 && at + 10 <= rows->size; at += 10) {
        r = mr_log_batch_strip(batch, mr_get_be64(rows->data + at), mr_get_be16(rows->data + at + 8));
        r = r == MR_ECORRUPT ? 0 : r; /* its row stays */
    }
    return r;
}

static void on_strip(void *ctx)
{
    struct eraser_env *f = ctx;
    struct mr_log_reader *reader;
    struct mr_buf rows = MR_BUF_INIT;
    struct mr_own own = {.rows = strip_rows, .ctx = &rows};

    if (f->compactor_away)
        return;
    assert_int_equal(mr_log_reader_open(f->env->house.log, &reader), 0);
    assert_int_equal(
            mr_log_rows(reader, MR_LOG_STRIP, mr_slice(NULL, 0), mr_slice(NULL, 0), collect_row, &rows), 0);
    mr_log_reader_close(reader);
    assert_int_equal(mr_own_say(f->env->prepare, &own, NULL), 0);
    mr_buf_fini(&rows);
}

static void on_said(void *ctx)
{
    mr_indexer_wake(((struct eraser_env *)ctx)->indexer);
}

/* ---- the fixture ---- */

void eraser_env_start(struct eraser_env *f)
{
    struct mr_eraser_options options = {
            .house = &f->env->house, .said = on_said, .strip = on_strip, .ctx = f};
    struct mr_error error = {0};

    assert_int_equal(mr_indexer_start(&f->indexer, f->elsewhere ? &f->elsewhere->house : &f->env->house), 0);
    options.prepare = f->env->prepare;
    options.indexer = f->indexer;
    if (mr_eraser_start(&f->eraser, &options, &error) != 0)
        fail_msg("%s", error.what);
}

void eraser_env_stop(struct eraser_env *f)
{
    mr_eraser_stop(f->eraser);
    mr_eraser_free(f->eraser);
    mr_indexer_stop(f->indexer);
}

void eraser_env_indexer_rests(struct eraser_env *f, bool rests)
{
    void *env = f->elsewhere;

    eraser_env_stop(f);
    if (rests)
        assert_int_equal(hub_env_setup(&env), 0);
    else
        (void)hub_env_teardown(&env);
    f->elsewhere = rests ? env : NULL;
    eraser_env_start(f);
}

int eraser_env_setup(void **state)
{
    struct eraser_env *f = calloc(1, sizeof *f);
    void *env;

    assert_int_equal(hub_env_setup(&env), 0);
    f->env = env;
    eraser_env_start(f);
    *state = f;
    return 0;
}

int eraser_env_teardown(void **state)
{
    struct eraser_env *f = *state;
    void *env = f->env;

    if (f->elsewhere)
        eraser_env_indexer_rests(f, false);
    eraser_env_stop(f);
    (void)hub_env_teardown(&env);
    free(f);
    return 0;
}

uint64_t eraser_env_publish(struct eraser_env *f, const char *system, struct mr_buf *event)
{
    static uint64_t sequence = 1;
    struct mr_intake *intake = hub_env_publish(f->env, system, event, 1, sequence++);
    uint64_t number = intake->items[0].number;

    mr_intake_free(intake);
    mr_buf_wipe(event);
    mr_indexer_wake(f->indexer);
    return number;
}

uint64_t eraser_env_deficit(struct eraser_env *f, const char *id, const char *snils, const char *local_id)
{
    struct mr_buf event = MR_BUF_INIT;

    hub_env_deficit(&event, id, snils, local_id);
    return eraser_env_publish(f, "copmkp", &event);
}

int eraser_env_look(void *ctx, const mr_erasure_request *request)
{
    struct eraser_seen *w = ctx;

    if (request->number != w->number)
        return 0;
    w->found = request->state;
    w->notices = request->n_notices;
    w->unanswered = 0;
    for (size_t i = 0; i < request->n_notices; i++)
        w->unanswered += request->notices[i]->state == MR_NOTICE_WAITING;
    w->events = request->events;
    w->quarantined = request->quarantined;
    w->ended = request->event_ended;
    return 0;
}

/* Until the request is in the state; it works on a thread of its own. */
static bool is_in_state(void *ctx)
{
    struct eraser_seen *w = ctx;

    return mr_erasure_all(w->log, eraser_env_look, w) == 0 && w->found == w->state;
}

struct eraser_seen eraser_env_await(struct eraser_env *f, uint64_t number, uint32_t state)
{
    struct eraser_seen w = {.log = f->env->house.log, .number = number, .state = state};

    spawn_until(mr_erasure_state_name(state), is_in_state, &w);
    return w;
}

int eraser_env_request(struct eraser_env *f, const char *snils, uint64_t *ret, struct mr_error *reterr)
{
    const struct mr_erasure_wish wish = {.snils = snils,
            .basis = "consent-withdrawn",
            .case_text = "file 7 of 2026",
            .operator_name = "pd-1"};

    return mr_eraser_request(f->eraser, &wish, ret, reterr);
}

int eraser_env_open(struct eraser_env *f, uint64_t number, enum mr_purpose purpose)
{
    struct mr_log_reader *reader;
    struct mr_record_view *view = calloc(1, sizeof *view);
    struct mr_unsealed unsealed = {0};
    int r;

    assert_int_equal(mr_log_reader_open(f->env->house.log, &reader), 0);
    r = mr_log_read(reader, number, view, NULL);
    if (r == 0)
        r = mr_unseal(&unsealed, &f->env->house, &view->record, purpose, NULL);
    mr_unsealed_fini(&unsealed);
    mr_log_reader_close(reader);
    free(view);
    return r;
}

static bool is_indexed(void *ctx)
{
    const struct mr_house *house = ctx;
    uint64_t head = mr_log_head(house->log);

    return mr_index_through(house->index) >= head && mr_view_through(house->view) >= head;
}

void eraser_env_await_indexed(struct eraser_env *f)
{
    mr_indexer_wake(f->indexer);
    spawn_until("indexed", is_indexed, &f->env->house);
}

void eraser_env_expect_as_rebuilt(struct eraser_env *f)
{
    uint8_t before[32], after[32];

    eraser_env_await_indexed(f);
    assert_int_equal(mr_index_digest(f->env->house.index, before, NULL, NULL), 0);
    eraser_env_stop(f);
    assert_int_equal(mr_index_clear(f->env->house.index), 0);
    assert_int_equal(mr_indexer_run_once(&f->env->house, NULL), 0);
    assert_int_equal(mr_index_digest(f->env->house.index, after, NULL, NULL), 0);
    assert_memory_equal(before, after, sizeof after);
    eraser_env_start(f);
}
