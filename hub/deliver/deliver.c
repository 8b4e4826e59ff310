#include <stdlib.h>
#include <string.h>

#include "hub/audit/method.h"
#include "hub/deliver/deliver_internal.h"
#include "proto/base/list.h"
#include "proto/base/logfmt.h"

enum {
    JOBS_OPEN_MAX = 4096
}; /* acknowledgements on their way to the disk; beyond it, delivery waits for the writer */
enum { ARENA_BYTES = 256 * 1024, SENT_ROOM = 64, LOOK_BUDGET = 4096 };

/* A window is wide, and most receivers never fill theirs: a thousand of them would cost 96 MiB. */
bool mr_feed_room(struct mr_feed *feed)
{
    size_t room = feed->sent_room ? 2 * feed->sent_room : SENT_ROOM;
    struct mr_sent *sent;

    if (feed->sent_count < feed->sent_room)
        return true;
    if (feed->sent_room == MR_FEED_WINDOW_MAX)
        return false;
    sent = realloc(feed->sent, room * sizeof *sent);
    if (!sent)
        return false;
    feed->sent = sent;
    feed->sent_room = room;
    return true;
}

/* ---- the turn ---- */

static void on_age(uv_timer_t *timer);

/* What is in memory stays, for a while, for those who are here and have not come further than its begin. */
static void rest(struct mr_deliver *deliver)
{
    uint64_t first = mr_fresh_first(&deliver->tail.fresh), next = UINT64_MAX;
    unsigned due_ms;

    mr_list_foreach (it, &deliver->listening) {
        uint64_t wants = mr_wanted_next(&MR_CONTAINER(it, struct mr_feed, listening)->wanted);

        if (wants >= first && wants < next)
            next = wants;
    }
    due_ms = mr_tail_rest(&deliver->tail, !mr_list_empty(&deliver->listening), next);
    if (due_ms > 0 && !uv_is_active((uv_handle_t *)&deliver->aging))
        (void)uv_timer_start(&deliver->aging, on_age, due_ms, 0);
}

static void on_age(uv_timer_t *timer)
{
    rest(timer->data);
}

/* One frame for each who listens, at most. A session may end meanwhile, and leaves the list it is in. */
static bool send_round(struct mr_deliver *deliver)
{
    struct mr_list round, *it;
    bool more = false;

    mr_list_init(&round);
    mr_list_splice_back(&round, &deliver->listening);
    while ((it = mr_list_pop_front(&round))) {
        mr_list_push_back(&deliver->listening, it);
        more |= mr_feed_send(MR_CONTAINER(it, struct mr_feed, listening));
    }
    return more;
}

