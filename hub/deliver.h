/*
 * Delivery: for each subscription whose system is connected and has subscribed, the next events within its
 * credit, in the order of the log; then Ack, Nack, retry, park. A receiver that is slow or away costs its own
 * window and nothing else. The rows of a delivery go into the log with the next commit; losing one means
 * sending again. Loop thread.
 */
#ifndef MR_HUB_DELIVER_H
#define MR_HUB_DELIVER_H

#include "hub/job.h"
#include "hub/session.h"
#include "hub/wanted.h"

enum { MR_FEED_WINDOW_MAX = 4096 };

enum mr_sent_state { MR_SENT, MR_SENT_SUPPRESSED, MR_SENT_PARKED };

/* A number between the cursor and what was sent last. */
struct mr_sent {
    uint64_t number;
    enum mr_sent_state state;
    uint32_t attempt;
    int64_t sent_us;
};

struct mr_feed {
    struct mr_deliver *deliver;
    const struct mr_config_subscription *subscription;
    uint16_t id;
    uint64_t first;
    uint64_t cursor;            /* every wanted number up to here is settled */
    struct mr_session *session; /* NULL: nobody has subscribed */
    uint64_t credit_events;
    uint64_t credit_bytes; /* UINT64_MAX: not limited by bytes */
    struct mr_wanted wanted;
    struct mr_sent *sent; /* MR_FEED_WINDOW_MAX; allocated with the first Subscribe */
    size_t sent_count;
    uint64_t sent_through; /* highest number ever sent by this process */
    uint64_t parked;       /* since the start */
    bool replay;
    uint64_t replay_end;    /* then the feed goes on from its cursor */
    uint64_t retry_number;  /* nacked, with ... */
    uint32_t retry_attempt; /* ... this attempt as its next */
    bool waiting;           /* for the timer */
    uv_timer_t timer;
};

struct mr_deliver {
    const struct mr_house *house;
    struct mr_jobs *jobs;
    struct mr_gateway *gateway;
    struct mr_feed **feeds; /* each stays where it is: timers know it */
    uint32_t feeds_count;
    struct mr_log_reader *reader;
    struct mr_record_view *view;
    struct mr_buf bytes; /* events of the frame being built */
    struct mr_buf recipients;
    struct mr_arena arena;
    uv_idle_t idle;
    bool stopping;
};

/* house, jobs and gateway are set by the hub. */
int mr_deliver_open(struct mr_deliver *deliver, uv_loop_t *loop, struct mr_error *reterr);
void mr_deliver_stop(struct mr_deliver *deliver);  /* nothing is sent any more */
void mr_deliver_close(struct mr_deliver *deliver); /* the loop has let go of the handles */

void mr_deliver_wake(struct mr_deliver *deliver); /* there are new records */
void mr_deliver_detach(struct mr_deliver *deliver, const struct mr_session *session);

void mr_deliver_subscribe(
        struct mr_deliver *deliver, struct mr_session *session, const Marshrut__Bus__V1__Subscribe *frame);
void mr_deliver_ack(
        struct mr_deliver *deliver, struct mr_session *session, const Marshrut__Bus__V1__Ack *frame);
void mr_deliver_nack(
        struct mr_deliver *deliver, struct mr_session *session, const Marshrut__Bus__V1__Nack *frame);
void mr_deliver_credit(
        struct mr_deliver *deliver, struct mr_session *session, const Marshrut__Bus__V1__Credit *frame);

/* Sends what one feed may have now, at most one frame. true: there may be more at once. For deliver_send.c
 * only. */
bool mr_feed_send(struct mr_feed *feed);
/* Moves the cursor over what is settled up to `through`, with its rows. For deliver_send.c only. */
void mr_feed_settle(struct mr_feed *feed, uint64_t through);

#endif
