#include "hub/erasure/eraser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "hub/edition/edition.h"
#include "hub/erasure/eraser_internal.h"
#include "proto/base/list.h"
#include "proto/base/logfmt.h"
#include "store/fault.h"

enum { AGAIN_MS = 200, LOOK_MS = 3600 * 1000 /* terms pass without anybody saying so */ };

/* From which state, what is done, and which state it leads to; 0: the step keeps it itself. */
static const struct {
    enum mr_erasure_state from;
    int (*step)(struct mr_erasing *e);
    enum mr_erasure_state to;
    bool secret;       /* needs to know who it is */
    const char *fault; /* done, and not yet noted */
} steps[] = {
        {MR_ERASURE_APPROVED, mr_erasure_collect, MR_ERASURE_COLLECTED, true, "erase.collected"},
        {MR_ERASURE_COLLECTED, mr_erasure_tell, 0, true, "erase.told"},
        {MR_ERASURE_TOLD, mr_erasure_clean, MR_ERASURE_CLEANED, true, "erase.cleaned"},
        {MR_ERASURE_CLEANED, mr_erasure_prepare, 0, true, "erase.ready"},
        {MR_ERASURE_READY, mr_erasure_destroy, 0, false, "erase.destroyed"},
        {MR_ERASURE_DESTROYED, mr_erasure_confirm, MR_ERASURE_CONFIRMED, false, "erase.confirmed"},
        {MR_ERASURE_CONFIRMED, mr_erasure_await_strip, MR_ERASURE_STRIPPED, false, "erase.stripped"},
        {MR_ERASURE_STRIPPED, mr_erasure_write_act, MR_ERASURE_WRITTEN, false, "erase.written"},
        {MR_ERASURE_WRITTEN, mr_erasure_complete, 0, false, "erase.completed"},
};

/* With the lock. */
static void note_waits(struct mr_eraser *eraser, uint64_t number, const char *text)
{
    size_t i = number % MR_ERASER_WAITS;

    if (!*text && eraser->waits[i].number != number)
        return;
    eraser->waits[i].number = number;
    (void)snprintf(eraser->waits[i].text, sizeof eraser->waits[i].text, "%s", text);
}

static void step_on(struct mr_eraser *eraser, uint64_t number)
{
    (void)pthread_mutex_lock(&eraser->lock);
    note_waits(eraser, number, "");
    (void)pthread_mutex_unlock(&eraser->lock);
}

int mr_step_wait(struct mr_erasing *e, const char *waits_for)
{
    struct mr_eraser *eraser = e->eraser;

    (void)pthread_mutex_lock(&eraser->lock);
    if (e->request)
        note_waits(eraser, e->request->number, waits_for);
    (void)snprintf(eraser->status.waits_for, sizeof eraser->status.waits_for, "%s", waits_for);
    (void)pthread_mutex_unlock(&eraser->lock);
    return MR_STEP_WAIT;
}

/* ---- one request ---- */

static int open_erasing(struct mr_erasing *e, struct mr_eraser *eraser, uint64_t number)
{
    int r;

    *e = (struct mr_erasing){.eraser = eraser};
    mr_arena_init(&e->arena, MR_ERASURE_ARENA_BYTES);
    r = mr_log_reader_open(eraser->house->log, &e->reader);
    return r < 0 ? r : mr_erasure_read(e->reader, number, &e->arena, &e->request, &e->error);
}

static void close_erasing(struct mr_erasing *e)
{
    mr_log_reader_close(e->reader);
    mr_arena_fini(&e->arena);
    sodium_memzero(&e->key, sizeof e->key);
}

int mr_erasing_open_secret(struct mr_erasing *e)
{
    int r = e->request->item.len == MR_PERSON_ID_BYTES
                    ? mr_keyring_person_key(e->eraser->house->keyring, e->request->item.data, &e->key)
                    : MR_ECORRUPT;

    return r < 0 ? r : mr_erasure_secret_read(e->reader, e->request, &e->key, &e->arena, &e->secret);
}

/* Until it is collected it may be rejected: who is first. */
static int save_collected(struct mr_erasing *e)
{
    struct mr_arena arena;
    mr_erasure_request *now;
    int r;

    (void)pthread_mutex_lock(&e->eraser->asking);
    mr_arena_init(&arena, MR_ERASURE_ARENA_BYTES);
    r = mr_log_reader_renew(e->reader);
    if (r == 0)
        r = mr_erasure_read(e->reader, e->request->number, &arena, &now, &e->error);
    if (r == 0 && now->state != MR_ERASURE_APPROVED)
        e->request->state = now->state;
    else if (r == 0)
        r = mr_erasing_save(e, MR_ERASURE_COLLECTED);
    mr_arena_fini(&arena);
    (void)pthread_mutex_unlock(&e->eraser->asking);
    return r;
}

