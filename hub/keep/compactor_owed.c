/* What index and views owe to the log: done after each change, and at the start what a kill left. */
#include "hub/keep/compactor_internal.h"
#include "hub/index/owed.h"

struct paid_job {
    struct compactor_job job;
    const struct mr_owed *owed;
};

/* Writer thread. */
static int fill(struct mr_writer_job *job, struct mr_log_batch *batch)
{
    return mr_owed_del(batch, MR_CONTAINER(job, struct paid_job, job.job)->owed);
}

static int settle(struct mr_compactor *c, const struct mr_owed *owed)
{
    const struct mr_owed_stop stop = {mr_compactor_stopping, c};
    struct paid_job paid = {.job.job.fill = fill, .owed = owed};
    int r = mr_owed_settle(c->options.house, owed, &stop);

    if (r == MR_EIO)
        mr_house_fatal(c->options.house, r, "index/ or views/");
    if (r == MR_EAGAIN)
        c->owing = true;
    if (r < 0)
        return r == MR_EAGAIN ? 0 : r;
    return mr_compactor_commit(c, &paid.job);
}

int mr_compactor_settle(struct mr_compactor *c)
{
    struct mr_owed owed = {0};
    int r = 0;

    c->owing = false;
    while (r == 0) {
        r = mr_log_reader_renew(c->reader);
        if (r == 0)
            r = mr_owed_next(c->reader, owed.first + 1, &owed);
        mr_log_reader_pause(c->reader);
        if (r == 0)
            r = settle(c, &owed);
    }
    return r == MR_ENOTFOUND ? 0 : r;
}
