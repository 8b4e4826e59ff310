/* Segments: rolling, rewriting, and taking out of the growing environment what they have. */
#include "hub/keep/compactor_internal.h"
#include "hub/index/owed.h"

/* So many are taken out in a commit: it stays short, and others get into it. */
enum { TRIM_RECORDS = 2000 };

/* ---- trimming ---- */

struct trim_job {
    struct compactor_job job;
    bool more;
};

/* Writer thread. */
static int fill_trim(struct mr_writer_job *job, struct mr_log_batch *batch)
{
    struct trim_job *trim = MR_CONTAINER(job, struct trim_job, job.job);
    int r = mr_log_batch_trim(batch, TRIM_RECORDS);

    trim->more = r == 1;
    return r < 0 ? r : 0;
}

int mr_compactor_trim(struct mr_compactor *c)
{
    struct mr_log_segment last;
    int r = mr_log_reader_renew(c->reader);
    uint64_t trimmed;

    if (r < 0)
        return r;
    trimmed = mr_log_trimmed(c->reader);
    r = mr_log_segment_last(c->reader, &last);
    if (r == MR_ENOTFOUND || (r == 0 && last.last == trimmed))
        return 0;
    mr_log_reader_pause(c->reader);
    for (bool more = true; r == 0 && more;) {
        struct trim_job trim = {.job.job.fill = fill_trim};

        r = mr_compactor_commit(c, &trim.job);
        more = trim.more;
    }
    return r;
}

/* ---- one segment ---- */

struct row_job {
    struct compactor_job job;
    const struct compactor_range *range;
    const struct mr_log_segment *segment;
    bool expires; /* something in it */
    bool agreed;
};

/* Writer thread. */
static int fill_row(struct mr_writer_job *job, struct mr_log_batch *batch)
{
    struct row_job *row = MR_CONTAINER(job, struct row_job, job.job);
    int r = row->range->agree ? row->range->agree(row->range->ctx, batch) : 1;

    row->agreed = r == 1;
    if (r == 1)
        r = mr_log_batch_segment(batch, row->segment);
    if (r == 0 && row->agreed && row->expires)
        r = mr_owed_put(batch, &(struct mr_owed){row->segment->first, row->segment->last});
    return r;
}

struct asking {
    struct mr_compactor *c;
    const struct compactor_range *range;
    bool expires; /* something did */
};

/* A long copy ends when the hub does. */
static int change(void *ctx, const struct mr_record *record, struct mr_log_change *ret)
{
    struct asking *asking = ctx;
    int r;

    if (mr_compactor_stopping(asking->c))
        return MR_ECLOSED;
    r = asking->range->change ? asking->range->change(asking->range->ctx, record, ret) : 0;
    asking->expires = asking->expires || (r == 0 && ret->expire);
    return r;
}

static int write_segment(struct asking *asking, struct mr_error *reterr)
{
    struct mr_compactor *c = asking->c;
    const struct compactor_range *range = asking->range;
    const struct mr_log_segment_plan plan = {.first = range->first,
            .last = range->last,
            .generation = range->generation,
            .change = change,
            .ctx = asking};
    struct mr_log_segment segment;
    struct row_job row = {.job.job.fill = fill_row, .range = range, .segment = &segment};
    int r = mr_log_segment_write(c->options.house->log, &plan, &segment, reterr);

    row.expires = asking->expires;
    if (r == 0)
        r = mr_compactor_commit(c, &row.job);
    if (r < 0)
        return r; /* what was written is swept away at the next start, or written over */
    if (!row.agreed) {
        r = mr_log_segment_remove(c->options.house->log, range->first, range->generation);
        return r < 0 ? r : 1;
    }
    r = range->generation > 1
                ? mr_log_segment_remove(c->options.house->log, range->first, range->generation - 1)
                : 0;
    if (r == 0)
        r = mr_compactor_settle(c);
    return r < 0 ? r : mr_compactor_trim(c);
}

int mr_compactor_segment(struct mr_compactor *c, const struct compactor_range *range, struct mr_error *reterr)
{
    struct asking asking = {.c = c, .range = range};

    return write_segment(&asking, reterr);
}

/* ---- rolling ---- */

bool mr_compactor_piece(struct mr_compactor *c, uint64_t last, struct compactor_range *ret)
{
    uint64_t size = c->options.house->config->hub.segment_events;
    struct mr_log_segment segment = {0};
    uint64_t head;

    if (mr_log_reader_renew(c->reader) < 0)
        return false;
    head = mr_log_reader_head(c->reader);
    if (mr_log_segment_last(c->reader, &segment) == 0 && segment.last - segment.first + 1 < size) {
        ret->first = segment.first;
        ret->generation = segment.generation + 1;
    } else {
        ret->first = segment.last + 1;
        ret->generation = 1;
    }
    mr_log_reader_pause(c->reader);
    if (last >= head)
        last = head > 0 ? head - 1 : 0; /* the newest record stays */
    ret->last = last < ret->first + size ? last : ret->first + size - 1;
    return ret->last > segment.last;
}

int mr_compactor_roll(struct mr_compactor *c, struct mr_error *reterr)
{
    uint64_t size = c->options.house->config->hub.segment_events;
    int r = 0;

    while (r == 0 && mr_log_head(c->options.house->log) - c->trimmed > 2 * size) {
        struct compactor_range range = {0};

        if (!mr_compactor_piece(c, c->trimmed + size, &range))
            break;
        r = mr_compactor_segment(c, &range, reterr);
        c->trimmed = range.last;
    }
    return r < 0 ? r : 0;
}

/* ---- what there is ---- */

static int add(void *ctx, const struct mr_log_segment *segment)
{
    struct mr_compactor_stats *stats = ctx;

    stats->segments++;
    stats->rolled = segment->last;
    stats->expired += segment->expired;
    stats->stripped += segment->stripped;
    stats->bytes += segment->bytes;
    return 0;
}

int mr_compactor_look(struct mr_compactor *c)
{
    struct mr_compactor_stats stats = {0};
    int r = mr_log_reader_renew(c->reader);

    if (r == 0)
        r = mr_log_segments(c->reader, add, &stats);
    if (r < 0)
        return r;
    c->trimmed = mr_log_trimmed(c->reader);
    pthread_mutex_lock(&c->lock);
    stats.last = c->stats.last;
    stats.running = c->stats.running;
    c->stats = stats;
    pthread_mutex_unlock(&c->lock);
    return 0;
}
