/* Building one Deliver frame within the credit of a feed, in the order of the log. */
#include <string.h>

#include "hub/deliver/deliver_internal.h"
#include "hub/record/seal.h"
#include "proto/base/list.h"
#include "proto/base/logfmt.h"

enum { SCAN_BUDGET = 4096, RECIPIENTS_MAX = 64 };

typedef Marshrut__Bus__V1__DeliverItem item_t;

/* ---- the frame ---- */

void mr_feed_frame_begin(struct mr_feed *feed, struct mr_feed_frame *frame)
{
    frame->count = frame->bytes = 0;
    frame->stays = false;
    mr_buf_reset(&feed->deliver->bytes);
    mr_arena_reset(&feed->deliver->arena);
}

bool mr_feed_frame_has_room(const struct mr_feed *feed, const struct mr_feed_frame *frame)
{
    return feed->credit_events > 0 && frame->count < MR_FEED_ITEMS_MAX && frame->bytes < MR_FEED_FRAME_BYTES;
}

/* "ogrn,ogrn" as a list, in the arena. */
static void put_recipients(struct mr_arena *arena, item_t *item, struct mr_slice text)
{
    char *copy = mr_arena_alloc(arena, text.size + 1);
    char **names = mr_arena_alloc(arena, RECIPIENTS_MAX * sizeof *names);
    char *state = NULL;

    if (text.size == 0 || !copy || !names)
        return;
    memcpy(copy, text.data, text.size);
    copy[text.size] = 0;
    item->recipients = names;
    for (char *name = strtok_r(copy, ",", &state); name && item->n_recipients < RECIPIENTS_MAX;
            name = strtok_r(NULL, ",", &state))
        names[item->n_recipients++] = name;
}

/* event: where it lies in the record; without data, it is what deliver->bytes has from `offset` on. */
static void add_item(struct mr_feed *feed, struct mr_feed_frame *frame, struct mr_slice event, size_t offset)
{
    struct mr_deliver *deliver = feed->deliver;
    item_t *item = &frame->items[frame->count];

    marshrut__bus__v1__deliver_item__init(item);
    item->number = deliver->view->record.number;
    item->event.data = (uint8_t *)event.data;
    item->event.len = event.size;
    item->recorded_us = deliver->view->record.recorded_us;
    put_recipients(&deliver->arena, item, mr_buf_slice(&deliver->recipients));
    frame->offsets[frame->count] = offset;
    frame->as_is[frame->count] = event.data != NULL;
    frame->pointers[frame->count++] = item;
    frame->bytes += event.size;
    feed->credit_events--;
    if (feed->credit_bytes != UINT64_MAX)
        feed->credit_bytes -= item->event.len;
}

int mr_feed_frame_add(struct mr_feed *feed, struct mr_feed_frame *frame)
{
    struct mr_deliver *deliver = feed->deliver;
    struct mr_buf *bytes = &deliver->bytes;
    size_t offset = bytes->size;
    struct mr_slice event = {0};
    int r = 0;

    mr_buf_reset(&deliver->recipients);
    if (!frame->stays || !mr_disclose_as_is(&deliver->view->record, feed->subscription, &event)) {
        r = mr_disclose(bytes, &deliver->recipients, deliver->house, &deliver->view->record,
                feed->subscription, NULL);
        event.size = bytes->size - offset;
    }
    if (r == 0 && mr_buf_failed(bytes))
        r = MR_ENOMEM;
    if (r == 0 && event.size > feed->credit_bytes)
        r = 1;
    if (r == 0)
        add_item(feed, frame, event, offset);
    else
        bytes->size = offset;
    return r;
}

void mr_feed_frame_send(struct mr_feed *feed, struct mr_feed_frame *items, bool replay, bool released)
{
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Deliver body = MARSHRUT__BUS__V1__DELIVER__INIT;

    for (size_t i = 0; i < items->count; i++)
        if (!items->as_is[i])
            items->items[i].event.data = feed->deliver->bytes.data + items->offsets[i];
    body.subscription = feed->subscription->name;
    body.items = items->pointers;
    body.n_items = items->count;
    body.replay = replay;
    body.released = released;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_DELIVER;
    frame.deliver = &body;
    (void)mr_session_send(
            feed->session, &frame); /* one that cannot take it is closed, and the feed detached */
}

/* ---- one number ---- */

static struct mr_sent *push_sent(
        struct mr_feed *feed, uint64_t number, enum mr_sent_state state, const struct mr_mark *mark)
{
    struct mr_sent *sent = &feed->sent[feed->sent_count++];

    *sent = (struct mr_sent){.number = number,
            .state = (uint8_t)state,
            .keys = MR_SENT_KEYS_UNKNOWN,
            .attempt = 1,
            .config = (uint16_t)feed->deliver->house->config_version,
            .sent_us = feed->deliver->turn_us};
    if (mark && mark->attempt > 0)
        sent->attempt = mark->attempt + 1;
    else if (number <= feed->sent_through && !feed->replay)
        sent->attempt = 2;
    mr_wanted_take(&feed->wanted);
    return sent;
}

