/*
 * The desk beside a full intake, and a hub that is killed in the middle: corrections by two, discards by
 * filter, what waited behind. Afterwards the balance adds up, everything is said once, and the order of each
 * key is that of the log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/wire/ident.h"
#include "tests/support/run_program.h"
#include "tests/support/spawn.h"

#define OPERATORS "operators: [{name: desk, roles: [pd-officer]}, {name: second, roles: [cnppm]}]\n"
#define DEFICIT                                                                                              \
    "{\"specversion\":\"1.0\",\"id\":\"%s-%d\",\"source\":\"urn:marshrut:24:copmkp\",\"type\":"              \
    "\"nms.deficit.identified.v1\",\"time\":\"2026-03-02T09:00:00Z\",\"regioncode\":\"24\",\"basis\":"       \
    "\"152-fz-6-1\",\"actor\":\"op-1\",\"actorrole\":\"expert\",\"data\":{\"person\":{\"localId\":\"t-%d\"," \
    "\"snils\":\"%s\"},\"deficitId\":\"%s-%d\",\"area\":\"ict\",\"severity\":\"SEVERITY_MODERATE\","         \
    "\"identifiedOn\":\"2026-03-01\"}}\n"
#define PROGRAMME                                                                                            \
    "{\"specversion\":\"1.0\",\"id\":\"p-%d\",\"source\":\"urn:marshrut:24:portal\",\"type\":"               \
    "\"nms.programme.listed.v1\",\"time\":\"2026-09-01T09:00:00Z\",\"regioncode\":\"24\",\"data\":"          \
    "{\"programmeId\":\"p-%d\",\"title\":\"x\",\"kind\":\"PK\",\"hours\":72,"                                \
    "\"providerOgrn\":\"1022400001007\",\"registry\":\"own\"}}\n"

enum { KEYS = 12, FIXED = 4, WORDS_MAX = 16, LOAD = 20000, PATIENCE_S = 300 };
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

struct env {
    struct spawn spawn;
    json_int_t first[KEYS], second[KEYS], third[KEYS]; /* log numbers of each key's events */
    json_int_t proposals[FIXED];                       /* events of those of `first` */
};

/* ---- programs ---- */

static json_t *all_lines(const char *text)
{
    json_t *list = json_array();

    while (*text) {
        json_t *line = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
        const char *end = strchr(text, '\n');

        if (line)
            (void)json_array_append_new(list, line);
        text = end ? end + 1 : "";
    }
    return list;
}

/* Its exit status; *ret (may be NULL) gets its documents. */
static int tool(struct env *env, const char *name, const char *input, json_t **ret, const char *const *words)
{
    const char *argv[WORDS_MAX + 7] = {"marshrut", "-c", env->spawn.config, "--json", "--as", name};
    struct run_program run = {.input = input, .seconds_max = PATIENCE_S};
    int status;

    for (size_t i = 0; words[i]; i++)
        argv[6 + i] = words[i];
    run_program(&run, argv);
    status = run.status;
    if (ret)
        *ret = all_lines(run_program_out(&run));
    run_program_fini(&run);
    return status;
}

/* The same beside the test: its process. */
static pid_t start_tool(struct env *env, const char *name, const char *input, const char *const *words)
{
    const char *argv[WORDS_MAX + 7] = {"marshrut", "-c", env->spawn.config, "--json", "--as", name};
    int in = open(input, O_RDONLY | O_CLOEXEC), out = open("/dev/null", O_WRONLY | O_CLOEXEC);
    pid_t pid;

    for (size_t i = 0; words[i]; i++)
        argv[6 + i] = words[i];
    assert_true(in >= 0 && out >= 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(out, STDERR_FILENO) >= 0)
            (void)execv(MR_BIN_DIR "/marshrut", (char *const *)argv);
        _exit(127);
    }
    (void)close(in);
    (void)close(out);
    return pid;
}

