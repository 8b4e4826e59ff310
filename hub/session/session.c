#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) ((element)->lost = true)
#include "hub/session/session.h"

#include <stdlib.h>
#include <string.h>

#include "hub/deliver/deliver.h"
#include "hub/session/publish.h"
#include "hub/query.h"
#include "hub/sign/receipt.h"
#include "proto/base/list.h"
#include "proto/base/logfmt.h"

enum { PINGS_MISSED_MAX = 3, IDS = UINT16_MAX + 1 };

typedef Marshrut__Bus__V1__Frame frame_t;

/* ---- finding one: each frame asks, and a thousand may be connected ---- */

struct mr_session *mr_sessions_of_system(struct mr_sessions *sessions, uint16_t system_id)
{
    return sessions->by_system ? sessions->by_system[system_id] : NULL;
}

static size_t peer_key(const struct mr_peer *peer, uint8_t out[static sizeof(uint16_t) + MR_PEER_ID_MAX])
{
    memcpy(out, &peer->endpoint, sizeof peer->endpoint);
    memcpy(out + sizeof peer->endpoint, peer->id, peer->id_size);
    return sizeof peer->endpoint + peer->id_size;
}

static struct mr_session *session_of_peer(struct mr_sessions *sessions, const struct mr_peer *peer)
{
    uint8_t key[sizeof(uint16_t) + MR_PEER_ID_MAX];
    size_t size = peer_key(peer, key);
    struct mr_session *session;

    HASH_FIND(hh, sessions->by_peer, key, size, session);
    return session;
}

/* false: out of memory. The older one of its peer and of its system are gone. */
static bool enter(struct mr_sessions *sessions, struct mr_session *session)
{
    if (!sessions->by_system)
        return false;
    if (!session->via) {
        size_t size = peer_key(&session->peer, session->peer_key);

        HASH_ADD(hh, sessions->by_peer, peer_key, size, session);
    }
    if (session->lost)
        return false;
    mr_list_push_back(&sessions->list, &session->link);
    sessions->by_system[session->system_id] = session;
    return true;
}

static void leave(struct mr_session *session)
{
    struct mr_sessions *sessions = session->sessions;

    if (!session->via)
        HASH_DEL(sessions->by_peer, session);
    mr_list_remove(&session->link);
    if (sessions->by_system[session->system_id] == session)
        sessions->by_system[session->system_id] = NULL;
}

size_t mr_sessions_count(const struct mr_sessions *sessions)
{
    size_t count = 0;

    mr_list_foreach (it, &sessions->list)
        count++;
    return count;
}

static void close_session(struct mr_session *session, const char *why)
{
    mr_info("session.closed", "system", session->system->name, "session", MR_N(session->id), "why", why);
    mr_deliver_detach(session->sessions->deliver, session);
    mr_receipt_queue_forget(session->sessions->receipts, session);
    leave(session);
    if (session->via)
        session->via->ended(session->via_ctx, why);
    free(session);
}

void mr_session_end(struct mr_session *session, const char *why)
{
    close_session(session, why);
}

int mr_session_send(struct mr_session *session, const frame_t *frame)
{
    int r = session->via ? session->via->send(session->via_ctx, frame)
                         : mr_gateway_send(session->sessions->gateway, &session->peer, frame);

    if (r < 0)
        close_session(session, r == MR_EAGAIN ? "does not read" : "gone");
    return r;
}

void mr_session_refuse(struct mr_session *session, const char *code, const char *reason, const char *cure,
        uint32_t retry_after_ms)
{
    if (session->via)
        session->via->refuse(session->via_ctx, code, reason, cure);
    else
        mr_gateway_refuse(
                session->sessions->gateway, &session->peer, code, reason, cure, retry_after_ms, false);
}

/* The session is over; one that is via is told by its end. */
static void refuse_for_good(
        struct mr_session *session, const char *code, const char *reason, const char *cure, const char *why)
{
    if (!session->via)
        mr_gateway_refuse(session->sessions->gateway, &session->peer, code, reason, cure, 0, true);
    close_session(session, why);
}

/* ---- Hello ---- */

/* On the admin endpoint there is no key: "marshrut as=NAME" says as which system the tool speaks
 * (docs/protocol.md). */
static const struct mr_config_system *system_of_hello(
        struct mr_sessions *sessions, const struct mr_config_system *authenticated, const char *software)
{
    const char *as = strstr(software, " as=");

    if (authenticated)
        return authenticated;
    return as ? mr_config_system(sessions->house->config, as + 4) : NULL;
}