/* A record that cannot be opened at all: parked, and said aloud. */
static bool park_damaged(struct mr_feed *feed, uint64_t number, int error)
{
    struct mr_job *job = feed->replay ? NULL : mr_job_new(feed->deliver->jobs, sizeof *job);
    struct mr_mark *mark = feed->replay ? NULL : mr_marks_put(&feed->marks, number);
    struct mr_parked_row row = {.state = MR_PARKED_FAILED, .at_us = mr_feed_now_us(feed)};

    mr_err("deliver.damaged", "subscription", feed->subscription->name, "number", MR_N(number), "error",
            mr_err_name(error));
    mr_nack_reason(mr_err_name(error), row.reason);
    if (!feed->replay && (!mark || !job || mr_feed_park(feed, job, number, &row) < 0)) {
        if (!mark)
            mr_job_free(job);
        return false;
    }
    if (mark)
        mark->parked = true;
    (void)push_sent(feed, number, feed->replay ? MR_SENT_PARKED : MR_SENT_PARKING, NULL);
    return true;
}

bool mr_feed_is_old(const struct mr_feed *feed, const struct mr_record *record)
{
    int64_t hours = feed->subscription->deadline_hours;

    return hours > 0 && mr_feed_now_us(feed) - record->recorded_us > hours * 3600 * 1000000;
}

/* Is it of a key that waits? Only where something is parked does anybody have to know. */
static int look_at_key(struct mr_feed *feed, struct mr_order *order)
{
    struct mr_deliver *deliver = feed->deliver;
    int r;

    order->count = 0;
    if (feed->parked.rows == 0 || feed->replay)
        return 0;
    r = mr_order_of(order, deliver->house, feed->subscription->name, &deliver->view->record);
    return r == 0 && mr_parked_holds(&feed->parked, order) ? 1 : r;
}

/*
 * It was given back. An Ack that its receiver said of later ones before it came again must not cover it, so
 * it comes by itself, and only an Ack with its very number counts.
 */
static bool is_alone(const struct mr_feed *feed, const struct mr_mark *mark)
{
    return mark && mark->attempt > 0 && !mark->parked && !feed->replay;
}

/* One number: into the frame, or settled without being sent. false: no room for it now. */
static bool take(struct mr_feed *feed, struct mr_feed_frame *frame, uint64_t number)
{
    struct mr_deliver *deliver = feed->deliver;
    const struct mr_mark *mark =
            feed->marks.count > 0 && !feed->replay ? mr_marks_find(&feed->marks, number) : NULL;
    struct mr_order order;
    int r;

    if (mark && mark->parked) {
        (void)push_sent(feed, number, MR_SENT_PARKED, mark);
        return true;
    }
    if (is_alone(feed, mark) && feed->sent_count > 0)
        return false; /* once they are settled */
    r = mr_tail_read(&deliver->tail, deliver->reader, number, deliver->view, &frame->stays);
    if (r == 0 && !feed->replay && mr_feed_is_old(feed, &deliver->view->record)) {
        (void)push_sent(feed, number, MR_SENT_EXPIRED, mark);
        return true;
    }
    if (r == 0)
        r = look_at_key(feed, &order);
    if (r == 1) {
        if (mr_feed_park_behind(feed, number, 0, &order) < 0)
            return false;
        (void)push_sent(feed, number, MR_SENT_PARKED, NULL);
        return true;
    }
    if (r == 0)
        r = mr_feed_frame_add(feed, frame);
    if (r == 0)
        frame->items[frame->count - 1].attempt = push_sent(feed, number, MR_SENT, mark)->attempt;
    if (r == 0 && is_alone(feed, mark))
        feed->alone = number;
    if (r == 0 && number > feed->sent_through)
        feed->sent_through = number;
    if (r == MR_EDESTROYED || r == MR_EBLOCKED || r == MR_EEXPIRED)
        (void)push_sent(feed, number, MR_SENT_SUPPRESSED, mark);
    else if (r < 0 && r != MR_ENOMEM)
        return park_damaged(feed, number, r);
    return r <= 0 && r != MR_ENOMEM;
}

/* ---- a turn of one feed ---- */

/* The replay has reached its end and everything was acknowledged: back to the cursor. */
static bool end_replay(struct mr_feed *feed)
{
    if (!feed->replay || feed->sent_count > 0)
        return false;
    feed->replay = false;
    mr_wanted_restart(&feed->wanted, feed->cursor);
    return true;
}

static bool send_next(struct mr_feed *feed)
{
    struct mr_deliver *deliver = feed->deliver;
    size_t budget = SCAN_BUDGET;
    struct mr_feed_frame frame;
    uint64_t number = 0;
    bool settled;

    mr_feed_frame_begin(feed, &frame);
    while (mr_feed_frame_has_room(feed, &frame) && mr_feed_room(feed) && feed->parking == 0 && !feed->alone) {
        number = mr_wanted_peek(&feed->wanted, deliver->house, deliver->reader, deliver->view, &budget);
        if (feed->replay && (number > feed->replay_end || (number == 0 && budget > 0))) {
            if (frame.count == 0)
                return end_replay(feed);
            mr_feed_frame_send(feed, &frame, true, false);
            return true;
        }
        if (number == 0 || !take(feed, &frame, number))
            break;
    }
    settled =
            feed->sent_count > 0 && feed->sent[0].state != MR_SENT && feed->sent[0].state != MR_SENT_PARKING;
    if (settled)
        mr_feed_settle(feed, 0);
    if (frame.count > 0)
        mr_feed_frame_send(feed, &frame, feed->replay, feed->alone != 0);
    return feed->session && (frame.count > 0 || settled || (number == 0 && budget == 0));
}

bool mr_feed_send(struct mr_feed *feed)
{
    if (!feed->session || feed->waiting || feed->parking > 0 || feed->alone)
        return false;
    if (!feed->replay && (feed->release || feed->release_due || feed->replay_due))
        return mr_feed_release(feed);
    return mr_feed_replay_turn(feed, !feed->parked.full && send_next(feed));
}
