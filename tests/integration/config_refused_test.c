/* What may not become the configuration changes nothing; and a kill while one is applied leaves one that
 * holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/list.h"
#include "tests/support/config_env.h"

enum { STOPS = 3, WITHOUT_PLAN = 2 };

static void bad_files_change_nothing(void **state)
{
    static const struct {
        const char *was, *is;
        int status;
        const char *said;
    } rows[] = {
            {"  ballast_mb: 1\n", "  ballast_mb: 2\n", 78, "hub.ballast_mb"},
            {"listen: [\"tcp://127.0.0.1:", "listen: [\"tcp://127.0.0.2:", 78, "restart"},
            {"  store: store\n", "  store: other\n", 78, "restart"},
            {"region: \"24\"", "region: \"19\"", 78, "restart"},
            {"version: 1\n", "version: 1\nversion: 1\n", 78, ":2:1: this key is there twice"},
            {"nms.deficit.}}]}", "nms.deficit.}}, {sql: \"id =\"}]}", 78, "ParseError"},
            {"system: cnppm, personal: full", "system: nobody, personal: full", 78, "no such system"},
            {"publish: [nms.route., ", "publish: [nms.rout., ", 78, "no event type"},
    };
    struct spawn spawn;
    char *text, *now;

    (void)state;
    spawn_init(&spawn, CONFIG_ENV_OPERATORS);
    spawn_start(&spawn);
    text = config_env_text(&spawn);
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        config_env_tool(&spawn, rows[i].status, rows[i].said,
                CONFIG_ENV_ARGS("--as", "boss", "config", "apply",
                        config_env_write(&spawn, "bad.yaml", text, rows[i].was, rows[i].is)));
        if (i < WITHOUT_PLAN) /* then it is the hub that refuses, and the file gets its text back */
            config_env_tool(&spawn, rows[i].status, NULL,
                    CONFIG_ENV_ARGS("--as", "boss", "config", "apply", "--no-plan",
                            config_env_write(&spawn, "bad.yaml", text, rows[i].was, rows[i].is)));
    }
    config_env_tool(&spawn, 77, "needs a role of: admin",
            CONFIG_ENV_ARGS("--as", "clerk", "config", "apply",
                    config_env_write(&spawn, "new.yaml", text, "personal: none", "personal: full")));
    config_env_tool(&spawn, 73, "holds already", CONFIG_ENV_ARGS("--as", "boss", "config", "apply"));
    config_env_tool(&spawn, 66, "no version 7", CONFIG_ENV_ARGS("--as", "boss", "config", "rollback", "7"));
    now = config_env_text(&spawn);
    assert_string_equal(now, text);
    assert_int_equal(config_env_versions(&spawn), 1);
    free(now);
    free(text);
    spawn_fini(&spawn);
}

/* At every step of the commit. */
static void a_kill_leaves_one_version_that_holds(void **state)
{
    static const char *const points[] = {
            "store.fill.before", "store.commit.before", "store.commit.after", "store.done.before"};

    (void)state;
    for (size_t i = 0; i < MR_COUNT(points); i++) {
        char fault[64], when[160], armed[160];
        const char *const environment[] = {fault, when, NULL};
        struct run_program run = {0};
        struct spawn spawn;
        char *text, *now;
        json_t *shown;

        spawn_init(&spawn, CONFIG_ENV_OPERATORS);
        (void)snprintf(fault, sizeof fault, "MR_FAULT=%s:1:kill", points[i]);
        (void)snprintf(armed, sizeof armed, "%s/armed", spawn.dir);
        (void)snprintf(when, sizeof when, "MR_FAULT_WHEN=%s", armed);
        spawn.environment = environment;
        spawn_start(&spawn);
        text = config_env_text(&spawn);
        (void)config_env_write(&spawn, "armed", "x", "x", "y");
        config_env_run(&spawn, &run,
                CONFIG_ENV_ARGS("--as", "boss", "config", "apply", "--no-plan",
                        config_env_write(
                                &spawn, "new.yaml", text, CONFIG_ENV_MARKER, CONFIG_ENV_ALSO_COPMKP)));
        assert_int_not_equal(run.status, 0);
        run_program_fini(&run);
        assert_int_equal(WTERMSIG(spawn_wait(&spawn)), SIGKILL);
        assert_int_equal(unlink(armed), 0);
        spawn.environment = NULL;
        spawn_start(&spawn);
        assert_int_equal(config_env_versions(&spawn), 2);
        now = config_env_text(&spawn);
        shown = config_env_json(&spawn, CONFIG_ENV_ARGS("config", "show", "--json"));
        assert_string_equal(json_string_value(json_object_get(shown, "text")), now);
        assert_non_null(strstr(now, "copmkp-programmes"));
        config_env_tool(&spawn, 0, NULL, CONFIG_ENV_ARGS("balance"));
        json_decref(shown);
        free(now);
        free(text);
        spawn_fini(&spawn);
    }
}

struct meanwhile {
    const struct spawn *spawn;
    pid_t apply;
};

/* A text that holds already is nothing to apply: then the tool just ends. */
static bool has_ended(const struct meanwhile *m)
{
    siginfo_t info = {0};

    (void)waitid(P_PID, (id_t)m->apply, &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid != 0;
}

/* The file has the new text: the hub is being asked. */
static bool is_asked(void *ctx)
{
    const struct meanwhile *m = ctx;
    char *text = config_env_text(m->spawn);
    bool asked = strstr(text, "copmkp-programmes") != NULL;

    free(text);
    return asked || has_ended(m);
}

static bool is_applied(void *ctx)
{
    const struct meanwhile *m = ctx;

    return spawn_logged(m->spawn, "event=config.applied") || has_ended(m);
}

/* Whether the hub takes it over before it ends or the next start does: one version holds, and it is the
 * file's. */
static void a_stop_meanwhile_leaves_one_version_too(void **state)
{
    struct spawn spawn;
    char *text, *now;
    json_t *shown;

    (void)state;
    spawn_init(&spawn, CONFIG_ENV_OPERATORS);
    text = config_env_text(&spawn);
    for (int i = 0; i < STOPS; i++) {
        struct meanwhile m = {.spawn = &spawn};
        int status;

        spawn_start(&spawn);
        m.apply = config_env_begin_apply(&spawn,
                i % 2 ? config_env_write(&spawn, "old.yaml", text, CONFIG_ENV_MARKER, CONFIG_ENV_MARKER)
                      : config_env_write(
                                &spawn, "new.yaml", text, CONFIG_ENV_MARKER, CONFIG_ENV_ALSO_COPMKP));
        if (i >= 1) /* the sooner the tool has found its hub, the later it loses it */
            spawn_until("the tool asks", i >= 2 ? is_applied : is_asked, &m);
        spawn_stop(&spawn);
        assert_int_equal(waitpid(m.apply, &status, 0), m.apply); /* done or not: the hub may be gone */
        spawn_start(&spawn);
        now = config_env_text(&spawn);
        shown = config_env_json(&spawn, CONFIG_ENV_ARGS("config", "show", "--json"));
        assert_string_equal(json_string_value(json_object_get(shown, "text")), now);
        config_env_tool(&spawn, 0, NULL, CONFIG_ENV_ARGS("balance"));
        json_decref(shown);
        free(now);
        spawn_stop(&spawn);
    }
    free(text);
    spawn_fini(&spawn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(bad_files_change_nothing),
            cmocka_unit_test(a_kill_leaves_one_version_that_holds),
            cmocka_unit_test(a_stop_meanwhile_leaves_one_version_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
