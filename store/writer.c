#include "store/writer.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "proto/base/clock.h"
#include "store/fault.h"

enum { SPACE_RETRY_MS = 500 };

struct mr_writer {
    struct mr_writer_options options;
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below it */
    pthread_cond_t wake;  /* a job came, or stop */
    struct mr_list queue;
    size_t urgent;              /* jobs in the queue that somebody waits for */
    struct timespec lazy_until; /* when the queue is written though it has none of these */
    bool stopping;
    struct mr_writer_stats stats;
    int failed; /* why nothing is stored any more; the thread's own */
};

static struct timespec after_ms(uint32_t ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return until;
}

/* Under the lock. Lazy jobs alone wait for company, but not for ever. */
static void wait_for_jobs(struct mr_writer *writer)
{
    int r = 0;

    while (r == 0 && writer->urgent == 0 && !writer->stopping)
        r = mr_list_empty(&writer->queue)
                    ? pthread_cond_wait(&writer->wake, &writer->lock)
                    : pthread_cond_timedwait(&writer->wake, &writer->lock, &writer->lazy_until);
}

/* Waits for work; moves at most batch_jobs_max jobs to `jobs`. False: stopped, and nothing is left. */
static bool take_jobs(struct mr_writer *writer, struct mr_list *jobs)
{
    struct mr_list *link;
    uint32_t n = 0;

    pthread_mutex_lock(&writer->lock);
    wait_for_jobs(writer);
    while (n < writer->options.batch_jobs_max && (link = mr_list_pop_front(&writer->queue))) {
        writer->urgent -= !MR_CONTAINER(link, struct mr_writer_job, link)->lazy;
        mr_list_push_back(jobs, link);
        n++;
    }
    pthread_mutex_unlock(&writer->lock);
    return n > 0;
}

static int fill_all(struct mr_list *jobs, struct mr_log_batch *batch)
{
    mr_list_foreach (it, jobs) {
        struct mr_writer_job *job = MR_CONTAINER(it, struct mr_writer_job, link);
        int r = MR_FAULT("store.fill.before");

        if (r == 0)
            r = job->fill(job, batch);
        if (r < 0)
            return r;
    }
    return 0;
}

static void count_commit(struct mr_writer *writer, int64_t took_us)
{
    static const int64_t bounds[MR_WRITER_COMMIT_BOUNDS] = MR_WRITER_COMMIT_US;
    size_t within = 0;

    while (within < MR_WRITER_COMMIT_BOUNDS && took_us > bounds[within])
        within++;
    pthread_mutex_lock(&writer->lock);
    writer->stats.commits++;
    writer->stats.last_commit_us = took_us;
    writer->stats.commit_us += (uint64_t)took_us;
    writer->stats.commits_within[within]++;
    pthread_mutex_unlock(&writer->lock);
}

/* All jobs in one commit: 0 means that every one of them is durable, negative that none is. */
static int commit_all(struct mr_writer *writer, struct mr_list *jobs)
{
    const struct mr_clock *clock = mr_clock_system();
    struct mr_log_batch *batch;
    int64_t start_us;
    int r = mr_log_batch_begin(writer->options.log, &batch);

    if (r < 0)
        return r;
    r = fill_all(jobs, batch);
    if (r < 0) {
        mr_log_batch_abort(batch);
        return r;
    }
    start_us = mr_clock_monotonic_us(clock);
    r = mr_log_batch_commit(batch);
    if (r < 0)
        return r;
    count_commit(writer, mr_clock_monotonic_us(clock) - start_us);
    return 0;
}

static void set_read_only(struct mr_writer *writer, bool read_only)
{
    bool changed;

    pthread_mutex_lock(&writer->lock);
    changed = writer->stats.read_only != read_only;
    writer->stats.read_only = read_only;
    pthread_mutex_unlock(&writer->lock);
    if (changed && writer->options.space)
        writer->options.space(writer->options.ctx, read_only);
}

/* New jobs do not wake it: more of them make no space. False: the writer is being stopped. */
static bool wait_for_space(struct mr_writer *writer)
{
    uint32_t ms = writer->options.space_retry_ms ? writer->options.space_retry_ms : SPACE_RETRY_MS;
    struct timespec until = after_ms(ms);
    bool go_on;
    int r = 0;

    pthread_mutex_lock(&writer->lock);
    while (r == 0 && !writer->stopping)
        r = pthread_cond_timedwait(&writer->wake, &writer->lock, &until);
    go_on = !writer->stopping;
    pthread_mutex_unlock(&writer->lock);
    return go_on;
}

static void count_attempt(struct mr_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    writer->stats.attempts++;
    pthread_mutex_unlock(&writer->lock);
}

