/*
 * A long question: the tool waits as long as the hub says how far it is, and shows it on a terminal; a hub
 * that says nothing any more is told as such. The hub is the test's own, and the clock of the tool too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

#include "proto/base/arena.h"
#include "proto/base/err.h"
#include "proto/wire/frame.h"
#include "tests/support/clock_ahead.h"
#include "tests/support/spawn.h"
#include "tests/support/terminal.h"

enum { ARENA_BYTES = 1 << 20, PEER_BYTES_MAX = 256, ALMOST_S = 25, TOO_LONG_S = 61, TOTAL = 4000 };

struct scene {
    struct spawn spawn; /* its folder and configuration: no hub is started */
    struct clock_ahead clock;
    unsigned ahead_s;
    void *zmq, *router;
    uint8_t peer[PEER_BYTES_MAX];
    size_t peer_size;
    uint64_t id; /* of the question */
    struct terminal terminal;
};

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    char folder[160];

    assert_non_null(scene);
    spawn_init(&scene->spawn, "");
    clock_ahead_init(&scene->clock, &scene->spawn);
    assert_int_equal(putenv(scene->clock.variable), 0); /* the tool has it from here */
    (void)snprintf(folder, sizeof folder, "%s/run", scene->spawn.dir);
    assert_int_equal(mkdir(folder, 0700), 0);
    scene->zmq = zmq_ctx_new();
    scene->router = zmq_socket(scene->zmq, ZMQ_ROUTER);
    assert_int_equal(zmq_bind(scene->router, scene->spawn.admin), 0);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    int zero = 0;

    terminal_close(&scene->terminal);
    (void)zmq_setsockopt(scene->router, ZMQ_LINGER, &zero, sizeof zero);
    (void)zmq_close(scene->router);
    (void)zmq_ctx_term(scene->zmq);
    (void)unsetenv("MR_CLOCK_AHEAD");
    spawn_fini(&scene->spawn);
    free(scene);
    return 0;
}

/* `marshrut balance` on a terminal; its question has come. */
static void ask(struct scene *scene)
{
    const char *const argv[] = {"marshrut", "-c", scene->spawn.config, "balance", NULL};
    int deadline_ms = SPAWN_DEADLINE_MS;
    Marshrut__Bus__V1__Frame *frame;
    struct mr_arena arena;
    zmq_msg_t message;

    terminal_open(&scene->terminal, "xterm", 24, 80, argv);
    assert_int_equal(zmq_setsockopt(scene->router, ZMQ_RCVTIMEO, &deadline_ms, sizeof deadline_ms), 0);
    scene->peer_size = (size_t)zmq_recv(scene->router, scene->peer, sizeof scene->peer, 0);
    assert_in_range(scene->peer_size, 1, sizeof scene->peer);
    (void)zmq_msg_init(&message);
    assert_true(zmq_msg_recv(&message, scene->router, 0) > 0);
    mr_arena_init(&arena, ARENA_BYTES);
    assert_int_equal(
            mr_frame_decode(mr_slice(zmq_msg_data(&message), zmq_msg_size(&message)), &arena, &frame, NULL),
            0);
    assert_int_equal(frame->body_case, MARSHRUT__BUS__V1__FRAME__BODY_QUERY);
    assert_string_equal(frame->query->method, "balance");
    scene->id = frame->query->id;
    mr_arena_fini(&arena);
    (void)zmq_msg_close(&message);
}

static void answer(struct scene *scene, const char *json, uint64_t done, uint64_t total)
{
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Result result = MARSHRUT__BUS__V1__RESULT__INIT;
    struct mr_buf bytes = MR_BUF_INIT;

    result.id = scene->id;
    result.json = (char *)json;
    result.more = !*json;
    result.done = done;
    result.total = total;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_RESULT;
    frame.result = &result;
    assert_int_equal(mr_frame_encode(&bytes, &frame), 0);
    assert_int_equal(
            zmq_send(scene->router, scene->peer, scene->peer_size, ZMQ_SNDMORE), (int)scene->peer_size);
    assert_int_equal(zmq_send(scene->router, bytes.data, bytes.size, 0), (int)bytes.size);
    mr_buf_fini(&bytes);
}

static void pass(struct scene *scene, unsigned seconds)
{
    scene->ahead_s += seconds;
    clock_ahead_set(&scene->spawn, scene->ahead_s);
}

static void work_that_goes_on_is_waited_for(void **state)
{
    struct scene *scene = *state;

    ask(scene);
    answer(scene, "", 0, 0);
    terminal_expect(&scene->terminal, "balance: waits for its turn");
    for (uint64_t done = 1000; done < TOTAL; done += 1000) { /* in all far longer than it would wait */
        char text[64];

        pass(scene, ALMOST_S);
        answer(scene, "", done, TOTAL);
        (void)snprintf(text, sizeof text, "balance: %d of %d, %d %%", (int)done, TOTAL, (int)(done / 40));
        terminal_expect(&scene->terminal, text);
    }
    pass(scene, ALMOST_S);
    terminal_forget(&scene->terminal);
    answer(scene, "{\"ok\":true,\"head\":4711}", 0, 0);
    assert_int_equal(terminal_wait(&scene->terminal), 0);
    assert_true(terminal_has(&scene->terminal, "\r\033[K")); /* its line is gone */
    assert_true(terminal_has(&scene->terminal, "4711"));
    assert_false(terminal_has(&scene->terminal, "balance:"));
}

static void a_hub_that_is_silent_is_told(void **state)
{
    struct scene *scene = *state;

    ask(scene);
    answer(scene, "", 1000, TOTAL);
    terminal_expect(&scene->terminal, "balance: 1000 of 4000");
    pass(scene, TOO_LONG_S);
    assert_int_equal(terminal_wait(&scene->terminal), mr_err_exit(MR_ETIMEOUT));
    assert_true(terminal_has(&scene->terminal, "neither answered nor said how far it is"));
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
            CASE(work_that_goes_on_is_waited_for), CASE(a_hub_that_is_silent_is_told)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