static void on_idle(uv_idle_t *idle)
{
    struct mr_deliver *deliver = idle->data;
    bool more = false;

    deliver->turn_us = mr_clock_wall_us(deliver->house->clock);
    if (!deliver->stopping && deliver->jobs->open < JOBS_OPEN_MAX &&
            mr_log_reader_renew(deliver->reader) == 0) {
        more = mr_tail_look(&deliver->tail, deliver->reader, deliver->view, LOOK_BUDGET);
        more |= send_round(deliver);
        mr_log_reader_pause(deliver->reader);
    }
    if (more)
        return;
    rest(deliver);
    (void)uv_idle_stop(idle);
    if (deliver->rested)
        deliver->rested(deliver->rested_ctx);
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

void mr_feed_on_retry(uv_timer_t *timer)
{
    struct mr_feed *feed = timer->data;

    feed->waiting = false;
    mr_deliver_wake(feed->deliver);
}

/* ---- open and close ---- */

void mr_feed_free(struct mr_feed *feed)
{
    mr_list_remove(&feed->listening);
    mr_feed_release_drop(feed);
    mr_tail_leave(&feed->deliver->tail, &feed->wanted);
    mr_marks_fini(&feed->marks);
    mr_parked_fini(&feed->parked);
    free(feed->sent);
    free(feed);
}

int mr_feed_open(struct mr_feed **ret, struct mr_deliver *deliver, uv_loop_t *loop,
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
    mr_list_init(&feed->listening);
    feed->deliver = deliver;
    feed->subscription = subscription;
    feed->id = id;
    feed->cursor = row.cursor;
    feed->first = row.first;
    mr_wanted_start(&feed->wanted, id, feed->cursor);
    feed->wanted.tail = &deliver->tail;
    r = mr_feed_load(feed);
    if (r < 0) {
        mr_feed_free(feed);
        return r;
    }
    (void)uv_timer_init(loop, &feed->timer);
    (void)uv_timer_init(loop, &feed->release_timer);
    feed->timer.data = feed->release_timer.data = feed;
    *ret = feed;
    return 0;
}

int mr_deliver_open(struct mr_deliver *deliver, uv_loop_t *loop, struct mr_error *reterr)
{
    const struct mr_config *config = deliver->house->config;
    int r = mr_log_reader_open(deliver->house->log, &deliver->reader);

    mr_list_init(&deliver->listening);
    deliver->jobs->on_settled = on_jobs_settled;
    deliver->jobs->ctx = deliver;
    (void)uv_idle_init(loop, &deliver->idle);
    (void)uv_timer_init(loop, &deliver->aging);
    deliver->idle.data = deliver->aging.data = deliver;
    mr_arena_init(&deliver->arena, ARENA_BYTES);
    deliver->view = calloc(1, sizeof *deliver->view);
    deliver->feeds = calloc(config->subscriptions_count + 1, sizeof *deliver->feeds);
    deliver->by_id = calloc(MR_SUBSCRIPTION_IDS, sizeof *deliver->by_id);
    if (r < 0 || !deliver->view || !deliver->feeds || !deliver->by_id ||
            (r = mr_log_reader_renew(deliver->reader)) < 0)
        return mr_error_set(reterr, r < 0 ? r : MR_ENOMEM, "log", "", "cannot read the cursors");
    if (mr_tail_init(&deliver->tail, deliver->house->clock, mr_log_reader_head(deliver->reader)) < 0)
        return mr_error_set(reterr, MR_ENOMEM, "deliver", "", "no memory for the subscriptions");
    for (uint32_t i = 0; i < config->subscriptions_count; i++) {
        r = mr_feed_open(&deliver->feeds[i], deliver, loop, &config->subscriptions[i]);
        if (r < 0)
            return mr_error_set(
                    reterr, r, config->subscriptions[i].name, "", "cannot read the subscription's cursor");
        deliver->by_id[deliver->feeds[i]->id] = deliver->feeds[i];
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
    uv_close((uv_handle_t *)&deliver->aging, NULL);
    for (uint32_t i = 0; i < deliver->feeds_count; i++) {
        uv_close((uv_handle_t *)&deliver->feeds[i]->timer, NULL);
        uv_close((uv_handle_t *)&deliver->feeds[i]->release_timer, NULL);
    }
}

void mr_deliver_close(struct mr_deliver *deliver)
{
    for (uint32_t i = 0; i < deliver->feeds_count; i++)
        mr_feed_free(deliver->feeds[i]);
    free(deliver->feeds);
    free(deliver->by_id);
    mr_tail_fini(&deliver->tail);
    free(deliver->view);
    if (deliver->reader)
        mr_log_reader_close(deliver->reader);
    mr_arena_fini(&deliver->arena);
    mr_buf_wipe(&deliver->bytes);
    mr_buf_fini(&deliver->recipients);
    deliver->feeds = NULL;
    deliver->by_id = NULL;
    deliver->feeds_count = 0;
}

/* ---- frames ---- */

static void restart(struct mr_feed *feed, uint64_t after)
{
    feed->sent_count = 0;
    feed->acked = feed->alone = 0;
    mr_wanted_restart(&feed->wanted, after);
}

void mr_deliver_detach(struct mr_deliver *deliver, const struct mr_session *session)
{
    for (uint32_t i = 0; i < deliver->feeds_count; i++) {
        struct mr_feed *feed = deliver->feeds[i];

        if (feed->session != session)
            continue;
        feed->session = NULL;
        mr_list_remove(&feed->listening);
        feed->replay = false;
        feed->credit_events = 0;
        mr_feed_release_drop(feed);
        restart(feed, feed->cursor);
        free(feed->sent);
        feed->sent = NULL;
        feed->sent_room = 0;
    }
    mr_deliver_wake(deliver); /* what was kept in memory for it goes */
}

void mr_deliver_on_act(void *ctx, const struct mr_act_delivery *act)
{
    struct mr_deliver *deliver = ctx;

    struct mr_feed *feed = act->replay ? mr_deliver_feed(deliver, act->replay) : NULL;

    if (feed)
        mr_feed_replay_start(feed, act->from, act->to);
    if (!act->parked)
        return;
    for (uint32_t i = 0; i < deliver->feeds_count; i++)
        deliver->feeds[i]->release_due |= deliver->feeds[i]->parked.rows > 0;
    mr_deliver_wake(deliver);
}

struct mr_feed *mr_deliver_feed(struct mr_deliver *deliver, uint16_t id)
{
    return deliver->by_id ? deliver->by_id[id] : NULL;
}

static struct mr_feed *feed_of(struct mr_deliver *deliver, struct mr_session *session, const char *name)
{
    struct mr_feed *feed =
            mr_deliver_feed(deliver, mr_names_id(deliver->house->names, MR_NAME_SUBSCRIPTION, name));

    return feed && strcmp(feed->subscription->system, session->system->name) == 0 ? feed : NULL;
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
    if (!feed->sent && !mr_feed_room(feed)) {
        mr_session_refuse(session, "limit", "the hub is short of memory", "subscribe again later", 1000);
        return;
    }
    if (!feed->session)
        mr_list_push_back(&deliver->listening, &feed->listening);
    feed->session = session;
    feed->replay = false;
    feed->credit_events = frame->credit_events;
    feed->credit_bytes = frame->credit_bytes ? frame->credit_bytes : UINT64_MAX;
    mr_feed_release_drop(feed);
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

    if (!feed)
        return;
    if (feed->release) {
        mr_feed_release_ack(feed, frame->through);
    } else if (feed->alone && frame->through != feed->alone) {
        ; /* said before it came again: of those that come behind it */
    } else if (feed->sent_count > 0) {
        feed->alone = 0;
        if (feed->parking > 0 && frame->through > feed->acked)
            feed->acked = frame->through; /* nobody says it twice */
        mr_feed_settle(feed, frame->through);
    }
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

void mr_deliver_nack(
        struct mr_deliver *deliver, struct mr_session *session, const Marshrut__Bus__V1__Nack *frame)
{
    struct mr_feed *feed = own_feed(deliver, session, frame->subscription);

    if (!feed)
        return;
    if (feed->release)
        mr_feed_release_nack(feed, frame);
    else
        mr_feed_nack(feed, frame);
    mr_deliver_wake(deliver);
}

/* ---- for a session that asks ---- */

void mr_deliver_pause(struct mr_deliver *deliver, struct mr_session *session, const char *subscription)
{
    struct mr_feed *feed = own_feed(deliver, session, subscription);

    if (feed)
        feed->credit_events = 0;
}

uint64_t mr_deliver_open_after(
        struct mr_deliver *deliver, struct mr_session *session, const char *subscription, uint64_t after)
{
    const struct mr_feed *feed = own_feed(deliver, session, subscription);

    if (!feed)
        return 0;
    if (feed->release)
        return mr_feed_release_open_after(feed->release, after);
    for (size_t i = 0; i < feed->sent_count; i++)
        if (feed->sent[i].state == MR_SENT && feed->sent[i].number > after)
            return feed->sent[i].number;
    return 0;
}

bool mr_deliver_parking(struct mr_deliver *deliver, struct mr_session *session, const char *subscription)
{
    const struct mr_feed *feed = own_feed(deliver, session, subscription);

    return feed && (feed->parking > 0 || feed->unwritten > 0);
}