/* Names of the subscriptions of a system. The caller frees. */
static char **subscriptions_of(const struct mr_config *config, const char *system, size_t *ret_count)
{
    char **names = calloc(config->subscriptions_count + 1, sizeof *names);

    *ret_count = 0;
    for (uint32_t i = 0; names && i < config->subscriptions_count; i++)
        if (strcmp(config->subscriptions[i].system, system) == 0)
            names[(*ret_count)++] = config->subscriptions[i].name;
    return names;
}

static int welcome(struct mr_session *session, uint64_t stored_sequence)
{
    const struct mr_config *config = session->sessions->house->config;
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Welcome body = MARSHRUT__BUS__V1__WELCOME__INIT;
    Marshrut__Bus__V1__Limits limits = MARSHRUT__BUS__V1__LIMITS__INIT;
    int r;

    limits.frame_bytes_max = MR_FRAME_BYTES_MAX;
    limits.event_bytes_max = MR_EVENT_BYTES_MAX;
    limits.batch_events_max = MR_BATCH_EVENTS_MAX;
    limits.publish_window = mr_publish_window(config, session->system);
    limits.ping_interval_ms = config->hub.ping_interval_ms;
    body.version = MR_PROTOCOL_VERSION;
    body.hub = config->hub.source;
    body.system = session->system->name;
    body.hub_epoch = session->sessions->hub_epoch;
    body.session = session->id;
    body.stored_sequence = stored_sequence;
    body.limits = &limits;
    body.subscriptions = subscriptions_of(config, session->system->name, &body.n_subscriptions);
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_WELCOME;
    frame.welcome = &body;
    r = body.subscriptions ? mr_session_send(session, &frame) : MR_ENOMEM;
    free(body.subscriptions);
    return r;
}

/* The newest session of a system is the one that counts; the older one is told and forgotten. peer NULL: the
 * newer one is via. */
static void replace_older(struct mr_sessions *sessions, const struct mr_peer *peer, uint16_t system_id)
{
    struct mr_session *older = mr_sessions_of_system(sessions, system_id);
    struct mr_session *same = peer ? session_of_peer(sessions, peer) : NULL;

    if (older && older == same)
        close_session(older, "replaced");
    else if (older)
        refuse_for_good(older, "replaced", "a newer session of this system has begun",
                "run one client a system", "replaced");
    if (same && same != older)
        close_session(same, "new hello");
}

/* Of this system, and alone; NULL: out of memory. via NULL: at peer. */
static struct mr_session *begin(struct mr_sessions *sessions, const struct mr_peer *peer,
        const struct mr_config_system *system, const struct mr_session_via *via)
{
    struct mr_session *session = calloc(1, sizeof *session);

    if (!session)
        return NULL;
    session->sessions = sessions;
    session->id = ++sessions->last_id;
    session->system = system;
    session->system_id = mr_names_id(sessions->house->names, MR_NAME_SYSTEM, system->name);
    session->heard_us = mr_clock_monotonic_us(sessions->house->clock);
    replace_older(sessions, peer, session->system_id);
    session->via = via;
    if (peer)
        session->peer = *peer;
    if (!enter(sessions, session)) {
        free(session);
        return NULL;
    }
    mr_info("session.opened", "system", system->name, "session", MR_N(session->id), "over",
            peer ? NULL : "http");
    return session;
}

struct mr_session *mr_sessions_begin(struct mr_sessions *sessions, const struct mr_config_system *system,
        const struct mr_session_via *via, void *ctx)
{
    struct mr_session *session = begin(sessions, NULL, system, via);

    if (!session)
        return NULL;
    session->via_ctx = ctx;
    session->admin = true;
    return session;
}

void mr_session_heard(struct mr_session *session)
{
    session->heard_us = mr_clock_monotonic_us(session->sessions->house->clock);
    session->unanswered = 0;
}

static void on_hello(struct mr_sessions *sessions, const struct mr_peer *peer,
        const struct mr_config_system *authenticated, const Marshrut__Bus__V1__Hello *hello)
{
    const struct mr_config_system *system = system_of_hello(sessions, authenticated, hello->software);
    struct mr_session *session;
    uint64_t stored;

    if (hello->version_min > MR_PROTOCOL_VERSION || hello->version < 1) {
        mr_gateway_refuse(sessions->gateway, peer, "version", "this hub speaks version 1 of the protocol",
                "use a client of this hub's release", 0, true);
        return;
    }
    if (!system) {
        mr_gateway_refuse(sessions->gateway, peer, "unknown-system", "no such system is configured",
                "on the admin endpoint say \"marshrut as=SYSTEM\"", 0, true);
        return;
    }
    session = begin(sessions, peer, system, NULL);
    if (!session)
        return;
    session->admin = authenticated == NULL;
    stored = mr_publish_hello(sessions->publish, session, hello->producer_epoch, hello->acknowledged);
    if (welcome(session, stored) == 0 && session->publishes)
        mr_publish_repeat_verdicts(sessions->publish, session, hello->acknowledged);
}

