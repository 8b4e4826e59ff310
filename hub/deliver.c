#include "hub/deliver.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "hub/deliver_rows.h"
#include "proto/base/list.h"
#include "proto/base/logfmt.h"
#include "proto/loop/backoff.h"

enum {
    JOBS_OPEN_MAX = 4096
}; /* acknowledgements on their way to the disk; beyond it, delivery waits for the writer */
enum {
    RETRY_FIRST_MS = 500,
    RETRY_MAX_MS = 60 * 1000,
    RETRY_ASKED_MAX_MS = 3600 * 1000,
    ARENA_BYTES = 256 * 1024
};

static int64_t wall_us(const struct mr_feed *feed)
{
    return mr_clock_wall_us(feed->deliver->house->clock);
}

/* ---- rows ---- */

static void put_cursor(struct mr_job *job, const struct mr_feed *feed)
{
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_CURSOR_KEY_BYTES];

    (void)mr_cursor_row_encode(&value, &(struct mr_cursor_row){.cursor = feed->cursor, .first = feed->first});
    mr_job_put(job, MR_LOG_CURSOR, mr_cursor_key(feed->id, key), mr_buf_slice(&value));
    mr_buf_fini(&value);
}

static void put_delivery(
        struct mr_job *job, const struct mr_feed *feed, uint64_t from, const struct mr_delivery_row *row)
{
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_DELIVERY_KEY_BYTES];

    (void)mr_delivery_row_encode(&value, row);
    mr_job_put(job, MR_LOG_DELIVERY, mr_delivery_key(feed->id, from, key), mr_buf_slice(&value));
    mr_buf_fini(&value);
}

static void put_nack(struct mr_job *job, const struct mr_feed *feed, uint64_t number, bool park,
        const struct mr_nack_row *row)
{
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_NACK_KEY_BYTES];

    (void)mr_nack_row_encode(&value, row);
    mr_job_put(job, MR_LOG_NACK, mr_nack_key(feed->id, number, row->attempt, key), mr_buf_slice(&value));
    if (park)
        mr_job_put(job, MR_LOG_PARKED, mr_delivery_key(feed->id, number, key), mr_buf_slice(&value));
    mr_buf_fini(&value);
}

/* One sent entry that the cursor passes: it joins the range of taken ones, or has a row of its own. */
static void settle_one(struct mr_job *job, const struct mr_feed *feed, const struct mr_sent *sent,
        uint64_t *from, struct mr_delivery_row *taken)
{
    struct mr_delivery_row row = {.outcome = MR_DELIVERY_SUPPRESSED,
            .through = sent->number,
            .count = 1,
            .sent_us = sent->sent_us,
            .acked_us = wall_us(feed),
            .session = feed->session ? feed->session->id : 0,
            .config = feed->deliver->house->config_version};

    if (sent->state == MR_SENT_SUPPRESSED) {
        put_delivery(job, feed, sent->number, &row);
    } else if (sent->state == MR_SENT) {
        if (taken->count == 0) {
            *from = sent->number;
            *taken = row;
            taken->outcome = MR_DELIVERY_TAKEN;
            taken->count = 0;
        }
        taken->through = sent->number;
        taken->count++;
        if (sent->attempt > taken->attempt)
            taken->attempt = sent->attempt;
    }
}

void mr_feed_settle(struct mr_feed *feed, uint64_t through)
{
    struct mr_job *job = mr_job_new(feed->deliver->jobs, sizeof *job);
    struct mr_delivery_row taken = {.count = 0};
    uint64_t from = 0;
    size_t i = 0;

    for (; job && i < feed->sent_count; i++) {
        const struct mr_sent *sent = &feed->sent[i];

        if (sent->state == MR_SENT && sent->number > through)
            break;
        settle_one(job, feed, sent, &from, &taken);
        if (!feed->replay)
            feed->cursor = sent->number;
    }
    if (i == 0 || feed->replay) {
        mr_job_free(job);
    } else {
        if (taken.count > 0)
            put_delivery(job, feed, from, &taken);
        put_cursor(job, feed);
        (void)mr_job_submit(job); /* a row lost for want of memory means sending again after a restart */
    }
    memmove(feed->sent, feed->sent + i, (feed->sent_count - i) * sizeof *feed->sent);
    feed->sent_count -= i;
}

/* ---- the turn ---- */

static void on_idle(uv_idle_t *idle)
{
    struct mr_deliver *deliver = idle->data;
    bool more = false;

    if (!deliver->stopping && deliver->jobs->open < JOBS_OPEN_MAX &&
            mr_log_reader_renew(deliver->reader) == 0) {
        for (uint32_t i = 0; i < deliver->feeds_count; i++)
            more |= mr_feed_send(deliver->feeds[i]);
        mr_log_reader_pause(deliver->reader);
    }
    if (!more)
        (void)uv_idle_stop(idle);
}

void mr_deliver_wake(struct mr_deliver *deliver)
{
    if (!deliver->stopping)
        (void)uv_idle_start(&deliver->idle, on_idle);
}

static void on_jobs_settled(void *ctx)
{
    mr_deliver_wake(ctx);
}

