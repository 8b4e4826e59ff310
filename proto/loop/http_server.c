/*
 * libmicrohttpd in external-epoll mode on a libuv loop. What it needs of us, found by experiment:
 *  - its epoll set is edge-triggered inside: before each wait MHD_get_timeout() goes into a timer, or it
 * hangs;
 *  - its timeout is inactivity, so a request that drips is cut by our own deadline: shutdown() of the socket;
 *  - a suspended connection wakes only by MHD_resume_connection() and a MHD_run() after it;
 *  - at its limit of connections or files it takes the listening socket out of its epoll set, and puts it
 * back only at the start of a run: a run that ended connections is followed by one more.
 */
#include "proto/loop/http_server.h"

#include <assert.h>
#include <microhttpd.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/loop/http_internal.h"
#include "proto/loop/http_listen.h"

enum {
    BODY_BYTES_DEFAULT = 1024 * 1024,
    DISCARD_FACTOR = 8, /* a body so many times too long is read to its end: the sender sees the 413 */
    CONNECTIONS_DEFAULT = 256,
    DEADLINE_MS_DEFAULT = 10000,
    CONNECTION_MEMORY_BYTES = 2 * MR_HTTP_HEAD_BYTES_MAX, /* so that one who sends a longer head is told */
};

/* TLS 1.2 and 1.3, with forward secrecy. */
#define TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA"

/* ---- deadlines ---- */

static void on_deadline(uv_timer_t *timer);

static void plan_deadline(struct mr_http_server *server)
{
    uint64_t now = uv_now(server->options.loop);
    struct connection *first;

    if (mr_list_empty(&server->deadlines) || server->closing) {
        (void)uv_timer_stop(&server->deadline_timer);
        return;
    }
    first = MR_CONTAINER(server->deadlines.next, struct connection, member);
    (void)uv_timer_start(
            &server->deadline_timer, on_deadline, first->deadline_ms > now ? first->deadline_ms - now : 0, 0);
}

static void arm(struct mr_http_server *server, struct connection *connection)
{
    mr_list_remove(&connection->member);
    connection->deadline_ms = uv_now(server->options.loop) + server->options.request_deadline_ms;
    mr_list_push_back(&server->deadlines, &connection->member);
    if (!uv_is_active((uv_handle_t *)&server->deadline_timer))
        plan_deadline(server);
}

static void disarm(struct connection *connection)
{
    mr_list_remove(&connection->member);
}

/* MHD sees the end of the stream at its next run and frees the connection. */
static void on_deadline(uv_timer_t *timer)
{
    struct mr_http_server *server = timer->data;
    uint64_t now = uv_now(server->options.loop);

    mr_list_foreach_safe (it, &server->deadlines) {
        struct connection *connection = MR_CONTAINER(it, struct connection, member);

        if (connection->deadline_ms > now)
            break;
        disarm(connection);
        (void)shutdown(connection->fd, SHUT_RDWR);
    }
    plan_deadline(server);
}

static void on_connection(
        void *cls, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode code)
{
    struct mr_http_server *server = cls;
    struct connection *connection = *context;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;

        connection = calloc(1, sizeof *connection);
        if (!connection) {
            (void)shutdown(fd, SHUT_RDWR);
            return;
        }
        mr_list_init(&connection->member);
        connection->fd = fd;
        mr_http_entered(server, connection,
                MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
        arm(server, connection);
        *context = connection;
        return;
    }
    server->has_room = true;
    if (connection) {
        disarm(connection);
        mr_http_left(server, connection);
        free(connection);
        *context = NULL;
    }
}

/* ---- exchanges ---- */

static void on_completed(
        void *cls, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code)
{
    struct mr_http_server *server = cls;
    struct mr_http_exchange *exchange = *context;

    (void)mhd;
    (void)code;
    if (!exchange)
        return;
    arm(server, exchange->connection);
    if (exchange->stream)
        mr_http_stream_closed(exchange->stream);
    mr_http_exchange_free(exchange);
    *context = NULL;
}

static enum MHD_Result queue_answer(struct mr_http_exchange *exchange)
{
    if (!exchange->stream)
        arm(exchange->server, exchange->connection); /* for a peer that reads slowly */
    return MHD_queue_response(exchange->mhd, exchange->status, exchange->response);
}

static void refuse(struct mr_http_exchange *exchange, unsigned status, int code, const char *where,
        const char *what, const char *cure)
{
    struct mr_buf text = MR_BUF_INIT;

    if (exchange->server->options.refuse) {
        exchange->server->options.refuse(exchange, status, code, where, what, cure);
        return;
    }
    mr_buf_printf(&text, "{\"error\": \"%s\", \"field\": \"%s\", \"problem\": \"%s\", \"cure\": \"%s\"}",
            mr_err_name(code), where, what, cure);
    mr_http_answer(exchange, status, NULL, mr_buf_slice(&text));
    mr_buf_fini(&text);
}

