/*
 * What a search finds, exported with its proofs: unpacked elsewhere, every command that the file itself says
 * is run on it, and fails when a byte is another one.
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
#include <unistd.h>

#include <jansson.h>

#include "tests/support/api_env.h"

enum { EVENTS = 5, TEXT_BYTES = 16384 };

struct env {
    struct api_env api;
    char token[API_TOKEN_BYTES];
    char dir[512]; /* where the export is unpacked */
};

/* ---- support ---- */

/* The checkpoint covers the last one that was published. */
static bool is_signed(void *ctx)
{
    struct env *env = ctx;
    char path[64];
    json_t *answer;

    if (api_get(&env->api, "/api/v1/events?id=p-4", env->token) != 200)
        return false;
    answer = json_loads((const char *)http_ask_body(&env->api.ask).data, JSON_DISABLE_EOF_CHECK, NULL);
    (void)snprintf(path, sizeof path, "/api/v1/events/%lld/way",
            json_integer_value(
                    json_object_get(json_array_get(json_object_get(answer, "items"), 0), "number")));
    json_decref(answer);
    return api_get(&env->api, path, env->token) == 200 &&
           strstr((const char *)env->api.ask.answer.data, "\"signed\":true");
}

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);
    char id[16];

    api_env_open(&env->api, "operators: [{name: boss, roles: [admin]}]\n", "");
    api_env_token(&env->api, "read,publish,log", "portal", env->token, NULL);
    for (int i = 0; i < EVENTS; i++) {
        (void)snprintf(id, sizeof id, "p-%d", i);
        (void)api_publish(&env->api, env->token, id);
    }
    spawn_until("a checkpoint", is_signed, env);
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