static int wait_tool(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- what there is ---- */

static json_int_t number_of(const json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

static json_t *rows(struct env *env, const char *state)
{
    json_t *lines, *list;

    assert_int_equal(tool(env, "desk", NULL, &lines, WORDS("quarantine", "list", "--state", state)), 0);
    list = json_incref(json_object_get(json_array_get(lines, 0), "events"));
    json_decref(lines);
    return list;
}

static size_t count_rows(struct env *env, const char *state)
{
    json_t *list = rows(env, state);
    size_t count = json_array_size(list);

    json_decref(list);
    return count;
}

static json_int_t count_of_type(struct env *env, const char *type)
{
    json_t *lines;
    json_int_t count;

    assert_int_equal(tool(env, "desk", NULL, &lines, WORDS("log", "find", "--type", type, "--count")), 0);
    count = number_of(json_array_get(lines, 0), "found");
    json_decref(lines);
    return count;
}

/* ---- the scene: of each key one with a wrong СНИЛС, and two that wait behind it ---- */

static const char *snils_of(int key, bool right, char out[static 12])
{
    int check;

    (void)snprintf(out, 12, "%09d", 112300000 + key);
    check = mr_ident_snils_check(out);
    (void)snprintf(out + 9, 3, "%02d", right ? check : (check + 1) % 100);
    return out;
}

static void fill(struct env *env)
{
    static const char *const names[] = {"first", "second", "third"};
    json_int_t *const numbers[] = {env->first, env->second, env->third};
    struct mr_buf text = MR_BUF_INIT;
    char line[1024], snils[12];
    json_t *lines;

    for (size_t n = 0; n < 3; n++)
        for (int key = 0; key < KEYS; key++) {
            (void)snprintf(line, sizeof line, DEFICIT, names[n], key, key, snils_of(key, n > 0, snils),
                    names[n], key);
            mr_buf_put_str(&text, line);
        }
    assert_int_equal(tool(env, "desk", mr_buf_str(&text), &lines, WORDS("publish")), 1);
    mr_buf_fini(&text);
    for (size_t n = 0; n < 3; n++)
        for (int key = 0; key < KEYS; key++)
            numbers[n][key] = number_of(json_array_get(lines, n * KEYS + (size_t)key), "number");
    json_decref(lines);
    assert_int_equal(count_rows(env, "waiting"), 3 * KEYS);
}

static void write_load(struct env *env, char path[static PATH_MAX])
{
    FILE *file;

    (void)snprintf(path, PATH_MAX, "%s/load.ndjson", env->spawn.dir);
    file = fopen(path, "we");
    assert_non_null(file);
    for (int i = 0; i < LOAD; i++)
        (void)fprintf(file, PROGRAMME, i, i);
    assert_int_equal(fclose(file), 0);
}

static void propose(struct env *env, int key)
{
    char number[24], field[64], snils[12];
    json_t *answers = NULL;

    (void)snprintf(number, sizeof number, "%lld", (long long)env->first[key]);
    (void)snprintf(field, sizeof field, "person.snils=%s", snils_of(key, true, snils));
    assert_int_equal(tool(env, "desk", NULL, &answers,
                             WORDS("quarantine", "fix", number, "--set", field, "--reason", "case-7")),
            0);
    env->proposals[key] = number_of(json_array_get(answers, 0), "event");
    json_decref(answers);
}

static int approve(struct env *env)
{
    char numbers[FIXED][48];
    const char *words[FIXED + 3] = {"quarantine", "approve"};

    for (int i = 0; i < FIXED; i++) {
        (void)snprintf(numbers[i], sizeof numbers[i], "%lld:%lld", (long long)env->first[i],
                (long long)env->proposals[i]);
        words[2 + i] = numbers[i];
    }
    return tool(env, "second", NULL, NULL, words);
}

static bool nothing_waits(void *ctx)
{
    return count_rows(ctx, "waiting") == 0;
}

/* Has the hub done a part of them? It is killed then, wherever it is. */
static bool some_are_discarded(void *ctx)
{
    return count_rows(ctx, "discarded") > 0;
}

static json_int_t released_as(const json_t *list, json_int_t number)
{
    json_t *row;
    size_t i;

    json_array_foreach (list, i, row)
        if (number_of(row, "number") == number)
            return number_of(row, "replaced_by");
    fail_msg("No. %lld was not released", (long long)number);
    return 0;
}

static void check_order(struct env *env)
{
    json_t *list = rows(env, "released");

    for (int key = 0; key < KEYS; key++) {
        json_int_t second = released_as(list, env->second[key]), third = released_as(list, env->third[key]);

        assert_true(second < third);
        if (key < FIXED)
            assert_true(released_as(list, env->first[key]) < second);
    }
    json_decref(list);
}

static void desk_beside_intake_and_kill(void **state)
{
    struct env *env = *state;
    const char *const discard[] = {
            "quarantine", "discard", "--code", "snils-checkdigit", "--reason", "case-9", NULL};
    char load[PATH_MAX];
    pid_t intake, desk;

    fill(env);
    write_load(env, load);
    intake = start_tool(env, "desk", load, WORDS("publish"));
    for (int key = 0; key < FIXED; key++)
        propose(env, key);
    assert_int_equal(approve(env), 0);
    desk = start_tool(env, "desk", "/dev/null", discard);
    spawn_until("some are discarded", some_are_discarded, env);
    spawn_kill(&env->spawn);
    spawn_start(&env->spawn);
    (void)wait_tool(desk);
    assert_int_equal(approve(env), 1); /* they were, once */
    assert_int_equal(tool(env, "desk", NULL, NULL, discard), 0);
    spawn_until("nothing waits", nothing_waits, env);
    assert_int_equal(wait_tool(intake), 0);

    assert_int_equal(count_rows(env, "discarded"), KEYS - FIXED);
    assert_int_equal(count_rows(env, "released"), 2 * KEYS + FIXED);
    assert_int_equal(count_of_type(env, "hub.event.released.v1"), 2 * KEYS + FIXED);
    assert_int_equal(count_of_type(env, "hub.event.discarded.v1"), KEYS - FIXED);
    assert_int_equal(count_of_type(env, "hub.correction.proposed.v1"), FIXED);
    assert_int_equal(count_of_type(env, "nms.programme.listed.v1"), LOAD);
    check_order(env);
    assert_int_equal(tool(env, "desk", NULL, NULL, WORDS("balance")), 0);
}

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    spawn_init(&env->spawn, OPERATORS);
    spawn_start(&env->spawn);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    spawn_fini(&env->spawn);
    free(env);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(desk_beside_intake_and_kill, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
