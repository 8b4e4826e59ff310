/* adapters/sdk/http.h: a real server and client on one loop, and raw sockets for senders that misbehave. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "adapters/sdk/http.h"
#include "adapters/sdk/http_listen.h"
#include "adapters/sdk/http_route.h"
#include "proto/base/list.h"

enum { DEADLINE_MS = 300, BODY_MAX = 64 * 1024, HELD_MAX = 128 };

struct fixture {
    uv_loop_t loop;
    struct mr_http_server *server;
    struct mr_http_client *client;
    struct mr_http_exchange *held[HELD_MAX]; /* not answered yet */
    int held_count;
    int requests;
    size_t body_size;
    bool close_in_handler;
    int open;
};

struct answer {
    struct fixture *fixture;
    int count;
    int error;
    unsigned status;
    char body[256];
    char header[64];
};

static void answer_echo(void *ctx, const struct mr_http_request *request)
{
    struct fixture *f = ctx;

    f->body_size = request->body.size;
    mr_http_answer_header(request->exchange, "X-Place", "next");
    mr_http_answer(request->exchange, 200, "text/plain", request->body);
}

static void answer_query(void *ctx, const struct mr_http_request *request)
{
    const char *cursor = mr_http_query(request, "cursor");

    (void) ctx;
    mr_http_answer(request->exchange, 200, "text/plain", mr_slice_str(cursor ? cursor : "none"));
}

static void hold(void *ctx, const struct mr_http_request *request)
{
    struct fixture *f = ctx;

    assert_true(f->held_count < HELD_MAX);
    f->held[f->held_count++] = request->exchange;
}

static void answer_big(void *ctx, const struct mr_http_request *request)
{
    size_t size = 5 * 1024 * 1024;
    char *body = calloc(1, size);

    (void) ctx;
    mr_http_answer(request->exchange, 200, NULL, mr_slice(body, size));
    free(body);
}

static void answer_redirect(void *ctx, const struct mr_http_request *request)
{
    (void) ctx;
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

static void on_closed(void *ctx)
{
    ((struct fixture *) ctx)->open--;
}

static void on_request(void *ctx, const struct mr_http_request *request)
{
    struct fixture *f = ctx;

    f->requests++;
    if (f->close_in_handler) {
        mr_http_server_close(f->server, on_closed, f);
        f->server = NULL;
        return;
    }
    mr_http_dispatch(routes, MR_COUNT(routes), ctx, request);
}

static void open_server(struct fixture *f, const char *token)
{
    struct mr_http_server_options options = {.loop = &f->loop, .listen = "127.0.0.1:0", .body_bytes_max = BODY_MAX,
            .request_deadline_ms = DEADLINE_MS, .bearer_token = token, .on_request = on_request, .ctx = f};
    struct mr_error error = {0};

    assert_int_equal(mr_http_server_open(&f->server, &options, &error), 0);
    f->open++;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_int_equal(uv_loop_init(&f->loop), 0);
    assert_int_equal(mr_http_client_open(&f->client, &f->loop), 0);
    f->open++;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    if (f->server)
        mr_http_server_close(f->server, on_closed, f);
    if (f->client)
        mr_http_client_close(f->client, on_closed, f);
    (void) uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->open, 0);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    free(f);
    return 0;
}

static void on_reply(void *ctx, const struct mr_http_reply *reply)
{
    struct answer *a = ctx;
    const char *header = mr_http_reply_header(reply, "x-place");

    a->count++;
    a->error = reply->error;
    a->status = reply->status;
    (void) snprintf(a->body, sizeof a->body, "%.*s", (int) reply->body.size, (const char *) reply->body.data);
    (void) snprintf(a->header, sizeof a->header, "%s", header ? header : "");
}

static const char *url(struct fixture *f, const char *path)
{
    static _Thread_local char text[128];

    (void) snprintf(text, sizeof text, "http://127.0.0.1:%u%s", mr_http_server_port(f->server), path);
    return text;
}

static struct answer ask(struct fixture *f, const char *method, const char *path, const char *header,
        struct mr_slice body)
{
    const char *headers[] = {header, NULL};
    struct answer a = {.fixture = f};

    assert_int_equal(mr_http_client_send(f->client, method, url(f, path), headers, body, 5000, on_reply, &a), 0);
    while (a.count == 0)
        (void) uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(a.error, 0);
    return a;
}

