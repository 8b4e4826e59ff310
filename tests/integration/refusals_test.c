/*
 * What the tool refuses, and how it says so: a backup that the root key does not open, folders among the
 * hub's own, damaged files of the store.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/wire/ident.h"
#include "store/root_key.h"
#include "tests/support/bus_client.h"
#include "tests/support/hub_env.h"
#include "tests/support/run_program.h"
#include "tests/support/spawn.h"
#include "tests/support/tmpdir.h"

enum { EVENTS = 100, EPOCH = 3 };

static const char *path(const struct spawn *hub, const char *name)
{
    return mr_tmpdir_path(hub->dir, name);
}

static void publish(struct spawn *hub)
{
    struct mr_buf events[EVENTS] = {0};
    struct bus_client client;
    char id[32], snils[12];

    bus_connect_as(&client, hub, SPAWN_COPMKP);
    (void)bus_hello(&client, EPOCH, 0);
    for (unsigned i = 0; i < EVENTS; i++) {
        (void)snprintf(id, sizeof id, "e-%u", i);
        (void)snprintf(snils, sizeof snils, "%09u", 400000000 + i / 3);
        (void)snprintf(snils + 9, 3, "%02d", mr_ident_snils_check(snils));
        hub_env_deficit(&events[i], id, snils, NULL);
    }
    bus_publish(&client, 1, events, EVENTS);
    (void)bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK);
    bus_close(&client);
    for (unsigned i = 0; i < EVENTS; i++)
        mr_buf_fini(&events[i]);
}

/* And the log has it: its row comes with the commit after the file. */
static bool is_signed(void *ctx)
{
    const struct spawn *hub = ctx;
    const char *argv[] = {"marshrut", "-c", hub->config, "log", "checkpoint", NULL};
    struct run_program run = {0};

    run_program(&run, argv);
    run_program_fini(&run);
    return run.status == 0;
}

static int setup(void **state)
{
    struct spawn *hub = calloc(1, sizeof *hub);

    spawn_init(hub, "");
    spawn_start(hub);
    publish(hub);
    spawn_until("signed", is_signed, hub);
    *state = hub;
    return 0;
}

static int teardown(void **state)
{
    spawn_fini(*state);
    free(*state);
    return 0;
}

/* The tool ends with this code and says this, on either stream. */
static void says(
        const struct spawn *hub, int code, const char *text, const char *a, const char *b, const char *c)
{
    const char *argv[] = {"marshrut", "-c", hub->config, a, b, c, NULL};
    struct run_program run = {0};

    run_program(&run, argv);
    if (run.status != code || !(strstr(run_program_err(&run), text) || strstr(run_program_out(&run), text)))
        fail_msg("%s %s: exit code %d: %s%s", a, b, run.status, run_program_out(&run), run_program_err(&run));
    run_program_fini(&run);
}

static void assert_nothing_at(const struct spawn *hub, const char *name)
{
    assert_int_not_equal(access(path(hub, name), F_OK), 0);
}

/* Where there is no root key the rest is verified; with another hub's it does not hold. */
static void test_root_key(void **state)
{
    static const uint8_t other[MR_ROOT_KEY_BYTES] = {7};
    struct spawn *hub = *state;
    const char *backup = path(hub, "backup");

    says(hub, 0, "", "backup", backup, NULL);
    says(hub, 0, "opens", "backup", "verify", backup);
    spawn_stop(hub);
    assert_int_equal(rename(path(hub, "root"), path(hub, "root-away")), 0);
    says(hub, 0, "not checked", "backup", "verify", backup);
    assert_int_equal(mr_root_write(path(hub, "root"), 0, 1, other, NULL), 0);
    says(hub, 1, "it is another hub's", "backup", "verify", backup);
    assert_int_equal(rename(path(hub, "store"), path(hub, "store-away")), 0);
    says(hub, 76, "does not open this backup", "restore", backup, NULL);
    assert_nothing_at(hub, "store/log");
}

/* Nothing is written among the hub's own files. */
static void test_not_into_the_store(void **state)
{
    struct spawn *hub = *state;

    says(hub, 73, "within hub.store", "backup", path(hub, "store/backup"), NULL);
    says(hub, 73, "within hub.store", "backup", path(hub, "store/log/a/b"), NULL);
    says(hub, 73, "within hub.root_key", "backup", path(hub, "root/backup"), NULL);
    assert_int_equal(symlink(path(hub, "store"), path(hub, "link")), 0);
    says(hub, 73, "within hub.store", "backup", path(hub, "link/backup"), NULL);
    says(hub, 73, "within hub.store", "log", "export", path(hub, "store"));
    says(hub, 73, "within hub.store", "log", "export", path(hub, "store/views/x"));
    says(hub, 73, "within hub.store", "restore", path(hub, "store/backup"), NULL);
    assert_nothing_at(hub, "store/backup");
    assert_nothing_at(hub, "store/checkpoint");
    says(hub, 0, "", "backup", path(hub, "storeroom"), NULL); /* beside is fine */
}

