#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/time.h>

#include "proto/base/clock.h"
#include "proto/base/list.h"
#include "proto/loop/zsock.h"

enum {
    MESSAGES = 20000,
    BURST_MAX = 7,
    BUDGET = 3,
    PATIENCE_MS = 120 * 1000,
    SIGNAL_US = 500,
    SIGNAL_OFTEN_US = 30
};
enum {
    UNASKED_MAX = 300,
    LONG_US = 2000
}; /* a send after so long takes in what has happened to the socket */

/* A thread speaks to a socket of the loop, in bursts, and waits for the answers to each burst: a message that
 * the loop does not notice ends it. */
struct scene {
    void *zmq;
    void *far; /* the thread's */
    pthread_t thread;
    _Atomic uint32_t sent;
    uint32_t answered;
    uv_loop_t loop;
    uv_timer_t over;
    uv_async_t done;
    uv_prepare_t before; /* said before the socket looks */
    struct mr_zsock zsock;
    uint32_t seen, wrong;
    uint32_t unasked; /* sent by the loop by itself */
    int parts;        /* that a message has before its number */
    bool talks;       /* it sends between the turns */
    bool late;
};

static void on_signal(int number)
{
    (void)number;
}

static void *speak(void *arg)
{
    struct scene *scene = arg;
    uint32_t burst = 0;
    sigset_t set;

    (void)sigfillset(&set);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL); /* the loop's thread gets them */
    while (scene->sent < MESSAGES && scene->answered == scene->sent) {
        burst = burst % BURST_MAX + 1;
        for (uint32_t i = 0; i < burst; i++) {
            uint32_t number = scene->sent;

            for (int part = 0; part < scene->parts; part++)
                (void)zmq_send(scene->far, "", 0, ZMQ_SNDMORE);
            if (zmq_send(scene->far, &number, sizeof number, 0) == sizeof number)
                scene->sent++;
        }
        while (scene->answered < scene->sent) {
            uint32_t number;
            int r = zmq_recv(scene->far, &number, sizeof number, 0);

            if (r == sizeof number && number == scene->answered)
                scene->answered++;
            else if (r > 0 || (r < 0 && zmq_errno() == EAGAIN))
                break;
        }
    }
    (void)uv_async_send(&scene->done);
    return NULL;
}

static void on_message(struct mr_zsock *zsock, zmq_msg_t *parts, int count)
{
    struct scene *scene = zsock->data;
    struct mr_slice part = mr_slice(zmq_msg_data(&parts[count - 1]), zmq_msg_size(&parts[count - 1]));

    /* Not by assertions: the thread is still speaking. */
    scene->seen++;
    scene->wrong += count != scene->parts + 1 || mr_zsock_send(zsock, &part, 1) != 0;
}

/* There is a message, perhaps not noticed yet; then a send takes in what has happened to the socket, and with
 * it the signal that it had. */
static void on_before(uv_prepare_t *prepare)
{
    struct scene *scene = prepare->data;
    const struct mr_clock *clock = mr_clock_system();
    int64_t until_us = mr_clock_monotonic_us(clock) + LONG_US;

    if (!scene->talks || scene->unasked == UNASKED_MAX || scene->sent == scene->seen)
        return;
    while (mr_clock_monotonic_us(clock) < until_us) {
    }
    if (mr_zsock_send(&scene->zsock, &(struct mr_slice){(const uint8_t *)"", 0}, 1) == 0)
        scene->unasked++;
}

static void on_done(uv_async_t *done)
{
    uv_stop(done->loop);
}

static void on_over(uv_timer_t *timer)
{
    ((struct scene *)timer->data)->late = true;
    uv_stop(timer->loop);
}

static void *open_pair(struct scene *scene)
{
    const int patience_ms = PATIENCE_MS;
    void *near = zmq_socket(scene->zmq, ZMQ_PAIR);

    scene->far = zmq_socket(scene->zmq, ZMQ_PAIR);
    assert_int_equal(zmq_setsockopt(scene->far, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms), 0);
    assert_int_equal(zmq_setsockopt(scene->far, ZMQ_SNDTIMEO, &patience_ms, sizeof patience_ms), 0);
    assert_int_equal(zmq_bind(near, "inproc://zsock-test"), 0);
    assert_int_equal(zmq_connect(scene->far, "inproc://zsock-test"), 0);
    return near;
}

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);

    scene->zmq = zmq_ctx_new();
    assert_int_equal(uv_loop_init(&scene->loop), 0);
    (void)uv_timer_init(&scene->loop, &scene->over);
    (void)uv_async_init(&scene->loop, &scene->done, on_done);
    (void)uv_prepare_init(&scene->loop, &scene->before);
    scene->over.data = scene->before.data = scene;
    assert_int_equal(
            mr_zsock_open(&scene->zsock, &scene->loop, open_pair(scene), BUDGET, on_message, scene), 0);
    (void)uv_prepare_start(&scene->before, on_before);
    (void)uv_timer_start(&scene->over, on_over, PATIENCE_MS, 0);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    uv_handle_t *const handles[] = {
            (uv_handle_t *)&scene->over, (uv_handle_t *)&scene->done, (uv_handle_t *)&scene->before};

    mr_zsock_close(&scene->zsock, NULL);
    for (size_t i = 0; i < MR_COUNT(handles); i++)
        uv_close(handles[i], NULL);
    (void)uv_run(&scene->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&scene->loop), 0);
    (void)zmq_close(scene->far);
    (void)zmq_ctx_term(scene->zmq);
    free(scene);
    return 0;
}

static void run(struct scene *scene)
{
    assert_int_equal(pthread_create(&scene->thread, NULL, speak, scene), 0);
    (void)uv_run(&scene->loop, UV_RUN_DEFAULT);
    assert_int_equal(pthread_join(scene->thread, NULL), 0);
    assert_false(scene->late);
    assert_int_equal(scene->wrong, 0);
    assert_int_equal(scene->answered, scene->seen);
    assert_true(scene->seen >= MESSAGES);
}

static void test_every_message_is_noticed(void **state)
{
    run(*state);
}

static void test_though_it_sends_meanwhile(void **state)
{
    struct scene *scene = *state;

    scene->talks = true;
    run(scene);
    assert_true(scene->unasked > 0);
}

/* A poll() that is broken off by a signal says nothing of the socket. */
static void run_with_signals(struct scene *scene, int every_us)
{
    const struct itimerval often = {{0, every_us}, {0, every_us}}, never = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = on_signal}, before;

    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    run(scene);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
}

static void test_though_signals_come(void **state)
{
    run_with_signals(*state, SIGNAL_US);
}

/* ... and one that comes between two parts does not end the message. */
static void test_a_message_stays_whole(void **state)
{
    struct scene *scene = *state;

    scene->parts = MR_ZSOCK_PARTS_MAX - 1;
    run_with_signals(scene, SIGNAL_OFTEN_US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_every_message_is_noticed, setup, teardown),
            cmocka_unit_test_setup_teardown(test_though_it_sends_meanwhile, setup, teardown),
            cmocka_unit_test_setup_teardown(test_though_signals_come, setup, teardown),
            cmocka_unit_test_setup_teardown(test_a_message_stays_whole, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
