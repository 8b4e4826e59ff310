#include "hub/job.h"

#include <stdlib.h>

#include "proto/base/bytes.h"

enum { ROW_HEAD = 9, ROW_REMOVE = 0x80 };

int mr_job_rows(const struct mr_job *job, struct mr_log_batch *batch)
{
    struct mr_slice rows = mr_buf_slice(&job->rows);
    int r = 0;

    for (size_t at = 0; r == 0 && at < rows.size;) {
        const uint8_t *head = rows.data + at;
        enum mr_log_table table = (enum mr_log_table)(head[0] & ~ROW_REMOVE);
        struct mr_slice key = mr_slice(head + ROW_HEAD, mr_get_be32(head + 1));
        struct mr_slice value = mr_slice(key.data + key.size, mr_get_be32(head + 5));

        r = head[0] & ROW_REMOVE ? mr_log_batch_del(batch, table, key)
                                 : mr_log_batch_put(batch, table, key, value);
        if (r == MR_ENOTFOUND && (head[0] & ROW_REMOVE))
            r = 0;
        at += ROW_HEAD + key.size + value.size;
    }
    return r;
}

static int fill(struct mr_writer_job *writer_job, struct mr_log_batch *batch)
{
    struct mr_job *job = MR_CONTAINER(writer_job, struct mr_job, job);
    int r = job->update ? job->update(job, batch) : 0;

    return r < 0 ? r : mr_job_rows(job, batch);
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

void mr_job_put(struct mr_job *job, enum mr_log_table table, struct mr_slice key, struct mr_slice value)
{
    mr_buf_put_u8(&job->rows, (uint8_t)table);
    mr_buf_put_be32(&job->rows, (uint32_t)key.size);
    mr_buf_put_be32(&job->rows, (uint32_t)value.size);
    mr_buf_put_slice(&job->rows, key);
    mr_buf_put_slice(&job->rows, value);
}

void mr_job_del(struct mr_job *job, enum mr_log_table table, struct mr_slice key)
{
    mr_buf_put_u8(&job->rows, (uint8_t)table | ROW_REMOVE);
    mr_buf_put_be32(&job->rows, (uint32_t)key.size);
    mr_buf_put_be32(&job->rows, 0);
    mr_buf_put_slice(&job->rows, key);
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