static void on_retry(uv_timer_t *timer)
{
    struct mr_feed *feed = timer->data;

    feed->waiting = false;
    mr_deliver_wake(feed->deliver);
}

/* ---- open and close ---- */

/* The reader has a snapshot. */
static int open_feed(struct mr_feed **ret, struct mr_deliver *deliver, uv_loop_t *loop,
        const struct mr_config_subscription *subscription)
{
    struct mr_cursor_row row = {.cursor = 0, .first = 1};
    uint16_t id = mr_names_id(deliver->house->names, MR_NAME_SUBSCRIPTION, subscription->name);
    uint8_t key[MR_CURSOR_KEY_BYTES];
    struct mr_slice value;
    struct mr_feed *feed;
    int r = mr_log_row(deliver->reader, MR_LOG_CURSOR, mr_cursor_key(id, key), &value);

    if (r == 0)
        r = mr_cursor_row_decode(&row, value);
    if (r < 0)
        return r;
    feed = calloc(1, sizeof *feed);
    if (!feed)
        return MR_ENOMEM;
    feed->deliver = deliver;
    feed->subscription = subscription;
    feed->id = id;
    feed->cursor = row.cursor;
    feed->first = row.first;
    (void)uv_timer_init(loop, &feed->timer);
    feed->timer.data = feed;
    *ret = feed;
    return 0;
}

int mr_deliver_open(struct mr_deliver *deliver, uv_loop_t *loop, struct mr_error *reterr)
{
    const struct mr_config *config = deliver->house->config;
    int r = mr_log_reader_open(deliver->house->log, &deliver->reader);

    deliver->jobs->on_settled = on_jobs_settled;
    deliver->jobs->ctx = deliver;
    (void)uv_idle_init(loop, &deliver->idle);
    deliver->idle.data = deliver;
    mr_arena_init(&deliver->arena, ARENA_BYTES);
    deliver->view = calloc(1, sizeof *deliver->view);
    deliver->feeds = calloc(config->subscriptions_count + 1, sizeof *deliver->feeds);
    if (r < 0 || !deliver->view || !deliver->feeds || (r = mr_log_reader_renew(deliver->reader)) < 0)
        return mr_error_set(reterr, r < 0 ? r : MR_ENOMEM, "log", "", "cannot read the cursors");
    for (uint32_t i = 0; i < config->subscriptions_count; i++) {
        r = open_feed(&deliver->feeds[i], deliver, loop, &config->subscriptions[i]);
        if (r < 0)
            return mr_error_set(
                    reterr, r, config->subscriptions[i].name, "", "cannot read the subscription's cursor");
        deliver->feeds_count++;
    }
    mr_log_reader_pause(deliver->reader);
    return 0;
}

void mr_deliver_stop(struct mr_deliver *deliver)
{
    if (deliver->stopping || !deliver->feeds)
        return;
    deliver->stopping = true;
    uv_close((uv_handle_t *)&deliver->idle, NULL);
    for (uint32_t i = 0; i < deliver->feeds_count; i++)
        uv_close((uv_handle_t *)&deliver->feeds[i]->timer, NULL);
}

void mr_deliver_close(struct mr_deliver *deliver)
{
    for (uint32_t i = 0; i < deliver->feeds_count; i++) {
        free(deliver->feeds[i]->sent);
        free(deliver->feeds[i]);
    }
    free(deliver->feeds);
    free(deliver->view);
    if (deliver->reader)
        mr_log_reader_close(deliver->reader);
    mr_arena_fini(&deliver->arena);
    mr_buf_wipe(&deliver->bytes);
    mr_buf_fini(&deliver->recipients);
    deliver->feeds = NULL;
    deliver->feeds_count = 0;
}

/* ---- frames ---- */

static void restart(struct mr_feed *feed, uint64_t after)
{
    feed->sent_count = 0;
    mr_wanted_start(&feed->wanted, feed->id, after);
}

void mr_deliver_detach(struct mr_deliver *deliver, const struct mr_session *session)
{
    for (uint32_t i = 0; i < deliver->feeds_count; i++) {
        struct mr_feed *feed = deliver->feeds[i];

        if (feed->session != session)
            continue;
        feed->session = NULL;
        feed->replay = false;
        feed->credit_events = 0;
        restart(feed, feed->cursor);
    }
}

static struct mr_feed *feed_of(struct mr_deliver *deliver, struct mr_session *session, const char *name)
{
    for (uint32_t i = 0; i < deliver->feeds_count; i++)
        if (strcmp(deliver->feeds[i]->subscription->name, name) == 0 &&
                strcmp(deliver->feeds[i]->subscription->system, session->system->name) == 0)
            return deliver->feeds[i];
    return NULL;
}

/* The feed that this session has subscribed to; others' frames are dropped. */
static struct mr_feed *own_feed(struct mr_deliver *deliver, struct mr_session *session, const char *name)
{
    struct mr_feed *feed = feed_of(deliver, session, name);

    return feed && feed->session == session ? feed : NULL;
}

