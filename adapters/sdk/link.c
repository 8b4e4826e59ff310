#include "adapters/sdk/link.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sdk/link_internal.h"
#include "proto/base/logfmt.h"
#include "proto/wire/codec.h"
#include "proto/wire/frame.h"

enum { PINGS_MISSED_MAX = 3 };

static void connect_now(struct mr_link *link);

/* ---- one connection ---- */

static void on_socket_closed(struct mr_zsock *zsock)
{
    struct mr_link_connection *connection = zsock->data;

    if (--connection->open == 0)
        free(connection);
}

/* The monitor must stop before its reader goes, or the I/O thread could block on it. */
static void give_up(struct mr_link *link)
{
    struct mr_link_connection *connection = link->connection;

    link->connection = NULL;
    if (!connection)
        return;
    connection->link = NULL;
    (void)zmq_socket_monitor(connection->dealer.socket, NULL, 0);
    mr_zsock_close(&connection->monitor, on_socket_closed);
    mr_zsock_close(&connection->dealer, on_socket_closed);
}

static void on_message(struct mr_zsock *zsock, zmq_msg_t *parts, int count)
{
    struct mr_link_connection *connection = zsock->data;

    if (!connection->link || count != 1)
        return;
    connection->link->unanswered = 0;
    mr_link_receive(connection->link, mr_slice(zmq_msg_data(&parts[0]), zmq_msg_size(&parts[0])));
}

static const char *failure_of(uint16_t event)
{
    switch (event) {
    case ZMQ_EVENT_DISCONNECTED:
        return "disconnected";
    case ZMQ_EVENT_CLOSED:
        return "not-reachable";
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        return "key-not-admitted";
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        return "handshake";
    default:
        return NULL;
    }
}

static void on_monitor(struct mr_zsock *zsock, zmq_msg_t *parts, int count)
{
    struct mr_link_connection *connection = zsock->data;
    struct mr_link *link = connection->link;
    const char *failure;
    uint16_t event;

    if (!link || count < 1 || zmq_msg_size(&parts[0]) < sizeof event)
        return;
    memcpy(&event, zmq_msg_data(&parts[0]), sizeof event);
    failure = failure_of(event);
    if (failure) {
        mr_link_fail(link, failure);
    } else if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED && link->state == MR_LINK_CONNECTING) {
        link->state = MR_LINK_GREETING;
        mr_link_pump(link);
    }
}

struct option {
    int name;
    int value;
};

static int set_options(struct mr_link *link, void *socket)
{
    static const struct option options[] = {
            {ZMQ_LINGER, 0},
            {ZMQ_IMMEDIATE, 1},
            {ZMQ_RECONNECT_IVL, -1}, /* a new socket a try: see the top of link.h */
            {ZMQ_CONNECT_TIMEOUT, 5000},
            {ZMQ_HANDSHAKE_IVL, 5000},
            {ZMQ_HEARTBEAT_IVL, 5000},
            {ZMQ_HEARTBEAT_TIMEOUT, 15000},
            {ZMQ_HEARTBEAT_TTL, 15000},
            {ZMQ_TCP_KEEPALIVE, 1},
            {ZMQ_TCP_KEEPALIVE_IDLE, 30},
            {ZMQ_TCP_KEEPALIVE_INTVL, 10},
            {ZMQ_TCP_KEEPALIVE_CNT, 3},
            {ZMQ_SNDHWM, 1000},
            {ZMQ_RCVHWM, 1000},
    };
    int64_t message_bytes_max = MR_FRAME_BYTES_MAX;

    for (size_t i = 0; i < MR_COUNT(options); i++)
        if (zmq_setsockopt(socket, options[i].name, &options[i].value, sizeof options[i].value) != 0)
            return MR_ESYSTEM;
    if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &message_bytes_max, sizeof message_bytes_max) != 0 ||
            zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, link->hub_key, 41) != 0 ||
            zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, link->public_key, 41) != 0 ||
            zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, link->secret_key, 41) != 0)
        return MR_ESYSTEM;
    return 0;
}

/* A monitored, not yet connected DEALER and the reader of its monitor. On failure both are closed. */
static int make_sockets(struct mr_link *link, void **ret_dealer, void **ret_monitor)
{
    char address[64];
    void *dealer = zmq_socket(link->zmq, ZMQ_DEALER);
    void *monitor = zmq_socket(link->zmq, ZMQ_PAIR);

    (void)snprintf(
            address, sizeof address, "inproc://link-monitor-%llu", (unsigned long long)link->connections++);
    if (dealer && monitor && set_options(link, dealer) == 0 &&
            zmq_socket_monitor(dealer, address,
                    ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED |
                            ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                            ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) == 0 &&
            zmq_connect(monitor, address) == 0) {
        *ret_dealer = dealer;
        *ret_monitor = monitor;
        return 0;
    }
    if (dealer)
        (void)zmq_close(dealer);
    if (monitor)
        (void)zmq_close(monitor);
    return MR_ESYSTEM;
}

