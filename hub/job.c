#include "hub/job.h"

#include <stdlib.h>

static int fill(struct mr_writer_job *writer_job, struct mr_log_batch *batch)
{
    struct mr_job *job = MR_CONTAINER(writer_job, struct mr_job, job);
    int r = job->update ? job->update(job, batch) : 0;

    return r < 0 ? r : mr_rows_apply(mr_buf_slice(&job->rows), batch);
}

/* Writer thread. */
static void done(struct mr_writer_job *writer_job, int status)
{
    struct mr_job *job = MR_CONTAINER(writer_job, struct mr_job, job);

    job->status = status;
    (void)mr_mailbox_post(&job->jobs->mailbox, &job->link);
}

static void settle(struct mr_mailbox *mailbox, struct mr_list *batch)
{
    struct mr_jobs *jobs = mailbox->data;
    struct mr_list *link;

    while ((link = mr_list_pop_front(batch)) != NULL) {
        struct mr_job *job = MR_CONTAINER(link, struct mr_job, link);

        jobs->open--;
        if (job->status == 0 && job->durable)
            job->durable(job);
        mr_job_free(job);
    }
    if (jobs->on_settled)
        jobs->on_settled(jobs->ctx);
}

int mr_jobs_open(struct mr_jobs *jobs, uv_loop_t *loop, struct mr_writer *writer)
{
    *jobs = (struct mr_jobs){.writer = writer};
    return mr_mailbox_open(&jobs->mailbox, loop, settle, jobs);
}

void mr_jobs_settle(struct mr_jobs *jobs)
{
    struct mr_list batch;

    mr_list_init(&batch);
    mr_mailbox_take(&jobs->mailbox, &batch);
    settle(&jobs->mailbox, &batch);
}

void mr_jobs_close(struct mr_jobs *jobs)
{
    mr_jobs_settle(jobs);
    mr_mailbox_close(&jobs->mailbox, NULL);
}

struct mr_job *mr_job_new(struct mr_jobs *jobs, size_t size)
{
    struct mr_job *job = calloc(1, size);

    if (!job)
        return NULL;
    mr_list_init(&job->link);
    job->jobs = jobs;
    job->job.fill = fill;
    job->job.done = done;
    return job;
}

void mr_job_free(struct mr_job *job)
{
    if (!job)
        return;
    mr_buf_fini(&job->rows);
    free(job);
}

int mr_job_submit(struct mr_job *job)
{
    if (mr_buf_failed(&job->rows)) {
        mr_job_free(job);
        return MR_ENOMEM;
    }
    mr_list_init(&job->job.link);
    job->jobs->open++;
    mr_writer_submit(job->jobs->writer, &job->job);
    return 0;
}
