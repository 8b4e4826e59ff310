/*
 * Receipts from a real hub: asked for with Publish and sent once they are signed, asked for by number after a
 * break, verified with nothing but the file. A receipt of which any part was changed does not pass.
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

#include "tests/support/bus_client.h"
#include "tests/support/hub_env.h"
#include "tests/support/run_program.h"
#include "tests/support/spawn.h"
#include "tests/support/tmpdir.h"

enum { EVENTS = 100, TEXT_MAX = 64 * 1024 };

struct env {
    struct spawn spawn;
    struct run_program run; /* of the tool run last */
    char receipt[TEXT_MAX]; /* received last */
    size_t receipt_size;
};

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    assert_non_null(env);
    spawn_init(&env->spawn, "");
    spawn_start(&env->spawn);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    run_program_fini(&env->run);
    spawn_fini(&env->spawn);
    free(env);
    return 0;
}

/* The tool without a configuration, as somebody else runs it. Returns its exit code. */
static int verify(struct env *env, const char *name, const char *key)
{
    const char *path = mr_tmpdir_path(env->spawn.dir, name);
    const char *argv[] = {"marshrut", "-c", "/nonexistent/marshrut.yaml", "receipt", "verify", path,
            key ? "--key" : NULL, key, NULL};

    run_program_fini(&env->run);
    env->run = (struct run_program){0};
    run_program(&env->run, argv);
    return env->run.status;
}

static int tool(struct env *env, const char *const words[])
{
    const char *argv[16] = {"marshrut", "-c", env->spawn.config};

    for (size_t i = 0; words[i]; i++)
        argv[3 + i] = words[i];
    run_program_fini(&env->run);
    env->run = (struct run_program){.input = env->run.input};
    run_program(&env->run, argv);
    return env->run.status;
}

#define TOOL(...) tool(env, (const char *const[]){__VA_ARGS__, NULL})

static bool said(struct env *env, const char *text)
{
    bool found = strstr(run_program_out(&env->run), text) || strstr(run_program_err(&env->run), text);

    if (!found)
        print_error("expected '%s' in: %s%s\n", text, run_program_out(&env->run), run_program_err(&env->run));
    return found;
}

static void write_file(struct env *env, const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(mr_tmpdir_path(env->spawn.dir, name), "wbe");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* A Publish of programmes (open) and deficits (sealed) with the wish for receipts. */
static void publish(struct bus_client *client, bool sealed, unsigned first, unsigned count)
{
    static struct mr_buf events[EVENTS];
    bus_frame frame = MARSHRUT__BUS__V1__FRAME__INIT;
    Marshrut__Bus__V1__Publish body = MARSHRUT__BUS__V1__PUBLISH__INIT;
    ProtobufCBinaryData data[EVENTS];
    char id[32];

    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(id, sizeof id, "e-%u", first + i);
        mr_buf_reset(&events[i]);
        if (sealed)
            hub_env_deficit(&events[i], id, "11223344595", NULL);
        else
            hub_env_programme(&events[i], id);
        data[i] = (ProtobufCBinaryData){.data = events[i].data, .len = events[i].size};
    }
    body.first_sequence = first;
    body.events = data;
    body.n_events = count;
    body.receipts = true;
    frame.body_case = MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH;
    frame.publish = &body;
    bus_send(client, &frame);
    for (unsigned i = 0; i < count; i++)
        mr_buf_fini(&events[i]);
}

/* The next Receipt; it is put into env and into the file "receipt". */
static Marshrut__Bus__V1__Receipt *receive(struct env *env, struct bus_client *client)
{
    Marshrut__Bus__V1__Receipt *receipt = bus_expect(client, MARSHRUT__BUS__V1__FRAME__BODY_RECEIPT)->receipt;

    assert_in_range(receipt->receipt.len, 1, sizeof env->receipt - 1);
    memcpy(env->receipt, receipt->receipt.data, receipt->receipt.len);
    env->receipt_size = receipt->receipt.len;
    env->receipt[env->receipt_size] = 0;
    write_file(env, "receipt", env->receipt, env->receipt_size);
    return receipt;
}

static void read_key(struct env *env, char *ret, size_t room)
{
    assert_int_equal(TOOL("log", "key"), 0);
    (void)snprintf(ret, room, "%s", run_program_out(&env->run));
    ret[strcspn(ret, "\n")] = 0;
}

static void test_sent_when_signed(void **state)
{
    struct env *env = *state;
    struct bus_client client;
    char key[512];

    bus_connect_as(&client, &env->spawn, SPAWN_PORTAL);
    (void)bus_hello(&client, 1, 0);
    publish(&client, false, 1, EVENTS);
    (void)bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK);
    for (unsigned i = 1; i <= EVENTS; i++) {
        const Marshrut__Bus__V1__Receipt *receipt = receive(env, &client);

        assert_int_equal(receipt->sequence, i);
        assert_int_equal(receipt->number, i);
        if (i % 25 != 0)
            continue;
        assert_int_equal(verify(env, "receipt", NULL), 0);
        assert_true(said(env, "nms.programme.listed.v1") && said(env, "portal") &&
                    said(env, "the key is trusted as it is written in the file"));
    }
    /* The same again: a duplicate has a number, and so a receipt. */
    bus_close(&client);
    bus_connect_as(&client, &env->spawn, SPAWN_PORTAL);
    (void)bus_hello(&client, 2, 0);
    publish(&client, false, 1, 1);
    (void)bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK);
    assert_int_equal(receive(env, &client)->number, 1);
    bus_close(&client);
    read_key(env, key, sizeof key);
    assert_int_equal(verify(env, "receipt", key), 0);
    assert_true(said(env, "given"));
    assert_null(strstr(run_program_err(&env->run), "trusted"));
}