/* ---- the other frames, one row each ---- */

static void on_publish(struct mr_session *s, const frame_t *frame)
{
    mr_publish_frame(s->sessions->publish, s, frame->publish);
}

static void on_verdicts_seen(struct mr_session *s, const frame_t *frame)
{
    mr_publish_seen(s->sessions->publish, s, frame->verdicts_seen->through);
}

static void on_subscribe(struct mr_session *s, const frame_t *frame)
{
    mr_deliver_subscribe(s->sessions->deliver, s, frame->subscribe);
}

static void on_ack(struct mr_session *s, const frame_t *frame)
{
    mr_deliver_ack(s->sessions->deliver, s, frame->ack);
}

static void on_nack(struct mr_session *s, const frame_t *frame)
{
    mr_deliver_nack(s->sessions->deliver, s, frame->nack);
}

static void on_credit(struct mr_session *s, const frame_t *frame)
{
    mr_deliver_credit(s->sessions->deliver, s, frame->credit);
}

static void on_ping(struct mr_session *s, const frame_t *frame)
{
    Marshrut__Bus__V1__Frame answer = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Pong pong = MARSHRUT__BUS__V1__PONG__INIT;

    s->progress = frame->ping->progress;
    pong.id = frame->ping->id;
    pong.progress = mr_log_head(s->sessions->house->log);
    answer.body_case = MARSHRUT__BUS__V1__FRAME__BODY_PONG;
    answer.pong = &pong;
    (void)mr_session_send(s, &answer);
}

static void on_pong(struct mr_session *s, const frame_t *frame)
{
    s->progress = frame->pong->progress;
}

static void on_goodbye(struct mr_session *s, const frame_t *frame)
{
    (void)frame;
    close_session(s, "goodbye");
}

static const struct {
    Marshrut__Bus__V1__Frame__BodyCase body;
    void (*handler)(struct mr_session *session, const frame_t *frame);
} handlers[] = {
        {MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH, on_publish},
        {MARSHRUT__BUS__V1__FRAME__BODY_VERDICTS_SEEN, on_verdicts_seen},
        {MARSHRUT__BUS__V1__FRAME__BODY_SUBSCRIBE, on_subscribe},
        {MARSHRUT__BUS__V1__FRAME__BODY_ACK, on_ack},
        {MARSHRUT__BUS__V1__FRAME__BODY_NACK, on_nack},
        {MARSHRUT__BUS__V1__FRAME__BODY_CREDIT, on_credit},
        {MARSHRUT__BUS__V1__FRAME__BODY_PING, on_ping},
        {MARSHRUT__BUS__V1__FRAME__BODY_PONG, on_pong},
        {MARSHRUT__BUS__V1__FRAME__BODY_GOODBYE, on_goodbye},
};

static void on_session_frame(struct mr_sessions *sessions, const struct mr_peer *peer, const frame_t *frame)
{
    struct mr_session *session = session_of_peer(sessions, peer);

    if (!session) {
        if (frame->body_case != MARSHRUT__BUS__V1__FRAME__BODY_GOODBYE)
            mr_gateway_refuse(sessions->gateway, peer, "no-hello", "there is no session on this connection",
                    "connect anew and say Hello first", 0, true);
        return;
    }
    mr_session_heard(session);
    for (size_t i = 0; i < MR_COUNT(handlers); i++) {
        if (handlers[i].body == frame->body_case) {
            handlers[i].handler(session, frame);
            return;
        }
    }
    mr_session_refuse(session, "frame", "a client does not send this frame", "see docs/protocol.md", 0);
}

void mr_sessions_on_frame(
        void *ctx, const struct mr_peer *peer, const struct mr_config_system *system, const frame_t *frame)
{
    struct mr_sessions *sessions = ctx;

    if (sessions->stopping) {
        mr_gateway_refuse(sessions->gateway, peer, "shutting-down", "the hub is stopping",
                "connect again later", 1000, true);
        return;
    }
    switch (frame->body_case) {
    case MARSHRUT__BUS__V1__FRAME__BODY_HELLO:
        on_hello(sessions, peer, system, frame->hello);
        break;
    case MARSHRUT__BUS__V1__FRAME__BODY_QUERY:
        if (system)
            mr_gateway_refuse(sessions->gateway, peer, "right", "queries are for the admin endpoint",
                    "use the tool on the hub's machine", 0, false);
        else
            mr_query_frame(sessions->query, peer, frame->query);
        break;
    default:
        on_session_frame(sessions, peer, frame);
    }
}

