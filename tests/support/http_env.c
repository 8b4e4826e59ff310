#include "tests/support/http_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/base/list.h"
#include "proto/loop/http_route.h"

static void answer_echo(void *ctx, const struct mr_http_request *request)
{
    struct http_env *f = ctx;

    f->body_size = request->body.size;
    mr_http_answer_header(request->exchange, "X-Place", "next");
    mr_http_answer(request->exchange, 200, "text/plain", request->body);
}

static void answer_query(void *ctx, const struct mr_http_request *request)
{
    const char *cursor = mr_http_query(request, "cursor");

    (void)ctx;
    mr_http_answer(request->exchange, 200, "text/plain", mr_slice_str(cursor ? cursor : "none"));
}

static void hold(void *ctx, const struct mr_http_request *request)
{
    struct http_env *f = ctx;

    assert_true(f->held_count < HELD_MAX);
    f->held[f->held_count++] = request->exchange;
}

static void answer_big(void *ctx, const struct mr_http_request *request)
{
    size_t size = 5 * 1024 * 1024;
    char *body = calloc(1, size);

    (void)ctx;
    mr_http_answer(request->exchange, 200, NULL, mr_slice(body, size));
    free(body);
}

static void answer_redirect(void *ctx, const struct mr_http_request *request)
{
    (void)ctx;
    mr_http_answer_header(request->exchange, "Location", "file:///etc/passwd");
    mr_http_answer(request->exchange, 302, NULL, mr_slice(NULL, 0));
}

static const struct mr_http_route routes[] = {
        {"POST", "/echo", answer_echo},
        {"PUT", "/echo", answer_echo},
        {"GET", "/query", answer_query},
        {"GET", "/hold", hold},
        {"GET", "/big", answer_big},
        {"GET", "/redirect", answer_redirect},
};

void on_closed(void *ctx)
{
    ((struct http_env *)ctx)->open--;
}

static void on_request(void *ctx, const struct mr_http_request *request)
{
    struct http_env *f = ctx;

    f->requests++;
    if (f->close_in_handler) {
        mr_http_server_close(f->server, on_closed, f);
        f->server = NULL;
        return;
    }
    mr_http_dispatch(routes, MR_COUNT(routes), ctx, request);
}

void open_server(struct http_env *f, const char *token)
{
    struct mr_http_server_options options = {.loop = &f->loop,
            .listen = "127.0.0.1:0",
            .body_bytes_max = BODY_MAX,
            .connections_max = f->connections_max,
            .request_deadline_ms = f->deadline_ms ? f->deadline_ms : HTTP_ENV_WAIT_MS,
            .bearer_token = token,
            .on_request = on_request,
            .ctx = f};
    struct mr_error error = {0};

    assert_int_equal(mr_http_server_open(&f->server, &options, &error), 0);
    f->open++;
}

int http_env_setup(void **state)
{
    struct http_env *f = calloc(1, sizeof *f);

    assert_int_equal(uv_loop_init(&f->loop), 0);
    assert_int_equal(mr_http_client_open(&f->client, &f->loop), 0);
    f->open++;
    *state = f;
    return 0;
}

int http_env_teardown(void **state)
{
    struct http_env *f = *state;

    if (f->server)
        mr_http_server_close(f->server, on_closed, f);
    if (f->client)
        mr_http_client_close(f->client, on_closed, f);
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->open, 0);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    free(f);
    return 0;
}

void on_reply(void *ctx, const struct mr_http_reply *reply)
{
    struct answer *a = ctx;
    const char *header = mr_http_reply_header(reply, "x-place");

    a->count++;
    a->error = reply->error;
    a->status = reply->status;
    (void)snprintf(a->body, sizeof a->body, "%.*s", (int)reply->body.size, (const char *)reply->body.data);
    (void)snprintf(a->header, sizeof a->header, "%s", header ? header : "");
}

const char *url(struct http_env *f, const char *path)
{
    static _Thread_local char text[128];

    (void)snprintf(text, sizeof text, "http://127.0.0.1:%u%s", mr_http_server_port(f->server), path);
    return text;
}

struct answer ask(
        struct http_env *f, const char *method, const char *path, const char *header, struct mr_slice body)
{
    const char *headers[] = {header, NULL};
    struct answer a = {.fixture = f};

    assert_int_equal(mr_http_client_send(
                             f->client, method, url(f, path), headers, body, HTTP_ENV_WAIT_MS, on_reply, &a),
            0);
    while (a.count == 0)
        (void)uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(a.error, 0);
    return a;
}

void wait_reply(struct http_env *f, struct answer *a)
{
    while (a->count == 0)
        (void)uv_run(&f->loop, UV_RUN_ONCE);
}
