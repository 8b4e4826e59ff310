/* Nack, retry and park: what becomes of an event that its receiver did not take. */
#include <sodium.h>
#include <stdlib.h>

#include "event/hub.pb-c.h"
#include "hub/deliver/deliver_internal.h"
#include "hub/intake/prepare.h"
#include "proto/base/logfmt.h"
#include "proto/loop/backoff.h"
#include "proto/wire/codec.h"
#include "proto/wire/digest.h"

enum { RETRY_FIRST_MS = 500, RETRY_MAX_MS = 60 * 1000, RETRY_ASKED_MAX_MS = 3600 * 1000 };

uint32_t mr_feed_backoff_ms(uint32_t attempt, uint32_t asked_ms)
{
    struct mr_backoff backoff = {RETRY_FIRST_MS, RETRY_MAX_MS, attempt - 1};

    if (asked_ms == 0)
        return mr_backoff_next(&backoff, randombytes_random());
    return asked_ms < RETRY_ASKED_MAX_MS ? asked_ms : RETRY_ASKED_MAX_MS;
}

void mr_feed_order(struct mr_feed *feed, uint64_t number, struct mr_order *ret)
{
    struct mr_deliver *deliver = feed->deliver;

    ret->count = 0;
    if (mr_log_read(deliver->reader, number, deliver->view, NULL) == 0)
        (void)mr_order_of(ret, deliver->house, feed->subscription->name, &deliver->view->record);
}

/* ---- one event that is parked ---- */

struct parking {
    struct mr_deliver *deliver;
    uint16_t id; /* the feed may be gone by then */
    struct mr_job *job;
};

static void on_parked(struct mr_deliver *deliver, uint16_t id)
{
    struct mr_feed *feed = mr_deliver_feed(deliver, id);

    if (!feed || feed->parking == 0)
        return;
    if (--feed->parking == 0) {
        for (size_t i = 0; i < feed->sent_count; i++)
            if (feed->sent[i].state == MR_SENT_PARKING)
                feed->sent[i].state = MR_SENT_PARKED;
        if (feed->sent_count > 0)
            mr_feed_settle(feed, feed->acked);
        feed->acked = 0;
    }
    mr_deliver_wake(deliver);
}

static void free_parking(struct parking *parking)
{
    mr_job_free(parking->job);
    free(parking);
}

/* Writer thread. */
static int put_rows(struct mr_intake *intake, struct mr_log_batch *batch)
{
    return mr_rows_apply(mr_buf_slice(&((const struct parking *)intake->owner)->job->rows), batch);
}

/* Writer thread. */
static void on_done(struct mr_intake *intake)
{
    (void)mr_mailbox_post(((const struct parking *)intake->owner)->deliver->intakes, &intake->link);
}

static void on_answer(struct mr_intake *intake)
{
    struct parking *parking = intake->owner;

    if (intake->status == 0)
        on_parked(parking->deliver, parking->id);
    free_parking(parking);
}

static void on_job(struct mr_job *job)
{
    struct parking *parking = job->owner;

    on_parked(parking->deliver, parking->id);
    free(parking); /* the job is freed by who calls */
}

static int build_event(
        struct mr_buf *out, const struct mr_feed *feed, uint64_t number, const struct mr_parked_row *row)
{
    const struct mr_house *house = feed->deliver->house;
    Nms__Event__V1__HubDeliveryParked m = NMS__EVENT__V1__HUB_DELIVERY_PARKED__INIT;
    struct mr_uuid7 generator = {0};
    uint8_t uuid[MR_UUID_BYTES];
    char id[MR_UUID_TEXT_MAX], time[MR_TIME_TEXT_MAX];
    int64_t now = mr_feed_now_us(feed);
    struct mr_attributes attributes = {.source = house->config->hub.source,
            .type = "hub.delivery.parked.v1",
            .time = mr_time_format(now, time)};

    m.subscription = feed->subscription->name;
    m.number = number;
    m.attempts = row->attempt;
    m.code = (char *)row->reason;
    mr_uuid7_next(&generator, now, uuid);
    attributes.id = mr_uuid_format(uuid, id);
    return mr_event_encode(out, &attributes, &m.base);
}

