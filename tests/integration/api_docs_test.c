/*
 * Each curl line of docs/api.md, run as it stands there against a hub, in the order of the document; what
 * comes back has every member that the document shows. Exit 77: there is no curl here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/support/api_env.h"

#define ADDRESS "http://127.0.0.1:7410"

enum { LINE_BYTES = 2048, LINES_MAX = 16, SKIPPED = 77, TIMED_OUT = 28 };

struct env {
    struct api_env api;
    char portal[API_TOKEN_BYTES], cnppm[API_TOKEN_BYTES];
    char number[32]; /* of what the inbox gave last */
};

/* A line of the document and the one that it shows as the answer. */
struct line {
    char command[LINE_BYTES], answer[LINE_BYTES];
};

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);
    api_env_open(&env->api, "operators: [{name: boss, roles: [admin]}]\n", "");
    api_env_token(&env->api, "read,publish", "portal", env->portal, NULL);
    api_env_token(&env->api, "pull", "cnppm", env->cnppm, NULL);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    api_env_close(&env->api);
    free(env);
    return 0;
}

/* The file that lines send: another event for each of them. */
static void write_event(const struct env *env, size_t line)
{
    char path[160], event[API_EVENT_BYTES], id[32];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/event.json", env->api.spawn.dir);
    (void)snprintf(id, sizeof id, "of-line-%zu", line);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(api_programme(event, id), file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static size_t read_lines(struct line lines[static LINES_MAX])
{
    FILE *file = fopen(MR_SOURCE_DIR "/docs/api.md", "re");
    char text[LINE_BYTES];
    size_t count = 0;

    assert_non_null(file);
    while (fgets(text, sizeof text, file)) {
        text[strcspn(text, "\n")] = '\0';
        if (strncmp(text, "$ curl ", 7) != 0)
            continue;
        assert_true(count < LINES_MAX);
        (void)snprintf(lines[count].command, LINE_BYTES, "%s", text + 2);
        assert_non_null(fgets(lines[count].answer, LINE_BYTES, file));
        count++;
    }
    (void)fclose(file);
    return count;
}

static void replace(char text[static LINE_BYTES], const char *what, const char *with)
{
    char *at = strstr(text, what), rest[LINE_BYTES];

    if (!at)
        return;
    (void)snprintf(rest, sizeof rest, "%s", at + strlen(what));
    (void)snprintf(at, LINE_BYTES - (size_t)(at - text), "%s%s", with, rest);
}

/* The line itself, but for where the hub is, which event is meant, and that watching ends. */
static void run(struct env *env, const struct line *line, char ret[static 64 * 1024])
{
    const bool pulls = strstr(line->command, "/inbox") != NULL,
               watches = strstr(line->command, "/watch") != NULL;
    char command[LINE_BYTES], address[64], number[64], shell[2 * LINE_BYTES];
    size_t size;
    FILE *pipe;
    int status;

    (void)snprintf(command, sizeof command, "%s", line->command);
    (void)snprintf(address, sizeof address, "http://127.0.0.1:%u", env->api.port);
    (void)snprintf(number, sizeof number, "\"number\":%s", env->number);
    replace(command, ADDRESS, address);
    replace(command, "\"number\":18", number);
    (void)snprintf(shell, sizeof shell, "cd '%s' && export TOKEN=%s && %s --silent%s", env->api.spawn.dir,
            pulls ? env->cnppm : env->portal, command, watches ? " --max-time 3" : "");
    pipe = popen(shell, "re"); // NOLINT(cert-env33-c): the lines of our own document
    assert_non_null(pipe);
    size = fread(ret, 1, 64 * 1024 - 1, pipe);
    ret[size] = '\0';
    status = pclose(pipe);
    if (status != 0 && !(watches && WEXITSTATUS(status) == TIMED_OUT))
        fail_msg("%s ends with %d: %s", line->command, status, ret);
}

/* Every member that is shown is there; of a list, in its first item. */
static void assert_shown(const json_t *shown, const json_t *given, const char *command)
{
    const char *key;
    json_t *value;

    if (json_typeof(shown) != json_typeof(given))
        fail_msg("%s: the answer has other types than the document", command);
    if (json_is_array(shown) && json_array_size(shown) > 0) {
        if (json_array_size(given) == 0)
            fail_msg("%s: nothing came", command);
        assert_shown(json_array_get(shown, 0), json_array_get(given, 0), command);
    }
    json_object_foreach ((json_t *)(uintptr_t)shown, key, value) {
        if (!json_object_get(given, key))
            fail_msg("%s: the answer has no %s", command, key);
        assert_shown(value, json_object_get(given, key), command);
    }
}

static void look_at(struct env *env, const struct line *line, const char *answer)
{
    json_error_t error;
    json_t *shown, *given;
    const char *number;

    if (strstr(line->command, "/watch")) {
        assert_non_null(strstr(answer, "retry: 3000\nid: "));
        return;
    }
    shown = json_loads(line->answer, 0, &error);
    if (!shown)
        fail_msg("%s: what the document shows is no JSON: %s", line->command, error.text);
    given = json_loads(answer, 0, &error);
    if (!given)
        fail_msg("%s: %s: %s", line->command, error.text, answer);
    assert_shown(shown, given, line->command);
    number = json_string_value(json_object_get(json_array_get(given, 0), "hubnumber"));
    if (number)
        (void)snprintf(env->number, sizeof env->number, "%s", number);
    json_decref(shown);
    json_decref(given);
}

static void every_curl_line_works(void **state)
{
    struct env *env = *state;
    struct line *lines = calloc(LINES_MAX, sizeof *lines);
    char *answer = malloc(64 * 1024);
    size_t count;

    assert_true(lines && answer);
    count = read_lines(lines);
    assert_true(count >= 6);
    for (size_t i = 0; i < count; i++) {
        write_event(env, i);
        run(env, &lines[i], answer);
        look_at(env, &lines[i], answer);
    }
    assert_true(env->number[0]); /* it has pulled something, and acknowledged that */
    free(lines);
    free(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_curl_line_works)};

    if (system("curl --version >/dev/null 2>&1") != 0) // NOLINT(cert-env33-c)
        return SKIPPED;
    return cmocka_run_group_tests(tests, setup, teardown);
}
