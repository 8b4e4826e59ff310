/*
 * Many at once at the HTTP API of a real hub: exports of one token, connections that say next to nothing, and
 * proxies that bring others. Everybody else is served meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/api_env.h"

#define BATCH "application/cloudevents-batch+json"
#define PROXY "127.0.0.9"
#define CROWD "127.0.0.2"

enum {
    EVENTS = 400,
    EXPORTS = 50,
    DIALLED = 300,
    ANSWERED_MAX = 200, /* 64 may be there at once; some may have been cut for others before all were asked */
    DRIPS = 40,
    TURN_MS = 50,
    WAIT_MS = 60 * 1000,
    TRIES = 40
};

struct env {
    struct api_env api;
    char one[API_TOKEN_BYTES], other[API_TOKEN_BYTES];
};

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    api_env_open(&env->api, "operators: [{name: boss, roles: [admin]}]\n",
            "  http_proxy: {addresses: [" PROXY "]}\n");
    api_env_token(&env->api, "read,publish", "portal", env->one, NULL);
    api_env_token(&env->api, "read", "portal", env->other, NULL);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    api_env_close(&env->api);
    free(env);
    return 0;
}

static void publish_many(struct env *env)
{
    struct mr_buf batch = MR_BUF_INIT;
    char event[API_EVENT_BYTES], id[16];

    for (int i = 0; i < EVENTS; i++) {
        (void)snprintf(id, sizeof id, "p-%d", i);
        mr_buf_printf(&batch, "%s%s", i ? "," : "[", api_programme(event, id));
    }
    mr_buf_put_str(&batch, "]");
    assert_int_equal(api_post(&env->api, "/api/v1/events", env->one, BATCH, mr_buf_str(&batch)), 200);
    mr_buf_fini(&batch);
}

/* ---- questions that take long ---- */

static void exports_of_one_leave_the_others_their_turn(void **state)
{
    static const char *const balance[] = {"balance", NULL};
    struct http_ask asks[EXPORTS] = {{0}};
    struct env *env = *state;
    int fds[EXPORTS], given = 0;
    char wait[16];

    publish_many(env);
    for (int i = 0; i < EXPORTS; i++) {
        asks[i] = (struct http_ask){.port = env->api.port,
                .from = CROWD,
                .path = "/api/v1/events/export?limit=1000",
                .token = env->one};
        fds[i] = http_ask_begin(&asks[i]);
    }
    assert_int_equal(api_get(&env->api, "/api/v1/balance", env->other), 200);
    assert_int_equal(
            api_get(&env->api, "/api/v1/events?limit=1", env->one), 200); /* nor its own short ones */
    json_decref(api_tool(&env->api, balance));
    for (int i = 0; i < EXPORTS; i++) {
        int status = http_ask_end(&asks[i], fds[i]);

        given += status == 200;
        if (status != 200 && status != 429)
            fail_msg("%d", status);
        if (status == 429)
            assert_string_equal(http_ask_header(&asks[i], "Retry-After", wait, sizeof wait), "1");
        http_ask_fini(&asks[i]);
    }
    assert_true(given >= 1);
    assert_int_equal(api_get(&env->api, "/api/v1/events/export?limit=1", env->one), 200);
}

/* ---- connections ---- */

static void assert_others_are_served(struct env *env)
{
    assert_int_equal(api_get(&env->api, "/api/v1/status", env->other), 200);
}

static bool is_answered(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    char byte;

    if (poll(&poll_fd, 1, WAIT_MS) != 1)
        fail_msg("neither answered nor closed");
    return recv(fd, &byte, 1, 0) == 1;
}

static void one_address_does_not_take_all_places(void **state)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n";
    struct env *env = *state;
    int fds[DIALLED], answered = 0;

    for (int i = 0; i < DIALLED; i++) {
        fds[i] = http_ask_dial_from(env->api.port, CROWD);
        (void)send(fds[i], request, sizeof request - 1, MSG_NOSIGNAL); /* it may be closed already */
    }
    assert_others_are_served(env);
    for (int i = 0; i < DIALLED; i++)
        answered += is_answered(fds[i]);
    assert_in_range(answered, 1, ANSWERED_MAX);
    for (int i = 0; i < DIALLED; i++)
        (void)close(fds[i]);
    assert_others_are_served(env);
}

