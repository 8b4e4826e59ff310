#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/peers/peer.h"

enum { READ_BYTES = 256 * 1024 };

static void reserve(struct bytes *bytes, size_t more)
{
    if (bytes->size + more <= bytes->capacity)
        return;
    bytes->capacity = 2 * (bytes->size + more);
    bytes->data = realloc(bytes->data, bytes->capacity);
    if (!bytes->data)
        peer_die("memory", "none left");
}

void conn_open(struct conn *conn, int port)
{
    struct sockaddr_in address = {
            .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int one = 1;

    *conn = (struct conn){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (conn->fd < 0 || connect(conn->fd, (struct sockaddr *)&address, sizeof address) != 0)
        peer_die("cannot connect", strerror(errno));
    (void)setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    reserve(&conn->in, READ_BYTES); /* nothing read yet is no null pointer */
}

void conn_put(struct conn *conn, const void *data, size_t size)
{
    reserve(&conn->out, size);
    memcpy(conn->out.data + conn->out.size, data, size);
    conn->out.size += size;
}

void conn_printf(struct conn *conn, const char *format, ...)
{
    char text[2048];
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (size < 0 || size >= (int)sizeof text)
        peer_die("a command", "too long");
    conn_put(conn, text, (size_t)size);
}

static void read_some(struct conn *conn)
{
    ssize_t n;

    if (conn->in.at == conn->in.size)
        conn->in.at = conn->in.size = 0;
    if (conn->in.at > READ_BYTES) {
        memmove(conn->in.data, conn_at(conn), conn_left(conn));
        conn->in.size = conn_left(conn);
        conn->in.at = 0;
    }
    reserve(&conn->in, READ_BYTES);
    n = recv(conn->fd, conn->in.data + conn->in.size, READ_BYTES, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        peer_die("the broker closed the connection", n == 0 ? "end of data" : strerror(errno));
    if (n > 0)
        conn->in.size += (size_t)n;
}

/* Reads meanwhile, so that two who both write do not wait for each other. */
void conn_flush(struct conn *conn)
{
    while (conn->out.at < conn->out.size) {
        ssize_t n = send(conn->fd, conn->out.data + conn->out.at, conn->out.size - conn->out.at,
                MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n >= 0) {
            conn->out.at += (size_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd fd = {.fd = conn->fd, .events = POLLIN | POLLOUT};

            (void)poll(&fd, 1, 1000);
            if (fd.revents & POLLIN) {
                read_some(conn);
                conn->early = true;
            }
        } else if (errno != EINTR) {
            peer_die("cannot write to the broker", strerror(errno));
        }
    }
    conn->out.at = conn->out.size = 0;
}

bool conn_read(struct conn *conn, int timeout_ms)
{
    struct pollfd fd = {.fd = conn->fd, .events = POLLIN};
    bool early = conn->early;

    conn->early = false;
    if (poll(&fd, 1, early ? 0 : timeout_ms) <= 0)
        return early;
    read_some(conn);
    return true;
}
