/*
 * A real hub tells a tool that its question still waits for its turn, and answers it when it has come. The
 * writer is kept waiting as long as the test wants: it holds LMDB's write lock of log/.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "proto/wire/frame.h"
#include "tests/support/bus_client.h"
#include "tests/support/spawn.h"

enum { ARENA_BYTES = 1 << 20 };

struct scene {
    struct spawn spawn;
    MDB_env *env;
    MDB_txn *txn;
    struct bus_client first, second;
    struct mr_arena arena;
};

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);

    assert_non_null(scene);
    mr_arena_init(&scene->arena, ARENA_BYTES);
    spawn_init(&scene->spawn, "operators: [{name: op, roles: [admin]}]\n");
    spawn_start(&scene->spawn);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    spawn_fini(&scene->spawn);
    mr_arena_fini(&scene->arena);
    free(scene);
    return 0;
}

static void hold_writer(struct scene *scene)
{
    char dir[160];

    (void)snprintf(dir, sizeof dir, "%s/store/log", scene->spawn.dir);
    assert_int_equal(mdb_env_create(&scene->env), 0);
    assert_int_equal(mdb_env_open(scene->env, dir, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(scene->env, NULL, 0, &scene->txn), 0);
}

static void let_writer_go(struct scene *scene)
{
    mdb_txn_abort(scene->txn);
    mdb_env_close(scene->env);
}

static void ask(struct scene *scene, struct bus_client *client)
{
    Marshrut__Bus__V1__Frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Query query = MARSHRUT__BUS__V1__QUERY__INIT;

    query.id = 5;
    query.method = (char *)"hold.place";
    query.arguments = (char *)"{\"case\":\"case-7\",\"type\":\"nms.course.\"}";
    query.operator_ = (char *)"op";
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_QUERY;
    frame.query = &query;
    bus_connect(client, scene->spawn.admin, NULL, NULL);
    bus_send(client, &frame);
}

/* The next frame as it is: bus_receive() leaves out what is looked for here. */
static const Marshrut__Bus__V1__Result *next_result(struct scene *scene, struct bus_client *client)
{
    int deadline_ms = SPAWN_DEADLINE_MS;
    Marshrut__Bus__V1__Frame *frame;
    zmq_msg_t message;

    assert_int_equal(zmq_setsockopt(client->socket, ZMQ_RCVTIMEO, &deadline_ms, sizeof deadline_ms), 0);
    (void)zmq_msg_init(&message);
    assert_true(zmq_msg_recv(&message, client->socket, 0) > 0);
    mr_arena_reset(&scene->arena);
    assert_int_equal(mr_frame_decode(mr_slice(zmq_msg_data(&message), zmq_msg_size(&message)), &scene->arena,
                             &frame, NULL),
            0);
    (void)zmq_msg_close(&message);
    assert_int_equal(frame->body_case, MARSHRUT__BUS__V1__FRAME__BODY_RESULT);
    assert_int_equal(frame->result->id, 5);
    return frame->result;
}

static void expect_answer(struct bus_client *client)
{
    const Marshrut__Bus__V1__Result *result =
            bus_expect(client, MARSHRUT__BUS__V1__FRAME__BODY_RESULT)->result;

    assert_int_equal(result->error, 0);
    assert_non_null(strstr(result->json, "\"hold\""));
    bus_close(client);
}

static void who_waits_is_told(void **state)
{
    struct scene *scene = *state;
    const Marshrut__Bus__V1__Result *result;
    zmq_pollitem_t items[2] = {{.events = ZMQ_POLLIN}, {.events = ZMQ_POLLIN}};

    hold_writer(scene);
    ask(scene, &scene->first);
    ask(scene, &scene->second); /* one of the two is worked on, and not durable; the other one waits for it */
    items[0].socket = scene->first.socket;
    items[1].socket = scene->second.socket;
    assert_true(zmq_poll(items, 2, SPAWN_DEADLINE_MS) > 0);
    result = next_result(scene, items[0].revents & ZMQ_POLLIN ? &scene->first : &scene->second);
    assert_true(result->more);
    assert_int_equal(result->error, 0);
    assert_string_equal(result->json, "");
    assert_int_equal(result->done, 0);
    assert_int_equal(result->total, 0);
    let_writer_go(scene);
    expect_answer(&scene->first);
    expect_answer(&scene->second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(who_waits_is_told, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
