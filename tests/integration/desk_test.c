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
static int tool_as(
        struct spawn *spawn, const char *name, const char *input, json_t **ret, const char *const *words)
{
    const char *argv[WORDS_MAX + 6] = {"marshrut", "-c", spawn->config, "--json", "--as", name};
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

static int tool(struct spawn *spawn, const char *input, json_t **ret, const char *const *words)
{
    return tool_as(spawn, "desk", input, ret, words);
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
    assert_int_equal(tool(spawn, NULL, NULL, WORDS("rebuild", "--check")), 0);
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
    assert_int_equal(tool(spawn, NULL, NULL,
                             WORDS("quarantine", "show", "3", "--reason", "correction", "--case", "17")),
            65);
    check_ended(spawn);
}

/* ---- corrected by two ---- */

#define FIX                                                                                                  \
    WORDS("quarantine", "fix", "3", "--set", "person.snils=08765430300", "--set",                            \
            "severity=SEVERITY_SEVERE", "--reason", "case-7")

/* "3:4", as approve has it, of the one correction that is proposed. */
static const char *proposal(struct spawn *spawn, char out[static 48])
{
    json_t *list = NULL, *row;

    assert_int_equal(tool(spawn, NULL, &list, WORDS("quarantine", "list", "--proposed")), 0);
    row = json_array_get(json_object_get(list, "events"), 0);
    (void)snprintf(out, 48, "%lld:%lld", (long long)number_of(row, "number"),
            (long long)number_of(json_object_get(row, "proposal"), "event"));
    json_decref(list);
    return out;
}

static json_int_t proposals(struct spawn *spawn)
{
    json_t *list = NULL;
    json_int_t count;

    assert_int_equal(tool(spawn, NULL, &list, WORDS("quarantine", "list", "--proposed")), 0);
    count = number_of(list, "count");
    json_decref(list);
    return count;
}

static void check_corrected(struct spawn *spawn)
{
    assert_int_equal(proposals(spawn), 0);
    assert_int_equal(count_in_state(spawn, "waiting"), 1);
    assert_int_equal(count_in_state(spawn, "released"), 1);
    assert_int_equal(count_of_type(spawn, "nms.deficit.identified.v1"), 2);
    assert_int_equal(count_of_type(spawn, "hub.event.released.v1"), 1);
    assert_int_equal(tool(spawn, NULL, NULL, WORDS("balance")), 0);
}

static void test_corrected_by_two(void **state)
{
    struct spawn *spawn = *state;
    char seen[48];
    json_t *answer = NULL;

    spawn_start(spawn);
    fill(spawn);
    assert_int_equal(tool(spawn, NULL, &answer, FIX), 0);
    assert_int_equal(json_array_size(json_object_get(answer, "fields")), 2);
    json_decref(answer);
    assert_int_equal(tool(spawn, NULL, NULL, FIX), 73); /* one at a time */
    spawn_kill(spawn);
    spawn_start(spawn);
    assert_int_equal(proposals(spawn), 1);
    (void)proposal(spawn, seen);
    assert_int_equal(tool_as(spawn, "auditor", NULL, NULL, WORDS("quarantine", "approve", seen)), 77);
    assert_int_equal(tool(spawn, NULL, NULL, WORDS("quarantine", "approve", seen)), 1); /* who proposed it */
    assert_int_equal(tool_as(spawn, "second", NULL, NULL, WORDS("quarantine", "approve", "3:1")), 73);
    assert_int_equal(tool_as(spawn, "second", NULL, &answer,
                             WORDS("quarantine", "show", "3", "--reason", "correction", "--case", "17")),
            0);
    assert_string_equal(
            json_string_value(json_object_get(
                    json_object_get(
                            json_object_get(
                                    json_object_get(json_object_get(answer, "proposal"), "proposed"), "data"),
                            "person"),
                    "snils")),
            "08765430300");
    json_decref(answer);
    assert_int_equal(tool_as(spawn, "second", NULL, NULL, WORDS("quarantine", "approve", seen)), 0);
    check_corrected(spawn);
}

#ifdef MR_FAULT_POINTS

/* Killed at the first hit of the point after the question; then asked again. The exit status of that. */
static int killed_as(struct spawn *spawn, const char *name, const char *point, const char *const *words)
{
    char fault[96];
    const char *const environment[] = {fault, NULL};
    int status;

    (void)snprintf(fault, sizeof fault, "MR_FAULT=%s:1:kill", point);
    spawn_stop(spawn);
    spawn->environment = environment;
    spawn_start(spawn);
    spawn->environment = NULL;
    assert_int_not_equal(tool_as(spawn, name, NULL, NULL, words), 0);
    status = spawn_wait(spawn);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    spawn_start(spawn);
    return tool_as(spawn, name, NULL, NULL, words);
}

/* 1: it was done already. */
static void killed_at(struct spawn *spawn, const char *point, const char *const *words)
{
    int status = killed_as(spawn, "desk", point, words);

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
        assert_int_equal(tool(spawn, NULL, NULL,
                                 WORDS("quarantine", "show", "3", "--reason", "correction", "--case", "17")),
                65);
        spawn_fini(spawn);
        spawn_init(spawn, OPERATORS);
    }
}

/* A correction that is killed at each of its steps: proposed, rejected, proposed again, approved. */
static void test_correction_killed_at_each_step(void **state)
{
    static const struct {
        const char *proposed, *rejected, *approved;
    } points[] = {{"store.commit.before", "desk.rejected", "desk.corrected"},
            {"store.commit.after", "desk.emptied", "store.commit.after"},
            {"desk.proposed", "store.commit.before", "desk.emptied"}};
    struct spawn *spawn = *state;

    for (size_t i = 0; i < MR_COUNT(points); i++) {
        char seen[48];
        int status;

        spawn_start(spawn);
        fill(spawn);
        status = killed_as(spawn, "desk", points[i].proposed, FIX);
        assert_true(status == 0 || status == 73); /* it was proposed already */
        assert_int_equal(proposals(spawn), 1);
        killed_at(spawn, points[i].rejected, WORDS("quarantine", "reject", "3", "--reason", "case-8"));
        assert_int_equal(proposals(spawn), 0);
        assert_int_equal(tool(spawn, NULL, NULL, FIX), 0);
        status = killed_as(
                spawn, "second", points[i].approved, WORDS("quarantine", "approve", proposal(spawn, seen)));
        assert_true(status == 0 || status == 1);
        check_corrected(spawn);
        spawn_fini(spawn);
        spawn_init(spawn, OPERATORS);
    }
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_in_one_go, setup, teardown),
            cmocka_unit_test_setup_teardown(test_corrected_by_two, setup, teardown),
#ifdef MR_FAULT_POINTS
            cmocka_unit_test_setup_teardown(test_killed_at_each_step, setup, teardown),
            cmocka_unit_test_setup_teardown(test_correction_killed_at_each_step, setup, teardown),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
