/*
 * Thousands that wait for correction: acted on by filter, whatever becomes of the hub meanwhile; and one that
 * holds back hundreds of its person is over, and they follow in their order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/bus_client.h"
#include "tests/support/config_env.h"

#define WRONG "11223344594" /* its check digits are not right */
#define RIGHT "11223344595"
#define SUB   "cnppm-deficits"

/* An act takes 1,000 in one question. */
enum { WAITING = 1100, SOME = 50, BEHIND = 400, EVENT_BYTES = 1024, CREDIT = 1000 };

static int setup(void **state)
{
    static struct spawn spawn;

    spawn_init(&spawn, CONFIG_ENV_OPERATORS);
    spawn_start(&spawn);
    *state = &spawn;
    return 0;
}

static int teardown(void **state)
{
    spawn_fini(*state);
    return 0;
}

static void put_event(struct mr_buf *out, const char *id, int i, const char *local, const char *snils)
{
    char text[EVENT_BYTES];

    (void)snprintf(text, sizeof text,
            "{\"specversion\":\"1.0\",\"id\":\"%s-%d\",\"source\":\"urn:marshrut:24:copmkp\",\"type\":"
            "\"nms.deficit.identified.v1\",\"time\":\"2026-03-01T09:00:00Z\",\"regioncode\":\"24\","
            "\"basis\":\"education\",\"actor\":\"test\",\"actorrole\":\"system\","
            "\"data\":{\"person\":{\"localId\":\"%s\",\"snils\":\"%s\",\"familyName\":\"Петрова\"},"
            "\"deficitId\":\"D-%d\",\"area\":\"ict\",\"identifiedOn\":\"2026-03-01\"}}\n",
            id, i, local, snils, i);
    mr_buf_put_str(out, text);
}

/* All of them wait. */
static void publish(const struct spawn *spawn, struct mr_buf *events)
{
    const char *argv[] = {"marshrut", "-c", spawn->config, "publish", NULL};
    struct run_program run = {.input = mr_buf_str(events)};

    run_program(&run, argv);
    assert_int_equal(run.status, 1);
    assert_non_null(strstr(run_program_out(&run), "0 stored now or before, "));
    assert_non_null(strstr(run_program_out(&run), " 0 refused"));
    run_program_fini(&run);
    mr_buf_fini(events);
}

static json_int_t waiting(const struct spawn *spawn, const char *code)
{
    json_t *json = config_env_json(spawn, CONFIG_ENV_ARGS("--json", "quarantine", "list", "--code", code));
    json_int_t count = json_integer_value(json_object_get(json, "count"));

    json_decref(json);
    return count;
}

static pid_t begin_discard(const struct spawn *spawn)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (freopen("/dev/null", "w", stdout) && freopen("/dev/null", "w", stderr))
            (void)execl(MR_BIN_DIR "/marshrut", "marshrut", "-c", spawn->config, "--as", "boss", "quarantine",
                    "discard", "--code", "snils-checkdigit", "--reason", "case-7", (char *)NULL);
        _exit(127);
    }
    return pid;
}

static bool some_are_done(void *ctx)
{
    return waiting(ctx, "snils-checkdigit") <= WAITING - SOME;
}

static void check_balance(const struct spawn *spawn, json_int_t discarded)
{
    json_t *json = config_env_json(spawn, CONFIG_ENV_ARGS("--json", "balance"));
    const json_t *desk = json_array_get(json_object_get(json, "quarantine"), 0);

    assert_true(json_is_true(json_object_get(json, "ok")));
    assert_int_equal(json_integer_value(json_object_get(desk, "discarded")), discarded);
    json_decref(json);
}

/* Each is a commit of its own: what was done before the hub was killed is done, and the same command does the
 * rest. */
static void a_hub_is_killed_meanwhile(void **state)
{
    struct spawn *spawn = *state;
    struct mr_buf events = MR_BUF_INIT;
    json_int_t left;
    char local[32], said[64];
    pid_t pid;

    for (int i = 0; i < WAITING; i++) {
        (void)snprintf(local, sizeof local, "t-%d", i);
        put_event(&events, "m", i, local, WRONG);
    }
    publish(spawn, &events);
    pid = begin_discard(spawn);
    spawn_until("some are discarded", some_are_done, spawn);
    spawn_kill(spawn);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    spawn_start(spawn);
    left = waiting(spawn, "snils-checkdigit");
    assert_in_range(left, 0, WAITING - SOME);
    check_balance(spawn, WAITING - left);
    (void)snprintf(said, sizeof said, "%lld done, 0 not done", (long long)left);
    config_env_tool(spawn, 0, said,
            CONFIG_ENV_ARGS("--as", "boss", "quarantine", "discard", "--code", "snils-checkdigit", "--reason",
                    "case-7"));
    assert_int_equal(waiting(spawn, "snils-checkdigit"), 0);
    check_balance(spawn, WAITING);
}

static bool none_is_behind(void *ctx)
{
    return waiting(ctx, "behind") == 0;
}

/* In the order in which they were sent. */
static void receive_all(const struct spawn *spawn)
{
    struct bus_client client;
    int next = 1;

    bus_connect_as(&client, spawn, SPAWN_CNPPM);
    (void)bus_hello(&client, 0, 0);
    bus_subscribe(&client, SUB, CREDIT, 0);
    while (next <= BEHIND) {
        const Marshrut__Bus__V1__Deliver *deliver =
                bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER)->deliver;
        uint64_t last = deliver->items[deliver->n_items - 1]->number;

        for (size_t i = 0; i < deliver->n_items; i++, next++) {
            char id[32];

            (void)snprintf(id, sizeof id, "b-%d", next);
            assert_non_null(
                    memmem(deliver->items[i]->event.data, deliver->items[i]->event.len, id, strlen(id)));
        }
        bus_ack(&client, SUB, last);
    }
    bus_close(&client);
}

static void hundreds_follow_one_in_their_order(void **state)
{
    struct spawn *spawn = *state;
    struct mr_buf events = MR_BUF_INIT;

    for (int i = 0; i <= BEHIND; i++)
        put_event(&events, "b", i, "one", i == 0 ? WRONG : RIGHT);
    publish(spawn, &events);
    assert_int_equal(waiting(spawn, "behind"), BEHIND);
    config_env_tool(spawn, 1, "0 done, 400 not done",
            CONFIG_ENV_ARGS(
                    "--as", "boss", "quarantine", "release", "--code", "behind", "--reason", "case-7"));
    config_env_tool(spawn, 0, "1 done, 0 not done",
            CONFIG_ENV_ARGS("--as", "boss", "quarantine", "discard", "--code", "snils-checkdigit", "--reason",
                    "case-7"));
    spawn_until("all have followed", none_is_behind, spawn);
    receive_all(spawn);
    check_balance(spawn, WAITING + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_hub_is_killed_meanwhile),
            cmocka_unit_test(hundreds_follow_one_in_their_order)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
