#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/bytes.h"
#include "proto/base/clock.h"
#include "store/fault.h"
#include "store/writer.h"
#include "tests/support/tmpdir.h"

enum { JOBS = 400, THREADS = 4 };

struct job {
    struct mr_writer_job base;
    struct fixture *fixture;
    unsigned id;
    unsigned fills;
    unsigned answers;
    int status;
    uint64_t number; /* given at the last fill */
    int fill_result;
    sem_t *gate; /* fill waits here */
};

struct fixture {
    char *dir;
    struct mr_log *log;
    struct mr_writer *writer;
    struct job *jobs;
    unsigned order[JOBS]; /* ids as answered; the writer thread's */
    unsigned answered;
    atomic_uint space_on, space_off, fatals;
    sem_t space;
    atomic_bool acked_early;
};

static int job_fill(struct mr_writer_job *base, struct mr_log_batch *batch)
{
    struct job *job = MR_CONTAINER(base, struct job, base);
    struct mr_record record = {.number = mr_log_batch_head(batch) + 1, .recorded_us = 1, .config = job->id};

    if (job->gate && job->fills == 0)
        sem_wait(job->gate);
    job->fills++;
    job->number = record.number;
    return job->fill_result < 0 ? job->fill_result : mr_log_batch_append(batch, &record);
}

static void job_done(struct mr_writer_job *base, int status)
{
    struct job *job = MR_CONTAINER(base, struct job, base);
    struct fixture *f = job->fixture;

    if (status == 0 && mr_log_head(f->log) < job->number)
        atomic_store(&f->acked_early, true);
    job->answers++;
    job->status = status;
    f->order[f->answered++] = job->id;
}

static void on_space(void *ctx, bool read_only)
{
    struct fixture *f = ctx;

    atomic_fetch_add(read_only ? &f->space_on : &f->space_off, 1);
    sem_post(&f->space);
}

static void on_fatal(void *ctx, int error)
{
    struct fixture *f = ctx;

    assert_true(error < 0);
    atomic_fetch_add(&f->fatals, 1);
}

static void start(struct fixture *f, uint32_t batch_jobs_max)
{
    struct mr_log_options log_options = {.dir = f->dir};
    struct mr_writer_options options = {.batch_jobs_max = batch_jobs_max,
            .space = on_space,
            .fatal = on_fatal,
            .ctx = f,
            .space_retry_ms = 1};

    assert_int_equal(mr_log_open(&f->log, &log_options, NULL), 0);
    options.log = f->log;
    assert_int_equal(mr_writer_start(&f->writer, &options), 0);
}

/* Faults are compiled into debug builds only. */
static void set_fault(const char *spec)
{
#ifdef MR_FAULT_POINTS
    mr_fault_set(spec);
#else
    if (spec)
        skip();
#endif
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->dir = mr_tmpdir_new();
    f->jobs = calloc(JOBS, sizeof *f->jobs);
    for (unsigned i = 0; i < JOBS; i++)
        f->jobs[i] = (struct job){
                .base = {.fill = job_fill, .done = job_done}, .fixture = f, .id = i, .status = 99};
    sem_init(&f->space, 0, 0);
    start(f, 64);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    set_fault(NULL);
    mr_writer_stop(f->writer);
    mr_log_close(f->log);
    mr_tmpdir_free(f->dir);
    sem_destroy(&f->space);
    free(f->jobs);
    free(f);
    return 0;
}

static void stop(struct fixture *f)
{
    mr_writer_stop(f->writer);
    f->writer = NULL;
}

static void submit(struct fixture *f, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        mr_writer_submit(f->writer, &f->jobs[i].base);
}

static void assert_answered(struct fixture *f, unsigned from, unsigned to, int status)
{
    for (unsigned i = from; i < to; i++) {
        assert_int_equal(f->jobs[i].answers, 1);
        assert_int_equal(f->jobs[i].status, status);
    }
}

static void answers_once_in_order(void **state)
{
    struct fixture *f = *state;

    submit(f, 0, JOBS);
    stop(f);
    assert_answered(f, 0, JOBS, 0);
    for (unsigned i = 0; i < JOBS; i++) {
        assert_int_equal(f->order[i], i);
        assert_int_equal(f->jobs[i].number, i + 1);
    }
    assert_false(atomic_load(&f->acked_early));
    assert_int_equal(mr_log_head(f->log), JOBS);
}

static void queued_jobs_share_a_commit(void **state)
{
    struct fixture *f = *state;
    struct mr_writer_stats stats;
    sem_t gate;

    sem_init(&gate, 0, 0);
    f->jobs[0].gate = &gate;
    submit(f, 0, 1);
    submit(f, 1, 129);
    mr_writer_stats(f->writer, &stats);
    assert_int_equal(stats.waiting, 129);
    sem_post(&gate);
    /* However many the first commit took before the gate, 129 jobs in batches of at most 64 are 3 commits. */
    while (mr_writer_stats(f->writer, &stats), stats.waiting > 0)
        (void)sched_yield();
    assert_true(stats.commits == 3);
    assert_int_equal(stats.jobs, 129);
    assert_true(stats.last_commit_us >= 0);
    stop(f);
    sem_destroy(&gate);
}

struct submitter {
    struct fixture *f;
    unsigned from, to;
};

