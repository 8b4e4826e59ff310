#include "hub/session/gateway.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hub/session/zap.h"
#include "proto/base/clock.h"
#include "proto/base/list.h"
#include "proto/base/logfmt.h"

enum {
    BUDGET_TURN = 64, /* messages a loop turn and socket */
    ARENA_BUDGET_MAX = 8 * 1024 * 1024,
    CURVE_BYTES = 33, /* "\x07MESSAGE", nonce, box and flags: what a message is longer by on the wire */
    /* Above the frame's limit, so that our refusal comes first. */
    TRANSPORT_BYTES_MAX = MR_FRAME_BYTES_MAX + 64 * 1024 + CURVE_BYTES,
};

static const struct {
    int option;
    int value;
} router_options[] = {{ZMQ_ROUTER_MANDATORY, 1}, {ZMQ_ROUTER_HANDOVER, 0}, {ZMQ_SNDHWM, 4096},
        {ZMQ_RCVHWM, 256}, {ZMQ_LINGER, 0}, {ZMQ_HANDSHAKE_IVL, 5000}, {ZMQ_HEARTBEAT_IVL, 5000},
        {ZMQ_HEARTBEAT_TIMEOUT, 15000}, {ZMQ_HEARTBEAT_TTL, 15000}, {ZMQ_TCP_KEEPALIVE, 1},
        {ZMQ_TCP_KEEPALIVE_IDLE, 30}, {ZMQ_TCP_KEEPALIVE_INTVL, 10}, {ZMQ_TCP_KEEPALIVE_CNT, 3},
        {ZMQ_BACKLOG, 512}};

static const struct {
    int option;
    int value;
} curve_options[] = {{ZMQ_CURVE_SERVER, 1}, {MR_ZMQ_ZAP_ENFORCE_DOMAIN, 1}};

int mr_gateway_send(
        struct mr_gateway *gateway, const struct mr_peer *peer, const Marshrut__Bus__V1__Frame *frame)
{
    size_t size = mr_frame_size(frame);
    zmq_msg_t message;
    int r;

    if (zmq_msg_init_size(&message, size) != 0)
        return MR_ENOMEM;
    mr_frame_write(frame, zmq_msg_data(&message), size);
    r = mr_zsock_send_to(
            &gateway->endpoints[peer->endpoint].zsock, mr_slice(peer->id, peer->id_size), &message);
    if (r < 0)
        gateway->stats.unsent++;
    return r;
}

void mr_gateway_refuse(struct mr_gateway *gateway, const struct mr_peer *peer, const char *code,
        const char *reason, const char *cure, uint32_t retry_after_ms, bool fatal)
{
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Refusal refusal = MARSHRUT__BUS__V1__REFUSAL__INIT;

    refusal.code = (char *)code;
    refusal.reason = (char *)reason;
    refusal.cure = (char *)cure;
    refusal.retry_after_ms = retry_after_ms;
    refusal.fatal = fatal;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL;
    frame.refusal = &refusal;
    (void)mr_gateway_send(gateway, peer, &frame);
}

/* One line a second at most, whatever a client sends. */
static void log_bad(struct mr_gateway *gateway, const char *system, const char *why)
{
    int64_t now_us = mr_clock_monotonic_us(mr_clock_system());

    if (gateway->logged_us != 0 && now_us - gateway->logged_us < 1000 * 1000)
        return;
    gateway->logged_us = now_us;
    mr_warn("gateway.frame_refused", "system", system, "why", why, "malformed",
            MR_N(gateway->stats.malformed), "too_big", MR_N(gateway->stats.too_big), "nameless",
            MR_N(gateway->stats.nameless));
}

/*
 * Whose key the connection came with: the ZAP handler made it the connection's name. A key that was taken
 * back since is nobody's. Only the last part carries it in libzmq 4.3.4.
 */
static const struct mr_config_system *sender_of(const struct mr_endpoint *endpoint, zmq_msg_t *payload)
{
    const char *key = zmq_msg_gets(payload, "User-Id");

    return key && *key ? mr_config_system_of_key(endpoint->gateway->config, key) : NULL;
}

static void decode(struct mr_gateway *gateway, const struct mr_peer *peer,
        const struct mr_config_system *system, struct mr_slice bytes)
{
    Marshrut__Bus__V1__Frame *frame = NULL;
    const char *name = system ? system->name : "admin";
    size_t budget = 4 * bytes.size + 64 * 1024;
    int r;

    if (bytes.size > MR_FRAME_BYTES_MAX) {
        gateway->stats.too_big++;
        log_bad(gateway, name, "too big");
        mr_gateway_refuse(gateway, peer, "limit", "the frame is larger than frame_bytes_max",
                "send smaller batches", 0, false);
        return;
    }
    gateway->arena.budget = budget < ARENA_BUDGET_MAX ? budget : ARENA_BUDGET_MAX;
    r = mr_frame_borrow(bytes, &gateway->arena, &frame, NULL);
    if (r == 0) {
        gateway->stats.frames++;
        gateway->on_frame(gateway->ctx, peer, system, frame);
    } else {
        gateway->stats.malformed++;
        log_bad(gateway, name, mr_err_name(r));
        mr_gateway_refuse(gateway, peer, r == MR_EMALFORMED ? "frame" : "limit",
                r == MR_EMALFORMED ? "the bytes are not a frame of this protocol"
                                   : "more parts than the limits allow",
                "see docs/protocol.md", 0, false);
    }
    mr_arena_reset(&gateway->arena);
}