static int connection_open(struct mr_link *link)
{
    struct mr_link_connection *connection = calloc(1, sizeof *connection);
    void *dealer, *monitor;
    int r;

    if (!connection)
        return MR_ENOMEM;
    r = make_sockets(link, &dealer, &monitor);
    if (r < 0) {
        free(connection);
        return r;
    }
    r = mr_zsock_open(&connection->monitor, link->loop, monitor, 16, on_monitor, connection);
    if (r < 0) {
        (void)zmq_close(dealer);
        free(connection);
        return r;
    }
    connection->open = 1;
    r = mr_zsock_open(&connection->dealer, link->loop, dealer, 64, on_message, connection);
    if (r < 0) {
        mr_zsock_close(&connection->monitor, on_socket_closed);
        return r;
    }
    connection->open = 2;
    connection->link = link;
    link->connection = connection;
    return zmq_connect(connection->dealer.socket, link->endpoint) == 0 ? 0 : MR_EINVAL;
}

/* ---- states ---- */

static void on_retry(uv_timer_t *timer)
{
    connect_now(timer->data);
}

static void connect_now(struct mr_link *link)
{
    assert(!link->connection);
    link->state = MR_LINK_CONNECTING;
    link->hello_sent = false;
    link->connecting_since_ms = uv_now(link->loop);
    if (connection_open(link) < 0)
        mr_link_fail(link, "socket");
}

void mr_link_set_up(struct mr_link *link, bool up)
{
    if (link->callbacks.on_link)
        link->callbacks.on_link(link->ctx, up);
}

static void drop_nacks(struct mr_link *link)
{
    struct mr_list *member;

    while ((member = mr_list_pop_front(&link->nacks)) != NULL)
        free(MR_CONTAINER(member, struct mr_link_nacked, member));
}

void mr_link_fail(struct mr_link *link, const char *why)
{
    bool was_up = link->state == MR_LINK_UP;
    uint32_t delay_ms = mr_backoff_next(&link->backoff, randombytes_random());

    if (link->state == MR_LINK_CLOSING || link->state == MR_LINK_DOWN)
        return;
    give_up(link);
    drop_nacks(link);
    mr_link_repeat_drop(link);
    link->state = MR_LINK_DOWN;
    if (link->retry_after_ms > delay_ms)
        delay_ms = link->retry_after_ms + randombytes_random() % (link->retry_after_ms / 4 + 1);
    link->retry_after_ms = 0;
    mr_warn("link.down", "why", why, "retry_ms", MR_N(delay_ms));
    (void)uv_timer_start(&link->retry, on_retry, delay_ms, 0);
    if (was_up)
        mr_link_set_up(link, false);
}

static void on_tick(uv_timer_t *timer)
{
    struct mr_link *link = timer->data;
    uint64_t now = uv_now(link->loop);
    uint32_t interval = link->limits.ping_interval_ms;
    Marshrut__Bus__V1__Ping ping = MARSHRUT__BUS__V1__PING__INIT;
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;

    if ((link->state == MR_LINK_CONNECTING || link->state == MR_LINK_GREETING) &&
            now - link->connecting_since_ms > MR_LINK_GREETING_MS) {
        mr_link_fail(link, "no-welcome");
        return;
    }
    if (link->state != MR_LINK_UP)
        return;
    if (now - link->pinged_ms < interval)
        return;
    if (link->unanswered >= PINGS_MISSED_MAX) {
        mr_link_fail(link, "silent");
        return;
    }
    link->unanswered++;
    link->pinged_ms = now;
    ping.id = ++link->ping_id;
    ping.progress = link->finished;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_PING;
    frame.ping = &ping;
    (void)mr_link_send(link, &frame);
}

static void on_flush(uv_timer_t *timer)
{
    mr_link_pump(timer->data);
}

void mr_link_flush_in(struct mr_link *link, uint64_t delay_ms)
{
    if (link->state == MR_LINK_CLOSING)
        return;
    if (uv_is_active((uv_handle_t *)&link->flush) && uv_timer_get_due_in(&link->flush) <= delay_ms)
        return;
    (void)uv_timer_start(&link->flush, on_flush, delay_ms, 0);
}

void mr_link_wake(struct mr_link *link)
{
    mr_link_flush_in(link, 0);
}

void mr_link_nack(
        struct mr_link *link, const char *subscription, uint64_t number, bool park, const char *reason)
{
    struct mr_link_nacked *nacked;

    if (link->state != MR_LINK_UP)
        return;
    nacked = calloc(1, sizeof *nacked);
    if (!nacked)
        return; /* the hub delivers it again after the next break of the session */
    nacked->number = number;
    nacked->park = park;
    (void)snprintf(nacked->subscription, sizeof nacked->subscription, "%s", subscription);
    (void)snprintf(nacked->reason, sizeof nacked->reason, "%s", reason ? reason : "");
    mr_list_push_back(&link->nacks, &nacked->member);
    mr_link_wake(link);
}

void mr_link_finished(struct mr_link *link)
{
    link->finished++;
    mr_link_wake(link);
}