/* ---- alive or not ---- */

static void ping(struct mr_session *session)
{
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Ping body = MARSHRUT__BUS__V1__PING__INIT;

    body.id = ++session->sessions->last_ping;
    body.progress = mr_log_head(session->sessions->house->log);
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_PING;
    frame.ping = &body;
    session->unanswered++;
    (void)mr_session_send(session, &frame);
}

static bool is_silent(const struct mr_session *session, int64_t now_us)
{
    const int64_t via_patience_us = (int64_t)MR_SESSION_VIA_SILENT_S * 1000 * 1000;

    return session->via ? now_us - session->heard_us > via_patience_us
                        : session->unanswered > PINGS_MISSED_MAX;
}

static void on_timer(uv_timer_t *timer)
{
    struct mr_sessions *sessions = timer->data;
    int64_t now_us = mr_clock_monotonic_us(sessions->house->clock);

    mr_list_foreach_safe (it, &sessions->list) {
        struct mr_session *session = MR_CONTAINER(it, struct mr_session, link);

        if (is_silent(session, now_us))
            close_session(session, "silent");
        else if (!session->via)
            ping(session);
    }
}

int mr_sessions_open(struct mr_sessions *sessions, uv_loop_t *loop, struct mr_gateway *gateway,
        const struct mr_house *house)
{
    uint32_t interval_ms = house->config->hub.ping_interval_ms;

    sessions->loop = loop;
    sessions->gateway = gateway;
    sessions->house = house;
    sessions->hub_epoch = (uint64_t)mr_clock_wall_us(house->clock);
    mr_list_init(&sessions->list);
    sessions->by_system = calloc(IDS, sizeof(struct mr_session *));
    (void)uv_timer_init(loop, &sessions->timer);
    sessions->timer.data = sessions;
    if (!sessions->by_system)
        return MR_ENOMEM;
    return uv_timer_start(&sessions->timer, on_timer, interval_ms, interval_ms) == 0 ? 0 : MR_ESYSTEM;
}

static void say_goodbye(struct mr_session *session, const char *reason)
{
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Goodbye goodbye = MARSHRUT__BUS__V1__GOODBYE__INIT;

    goodbye.reason = (char *)reason;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_GOODBYE;
    frame.goodbye = &goodbye;
    if (mr_session_send(session, &frame) == 0)
        close_session(session, reason);
}

void mr_sessions_close(struct mr_sessions *sessions, const char *reason)
{
    mr_list_foreach_safe (it, &sessions->list)
        say_goodbye(MR_CONTAINER(it, struct mr_session, link), reason);
    free(sessions->by_system);
    sessions->by_system = NULL;
    uv_close((uv_handle_t *)&sessions->timer, NULL);
}

/* ---- another configuration ---- */

/* What Welcome said: the subscriptions, by name and in order. */
static bool same_subscriptions(const struct mr_config *from, const struct mr_config *to, const char *system)
{
    size_t from_count, to_count;
    char **before = subscriptions_of(from, system, &from_count);
    char **after = subscriptions_of(to, system, &to_count);
    bool same = before && after && from_count == to_count;

    for (size_t i = 0; same && i < from_count; i++)
        same = strcmp(before[i], after[i]) == 0;
    free(before);
    free(after);
    return same;
}

void mr_sessions_take(struct mr_sessions *sessions, const struct mr_config *config)
{
    const struct mr_config *from = sessions->house->config;

    mr_list_foreach_safe (it, &sessions->list) {
        struct mr_session *session = MR_CONTAINER(it, struct mr_session, link);
        const struct mr_config_system *old = session->system, *system = mr_config_system(config, old->name);

        if (!system || (!session->admin && strcmp(system->public_key, old->public_key) != 0)) {
            refuse_for_good(session, "unknown-system", "this key is not configured any more",
                    "ask the administrator of the hub", "revoked");
        } else if (!same_subscriptions(from, config, old->name) ||
                   mr_publish_window(from, old) != mr_publish_window(config, system)) {
            say_goodbye(session, "the configuration has changed");
        } else {
            session->system = system;
        }
    }
}
