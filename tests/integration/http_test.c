/* proto/loop/http_client.h, http_server.h: a real server and client on one loop. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "proto/base/list.h"
#include "proto/loop/http_listen.h"
#include "tests/support/http_env.h"

static void test_exchange(void **state)
{
    struct http_env *f = *state;
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
    struct http_env *f = *state;
    char *body = calloc(1, 64 * BODY_MAX);

    open_server(f, NULL);
    for (size_t i = 0; i < MR_COUNT(sizes); i++) {
        struct answer a = {.fixture = f};

        f->requests = 0;
        assert_int_equal(mr_http_client_send(f->client, "POST", url(f, "/echo"), NULL,
                                 mr_slice(body, sizes[i]), HTTP_ENV_WAIT_MS, on_reply, &a),
                0);
        while (a.count == 0)
            (void)uv_run(&f->loop, UV_RUN_ONCE);
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
    struct http_env *f = *state;

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
    struct http_env *f = *state;
    struct answer answers[100] = {0};
    int done = 0;

    open_server(f, NULL);
    for (int i = 0; i < 100; i++)
        assert_int_equal(mr_http_client_send(f->client, "GET", url(f, "/hold"), NULL, mr_slice(NULL, 0),
                                 HTTP_ENV_WAIT_MS, on_reply, &answers[i]),
                0);
    while (done < 100) {
        (void)uv_run(&f->loop, UV_RUN_ONCE);
        if (f->held_count == (100 - done < MANY ? 100 - done : MANY)) {
            done += f->held_count;
            while (f->held_count > 0)
                mr_http_answer(f->held[--f->held_count], 200, "text/plain", mr_slice_str("late"));
        }
    }
    for (int i = 0; i < 100; i++) {
        while (answers[i].count == 0)
            (void)uv_run(&f->loop, UV_RUN_ONCE);
        assert_int_equal(answers[i].status, 200);
        assert_string_equal(answers[i].body, "late");
    }
}

/* ---- the client's side ---- */

static void test_client_times_out(void **state)
{
    struct http_env *f = *state;
    struct answer a = {0};

    open_server(f, NULL);
    for (uint32_t ms = 100; f->held_count == 0; ms *= 2) { /* so long that the server has it */
        a = (struct answer){0};
        assert_int_equal(mr_http_client_send(f->client, "GET", url(f, "/hold"), NULL, mr_slice(NULL, 0), ms,
                                 on_reply, &a),
                0);
        wait_reply(f, &a);
        assert_int_equal(a.error, MR_ETIMEOUT);
    }
    assert_int_equal(f->held_count, 1);
    mr_http_answer(f->held[0], 200, NULL, mr_slice(NULL, 0)); /* to a peer that is gone */
    assert_int_equal(ask(f, "GET", "/query", NULL, mr_slice(NULL, 0)).status, 200);
}

static void test_client_refused(void **state)
{
    struct http_env *f = *state;
    struct answer a = {0};
    char text[64];
    uint16_t port;
    int fd;

    assert_int_equal(mr_http_listen("127.0.0.1:0", &fd, &port, NULL), 0);
    (void)close(fd);
    (void)snprintf(text, sizeof text, "http://127.0.0.1:%u/", port);
    assert_int_equal(mr_http_client_send(
                             f->client, "GET", text, NULL, mr_slice(NULL, 0), HTTP_ENV_WAIT_MS, on_reply, &a),
            0);
    wait_reply(f, &a);
    assert_int_equal(a.error, MR_ECLOSED);
    assert_int_equal(mr_http_client_send(f->client, "GET", "file:///etc/passwd", NULL, mr_slice(NULL, 0),
                             HTTP_ENV_WAIT_MS, on_reply, &a),
            MR_EINVAL);
}

static void test_client_limits_the_reply(void **state)
{
    struct http_env *f = *state;
    struct answer a = {0};

    open_server(f, NULL);
    assert_int_equal(mr_http_client_send(f->client, "GET", url(f, "/big"), NULL, mr_slice(NULL, 0),
                             HTTP_ENV_WAIT_MS, on_reply, &a),
            0);
    wait_reply(f, &a);
    assert_int_equal(a.error, MR_ETOOBIG);
}