static void start_replay(struct mr_feed *feed, const Marshrut__Bus__V1__Subscribe *frame)
{
    struct mr_deliver *deliver = feed->deliver;
    uint64_t from = frame->from_number;

    if (mr_log_reader_renew(deliver->reader) < 0)
        return;
    if (frame->start_case == MARSHRUT__BUS__V1__SUBSCRIBE__START_FROM_TIME_US)
        from = mr_wanted_from_time(deliver->reader, deliver->view, frame->from_time_us);
    feed->replay = true;
    feed->replay_end = mr_log_reader_head(deliver->reader);
    mr_log_reader_pause(deliver->reader);
    restart(feed, from > 0 ? from - 1 : 0);
}

void mr_deliver_subscribe(
        struct mr_deliver *deliver, struct mr_session *session, const Marshrut__Bus__V1__Subscribe *frame)
{
    struct mr_feed *feed = feed_of(deliver, session, frame->subscription);

    if (!feed) {
        mr_session_refuse(
                session, "right", "this system has no such subscription", "Welcome names those it has", 0);
        return;
    }
    if (!feed->sent)
        feed->sent = calloc(MR_FEED_WINDOW_MAX, sizeof *feed->sent);
    if (!feed->sent) {
        mr_session_refuse(session, "limit", "the hub is short of memory", "subscribe again later", 1000);
        return;
    }
    feed->session = session;
    feed->replay = false;
    feed->credit_events = frame->credit_events;
    feed->credit_bytes = frame->credit_bytes ? frame->credit_bytes : UINT64_MAX;
    restart(feed, feed->cursor);
    if (frame->start_case != MARSHRUT__BUS__V1__SUBSCRIBE__START__NOT_SET)
        start_replay(feed, frame);
    mr_info("deliver.subscribed", "subscription", feed->subscription->name, "session", MR_N(session->id),
            "cursor", MR_N(feed->cursor), "replay", feed->replay ? "yes" : NULL);
    mr_deliver_wake(deliver);
}

void mr_deliver_ack(
        struct mr_deliver *deliver, struct mr_session *session, const Marshrut__Bus__V1__Ack *frame)
{
    struct mr_feed *feed = own_feed(deliver, session, frame->subscription);

    if (!feed || feed->sent_count == 0)
        return;
    mr_feed_settle(feed, frame->through);
    mr_deliver_wake(deliver);
}

void mr_deliver_credit(
        struct mr_deliver *deliver, struct mr_session *session, const Marshrut__Bus__V1__Credit *frame)
{
    struct mr_feed *feed = own_feed(deliver, session, frame->subscription);

    if (!feed)
        return;
    feed->credit_events += frame->events;
    if (feed->credit_bytes < UINT64_MAX - frame->bytes)
        feed->credit_bytes += frame->bytes;
    mr_deliver_wake(deliver);
}

/* Everything from `index` on goes out again, when the time has come. */
static void retry(struct mr_feed *feed, size_t index, uint32_t asked_ms)
{
    const struct mr_sent *sent = &feed->sent[index];
    struct mr_backoff backoff = {RETRY_FIRST_MS, RETRY_MAX_MS, sent->attempt - 1};
    uint32_t delay_ms = asked_ms ? asked_ms : mr_backoff_next(&backoff, randombytes_random());

    if (delay_ms > RETRY_ASKED_MAX_MS)
        delay_ms = RETRY_ASKED_MAX_MS;
    feed->retry_number = sent->number;
    feed->retry_attempt = sent->attempt + 1;
    feed->waiting = true;
    mr_wanted_start(&feed->wanted, feed->id, sent->number - 1);
    feed->sent_count = index;
    (void)uv_timer_start(&feed->timer, on_retry, delay_ms, 0);
}

void mr_deliver_nack(
        struct mr_deliver *deliver, struct mr_session *session, const Marshrut__Bus__V1__Nack *frame)
{
    struct mr_feed *feed = own_feed(deliver, session, frame->subscription);
    struct mr_nack_row row = {0};
    struct mr_job *job;
    size_t i = 0;
    bool park;

    while (feed && i < feed->sent_count && feed->sent[i].number != frame->number)
        i++;
    if (!feed || i == feed->sent_count || feed->sent[i].state != MR_SENT)
        return;
    row.at_us = wall_us(feed);
    row.attempt = feed->sent[i].attempt;
    mr_nack_reason(frame->reason, row.reason);
    park = frame->park || row.attempt >= feed->subscription->attempts_max;
    job = feed->replay ? NULL : mr_job_new(deliver->jobs, sizeof *job);
    if (job) {
        put_nack(job, feed, frame->number, park, &row);
        (void)mr_job_submit(job);
    }
    if (!park && !feed->replay) {
        retry(feed, i, frame->retry_after_ms);
        return;
    }
    if (park)
        mr_warn("deliver.parked", "subscription", feed->subscription->name, "number", MR_N(frame->number),
                "reason", row.reason);
    feed->parked += !feed->replay && park;
    feed->sent[i].state = MR_SENT_PARKED;
    if (i == 0)
        mr_feed_settle(feed, 0);
    mr_deliver_wake(deliver);
}
