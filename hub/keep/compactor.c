#include "hub/keep/compactor.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "hub/keep/compactor_internal.h"
#include "hub/edition/edition.h"
#include "proto/base/logfmt.h"

enum { LOOK_MS = 1000, RETRY_MS = 60000 };

static const int64_t DAY_US = 86400LL * 1000000;

/* ---- what others do for it ---- */

bool mr_compactor_stopping(void *compactor)
{
    const struct mr_compactor *c = compactor;

    return atomic_load(&c->stopping);
}

static void answer(struct mr_compactor *c, int status)
{
    pthread_mutex_lock(&c->lock);
    c->answered = true;
    c->status = status;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
}

/* Writer thread. */
static void on_job_done(struct mr_writer_job *job, int status)
{
    answer(MR_CONTAINER(job, struct compactor_job, job)->compactor, status);
}

/* Writer thread, or prepare's when the hub is stopping. */
static void on_intake_done(struct mr_intake *intake)
{
    answer(intake->owner, intake->status);
}

/* Under the lock. */
static int wait_for_answer(struct mr_compactor *c)
{
    while (!c->answered)
        pthread_cond_wait(&c->wake, &c->lock);
    return c->status;
}

int mr_compactor_commit(struct mr_compactor *c, struct compactor_job *job)
{
    int r = MR_ECLOSED;

    pthread_mutex_lock(&c->lock);
    if (!atomic_load(&c->stopping)) {
        c->answered = false;
        job->compactor = c;
        job->job.done = on_job_done;
        mr_list_init(&job->job.link);
        mr_writer_submit(c->options.writer, &job->job);
        r = wait_for_answer(c);
    }
    pthread_mutex_unlock(&c->lock);
    return r;
}

int mr_compactor_publish(struct mr_compactor *c, struct mr_intake *intake)
{
    int r = MR_ECLOSED;

    pthread_mutex_lock(&c->lock);
    if (!atomic_load(&c->stopping)) {
        c->answered = false;
        intake->system = MR_SYSTEM_HUB;
        intake->done = on_intake_done;
        intake->owner = c;
        mr_prepare_submit(c->options.prepare, intake);
        r = wait_for_answer(c);
    }
    pthread_mutex_unlock(&c->lock);
    if (r == 0 && intake->items[0].verdict != MR_VERDICT_STORED)
        r = MR_EINVAL;
    mr_intake_free(intake);
    if (r == 0 && c->options.news)
        c->options.news(c->options.ctx);
    return r;
}

/* ---- one round of work ---- */

static bool run_is_due(const struct mr_compactor *c)
{
    const struct mr_config_retention *config = &c->options.house->config->retention;
    bool terms = config->default_days > 0;

    for (uint32_t i = 0; i < config->classes_count; i++)
        terms = terms || config->classes[i].keep_days > 0;
    if (!terms)
        return false;
    return mr_clock_wall_us(c->options.house->clock) - c->last_run_us >= DAY_US;
}

static int retain(struct mr_compactor *c, uint64_t ticket, struct mr_error *reterr)
{
    struct mr_compactor_run run = {.ticket = ticket};

    pthread_mutex_lock(&c->lock);
    c->stats.running = true;
    pthread_mutex_unlock(&c->lock);
    run.status = mr_compactor_retain(c, &run, reterr);
    run.ended_us = mr_clock_wall_us(c->options.house->clock);
    pthread_mutex_lock(&c->lock);
    c->stats.running = false;
    c->stats.last = run;
    pthread_cond_broadcast(&c->ended);
    pthread_mutex_unlock(&c->lock);
    return run.status;
}

/* Everything that there is to do now, what cannot wait first. */
static int work(struct mr_compactor *c, struct mr_error *reterr)
{
    uint64_t ticket;
    bool asked;
    int r = mr_compactor_trim(c);

    pthread_mutex_lock(&c->lock);
    ticket = c->asked;
    asked = ticket > c->stats.last.ticket;
    pthread_mutex_unlock(&c->lock);
    if (r == 0)
        r = mr_compactor_settle(c);
    if (r == 0)
        r = mr_compactor_strip(c, reterr);
    if (r == 0 && (asked || run_is_due(c)))
        r = retain(c, ticket, reterr);
    if (r == 0)
        r = mr_compactor_roll(c, reterr);
    if (r == 0)
        r = mr_compactor_look(c);
    mr_log_reader_pause(c->reader);
    return r;
}

/* ---- the thread ---- */

static bool has_grown(const struct mr_compactor *c)
{
    return mr_log_head(c->options.house->log) - c->trimmed >
           2 * (uint64_t)c->options.house->config->hub.segment_events;
}

static void add_ms(struct timespec *time, long ms)
{
    time->tv_sec += ms / 1000;
    time->tv_nsec += ms % 1000 * 1000000;
    time->tv_sec += time->tv_nsec / 1000000000;
    time->tv_nsec %= 1000000000;
}

