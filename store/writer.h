/*
 * The writer thread: takes jobs in order, puts whatever queued while the last commit ran into the next one
 * (group commit without a timer), and says "durable" only after the commit returned.
 *
 * A provider's promise, as strict as an AIO's: every submitted job's done() is called exactly once, on the
 * writer thread, in submission order, after its commit; a job is never answered before it is durable. The one
 * timer is for lazy jobs, which nobody waits for.
 */
#ifndef MR_STORE_WRITER_H
#define MR_STORE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/list.h"
#include "store/log.h"

struct mr_writer;

/* Embedded in the submitter's own job. */
struct mr_writer_job {
    struct mr_list link;
    /*
     * Fills the batch: appends and rows. Called on the writer thread; called again with a new batch when the
     * commit failed for want of space, so it must not consume its input and must take numbers from
     * mr_log_batch_head(). MR_ENOSPACE: as a commit's. Any other negative: fatal.
     */
    int (*fill)(struct mr_writer_job *job, struct mr_log_batch *batch);
    /* status 0: durable. Negative: the writer is going down and this job was not stored. */
    void (*done)(struct mr_writer_job *job, int status);
    /* Nobody waits for it: it goes with the next commit that somebody waits for, or after MR_WRITER_LAZY_MS.
     */
    bool lazy;
};

enum { MR_WRITER_LAZY_MS = 20 };

struct mr_writer_options {
    struct mr_log *log;
    uint32_t batch_jobs_max; /* most jobs in one commit */
    /* Called on the writer thread when the log becomes read-only for want of space (true) and writable again
     * (false). */
    void (*space)(void *ctx, bool read_only);
    /* Called on the writer thread, once, when a commit failed for good: the process must stop acknowledging
     * and exit. */
    void (*fatal)(void *ctx, int error);
    void *ctx;
    uint32_t space_retry_ms; /* how long to wait for space before the next attempt; 0 = 500 */
};

/* batch_jobs_max from 1. space and fatal may be NULL. MR_ENOMEM, MR_ESYSTEM (no thread). */
int mr_writer_start(struct mr_writer **ret, const struct mr_writer_options *options);
void mr_writer_submit(struct mr_writer *writer, struct mr_writer_job *job); /* any thread */
/*
 * Finishes what was submitted, then ends the thread and frees. NULL is fine. With no space left it tries once
 * more and then answers all that waits with MR_ENOSPACE. Nobody may submit any more but done() itself.
 */
void mr_writer_stop(struct mr_writer *writer);

/* How long commits took: upper bounds, the last one without. */
#define MR_WRITER_COMMIT_US                                                                                  \
    {                                                                                                        \
        250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 1000000, 10000000                   \
    }
enum { MR_WRITER_COMMIT_BOUNDS = 12 };

struct mr_writer_stats {
    uint64_t commits;
    uint64_t attempts;      /* commits and those that found no room: it moves while the writer gets on */
    uint64_t jobs;          /* made durable */
    int64_t last_commit_us; /* how long the last commit took */
    uint64_t commit_us;     /* ... and all of them */
    uint64_t commits_within[MR_WRITER_COMMIT_BOUNDS + 1]; /* longer than the bound before, not than its own */
    uint64_t waiting;                                     /* jobs submitted and not yet answered */
    bool read_only;
};
void mr_writer_stats(struct mr_writer *writer, struct mr_writer_stats *ret); /* any thread */

#endif