static struct mr_intake *intake_of(
        const struct mr_feed *feed, struct parking *parking, uint64_t number, const struct mr_parked_row *row)
{
    struct mr_intake *intake = mr_intake_new(1);

    if (!intake || build_event(&intake->bytes, feed, number, row) < 0) {
        mr_intake_free(intake);
        return NULL;
    }
    intake->items[0].event = mr_buf_slice(&intake->bytes);
    intake->system = MR_SYSTEM_HUB;
    intake->rows = put_rows;
    intake->done = on_done;
    intake->answer = on_answer;
    intake->owner = parking;
    return intake;
}

/* An event of the hub's own is parked without a word, or its words would go round. */
static bool is_of_hub(struct mr_feed *feed, uint64_t number)
{
    struct mr_deliver *deliver = feed->deliver;

    return mr_log_read(deliver->reader, number, deliver->view, NULL) == 0 &&
           deliver->view->record.system == MR_SYSTEM_HUB;
}

static void count_parked(struct mr_feed *feed, const struct mr_order *order)
{
    bool was_full = feed->parked.full;

    mr_parked_add(&feed->parked, order);
    if (feed->parked.full && !was_full)
        mr_warn("deliver.parked_full", "subscription", feed->subscription->name, "rows",
                MR_N(feed->parked.rows), "cure", "release or discard: marshrut parked list");
}

int mr_feed_park(struct mr_feed *feed, struct mr_job *job, uint64_t number, const struct mr_parked_row *row)
{
    struct mr_deliver *deliver = feed->deliver;
    struct parking *parking = calloc(1, sizeof *parking);
    struct mr_intake *intake;

    mr_feed_put_parked(job, feed, number, row);
    if (!parking || mr_buf_failed(&job->rows)) {
        mr_job_free(job);
        free(parking);
        return MR_ENOMEM;
    }
    *parking = (struct parking){.deliver = deliver, .id = feed->id, .job = job};
    intake = is_of_hub(feed, number) ? NULL : intake_of(feed, parking, number, row);
    if (intake) {
        mr_prepare_submit(deliver->prepare, intake);
    } else {
        job->durable = on_job;
        job->owner = parking;
        (void)mr_job_submit(job); /* its rows are whole */
    }
    feed->parking++;
    feed->parkings++;
    count_parked(feed, &row->order);
    mr_warn("deliver.parked", "subscription", feed->subscription->name, "number", MR_N(number), "attempts",
            MR_N(row->attempt), "reason", row->reason);
    return 0;
}

int mr_feed_park_behind(struct mr_feed *feed, uint64_t number, uint32_t attempt, const struct mr_order *order)
{
    const struct mr_parked_row row = {
            .state = MR_PARKED_BEHIND, .at_us = mr_feed_now_us(feed), .attempt = attempt, .order = *order};
    struct mr_mark *mark = mr_marks_put(&feed->marks, number);
    struct mr_job *job = mark ? mr_feed_job(feed) : NULL;

    if (!job)
        return MR_ENOMEM;
    mr_feed_put_parked(job, feed, number, &row);
    if (mr_feed_submit(feed, job) < 0)
        return MR_ENOMEM;
    mark->parked = true;
    count_parked(feed, order);
    return 0;
}

/* ---- Nack ---- */

/* Everything from `index` on goes out again, when the time has come. */
static void retry(struct mr_feed *feed, size_t index, uint32_t asked_ms)
{
    const struct mr_sent *sent = &feed->sent[index];

    feed->waiting = true;
    mr_wanted_restart(&feed->wanted, sent->number - 1);
    if (feed->acked >= sent->number) /* what was said of earlier ones holds */
        feed->acked = 0;
    feed->sent_count = index;
    feed->alone = 0;
    (void)uv_timer_start(&feed->timer, mr_feed_on_retry, mr_feed_backoff_ms(sent->attempt, asked_ms), 0);
}

/* Each sent event is asked once: a receiver that gives all of them back must not cost the loop a look at all
 * of them each time. */
