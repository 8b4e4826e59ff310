#include "hub/tool/admin_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include "hub/tool/tool.h"
#include "proto/base/buf.h"
#include "proto/base/clock.h"

enum { ARENA_BYTES = MR_ANSWER_BYTES_MAX + MR_FRAME_BYTES_MAX, PROBE_INTERVAL_MS = 1000 };

#define MONITOR "inproc://admin-monitor"

struct admin_client {
    const char *path; /* of the hub's socket; the configuration's */
    void *context;
    void *socket;
    void *monitor;     /* libzmq tells there when the connection breaks */
    zmq_msg_t message; /* the frame's bytes; the decoded frame may borrow */
    bool has_message;
    struct mr_arena arena;
};

int admin_client_send(struct admin_client *client, const Marshrut__Bus__V1__Frame *frame)
{
    struct mr_buf bytes = MR_BUF_INIT;
    int r = mr_frame_encode(&bytes, frame);

    if (r == 0 && bytes.size > MR_FRAME_BYTES_MAX)
        r = MR_ETOOBIG;
    if (r == 0 && zmq_send(client->socket, bytes.data, bytes.size, 0) < 0)
        r = MR_ECLOSED;
    mr_buf_wipe(&bytes);
    return r;
}

/* Does somebody listen? ZeroMQ would go on trying for ever at the socket file that a killed hub leaves
 * behind. */
static int probe(const char *path, struct mr_error *reterr)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error = 0;

    if (fd < 0)
        return MR_ESYSTEM;
    if (strlen(path) >= sizeof address.sun_path)
        error = ENAMETOOLONG;
    else
        memcpy(address.sun_path, path, strlen(path) + 1);
    if (error == 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        error = errno;
    (void)close(fd);
    if (error == 0)
        return 0;
    if (error == EACCES || error == EPERM)
        return mr_error_set(reterr, MR_EDENIED, path, "run the tool as the hub's user",
                "the hub's admin socket may not be used");
    return mr_error_set(
            reterr, MR_ECLOSED, path, "start the hub: marshrut -c FILE up", "no hub is running here");
}

static int64_t now_ms(void)
{
    return mr_clock_monotonic_us(mr_clock_system()) / 1000;
}

static bool readable(void *socket)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};

    return zmq_poll(&item, 1, 0) > 0;
}

/*
 * Waits for a message: 0, or negative. What was asked is lost with the connection, and libzmq would silently
 * connect to the next hub and wait there for ever; so a broken connection ends the wait, and so does a socket
 * where nobody listens any more (the hub ended before libzmq had connected).
 */
static int wait_message(struct admin_client *client, int timeout_ms, struct mr_error *reterr)
{
    int64_t until = now_ms() + timeout_ms;
    int64_t left = timeout_ms;

    for (; left > 0; left = until - now_ms()) {
        zmq_pollitem_t items[] = {{.socket = client->socket, .events = ZMQ_POLLIN},
                {.socket = client->monitor, .events = ZMQ_POLLIN}};
        int n = zmq_poll(items, 2, left < PROBE_INTERVAL_MS ? left : PROBE_INTERVAL_MS);

        if (readable(client->socket)) /* what came before the break counts */
            return 0;
        if (n > 0 && (items[1].revents & ZMQ_POLLIN))
            break;
        if (tool_interrupted())
            return mr_error_set(reterr, MR_ECLOSED, "", "", "interrupted");
        if (n == 0 && probe(client->path, NULL) == MR_ECLOSED)
            break;
    }
    if (readable(client->socket)) /* it came while this program stood still */
        return 0;
    if (left > 0)
        return mr_error_set(reterr, MR_ECLOSED, "the hub's admin socket",
                "ask again once it runs: marshrut status", "the hub ended before it had answered");
    return mr_error_set(reterr, MR_ETIMEOUT, "the hub's admin socket", "look at the hub's log; try again",
            "the hub neither answered nor said how far it is within %d ms", timeout_ms);
}

int admin_client_receive(
        struct admin_client *client, int timeout_ms, Marshrut__Bus__V1__Frame **ret, struct mr_error *reterr)
{
    int r = wait_message(client, timeout_ms, reterr);

    if (r < 0)
        return r;
    if (client->has_message)
        (void)zmq_msg_close(&client->message);
    (void)zmq_msg_init(&client->message);
    client->has_message = true;
    if (zmq_msg_recv(&client->message, client->socket, ZMQ_DONTWAIT) < 0)
        return mr_error_set(
                reterr, MR_ECLOSED, "the hub's admin socket", "try again", "the connection broke");
    mr_arena_reset(&client->arena);
    return mr_frame_decode_answer(mr_slice(zmq_msg_data(&client->message), zmq_msg_size(&client->message)),
            &client->arena, ret, reterr);
}

static int open_sockets(struct admin_client *client)
{
    char endpoint[300];
    int zero = 0;

    client->context = zmq_ctx_new();
    client->socket = client->context ? zmq_socket(client->context, ZMQ_DEALER) : NULL;
    client->monitor = client->context ? zmq_socket(client->context, ZMQ_PAIR) : NULL;
    (void)snprintf(endpoint, sizeof endpoint, "ipc://%s", client->path);
    if (!client->socket || !client->monitor ||
            zmq_setsockopt(client->socket, ZMQ_LINGER, &zero, sizeof zero) != 0 ||
            zmq_setsockopt(client->monitor, ZMQ_LINGER, &zero, sizeof zero) != 0 ||
            zmq_socket_monitor(client->socket, MONITOR, ZMQ_EVENT_DISCONNECTED) != 0 ||
            zmq_connect(client->monitor, MONITOR) != 0 || zmq_connect(client->socket, endpoint) != 0)
        return MR_ESYSTEM;
    return 0;
}

int admin_client_open(struct admin_client **ret, const struct mr_config *config, struct mr_error *reterr)
{
    struct admin_client *client;
    int r = probe(config->hub.admin, reterr);

    if (r < 0)
        return r;
    client = calloc(1, sizeof *client);
    if (!client)
        return MR_ENOMEM;
    mr_arena_init(&client->arena, ARENA_BYTES);
    client->path = config->hub.admin;
    if (open_sockets(client) < 0) {
        admin_client_close(client);
        return mr_error_set(reterr, MR_ESYSTEM, config->hub.admin, "look at the limit of open files",
                "cannot open a socket to the hub");
    }
    *ret = client;
    return 0;
}

void admin_client_close(struct admin_client *client)
{
    if (!client)
        return;
    if (client->has_message)
        (void)zmq_msg_close(&client->message);
    if (client->socket)
        (void)zmq_close(client->socket);
    if (client->monitor)
        (void)zmq_close(client->monitor);
    if (client->context)
        (void)zmq_ctx_term(client->context);
    mr_arena_fini(&client->arena);
    free(client);
}
