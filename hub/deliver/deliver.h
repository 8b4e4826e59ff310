/*
 * Delivery: for each subscription whose system is connected and has subscribed, the next events within its
 * credit, in the order of the log; then Ack, Nack, retry, park. A receiver that is slow or away costs its own
 * window and nothing else. The rows of a delivery go into the log with the next commit; losing one means
 * sending again. Loop thread.
 *
 * An event that a receiver keeps failing on is parked, and with it the later ones of its key (order.h); the
 * rest goes on, and the cursor passes them. What is released from there, and what waited behind it, is sent
 * when nothing else of the feed is under way, so that each acknowledgement says which of the two it means.
 */
#ifndef MR_HUB_DELIVER_DELIVER_H
#define MR_HUB_DELIVER_DELIVER_H

#include "hub/job.h"
#include "hub/deliver/marks.h"
#include "hub/deliver/parked.h"
#include "hub/session/session.h"
#include "hub/deliver/tail.h"

struct mr_act_delivery;
struct mr_prepare;
struct mr_release;

enum { MR_FEED_WINDOW_MAX = 4096 };

enum mr_sent_state {
    MR_SENT,
    MR_SENT_SUPPRESSED,
    MR_SENT_EXPIRED,
    MR_SENT_PARKING, /* its row is on the way to the disk: the cursor waits for it */
    MR_SENT_PARKED
};

/* A number between the cursor and what was sent last. */
struct mr_sent {
    uint64_t number;
    int64_t sent_us;
    uint64_t tag; /* of its key, when keys is 1 */
    uint32_t attempt;
    uint8_t state;   /* enum mr_sent_state */
    uint8_t keys;    /* MR_SENT_KEYS_UNKNOWN: nobody has asked yet */
    uint16_t config; /* low bits of the version of the configuration under which it was sent */
};
enum { MR_SENT_KEYS_UNKNOWN = UINT8_MAX };

struct mr_feed {
    struct mr_deliver *deliver;
    const struct mr_config_subscription *subscription;
    uint16_t id;
    uint64_t first;
    uint64_t cursor;            /* every wanted number up to here is settled */
    struct mr_session *session; /* NULL: nobody has subscribed */
    struct mr_list listening;   /* in deliver->listening while there is a session */
    uint64_t credit_events;
    uint64_t credit_bytes; /* UINT64_MAX: not limited by bytes */
    struct mr_wanted wanted;
    struct mr_sent *sent; /* grows to MR_FEED_WINDOW_MAX; let go when the session ends */
    size_t sent_count;
    size_t sent_room;
    uint64_t sent_through; /* highest number ever sent by this process */
    uint64_t parkings;     /* since the start */
    struct mr_marks marks; /* numbers above the cursor that were nacked or parked */
    struct mr_parked parked;
    uint64_t alone;          /* given back before, and sent again by itself: the only one under way; else 0 */
    uint64_t acked;          /* said while something was being parked, and for later than that; else 0 */
    uint32_t parking;        /* events being parked, not yet durable: nothing is sent meanwhile */
    uint32_t unwritten;      /* jobs with rows of what is parked, not yet durable */
    bool release_due;        /* there may be something to release */
    uint64_t release_behind; /* ... when the cursor is there; 0: not known of any */
    struct mr_release *release; /* what is being released; NULL: nothing */
    bool replay;                /* its receiver has asked for it */
    uint64_t replay_end;        /* then the feed goes on from its cursor */
    bool replay_due;            /* it is the turn of what an operator has replayed: */
    uint64_t replay_at;         /* from here on */
    uint64_t replay_to;         /* up to here; 0: nothing */
    uint32_t turns;             /* of what is new since then */
    bool waiting;               /* for the timer */
    uv_timer_t timer;
    uint8_t closed;           /* timers that are */
    uv_timer_t release_timer; /* the next of the released ones that may not come yet */
};

struct mr_deliver {
    const struct mr_house *house;
    struct mr_jobs *jobs;
    struct mr_gateway *gateway;
    struct mr_prepare *prepare;
    struct mr_mailbox *intakes; /* of the hub */
    uv_loop_t *loop;
    struct mr_feed **feeds; /* each stays where it is: timers know it */
    uint32_t feeds_count;
    struct mr_feed **by_id;   /* the same by id of the subscription; each frame of a receiver asks */
    struct mr_list listening; /* those that somebody has subscribed to: a turn costs nothing for all others */
    struct mr_tail tail;
    struct mr_log_reader *reader;
    struct mr_record_view *view;
    int64_t turn_us;     /* when this turn began */
    struct mr_buf bytes; /* events of the frame being built */
    struct mr_buf recipients;
    struct mr_arena arena;
    uv_idle_t idle;
    uv_timer_t aging;          /* the next that is too old to stay in memory */
    void (*rested)(void *ctx); /* a turn has found nothing more that may go out now; may be NULL */
    void *rested_ctx;
    bool stopping;
};

/* house, jobs, gateway, prepare and intakes are set by the hub. */
int mr_deliver_open(struct mr_deliver *deliver, uv_loop_t *loop, struct mr_error *reterr);
void mr_deliver_stop(struct mr_deliver *deliver);  /* nothing is sent any more */
void mr_deliver_close(struct mr_deliver *deliver); /* the loop has let go of the handles */

/*
 * Feeds for the subscriptions of a configuration that follows the house's; their rows are in the log.
 * Sessions whose subscriptions are not the same any more have ended before. 0 or a failure: nothing changed.
 */
int mr_deliver_take(struct mr_deliver *deliver, uv_loop_t *loop, const struct mr_config *config);

void mr_deliver_wake(struct mr_deliver *deliver); /* there are new records */
void mr_deliver_detach(struct mr_deliver *deliver, const struct mr_session *session);
/* What an operator has decided is durable: each feed looks what it may send now. ctx is the struct
 * mr_deliver. */
void mr_deliver_on_act(void *ctx, const struct mr_act_delivery *act);

void mr_deliver_subscribe(
        struct mr_deliver *deliver, struct mr_session *session, const Marshrut__Bus__V1__Subscribe *frame);
void mr_deliver_ack(
        struct mr_deliver *deliver, struct mr_session *session, const Marshrut__Bus__V1__Ack *frame);
void mr_deliver_nack(
        struct mr_deliver *deliver, struct mr_session *session, const Marshrut__Bus__V1__Nack *frame);
void mr_deliver_credit(
        struct mr_deliver *deliver, struct mr_session *session, const Marshrut__Bus__V1__Credit *frame);

/* ---- for a session that asks (hub/http/pull.c) ---- */

/* No more credit: nothing is sent until there is some again. */
void mr_deliver_pause(struct mr_deliver *deliver, struct mr_session *session, const char *subscription);
/* The lowest number above `after` that was sent to this session and is not settled; 0: none. */
uint64_t mr_deliver_open_after(
        struct mr_deliver *deliver, struct mr_session *session, const char *subscription, uint64_t after);
/* Is something of it being parked, and not yet durable? */
bool mr_deliver_parking(struct mr_deliver *deliver, struct mr_session *session, const char *subscription);

#endif
