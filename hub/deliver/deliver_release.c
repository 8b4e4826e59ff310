/*
 * What is parked and may go: it was released, or what it waited behind is gone. A pass reads the rows of the
 * subscription, takes those that nothing earlier of their key holds up, and sends them by number, a frame at
 * a time. It begins when nothing else is under way and every row is on the disk, so that the rows are the
 * truth and an acknowledgement cannot mean anything else; after it the feed goes on from its cursor.
 */
#include <stdlib.h>
#include <string.h>

#include "hub/deliver/deliver_internal.h"
#include "proto/base/bytes.h"
#include "proto/base/logfmt.h"

enum { PASS_MAX = 1024 };

/* ---- reading the rows ---- */

struct scan {
    struct mr_feed *feed;
    struct mr_release *release; /* NULL: only count */
    struct mr_parked held;      /* keys of the rows so far that must wait */
    int64_t now_us;
    int64_t next_us; /* earliest time of what may not come yet; 0: none */
};

/* May it go now? What a cursor has not passed yet is not the pass's: its earlier ones are still under way. */
static bool may_go(struct scan *scan, uint64_t number, const struct mr_parked_row *row)
{
    if (row->state == MR_PARKED_FAILED || number > scan->feed->cursor || scan->held.full ||
            mr_parked_holds(&scan->held, &row->order))
        return false;
    if (row->not_before_us <= scan->now_us)
        return true;
    if (scan->next_us == 0 || row->not_before_us < scan->next_us)
        scan->next_us = row->not_before_us;
    return false;
}

static int take_row(struct scan *scan, uint64_t number, const struct mr_parked_row *row)
{
    struct mr_release *release = scan->release;

    if (!may_go(scan, number, row)) {
        mr_parked_add(&scan->held, &row->order);
        return 0;
    }
    if (release->count == PASS_MAX) {
        release->more = true;
        return 0;
    }
    if (!release->items && !(release->items = calloc(PASS_MAX, sizeof *release->items)))
        return MR_ENOMEM;
    release->items[release->count++] = (struct mr_release_item){.number = number, .row = *row};
    return 0;
}

static int on_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct scan *scan = ctx;
    struct mr_feed *feed = scan->feed;
    struct mr_parked_row row = {.state = MR_PARKED_FAILED};
    uint64_t number;

    if (key.size != MR_DELIVERY_KEY_BYTES)
        return 0;
    number = mr_get_be64(key.data + 2);
    if (mr_parked_row_decode(&row, value) < 0)
        mr_err("deliver.parked_damaged", "subscription", feed->subscription->name, "number", MR_N(number),
                "cure", "marshrut scrub");
    mr_parked_add(&feed->parked, &row.order);
    /* After a crash what waits behind may be there without what it waited for: that comes again by itself. */
    if (row.state != MR_PARKED_FAILED && number > feed->cursor && number > feed->release_behind)
        feed->release_behind = number;
    if (scan->release)
        return take_row(scan, number, &row);
    if (number > feed->cursor) {
        struct mr_mark *mark = mr_marks_put(&feed->marks, number);

        if (!mark)
            return MR_ENOMEM;
        mark->parked = true;
    }
    return 0;
}

static int read_rows(struct scan *scan)
{
    struct mr_feed *feed = scan->feed;
    uint8_t key[2];
    int r;

    mr_put_be16(key, feed->id);
    mr_parked_reset(&feed->parked);
    r = mr_log_rows(feed->deliver->reader, MR_LOG_PARKED, mr_slice(key, 2), mr_slice(key, 2), on_row, scan);
    mr_parked_fini(&scan->held);
    return r < 0 ? r : 0;
}

static int on_nack(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct mr_feed *feed = ctx;
    struct mr_nack_row row;
    struct mr_mark *mark;

    if (key.size != MR_NACK_KEY_BYTES || mr_nack_row_decode(&row, value) < 0)
        return 0;
    mark = mr_marks_put(&feed->marks, mr_get_be64(key.data + 2));
    if (mark)
        mark->attempt = row.attempt; /* they come in their order */
    return mark ? 0 : MR_ENOMEM;
}

