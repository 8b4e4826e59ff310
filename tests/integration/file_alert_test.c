/* Files that an adapter refuses: people are told by `alerts`, once; and without a readable secret it goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <jansson.h>

#include "adapters/sdk/file.h"
#include "proto/loop/http_server.h"
#include "tests/support/intake_env.h"
#include "tests/support/turns.h"

#define HEAD "Слово\n"

struct scene {
    struct intake_env *env;
    struct mr_http_server *server;
    struct mr_config_system system;
    struct mr_config_alerts alerts;
    uint32_t repeat_minutes, settle_seconds, refused_per_hour;
    char url[64], token[160];
    char authorization[64];
    json_t *got; /* alerts */
};

static void on_request(void *ctx, const struct mr_http_request *request)
{
    struct scene *scene = ctx;
    const char *token = mr_http_header(request, "Authorization");

    (void)snprintf(scene->authorization, sizeof scene->authorization, "%s", token ? token : "");
    assert_int_equal(json_array_append_new(scene->got,
                             json_loadb((const char *)request->body.data, request->body.size, 0, NULL)),
            0);
    mr_http_answer(request->exchange, 200, NULL, mr_slice(NULL, 0));
}

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    struct mr_http_server_options options = {.listen = "127.0.0.1:0", .on_request = on_request, .ctx = scene};

    (void)intake_env_setup((void **)&scene->env);
    intake_env_stop(scene->env);
    options.loop = &scene->env->loop;
    assert_int_equal(mr_http_server_open(&scene->server, &options, NULL), 0);
    (void)snprintf(scene->url, sizeof scene->url, "http://127.0.0.1:%u/", mr_http_server_port(scene->server));
    (void)snprintf(scene->token, sizeof scene->token, "%s/token", scene->env->dir);
    assert_int_equal(mr_file_write(scene->env->dir, "token", mr_slice_str("secret-token\n"), 0600), 0);
    scene->got = json_array();
    scene->refused_per_hour = 2;
    scene->alerts = (struct mr_config_alerts){.webhook = scene->url,
            .webhook_token_file = scene->token,
            .timeout_seconds = 30,
            .repeat_minutes = &scene->repeat_minutes,
            .settle_seconds = &scene->settle_seconds,
            .refused_per_hour = &scene->refused_per_hour};
    scene->system =
            (struct mr_config_system){.name = (char *)"test", .source = (char *)"urn:marshrut:24:test"};
    scene->env->config.systems = &scene->system;
    scene->env->config.systems_count = 1;
    scene->env->config.alerts = &scene->alerts;
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    mr_http_server_close(scene->server, NULL, NULL);
    (void)intake_env_teardown((void **)&scene->env);
    json_decref(scene->got);
    free(scene);
    return 0;
}

static bool has_come(void *ctx)
{
    return json_array_size(((struct scene *)ctx)->got) > 0;
}

struct wanted {
    const struct intake_env *env;
    int count;
};

static bool are_refused(void *ctx)
{
    const struct wanted *wanted = ctx;

    return intake_env_count(wanted->env, "rejected", "", ".report.txt") >= wanted->count;
}

static void refuse(struct scene *scene, const char *name, int count)
{
    struct wanted wanted = {scene->env, count};
    char text[64];

    (void)snprintf(text, sizeof text, HEAD "ok %s\nbroken\n", name);
    intake_env_drop(scene->env, "", name, text);
    turns_until(&scene->env->loop, "refused", are_refused, &wanted);
}

static void told_once(void **state)
{
    struct scene *scene = *state;
    const json_t *alert;

    intake_env_start(scene->env);
    refuse(scene, "Ivanova.csv", 1); /* below the threshold */
    refuse(scene, "b.csv", 2);
    turns_until(&scene->env->loop, "told", has_come, scene);
    refuse(scene, "c.csv", 3);
    refuse(scene, "d.csv", 4);
    assert_int_equal(json_array_size(scene->got), 1);
    alert = json_array_get(scene->got, 0);
    assert_string_equal(json_string_value(json_object_get(alert, "condition")), "files-refused");
    assert_string_equal(json_string_value(json_object_get(alert, "subject")), "test");
    assert_string_equal(json_string_value(json_object_get(alert, "from")), "urn:marshrut:24:test");
    assert_string_equal(
            json_string_value(json_object_get(alert, "what")), "2 files were refused within an hour");
    assert_string_equal(scene->authorization, "Bearer secret-token");
}

static void an_adapter_goes_on_without(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(chmod(scene->token, 0644), 0); /* others may read it: not taken */
    intake_env_start(scene->env);
    refuse(scene, "a.csv", 1);
    refuse(scene, "b.csv", 2);
    assert_int_equal(json_array_size(scene->got), 0);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH(told_once), WITH(an_adapter_goes_on_without)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