static bool is_cut(int fd)
{
    char bytes[4096];
    ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* A byte at each turn, for ever: header lines without end, and bodies. */
static void who_drips_is_cut_while_others_are_served(void **state)
{
    static const char *const heads[] = {"GET /api/v1/status HTTP/1.1\r\nX-Long: ",
            "POST /api/v1/session HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
            "Content-Length: 60000\r\n\r\n"};
    struct pollfd nothing = {.fd = -1};
    struct env *env = *state;
    int fds[DRIPS], left = DRIPS;

    for (int i = 0; i < DRIPS; i++) {
        fds[i] = http_ask_dial_from(env->api.port, CROWD);
        (void)send(fds[i], heads[i % 2], strlen(heads[i % 2]), MSG_NOSIGNAL);
    }
    for (int turn = 0; left > 0 && turn < WAIT_MS / TURN_MS; turn++) {
        (void)poll(&nothing, 1, TURN_MS);
        if (turn % 10 == 0)
            assert_others_are_served(env);
        for (int i = 0; i < DRIPS; i++) {
            if (fds[i] < 0)
                continue;
            (void)send(fds[i], "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (is_cut(fds[i])) {
                (void)close(fds[i]);
                fds[i] = -1;
                left--;
            }
        }
    }
    assert_int_equal(left, 0);
}

/* ---- proxies ---- */

static int try_password(struct env *env, const char *from, const char *header)
{
    static int tried;
    struct http_ask *ask = &env->api.ask;
    char body[128], headers[192];

    (void)snprintf(body, sizeof body, "{\"name\":\"nobody-%d\",\"password\":\"wrong all along\"}", tried++);
    (void)snprintf(headers, sizeof headers, "Content-Type: application/json\r\n%s", header);
    (void)api_get(&env->api, "/healthz", NULL);
    ask->from = from;
    ask->method = "POST";
    ask->path = "/api/v1/session";
    ask->headers = headers;
    ask->body = mr_slice_str(body);
    (void)http_ask(ask);
    ask->headers = NULL;
    ask->from = NULL;
    ask->body = mr_slice(NULL, 0);
    return ask->status;
}

/* Each with another name: it is the address that is slowed down. */
static void try_until_told_to_wait(struct env *env, const char *from, const char *header)
{
    int status = 0;

    for (int i = 0; i < TRIES && status != 429; i++) {
        status = try_password(env, from, header);
        assert_true(status == 403 || status == 401 || status == 429);
    }
    assert_int_equal(status, 429);
}

static void guessing_is_slow_by_the_address_behind_the_proxy(void **state)
{
    struct env *env = *state;

    try_until_told_to_wait(env, PROXY, "X-Forwarded-For: 192.0.2.1, 203.0.113.7\r\n");
    assert_int_not_equal(try_password(env, PROXY, "X-Forwarded-For: 203.0.113.7, 203.0.113.8\r\n"), 429);
    assert_int_not_equal(try_password(env, PROXY, ""), 429);
}

/* Who is no proxy of ours changes nothing by what it says of itself. */
static void nobody_else_is_believed(void **state)
{
    struct env *env = *state;
    char header[64];
    int status = 0;

    for (int i = 0; i < TRIES && status != 429; i++) {
        (void)snprintf(header, sizeof header, "X-Forwarded-For: 198.51.100.%d\r\n", i);
        status = try_password(env, "127.0.0.3", header);
    }
    assert_int_equal(status, 429);
    assert_int_not_equal(try_password(env, "127.0.0.4", ""), 429);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(exports_of_one_leave_the_others_their_turn),
            cmocka_unit_test(one_address_does_not_take_all_places),
            cmocka_unit_test(who_drips_is_cut_while_others_are_served),
            cmocka_unit_test(guessing_is_slow_by_the_address_behind_the_proxy),
            cmocka_unit_test(nobody_else_is_believed),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