static void test_exchange(void **state)
{
    struct fixture *f = *state;
    struct answer a;

    open_server(f, NULL);
    a = ask(f, "POST", "/echo", NULL, mr_slice_str("hello"));
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "hello");
    assert_string_equal(a.header, "next");
    a = ask(f, "GET", "/query?cursor=a%26b", NULL, mr_slice(NULL, 0));
    assert_string_equal(a.body, "a&b");
    a = ask(f, "GET", "/nothing", NULL, mr_slice(NULL, 0));
    assert_int_equal(a.status, 404);
    a = ask(f, "DELETE", "/echo", NULL, mr_slice(NULL, 0));
    assert_int_equal(a.status, 405);
    assert_non_null(strstr(a.body, "method-not-allowed"));
    a = ask(f, "GET", "/redirect", NULL, mr_slice(NULL, 0));
    assert_int_equal(a.status, 302);
}

static void test_limits_of_the_body(void **state)
{
    static const size_t sizes[] = {BODY_MAX - 1, BODY_MAX, BODY_MAX + 1, 3 * BODY_MAX, 64 * BODY_MAX};
    struct fixture *f = *state;
    char *body = calloc(1, 64 * BODY_MAX);

    open_server(f, NULL);
    for (size_t i = 0; i < MR_COUNT(sizes); i++) {
        struct answer a = {.fixture = f};

        f->requests = 0;
        assert_int_equal(mr_http_client_send(f->client, "POST", url(f, "/echo"), NULL, mr_slice(body, sizes[i]), 5000,
                                 on_reply, &a), 0);
        while (a.count == 0)
            (void) uv_run(&f->loop, UV_RUN_ONCE);
        if (sizes[i] <= BODY_MAX) {
            assert_int_equal(a.status, 200);
            assert_int_equal(f->body_size, sizes[i]);
        } else {
            assert_true(a.status == 413 || (i == 4 && a.error == MR_ECLOSED));
            assert_int_equal(f->requests, 0);
        }
    }
    free(body);
}

static void test_token(void **state)
{
    struct fixture *f = *state;

    open_server(f, "s3cret");
    assert_int_equal(ask(f, "GET", "/query", NULL, mr_slice(NULL, 0)).status, 401);
    assert_int_equal(ask(f, "POST", "/echo", NULL, mr_slice_str("x")).status, 401);
    assert_int_equal(ask(f, "GET", "/query", "Authorization: Bearer s3cre", mr_slice(NULL, 0)).status, 401);
    assert_int_equal(ask(f, "GET", "/query", "Authorization: Basic s3cret", mr_slice(NULL, 0)).status, 401);
    assert_int_equal(f->requests, 0);
    assert_int_equal(ask(f, "GET", "/query", "Authorization: Bearer s3cret", mr_slice(NULL, 0)).status, 200);
}

/* Answers that come later than the handler, in another order, for many at once. */
static void test_hundred_parallel(void **state)
{
    enum { MANY = 16 };
    struct fixture *f = *state;
    struct answer answers[100] = {0};
    int done = 0;

    open_server(f, NULL);
    for (int i = 0; i < 100; i++)
        assert_int_equal(mr_http_client_send(f->client, "GET", url(f, "/hold"), NULL, mr_slice(NULL, 0), 20000,
                                 on_reply, &answers[i]), 0);
    while (done < 100) {
        (void) uv_run(&f->loop, UV_RUN_ONCE);
        if (f->held_count == (100 - done < MANY ? 100 - done : MANY)) {
            done += f->held_count;
            while (f->held_count > 0)
                mr_http_answer(f->held[--f->held_count], 200, "text/plain", mr_slice_str("late"));
        }
    }
    for (int i = 0; i < 100; i++) {
        while (answers[i].count == 0)
            (void) uv_run(&f->loop, UV_RUN_ONCE);
        assert_int_equal(answers[i].status, 200);
        assert_string_equal(answers[i].body, "late");
    }
}

/* ---- raw senders ---- */

static int dial(struct fixture *f)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(mr_http_server_port(f->server)),
            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *) &to, sizeof to), 0);
    return fd;
}

struct drip {
    uv_timer_t timer;
    int fd;
    bool cut;
    uint64_t from_ms;
    uint64_t took_ms;
    const char *text;
    size_t at;
};