int mr_feed_load(struct mr_feed *feed)
{
    struct scan scan = {.feed = feed};
    uint8_t key[MR_DELIVERY_KEY_BYTES];
    int r = read_rows(&scan);

    if (r == 0)
        r = mr_log_rows(feed->deliver->reader, MR_LOG_NACK, mr_slice(key, 2),
                mr_delivery_key(feed->id, feed->cursor + 1, key), on_nack, feed);
    feed->release_due = feed->parked.rows > 0;
    return r < 0 ? r : 0;
}

/* ---- a pass ---- */

static void on_timer(uv_timer_t *timer)
{
    struct mr_feed *feed = timer->data;

    feed->release_due = true;
    mr_deliver_wake(feed->deliver);
}

static void look_again_at(struct mr_feed *feed, int64_t at_us)
{
    int64_t now_us = mr_feed_now_us(feed);

    if (at_us > 0)
        (void)uv_timer_start(&feed->release_timer, on_timer,
                at_us > now_us ? (uint64_t)(at_us - now_us) / 1000 + 1 : 0, 0);
}

static void free_release(struct mr_feed *feed)
{
    if (feed->release && feed->release->replay)
        mr_feed_replay_passed(feed);
    if (feed->release)
        free(feed->release->items);
    free(feed->release);
    feed->release = NULL;
}

void mr_feed_release_drop(struct mr_feed *feed)
{
    free_release(feed);
    feed->replay_due = false;
    feed->release_due = feed->parked.rows > 0;
}

/* 0, and a pass if there is anything for one; else it is tried again later. */
static int begin(struct mr_feed *feed)
{
    struct scan scan = {.feed = feed, .now_us = mr_feed_now_us(feed)};
    int r;

    feed->release = scan.release = calloc(1, sizeof *scan.release);
    r = feed->release ? read_rows(&scan) : MR_ENOMEM;
    if (r < 0 || feed->release->count == 0)
        free_release(feed);
    if (r == 0) {
        feed->release_due = false;
        look_again_at(feed, scan.next_us);
    }
    return r;
}

static bool under_way(const struct mr_release *release)
{
    for (size_t i = 0; i < release->sent; i++)
        if (release->items[i].state == MR_ITEM_SENT)
            return true;
    return false;
}

/* The row goes, and a delivery stands in its place. */
static void settle(struct mr_feed *feed, struct mr_job *job, struct mr_release_item *item,
        enum mr_delivery_outcome outcome)
{
    const struct mr_delivery_row row = {.outcome = outcome,
            .through = item->number,
            .count = 1,
            .sent_us = item->sent_us,
            .acked_us = mr_feed_now_us(feed),
            .attempt = outcome == MR_DELIVERY_TAKEN ? item->row.attempt + 1 : 0,
            .session = feed->session ? feed->session->id : 0,
            .config = feed->deliver->house->config_version};
    uint8_t key[MR_DELIVERY_KEY_BYTES];

    item->state = MR_ITEM_OVER;
    if (feed->release->replay)
        return; /* leaves no rows */
    mr_rows_del(&job->rows, MR_LOG_PARKED, mr_delivery_key(feed->id, item->number, key));
    mr_feed_put_delivery(job, feed, item->number, &row);
    mr_parked_remove(&feed->parked, &item->row.order);
}

static bool has_expired(
        const struct mr_feed *feed, const struct mr_release_item *item, const struct mr_record *record)
{
    return item->row.state == MR_PARKED_BEHIND && mr_feed_is_old(feed, record);
}