static enum MHD_Result answer_early(struct mr_http_exchange *exchange)
{
    if (exchange->early_status == MHD_HTTP_UNAUTHORIZED) {
        mr_http_answer_header(exchange, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
        refuse(exchange, exchange->early_status, MR_EDENIED, "Authorization", "no valid token",
                "send Authorization: Bearer with the token agreed with the region");
    } else if (exchange->odd) {
        refuse(exchange, exchange->early_status, exchange->odd->code, exchange->odd->where,
                exchange->odd->what, exchange->odd->cure);
    } else {
        refuse(exchange, exchange->early_status, MR_ETOOBIG, "body", "larger than the limit",
                "send fewer items in one request");
    }
    return queue_answer(exchange);
}

static enum MHD_Result begin(
        struct mr_http_server *server, struct MHD_Connection *mhd, const char *version, void **context)
{
    const char *length = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const char *expect = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT);
    unsigned long long bytes = length ? strtoull(length, NULL, 10) : 0;
    struct connection *connection =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    struct mr_http_exchange *exchange = connection ? calloc(1, sizeof *exchange) : NULL;

    if (!exchange)
        return MHD_NO;
    exchange->server = server;
    exchange->mhd = mhd;
    exchange->connection = connection;
    mr_list_init(&exchange->member);
    mr_list_push_back(&server->exchanges, &exchange->member);
    *context = exchange;
    exchange->odd = mr_http_screen(mhd, connection, version);
    if (exchange->odd)
        exchange->early_status = exchange->odd->status;
    else if (server->options.bearer_token &&
             !mr_http_token_given(server->token,
                     MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION)))
        exchange->early_status = MHD_HTTP_UNAUTHORIZED;
    else if (bytes > server->options.body_bytes_max)
        exchange->early_status = MHD_HTTP_CONTENT_TOO_LARGE;
    if (exchange->early_status &&
            (exchange->odd || expect || bytes / DISCARD_FACTOR > server->options.body_bytes_max))
        return answer_early(exchange);
    return MHD_YES;
}

static void take_body(struct mr_http_exchange *exchange, const char *data, size_t size)
{
    if (exchange->early_status)
        return;
    if (size > exchange->server->options.body_bytes_max - exchange->body.size)
        exchange->early_status = MHD_HTTP_CONTENT_TOO_LARGE;
    else
        mr_buf_put(&exchange->body, data, size);
}

static enum MHD_Result finish(struct mr_http_exchange *exchange, const char *url, const char *method)
{
    struct mr_http_server *server = exchange->server;
    struct mr_http_request request = {
            .method = method, .path = url, .body = mr_buf_slice(&exchange->body), .exchange = exchange};