static int one_step(struct mr_erasing *e)
{
    for (size_t i = 0; i < MR_COUNT(steps); i++) {
        int r = 0;

        if (steps[i].from != e->request->state)
            continue;
        if (steps[i].secret)
            r = mr_erasing_open_secret(e);
        if (r == 0)
            r = steps[i].step(e);
        if (r == 0)
            r = MR_FAULT(steps[i].fault);
        if (r == 0 && steps[i].to == MR_ERASURE_COLLECTED)
            r = save_collected(e);
        else if (r == 0 && steps[i].to)
            r = mr_erasing_save(e, steps[i].to);
        if (r == 0)
            r = MR_FAULT("erase.saved");
        return r;
    }
    return 0;
}

static void say_failed(const struct mr_erasing *e, uint64_t number, int r)
{
    mr_warn("erasure.failed", "request", MR_N(number), "state",
            e->request ? mr_erasure_state_name(e->request->state) : "", "error", mr_err_name(r), "what",
            e->error.what[0] ? e->error.what : NULL, "cure", e->error.cure[0] ? e->error.cure : NULL);
}

/* Steps until it is over or has to wait. 1: it waits. */
static int work_on(struct mr_eraser *eraser, uint64_t number)
{
    uint32_t state;
    int r;

    do {
        struct mr_erasing e;

        r = open_erasing(&e, eraser, number);
        state = r == 0 ? e.request->state : 0;
        if (r == 0 && mr_erasure_runs(state))
            r = one_step(&e);
        if (r < 0) {
            say_failed(&e, number, r);
            (void)mr_step_wait(&e, mr_err_name(r));
        }
        if (r == 0)
            step_on(eraser, number);
        close_erasing(&e);
    } while (r == 0 && mr_erasure_runs(state));
    return r == 0 ? 0 : MR_STEP_WAIT;
}

/* ---- what there is to do ---- */

struct todo {
    struct mr_eraser *eraser;
    struct mr_buf running;  /* u64 numbers */
    struct mr_buf rejected; /* whose secret is still there */
    struct mr_buf damaged;  /* over, but for records that cannot be read */
    struct mr_eraser_status status;
    int64_t now_us;
};

static int look(void *ctx, const mr_erasure_request *request)
{
    struct todo *todo = ctx;
    uint64_t number = request->number;

    if (mr_erasure_runs(request->state))
        mr_buf_put(&todo->running, &number, sizeof number);
    if (request->state == MR_ERASURE_REJECTED && request->item.len > 0)
        mr_buf_put(&todo->rejected, &number, sizeof number);
    if (mr_erasure_reached(request->state, MR_ERASURE_COMPLETED) && request->n_damaged > 0)
        mr_buf_put(&todo->damaged, &number, sizeof number);
    todo->status.requested += request->state == MR_ERASURE_REQUESTED;
    todo->status.running += mr_erasure_runs(request->state);
    todo->status.overdue += (request->state == MR_ERASURE_REQUESTED || mr_erasure_runs(request->state)) &&
                            request->due_us < todo->now_us;
    for (size_t i = 0; i < request->n_notices; i++)
        todo->status.unanswered += request->notices[i]->state == MR_NOTICE_WAITING;
    return 0;
}

static uint64_t number_at(const struct mr_buf *numbers, size_t i)
{
    uint64_t number;

    memcpy(&number, numbers->data + i * sizeof number, sizeof number);
    return number;
}

static int look_around(struct mr_eraser *eraser, struct todo *todo)
{
    int r;

    *todo = (struct todo){.eraser = eraser, .now_us = mr_clock_wall_us(eraser->house->clock)};
    r = mr_erasure_all(eraser->house->log, look, todo);
    if (r == 0 && (mr_buf_failed(&todo->running) || mr_buf_failed(&todo->rejected) ||
                          mr_buf_failed(&todo->damaged)))
        r = MR_ENOMEM;
    return r;
}

static void todo_fini(struct todo *todo)
{
    mr_buf_fini(&todo->running);
    mr_buf_fini(&todo->rejected);
    mr_buf_fini(&todo->damaged);
}

