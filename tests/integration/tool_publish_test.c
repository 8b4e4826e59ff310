/* `marshrut publish` against a real hub: a verdict for every item, a hub that is killed under it, one without
 * space; and what the tool says to wrong calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/buf.h"
#include "proto/base/list.h"
#include "tests/support/spawn.h"

enum { ARGS_MAX = 10, MANY = 3000, FILES_BYTES_SMALL = 16384 };

struct env {
    struct spawn hub;
    char input[160];
    char output[160];
    char errors[160];
    pid_t pid;
};

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    (void)signal(SIGXFSZ, SIG_IGN); /* the hub inherits it: test_no_space() */
    spawn_init(&env->hub, "operators: [{name: ivanova, roles: [auditor]}]\n");
    (void)snprintf(env->input, sizeof env->input, "%s/input", env->hub.dir);
    (void)snprintf(env->output, sizeof env->output, "%s/output", env->hub.dir);
    (void)snprintf(env->errors, sizeof env->errors, "%s/errors", env->hub.dir);
    spawn_start(&env->hub);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    spawn_fini(&env->hub);
    free(env);
    return 0;
}

static char *content(const char *path)
{
    char *text = calloc(1, 1 << 20);
    FILE *file = fopen(path, "re");

    assert_non_null(text);
    assert_non_null(file);
    text[fread(text, 1, (1 << 20) - 1, file)] = 0;
    (void)fclose(file);
    return text;
}

static void redirect(const char *path, int fd)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (file < 0 || dup2(file, fd) < 0)
        _exit(126);
}

/* The words behind `marshrut -c FILE`, NULL at the end. */
static void start(struct env *env, const char *const *words)
{
    const char *argv[ARGS_MAX + 4] = {"marshrut", "-c", env->hub.config};
    pid_t parent = getpid();

    for (size_t i = 0; words[i]; i++) {
        assert_true(i < ARGS_MAX);
        argv[3 + i] = words[i];
    }
    (void)unlink(env->output);
    env->pid = fork();
    assert_true(env->pid >= 0);
    if (env->pid != 0)
        return;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    redirect(env->output, STDOUT_FILENO);
    redirect(env->errors, STDERR_FILENO);
    if (getppid() == parent)
        (void)execv(MR_BIN_DIR "/marshrut", (char *const *)argv);
    _exit(127);
}