    if (exchange->response)
        return queue_answer(exchange);
    if (exchange->early_status)
        return answer_early(exchange);
    if (mr_buf_failed(&exchange->body))
        return MHD_NO;
    disarm(exchange->connection);
    server->options.on_request(server->options.ctx, &request);
    if (exchange->response)
        return queue_answer(exchange);
    exchange->suspended = true;
    MHD_suspend_connection(exchange->mhd);
    return MHD_YES;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
        const char *version, const char *upload, size_t *upload_size, void **context)
{
    struct mr_http_exchange *exchange = *context;

    if (!exchange)
        return begin(cls, mhd, version, context);
    if (*upload_size > 0) {
        take_body(exchange, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    return finish(exchange, url, method);
}

/* ---- the loop ---- */

static void finish_close(struct mr_http_server *server);

static void run(struct mr_http_server *server)
{
    server->run_soon = false;
    server->has_room = false;
    server->in_run = true;
    (void)MHD_run(server->daemon);
    server->in_run = false;
    if (server->closing)
        finish_close(server);
    else if (server->has_room)
        mr_http_server_wake(server);
}

static void on_run_timer(uv_timer_t *timer)
{
    run(timer->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    run(poll->data);
}

void mr_http_server_wake(struct mr_http_server *server)
{
    if (server->closing)
        return;
    server->run_soon = true;
    (void)uv_timer_start(&server->run_timer, on_run_timer, 0, 0);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct mr_http_server *server = prepare->data;
    MHD_UNSIGNED_LONG_LONG timeout_ms;

    if (server->run_soon)
        return;
    if (MHD_get_timeout(server->daemon, &timeout_ms) == MHD_YES)
        (void)uv_timer_start(&server->run_timer, on_run_timer, timeout_ms, 0);
    else
        (void)uv_timer_stop(&server->run_timer);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct mr_http_server *server = handle->data;
    void (*on_closed)(void *ctx) = server->on_closed;
    void *ctx = server->closed_ctx;

    if (--server->open_handles > 0)
        return;
    sodium_memzero(server->token, sizeof server->token);
    free(server);
    if (on_closed)
        on_closed(ctx);
}

static void close_handle(uv_handle_t *handle)
{
    uv_close(handle, on_handle_closed);
}

/* A daemon that stops with suspended connections aborts the process: wake them first. */
static void finish_close(struct mr_http_server *server)
{
    (void)uv_poll_stop(&server->poll);
    mr_list_foreach (it, &server->exchanges) {
        struct mr_http_exchange *exchange = MR_CONTAINER(it, struct mr_http_exchange, member);

        if (exchange->suspended)
            MHD_resume_connection(exchange->mhd);
    }
    MHD_stop_daemon(server->daemon);
    assert(mr_list_empty(&server->exchanges) && mr_list_empty(&server->deadlines));
    close_handle((uv_handle_t *)&server->poll);
    close_handle((uv_handle_t *)&server->prepare);
    close_handle((uv_handle_t *)&server->run_timer);
    close_handle((uv_handle_t *)&server->deadline_timer);
}

void mr_http_server_close(struct mr_http_server *server, void (*on_closed)(void *ctx), void *ctx)
{
    if (server->closing)
        return;
    server->closing = true;
    server->on_closed = on_closed;
    server->closed_ctx = ctx;
    if (!server->in_run)
        finish_close(server);
}

uint16_t mr_http_server_port(const struct mr_http_server *server)
{
    return server->port;
}

/* ---- opening ---- */

static struct MHD_Daemon *start_daemon(struct mr_http_server *server, int fd)
{
    const struct mr_http_server_options *o = &server->options;
    unsigned idle_s = o->request_deadline_ms / 1000 + 2;
    const struct MHD_OptionItem tls[] = {
            {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)o->tls_certificate},
            {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)o->tls_key},
            {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES}, {MHD_OPTION_END, 0, NULL}};
    const struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};

    return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (o->tls_certificate ? MHD_USE_TLS : 0),
            0, mr_http_may_enter, server, on_access, server, MHD_OPTION_LISTEN_SOCKET, fd,
            MHD_OPTION_CONNECTION_LIMIT, (unsigned)o->connections_max, MHD_OPTION_CONNECTION_TIMEOUT, idle_s,
            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES, MHD_OPTION_STRICT_FOR_CLIENT,
            0, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
            server, MHD_OPTION_URI_LOG_CALLBACK, mr_http_look_at_uri, NULL, MHD_OPTION_ARRAY,
            o->tls_certificate ? tls : plain, MHD_OPTION_END);
}

static int start_loop(struct mr_http_server *server)
{
    uv_loop_t *loop = server->options.loop;
    int epoll_fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;

    if (uv_poll_init(loop, &server->poll, epoll_fd) != 0)
        return MR_ESYSTEM;
    (void)uv_prepare_init(loop, &server->prepare);
    (void)uv_timer_init(loop, &server->run_timer);
    (void)uv_timer_init(loop, &server->deadline_timer);
    server->poll.data = server->prepare.data = server->run_timer.data = server->deadline_timer.data = server;
    server->open_handles = 4;
    (void)uv_poll_start(&server->poll, UV_READABLE, on_poll);
    (void)uv_prepare_start(&server->prepare, on_prepare);
    return 0;
}

static void fill_defaults(struct mr_http_server *server)
{
    struct mr_http_server_options *o = &server->options;

    o->body_bytes_max = o->body_bytes_max ? o->body_bytes_max : BODY_BYTES_DEFAULT;
    o->connections_max = o->connections_max ? o->connections_max : CONNECTIONS_DEFAULT;
    o->request_deadline_ms = o->request_deadline_ms ? o->request_deadline_ms : DEADLINE_MS_DEFAULT;
    if (o->bearer_token)
        mr_http_token_digest(o->bearer_token, server->token);
}

int mr_http_server_open(
        struct mr_http_server **ret, const struct mr_http_server_options *options, struct mr_error *reterr)
{
    struct mr_http_server *server = calloc(1, sizeof *server);
    int fd;
    int r;

    if (!server)
        return MR_ENOMEM;
    server->options = *options;
    mr_list_init(&server->deadlines);
    mr_list_init(&server->connections);
    mr_list_init(&server->exchanges);
    fill_defaults(server);
    r = mr_http_listen(options->listen, &fd, &server->port, reterr);
    if (r < 0) {
        free(server);
        return r;
    }
    server->daemon = start_daemon(server, fd);
    if (!server->daemon) {
        (void)close(fd);
        free(server);
        return mr_error_set(reterr, MR_ESYSTEM, options->listen,
                options->tls_certificate ? "do certificate and key of hub.http_tls belong together?"
                                         : "look at the limits of open files and memory",
                "the HTTP server does not start");
    }
    r = start_loop(server);
    if (r < 0) {
        MHD_stop_daemon(server->daemon);
        free(server);
        return r;
    }
    server->options.listen = NULL; /* the caller's, not needed any more */
    *ret = server;
    return 0;
}