static void *run_submitter(void *arg)
{
    struct submitter *s = arg;

    submit(s->f, s->from, s->to);
    return NULL;
}

static void many_threads_submit(void **state)
{
    struct fixture *f = *state;
    struct submitter s[THREADS];
    pthread_t threads[THREADS];
    unsigned last[THREADS] = {0};

    for (unsigned i = 0; i < THREADS; i++) {
        s[i] = (struct submitter){f, i * JOBS / THREADS, (i + 1) * JOBS / THREADS};
        assert_int_equal(pthread_create(&threads[i], NULL, run_submitter, &s[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    stop(f);
    assert_answered(f, 0, JOBS, 0);
    for (unsigned i = 0; i < JOBS; i++) { /* in order for each submitter */
        unsigned t = f->order[i] / (JOBS / THREADS);

        assert_true(f->order[i] % (JOBS / THREADS) == last[t]);
        last[t]++;
    }
    assert_false(atomic_load(&f->acked_early));
}

static uint64_t waiting(struct fixture *f)
{
    struct mr_writer_stats stats;

    mr_writer_stats(f->writer, &stats);
    return stats.waiting;
}

static void wait_until_written(struct fixture *f)
{
    while (waiting(f) > 0)
        (void)sched_yield();
}

/* Lazy jobs go with one that somebody waits for, in their order; alone they wait, and are written all the
 * same. */
static void lazy_jobs_are_written(void **state)
{
    struct fixture *f = *state;
    int64_t began_us;

    for (unsigned i = 0; i < 20; i++)
        f->jobs[i].base.lazy = i != 9;
    submit(f, 0, 10);
    wait_until_written(f);
    began_us = mr_clock_monotonic_us(mr_clock_system());
    submit(f, 10, 20);
    wait_until_written(f);
    assert_true(mr_clock_monotonic_us(mr_clock_system()) - began_us >= (MR_WRITER_LAZY_MS - 1) * 1000);
    stop(f);
    assert_answered(f, 0, 20, 0);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(f->order[i], i);
}

/* Stopping does not wait for company. */
static void stop_takes_lazy_jobs(void **state)
{
    struct fixture *f = *state;

    f->jobs[0].base.lazy = true;
    submit(f, 0, 1);
    stop(f);
    assert_answered(f, 0, 1, 0);
    assert_int_equal(mr_log_head(f->log), 1);
}

static void want_of_space_heals(void **state)
{
    static const char *const points[] = {"store.commit.before:1:enospc", "store.fill.before:3:enospc"};
    struct fixture *f = *state;

    set_fault(points[0]);
    stop(f);
    mr_log_close(f->log);
    f->log = NULL;
    for (unsigned i = 0; i < 2; i++) {
        set_fault(points[i]);
        start(f, 64);
        submit(f, i * 10, i * 10 + 10);
        stop(f);
        assert_answered(f, i * 10, i * 10 + 10, 0);
        assert_int_equal(atomic_load(&f->space_on), i + 1);
        assert_int_equal(atomic_load(&f->space_off), i + 1);
        assert_int_equal(mr_log_head(f->log), i * 10 + 10);
        mr_log_close(f->log);
        f->log = NULL;
    }
    assert_int_equal(f->jobs[0].fills, 2);
    assert_int_equal(atomic_load(&f->fatals), 0);
}

/* A job that never fits: stop must end all the same, and tell the truth. */
static void stop_without_space(void **state)
{
    struct fixture *f = *state;

    f->jobs[0].fill_result = MR_ENOSPACE;
    submit(f, 0, 1);
    sem_wait(&f->space);
    submit(f, 1, 5);
    stop(f);
    assert_answered(f, 0, 5, MR_ENOSPACE); /* the later ones too: no hole in a producer's sequence */
    assert_int_equal(mr_log_head(f->log), 0);
    assert_int_equal(atomic_load(&f->fatals), 0);
}

static void fatal_answers_everybody(void **state)
{
    struct fixture *f = *state;

    submit(f, 0, 10);
    f->jobs[10].fill_result = MR_EIO;
    submit(f, 10, 20);
    while (atomic_load(&f->fatals) == 0)
        (void)sched_yield();
    submit(f, 20, 30);
    stop(f);
    assert_int_equal(f->answered, 30);
    assert_answered(f, 10, 30, MR_EIO);
    assert_int_equal(atomic_load(&f->fatals), 1);
    for (unsigned i = 0; i < 10; i++) /* with the failing one in a commit, or before it */
        assert_int_equal(f->jobs[i].status, f->jobs[i].number <= mr_log_head(f->log) ? 0 : MR_EIO);
}

static void failed_commit_is_fatal(void **state)
{
    struct fixture *f = *state;

    set_fault("store.commit.before:1:eio");
    stop(f);
    mr_log_close(f->log);
    start(f, 64);
    submit(f, 0, 10);
    stop(f);
    assert_answered(f, 0, 10, MR_EIO);
    assert_int_equal(atomic_load(&f->fatals), 1);
    assert_int_equal(mr_log_head(f->log), 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(answers_once_in_order),
            T(queued_jobs_share_a_commit),
            T(many_threads_submit),
            T(lazy_jobs_are_written),
            T(stop_takes_lazy_jobs),
            T(want_of_space_heals),
            T(stop_without_space),
            T(fatal_answers_everybody),
            T(failed_commit_is_fatal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
