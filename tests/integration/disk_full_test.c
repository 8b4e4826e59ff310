/*
 * The disk is full: the store lies on a small tmpfs in a mount namespace of this test's own, and a ballast
 * file takes what is left. Publishers are refused as read-only, nothing acknowledged is lost, and with space
 * it goes on by itself. Skipped where mounting is not permitted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/wire/ident.h"
#include "tests/support/bus_client.h"
#include "tests/support/hub_env.h"
#include "tests/support/run_program.h"
#include "tests/support/spawn.h"
#include "tests/support/tmpdir.h"

enum { BATCH = 200, EPOCH = 9 };

struct scene {
    struct spawn hub;
    struct bus_client client;
    uint64_t sequence; /* sent */
    uint64_t through;  /* acknowledged */
    bool persons;      /* events about new persons, which need room among the keys too */
    bool mounted;
};

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    const char *store;

    spawn_init_hub(&scene->hub, "", "  ballast_mb: 0\n  space_watermark_mb: 0\n");
    store = mr_tmpdir_path(scene->hub.dir, "store");
    assert_int_equal(mkdir(store, 0700), 0);
    scene->mounted = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                     mount("tmpfs", store, "tmpfs", 0, "size=8m") == 0;
    if (scene->mounted)
        spawn_start(&scene->hub);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    if (scene->hub.pid)
        spawn_stop(&scene->hub);
    if (scene->mounted)
        assert_int_equal(umount(mr_tmpdir_path(scene->hub.dir, "store")), 0);
    spawn_fini(&scene->hub);
    free(scene);
    return 0;
}

static const char *ballast(const struct scene *scene)
{
    return mr_tmpdir_path(scene->hub.dir, "store/ballast");
}