static void on_message(struct mr_zsock *zsock, zmq_msg_t *parts, int count)
{
    struct mr_endpoint *endpoint = zsock->data;
    struct mr_gateway *gateway = endpoint->gateway;
    zmq_msg_t *payload = &parts[count - 1];
    struct mr_peer peer = {.endpoint = endpoint->index};
    const struct mr_config_system *system = endpoint->admin ? NULL : sender_of(endpoint, payload);

    if ((!system && !endpoint->admin) || zmq_msg_size(&parts[0]) > sizeof peer.id) {
        gateway->stats.nameless++;
        log_bad(gateway, NULL, "no name");
        return;
    }
    gateway->message = payload;
    peer.id_size = (uint16_t)zmq_msg_size(&parts[0]);
    memcpy(peer.id, zmq_msg_data(&parts[0]), peer.id_size);
    if (count == 2)
        decode(gateway, &peer, system, mr_slice(zmq_msg_data(payload), zmq_msg_size(payload)));
    else
        decode(gateway, &peer, system, mr_slice("", 0));          /* a message is one part: malformed */
    explicit_bzero(zmq_msg_data(payload), zmq_msg_size(payload)); /* empty, when an intake has taken it */
    gateway->message = NULL;
}

static int set_options(void *socket, const struct mr_endpoint *endpoint, const char *secret_key)
{
    int64_t bytes_max = TRANSPORT_BYTES_MAX;

    for (size_t i = 0; i < MR_COUNT(router_options); i++)
        if (zmq_setsockopt(socket, router_options[i].option, &router_options[i].value, sizeof(int)) != 0)
            return -1;
    if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &bytes_max, sizeof bytes_max) != 0)
        return -1;
    for (size_t i = 0; !endpoint->admin && i < MR_COUNT(curve_options); i++)
        if (zmq_setsockopt(socket, curve_options[i].option, &curve_options[i].value, sizeof(int)) != 0)
            return -1;
    if (endpoint->admin)
        return 0;
    if (zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_key, strlen(secret_key)) != 0)
        return -1;
    return zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, MR_ZAP_DOMAIN, strlen(MR_ZAP_DOMAIN));
}

static int open_endpoint(struct mr_endpoint *endpoint, uv_loop_t *loop, void *zmq, const char *address,
        const char *secret_key, struct mr_error *reterr)
{
    void *socket = zmq_socket(zmq, ZMQ_ROUTER);
    size_t size = sizeof endpoint->bound;

    if (!socket || set_options(socket, endpoint, secret_key) != 0 || zmq_bind(socket, address) != 0 ||
            zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint->bound, &size) != 0) {
        int r = mr_error_set(reterr, MR_ESYSTEM, address,
                "is another hub running, or the address another machine's?", "cannot listen: %s",
                zmq_strerror(zmq_errno()));

        if (socket)
            (void)zmq_close(socket);
        return r;
    }
    return mr_zsock_open(&endpoint->zsock, loop, socket, BUDGET_TURN, on_message, endpoint);
}

/* The folder is ours alone before the socket is in it: that is the admin endpoint's only guard. */
static int open_admin(
        struct mr_endpoint *endpoint, uv_loop_t *loop, void *zmq, const char *path, struct mr_error *reterr)
{
    char address[160];
    char folder[160];
    char *slash;
    struct stat st;
    int r;

    (void)snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (slash)
        *slash = 0;
    if ((mkdir(folder, 0700) != 0 && errno != EEXIST) || stat(folder, &st) != 0)
        return mr_error_set(reterr, mr_err_from_errno(errno), folder, "make it, for this user only",
                "cannot make the folder of the admin socket");
    if ((st.st_mode & 077) != 0)
        return mr_error_set(reterr, MR_EDENIED, folder, "chmod 700, or name a folder of its own in hub.admin",
                "others may enter the folder of the admin socket");
    (void)snprintf(address, sizeof address, "ipc://%s", path);
    r = open_endpoint(endpoint, loop, zmq, address, NULL, reterr);
    if (r == 0)
        (void)chmod(path, 0600);
    return r;
}

int mr_gateway_open(struct mr_gateway *gateway, uv_loop_t *loop, void *zmq, const struct mr_config *config,
        const char *secret_key, mr_gateway_frame_fn on_frame, void *ctx, struct mr_error *reterr)
{
    uint32_t count = config->hub.listen_count + 1;
    int r = 0;

    *gateway = (struct mr_gateway){.config = config, .on_frame = on_frame, .ctx = ctx};
    mr_arena_init(&gateway->arena, ARENA_BUDGET_MAX);
    gateway->endpoints = calloc(count, sizeof *gateway->endpoints);
    if (!gateway->endpoints)
        return mr_error_set(reterr, MR_ENOMEM, "hub.listen", "", "out of memory");
    for (uint32_t i = 0; i < count && r == 0; i++) {
        struct mr_endpoint *endpoint = &gateway->endpoints[i];

        endpoint->gateway = gateway;
        endpoint->index = (uint16_t)i;
        endpoint->admin = i + 1 == count;
        r = endpoint->admin ? open_admin(endpoint, loop, zmq, config->hub.admin, reterr)
                            : open_endpoint(endpoint, loop, zmq, config->hub.listen[i], secret_key, reterr);
        if (r == 0)
            gateway->endpoints_count++;
    }
    return r;
}

void mr_gateway_close(struct mr_gateway *gateway, int linger_ms)
{
    for (uint16_t i = 0; i < gateway->endpoints_count; i++) {
        void *socket = gateway->endpoints[i].zsock.socket;

        if (socket)
            (void)zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        mr_zsock_close(&gateway->endpoints[i].zsock, NULL);
    }
    mr_arena_fini(&gateway->arena);
}
