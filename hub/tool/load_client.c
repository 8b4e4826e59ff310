#include "hub/tool/load_client.h"

#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/config/config.h"
#include "proto/loop/curvekey.h"
#include "proto/wire/wire.h"

enum { ARENA_BYTES = 8 * MR_FRAME_BYTES_MAX, POLL_MS = 1000, LINGER_MS = 1000, SEND_HWM = 64 * 1024 };

typedef Marshrut__Bus__V1__Frame frame_t;

static uint64_t now_ms(void)
{
    return (uint64_t)(mr_clock_monotonic_us(mr_clock_system()) / 1000);
}

static int read_key(struct mr_curvekey *ret, const char *keys, const char *system, struct mr_error *reterr)
{
    char path[PATH_MAX];
    char secret[MR_CURVEKEY_TEXT_MAX];
    int r;

    (void)snprintf(path, sizeof path, "%s/%s.key", keys, system);
    r = mr_config_read_key(path, true, secret, reterr);
    if (r == 0 && mr_curvekey_from_secret(ret, secret) < 0)
        r = mr_error_set(reterr, MR_ECONFIG, path, "make it anew: marshrut bench keys DIR",
                "the file holds no CURVE key");
    explicit_bzero(secret, sizeof secret);
    return r;
}

static bool set_options(void *socket, const char *server_key, const struct mr_curvekey *key)
{
    const int zero = 0, hwm = SEND_HWM;

    return zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof zero) == 0 &&
           zmq_setsockopt(socket, ZMQ_SNDHWM, &hwm, sizeof hwm) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server_key, strlen(server_key)) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, key->public_key, strlen(key->public_key)) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, key->secret_key, strlen(key->secret_key)) == 0;
}

int load_client_open(struct load_client *client, void *zmq, const struct mr_config *config,
        const char *endpoint, const char *keys, const char *system, struct mr_error *reterr)
{
    struct mr_curvekey key;
    int r;

    *client = (struct load_client){.system = system, .waits_ms = -1};
    mr_arena_init(&client->arena, ARENA_BYTES);
    r = read_key(&key, keys, system, reterr);
    if (r < 0)
        return r;
    client->socket = zmq_socket(zmq, ZMQ_DEALER);
    if (!client->socket || !set_options(client->socket, config->hub.public_key, &key) ||
            zmq_connect(client->socket, endpoint) != 0)
        r = mr_error_set(reterr, MR_ESYSTEM, endpoint, "is it an endpoint, tcp://HOST:PORT?",
                "cannot connect: %s", zmq_strerror(zmq_errno()));
    mr_curvekey_wipe(&key);
    client->heard_ms = now_ms();
    return r;
}

int load_client_send(struct load_client *client, const frame_t *frame)
{
    size_t size = marshrut__bus__v1__frame__get_packed_size(frame);
    zmq_msg_t message;

    if (zmq_msg_init_size(&message, size) != 0)
        return MR_ENOMEM;
    (void)marshrut__bus__v1__frame__pack(frame, zmq_msg_data(&message));
    return load_client_send_message(client, &message);
}

int load_client_send_message(struct load_client *client, zmq_msg_t *message)
{
    if (zmq_msg_send(message, client->socket, 0) >= 0)
        return 0;
    (void)zmq_msg_close(message);
    return MR_ECLOSED;
}

static int say_goodbye(struct load_client *client)
{
    Marshrut__Bus__V1__Goodbye goodbye = MARSHRUT__BUS__V1__GOODBYE__INIT;
    frame_t frame = MARSHRUT__BUS__V1__FRAME__INIT;

    goodbye.reason = (char *)"done";
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_GOODBYE;
    frame.goodbye = &goodbye;
    return load_client_send(client, &frame);
}

void load_client_close(struct load_client *client)
{
    const int linger_ms = LINGER_MS;

    if (client->has_message)
        (void)zmq_msg_close(&client->message);
    if (client->ticks)
        (void)close(client->tick_fd);
    if (client->socket) {
        if (client->in_session)
            (void)say_goodbye(client);
        (void)zmq_setsockopt(client->socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        (void)zmq_close(client->socket);
    }
    mr_arena_fini(&client->arena);
    *client = (struct load_client){0};
}

int load_client_decode(
        struct load_client *client, struct mr_slice bytes, frame_t **ret, struct mr_error *reterr)
{
    mr_arena_reset(&client->arena);
    return mr_frame_borrow(bytes, &client->arena, ret, reterr);
}

static int answer_ping(struct load_client *client, uint64_t id)
{
    Marshrut__Bus__V1__Pong pong = MARSHRUT__BUS__V1__PONG__INIT;
    frame_t frame = MARSHRUT__BUS__V1__FRAME__INIT;

    pong.id = id;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_PONG;
    frame.pong = &pong;
    return load_client_send(client, &frame);
}

/* What has nothing to do with the load. 1: it was such a frame. */
static int take_control(
        struct load_client *client, struct mr_slice bytes, uint32_t body, struct mr_error *reterr)
{
    frame_t *frame;
    int r;

    if (body != MARSHRUT__BUS__V1__FRAME__BODY_PING && body != MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL &&
            body != MARSHRUT__BUS__V1__FRAME__BODY_GOODBYE)
        return 0;
    r = load_client_decode(client, bytes, &frame, reterr);
    if (r < 0)
        return r;
    if (body == MARSHRUT__BUS__V1__FRAME__BODY_PING)
        return answer_ping(client, frame->ping->id) < 0 ? MR_ECLOSED : 1;
    if (body == MARSHRUT__BUS__V1__FRAME__BODY_GOODBYE)
        return mr_error_set(reterr, MR_ECLOSED, client->system, "start it and measure again",
                "the hub ended while it was measured");
    return mr_error_set(reterr, MR_ECLOSED, client->system, frame->refusal->cure,
            "the hub refused the bench, %s: %s", frame->refusal->code, frame->refusal->reason);
}

int load_client_tick(struct load_client *client, int64_t start_us, int64_t period_us)
{
    const struct itimerspec at = {
            .it_value = {.tv_sec = start_us / 1000000, .tv_nsec = start_us % 1000000 * 1000 + 1},
            .it_interval = {.tv_sec = period_us / 1000000, .tv_nsec = period_us % 1000000 * 1000}};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

    if (fd < 0)
        return MR_ESYSTEM;
    if (timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL) != 0) {
        (void)close(fd);
        return MR_ESYSTEM;
    }
    client->tick_fd = fd;
    client->ticks = true;
    return 0;
}