static void fill_disk(const struct scene *scene)
{
    static const char block[4096];
    int fd = open(ballast(scene), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    while (write(fd, block, sizeof block) > 0)
        continue;
    assert_int_equal(errno, ENOSPC);
    (void)close(fd);
}

static void send_batch(struct scene *scene)
{
    struct mr_buf events[BATCH] = {0};
    char id[32], snils[12];

    for (size_t i = 0; i < BATCH; i++) {
        unsigned n = (unsigned)(scene->sequence + i);

        (void)snprintf(id, sizeof id, "e-%u", n);
        (void)snprintf(snils, sizeof snils, "%09u", 400000000 + n);
        (void)snprintf(snils + 9, 3, "%02d", mr_ident_snils_check(snils));
        if (scene->persons)
            hub_env_deficit(&events[i], id, snils, NULL);
        else
            hub_env_programme(&events[i], id);
    }
    bus_publish(&scene->client, scene->sequence + 1, events, BATCH);
    for (size_t i = 0; i < BATCH; i++)
        mr_buf_fini(&events[i]);
}

/* True: the batch that is on its way was acknowledged; false: refused as read-only. */
static bool answer(struct scene *scene)
{
    bus_frame *frame = bus_receive(&scene->client, SPAWN_DEADLINE_MS);

    assert_non_null(frame);
    if (frame->body_case == MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK) {
        scene->through = frame->publish_ack->through;
        return true;
    }
    assert_int_equal(frame->body_case, MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL);
    assert_string_equal(frame->refusal->code, "read-only");
    assert_false(frame->refusal->fatal);
    assert_true(frame->refusal->retry_after_ms > 0);
    return false;
}

static void publish_acknowledged(struct scene *scene)
{
    send_batch(scene);
    assert_true(answer(scene));
    scene->sequence += BATCH;
    assert_int_equal(scene->through, scene->sequence);
}

static bool status_has(const struct scene *scene, const char *text)
{
    struct bus_client client;
    bool found;

    bus_connect(&client, scene->hub.admin, NULL, NULL);
    found = strstr(bus_query(&client, "hub.status", ""), text) != NULL;
    bus_close(&client);
    return found;
}

static bool is_read_only(void *ctx)
{
    return status_has(ctx, "\"read_only\":true");
}

static bool is_writable(void *ctx)
{
    return status_has(ctx, "\"read_only\":false");
}

/* True: refused as read-only; false: acknowledged. Not at all, while the hub is read-only: taken, it waits
 * for space. */
static bool waits(struct scene *scene, bool *ret_refused)
{
    bus_frame *frame;

    do
        frame = bus_receive(&scene->client, 100);
    while (!frame && !is_read_only(scene));
    if (!frame)
        frame = bus_receive(&scene->client, 1000); /* said before that */
    *ret_refused = frame && frame->body_case == MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL;
    if (!frame)
        return true;
    if (*ret_refused) {
        assert_string_equal(frame->refusal->code, "read-only");
        return false;
    }
    assert_int_equal(frame->body_case, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK);
    scene->sequence += BATCH;
    scene->through = frame->publish_ack->through;
    return false;
}

/* Small batches may still find free pages in the store: sends until one finds none, and waits for space.
 * False: a commit of the hub's own found none before it, and it is refused. */
static bool publish_until_full(struct scene *scene)
{
    for (int i = 0; i < 50; i++) {
        bool refused;

        send_batch(scene);
        if (waits(scene, &refused))
            return true;
        if (refused)
            return false;
    }
    fail_msg("the disk is full, and the hub acknowledges all the same");
    return false;
}

static void full_and_back(struct scene *scene, int system)
{
    uint64_t acknowledged;
    char head[40];
    bool waiting;

    bus_connect_as(&scene->client, &scene->hub, system);
    (void)bus_hello(&scene->client, EPOCH, 0);
    publish_acknowledged(scene);
    fill_disk(scene);
    waiting = publish_until_full(scene);
    spawn_until("read-only", is_read_only, scene);
    scene->sequence += waiting ? BATCH : 0;
    send_batch(scene); /* the next one is told */
    assert_false(answer(scene));
    assert_true(is_read_only(scene)); /* and questions are answered */
    acknowledged = scene->through;
    assert_int_equal(unlink(ballast(scene)), 0);
    if (waiting) {
        assert_true(answer(scene)); /* the one that waited, by itself */
        assert_int_equal(scene->through, acknowledged + BATCH);
    }
    spawn_until("writable", is_writable, scene);
    publish_acknowledged(scene); /* the refused one again */
    bus_close(&scene->client);
    spawn_kill(&scene->hub);
    spawn_start(&scene->hub);
    (void)snprintf(head, sizeof head, "\"head\":%llu,", (unsigned long long)scene->through);
    assert_true(status_has(scene, head)); /* each once */
}

static void test_log_is_full(void **state)
{
    struct scene *scene = *state;

    if (!scene->mounted)
        skip();
    full_and_back(scene, SPAWN_PORTAL);
}

static void test_keys_are_full(void **state)
{
    struct scene *scene = *state;

    if (!scene->mounted)
        skip();
    scene->persons = true;
    full_and_back(scene, SPAWN_COPMKP);
}

/* What the tool makes beside the store finds no room either: it says so, instead of dying by SIGBUS. */
static void test_tool_finds_no_room(void **state)
{
    struct scene *scene = *state;
    const char *argv[] = {"marshrut", "-c", scene->hub.config, "rebuild", "--check", NULL};
    struct run_program run = {0};

    if (!scene->mounted)
        skip();
    bus_connect_as(&scene->client, &scene->hub, SPAWN_PORTAL);
    (void)bus_hello(&scene->client, EPOCH, 0);
    publish_acknowledged(scene);
    bus_close(&scene->client);
    spawn_stop(&scene->hub);
    fill_disk(scene);
    run_program(&run, argv);
    if (run.status != 75 || !strstr(run_program_err(&run), "make room on the disk"))
        fail_msg("exit code %d: %s", run.status, run_program_err(&run));
    run_program_fini(&run);
    assert_int_equal(unlink(ballast(scene)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_log_is_full, setup, teardown),
            cmocka_unit_test_setup_teardown(test_keys_are_full, setup, teardown),
            cmocka_unit_test_setup_teardown(test_tool_finds_no_room, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
