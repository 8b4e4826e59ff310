/* Rows of deliveries, and the cursor that moves with them. */
#include <string.h>

#include "hub/deliver/deliver_internal.h"

static void put_cursor(struct mr_job *job, const struct mr_feed *feed)
{
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_CURSOR_KEY_BYTES];

    (void)mr_cursor_row_encode(&value, &(struct mr_cursor_row){.cursor = feed->cursor, .first = feed->first});
    mr_rows_put(&job->rows, MR_LOG_CURSOR, mr_cursor_key(feed->id, key), mr_buf_slice(&value));
    mr_buf_fini(&value);
}

void mr_feed_put_delivery(
        struct mr_job *job, const struct mr_feed *feed, uint64_t from, const struct mr_delivery_row *row)
{
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_DELIVERY_KEY_BYTES];

    (void)mr_delivery_row_encode(&value, row);
    mr_rows_put(&job->rows, MR_LOG_DELIVERY, mr_delivery_key(feed->id, from, key), mr_buf_slice(&value));
    mr_buf_fini(&value);
}

void mr_feed_put_nack(
        struct mr_job *job, const struct mr_feed *feed, uint64_t number, const struct mr_nack_row *row)
{
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_NACK_KEY_BYTES];

    (void)mr_nack_row_encode(&value, row);
    mr_rows_put(
            &job->rows, MR_LOG_NACK, mr_nack_key(feed->id, number, row->attempt, key), mr_buf_slice(&value));
    mr_buf_fini(&value);
}

void mr_feed_put_parked(
        struct mr_job *job, const struct mr_feed *feed, uint64_t number, const struct mr_parked_row *row)
{
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_DELIVERY_KEY_BYTES];

    (void)mr_parked_row_encode(&value, row);
    mr_rows_put(&job->rows, MR_LOG_PARKED, mr_delivery_key(feed->id, number, key), mr_buf_slice(&value));
    mr_buf_fini(&value);
}

/* A range of one outcome that grows until something ends it. */
struct range {
    uint64_t from;
    struct mr_delivery_row row; /* count 0: nothing in it */
};

/* The version that an event was sent under: not newer than the one that holds now. */
static uint32_t version_of(const struct mr_feed *feed, const struct mr_sent *sent)
{
    uint32_t now = feed->deliver->house->config_version;

    return now - (uint16_t)((uint16_t)now - sent->config);
}

static void extend(struct range *range, const struct mr_feed *feed, const struct mr_sent *sent,
        enum mr_delivery_outcome outcome)
{
    if (range->row.count == 0) {
        range->from = sent->number;
        range->row = (struct mr_delivery_row){.outcome = outcome,
                .sent_us = sent->sent_us,
                .acked_us = mr_feed_now_us(feed),
                .session = feed->session ? feed->session->id : 0,
                .config = version_of(feed, sent)};
    }
    range->row.through = sent->number;
    range->row.count++;
    if (outcome == MR_DELIVERY_TAKEN && sent->attempt > range->row.attempt)
        range->row.attempt = sent->attempt;
}

static void end(struct range *range, struct mr_job *job, const struct mr_feed *feed)
{
    if (range->row.count > 0)
        mr_feed_put_delivery(job, feed, range->from, &range->row);
    range->row.count = 0;
}

/*
 * What was taken is one range, whatever lies between; expired ones are a range while they follow each other,
 * so that the nearest row that reaches a number is the one that has it; suppressed ones are rows of their
 * own. A range is of one version of the configuration.
 */
static void settle_one(struct mr_job *job, const struct mr_feed *feed, const struct mr_sent *sent,
        struct range *taken, struct range *expired)
{
    struct range alone = {0};

    if (sent->state != MR_SENT_EXPIRED || expired->row.config != version_of(feed, sent))
        end(expired, job, feed);
    if (taken->row.config != version_of(feed, sent))
        end(taken, job, feed);
    switch ((enum mr_sent_state)sent->state) {
    case MR_SENT:
        extend(taken, feed, sent, MR_DELIVERY_TAKEN);
        break;
    case MR_SENT_EXPIRED:
        extend(expired, feed, sent, MR_DELIVERY_EXPIRED);
        break;
    case MR_SENT_SUPPRESSED:
        extend(&alone, feed, sent, MR_DELIVERY_SUPPRESSED);
        end(&alone, job, feed);
        break;
    case MR_SENT_PARKING:
    case MR_SENT_PARKED:
        break; /* has a row elsewhere */
    }
}

void mr_feed_settle(struct mr_feed *feed, uint64_t through)
{
    struct mr_job *job = mr_job_new(feed->deliver->jobs, sizeof *job);
    struct range taken = {0}, expired = {0};
    size_t i = 0;

    for (; job && i < feed->sent_count; i++) {
        const struct mr_sent *sent = &feed->sent[i];

        if ((sent->state == MR_SENT && sent->number > through) || sent->state == MR_SENT_PARKING)
            break;
        settle_one(job, feed, sent, &taken, &expired);
        if (!feed->replay)
            feed->cursor = sent->number;
    }
    if (i == 0 || feed->replay) {
        mr_job_free(job);
    } else {
        end(&expired, job, feed);
        end(&taken, job, feed);
        put_cursor(job, feed);
        job->job.lazy = true;
        (void)mr_job_submit(job); /* a row lost for want of memory means sending again after a restart */
        mr_marks_pass(&feed->marks, feed->cursor);
        if (feed->release_behind > 0 && feed->cursor >= feed->release_behind) {
            feed->release_behind = 0;
            feed->release_due = true;
        }
    }
    if (i > 0)
        memmove(feed->sent, feed->sent + i, (feed->sent_count - i) * sizeof *feed->sent);
    feed->sent_count -= i;
}

/* ---- rows of what is parked ---- */

struct parked_job {
    struct mr_job job;
    struct mr_deliver *deliver;
    uint16_t id; /* the feed may be gone by then */
};

static void on_durable(struct mr_job *job)
{
    struct parked_job *parked = MR_CONTAINER(job, struct parked_job, job);
    struct mr_feed *feed = mr_deliver_feed(parked->deliver, parked->id);

    if (feed && feed->unwritten > 0)
        feed->unwritten--;
}

struct mr_job *mr_feed_job(struct mr_feed *feed)
{
    struct parked_job *parked = (struct parked_job *)mr_job_new(feed->deliver->jobs, sizeof *parked);

    if (!parked)
        return NULL;
    parked->deliver = feed->deliver;
    parked->id = feed->id;
    parked->job.durable = on_durable;
    return &parked->job;
}

int mr_feed_submit(struct mr_feed *feed, struct mr_job *job)
{
    int r = mr_job_submit(job);

    feed->unwritten += r == 0;
    return r;
}