/* ---- closing at bad moments ---- */

static void test_close_with_pending_exchanges(void **state)
{
    struct http_env *f = *state;
    struct answer a[3] = {0};

    open_server(f, NULL);
    for (int i = 0; i < 3; i++)
        assert_int_equal(mr_http_client_send(f->client, "GET", url(f, "/hold"), NULL, mr_slice(NULL, 0),
                                 HTTP_ENV_WAIT_MS, on_reply, &a[i]),
                0);
    while (f->held_count < 3)
        (void)uv_run(&f->loop, UV_RUN_ONCE);
    mr_http_server_close(f->server, on_closed, f);
    f->server = NULL;
    for (int i = 0; i < 3; i++) {
        wait_reply(f, &a[i]);
        assert_int_equal(a[i].error, MR_ECLOSED);
    }
}

static void test_close_inside_the_handler(void **state)
{
    struct http_env *f = *state;
    struct answer a = {0};

    open_server(f, NULL);
    f->close_in_handler = true;
    assert_int_equal(mr_http_client_send(f->client, "GET", url(f, "/query"), NULL, mr_slice(NULL, 0),
                             HTTP_ENV_WAIT_MS, on_reply, &a),
            0);
    wait_reply(f, &a);
    assert_int_equal(a.error, MR_ECLOSED);
}

static void on_reply_close(void *ctx, const struct mr_http_reply *reply)
{
    struct answer *a = ctx;

    (void)reply;
    a->count++;
    mr_http_client_close(a->fixture->client, on_closed, a->fixture);
    a->fixture->client = NULL;
}

static void test_client_closed_by_a_reply(void **state)
{
    struct http_env *f = *state;
    struct answer a[2] = {{.fixture = f}, {.fixture = f}};

    open_server(f, NULL);
    assert_int_equal(mr_http_client_send(f->client, "GET", url(f, "/query"), NULL, mr_slice(NULL, 0),
                             HTTP_ENV_WAIT_MS, on_reply_close, &a[0]),
            0);
    assert_int_equal(mr_http_client_send(f->client, "GET", url(f, "/hold"), NULL, mr_slice(NULL, 0),
                             HTTP_ENV_WAIT_MS, on_reply_close, &a[1]),
            0);
    wait_reply(f, &a[0]);
    (void)uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(a[1].count, 0);
}

static void test_addresses(void **state)
{
    static const char *const bad[] = {"", "7411", "localhost:1", "127.0.0.1", "127.0.0.1:", "127.0.0.1:9x",
            "127.0.0.1:99999", "[::1]", ":0"};
    struct mr_error error;
    uint16_t port;
    int fd;

    (void)state;
    for (size_t i = 0; i < MR_COUNT(bad); i++)
        assert_int_equal(mr_http_listen(bad[i], &fd, &port, &error), MR_ECONFIG);
    assert_int_equal(mr_http_listen("127.0.0.1:0", &fd, &port, &error), 0);
    assert_true(port > 0);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_exchange, http_env_setup, http_env_teardown),
            cmocka_unit_test_setup_teardown(test_limits_of_the_body, http_env_setup, http_env_teardown),
            cmocka_unit_test_setup_teardown(test_token, http_env_setup, http_env_teardown),
            cmocka_unit_test_setup_teardown(test_hundred_parallel, http_env_setup, http_env_teardown),
            cmocka_unit_test_setup_teardown(test_client_times_out, http_env_setup, http_env_teardown),
            cmocka_unit_test_setup_teardown(test_client_refused, http_env_setup, http_env_teardown),
            cmocka_unit_test_setup_teardown(test_client_limits_the_reply, http_env_setup, http_env_teardown),
            cmocka_unit_test_setup_teardown(
                    test_close_with_pending_exchanges, http_env_setup, http_env_teardown),
            cmocka_unit_test_setup_teardown(test_close_inside_the_handler, http_env_setup, http_env_teardown),
            cmocka_unit_test_setup_teardown(test_client_closed_by_a_reply, http_env_setup, http_env_teardown),
            cmocka_unit_test(test_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
