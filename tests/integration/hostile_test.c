/* Strangers, clients without encryption, and random bytes from inside and outside: the others are served. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "tests/support/bus_client.h"
#include "tests/support/hub_env.h"
#include "tests/support/spawn.h"

enum { RANDOM_FRAMES = 10000, FRAME_MAX = 600 };

static int setup(void **state)
{
    static struct spawn spawn;

    spawn_init(&spawn, "");
    spawn_start(&spawn);
    *state = &spawn;
    return 0;
}

static int teardown(void **state)
{
    spawn_fini(*state);
    return 0;
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* Somebody else publishes one event and gets its acknowledgement. */
static void assert_served(const struct spawn *spawn)
{
    static uint64_t epoch = 1000;
    struct bus_client client;
    struct mr_buf event = MR_BUF_INIT;
    char id[32];

    (void)snprintf(id, sizeof id, "served-%llu", (unsigned long long)++epoch);
    hub_env_programme(&event, id);
    bus_connect_as(&client, spawn, SPAWN_PORTAL);
    (void)bus_hello(&client, epoch, 0);
    bus_publish(&client, 1, &event, 1);
    assert_int_equal(
            bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK)->publish_ack->n_results, 0);
    bus_close(&client);
    mr_buf_fini(&event);
}

static bool refused_grew(void *ctx)
{
    return bus_status_number(ctx, "refused_keys") >= 2; /* the first one is the hub's own self-test */
}

static void test_stranger(void **state)
{
    struct spawn *spawn = *state;
    struct mr_curvekey key;
    struct bus_client client;

    assert_int_equal(bus_status_number(spawn, "refused_keys"), 1);
    assert_int_equal(mr_curvekey_generate(&key), 0);
    bus_connect(&client, spawn->endpoint, spawn->hub_key.public_key, &key);
    bus_send_hello(&client, "stranger", 1, 0);
    spawn_until("the stranger is refused", refused_grew, spawn);
    assert_null(bus_receive(&client, 200));
    bus_close(&client);
    assert_served(spawn);
}

static void test_no_encryption(void **state)
{
    struct spawn *spawn = *state;
    struct bus_client client;

    bus_connect(&client, spawn->endpoint, NULL, NULL);
    bus_send_hello(&client, "plain", 1, 0);
    assert_null(bus_receive(&client, 300));
    bus_close(&client);
    assert_served(spawn);
}

static bool all_counted(void *ctx)
{
    return bus_status_number(ctx, "malformed") + bus_status_number(ctx, "frames") >= RANDOM_FRAMES;
}

static void test_random_frames(void **state)
{
    struct spawn *spawn = *state;
    struct bus_client client;
    uint8_t bytes[FRAME_MAX];
    uint64_t seed = 20261123;

    bus_connect_as(&client, spawn, SPAWN_COPMKP);
    (void)bus_hello(&client, 1, 0);
    for (int i = 0; i < RANDOM_FRAMES; i++) {
        size_t size = next_random(&seed) % FRAME_MAX;

        for (size_t j = 0; j < size; j++)
            bytes[j] = (uint8_t)next_random(&seed);
        if (size > 0 && i % 2) /* half of them begin like a frame */
            bytes[0] = (uint8_t)((1 + next_random(&seed) % 17) << 3 | 2);
        bus_send_bytes(&client, bytes, size);
        while (i % 500 == 499 && bus_receive(&client, 0))
            continue; /* the refusals, so that its own queue is not full */
    }
    spawn_until("all frames are counted", all_counted, spawn);
    bus_close(&client);
    assert_true(bus_status_number(spawn, "malformed") > RANDOM_FRAMES / 2);
    assert_served(spawn);
}

/* Parts where one is expected, an empty one, a too large one. */
static void test_shapes(void **state)
{
    struct spawn *spawn = *state;
    struct bus_client client;
    char *big = calloc(1, MR_FRAME_BYTES_MAX + 1);

    assert_non_null(big);
    bus_connect_as(&client, spawn, SPAWN_COPMKP);
    for (int i = 0; i < 40; i++)
        assert_int_equal(zmq_send(client.socket, "x", 1, i < 39 ? ZMQ_SNDMORE : 0), 1);
    assert_string_equal(bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL)->refusal->code, "frame");
    bus_send_bytes(&client, "", 0);
    assert_string_equal(bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL)->refusal->code, "frame");
    bus_send_bytes(&client, big, MR_FRAME_BYTES_MAX + 1);
    assert_string_equal(bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL)->refusal->code, "limit");
    bus_close(&client);
    free(big);
    assert_served(spawn);
}

static void test_tcp_garbage(void **state)
{
    struct spawn *spawn = *state;
    struct sockaddr_in address = {.sin_family = AF_INET,
            .sin_addr = {htonl(INADDR_LOOPBACK)},
            .sin_port = htons((uint16_t)strtoul(strrchr(spawn->endpoint, ':') + 1, NULL, 10))};
    uint64_t seed = 7;

    for (int i = 0; i < 200; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        uint8_t bytes[256];

        assert_true(fd >= 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
        for (size_t j = 0; j < sizeof bytes; j++)
            bytes[j] = (uint8_t)next_random(&seed);
        if (i % 3 == 0)
            memcpy(bytes, "\xff\0\0\0\0\0\0\0\x01\x7f\x03\0CURVE", 17);
        (void)send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
        (void)close(fd);
    }
    assert_served(spawn);
}

/* A hub whose listed key is not the one in its file does not start. */
static void test_wrong_hub_key(void **state)
{
    static struct spawn spawn;
    char path[160];

    (void)state;
    spawn_init(&spawn, "");
    (void)snprintf(path, sizeof path, "%s/hub.key", spawn.dir);
    assert_int_equal(unlink(path), 0);
    {
        char public[160];

        (void)snprintf(public, sizeof public, "%s/other.pub", spawn.dir);
        assert_int_equal(mr_curvekey_create_files(path, public, NULL, NULL), 0);
    }
    assert_int_equal(spawn_start_fails(&spawn), 78);
    spawn_fini(&spawn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_stranger), cmocka_unit_test(test_no_encryption),
            cmocka_unit_test(test_random_frames), cmocka_unit_test(test_shapes),
            cmocka_unit_test(test_tcp_garbage), cmocka_unit_test(test_wrong_hub_key)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