/*
 * Who it was that somebody asked for is nobody's business once it is rejected. Its key goes without a
 * rotation, which would make every backup of keys/ dead: the next one takes it along (store/erasure.h).
 */
static int wind_up(struct mr_eraser *eraser, uint64_t number)
{
    struct mr_erasing e;
    int r = open_erasing(&e, eraser, number);

    if (r == 0)
        r = mr_erasure_set_state(eraser, e.request->item.data, MR_PERSON_DESTROYED);
    if (r == 0) {
        struct mr_erasure_saying saying = {.eraser = eraser, .request = e.request, .drop_secret = true};

        e.request->item.len = 0;
        r = mr_erasure_say(&saying, &e.error);
    }
    if (r < 0)
        say_failed(&e, number, r);
    close_erasing(&e);
    return r;
}

/* Also when it fails nobody waits for it: it is tried at the next look around. */
static void finish_damaged(struct mr_eraser *eraser, uint64_t number)
{
    struct mr_erasing e;
    int r = open_erasing(&e, eraser, number);

    if (r == 0)
        r = mr_erasure_damaged_finish(&e);
    if (r < 0)
        say_failed(&e, number, r);
    close_erasing(&e);
}

/* Everything that can be done now. True: something waits. */
static bool work(struct mr_eraser *eraser)
{
    struct todo todo;
    bool waits = false;
    int r = look_around(eraser, &todo);

    for (size_t i = 0; r == 0 && i < todo.rejected.size / sizeof(uint64_t); i++)
        waits |= wind_up(eraser, number_at(&todo.rejected, i)) < 0;
    for (size_t i = 0; r == 0 && i < todo.running.size / sizeof(uint64_t); i++)
        waits |= work_on(eraser, number_at(&todo.running, i)) != 0;
    for (size_t i = 0; r == 0 && i < todo.damaged.size / sizeof(uint64_t); i++)
        finish_damaged(eraser, number_at(&todo.damaged, i));
    todo_fini(&todo);
    if (r == 0)
        r = mr_erasure_answers(eraser);
    waits |= r < 0;
    if (look_around(eraser, &todo) == 0) {
        (void)pthread_mutex_lock(&eraser->lock);
        if (waits)
            memcpy(todo.status.waits_for, eraser->status.waits_for, sizeof todo.status.waits_for);
        eraser->status = todo.status;
        (void)pthread_mutex_unlock(&eraser->lock);
    }
    todo_fini(&todo);
    return waits;
}

/* ---- after a kill ---- */

struct recover {
    struct mr_eraser *eraser;
    bool blocked; /* now those that are to be blocked, else those that are not */
};

static int recover_one(void *ctx, const mr_erasure_request *request)
{
    const struct recover *recover = ctx;
    bool open =
            request->state == MR_ERASURE_REQUESTED ||
            (mr_erasure_runs(request->state) && !mr_erasure_reached(request->state, MR_ERASURE_DESTROYED));
    struct mr_erasing e;
    int r;

    if (recover->blocked ? !open : request->state != MR_ERASURE_REJECTED || request->item.len == 0)
        return 0;
    r = open_erasing(&e, recover->eraser, request->number);
    if (r == 0)
        r = mr_erasing_open_secret(&e);
    if (r == 0)
        r = mr_erasure_set_state(recover->eraser, e.secret->person.data,
                recover->blocked ? MR_PERSON_BLOCKED : MR_PERSON_LIVE);
    close_erasing(&e);
    return r == MR_EDESTROYED ? 0 : r; /* its secret was destroyed, and a moment later the row */
}

/* What was said and not yet done: rejected ones live again, then requested ones are blocked. */
static int recover(struct mr_eraser *eraser)
{
    int r = 0;

    for (int blocked = 0; r == 0 && blocked < 2; blocked++) {
        struct recover ctx = {eraser, blocked == 1};

        r = mr_erasure_all(eraser->house->log, recover_one, &ctx);
    }
    return r;
}

/* ---- the thread ---- */

static bool wait_for_news(struct mr_eraser *eraser, bool again)
{
    struct timespec until;
    int64_t pause_ms = again ? AGAIN_MS : LOOK_MS;
    bool go_on;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += pause_ms / 1000;
    until.tv_nsec += pause_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&eraser->lock);
    while (!eraser->woken && !eraser->stopping &&
            pthread_cond_timedwait(&eraser->news, &eraser->lock, &until) != ETIMEDOUT)
        ;
    go_on = !eraser->stopping;
    eraser->woken = false;
    (void)pthread_mutex_unlock(&eraser->lock);
    return go_on;
}

