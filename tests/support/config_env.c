#include "tests/support/config_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/sdk/file.h"
#include "tests/support/bus_client.h"

/* ---- texts ---- */

char *config_env_text(const struct spawn *spawn)
{
    FILE *file = fopen(spawn->config, "re");
    char *text = calloc(1, 64 * 1024);

    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, 64 * 1024 - 1, file) > 0);
    (void)fclose(file);
    return text;
}

/* The file at `path` in the hub's folder: `text` with the first `was` replaced. */
const char *config_env_write(
        const struct spawn *spawn, const char *name, const char *text, const char *was, const char *is)
{
    static char path[192];
    const char *at = strstr(text, was);
    struct mr_buf out = MR_BUF_INIT;

    assert_non_null(at);
    mr_buf_put(&out, text, (size_t)(at - text));
    mr_buf_put_str(&out, is);
    mr_buf_put_str(&out, at + strlen(was));
    assert_int_equal(mr_file_write(spawn->dir, name, mr_buf_slice(&out), 0600), 0);
    mr_buf_fini(&out);
    (void)snprintf(path, sizeof path, "%s/%s", spawn->dir, name);
    return path;
}

/* ---- the tool ---- */

void config_env_run(const struct spawn *spawn, struct run_program *run, const char *const arguments[])
{
    const char *argv[16] = {"marshrut", "-c", spawn->config};

    for (size_t i = 0; arguments[i]; i++)
        argv[3 + i] = arguments[i];
    run_program(run, argv);
}

/* Must end with this status; `said` must be part of what it prints. */
void config_env_tool(const struct spawn *spawn, int status, const char *said, const char *const arguments[])
{
    struct run_program run = {0};

    config_env_run(spawn, &run, arguments);
    if (run.status != status ||
            (said && !strstr(run_program_out(&run), said) && !strstr(run_program_err(&run), said)))
        fail_msg("%s %s: %d\n%s%s", arguments[0], arguments[1], run.status, run_program_out(&run),
                run_program_err(&run));
    run_program_fini(&run);
}

json_t *config_env_json(const struct spawn *spawn, const char *const arguments[])
{
    struct run_program run = {0};
    json_t *json;

    config_env_run(spawn, &run, arguments);
    json = json_loads(run_program_out(&run), 0, NULL);
    if (!json)
        fail_msg("%s: %d\n%s%s", arguments[0], run.status, run_program_out(&run), run_program_err(&run));
    run_program_fini(&run);
    return json;
}

int config_env_versions(const struct spawn *spawn)
{
    json_t *history = config_env_json(spawn, CONFIG_ENV_ARGS("config", "history", "--json"));
    json_t *status = bus_ask(spawn, "", "hub.status", "");
    int count = (int)json_array_size(json_object_get(history, "versions"));

    assert_int_equal(json_integer_value(json_object_get(history, "version")), count);
    assert_int_equal(json_integer_value(json_object_get(status, "config")), count);
    json_decref(status);
    json_decref(history);
    return count;
}

pid_t config_env_begin_apply(const struct spawn *spawn, const char *file)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (freopen("/dev/null", "w", stdout))
            (void)execl(MR_BIN_DIR "/marshrut", "marshrut", "-c", spawn->config, "--as", "boss", "config",
                    "apply", file, (char *)NULL);
        _exit(127);
    }
    return pid;
}