/* Parked once more; what follows of its key stays where it is. */
static void fail_again(
        struct mr_feed *feed, struct mr_release_item *item, const struct mr_nack_row *nack, bool say_nack)
{
    struct mr_release *release = feed->release;
    struct mr_job *job = mr_job_new(feed->deliver->jobs, sizeof *job);

    if (!job)
        return;
    if (say_nack)
        mr_feed_put_nack(job, feed, item->number, nack);
    mr_parked_row_failed(&item->row, nack);
    mr_parked_remove(&feed->parked, &item->row.order); /* counted again */
    if (mr_feed_park(feed, job, item->number, &item->row) < 0)
        mr_parked_add(&feed->parked, &item->row.order);
    for (size_t i = (size_t)(item - release->items); i < release->count; i++)
        if (mr_order_meets(&release->items[i].row.order, &item->row.order))
            release->items[i].state = MR_ITEM_OVER;
    item->state = MR_ITEM_OVER;
}

static void damaged(struct mr_feed *feed, struct mr_release_item *item, int error)
{
    struct mr_nack_row nack = {.at_us = mr_feed_now_us(feed), .attempt = item->row.attempt};

    mr_err("deliver.damaged", "subscription", feed->subscription->name, "number", MR_N(item->number), "error",
            mr_err_name(error));
    item->state = MR_ITEM_OVER;
    if (feed->release->replay)
        return;
    mr_nack_reason(mr_err_name(error), nack.reason);
    fail_again(feed, item, &nack, false);
}

/* One item into the frame, or over without being sent. false: there is no room for it now. */
static bool put(
        struct mr_feed *feed, struct mr_feed_frame *frame, struct mr_job *job, struct mr_release_item *item)
{
    struct mr_deliver *deliver = feed->deliver;
    int r = mr_log_read(deliver->reader, item->number, deliver->view, NULL);

    if (r == 0 && has_expired(feed, item, &deliver->view->record)) {
        settle(feed, job, item, MR_DELIVERY_EXPIRED);
        return true;
    }
    if (r == 0)
        r = mr_feed_frame_add(feed, frame);
    if (r == 1 || r == MR_ENOMEM)
        return false;
    if (r == 0) {
        frame->items[frame->count - 1].attempt = item->row.attempt + 1;
        item->state = MR_ITEM_SENT;
        item->sent_us = mr_feed_now_us(feed);
    } else if (r == MR_EDESTROYED || r == MR_EBLOCKED || r == MR_EEXPIRED) {
        settle(feed, job, item, MR_DELIVERY_SUPPRESSED);
    } else {
        damaged(feed, item, r);
    }
    return true;
}

static bool send_next(struct mr_feed *feed)
{
    struct mr_release *release = feed->release;
    struct mr_job *job = mr_feed_job(feed);
    struct mr_feed_frame frame;
    size_t before = release->sent;

    if (!job)
        return false;
    mr_feed_frame_begin(feed, &frame);
    while (release->sent < release->count && feed->parking == 0 && mr_feed_frame_has_room(feed, &frame)) {
        struct mr_release_item *item = &release->items[release->sent];

        if (item->state == MR_ITEM_WAITING && item->row.attempt > 0 && frame.count > 0)
            break; /* it was under way before: a late Ack of it must not cover others */
        if (item->state == MR_ITEM_WAITING && !put(feed, &frame, job, item))
            break;
        release->sent++;
    }
    if (job->rows.size > 0)
        (void)mr_feed_submit(feed, job);
    else
        mr_job_free(job);
    if (frame.count > 0)
        mr_feed_frame_send(feed, &frame, release->replay, !release->replay);
    return feed->session && frame.count == 0 && release->sent > before;
}

bool mr_feed_release(struct mr_feed *feed)
{
    if (!feed->release) {
        if (feed->sent_count > 0 || feed->unwritten > 0)
            return false; /* wakes us */
        if (!feed->release_due)
            return mr_feed_replay_begin(feed) == 0;
        return begin(feed) == 0;
    }
    if (under_way(feed->release))
        return false;
    if (feed->release->sent < feed->release->count)
        return send_next(feed);
    feed->release_due |= feed->release->more;
    free_release(feed);
    return true;
}

