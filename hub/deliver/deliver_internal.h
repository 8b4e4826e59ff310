/* Shared by the deliver*.c files only. Loop thread. */
#ifndef MR_HUB_DELIVER_DELIVER_INTERNAL_H
#define MR_HUB_DELIVER_DELIVER_INTERNAL_H

#include "hub/deliver/deliver.h"
#include "hub/deliver/parked_row.h"

/* The feed of a subscription's id; NULL: it is gone. */
enum { MR_SUBSCRIPTION_IDS = UINT16_MAX + 1 };
struct mr_feed *mr_deliver_feed(struct mr_deliver *deliver, uint16_t id);

/* The reader has a snapshot, and the log a cursor of the subscription. */
int mr_feed_open(struct mr_feed **ret, struct mr_deliver *deliver, uv_loop_t *loop,
        const struct mr_config_subscription *subscription);
void mr_feed_free(struct mr_feed *feed); /* its timers are closed, or never were open */

static inline int64_t mr_feed_now_us(const struct mr_feed *feed)
{
    return mr_clock_wall_us(feed->deliver->house->clock);
}

/* How long until the next attempt, when the receiver does not say: doubling, and not all at once. */
uint32_t mr_feed_backoff_ms(uint32_t attempt, uint32_t asked_ms);

/* Makes room in feed->sent for one more, whose entries move. false: the window is full, or there is no memory
 * now. */
bool mr_feed_room(struct mr_feed *feed);

/* ---- frames (deliver_send.c) ---- */

enum { MR_FEED_ITEMS_MAX = 128, MR_FEED_FRAME_BYTES = 512 * 1024 };

struct mr_feed_frame {
    Marshrut__Bus__V1__DeliverItem items[MR_FEED_ITEMS_MAX];
    Marshrut__Bus__V1__DeliverItem *pointers[MR_FEED_ITEMS_MAX];
    size_t offsets[MR_FEED_ITEMS_MAX]; /* of the events in deliver->bytes, which may move while it grows; */
    bool as_is[MR_FEED_ITEMS_MAX];     /* or the item has the event where it lies in the record */
    size_t count;
    size_t bytes; /* of all events */
    bool stays;   /* the record in deliver->view lives until the frame is sent */
};
void mr_feed_frame_begin(struct mr_feed *feed, struct mr_feed_frame *frame);
bool mr_feed_frame_has_room(const struct mr_feed *feed, const struct mr_feed_frame *frame);
/*
 * The record in deliver->view, as this subscription may have it, becomes the next item; the caller sets its
 * attempt. 1: no credit for it, or no memory; else as mr_disclose(), and then the frame is as before.
 */
int mr_feed_frame_add(struct mr_feed *feed, struct mr_feed_frame *frame);
void mr_feed_frame_send(struct mr_feed *feed, struct mr_feed_frame *frame, bool replay, bool released);

/* Is it older than this subscription wants it? */
bool mr_feed_is_old(const struct mr_feed *feed, const struct mr_record *record);

/* What one feed may have now, at most one frame; the reader has a snapshot. true: there may be more at once.
 */
bool mr_feed_send(struct mr_feed *feed);

/* ---- rows (deliver_settle.c) ---- */

/* Moves the cursor over what is settled up to `through`, with its rows. */
void mr_feed_settle(struct mr_feed *feed, uint64_t through);
void mr_feed_put_delivery(
        struct mr_job *job, const struct mr_feed *feed, uint64_t from, const struct mr_delivery_row *row);
void mr_feed_put_nack(
        struct mr_job *job, const struct mr_feed *feed, uint64_t number, const struct mr_nack_row *row);
void mr_feed_put_parked(
        struct mr_job *job, const struct mr_feed *feed, uint64_t number, const struct mr_parked_row *row);
/* For rows of what is parked; the feed counts it until it is durable. NULL: out of memory. */
struct mr_job *mr_feed_job(struct mr_feed *feed);
int mr_feed_submit(struct mr_feed *feed, struct mr_job *job); /* as mr_job_submit() */

/* ---- parking (deliver_park.c) ---- */

/*
 * Parks one number that the receiver could not take, after the rows that are in `job` already (it is taken),
 * and says so as an event of the hub, in the same commit; an event of the hub's own is parked without a word
 * (decision 22). feed->parking counts it until it is durable, and then everything that is MR_SENT_PARKING is
 * parked. MR_ENOMEM: nothing happened but that the job is gone.
 */
int mr_feed_park(struct mr_feed *feed, struct mr_job *job, uint64_t number, const struct mr_parked_row *row);
/* A number that waits behind what is parked; attempt: that is under way, 0: it was not sent. MR_ENOMEM:
 * nothing happened. */
int mr_feed_park_behind(
        struct mr_feed *feed, uint64_t number, uint32_t attempt, const struct mr_order *order);
/* Of one that was sent; not of a released one. */
void mr_feed_nack(struct mr_feed *feed, const Marshrut__Bus__V1__Nack *frame);
void mr_feed_on_retry(uv_timer_t *timer);
/* Tags of a number of this feed; takes the reader's snapshot as it is. None when it cannot be opened. */
void mr_feed_order(struct mr_feed *feed, uint64_t number, struct mr_order *ret);

/* ---- what is released, or replayed (deliver_release.c) ---- */

enum mr_release_state { MR_ITEM_WAITING, MR_ITEM_SENT, MR_ITEM_OVER };

struct mr_release_item {
    uint64_t number;
    int64_t sent_us;
    enum mr_release_state state;
    struct mr_parked_row row;
};

/* One pass: sent by number, while nothing else is under way. */
struct mr_release {
    struct mr_release_item *items; /* by number */
    size_t count;
    size_t sent; /* everything before it was sent, or need not be */
    bool more;   /* than the pass could take */
    bool replay; /* of what was taken once: it leaves no rows */
};

/* As mr_feed_send(), when feed->release_due, feed->replay_due or feed->release. */
bool mr_feed_release(struct mr_feed *feed);
void mr_feed_release_ack(struct mr_feed *feed, uint64_t through);
void mr_feed_release_nack(struct mr_feed *feed, const Marshrut__Bus__V1__Nack *frame);
uint64_t mr_feed_release_open_after(const struct mr_release *release, uint64_t after); /* 0: none */
void mr_feed_release_drop(struct mr_feed *feed); /* its receiver is gone: all of it stays parked */
/* At the start: what is parked into feed->parked; numbers above the cursor into feed->marks. The reader has a
 * snapshot. */
int mr_feed_load(struct mr_feed *feed);

/* ---- what an operator has replayed (deliver_replay.c) ---- */

/* From now on `from` to `to` go again, beside what is new; in the place of what was being replayed. */
void mr_feed_replay_start(struct mr_feed *feed, uint64_t from, uint64_t to);
/* The next pass of it, if there is still something. 0, or it is tried again later. */
int mr_feed_replay_begin(struct mr_feed *feed);
/* The pass is over, or its receiver is gone: what was settled of it does not come again. */
void mr_feed_replay_passed(struct mr_feed *feed);
/* A turn has sent what is new, `more` if there is still some: whose turn is it now? Returns as
 * mr_feed_send(). */
bool mr_feed_replay_turn(struct mr_feed *feed, bool more);

#endif
