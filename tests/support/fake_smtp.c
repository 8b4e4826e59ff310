#include "tests/support/fake_smtp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "proto/base/list.h"

struct peer {
    uv_tcp_t tcp;
    struct fake_smtp *smtp;
    char line[1024];
    size_t size;
    bool in_data;
};

static void on_closed(uv_handle_t *handle)
{
    struct peer *peer = handle->data;

    peer->smtp->open--;
    free(peer);
}

static void say(struct peer *peer, const char *text)
{
    uv_buf_t buf = uv_buf_init((char *)text, (unsigned)strlen(text));

    (void)uv_try_write((uv_stream_t *)&peer->tcp, &buf, 1);
}

static void on_line(struct peer *peer)
{
    struct fake_smtp *smtp = peer->smtp;

    if (peer->in_data) {
        peer->in_data = strcmp(peer->line, ".") != 0;
        smtp->mails += !peer->in_data;
        mr_buf_printf(&smtp->mail, "%s\n", peer->line);
        if (!peer->in_data)
            say(peer, "250 taken\r\n");
        return;
    }
    if (strncmp(peer->line, "MAIL ", 5) == 0 || strncmp(peer->line, "RCPT ", 5) == 0)
        mr_buf_printf(&smtp->mail, "%s\n", peer->line);
    peer->in_data = strcmp(peer->line, "DATA") == 0;
    say(peer, peer->in_data ? "354 go on\r\n" : "250 ok\r\n");
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    static _Thread_local char bytes[4096];

    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(bytes, sizeof bytes);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct peer *peer = stream->data;

    if (size < 0 && !uv_is_closing((uv_handle_t *)stream))
        uv_close((uv_handle_t *)stream, on_closed);
    for (ssize_t i = 0; i < size && !peer->smtp->silent; i++) {
        if (buf->base[i] != '\n') {
            assert_true(peer->size < sizeof peer->line - 1);
            peer->line[peer->size++] = buf->base[i];
            continue;
        }
        assert_true(peer->size > 0 && peer->line[peer->size - 1] == '\r');
        peer->line[peer->size - 1] = 0;
        peer->size = 0;
        on_line(peer);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct fake_smtp *smtp = listener->data;
    struct peer *peer = calloc(1, sizeof *peer);

    assert_int_equal(status, 0);
    peer->smtp = smtp;
    smtp->connections++;
    smtp->open++;
    assert_int_equal(uv_tcp_init(smtp->loop, &peer->tcp), 0);
    peer->tcp.data = peer;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&peer->tcp), 0);
    assert_int_equal(uv_read_start((uv_stream_t *)&peer->tcp, on_alloc, on_read), 0);
    if (!smtp->silent)
        say(peer, "220 mail.test\r\n");
}

void fake_smtp_open(struct fake_smtp *smtp, uv_loop_t *loop, bool silent)
{
    struct sockaddr_in address;
    int size = sizeof address;

    *smtp = (struct fake_smtp){.loop = loop, .silent = silent, .open = 1};
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &address), 0);
    assert_int_equal(uv_tcp_init(loop, &smtp->listener), 0);
    smtp->listener.data = smtp;
    assert_int_equal(uv_tcp_bind(&smtp->listener, (const struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_tcp_getsockname(&smtp->listener, (struct sockaddr *)&address, &size), 0);
    smtp->port = ntohs(address.sin_port);
    assert_int_equal(uv_listen((uv_stream_t *)&smtp->listener, 16, on_connection), 0);
}

static void on_listener_closed(uv_handle_t *handle)
{
    ((struct fake_smtp *)handle->data)->open--;
}

static void close_peer(uv_handle_t *handle, void *ctx)
{
    struct fake_smtp *smtp = ctx;

    if (handle->type == UV_TCP && handle != (uv_handle_t *)&smtp->listener && !uv_is_closing(handle) &&
            ((struct peer *)handle->data)->smtp == smtp)
        uv_close(handle, on_closed);
}

void fake_smtp_close(struct fake_smtp *smtp)
{
    uv_close((uv_handle_t *)&smtp->listener, on_listener_closed);
    uv_walk(smtp->loop, close_peer, smtp);
    while (smtp->open > 0)
        (void)uv_run(smtp->loop, UV_RUN_ONCE);
    mr_buf_fini(&smtp->mail);
}