bool mr_link_up(const struct mr_link *link)
{
    return link->state == MR_LINK_UP;
}

void mr_link_counts(const struct mr_link *link, uint64_t *ret_published, uint64_t *ret_delivered)
{
    *ret_published = link->published;
    *ret_delivered = link->delivered;
}

/* ---- birth and death ---- */

static void destroy(struct mr_link *link)
{
    if (link->zmq)
        (void)zmq_ctx_term(link->zmq); /* every socket is closed; waits for Goodbye at most its linger */
    drop_nacks(link);
    mr_link_repeat_drop(link);
    mr_arena_fini(&link->receive_arena);
    mr_arena_fini(&link->event_arena);
    mr_arena_fini(&link->send_arena);
    mr_arena_fini(&link->repeat_arena);
    sodium_memzero(link->secret_key, sizeof link->secret_key);
    free(link->endpoint);
    free(link->software);
    free(link);
}

static int init(struct mr_link *link, const struct mr_link_options *options, struct mr_error *reterr)
{
    link->zmq = zmq_ctx_new();
    link->endpoint = strdup(options->endpoint);
    link->software = strdup(options->software);
    if (!link->zmq || !link->endpoint || !link->software)
        return MR_ENOMEM;
    (void)snprintf(link->hub_key, sizeof link->hub_key, "%s", options->hub_public_key);
    (void)snprintf(link->secret_key, sizeof link->secret_key, "%s", options->secret_key);
    if (strlen(link->hub_key) != 40 || strlen(link->secret_key) != 40 ||
            zmq_curve_public(link->public_key, link->secret_key) != 0)
        return mr_error_set(
                reterr, MR_ECONFIG, "keys", "make the keys with marshrut keys new", "no CURVE key");
    return 0;
}

int mr_link_open(struct mr_link **ret, const struct mr_link_options *options, struct mr_error *reterr)
{
    struct mr_link *link = calloc(1, sizeof *link);
    uv_timer_t *timers[3];
    int r;

    if (!link)
        return MR_ENOMEM;
    link->loop = options->loop;
    link->outbox = options->outbox;
    link->inbox = options->inbox;
    link->callbacks = options->callbacks;
    link->ctx = options->ctx;
    link->on_builtin = options->on_builtin;
    link->builtin_ctx = options->builtin_ctx;
    link->backoff.first_ms = options->backoff_first_ms ? options->backoff_first_ms : 100;
    link->backoff.max_ms = options->backoff_max_ms ? options->backoff_max_ms : 10000;
    mr_list_init(&link->nacks);
    mr_arena_init(&link->receive_arena, MR_LINK_FRAME_BUDGET);
    mr_arena_init(&link->event_arena, MR_LINK_EVENT_BUDGET);
    mr_arena_init(&link->send_arena, 4 * MR_FRAME_BYTES_MAX);
    mr_arena_init(&link->repeat_arena, MR_LINK_FRAME_BUDGET);
    mr_list_init(&link->repeated);
    r = init(link, options, reterr);
    if (r < 0) {
        destroy(link);
        return r;
    }
    timers[0] = &link->retry;
    timers[1] = &link->tick;
    timers[2] = &link->flush;
    for (size_t i = 0; i < MR_COUNT(timers); i++) {
        (void)uv_timer_init(link->loop, timers[i]);
        timers[i]->data = link;
        link->open_handles++;
    }
    (void)uv_timer_start(&link->tick, on_tick, MR_LINK_TICK_MS, MR_LINK_TICK_MS);
    (void)uv_timer_start(&link->retry, on_retry, 0, 0);
    *ret = link;
    return 0;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct mr_link *link = handle->data;
    void (*on_closed)(void *ctx) = link->on_closed;
    void *ctx = link->closed_ctx;

    if (--link->open_handles > 0)
        return;
    destroy(link);
    if (on_closed)
        on_closed(ctx);
}

static void say_goodbye(struct mr_link *link)
{
    Marshrut__Bus__V1__Goodbye goodbye = MARSHRUT__BUS__V1__GOODBYE__INIT;
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    int linger_ms = 200;

    goodbye.reason = (char *)"stopping";
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_GOODBYE;
    frame.goodbye = &goodbye;
    if (mr_link_send(link, &frame) == 0)
        (void)zmq_setsockopt(link->connection->dealer.socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
}

void mr_link_close(struct mr_link *link, void (*on_closed)(void *ctx), void *ctx)
{
    if (link->state == MR_LINK_UP) {
        mr_link_pump(link); /* acks and credit that are due */
        if (link->connection)
            say_goodbye(link);
    }
    link->state = MR_LINK_CLOSING;
    give_up(link);
    link->on_closed = on_closed;
    link->closed_ctx = ctx;
    uv_close((uv_handle_t *)&link->retry, on_handle_closed);
    uv_close((uv_handle_t *)&link->tick, on_handle_closed);
    uv_close((uv_handle_t *)&link->flush, on_handle_closed);
}