/* A command of the shell in the folder; what it printed into out. Its exit status. */
static int shell(const struct env *env, const char *command, char out[static TEXT_BYTES])
{
    char line[2048];
    FILE *pipe;
    size_t size;
    int status;

    (void)snprintf(line, sizeof line,
            "cd '%s' && export LC_ALL=C.UTF-8 PATH='%s':\"$PATH\" KEY=\"$(cat key 2>/dev/null)\" && { %s; } "
            "2>&1",
            env->dir, MR_BIN_DIR, command);
    pipe = popen(line, "re");
    assert_non_null(pipe);
    size = fread(out, 1, TEXT_BYTES - 1, pipe);
    out[size] = '\0';
    status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect(const struct env *env, const char *command, int status)
{
    char out[TEXT_BYTES];
    int is = shell(env, command, out);

    if (is != status)
        fail_msg("%s: %d\n%s", command, is, out);
}

/* Asks for the export and unpacks it into a folder of its own. */
static void unpack(struct env *env, const char *path, const char *name)
{
    char file[600], command[700];
    struct mr_slice zip;
    FILE *out;

    assert_int_equal(api_get(&env->api, path, env->token), 200);
    zip = http_ask_body(&env->api.ask);
    (void)snprintf(env->dir, sizeof env->dir, "%s", env->api.spawn.dir);
    (void)snprintf(command, sizeof command, "rm -rf %s && mkdir %s", name, name);
    expect(env, command, 0);
    (void)snprintf(env->dir, sizeof env->dir, "%s/%s", env->api.spawn.dir, name);
    (void)snprintf(file, sizeof file, "%s/export.zip", env->dir);
    out = fopen(file, "we");
    assert_non_null(out);
    assert_int_equal(fwrite(zip.data, 1, zip.size, out), zip.size);
    assert_int_equal(fclose(out), 0);
    expect(env, "unzip -q export.zip", 0);
}

#define ALL "/api/v1/events/export?type=nms."

/* ---- tests ---- */

static void an_export_is_a_file(void **state)
{
    struct env *env = *state;
    char text[96];

    assert_int_equal(api_get(&env->api, ALL, env->token), 200);
    assert_string_equal(http_ask_header(&env->api.ask, "Content-Type", text, sizeof text), "application/zip");
    assert_string_equal(http_ask_header(&env->api.ask, "Cache-Control", text, sizeof text), "no-store");
    assert_string_equal(http_ask_header(&env->api.ask, "Marshrut-Next", text, sizeof text), "0");
    assert_non_null(strstr(http_ask_header(&env->api.ask, "Content-Disposition", text, sizeof text), ".zip"));
    assert_int_equal(api_get(&env->api, "/api/v1/events/export?type=no.such.", env->token), 404);
    assert_int_equal(api_get(&env->api, "/api/v1/events/export?limit=1001", env->token), 400);
    assert_int_equal(api_get(&env->api, ALL "&limit=2", env->token), 200);
    assert_string_not_equal(http_ask_header(&env->api.ask, "Marshrut-Next", text, sizeof text), "0");
}

/* Every line of the file that is a command does what the file says. */
static void run_commands_of(const struct env *env, const char *name)
{
    char text[TEXT_BYTES], out[TEXT_BYTES], command[64];
    char *saved = NULL;
    int commands = 0;

    (void)snprintf(command, sizeof command, "cat '%s'", name);
    assert_int_equal(shell(env, command, text), 0);
    assert_null(strstr(text, "@NUMBER@"));
    for (char *line = strtok_r(text, "\n", &saved); line; line = strtok_r(NULL, "\n", &saved)) {
        if (strncmp(line, "  ", 2) != 0 || line[2] == ' ')
            continue;
        if (shell(env, line + 2, out) != 0)
            fail_msg("%s: %s\n%s", name, line, out);
        commands++;
    }
    assert_int_equal(commands, 3);
}

static void the_commands_of_the_file_verify_it(void **state)
{
    struct env *env = *state;
    char out[TEXT_BYTES];

    unpack(env, ALL, "all");
    run_commands_of(env, "VERIFY.txt");
    run_commands_of(env, "ПРОВЕРКА.txt");
    assert_int_equal(shell(env, "sh verify.sh", out), 0);
    assert_int_equal(strtol(out, NULL, 10), EVENTS);
    expect(env,
            "for p in proofs/*; do n=$(basename $p .tlog-proof); marshrut log verify --proof $p --leaf "
            "leaves/$n.leaf --key \"$KEY\" || exit 1; done",
            0);
    expect(env, "test $(wc -l < events.ndjson) = 5 && test $(ls leaves | wc -l) = 5", 0);
    unpack(env, ALL "&limit=1", "one"); /* another size of the file, another place in the tree */
    expect(env, "sh verify.sh", 0);
}

static void what_was_changed_does_not_verify(void **state)
{
    static const char *const changes[] = {
            "printf x >> $(ls leaves/*.leaf | head -1)",
            "mv $(ls proofs/* | head -1) proofs/4.tlog-proof",
            "sed -i '2s/.*/700/' checkpoint",
            "sed -i '$ s/=$/A/; $ s/..$/AA/' checkpoint",
            "rm $(ls proofs/* | head -1)",
            "sed -i 's/^index .*/index 99/' proofs/*",
            "for p in proofs/*; do sed -i '3s/^./_/; 3s/^_/B/' $p; done",
    };
    struct env *env = *state;
    char command[256];

    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        unpack(env, ALL, "changed");
        (void)snprintf(command, sizeof command, "%s", changes[i]);
        expect(env, command, 0);
        if (shell(env, "sh verify.sh", (char[TEXT_BYTES]){0}) != 1)
            fail_msg("still verified: %s", changes[i]);
    }
    unpack(env, ALL, "changed");
    expect(env, "sh verify.sh 'marshrut/24/hub+4144e656+AeTle8T8S8ot3IsfL5b9/JzhZufNY5wQuBHfe1EngbNB'", 1);
    expect(env,
            "n=$(ls leaves | head -1); n=${n%.leaf}; printf x >> leaves/$n.leaf; marshrut log verify --proof "
            "proofs/$n.tlog-proof --leaf leaves/$n.leaf --key \"$KEY\"",
            1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(an_export_is_a_file),
            cmocka_unit_test(the_commands_of_the_file_verify_it),
            cmocka_unit_test(what_was_changed_does_not_verify),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
