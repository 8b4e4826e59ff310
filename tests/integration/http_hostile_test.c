/* proto/loop/http_client.h, http_server.h: senders that drip, lie or talk another language. */
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
#include "tests/support/http_env.h"

/* ---- raw senders ---- */

static int dial(struct http_env *f)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
            .sin_port = htons(mr_http_server_port(f->server)),
            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
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
        uv_close((uv_handle_t *)timer, NULL);
        return;
    }
    byte = drip->text[drip->at] ? drip->text[drip->at++] : 'x';
    (void)send(drip->fd, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static uint64_t drip_until_cut(struct http_env *f, const char *at_once, const char *slowly)
{
    struct drip drip = {.fd = dial(f), .text = slowly};

    if (*at_once)
        assert_int_equal(send(drip.fd, at_once, strlen(at_once), 0), strlen(at_once));
    uv_update_time(&f->loop);
    drip.from_ms = uv_now(&f->loop);
    (void)uv_timer_init(&f->loop, &drip.timer);
    drip.timer.data = &drip;
    (void)uv_timer_start(&drip.timer, on_drip, 10, 10);
    while (!drip.cut)
        (void)uv_run(&f->loop, UV_RUN_ONCE);
    (void)uv_run(&f->loop, UV_RUN_NOWAIT);
    (void)close(drip.fd);
    assert_int_equal(f->requests, 0);
    return drip.took_ms;
}

static void test_drip_is_cut_at_the_deadline(void **state)
{
    enum { DEADLINE_MS = 300 };
    struct http_env *f = *state;
    static const char head[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n";
    static const char *const cases[][2] = {
            {"", "GET / HTTP/1.1\r\nX-Long: "},
            {head, ""},
    };

    f->deadline_ms = DEADLINE_MS;
    open_server(f, NULL);
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        uint64_t took_ms = drip_until_cut(f, cases[i][0], cases[i][1]);

        assert_true(took_ms >= DEADLINE_MS - 50); /* and it is cut at all */
    }
}

static void read_all(struct http_env *f, int fd, char *out, size_t size)
{
    size_t used = 0;

    for (;;) {
        ssize_t n = recv(fd, out + used, size - 1 - used, MSG_DONTWAIT);

        if (n == 0 || (n < 0 && errno != EAGAIN))
            break;
        if (n > 0)
            used += (size_t)n;
        (void)uv_run(&f->loop, UV_RUN_NOWAIT);
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
             "3\r\nabc\r\n0\r\n\r\n",
                    "HTTP/1.1 200"},
            {"GET /query HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 200"},
            {"nonsense\r\n\r\n", ""},
            {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello TLS\r\n\r\n", ""},
            {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", ""},
            {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", ""},
            {"GET /%00/query HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", ""},
    };
    struct http_env *f = *state;

    f->deadline_ms = 5000; /* some of these are cut off by it */
    open_server(f, NULL);
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        char answer[4096];
        int fd = dial(f);

        assert_true(send(fd, cases[i].send, strlen(cases[i].send), MSG_NOSIGNAL) > 0);
        read_all(f, fd, answer, sizeof answer);
        (void)close(fd);
        assert_memory_equal(answer, cases[i].want, strlen(cases[i].want));
        if (!*cases[i].want)
            assert_null(strstr(answer, "HTTP/1.1 200"));
    }
    assert_int_equal(ask(f, "GET", "/query", NULL, mr_slice(NULL, 0)).status, 200);
}

/* What a proxy before it could read as another request; each is refused, and nothing more is read from there.
 */
static void test_two_ways_to_read_a_line(void **state)
{
#define RAW(text)                                                                                            \
    {                                                                                                        \
        text, sizeof text - 1                                                                                \
    }
    static const struct {
        const char *send;
        size_t size;
    } cases[] = {
            RAW("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
            RAW("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
            RAW("GET /query HTTP/1.1\r\nHost: x\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n"),
            RAW("GET /query HTTP/1.1\r\nHost: x\r\nX: a\rY: b\r\n\r\n"),
            RAW("GET /query HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\nZ: c\r\n\r\n"),
            RAW("GET /query HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer TOKEN\0x\r\n\r\n"),
            RAW("GET /query HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer TOKEN\0x\r\nZ: c\r\n\r\n"),
            RAW("GET /query\0/../x HTTP/1.1\r\nHost: x\r\n\r\n"),
    };
#undef RAW
    struct http_env *f = *state;

    f->deadline_ms = 20000; /* it is not what closes them */
    open_server(f, NULL);
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        char answer[4096];
        int fd = dial(f);

        assert_int_equal(send(fd, cases[i].send, cases[i].size, MSG_NOSIGNAL), cases[i].size);
        read_all(f, fd, answer, sizeof answer);
        (void)close(fd);
        if (*answer && strncmp(answer, "HTTP/1.1 400", 12) != 0)
            fail_msg("%zu: %s", i, answer);
    }
    assert_int_equal(f->requests, 0);
    assert_int_equal(ask(f, "GET", "/query", NULL, mr_slice(NULL, 0)).status, 200);
}

static void test_headers_have_a_limit(void **state)
{
    struct http_env *f = *state;
    char *text = malloc(200 * 1024);
    char answer[4096];
    int size = snprintf(text, 200 * 1024, "GET /query HTTP/1.1\r\nHost: x\r\nX-Long: ");
    int fd;

    open_server(f, NULL);
    memset(text + size, 'a', (size_t)(200 * 1024 - size));
    fd = dial(f);
    (void)send(fd, text, 200 * 1024, MSG_NOSIGNAL | MSG_DONTWAIT);
    read_all(f, fd, answer, sizeof answer);
    assert_null(strstr(answer, "HTTP/1.1 200"));
    assert_int_equal(f->requests, 0);
    (void)close(fd);
    free(text);
}

/* All places taken, more before the door, and all of them leave at once: who comes next is let in. */
static void test_a_crowd_that_leaves_makes_room(void **state)
{
    enum { PLACES = 8, CROWD = 12 };
    static const char request[] = "GET /query HTTP/1.1\r\nHost: x\r\n\r\n";
    struct http_env *f = *state;
    int fds[CROWD];
    uint64_t until_ms;

    f->connections_max = PLACES;
    open_server(f, NULL);
    for (int i = 0; i < CROWD; i++) {
        fds[i] = dial(f);
        assert_int_equal(send(fds[i], request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
    }
    uv_update_time(&f->loop);
    until_ms = uv_now(&f->loop) + HTTP_ENV_WAIT_MS;
    while (f->requests < PLACES && uv_now(&f->loop) < until_ms)
        (void)uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(f->requests, PLACES);
    for (int i = 0; i < CROWD; i++)
        (void)close(fds[i]);
    assert_int_equal(ask(f, "GET", "/query", NULL, mr_slice(NULL, 0)).status, 200);
}

/* Connections that say nothing take all places: each that is let in cuts the one that has waited longest. */
static void test_who_waits_longest_gives_way(void **state)
{
    enum { PLACES = 16, SILENT = 40, LONG_MS = 120 * 1000, WAIT_MS = 20 * 1000 };
    struct http_env *f = *state;
    int fds[SILENT];
    uint64_t until_ms;
    ssize_t n = -1;
    char byte;

    f->connections_max = PLACES;
    f->deadline_ms = LONG_MS; /* it is not what cuts them */
    open_server(f, NULL);
    for (int i = 0; i < SILENT; i++)
        fds[i] = dial(f);
    assert_int_equal(ask(f, "GET", "/query", NULL, mr_slice(NULL, 0)).status, 200);
    uv_update_time(&f->loop);
    until_ms = uv_now(&f->loop) + WAIT_MS;
    while ((n = recv(fds[0], &byte, 1, MSG_DONTWAIT)) < 0 && errno == EAGAIN && uv_now(&f->loop) < until_ms)
        (void)uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
    for (int i = 0; i < SILENT; i++)
        (void)close(fds[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(
                    test_drip_is_cut_at_the_deadline, http_env_setup, http_env_teardown),
            cmocka_unit_test_setup_teardown(test_raw_requests, http_env_setup, http_env_teardown),
            cmocka_unit_test_setup_teardown(test_two_ways_to_read_a_line, http_env_setup, http_env_teardown),
            cmocka_unit_test_setup_teardown(test_headers_have_a_limit, http_env_setup, http_env_teardown),
            cmocka_unit_test_setup_teardown(
                    test_a_crowd_that_leaves_makes_room, http_env_setup, http_env_teardown),
            cmocka_unit_test_setup_teardown(
                    test_who_waits_longest_gives_way, http_env_setup, http_env_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