/* Until there is a message, a tick, or the time is over. */
static void wait_for_message_or_tick(struct load_client *client, long timeout_ms)
{
    zmq_pollitem_t items[] = {
            {.socket = client->socket, .events = ZMQ_POLLIN}, {.fd = client->tick_fd, .events = ZMQ_POLLIN}};
    uint64_t ticks;

    (void)zmq_poll(items, 2, timeout_ms);
    if (items[1].revents & ZMQ_POLLIN)
        (void)!read(client->tick_fd, &ticks, sizeof ticks);
}

static bool take_message(struct load_client *client, int flags)
{
    return zmq_msg_recv(&client->message, client->socket, flags) >= 0;
}

/* In one call: zmq_poll() asks the system four times for each message. */
static bool wait_for_message(struct load_client *client, int timeout_ms)
{
    if (client->waits_ms != timeout_ms)
        (void)zmq_setsockopt(client->socket, ZMQ_RCVTIMEO, &timeout_ms, sizeof timeout_ms);
    client->waits_ms = timeout_ms;
    return take_message(client, 0);
}

/* A message into client->message. 1, or 0 when none came. */
static int next_message(struct load_client *client, long timeout_ms)
{
    if (client->has_message)
        (void)zmq_msg_close(&client->message);
    (void)zmq_msg_init(&client->message);
    client->has_message = true;
    if (timeout_ms > 0 && !client->ticks)
        return wait_for_message(client, (int)timeout_ms);
    if (take_message(client, ZMQ_DONTWAIT))
        return 1;
    if (timeout_ms == 0)
        return 0;
    wait_for_message_or_tick(client, timeout_ms);
    return take_message(client, ZMQ_DONTWAIT);
}

int load_client_receive(struct load_client *client, long timeout_ms, struct mr_slice *ret, uint32_t *body,
        struct mr_error *reterr)
{
    struct mr_wire_field field;
    int r;

    do {
        if (next_message(client, timeout_ms) == 0) {
            if (timeout_ms > 0 && now_ms() - client->heard_ms > LOAD_SILENCE_MS)
                return mr_error_set(reterr, MR_ETIMEOUT, client->system,
                        "does the hub know its key (marshrut bench keys), and does it run?",
                        "the hub said nothing for %d s", LOAD_SILENCE_MS / 1000);
            return 0;
        }
        client->heard_ms = now_ms();
        *ret = mr_slice(zmq_msg_data(&client->message), zmq_msg_size(&client->message));
        struct mr_slice rest = *ret;
        if (mr_wire_next(&rest, &field) != 1)
            return mr_error_set(
                    reterr, MR_EMALFORMED, client->system, "is it a hub?", "what came is not a frame");
        *body = field.number;
        r = take_control(client, *ret, *body, reterr);
    } while (r == 1);
    return r < 0 ? r : 1;
}

int load_client_hello(
        struct load_client *client, uint64_t epoch, Marshrut__Bus__V1__Limits *ret, struct mr_error *reterr)
{
    Marshrut__Bus__V1__Hello hello = MARSHRUT__BUS__V1__HELLO__INIT;
    frame_t frame = MARSHRUT__BUS__V1__FRAME__INIT;
    frame_t *answer;
    struct mr_slice bytes;
    uint32_t body = 0;
    int r;

    hello.version = hello.version_min = MR_PROTOCOL_VERSION;
    hello.software = (char *)"marshrut-bench/" MR_VERSION;
    hello.producer_epoch = epoch;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_HELLO;
    frame.hello = &hello;
    r = load_client_send(client, &frame);
    while (r >= 0 && body != MARSHRUT__BUS__V1__FRAME__BODY_WELCOME)
        r = load_client_receive(client, POLL_MS, &bytes, &body, reterr);
    if (r >= 0)
        r = load_client_decode(client, bytes, &answer, reterr);
    if (r < 0)
        return r;
    client->in_session = true;
    marshrut__bus__v1__limits__init(ret);
    if (answer->welcome->limits)
        *ret = *answer->welcome->limits;
    return 0;
}