/* False: it is being stopped. After a failure it waits longer, unless somebody wakes it. */
static bool wait_for_work(struct mr_compactor *c, bool failed)
{
    struct timespec until;
    bool go_on, timeout = false;

    pthread_mutex_lock(&c->lock);
    while (!c->woken && !atomic_load(&c->stopping) &&
            !(timeout && (failed || c->owing || has_grown(c) || run_is_due(c)))) {
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        add_ms(&until, failed ? RETRY_MS : LOOK_MS);
        timeout = pthread_cond_timedwait(&c->wake, &c->lock, &until) == ETIMEDOUT;
    }
    c->woken = false;
    go_on = !atomic_load(&c->stopping);
    pthread_mutex_unlock(&c->lock);
    return go_on;
}

static void *run(void *arg)
{
    struct mr_compactor *c = arg;
    int r, told = 0;

    do {
        struct mr_error error = {0};

        mr_house_renew(c->options.house);
        r = work(c, &error);
        if (r < 0 && r != MR_ECLOSED && r != told)
            mr_warn("compactor.failed", "error", mr_err_name(r), "what", error.what, "where", error.where,
                    "cure", error.cure);
        told = r;
    } while (wait_for_work(c, r < 0));
    return NULL;
}

/* ---- start, questions, stop ---- */

static int init_sync(struct mr_compactor *c)
{
    pthread_condattr_t attr;
    int rc = pthread_mutex_init(&c->lock, NULL);

    if (rc == 0 && (rc = pthread_condattr_init(&attr)) == 0) {
        rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        if (rc == 0)
            rc = pthread_cond_init(&c->wake, &attr);
        if (rc == 0)
            rc = pthread_cond_init(&c->ended, &attr);
        pthread_condattr_destroy(&attr);
    }
    return rc ? mr_err_from_errno(rc) : 0;
}

int mr_compactor_start(
        struct mr_compactor **ret, const struct mr_compactor_options *options, struct mr_error *reterr)
{
    struct mr_compactor *c = calloc(1, sizeof *c);
    int r = c ? 0 : MR_ENOMEM;

    if (r == 0) {
        c->options = *options;
        r = mr_log_reader_open(options->house->log, &c->reader);
    }
    if (r == 0)
        r = mr_compactor_last_run(c);
    if (r == 0)
        r = init_sync(c);
    if (r == 0)
        r = mr_compactor_look(c);
    if (r == 0) {
        mr_log_reader_pause(c->reader);
        r = pthread_create(&c->thread, NULL, run, c) ? MR_ESYSTEM : 0;
    }
    if (r < 0) {
        mr_log_reader_close(c ? c->reader : NULL);
        free(c);
        return mr_error_set(reterr, r, "compactor", "", "cannot start: %s", mr_err_text(r));
    }
    *ret = c;
    return 0;
}

void mr_compactor_wake(struct mr_compactor *c)
{
    pthread_mutex_lock(&c->lock);
    c->woken = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
}

uint64_t mr_compactor_ask(struct mr_compactor *c)
{
    uint64_t ticket;

    pthread_mutex_lock(&c->lock);
    ticket = ++c->asked;
    c->woken = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    return ticket;
}

int mr_compactor_wait(struct mr_compactor *c, uint64_t ticket, int timeout_ms, struct mr_compactor_run *ret)
{
    struct timespec until;
    int rc = 0;
    int r = MR_EAGAIN;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    add_ms(&until, timeout_ms);
    pthread_mutex_lock(&c->lock);
    while (c->stats.last.ticket < ticket && !atomic_load(&c->stopping) && rc == 0)
        rc = pthread_cond_timedwait(&c->ended, &c->lock, &until);
    if (c->stats.last.ticket >= ticket) {
        *ret = c->stats.last;
        r = 0;
    } else if (atomic_load(&c->stopping)) {
        r = MR_ECLOSED;
    }
    pthread_mutex_unlock(&c->lock);
    return r;
}

void mr_compactor_stats(struct mr_compactor *c, struct mr_compactor_stats *ret)
{
    pthread_mutex_lock(&c->lock);
    *ret = c->stats;
    pthread_mutex_unlock(&c->lock);
}

void mr_compactor_quiet(struct mr_compactor *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    atomic_store(&c->stopping, true);
    pthread_cond_signal(&c->wake);
    pthread_cond_broadcast(&c->ended);
    pthread_mutex_unlock(&c->lock);
}

void mr_compactor_stop(struct mr_compactor *c)
{
    if (!c)
        return;
    mr_compactor_quiet(c);
    pthread_join(c->thread, NULL);
    pthread_cond_destroy(&c->wake);
    pthread_cond_destroy(&c->ended);
    pthread_mutex_destroy(&c->lock);
    mr_log_reader_close(c->reader);
    free(c);
}
