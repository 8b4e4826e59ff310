/*
 * Little room on the disk: below the watermark the hub is read-only before anything fails, and goes on by
 * itself; when the disk is full all the same the ballast goes, so that cursors and an orderly stop have room.
 * The store lies on a small tmpfs in a mount namespace of this test's own; skipped where that is not
 * permitted.
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
#include <sys/statvfs.h>
#include <unistd.h>

#include "tests/support/bus_client.h"
#include "tests/support/hub_env.h"
#include "tests/support/spawn.h"
#include "tests/support/tmpdir.h"

enum { BATCH = 20, EPOCH = 9, MIB = 1 << 20 };

struct scene {
    struct spawn hub;
    struct bus_client client;
    uint64_t sequence;
    bool mounted;
};

static const char *path(const struct scene *scene, const char *name)
{
    return mr_tmpdir_path(scene->hub.dir, name);
}

static int setup_with(void **state, const char *hub)
{
    struct scene *scene = calloc(1, sizeof *scene);

    spawn_init_hub(&scene->hub, "", hub);
    assert_int_equal(mkdir(path(scene, "store"), 0700), 0);
    scene->mounted = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                     mount("tmpfs", path(scene, "store"), "tmpfs", 0, "size=24m") == 0;
    if (scene->mounted)
        spawn_start(&scene->hub);
    *state = scene;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, "  ballast_mb: 3\n  space_watermark_mb: 8\n");
}

static int setup_unmarked(void **state)
{
    return setup_with(state, "  ballast_mb: 3\n  space_watermark_mb: 0\n");
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    if (scene->hub.pid)
        spawn_stop(&scene->hub);
    if (scene->mounted)
        assert_int_equal(umount(path(scene, "store")), 0);
    spawn_fini(&scene->hub);
    free(scene);
    return 0;
}

/* Somebody else's file, until so much is left; 0: until nothing is. */
static void fill_disk(const struct scene *scene, uint64_t leave)
{
    static const char block[4096];
    int fd = open(path(scene, "store/others"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    struct statvfs vfs;

    assert_true(fd >= 0);
    do
        assert_int_equal(fstatvfs(fd, &vfs), 0);
    while ((uint64_t)vfs.f_bavail * vfs.f_frsize > leave && write(fd, block, sizeof block) > 0);
    (void)close(fd);
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

struct awaited {
    const struct scene *scene;
    const char *text;
};

static bool is_logged(void *ctx)
{
    const struct awaited *awaited = ctx;

    return spawn_logged(&awaited->scene->hub, awaited->text);
}

/* It is said after it is done. */
static void await_logged(const struct scene *scene, const char *text)
{
    struct awaited awaited = {scene, text};

    spawn_until(text, is_logged, &awaited);
}

static uint64_t ballast(const struct scene *scene)
{
    struct stat st;

    return stat(path(scene, "store/ballast"), &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

static bool has_ballast(void *ctx)
{
    return ballast(ctx) >= 3 * MIB;
}

static bool has_no_ballast(void *ctx)
{
    return ballast(ctx) == 0;
}

static void publish(struct scene *scene, bool taken)
{
    struct mr_buf events[BATCH] = {0};
    bus_frame *frame;
    char id[32];

    for (size_t i = 0; i < BATCH; i++) {
        (void)snprintf(id, sizeof id, "e-%u", (unsigned)(scene->sequence + i));
        hub_env_programme(&events[i], id);
    }
    bus_publish(&scene->client, scene->sequence + 1, events, BATCH);
    for (size_t i = 0; i < BATCH; i++)
        mr_buf_fini(&events[i]);
    frame = bus_receive(&scene->client, SPAWN_DEADLINE_MS);
    assert_non_null(frame);
    if (taken) {
        assert_int_equal(frame->body_case, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK);
        scene->sequence += BATCH;
        return;
    }
    assert_int_equal(frame->body_case, MARSHRUT__BUS__V1__FRAME__BODY_REFUSAL);
    assert_string_equal(frame->refusal->code, "read-only");
}

static void connect_portal(struct scene *scene)
{
    bus_connect_as(&scene->client, &scene->hub, SPAWN_PORTAL);
    (void)bus_hello(&scene->client, EPOCH, scene->sequence);
}

/* The file of others, as large as it is, and then gone: nothing fails, nothing is restarted. */
static void test_below_the_watermark(void **state)
{
    struct scene *scene = *state;

    if (!scene->mounted)
        skip();
    connect_portal(scene);
    publish(scene, true);
    spawn_until("ballast", has_ballast, scene);
    fill_disk(scene, 6 * MIB);
    spawn_until("read-only", is_read_only, scene);
    assert_true(status_has(scene, "\"low\":true"));
    await_logged(scene, "event=hub.space_low");
    assert_true(has_ballast(scene)); /* nothing failed: it stays */
    publish(scene, false);
    spawn_stop(&scene->hub);
    bus_close(&scene->client);
    spawn_start(&scene->hub); /* it starts, read-only */
    assert_true(is_read_only(scene));
    connect_portal(scene);
    publish(scene, false);
    assert_int_equal(unlink(path(scene, "store/others")), 0);
    spawn_until("writable", is_writable, scene);
    await_logged(scene, "event=hub.space_back");
    publish(scene, true);
    bus_close(&scene->client);
}

/* Without a watermark, and every page taken: what waits finds the ballast's room, and so does an orderly
 * stop. */
static void test_full_all_the_same(void **state)
{
    struct scene *scene = *state;

    if (!scene->mounted)
        skip();
    connect_portal(scene);
    publish(scene, true);
    spawn_until("ballast", has_ballast, scene);
    fill_disk(scene, 0);
    for (int i = 0; i < 500 && !has_no_ballast(scene);
            i++) /* the first ones may find free pages in the store */
        publish(scene, true);
    assert_true(has_no_ballast(scene));
    await_logged(scene, "event=hub.ballast_released");
    bus_close(&scene->client);
    spawn_stop(&scene->hub); /* in order: exit status 0 */
    spawn_start(&scene->hub);
    assert_true(has_no_ballast(scene));
    assert_int_equal(unlink(path(scene, "store/others")), 0);
    spawn_until("writable", is_writable, scene);
    spawn_until("ballast again", has_ballast, scene);
    connect_portal(scene);
    publish(scene, true);
    bus_close(&scene->client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_below_the_watermark, setup, teardown),
            cmocka_unit_test_setup_teardown(test_full_all_the_same, setup_unmarked, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
