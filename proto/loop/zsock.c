#include "proto/loop/zsock.h"

#include <assert.h>
#include <errno.h>

#include "proto/base/list.h"

/* Is there a message? One that cannot be told, for a signal to the process, may be. */
static bool has_message(const struct mr_zsock *zsock)
{
    int events = 0;
    size_t size = sizeof events;

    if (zmq_getsockopt(zsock->socket, ZMQ_EVENTS, &events, &size) != 0)
        return errno == EINTR;
    return (events & ZMQ_POLLIN) != 0;
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    MR_CONTAINER(handle, struct mr_zsock, poll)->stirred = true;
}

static void on_idle(uv_idle_t *handle)
{
    (void)handle;
}

static void on_prepare(uv_prepare_t *handle)
{
    struct mr_zsock *zsock = MR_CONTAINER(handle, struct mr_zsock, prepare);

    if (!zsock->stirred)
        return;
    zsock->stirred = has_message(zsock);
    if (zsock->stirred)
        (void)uv_idle_start(&zsock->idle, on_idle);
}

/* A signal to the process is no answer, and no end of a message of which some parts were taken. */
static int receive_part(void *socket, zmq_msg_t *part)
{
    int r;

    do
        r = zmq_msg_recv(part, socket, ZMQ_DONTWAIT);
    while (r < 0 && errno == EINTR);
    return r;
}

/* Reads one message. Number of parts, 0 when there was none, and *ret_again says whether there may be one all
 * the same. One of too many parts counts MR_ZSOCK_PARTS_MAX: the first ones and the last one, so that the
 * sender can be told. */
static int receive(void *socket, zmq_msg_t parts[static MR_ZSOCK_PARTS_MAX], bool *ret_again)
{
    int count = 0;
    bool more = true;

    *ret_again = true;
    while (more) {
        if (count == MR_ZSOCK_PARTS_MAX)
            (void)zmq_msg_close(&parts[--count]);
        (void)zmq_msg_init(&parts[count]);
        if (receive_part(socket, &parts[count]) < 0) {
            *ret_again = count > 0;
            (void)zmq_msg_close(&parts[count]);
            break;
        }
        more = zmq_msg_more(&parts[count++]);
    }
    return count;
}

static void on_check(uv_check_t *handle)
{
    struct mr_zsock *zsock = MR_CONTAINER(handle, struct mr_zsock, check);

    (void)uv_idle_stop(&zsock->idle);
    for (int i = 0; i < zsock->budget && zsock->socket && zsock->stirred; i++) {
        zmq_msg_t parts[MR_ZSOCK_PARTS_MAX];
        int count = receive(zsock->socket, parts, &zsock->stirred);

        if (count > 0)
            zsock->on_message(zsock, parts, count);
        for (int j = 0; j < count; j++)
            (void)zmq_msg_close(&parts[j]);
    }
}

int mr_zsock_open(struct mr_zsock *zsock, uv_loop_t *loop, void *socket, int budget,
        mr_zsock_recv_fn on_message, void *data)
{
    uv_os_sock_t fd;
    size_t size = sizeof fd;
    int linger = 0;

    if (zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger) != 0 ||
            zmq_getsockopt(socket, ZMQ_FD, &fd, &size) != 0 || uv_poll_init(loop, &zsock->poll, fd) != 0) {
        (void)zmq_close(socket);
        return MR_ESYSTEM;
    }
    zsock->socket = socket;
    zsock->budget = budget;
    zsock->on_message = on_message;
    zsock->on_closed = NULL;
    zsock->data = data;
    zsock->open_handles = 4;
    zsock->stirred = true;
    (void)uv_prepare_init(loop, &zsock->prepare);
    (void)uv_check_init(loop, &zsock->check);
    (void)uv_idle_init(loop, &zsock->idle);
    (void)uv_poll_start(&zsock->poll, UV_READABLE, on_poll);
    (void)uv_prepare_start(&zsock->prepare, on_prepare);
    (void)uv_check_start(&zsock->check, on_check);
    return 0;
}

/* A signal to the process, before anything was taken, is no answer. */
static int send_part(void *socket, zmq_msg_t *part, int flags)
{
    int r;

    do
        r = zmq_msg_send(part, socket, flags);
    while (r < 0 && errno == EINTR);
    return r;
}

static int send_bytes(void *socket, struct mr_slice bytes, int flags)
{
    int r;

    do
        r = zmq_send(socket, bytes.data, bytes.size, flags);
    while (r < 0 && errno == EINTR);
    return r;
}

/* What a refused part says; only the first one may be refused and nothing have happened. */
static int refused(bool first)
{
    if (first && errno == EAGAIN)
        return MR_EAGAIN;
    if (first && errno == EHOSTUNREACH)
        return MR_ENOTFOUND;
    return MR_ECLOSED;
}

int mr_zsock_send(struct mr_zsock *zsock, const struct mr_slice *parts, int count)
{
    if (!zsock->socket)
        return MR_ECLOSED;
    zsock->stirred = true;
    for (int i = 0; i < count; i++) {
        int flags = ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0);

        if (send_bytes(zsock->socket, parts[i], flags) < 0)
            return refused(i == 0);
    }
    return 0;
}

int mr_zsock_send_to(struct mr_zsock *zsock, struct mr_slice peer, zmq_msg_t *message)
{
    int r = zsock->socket ? 0 : MR_ECLOSED;

    zsock->stirred = true;
    if (r == 0 && send_bytes(zsock->socket, peer, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
        r = refused(true);
    if (r == 0 && send_part(zsock->socket, message, ZMQ_DONTWAIT) >= 0)
        return 0;
    (void)zmq_msg_close(message);
    return r < 0 ? r : MR_ECLOSED;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct mr_zsock *zsock = handle->data;

    assert(zsock->open_handles > 0);
    if (--zsock->open_handles == 0 && zsock->on_closed)
        zsock->on_closed(zsock);
}

void mr_zsock_close(struct mr_zsock *zsock, void (*on_closed)(struct mr_zsock *zsock))
{
    uv_handle_t *handles[] = {(uv_handle_t *)&zsock->poll, (uv_handle_t *)&zsock->prepare,
            (uv_handle_t *)&zsock->check, (uv_handle_t *)&zsock->idle};

    if (!zsock->socket)
        return;
    zsock->on_closed = on_closed;
    (void)uv_poll_stop(&zsock->poll); /* libuv must forget the fd before ZeroMQ closes it */
    for (size_t i = 0; i < MR_COUNT(handles); i++) {
        handles[i]->data = zsock;
        uv_close(handles[i], on_handle_closed);
    }
    (void)zmq_close(zsock->socket);
    zsock->socket = NULL;
}