/* Those who ask read the configuration too, one at a time. */
static void renew(struct mr_eraser *eraser)
{
    (void)pthread_mutex_lock(&eraser->asking);
    mr_house_renew(eraser->house);
    (void)pthread_mutex_unlock(&eraser->asking);
}

static void *run(void *arg)
{
    struct mr_eraser *eraser = arg;
    bool waits;

    do {
        renew(eraser);
        waits = work(eraser);
        mr_erasure_keep_escrow(eraser);
    } while (wait_for_news(eraser, waits));
    return NULL;
}

static void destroy(struct mr_eraser *eraser)
{
    (void)pthread_cond_destroy(&eraser->news);
    (void)pthread_mutex_destroy(&eraser->lock);
    (void)pthread_mutex_destroy(&eraser->asking);
    free(eraser);
}

int mr_eraser_start(struct mr_eraser **ret, const struct mr_eraser_options *options, struct mr_error *reterr)
{
    struct mr_eraser *eraser = calloc(1, sizeof *eraser);
    pthread_condattr_t attr;
    int r;

    if (!eraser)
        return MR_ENOMEM;
    eraser->options = *options;
    eraser->house = options->house;
    (void)pthread_mutex_init(&eraser->asking, NULL);
    (void)pthread_mutex_init(&eraser->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&eraser->news, &attr);
    (void)pthread_condattr_destroy(&attr);
    r = recover(eraser);
    if (r == 0 && pthread_create(&eraser->thread, NULL, run, eraser) != 0)
        r = MR_ESYSTEM;
    if (r < 0) {
        destroy(eraser);
        return mr_error_set(
                reterr, r, "erasure", "", "the requests of erasure cannot go on: %s", mr_err_text(r));
    }
    *ret = eraser;
    return 0;
}

void mr_eraser_wake(struct mr_eraser *eraser)
{
    (void)pthread_mutex_lock(&eraser->lock);
    eraser->woken = true;
    (void)pthread_cond_signal(&eraser->news);
    (void)pthread_mutex_unlock(&eraser->lock);
}

void mr_eraser_news(struct mr_eraser *eraser)
{
    if (!eraser)
        return;
    (void)pthread_mutex_lock(&eraser->lock);
    if (eraser->status.unanswered > 0) {
        eraser->woken = true;
        (void)pthread_cond_signal(&eraser->news);
    }
    (void)pthread_mutex_unlock(&eraser->lock);
}

void mr_eraser_stop(struct mr_eraser *eraser)
{
    if (!eraser)
        return;
    (void)pthread_mutex_lock(&eraser->lock);
    eraser->stopping = true;
    (void)pthread_cond_signal(&eraser->news);
    (void)pthread_mutex_unlock(&eraser->lock);
    (void)pthread_join(eraser->thread, NULL);
}

void mr_eraser_free(struct mr_eraser *eraser)
{
    if (eraser)
        destroy(eraser);
}

void mr_eraser_status(struct mr_eraser *eraser, struct mr_eraser_status *ret)
{
    (void)pthread_mutex_lock(&eraser->lock);
    *ret = eraser->status;
    (void)pthread_mutex_unlock(&eraser->lock);
}

void mr_eraser_waits(struct mr_eraser *eraser, uint64_t number, char ret[static MR_ERASER_WAITS_BYTES])
{
    size_t i = number % MR_ERASER_WAITS;

    (void)pthread_mutex_lock(&eraser->lock);
    (void)snprintf(
            ret, MR_ERASER_WAITS_BYTES, "%s", eraser->waits[i].number == number ? eraser->waits[i].text : "");
    (void)pthread_mutex_unlock(&eraser->lock);
}

int mr_erasure_case(
        const struct mr_house *house, uint64_t number, struct mr_buf *ret, struct mr_error *reterr)
{
    struct mr_eraser eraser = {.house = (struct mr_house *)house};
    struct mr_erasing e;
    int r = open_erasing(&e, &eraser, number);

    if (r == 0)
        r = e.request->item.len ? mr_erasing_open_secret(&e) : MR_EDESTROYED;
    if (r == 0)
        mr_buf_put_str(ret, e.secret->case_text);
    close_erasing(&e);
    return r < 0 ? mr_error_set(reterr, r, "request", "", "%s", mr_err_text(r)) : 0;
}
