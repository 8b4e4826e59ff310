/*
 * libmicrohttpd asks for more whenever the socket takes it. With nothing to give, its connection is suspended
 * (else it would ask again at once, for ever), and resumed when something is written.
 */
#include "proto/loop/http_stream.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/loop/http_internal.h"

enum {
    BLOCK_BYTES = 16 * 1024,
    KERNEL_BYTES = 64 * 1024 /* what is unread there is bounded too */
};

struct mr_http_stream {
    struct mr_http_exchange *exchange;
    struct mr_buf bytes;
    size_t sent; /* of bytes */
    bool cut;
    void (*closed)(void *ctx);
    void *ctx;
};

size_t mr_http_stream_unsent(const struct mr_http_stream *stream)
{
    return stream->bytes.size - stream->sent;
}

static ssize_t on_wanted(void *cls, uint64_t at, char *ret, size_t size)
{
    struct mr_http_stream *stream = cls;
    size_t left = mr_http_stream_unsent(stream);

    (void)at;
    if (stream->cut || stream->exchange->server->closing)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (left == 0) {
        stream->exchange->suspended = true;
        MHD_suspend_connection(stream->exchange->mhd);
        return 0;
    }
    size = size < left ? size : left;
    memcpy(ret, stream->bytes.data + stream->sent, size);
    stream->sent += size;
    if (stream->sent == stream->bytes.size) {
        mr_buf_reset(&stream->bytes);
        stream->sent = 0;
    }
    return (ssize_t)size;
}

static void go_on(struct mr_http_stream *stream)
{
    struct mr_http_exchange *exchange = stream->exchange;

    if (!exchange->suspended || exchange->server->closing)
        return;
    exchange->suspended = false;
    MHD_resume_connection(exchange->mhd);
    mr_http_server_wake(exchange->server);
}

struct mr_http_stream *mr_http_stream_begin(
        struct mr_http_exchange *exchange, const char *content_type, void (*closed)(void *ctx), void *ctx)
{
    struct mr_http_stream *stream = calloc(1, sizeof *stream);
    struct MHD_Response *response =
            stream ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_wanted, stream, NULL)
                   : NULL;
    const int kernel_bytes = KERNEL_BYTES;

    assert(!exchange->response);
    if (!response) {
        free(stream);
        return NULL;
    }
    (void)setsockopt(exchange->connection->fd, SOL_SOCKET, SO_SNDBUF, &kernel_bytes, sizeof kernel_bytes);
    *stream = (struct mr_http_stream){.exchange = exchange, .closed = closed, .ctx = ctx};
    exchange->stream = stream;
    mr_http_answer_with(exchange, 200, content_type, response);
    return stream;
}

void mr_http_stream_write(struct mr_http_stream *stream, struct mr_slice bytes)
{
    if (stream->cut)
        return;
    if (stream->sent > 0) { /* what is left goes to the front: it is bounded by who writes */
        memmove(stream->bytes.data, stream->bytes.data + stream->sent, mr_http_stream_unsent(stream));
        stream->bytes.size -= stream->sent;
        stream->sent = 0;
    }
    mr_buf_put_slice(&stream->bytes, bytes);
    if (mr_buf_failed(&stream->bytes))
        mr_http_stream_cut(stream);
    else
        go_on(stream);
}

bool mr_http_stream_gone(const struct mr_http_stream *stream)
{
    char byte;
    ssize_t n = recv(stream->exchange->connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void mr_http_stream_cut(struct mr_http_stream *stream)
{
    if (stream->cut)
        return;
    stream->cut = true;
    (void)shutdown(stream->exchange->connection->fd, SHUT_RDWR);
    go_on(stream);
}

void mr_http_stream_closed(struct mr_http_stream *stream)
{
    stream->closed(stream->ctx);
    mr_buf_wipe(&stream->bytes);
    free(stream);
}