/* ---- what the receiver says ---- */

static struct mr_release_item *find_sent(struct mr_release *release, uint64_t number)
{
    for (size_t i = 0; i < release->sent; i++)
        if (release->items[i].number == number && release->items[i].state == MR_ITEM_SENT)
            return &release->items[i];
    return NULL;
}

uint64_t mr_feed_release_open_after(const struct mr_release *release, uint64_t after)
{
    for (size_t i = 0; i < release->sent; i++)
        if (release->items[i].state == MR_ITEM_SENT && release->items[i].number > after)
            return release->items[i].number;
    return 0;
}

void mr_feed_release_ack(struct mr_feed *feed, uint64_t through)
{
    struct mr_release *release = feed->release;
    struct mr_job *job = find_sent(release, through) ? mr_feed_job(feed) : NULL;

    if (!job)
        return; /* said of something else */
    for (size_t i = 0; i < release->sent; i++)
        if (release->items[i].state == MR_ITEM_SENT && release->items[i].number <= through)
            settle(feed, job, &release->items[i], MR_DELIVERY_TAKEN);
    if (job->rows.size == 0)
        mr_job_free(job);
    else
        (void)mr_feed_submit(feed, job); /* rows lost for want of memory: it comes again after a restart */
}

/* Once more by itself, after a while; the rest of the feed does not wait for it, only its key. */
static void again(
        struct mr_feed *feed, struct mr_release_item *item, const struct mr_nack_row *nack, uint32_t asked_ms)
{
    struct mr_release *release = feed->release;
    struct mr_job *job = mr_feed_job(feed);
    int64_t at_us = nack->at_us + (int64_t)mr_feed_backoff_ms(nack->attempt, asked_ms) * 1000;

    if (!job)
        return;
    mr_parked_row_failed(&item->row, nack);
    item->row.state = MR_PARKED_RELEASED;
    item->row.not_before_us = at_us;
    mr_feed_put_nack(job, feed, item->number, nack);
    mr_feed_put_parked(job, feed, item->number, &item->row);
    if (mr_feed_submit(feed, job) < 0)
        return;
    for (size_t i = (size_t)(item - release->items); i < release->count; i++)
        if (mr_order_meets(&release->items[i].row.order, &item->row.order))
            release->items[i].state = MR_ITEM_OVER;
    item->state = MR_ITEM_OVER;
    if (!uv_is_active((uv_handle_t *)&feed->release_timer) ||
            uv_timer_get_due_in(&feed->release_timer) > (uint64_t)(at_us - nack->at_us) / 1000)
        look_again_at(feed, at_us);
}

void mr_feed_release_nack(struct mr_feed *feed, const Marshrut__Bus__V1__Nack *frame)
{
    struct mr_deliver *deliver = feed->deliver;
    struct mr_release_item *item = find_sent(feed->release, frame->number);
    struct mr_nack_row nack = {.at_us = mr_feed_now_us(feed)};
    uint32_t attempts_max;

    if (!item)
        return;
    if (feed->release->replay) {
        item->state = MR_ITEM_OVER; /* nothing of it is kept */
        return;
    }
    if (item->row.attempts_max == 0) /* it waited behind another one */
        item->row.attempts_max = feed->subscription->attempts_max;
    attempts_max = item->row.attempts_max;
    nack.attempt = item->row.attempt + 1;
    mr_nack_reason(frame->reason, nack.reason);
    if (!frame->park && nack.attempt < attempts_max) {
        again(feed, item, &nack, frame->retry_after_ms);
        return;
    }
    if (mr_log_reader_renew(deliver->reader) < 0)
        return;
    fail_again(feed, item, &nack, true);
    mr_log_reader_pause(deliver->reader);
}