/* A sealed event's receipt shows the type and the system, and nothing of the person; no salt is in it. */
static void test_sealed(void **state)
{
    struct env *env = *state;
    struct bus_client client;

    bus_connect_as(&client, &env->spawn, SPAWN_COPMKP);
    (void)bus_hello(&client, 1, 0);
    publish(&client, true, 1, 1);
    (void)bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK);
    (void)receive(env, &client);
    bus_close(&client);
    assert_int_equal(verify(env, "receipt", NULL), 0);
    assert_true(said(env, "nms.deficit.identified.v1") && said(env, "copmkp"));
    assert_null(strstr(env->receipt, "11223344595"));
}

/* Where the last byte of the line that begins with these words is; NULL: the last but one line of the note.
 */
static char *end_of(struct env *env, const char *words)
{
    char *at = strstr(env->receipt, words);

    assert_non_null(at);
    return strchr(at, '\n') - 3;
}

static void tamper(struct env *env, char *at, const char *expected)
{
    char before = *at;

    *at = before == 'A' ? 'B' : 'A';
    write_file(env, "tampered", env->receipt, env->receipt_size);
    assert_int_equal(verify(env, "tampered", NULL), 1);
    assert_true(said(env, expected));
    *at = before;
}

static void test_tampered(void **state)
{
    struct env *env = *state;
    struct bus_client client;
    char *index, other[512];

    bus_connect_as(&client, &env->spawn, SPAWN_PORTAL);
    (void)bus_hello(&client, 1, 0);
    publish(&client, false, 1, 9);
    (void)bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK);
    for (int i = 0; i < 7; i++)
        (void)receive(env, &client);
    bus_close(&client);
    tamper(env, end_of(env, "marshrut.receipt@v1"), "its first line is not");
    tamper(env, end_of(env, "key "), "it has no key of a log");
    tamper(env, end_of(env, "leaf "), "inclusion: the path does not lead from this leaf");
    tamper(env, end_of(env, "c2sp.org/"), "its first line is not c2sp.org/tlog-proof@v1");
    index = strstr(env->receipt, "index 6\n");
    assert_non_null(index);
    tamper(env, index + 12, "inclusion: the path does not lead from this leaf");
    index[6] = '5';
    write_file(env, "tampered", env->receipt, env->receipt_size);
    assert_int_equal(verify(env, "tampered", NULL), 1);
    assert_true(said(env, "inclusion: the path does not lead from this leaf"));
    index[6] = '6';
    tamper(env, end_of(env, "\n\nmarshrut/24/hub") + 16, "signature");
    tamper(env, env->receipt + env->receipt_size - 12, "signature");
    write_file(env, "whole", env->receipt, env->receipt_size);
    assert_int_equal(verify(env, "whole", NULL), 0);
    assert_int_equal(verify(env, "whole", "no+key"), 65);
    (void)snprintf(
            other, sizeof other, "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");
    assert_int_equal(verify(env, "whole", other), 1);
    assert_true(said(env, "the note is not signed by this key"));
    assert_int_equal(verify(env, "nothing", NULL), 66);
}

/* Killed between the acknowledgement and the receipt: the receipt is there for the asking. */
static void test_killed_between(void **state)
{
    struct env *env = *state;
    struct bus_client client;

    bus_connect_as(&client, &env->spawn, SPAWN_PORTAL);
    (void)bus_hello(&client, 1, 0);
    publish(&client, false, 1, 10);
    (void)bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK);
    spawn_kill(&env->spawn);
    bus_close(&client);
    spawn_start(&env->spawn);
    assert_int_equal(
            TOOL("receipt", "10", "--wait", "--out", mr_tmpdir_path(env->spawn.dir, "new/receipt")), 0);
    assert_int_equal(
            rename(mr_tmpdir_path(env->spawn.dir, "new/receipt"), mr_tmpdir_path(env->spawn.dir, "receipt")),
            0);
    assert_int_equal(verify(env, "receipt", NULL), 0);
    assert_int_equal(TOOL("receipt", "11"), 66);
    assert_true(said(env, "the log ends at 10"));
    spawn_stop(&env->spawn);
    assert_int_equal(TOOL("receipt", "3", "--json"), 0); /* without a hub */
    assert_true(said(env, "\"number\":3,"));
}

static void test_publish_by_the_tool(void **state)
{
    static const char event[] =
            "{\"specversion\":\"1.0\",\"id\":\"t-1\",\"source\":\"urn:marshrut:24:portal\",\"type\":"
            "\"nms.programme.listed.v1\",\"time\":\"2026-11-01T10:00:00Z\",\"regioncode\":\"24\","
            "\"basis\":\"152-fz-6-1\",\"actor\":\"op-1\",\"actorrole\":\"methodist\",\"data\":{"
            "\"programmeId\":\"p-1\",\"title\":\"Курс\",\"kind\":\"PK\",\"hours\":36,\"providerOgrn\":"
            "\"1022402127461\",\"registry\":\"own\",\"listedOn\":\"2026-01-15\"}}\n";
    struct env *env = *state;
    char dir[256];

    (void)snprintf(dir, sizeof dir, "%s", mr_tmpdir_path(env->spawn.dir, "receipts"));
    env->run.input = event;
    assert_int_equal(TOOL("publish", "--receipt", dir), 0);
    assert_int_equal(verify(env, "receipts/1.receipt", NULL), 0);
    assert_true(said(env, "portal"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_sent_when_signed, setup, teardown),
            cmocka_unit_test_setup_teardown(test_sealed, setup, teardown),
            cmocka_unit_test_setup_teardown(test_tampered, setup, teardown),
            cmocka_unit_test_setup_teardown(test_killed_between, setup, teardown),
            cmocka_unit_test_setup_teardown(test_publish_by_the_tool, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