/* Commits, and as long as space is wanting tries again with the same jobs. */
static int store_jobs(struct mr_writer *writer, struct mr_list *jobs)
{
    bool last_attempt = false;
    int r;

    for (;;) {
        r = commit_all(writer, jobs);
        count_attempt(writer);
        if (r != MR_ENOSPACE || last_attempt)
            break;
        set_read_only(writer, true);
        last_attempt = !wait_for_space(writer);
    }
    if (r == 0)
        set_read_only(writer, false);
    return r;
}

/* Tells every job, in order. A job is its submitter's again from the call on. */
static void answer_jobs(struct mr_writer *writer, struct mr_list *jobs, int status)
{
    struct mr_list *link;

    while ((link = mr_list_pop_front(jobs))) {
        struct mr_writer_job *job = MR_CONTAINER(link, struct mr_writer_job, link);

        (void)MR_FAULT("store.done.before");
        pthread_mutex_lock(&writer->lock);
        writer->stats.waiting--;
        writer->stats.jobs += status == 0;
        pthread_mutex_unlock(&writer->lock);
        job->done(job, status);
    }
}

/*
 * From here on nothing is stored: a later job in the log without an earlier one would be a hole in its
 * producer's sequence. Want of space comes here only by stop, which is no failure of the process.
 */
static void fail(struct mr_writer *writer, int status)
{
    writer->failed = status;
    if (status != MR_ENOSPACE && writer->options.fatal)
        writer->options.fatal(writer->options.ctx, status);
}

/* Commit, then answer. After a failure every job is answered with it: nothing is ever acknowledged again. */
static void *run(void *arg)
{
    struct mr_writer *writer = arg;
    struct mr_list jobs;
    int status;

    (void)pthread_setname_np(pthread_self(), "writer");
    mr_list_init(&jobs);
    while (take_jobs(writer, &jobs)) {
        status = writer->failed;
        if (status == 0)
            status = store_jobs(writer, &jobs);
        if (status < 0 && writer->failed == 0)
            fail(writer, status);
        answer_jobs(writer, &jobs, status);
    }
    return NULL;
}

static int init_sync(struct mr_writer *writer)
{
    pthread_condattr_t attr;
    int rc = pthread_mutex_init(&writer->lock, NULL);

    if (rc)
        return mr_err_from_errno(rc);
    rc = pthread_condattr_init(&attr);
    if (!rc) {
        rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        if (!rc)
            rc = pthread_cond_init(&writer->wake, &attr);
        pthread_condattr_destroy(&attr);
    }
    if (rc)
        pthread_mutex_destroy(&writer->lock);
    return rc ? mr_err_from_errno(rc) : 0;
}

static void fini_sync(struct mr_writer *writer)
{
    pthread_cond_destroy(&writer->wake);
    pthread_mutex_destroy(&writer->lock);
}

int mr_writer_start(struct mr_writer **ret, const struct mr_writer_options *options)
{
    struct mr_writer *writer;
    int r;

    assert(options->log && options->batch_jobs_max > 0);
    writer = calloc(1, sizeof *writer);
    if (!writer)
        return MR_ENOMEM;
    writer->options = *options;
    mr_list_init(&writer->queue);
    r = init_sync(writer);
    if (r == 0) {
        r = pthread_create(&writer->thread, NULL, run, writer) ? MR_ESYSTEM : 0;
        if (r < 0)
            fini_sync(writer);
    }
    if (r < 0) {
        free(writer);
        return r;
    }
    *ret = writer;
    return 0;
}

void mr_writer_submit(struct mr_writer *writer, struct mr_writer_job *job)
{
    bool first;

    assert(job->fill && job->done);
    pthread_mutex_lock(&writer->lock);
    first = mr_list_empty(&writer->queue);
    if (first && job->lazy)
        writer->lazy_until = after_ms(MR_WRITER_LAZY_MS);
    mr_list_push_back(&writer->queue, &job->link);
    writer->urgent += !job->lazy;
    writer->stats.waiting++;
    if (first || !job->lazy)
        pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->lock);
}

void mr_writer_stop(struct mr_writer *writer)
{
    if (!writer)
        return;
    pthread_mutex_lock(&writer->lock);
    writer->stopping = true;
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->lock);
    pthread_join(writer->thread, NULL);
    assert(mr_list_empty(&writer->queue) && writer->stats.waiting == 0);
    fini_sync(writer);
    free(writer);
}

void mr_writer_stats(struct mr_writer *writer, struct mr_writer_stats *ret)
{
    pthread_mutex_lock(&writer->lock);
    *ret = writer->stats;
    pthread_mutex_unlock(&writer->lock);
}
