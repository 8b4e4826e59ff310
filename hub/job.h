/*
 * Rows that go into the log with the next commit, for modules on the loop (delivery, verdicts seen): the
 * writer fills them in on its thread, and durable() is called on the loop after the commit.
 */
#ifndef MR_HUB_JOB_H
#define MR_HUB_JOB_H

#include "hub/rows.h"
#include "proto/loop/mailbox.h"
#include "store/writer.h"

struct mr_job;

struct mr_jobs {
    struct mr_mailbox mailbox;
    struct mr_writer *writer;
    uint64_t open; /* submitted and not yet durable */
    /* Loop thread, after a group of jobs became durable; may be NULL. */
    void (*on_settled)(void *ctx);
    void *ctx;
};

struct mr_job {
    struct mr_list link;
    struct mr_writer_job job;
    struct mr_jobs *jobs;
    int status;
    struct mr_buf rows; /* rows.h */
    /* Writer thread, before the rows; may be NULL. */
    int (*update)(struct mr_job *job, struct mr_log_batch *batch);
    /* Loop thread, once, after the commit (status 0); may be NULL. The job is freed afterwards with free().
     */
    void (*durable)(struct mr_job *job);
    void *owner;
};

int mr_jobs_open(struct mr_jobs *jobs, uv_loop_t *loop, struct mr_writer *writer);
void mr_jobs_close(struct mr_jobs *jobs);  /* the writer has stopped */
void mr_jobs_settle(struct mr_jobs *jobs); /* takes what is in the mailbox now, without the loop */

/* size: of the struct that begins with a mr_job; zeroed. */
struct mr_job *mr_job_new(struct mr_jobs *jobs, size_t size);
void mr_job_free(struct mr_job *job); /* one that was not submitted */
/* Takes the job. A row that could not be kept for want of memory: MR_ENOMEM, and the job is freed. */
int mr_job_submit(struct mr_job *job);

#endif
