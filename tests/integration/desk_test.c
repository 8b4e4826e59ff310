/* `marshrut quarantine` against a real hub that is killed at each step: every event is there once, and the
 * balance adds up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "proto/base/list.h"
#include "tests/support/run_program.h"
#include "tests/support/spawn.h"

#define OPERATORS                                                                                            \
    "operators: [{name: desk, roles: [pd-officer]}, {name: second, roles: [pd-officer]},\n"                  \
    "  {name: auditor, roles: [auditor]}]\n"
#define EVENT(id, person)                                                                                    \
    "{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"urn:marshrut:24:copmkp\",\"type\":"             \
    "\"nms.deficit.identified.v1\",\"time\":\"2026-03-02T09:00:00Z\",\"regioncode\":\"24\",\"basis\":"       \
    "\"152-fz-6-1\",\"actor\":\"op-1\",\"actorrole\":\"expert\",\"data\":{\"person\":{" person               \
    "},\"deficitId\":\"d-1\",\"area\":\"ict\",\"severity\":\"SEVERITY_MODERATE\",\"identifiedOn\":"          \
    "\"2026-03-01\"}}\n"

enum { WORDS_MAX = 20 };
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static int setup(void **state)
{
    struct spawn *spawn = calloc(1, sizeof *spawn);

    spawn_init(spawn, OPERATORS);
    *state = spawn;
    return 0;
}

static int teardown(void **state)
{
    spawn_fini(*state);
    free(*state);
    return 0;
}

/* Its exit status; the last document that it printed goes to *ret when that is not NULL. */
static int tool(struct spawn *spawn, const char *input, json_t **ret, const char *const *words)
{
    const char *argv[WORDS_MAX + 6] = {"marshrut", "-c", spawn->config, "--json", "--as", "desk"};
    struct run_program run = {.input = input};
    const char *line;

    for (size_t i = 0; words[i]; i++)
        argv[6 + i] = words[i];
    run_program(&run, argv);
    line = run_program_out(&run);
    while (ret && strchr(line, '\n') && strchr(line, '\n')[1])
        line = strchr(line, '\n') + 1;
    if (ret)
        *ret = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
    if (run.status != 0)
        print_message("%s: %d: %s%s", words[0], run.status, run_program_out(&run), run_program_err(&run));
    run_program_fini(&run);
    return run.status;
}

static json_int_t number_of(const json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

static json_int_t count_in_state(struct spawn *spawn, const char *state)
{
    json_t *list = NULL;
    json_int_t count;

    assert_int_equal(tool(spawn, NULL, &list, WORDS("quarantine", "list", "--state", state)), 0);
    count = number_of(list, "count");
    json_decref(list);
    return count;
}

static json_int_t count_of_type(struct spawn *spawn, const char *type)
{
    json_t *found = NULL;
    json_int_t count;

    assert_int_equal(tool(spawn, NULL, &found, WORDS("log", "find", "--type", type, "--count")), 0);
    count = number_of(found, "found");
    json_decref(found);
    return count;
}

/* One that waits for its person, who then comes; and one that is wrong for good. */
static void fill(struct spawn *spawn)
{
    (void)tool(spawn, EVENT("e-1", "\"localId\":\"t-1\""), NULL, WORDS("publish"));
    assert_int_equal(tool(spawn, EVENT("who", "\"localId\":\"t-1\",\"snils\":\"11223344595\""), NULL,
                             WORDS("publish")),
            0);
    (void)tool(spawn, EVENT("e-2", "\"localId\":\"t-2\",\"snils\":\"11223344594\""), NULL, WORDS("publish"));
    assert_int_equal(count_in_state(spawn, "waiting"), 2);
}

static void check_ended(struct spawn *spawn)
{
    assert_int_equal(count_in_state(spawn, "waiting"), 0);
    assert_int_equal(count_in_state(spawn, "released"), 1);
    assert_int_equal(count_in_state(spawn, "discarded"), 1);
    assert_int_equal(count_of_type(spawn, "nms.deficit.identified.v1"), 2);
    assert_int_equal(count_of_type(spawn, "hub.event.released.v1"), 1);
    assert_int_equal(count_of_type(spawn, "hub.event.discarded.v1"), 1);
    assert_int_equal(tool(spawn, NULL, NULL, WORDS("balance")), 0);
}

static void test_in_one_go(void **state)
{
    struct spawn *spawn = *state;

    spawn_start(spawn);
    fill(spawn);
    assert_int_equal(tool(spawn, NULL, NULL, WORDS("quarantine", "release", "1", "--reason", "came")), 0);
    assert_int_equal(tool(spawn, NULL, NULL, WORDS("quarantine", "discard", "3", "--reason", "case-7")), 0);
    check_ended(spawn);
    assert_int_equal(tool(spawn, NULL, NULL, WORDS("quarantine", "release", "1", "--reason", "again")), 1);
    assert_int_equal(tool(spawn, NULL, NULL, WORDS("quarantine", "show", "3", "--case", "17")), 65);
    check_ended(spawn);
}

#ifdef MR_FAULT_POINTS

/* Killed at the first hit of the point after the question; then asked again. 1: it was done already. */
static void killed_at(struct spawn *spawn, const char *point, const char *const *words)
{
    char fault[96];
    const char *const environment[] = {fault, NULL};
    int status;

    (void)snprintf(fault, sizeof fault, "MR_FAULT=%s:1:kill", point);
    spawn_stop(spawn);
    spawn->environment = environment;
    spawn_start(spawn);
    spawn->environment = NULL;
    assert_int_not_equal(tool(spawn, NULL, NULL, words), 0);
    status = spawn_wait(spawn);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    spawn_start(spawn);
    status = tool(spawn, NULL, NULL, words);
    assert_true(status == 0 || status == 1);
}

static void test_killed_at_each_step(void **state)
{
    static const char *const points[] = {
            "store.fill.before", "store.commit.before", "store.commit.after", "store.done.before"};
    struct spawn *spawn = *state;

    for (size_t i = 0; i < MR_COUNT(points); i++) {
        spawn_start(spawn);
        fill(spawn);
        killed_at(spawn, points[i], WORDS("quarantine", "release", "1", "--reason", "came"));
        killed_at(spawn, i == 0 ? "desk.discarded" : points[i],
                WORDS("quarantine", "discard", "3", "--reason", "case-7"));
        check_ended(spawn);
        assert_int_equal(tool(spawn, NULL, NULL, WORDS("quarantine", "show", "3", "--case", "17")), 65);
        spawn_fini(spawn);
        spawn_init(spawn, OPERATORS);
    }
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_in_one_go, setup, teardown),
#ifdef MR_FAULT_POINTS
            cmocka_unit_test_setup_teardown(test_killed_at_each_step, setup, teardown),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
