#include "hub/session/selftest.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/list.h"
#include "proto/loop/curvekey.h"
#include "proto/loop/zsock.h"

enum verdict { WAITING, REFUSED, ADMITTED, TIMED_OUT };

struct selftest {
    struct mr_zsock monitor;
    uv_timer_t timer;
    enum verdict verdict;
    int open;
};

static void on_event(struct mr_zsock *zsock, zmq_msg_t *parts, int count)
{
    struct selftest *test = zsock->data;
    uint16_t event;

    if (count < 1 || zmq_msg_size(&parts[0]) < sizeof event)
        return;
    memcpy(&event, zmq_msg_data(&parts[0]), sizeof event);
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
        test->verdict = REFUSED;
    else if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
        test->verdict = ADMITTED;
}

static void on_timeout(uv_timer_t *timer)
{
    struct selftest *test = timer->data;

    test->verdict = TIMED_OUT;
}

static void on_monitor_closed(struct mr_zsock *zsock)
{
    ((struct selftest *)zsock->data)->open--;
}

static void on_timer_closed(uv_handle_t *handle)
{
    ((struct selftest *)handle->data)->open--;
}

/* A wildcard address can be bound, not connected to. */
static void connectable(const char *endpoint, char *out, size_t out_size)
{
    static const char *const wild[][2] = {
            {"tcp://0.0.0.0:", "tcp://127.0.0.1:"}, {"tcp://[::]:", "tcp://[::1]:"}};

    (void)snprintf(out, out_size, "%s", endpoint);
    for (size_t i = 0; i < MR_COUNT(wild); i++)
        if (strncmp(endpoint, wild[i][0], strlen(wild[i][0])) == 0)
            (void)snprintf(out, out_size, "%s%s", wild[i][1], endpoint + strlen(wild[i][0]));
}

static void *stranger(void *zmq, const char *server_key)
{
    struct mr_curvekey key;
    void *socket = zmq_socket(zmq, ZMQ_DEALER);
    int linger = 0;

    if (!socket || mr_curvekey_generate(&key) < 0 ||
            zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger) != 0 ||
            zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server_key, strlen(server_key)) != 0 ||
            zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, key.public_key, strlen(key.public_key)) != 0 ||
            zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, key.secret_key, strlen(key.secret_key)) != 0 ||
            zmq_socket_monitor(socket, "inproc://marshrut.selftest",
                    ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) != 0) {
        if (socket)
            (void)zmq_close(socket);
        return NULL;
    }
    return socket;
}

static enum verdict run(uv_loop_t *loop, void *zmq, void *client, const char *endpoint, uint32_t timeout_ms)
{
    struct selftest test = {.verdict = WAITING, .open = 2};
    void *pair = zmq_socket(zmq, ZMQ_PAIR);

    if (!pair || zmq_connect(pair, "inproc://marshrut.selftest") != 0 ||
            mr_zsock_open(&test.monitor, loop, pair, 16, on_event, &test) < 0)
        return TIMED_OUT;
    (void)uv_timer_init(loop, &test.timer);
    test.timer.data = &test;
    (void)uv_timer_start(&test.timer, on_timeout, timeout_ms, 0);
    if (zmq_connect(client, endpoint) != 0)
        test.verdict = TIMED_OUT;
    while (test.verdict == WAITING)
        (void)uv_run(loop, UV_RUN_ONCE);
    mr_zsock_close(&test.monitor, on_monitor_closed);
    uv_close((uv_handle_t *)&test.timer, on_timer_closed);
    while (test.open > 0)
        (void)uv_run(loop, UV_RUN_ONCE);
    return test.verdict;
}

int mr_selftest_stranger(uv_loop_t *loop, void *zmq, const char *endpoint, const char *server_key,
        uint32_t timeout_ms, struct mr_error *reterr)
{
    char address[256];
    void *client = stranger(zmq, server_key);
    enum verdict verdict;

    connectable(endpoint, address, sizeof address);
    verdict = client ? run(loop, zmq, client, address, timeout_ms) : TIMED_OUT;
    if (client) {
        (void)zmq_socket_monitor(client, NULL, 0);
        (void)zmq_close(client);
    }
    if (verdict == REFUSED)
        return 0;
    return mr_error_set(reterr, verdict == ADMITTED ? MR_EDENIED : MR_ETIMEOUT, endpoint,
            "report this with the versions of libzmq and marshrut; the hub does not start",
            verdict == ADMITTED ? "self-test: a stranger's key was admitted"
                                : "self-test: no answer to a stranger's key");
}
