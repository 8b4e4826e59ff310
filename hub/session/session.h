/*
 * Sessions: who is connected now, under which name, alive or not. A session begins with Hello and ends with
 * Goodbye, a newer one of the same system, silence, or the hub's own end. Frames of nobody's session are
 * refused "no-hello". Loop thread.
 */
#ifndef MR_HUB_SESSION_SESSION_H
#define MR_HUB_SESSION_SESSION_H

#include <uthash.h>

#include "hub/session/gateway.h"
#include "hub/house.h"
#include "proto/base/list.h"

struct mr_publish;
struct mr_deliver;
struct mr_query;
struct mr_receipt_queue;
struct mr_sessions;

/* How a session is spoken to that is no peer of the gateway. */
struct mr_session_via {
    /* As mr_gateway_send(): negative when it cannot be told, and then the session ends. */
    int (*send)(void *ctx, const Marshrut__Bus__V1__Frame *frame);
    void (*refuse)(void *ctx, const char *code, const char *reason, const char *cure);
    void (*ended)(void *ctx, const char *why); /* the last that is said to it */
};

struct mr_session {
    struct mr_list link;
    struct mr_sessions *sessions;
    uint64_t id;
    struct mr_peer peer;              /* of nobody, when via */
    const struct mr_session_via *via; /* NULL: a peer of the gateway */
    void *via_ctx;
    bool admin;     /* has no key: came over the admin endpoint, or with a token */
    bool publishes; /* its Hello named a numbering */
    const struct mr_config_system *system;
    uint16_t system_id;
    int64_t heard_us;    /* monotonic: when its application last said anything */
    unsigned unanswered; /* pings since then. Not by the clock: a hub that stood still has heard nobody */
    uint64_t progress;   /* as its last Ping or Pong says */
    uint8_t peer_key[sizeof(uint16_t) + MR_PEER_ID_MAX]; /* endpoint and id */
    bool lost;                                           /* no memory to find it by its peer */
    UT_hash_handle hh;                                   /* in by_peer, unless via */
};

struct mr_sessions {
    uv_loop_t *loop;
    struct mr_gateway *gateway;
    const struct mr_house *house;
    struct mr_publish *publish;
    struct mr_deliver *deliver;
    struct mr_query *query;
    struct mr_receipt_queue *receipts;
    struct mr_list list;
    struct mr_session *by_peer;    /* uthash */
    struct mr_session **by_system; /* the newest of each id; NULL: not open yet */
    uv_timer_t timer;
    uint64_t hub_epoch;
    uint64_t last_id;
    uint64_t last_ping;
    bool stopping;
};

int mr_sessions_open(struct mr_sessions *sessions, uv_loop_t *loop, struct mr_gateway *gateway,
        const struct mr_house *house);
/* Says Goodbye to everybody and forgets them. */
void mr_sessions_close(struct mr_sessions *sessions, const char *reason);

/* The gateway's callback; ctx is the struct mr_sessions. */
void mr_sessions_on_frame(void *ctx, const struct mr_peer *peer, const struct mr_config_system *system,
        const Marshrut__Bus__V1__Frame *frame);

/*
 * The systems of a configuration that follows the house's. Sessions of systems, or keys, that it does not
 * have end at once (Refusal unknown-system); those to whom Welcome would say something else now are told
 * Goodbye, and come back.
 */
void mr_sessions_take(struct mr_sessions *sessions, const struct mr_config *config);

struct mr_session *mr_sessions_of_system(
        struct mr_sessions *sessions, uint16_t system_id); /* NULL: not connected */
size_t mr_sessions_count(const struct mr_sessions *sessions);

/*
 * A session without a Hello, of a system that is known by other means (a token). The older one of this system
 * is told that it is replaced. It is never pinged; without a word for MR_SESSION_VIA_SILENT_S it ends. NULL:
 * out of memory.
 */
struct mr_session *mr_sessions_begin(struct mr_sessions *sessions, const struct mr_config_system *system,
        const struct mr_session_via *via, void *ctx);
void mr_session_heard(struct mr_session *session); /* of one that is via: it has said something */
void mr_session_end(struct mr_session *session, const char *why);
enum { MR_SESSION_VIA_SILENT_S = 600 };

/* Sends to the session; one that cannot take it is closed. The session may be gone afterwards: negative. */
int mr_session_send(struct mr_session *session, const Marshrut__Bus__V1__Frame *frame);
void mr_session_refuse(struct mr_session *session, const char *code, const char *reason, const char *cure,
        uint32_t retry_after_ms);

#endif
