/*
 * The hub's sockets: one ROUTER per listen endpoint (CURVE) and one on ipc for the tool (file permissions). A
 * message becomes a frame here and nowhere else: who sent it, how big it is, then decoding within a byte
 * budget. Loop thread.
 */
#ifndef MR_HUB_SESSION_GATEWAY_H
#define MR_HUB_SESSION_GATEWAY_H

#include "proto/base/arena.h"
#include "proto/config/config.h"
#include "proto/loop/zsock.h"
#include "proto/wire/frame.h"

enum { MR_PEER_ID_MAX = 32 };

/* Where a frame came from and an answer goes to. ZeroMQ's routing id, made by us (never by the client). */
struct mr_peer {
    uint16_t endpoint;
    uint16_t id_size;
    uint8_t id[MR_PEER_ID_MAX];
};

static inline bool mr_peer_equal(const struct mr_peer *a, const struct mr_peer *b)
{
    return a->endpoint == b->endpoint && a->id_size == b->id_size && memcmp(a->id, b->id, a->id_size) == 0;
}

struct mr_gateway;

/*
 * system: authenticated by its key; NULL on the admin endpoint. The frame lives until the call returns. The
 * content of its bytes fields lies in gateway->message, which the callee may take (hub/session/lent.h).
 */
typedef void (*mr_gateway_frame_fn)(void *ctx, const struct mr_peer *peer,
        const struct mr_config_system *system, const Marshrut__Bus__V1__Frame *frame);

struct mr_gateway_stats {
    uint64_t frames;
    uint64_t nameless; /* no authenticated name: dropped */
    uint64_t malformed;
    uint64_t too_big;
    uint64_t unsent; /* peer gone or its queue full */
};

struct mr_endpoint {
    struct mr_zsock zsock;
    struct mr_gateway *gateway;
    uint16_t index;
    bool admin;
    char bound[256]; /* with the port that "*" became */
};

struct mr_gateway {
    const struct mr_config *config;
    struct mr_endpoint *endpoints; /* the last one is the admin's */
    uint16_t endpoints_count;
    struct mr_arena arena;
    zmq_msg_t *message; /* that is being handed on */
    mr_gateway_frame_fn on_frame;
    void *ctx;
    struct mr_gateway_stats stats;
    int64_t logged_us;
};

/* The ZAP handler must be open. secret_key: of the hub, Z85. */
int mr_gateway_open(struct mr_gateway *gateway, uv_loop_t *loop, void *zmq, const struct mr_config *config,
        const char *secret_key, mr_gateway_frame_fn on_frame, void *ctx, struct mr_error *reterr);
/* What was sent still goes out for linger_ms; zmq_ctx_term() waits for it. */
void mr_gateway_close(struct mr_gateway *gateway, int linger_ms);

/* 0; negative when it could not be sent: the peer is gone, or does not read what it asked for. */
int mr_gateway_send(
        struct mr_gateway *gateway, const struct mr_peer *peer, const Marshrut__Bus__V1__Frame *frame);
void mr_gateway_refuse(struct mr_gateway *gateway, const struct mr_peer *peer, const char *code,
        const char *reason, const char *cure, uint32_t retry_after_ms, bool fatal);

#endif