static void order_of_sent(struct mr_feed *feed, struct mr_sent *sent, struct mr_order *ret)
{
    if (sent->keys > 1) { /* or unknown */
        mr_feed_order(feed, sent->number, ret);
        sent->keys = (uint8_t)ret->count;
        sent->tag = ret->count == 1 ? ret->tags[0] : 0;
        return;
    }
    ret->count = sent->keys;
    ret->tags[0] = sent->tag;
}

/* Those of the same key that are under way already come again behind it, whatever becomes of them now. */
static void hold_back(struct mr_feed *feed, size_t index, const struct mr_order *order)
{
    for (size_t i = index + 1; order->count > 0 && i < feed->sent_count; i++) {
        struct mr_sent *sent = &feed->sent[i];
        struct mr_order other;

        if (sent->state != MR_SENT)
            continue;
        order_of_sent(feed, sent, &other);
        if (mr_order_meets(order, &other) &&
                mr_feed_park_behind(feed, sent->number, sent->attempt, &other) == 0)
            sent->state = MR_SENT_PARKED;
    }
}

static void park(struct mr_feed *feed, size_t index, const struct mr_nack_row *nack)
{
    struct mr_deliver *deliver = feed->deliver;
    struct mr_sent *sent = &feed->sent[index];
    struct mr_mark *mark = mr_marks_put(&feed->marks, sent->number);
    struct mr_job *job = mark ? mr_job_new(deliver->jobs, sizeof *job) : NULL;
    struct mr_parked_row row = {0};

    if (!job || mr_log_reader_renew(deliver->reader) < 0) {
        mr_job_free(job); /* as if it had not been said: the receiver will say it again */
        return;
    }
    mr_parked_row_failed(&row, nack);
    order_of_sent(feed, sent, &row.order);
    mr_feed_put_nack(job, feed, sent->number, nack);
    if (mr_feed_park(feed, job, sent->number, &row) == 0) {
        mark->parked = true;
        mark->attempt = nack->attempt;
        sent->state = MR_SENT_PARKING;
        feed->alone = 0;
        hold_back(feed, index, &row.order);
    }
    mr_log_reader_pause(deliver->reader);
}

static void remember(struct mr_feed *feed, uint64_t number, const struct mr_nack_row *nack)
{
    struct mr_job *job = mr_job_new(feed->deliver->jobs, sizeof *job);
    struct mr_mark *mark = mr_marks_put(&feed->marks, number);

    if (mark)
        mark->attempt = nack->attempt;
    if (!job)
        return;
    mr_feed_put_nack(job, feed, number, nack);
    (void)mr_job_submit(job); /* one that is lost counts as not made, after a restart */
}

/* Of one that comes again anyway, behind another that was given back: no Ack of a later one may cover it. */
static void note(struct mr_feed *feed, uint64_t number)
{
    struct mr_mark *mark;

    if (feed->replay || number <= feed->cursor || number > feed->sent_through ||
            feed->marks.count >= MR_FEED_WINDOW_MAX)
        return;
    mark = mr_marks_put(&feed->marks, number);
    if (mark && mark->attempt == 0 && !mark->parked)
        mark->attempt = 1;
}

void mr_feed_nack(struct mr_feed *feed, const Marshrut__Bus__V1__Nack *frame)
{
    struct mr_nack_row row = {.at_us = mr_feed_now_us(feed)};
    struct mr_sent *sent = feed->sent;
    size_t i = 0;

    while (i < feed->sent_count && sent[i].number != frame->number)
        i++;
    if (i == feed->sent_count)
        note(feed, frame->number);
    if (i == feed->sent_count || sent[i].state != MR_SENT)
        return;
    row.attempt = sent[i].attempt;
    mr_nack_reason(frame->reason, row.reason);
    if (feed->replay) { /* nothing of it is kept */
        sent[i].state = MR_SENT_PARKED;
        if (i == 0)
            mr_feed_settle(feed, 0);
    } else if (frame->park || row.attempt >= feed->subscription->attempts_max) {
        park(feed, i, &row);
    } else {
        remember(feed, frame->number, &row);
        retry(feed, i, frame->retry_after_ms);
    }
}