static int finish(struct env *env)
{
    int status = 0;

    while (waitpid(env->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int run(struct env *env, const char *const *words)
{
    start(env, words);
    return finish(env);
}

static void put_programme(struct mr_buf *out, const char *id, size_t title_bytes)
{
    char *title = malloc(title_bytes + 1);

    assert_non_null(title);
    memset(title, 'x', title_bytes);
    title[title_bytes] = 0;
    mr_buf_printf(out,
            "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"urn:marshrut:24:portal\",\"type\":\"nms."
            "programme.listed.v1\","
            "\"time\":\"2026-11-01T10:00:00Z\",\"regioncode\":\"24\",\"basis\":\"152-fz-6-1\",\"actor\":"
            "\"op-1\",\"actorrole\":\"methodist\",\"data\":{\"programmeId\":\"p-1\",\"title\":\"",
            id);
    mr_buf_put_str(out, title);
    mr_buf_put_str(out,
            "\",\"kind\":\"PK\",\"hours\":36,\"providerOgrn\":\"1022402127461\",\"registry\":\"own\","
            "\"listedOn\":\"2026-01-15\"}}\n");
    free(title);
}

static void write_input(const struct env *env, struct mr_buf *text)
{
    FILE *file = fopen(env->input, "we");

    assert_non_null(file);
    assert_false(mr_buf_failed(text));
    assert_int_equal(fwrite(text->data, 1, text->size, file), text->size);
    assert_int_equal(fclose(file), 0);
    mr_buf_fini(text);
}

/* The line of output for an item; a new reference. */
static json_t *line_of(const char *output, long long item)
{
    for (const char *at = output; at && *at; at = strchr(at, '\n')) {
        json_t *line;

        at += *at == '\n';
        line = json_loads(at, JSON_DISABLE_EOF_CHECK, NULL);
        if (line && json_integer_value(json_object_get(line, "item")) == item)
            return line;
        json_decref(line);
    }
    fail_msg("no item %lld in: %s", item, output);
    return NULL;
}

static void test_every_item_has_its_verdict(void **state)
{
    static const struct {
        long long item;
        const char *verdict;
        const char *code;
    } wants[] = {{1, "stored", ""}, {2, "refused", "malformed"}, {4, "refused", "event-too-big"},
            {5, "refused", "event-too-big"}, {6, "refused", "event-too-big"}, {7, "stored", ""},
            {8, "refused", "malformed"}, {9, "stored", ""}, {10, "duplicate", ""}};
    struct env *env = *state;
    struct mr_buf text = MR_BUF_INIT;
    char *output;

    put_programme(&text, "i-1", 20);
    mr_buf_put_str(&text, "{\"specversion\":\"1.0\",\"id\":\n\n"); /* and an empty line: item 3 */
    put_programme(&text, "i-4", 60 * 1000);
    put_programme(&text, "i-5", 1000 * 1000);
    put_programme(&text, "i-6", 3 * 1000 * 1000);
    put_programme(&text, "i-7", 20);
    mr_buf_put_str(&text, "{\"specversion\":\"1.0\",\"source\":\"urn:else\"}\n");
    put_programme(&text, "i-9", 20);
    put_programme(&text, "i-1", 20);
    write_input(env, &text);
    assert_int_equal(run(env, (const char *[]){"--json", "publish", env->input, NULL}), 1);
    output = content(env->output);
    for (size_t i = 0; i < MR_COUNT(wants); i++) {
        json_t *line = line_of(output, wants[i].item);
        const char *code = json_string_value(json_object_get(line, "code"));

        assert_string_equal(json_string_value(json_object_get(line, "verdict")), wants[i].verdict);
        assert_string_equal(code ? code : "", wants[i].code);
        if (code) {
            assert_true(json_string_length(json_object_get(line, "reason")) > 0);
            assert_true(json_string_length(json_object_get(line, "cure")) > 0);
        }
        json_decref(line);
    }
    free(output);
}

static bool has_output(void *ctx)
{
    struct env *env = ctx;
    struct stat st;

    return stat(env->output, &st) == 0 && st.st_size > 0;
}

static void put_many(struct env *env, const char *prefix)
{
    struct mr_buf text = MR_BUF_INIT;

    for (int i = 0; i < MANY; i++) {
        char id[32];

        (void)snprintf(id, sizeof id, "%s-%d", prefix, i);
        put_programme(&text, id, 20);
    }
    write_input(env, &text);
}

/* Killed while the tool waits for it; the next one gets the rest, and what was stored twice is told as such.
 */
static void test_hub_is_killed_and_comes_back(void **state)
{
    struct env *env = *state;
    char *output;
    long long lines = 0;
    int status;

    put_many(env, "killed");
    start(env, (const char *[]){"--json", "publish", env->input, NULL});
    spawn_until("the first verdicts", has_output, env);
    spawn_kill(&env->hub);
    spawn_start(&env->hub);
    status = finish(env);
    output = content(env->output);
    if (status != 0) { /* which, and why */
        for (char *save = NULL, *line = strtok_r(output, "\n", &save); line;
                line = strtok_r(NULL, "\n", &save))
            if (!strstr(line, "\"stored\""))
                print_message("%s\n", line);
        fail_msg("marshrut publish ended with %d: %s", status, content(env->errors));
    }
    for (const char *at = output; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, MANY);
    json_decref(line_of(output, MANY));
    free(output);
    assert_int_equal(run(env, (const char *[]){"balance", NULL}), 0);
}

/* The tool asks a hub that stands still, and the hub ends: told at once, not after the answer's timeout. */
static void test_hub_ends_under_a_question(void **state)
{
    struct env *env = *state;
    char *errors;

    assert_int_equal(kill(env->hub.pid, SIGSTOP), 0);
    start(env, (const char *[]){"balance", NULL});
    spawn_kill(&env->hub);
    spawn_start(&env->hub);
    (void)finish(env); /* 75; or 0 when it came only after the hub had ended */
    errors = content(env->errors);
    assert_null(strstr(errors, "neither answered"));
    free(errors);
}

static bool is_read_only(void *ctx)
{
    return spawn_logged(&((struct env *)ctx)->hub, "event=hub.read_only");
}

static bool is_writable(void *ctx)
{
    return spawn_logged(&((struct env *)ctx)->hub, "event=hub.writable");
}

/* No commit of the hub's own is to come: else it, and not the publisher, would find that there is no space.
 */
static bool is_signed(void *ctx)
{
    struct env *env = ctx;
    char *text;
    json_t *status;
    bool all;

    if (run(env, (const char *[]){"--json", "status", NULL}) != 0)
        return false;
    text = content(env->output);
    status = json_loads(text, 0, NULL);
    all = status && json_integer_value(json_object_get(status, "head")) ==
                            json_integer_value(json_object_get(status, "signed"));
    json_decref(status);
    free(text);
    return all;
}

static void limit_files(struct env *env, rlim_t bytes)
{
    struct rlimit limit = {bytes, RLIM_INFINITY};

    assert_int_equal(prlimit(env->hub.pid, RLIMIT_FSIZE, &limit, NULL), 0);
}

static void test_no_space(void **state)
{
    struct env *env = *state;
    struct mr_buf text = MR_BUF_INIT;
    struct env second = *env;
    char *errors;

    put_programme(&text, "full-1", 20);
    write_input(env, &text);
    spawn_until("a checkpoint of all", is_signed, env);
    limit_files(env, FILES_BYTES_SMALL);
    start(env, (const char *[]){"publish", env->input, NULL}); /* this one finds out, and waits */
    spawn_until("hub.read_only", is_read_only, env);
    (void)snprintf(second.input, sizeof second.input, "%s/input2", env->hub.dir);
    (void)snprintf(second.output, sizeof second.output, "%s/output2", env->hub.dir);
    put_programme(&text, "full-2", 20);
    write_input(&second, &text);
    assert_int_equal(run(&second, (const char *[]){"publish", second.input, NULL}), 75);
    errors = content(second.errors);
    assert_non_null(strstr(errors, "the hub has no space and takes nothing now"));
    assert_non_null(strstr(errors, "free space; it goes on by itself"));
    free(errors);
    limit_files(env, RLIM_INFINITY);
    assert_int_equal(finish(env), 0);
    spawn_until("hub.writable", is_writable, env); /* the answer may come a moment before */
    assert_int_equal(run(&second, (const char *[]){"publish", second.input, NULL}), 0);
    errors = content(second.output);
    assert_non_null(strstr(errors, "1: stored")); /* nothing of it was taken before */
    free(errors);
}

static void test_wrong_calls(void **state)
{
    static const struct {
        const char *words[5];
        int code;
        const char *text;
    } cases[] = {{{"publish", "/tmp"}, 65, "this is a folder"},
            {{"publish", "/no/such/file"}, 66, "cannot open"},
            {{"publish", "--system", "nobody", "/dev/null"}, 65, "no system 'nobody'"},
            {{"tail", "--from", "99999999999999999999"}, 64, "--from takes"},
            {{"tail", "--type", "nms.course.finishd.v1"}, 65, "nms.course.finished.v1"},
            {{"tail", "--type", "nms.course"}, 65, "'nms.course.'"},
            {{"tail", "--type", "nms.course."}, 0, ""},
            {{"log", "show", "99999999999999999999"}, 64, "show takes"},
            {{"--as", "nobody", "passport", "submit"}, 77, "no operator 'nobody'"},
            {{"--as", "ivanova", "passport", "submit"}, 77, "--as"},
            {{"map", "check", "--kind", "school", "/dev/null"}, 65, "--folder ОГРН"},
            {{"tail", "--from", "\x1b[2J"}, 64, "\\x1b[2J"}, {{"up", "--help"}, 0, ""},
            {{"config", "check"}, 0, ""}};
    struct env *env = *state;

    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        const char *words[6] = {0};
        char *errors;
        int code;

        memcpy(words, cases[i].words, sizeof cases[i].words);
        code = run(env, words);
        errors = content(env->errors);
        if (code != cases[i].code || !strstr(errors, cases[i].text))
            fail_msg("%s %s %s: exit %d: %s", words[0], words[1], words[2] ? words[2] : "", code, errors);
        free(errors);
    }
}

/* A key of another pair, one that others may read, and one that is not here. */
static void test_config_looks_at_the_keys(void **state)
{
    struct env *env = *state;
    char key[160], kept[160];
    char *errors;

    (void)snprintf(key, sizeof key, "%s/hub.key", env->hub.dir);
    (void)snprintf(kept, sizeof kept, "%s/kept.key", env->hub.dir);
    assert_int_equal(chmod(key, 0644), 0);
    assert_int_equal(run(env, (const char *[]){"config", "check", NULL}), 78);
    assert_int_equal(chmod(key, 0600), 0);
    assert_int_equal(rename(key, kept), 0);
    assert_int_equal(run(env, (const char *[]){"config", "check", NULL}), 0);
    errors = content(env->errors);
    assert_non_null(strstr(errors, "on another machine?"));
    free(errors);
    assert_int_equal(run(env, (const char *[]){"keys", "new", key, NULL}), 0);
    assert_int_equal(run(env, (const char *[]){"config", "check", NULL}), 78);
    errors = content(env->errors);
    assert_non_null(strstr(errors, "does not belong to the public_key"));
    free(errors);
    assert_int_equal(rename(kept, key), 0);
    assert_int_equal(run(env, (const char *[]){"config", "check", NULL}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_item_has_its_verdict),
            cmocka_unit_test(test_wrong_calls), cmocka_unit_test(test_config_looks_at_the_keys),
            cmocka_unit_test(test_no_space), cmocka_unit_test(test_hub_ends_under_a_question),
            cmocka_unit_test(test_hub_is_killed_and_comes_back)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
