/* Building one Deliver frame within the credit of a feed. */
#include <string.h>

#include "hub/deliver.h"
#include "hub/deliver_rows.h"
#include "hub/seal.h"
#include "proto/base/list.h"
#include "proto/base/logfmt.h"

enum { ITEMS_MAX = 128, FRAME_BYTES_AIM = 512 * 1024, SCAN_BUDGET = 4096, RECIPIENTS_MAX = 64 };

typedef Marshrut__Bus__V1__DeliverItem item_t;

struct frame {
    item_t items[ITEMS_MAX];
    item_t *pointers[ITEMS_MAX];
    size_t offsets[ITEMS_MAX]; /* of the events in deliver->bytes, which may move while it grows */
    size_t count;
};

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

static struct mr_sent *push_sent(struct mr_feed *feed, uint64_t number, enum mr_sent_state state)
{
    struct mr_sent *sent = &feed->sent[feed->sent_count++];

    *sent = (struct mr_sent){.number = number,
            .state = state,
            .attempt = 1,
            .sent_us = mr_clock_wall_us(feed->deliver->house->clock)};
    if (number == feed->retry_number)
        sent->attempt = feed->retry_attempt;
    else if (number <= feed->sent_through && !feed->replay)
        sent->attempt = 2;
    mr_wanted_take(&feed->wanted);
    return sent;
}

static bool is_parked(struct mr_feed *feed, uint64_t number)
{
    uint8_t key[MR_DELIVERY_KEY_BYTES];
    struct mr_slice value;

    return mr_log_row(feed->deliver->reader, MR_LOG_PARKED, mr_delivery_key(feed->id, number, key), &value) ==
           0;
}

/* A record that cannot be opened at all: parked, and said aloud. */
static void park_damaged(struct mr_feed *feed, uint64_t number, int error)
{
    struct mr_job *job = feed->replay ? NULL : mr_job_new(feed->deliver->jobs, sizeof *job);
    struct mr_nack_row row = {.at_us = mr_clock_wall_us(feed->deliver->house->clock)};
    struct mr_buf value = MR_BUF_INIT;
    uint8_t key[MR_DELIVERY_KEY_BYTES];

    mr_err("deliver.damaged", "subscription", feed->subscription->name, "number", MR_N(number), "error",
            mr_err_name(error));
    (void)push_sent(feed, number, MR_SENT_PARKED);
    if (!job)
        return;
    feed->parked++;
    mr_nack_reason(mr_err_name(error), row.reason);
    (void)mr_nack_row_encode(&value, &row);
    mr_job_put(job, MR_LOG_PARKED, mr_delivery_key(feed->id, number, key), mr_buf_slice(&value));
    mr_buf_fini(&value);
    (void)mr_job_submit(job);
}

static int disclose(struct mr_feed *feed, uint64_t number)
{
    struct mr_deliver *deliver = feed->deliver;
    int r = mr_log_read(deliver->reader, number, deliver->view, NULL);

    mr_buf_reset(&deliver->recipients);
    if (r < 0)
        return r;
    return mr_disclose(&deliver->bytes, &deliver->recipients, deliver->house, &deliver->view->record,
            feed->subscription, NULL);
}

static void add_item(struct mr_feed *feed, struct frame *frame, uint64_t number, size_t offset)
{
    struct mr_deliver *deliver = feed->deliver;
    item_t *item = &frame->items[frame->count];

    marshrut__bus__v1__deliver_item__init(item);
    item->number = number;
    item->event.len = deliver->bytes.size - offset;
    item->recorded_us = deliver->view->record.recorded_us;
    put_recipients(&deliver->arena, item, mr_buf_slice(&deliver->recipients));
    item->attempt = push_sent(feed, number, MR_SENT)->attempt;
    frame->offsets[frame->count] = offset;
    frame->pointers[frame->count++] = item;
    feed->credit_events--;
    if (feed->credit_bytes != UINT64_MAX)
        feed->credit_bytes -= item->event.len;
    if (number > feed->sent_through)
        feed->sent_through = number;
}

/* One number: into the frame, or settled without being sent. false: no room for it now. */
static bool take(struct mr_feed *feed, struct frame *frame, uint64_t number)
{
    struct mr_buf *bytes = &feed->deliver->bytes;
    size_t offset = bytes->size;
    int r;

    if (!feed->replay && is_parked(feed, number)) {
        (void)push_sent(feed, number, MR_SENT_PARKED);
        return true;
    }
    r = disclose(feed, number);
    if (r == 0 && !mr_buf_failed(bytes)) {
        if (bytes->size - offset <= feed->credit_bytes) {
            add_item(feed, frame, number, offset);
            return true;
        }
        bytes->size = offset;
        return false;
    }
    bytes->size = offset;
    if (r == MR_ENOMEM || mr_buf_failed(bytes))
        return false;
    if (r == MR_EDESTROYED || r == MR_EBLOCKED || r == MR_EEXPIRED)
        (void)push_sent(feed, number, MR_SENT_SUPPRESSED);
    else
        park_damaged(feed, number, r);
    return true;
}

static void send_frame(struct mr_feed *feed, struct frame *items)
{
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Deliver body = MARSHRUT__BUS__V1__DELIVER__INIT;

    for (size_t i = 0; i < items->count; i++)
        items->items[i].event.data = feed->deliver->bytes.data + items->offsets[i];
    body.subscription = feed->subscription->name;
    body.items = items->pointers;
    body.n_items = items->count;
    body.replay = feed->replay;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_DELIVER;
    frame.deliver = &body;
    (void)mr_session_send(
            feed->session, &frame); /* one that cannot take it is closed, and the feed detached */
}

/* The replay has reached its end and everything was acknowledged: back to the cursor. */
static bool end_replay(struct mr_feed *feed)
{
    if (!feed->replay || feed->sent_count > 0)
        return false;
    feed->replay = false;
    mr_wanted_start(&feed->wanted, feed->id, feed->cursor);
    return true;
}

bool mr_feed_send(struct mr_feed *feed)
{
    struct mr_deliver *deliver = feed->deliver;
    size_t budget = SCAN_BUDGET;
    struct frame frame;
    uint64_t number = 0;
    bool settled;

    if (!feed->session || feed->waiting)
        return false;
    frame.count = 0;
    mr_buf_reset(&deliver->bytes);
    mr_arena_reset(&deliver->arena);
    while (feed->credit_events > 0 && feed->sent_count < MR_FEED_WINDOW_MAX && frame.count < ITEMS_MAX &&
            deliver->bytes.size < FRAME_BYTES_AIM) {
        number = mr_wanted_peek(&feed->wanted, deliver->house, deliver->reader, deliver->view, &budget);
        if (feed->replay && (number > feed->replay_end || (number == 0 && budget > 0)))
            return (frame.count > 0 ? (send_frame(feed, &frame), true) : end_replay(feed));
        if (number == 0 || !take(feed, &frame, number))
            break;
    }
    settled = feed->sent_count > 0 && feed->sent[0].state != MR_SENT;
    if (settled)
        mr_feed_settle(feed, 0);
    if (frame.count > 0)
        send_frame(feed, &frame);
    return feed->session && (frame.count > 0 || settled || (number == 0 && budget == 0));
}