static void flip(const char *file, off_t at)
{
    int fd = open(file, O_RDWR | O_CLOEXEC);
    uint8_t byte;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 64;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    (void)close(fd);
}

/* Tools that only read say which environment is damaged, as the hub does. */
static void test_damaged_metas_are_named(void **state)
{
    enum { LAST_PAGE_AT = 16 + 24 + 2 * 48 + 4 }; /* its high half: a map larger than any memory */
    struct spawn *hub = *state;
    const char *file = path(hub, "store/log/data.mdb");

    spawn_stop(hub);
    flip(file, LAST_PAGE_AT);
    flip(file, 4096 + LAST_PAGE_AT);
    says(hub, 76, "store/log: table '(the file)'", "log", "count", NULL);
    says(hub, 76, "stop the hub and restore the folder from a backup", "log", "count", NULL);
    says(hub, 1, "store/log: table '(the file)'", "log", "verify", NULL);
    flip(file, LAST_PAGE_AT);
    flip(file, 4096 + LAST_PAGE_AT);
    says(hub, 0, "", "log", "count", NULL);
}

/* Within a row of a fact of event 50: its key is the number and a part, the sealed value lies behind it. */
static off_t find_fact(const char *file)
{
    static const uint8_t number[] = {0, 0, 0, 0, 0, 0, 0, 50};
    struct stat st;
    uint8_t *bytes, *found;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    off_t at;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    bytes = malloc((size_t)st.st_size);
    assert_int_equal(pread(fd, bytes, (size_t)st.st_size, 0), st.st_size);
    found = memmem(bytes, (size_t)st.st_size, number, sizeof number);
    assert_non_null(found);
    at = found - bytes + 9 + 20;
    free(bytes);
    (void)close(fd);
    return at;
}

static bool is_same(void *ctx)
{
    const struct spawn *hub = ctx;
    const char *argv[] = {"marshrut", "-c", hub->config, "rebuild", "--check", "--json", NULL};
    struct run_program run = {0};
    bool same;

    run_program(&run, argv);
    same = run.status == 0 && strstr(run_program_out(&run), "\"through\":100");
    run_program_fini(&run);
    return same;
}

static void test_damaged_view_is_named(void **state)
{
    struct spawn *hub = *state;
    const char *file = path(hub, "store/views/data.mdb");

    spawn_until("built", is_same, hub);
    spawn_stop(hub);
    flip(file, find_fact(file));
    says(hub, 76, "views: rows of views/ are damaged", "rebuild", "--check", NULL);
    says(hub, 76, "marshrut rebuild views", "rebuild", "--check", NULL);
    says(hub, 0, "", "rebuild", "views", NULL);
    says(hub, 0, "", "rebuild", "--check", NULL);
}

static void test_what_is_not_there(void **state)
{
    struct spawn *hub = *state;

    says(hub, 66, "there is no such folder", "log", "verify", "nope");
    says(hub, 66, "give the number of a record that is there", "log", "prove", "99999");
    says(hub, 66, "give the file of a receipt", "receipt", "verify", "/nonexistent");
}

/* A condition that cannot be asked is not left out: `parked release` would release everything. */
static void test_not_utf8(void **state)
{
    static const char said[] = "'\\xd0' is not in UTF-8"; /* as it is shown */
    struct spawn *hub = *state;

    says(hub, 64, said, "where", "\xd0", NULL);
    says(hub, 64, "is not in UTF-8", "log", "find", "--type=nms.\xd0");
    says(hub, 64, "is not in UTF-8", "parked", "list", "--subscription=\xd0");
    says(hub, 64, said, "\xd0", NULL, NULL);
    says(hub, 64, "(not UTF-8)", "--json", "where", "\xd0");
    says(hub, 66, "nothing of that id", "where", "д", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_root_key, setup, teardown),
            cmocka_unit_test_setup_teardown(test_not_into_the_store, setup, teardown),
            cmocka_unit_test_setup_teardown(test_damaged_metas_are_named, setup, teardown),
            cmocka_unit_test_setup_teardown(test_damaged_view_is_named, setup, teardown),
            cmocka_unit_test_setup_teardown(test_what_is_not_there, setup, teardown),
            cmocka_unit_test_setup_teardown(test_not_utf8, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