static void on_drip(uv_timer_t *timer)
{
    struct drip *drip = timer->data;
    char byte;
    ssize_t n = recv(drip->fd, &byte, 1, MSG_DONTWAIT);

    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        drip->cut = true;
        drip->took_ms = uv_now(timer->loop) - drip->from_ms;
        uv_close((uv_handle_t *) timer, NULL);
        return;
    }
    byte = drip->text[drip->at] ? drip->text[drip->at++] : 'x';
    (void) send(drip->fd, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static uint64_t drip_until_cut(struct fixture *f, const char *at_once, const char *slowly)
{
    struct drip drip = {.fd = dial(f), .text = slowly};

    if (*at_once)
        assert_int_equal(send(drip.fd, at_once, strlen(at_once), 0), strlen(at_once));
    uv_update_time(&f->loop);
    drip.from_ms = uv_now(&f->loop);
    (void) uv_timer_init(&f->loop, &drip.timer);
    drip.timer.data = &drip;
    (void) uv_timer_start(&drip.timer, on_drip, 10, 10);
    while (!drip.cut)
        (void) uv_run(&f->loop, UV_RUN_ONCE);
    (void) uv_run(&f->loop, UV_RUN_NOWAIT);
    (void) close(drip.fd);
    assert_int_equal(f->requests, 0);
    return drip.took_ms;
}

static void test_drip_is_cut_at_the_deadline(void **state)
{
    struct fixture *f = *state;
    static const char head[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n";
    static const char *const cases[][2] = {
            {"", "GET / HTTP/1.1\r\nX-Long: "},
            {head, ""},
    };

    open_server(f, NULL);
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        uint64_t took_ms = drip_until_cut(f, cases[i][0], cases[i][1]);

        assert_in_range(took_ms, DEADLINE_MS - 50, DEADLINE_MS * 10);
    }
}

static void read_all(struct fixture *f, int fd, char *out, size_t size)
{
    size_t used = 0;

    for (;;) {
        ssize_t n = recv(fd, out + used, size - 1 - used, MSG_DONTWAIT);

        if (n == 0 || (n < 0 && errno != EAGAIN))
            break;
        if (n > 0)
            used += (size_t) n;
        (void) uv_run(&f->loop, UV_RUN_NOWAIT);
    }
    out[used] = '\0';
}

static void test_raw_requests(void **state)
{
    static const struct {
        const char *send;
        const char *want; /* start of the status line; "" = closed without an answer is fine too */
    } cases[] = {
            {"POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
             "3\r\nabc\r\n0\r\n\r\n", "HTTP/1.1 200"},
            {"GET /query HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 200"},
            {"nonsense\r\n\r\n", ""},
            {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello TLS\r\n\r\n", ""},
            {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", ""},
            {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", ""},
            {"GET /%00/query HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", ""},
    };
    struct fixture *f = *state;

    open_server(f, NULL);
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        char answer[4096];
        int fd = dial(f);

        assert_true(send(fd, cases[i].send, strlen(cases[i].send), MSG_NOSIGNAL) > 0);
        read_all(f, fd, answer, sizeof answer);
        (void) close(fd);
        assert_memory_equal(answer, cases[i].want, strlen(cases[i].want));
        if (!*cases[i].want)
            assert_null(strstr(answer, "HTTP/1.1 200"));
    }
    assert_int_equal(ask(f, "GET", "/query", NULL, mr_slice(NULL, 0)).status, 200);
}

static void test_headers_have_a_limit(void **state)
{
    struct fixture *f = *state;
    char *text = malloc(200 * 1024);
    char answer[4096];
    int size = snprintf(text, 200 * 1024, "GET /query HTTP/1.1\r\nHost: x\r\nX-Long: ");
    int fd;

    open_server(f, NULL);
    memset(text + size, 'a', (size_t) (200 * 1024 - size));
    fd = dial(f);
    (void) send(fd, text, 200 * 1024, MSG_NOSIGNAL | MSG_DONTWAIT);
    read_all(f, fd, answer, sizeof answer);
    assert_null(strstr(answer, "HTTP/1.1 200"));
    assert_int_equal(f->requests, 0);
    (void) close(fd);
    free(text);
}

/* ---- the client's side ---- */

static void wait_reply(struct fixture *f, struct answer *a)
{
    while (a->count == 0)
        (void) uv_run(&f->loop, UV_RUN_ONCE);
}

static void test_client_times_out(void **state)
{
    struct fixture *f = *state;
    struct answer a = {0};

    open_server(f, NULL);
    assert_int_equal(mr_http_client_send(f->client, "GET", url(f, "/hold"), NULL, mr_slice(NULL, 0), 100, on_reply,
                             &a), 0);
    wait_reply(f, &a);
    assert_int_equal(a.error, MR_ETIMEOUT);
    assert_int_equal(f->held_count, 1);
    mr_http_answer(f->held[0], 200, NULL, mr_slice(NULL, 0)); /* to a peer that is gone */
    assert_int_equal(ask(f, "GET", "/query", NULL, mr_slice(NULL, 0)).status, 200);
}

static void test_client_refused(void **state)
{
    struct fixture *f = *state;
    struct answer a = {0};
    char text[64];
    uint16_t port;
    int fd;

    assert_int_equal(mr_http_listen("127.0.0.1:0", &fd, &port, NULL), 0);
    (void) close(fd);
    (void) snprintf(text, sizeof text, "http://127.0.0.1:%u/", port);
    assert_int_equal(mr_http_client_send(f->client, "GET", text, NULL, mr_slice(NULL, 0), 1000, on_reply, &a), 0);
    wait_reply(f, &a);
    assert_int_equal(a.error, MR_ECLOSED);
    assert_int_equal(mr_http_client_send(f->client, "GET", "file:///etc/passwd", NULL, mr_slice(NULL, 0), 1000,
                             on_reply, &a), MR_EINVAL);
}

static void test_client_limits_the_reply(void **state)
{
    struct fixture *f = *state;
    struct answer a = {0};

    open_server(f, NULL);
    assert_int_equal(mr_http_client_send(f->client, "GET", url(f, "/big"), NULL, mr_slice(NULL, 0), 5000, on_reply,
                             &a), 0);
    wait_reply(f, &a);
    assert_int_equal(a.error, MR_ETOOBIG);
}

/* ---- closing at bad moments ---- */

static void test_close_with_pending_exchanges(void **state)
{
    struct fixture *f = *state;
    struct answer a[3] = {0};

    open_server(f, NULL);
    for (int i = 0; i < 3; i++)
        assert_int_equal(mr_http_client_send(f->client, "GET", url(f, "/hold"), NULL, mr_slice(NULL, 0), 5000,
                                 on_reply, &a[i]), 0);
    while (f->held_count < 3)
        (void) uv_run(&f->loop, UV_RUN_ONCE);
    mr_http_server_close(f->server, on_closed, f);
    f->server = NULL;
    for (int i = 0; i < 3; i++) {
        wait_reply(f, &a[i]);
        assert_int_equal(a[i].error, MR_ECLOSED);
    }
}

static void test_close_inside_the_handler(void **state)
{
    struct fixture *f = *state;
    struct answer a = {0};

    open_server(f, NULL);
    f->close_in_handler = true;
    assert_int_equal(mr_http_client_send(f->client, "GET", url(f, "/query"), NULL, mr_slice(NULL, 0), 5000, on_reply,
                             &a), 0);
    wait_reply(f, &a);
    assert_int_equal(a.error, MR_ECLOSED);
}

static void on_reply_close(void *ctx, const struct mr_http_reply *reply)
{
    struct answer *a = ctx;

    (void) reply;
    a->count++;
    mr_http_client_close(a->fixture->client, on_closed, a->fixture);
    a->fixture->client = NULL;
}

static void test_client_closed_by_a_reply(void **state)
{
    struct fixture *f = *state;
    struct answer a[2] = {{.fixture = f}, {.fixture = f}};

    open_server(f, NULL);
    assert_int_equal(mr_http_client_send(f->client, "GET", url(f, "/query"), NULL, mr_slice(NULL, 0), 5000,
                             on_reply_close, &a[0]), 0);
    assert_int_equal(mr_http_client_send(f->client, "GET", url(f, "/hold"), NULL, mr_slice(NULL, 0), 5000,
                             on_reply_close, &a[1]), 0);
    wait_reply(f, &a[0]);
    (void) uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(a[1].count, 0);
}

static void test_addresses(void **state)
{
    static const char *const bad[] = {"", "7411", "localhost:1", "127.0.0.1", "127.0.0.1:", "127.0.0.1:9x", "127.0.0.1:99999",
            "[::1]", ":0"};
    struct mr_error error;
    uint16_t port;
    int fd;

    (void) state;
    for (size_t i = 0; i < MR_COUNT(bad); i++)
        assert_int_equal(mr_http_listen(bad[i], &fd, &port, &error), MR_ECONFIG);
    assert_int_equal(mr_http_listen("127.0.0.1:0", &fd, &port, &error), 0);
    assert_true(port > 0);
    (void) close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_exchange, setup, teardown),
            cmocka_unit_test_setup_teardown(test_limits_of_the_body, setup, teardown),
            cmocka_unit_test_setup_teardown(test_token, setup, teardown),
            cmocka_unit_test_setup_teardown(test_hundred_parallel, setup, teardown),
            cmocka_unit_test_setup_teardown(test_drip_is_cut_at_the_deadline, setup, teardown),
            cmocka_unit_test_setup_teardown(test_raw_requests, setup, teardown),
            cmocka_unit_test_setup_teardown(test_headers_have_a_limit, setup, teardown),
            cmocka_unit_test_setup_teardown(test_client_times_out, setup, teardown),
            cmocka_unit_test_setup_teardown(test_client_refused, setup, teardown),
            cmocka_unit_test_setup_teardown(test_client_limits_the_reply, setup, teardown),
            cmocka_unit_test_setup_teardown(test_close_with_pending_exchanges, setup, teardown),
            cmocka_unit_test_setup_teardown(test_close_inside_the_handler, setup, teardown),
            cmocka_unit_test_setup_teardown(test_client_closed_by_a_reply, setup, teardown),
            cmocka_unit_test(test_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
