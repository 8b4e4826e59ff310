#include "hub/tool/admin_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include "proto/base/buf.h"

enum { ARENA_BYTES = 8 * MR_FRAME_BYTES_MAX };

struct admin_client {
    void *context;
    void *socket;
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

int admin_client_receive(
        struct admin_client *client, int timeout_ms, Marshrut__Bus__V1__Frame **ret, struct mr_error *reterr)
{
    zmq_pollitem_t item = {.socket = client->socket, .events = ZMQ_POLLIN};

    if (zmq_poll(&item, 1, timeout_ms) <= 0)
        return mr_error_set(reterr, MR_ETIMEOUT, "the hub's admin socket", "look at the hub's log; try again",
                "the hub did not answer within %d ms", timeout_ms);
    if (client->has_message)
        (void)zmq_msg_close(&client->message);
    (void)zmq_msg_init(&client->message);
    client->has_message = true;
    if (zmq_msg_recv(&client->message, client->socket, ZMQ_DONTWAIT) < 0)
        return mr_error_set(
                reterr, MR_ECLOSED, "the hub's admin socket", "try again", "the connection broke");
    mr_arena_reset(&client->arena);
    return mr_frame_decode(mr_slice(zmq_msg_data(&client->message), zmq_msg_size(&client->message)),
            &client->arena, ret, reterr);
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

int admin_client_open(struct admin_client **ret, const struct mr_config *config, struct mr_error *reterr)
{
    struct admin_client *client;
    char endpoint[300];
    int zero = 0;
    int r = probe(config->hub.admin, reterr);

    if (r < 0)
        return r;
    client = calloc(1, sizeof *client);
    if (!client)
        return MR_ENOMEM;
    mr_arena_init(&client->arena, ARENA_BYTES);
    client->context = zmq_ctx_new();
    client->socket = client->context ? zmq_socket(client->context, ZMQ_DEALER) : NULL;
    (void)snprintf(endpoint, sizeof endpoint, "ipc://%s", config->hub.admin);
    if (!client->socket || zmq_setsockopt(client->socket, ZMQ_LINGER, &zero, sizeof zero) != 0 ||
            zmq_connect(client->socket, endpoint) != 0) {
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
    if (client->context)
        (void)zmq_ctx_term(client->context);
    mr_arena_fini(&client->arena);
    free(client);
}
