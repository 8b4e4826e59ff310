/* `alerts` of a real hub: what begins and ends is told to a receiver; dead and slow receivers do not matter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/loop/http_server.h"
#include "tests/support/bus_client.h"
#include "tests/support/config_env.h"
#include "tests/support/fake_smtp.h"
#include "tests/support/hub_env.h"

#define TOKEN "not-in-any-log-4711"

struct scene {
    struct spawn spawn;
    uv_loop_t loop;
    struct mr_http_server *server;
    json_t *alerts;                          /* all that came */
    const char *condition, *subject, *state; /* that is waited for */
    const char *path;                        /* NULL: wherever */
    int times;
};

static void on_request(void *ctx, const struct mr_http_request *request)
{
    struct scene *scene = ctx;
    json_t *alert = json_loadb((const char *)request->body.data, request->body.size, 0, NULL);

    assert_non_null(alert);
    assert_int_equal(json_object_set_new(alert, "path", json_string(request->path)), 0);
    assert_int_equal(json_array_append_new(scene->alerts, alert), 0);
    mr_http_answer(request->exchange, 200, NULL, mr_slice(NULL, 0));
}

static void write_token(const struct scene *scene)
{
    char path[160];
    int fd;

    (void)snprintf(path, sizeof path, "%s/token", scene->spawn.dir);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, TOKEN "\n", sizeof TOKEN), sizeof TOKEN);
    assert_int_equal(close(fd), 0);
}

static void begin(struct scene *scene)
{
    const struct mr_http_server_options options = {.loop = &scene->loop,
            .listen = "127.0.0.1:0",
            .bearer_token = TOKEN,
            .on_request = on_request,
            .ctx = scene};

    assert_int_equal(uv_loop_init(&scene->loop), 0);
    assert_int_equal(mr_http_server_open(&scene->server, &options, NULL), 0);
    scene->alerts = json_array();
}

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    char extra[1024];

    begin(scene);
    (void)snprintf(extra, sizeof extra,
            CONFIG_ENV_OPERATORS
            "alerts:\n  webhook: http://127.0.0.1:%u/page\n  webhook_token_file: token\n"
            "  settle_seconds: 1\n  away_seconds: 1\n  waiting_seconds: 1\n  quarantined_per_hour: 1\n"
            "  disk_free_mb: 1073741824\n",
            mr_http_server_port(scene->server));
    spawn_init_hub(
            &scene->spawn, extra, SPAWN_HUB "  ping_interval_ms: 1000\n"); /* who leaves is missed soon */
    write_token(scene);
    spawn_start(&scene->spawn);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    spawn_fini(&scene->spawn);
    if (scene->server)
        mr_http_server_close(scene->server, NULL, NULL);
    (void)uv_run(&scene->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&scene->loop), 0);
    json_decref(scene->alerts);
    free(scene);
    return 0;
}

static const char *text_of(const json_t *alert, const char *key)
{
    const char *text = json_string_value(json_object_get(alert, key));

    assert_non_null(text);
    return text;
}

static bool has_come(void *ctx)
{
    struct scene *scene = ctx;
    size_t i;
    json_t *alert;
    int times = 0;

    (void)uv_run(&scene->loop, UV_RUN_NOWAIT);
    json_array_foreach (scene->alerts, i, alert)
        times += strcmp(text_of(alert, "condition"), scene->condition) == 0 &&
                 strcmp(text_of(alert, "subject"), scene->subject) == 0 &&
                 strcmp(text_of(alert, "state"), scene->state) == 0 &&
                 (!scene->path || strcmp(text_of(alert, "path"), scene->path) == 0);
    return times >= scene->times;
}

static void expect_alert(struct scene *scene, const char *condition, const char *subject, const char *state)
{
    scene->condition = condition;
    scene->subject = subject;
    scene->state = state;
    scene->path = NULL;
    scene->times = 1;
    spawn_until(condition, has_come, scene);
}

/* For the nth time there. */
static void expect_at(
        struct scene *scene, const char *path, const char *condition, const char *state, int nth)
{
    scene->condition = condition;
    scene->subject = "";
    scene->state = state;
    scene->path = path;
    scene->times = nth;
    spawn_until(path, has_come, scene);
}

/* How often it was said: never twice within the term to repeat. */
static int count(const struct scene *scene, const char *condition, const char *state)
{
    size_t i;
    json_t *alert;
    int n = 0;

    json_array_foreach (scene->alerts, i, alert)
        n += strcmp(text_of(alert, "condition"), condition) == 0 &&
             strcmp(text_of(alert, "state"), state) == 0;
    return n;
}

static void publish(struct bus_client *client, uint64_t sequence, struct mr_buf *event)
{
    bus_publish(client, sequence, event, 1);
    (void)bus_expect(client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK);
    mr_buf_fini(event);
}

/* Away and back; waiting and taken; quarantined, refused, parked; and the disk, at once. */
static void what_begins_and_ends_is_told(void **state)
{
    struct scene *scene = *state;
    struct bus_client portal, copmkp, cnppm;
    struct mr_buf event = MR_BUF_INIT;

    expect_alert(scene, "disk-low", "", "firing");
    bus_connect_as(&portal, &scene->spawn, SPAWN_PORTAL);
    (void)bus_hello(&portal, 7, 0);
    hub_env_programme(&event, "one");
    publish(&portal, 1, &event);
    event = (struct mr_buf)MR_BUF_INIT;
    hub_env_deficit(&event, "not-portal's", NULL, "local");
    publish(&portal, 2, &event);
    expect_alert(scene, "events-refused", "portal", "firing");

    bus_connect_as(&copmkp, &scene->spawn, SPAWN_COPMKP);
    (void)bus_hello(&copmkp, 7, 0);
    event = (struct mr_buf)MR_BUF_INIT;
    hub_env_deficit(&event, "bad-digits", "11223344599", NULL);
    publish(&copmkp, 1, &event);
    expect_alert(scene, "quarantine-growing", "copmkp", "firing");
    bus_close(&portal);
    expect_alert(scene, "system-away", "portal", "firing");
    bus_connect_as(&portal, &scene->spawn, SPAWN_PORTAL);
    (void)bus_hello(&portal, 7, 0);
    expect_alert(scene, "system-away", "portal", "resolved");

    expect_alert(scene, "delivery-waiting", "cnppm-programmes", "firing");
    bus_connect_as(&cnppm, &scene->spawn, SPAWN_CNPPM);
    (void)bus_hello(&cnppm, 0, 0);
    bus_subscribe(&cnppm, "cnppm-programmes", 10, 0);
    (void)bus_expect(&cnppm, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER);
    bus_nack(&cnppm, "cnppm-programmes", 1, true);
    expect_alert(scene, "delivery-parked", "cnppm-programmes", "firing");
    expect_alert(scene, "delivery-waiting", "cnppm-programmes", "resolved");
    assert_int_equal(count(scene, "disk-low", "firing"), 1);
    assert_int_equal(count(scene, "events-refused", "firing"), 1);
    bus_close(&portal);
    bus_close(&copmkp);
    bus_close(&cnppm);
    assert_true(spawn_logged(&scene->spawn, "event=alert.firing condition=events-refused subject=portal"));
    assert_false(spawn_logged(&scene->spawn, TOKEN));
    assert_false(spawn_logged(&scene->spawn, "11223344599"));
    spawn_stop(&scene->spawn);
}

/* What the tool or HTTP brings is the system's as well: it needs no session. */
static void what_is_published_otherwise_counts(void **state)
{
    struct scene *scene = *state;
    const char *file = config_env_write(&scene->spawn, "no-event.json", "{\"id\": \"one\"}", "one", "two");

    config_env_tool(&scene->spawn, 1, "refused", CONFIG_ENV_ARGS("publish", "--system", "school", file));
    expect_alert(scene, "events-refused", "school", "firing");
    assert_true(spawn_logged(&scene->spawn, "event=event.refused system=school code=malformed"));
    spawn_stop(&scene->spawn);
}

/* A subscription that comes while the hub runs is looked at too. */
static void the_configuration_changes(void **state)
{
    struct scene *scene = *state;
    struct spawn *spawn = &scene->spawn;
    char *text = config_env_text(spawn);
    struct mr_buf event = MR_BUF_INIT;
    struct bus_client portal;
    const char *file;

    expect_alert(scene, "disk-low", "", "firing");
    file = config_env_write(spawn, "next.yaml", text, CONFIG_ENV_MARKER, CONFIG_ENV_ALSO_COPMKP);
    config_env_tool(spawn, 0, NULL, CONFIG_ENV_ARGS("config", "apply", file, "--as", "boss"));
    bus_connect_as(&portal, spawn, SPAWN_PORTAL);
    (void)bus_hello(&portal, 7, 0);
    hub_env_programme(&event, "one");
    publish(&portal, 1, &event);
    expect_alert(scene, "delivery-waiting", "copmkp-programmes", "firing");
    expect_alert(scene, "delivery-waiting", "cnppm-programmes", "firing");
    assert_int_equal(count(scene, "disk-low", "firing"), 1); /* what lasts is not begun anew */
    bus_close(&portal);
    free(text);
    spawn_stop(spawn);
}

static void apply(struct scene *scene, const char *was, const char *is)
{
    char *text = config_env_text(&scene->spawn);
    const char *file = config_env_write(&scene->spawn, "next.yaml", text, was, is);

    config_env_tool(
            &scene->spawn, 0, NULL, CONFIG_ENV_ARGS("config", "apply", file, "--no-plan", "--as", "boss"));
    free(text);
}

/* Other terms, other ways, none at all, and again: each holds at once. */
static void the_alerts_change(void **state)
{
    struct scene *scene = *state;
    struct spawn *spawn = &scene->spawn;
    char *text = config_env_text(spawn), *full = config_env_text(spawn);
    const char *file;

    expect_alert(scene, "disk-low", "", "firing");
    apply(scene, "disk_free_mb: 1073741824", "disk_free_mb: 0");
    expect_alert(scene, "disk-low", "", "resolved");
    apply(scene, "/page", "/other"); /* another way */
    apply(scene, "disk_free_mb: 0", "disk_free_mb: 1073741824");
    expect_at(scene, "/other", "disk-low", "firing", 1);
    apply(scene, "webhook_token_file: token\n", "webhook_token_file: token\n  timeout_seconds: 20\n");
    apply(scene, "disk_free_mb: 1073741824", "disk_free_mb: 0"); /* it goes on where it was */
    expect_at(scene, "/other", "disk-low", "resolved", 1);
    file = config_env_write(
            spawn, "next.yaml", text, "webhook_token_file: token", "webhook_token_file: none");
    config_env_tool(spawn, 66, "none", CONFIG_ENV_ARGS("config", "apply", file, "--no-plan", "--as", "boss"));
    free(text);
    text = config_env_text(spawn);
    *strstr(text, "alerts:\n") = '\0';
    file = config_env_write(spawn, "none.yaml", text, CONFIG_ENV_MARKER, CONFIG_ENV_MARKER);
    config_env_tool(spawn, 0, NULL, CONFIG_ENV_ARGS("config", "apply", file, "--no-plan", "--as", "boss"));
    free(text);
    file = config_env_write(spawn, "again.yaml", full, "/page", "/other");
    config_env_tool(spawn, 0, NULL, CONFIG_ENV_ARGS("config", "apply", file, "--no-plan", "--as", "boss"));
    expect_at(scene, "/other", "disk-low", "firing", 2);
    free(full);
    spawn_stop(spawn);
}

static bool webhook_is_given_up(void *ctx)
{
    struct scene *scene = ctx;

    (void)uv_run(&scene->loop, UV_RUN_NOWAIT);
    return spawn_logged(&scene->spawn, "event=alert.not-sent way=webhook condition=disk-low");
}

/* Nobody listens, nobody answers, nothing ends: the hub takes events, and ends at once when it is told to. */
static void bad_receivers_do_not_matter(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    struct fake_smtp smtp;
    struct bus_client portal;
    char extra[1024];

    *state = scene;
    begin(scene);
    fake_smtp_open(&smtp, &scene->loop, true);
    mr_http_server_close(scene->server, NULL, NULL); /* its port is nobody's now */
    scene->server = NULL;
    (void)snprintf(extra, sizeof extra,
            "alerts:\n  webhook: http://127.0.0.1:9/page\n  command: [/bin/sh, -c, \"exec tail -f "
            "/dev/null\"]\n"
            "  mail: {server: \"smtp://127.0.0.1:%d\", from: hub@example.org, to: [a@example.org]}\n"
            "  disk_free_mb: 1073741824\n",
            smtp.port);
    spawn_init(&scene->spawn, extra);
    spawn_start(&scene->spawn);
    bus_connect_as(&portal, &scene->spawn, SPAWN_PORTAL);
    (void)bus_hello(&portal, 7, 0);
    while (smtp.connections == 0)
        (void)uv_run(&scene->loop, UV_RUN_ONCE);
    for (uint64_t i = 1; i <= 20; i++) {
        struct mr_buf event = MR_BUF_INIT;
        char id[16];

        (void)snprintf(id, sizeof id, "p-%d", (int)i);
        hub_env_programme(&event, id);
        publish(&portal, i, &event);
    }
    bus_close(&portal);
    spawn_until("the webhook is given up", webhook_is_given_up, scene);
    spawn_stop(&scene->spawn);
    assert_true(spawn_logged(&scene->spawn, "event=alert.lost way=mail waiting="));
    fake_smtp_close(&smtp);
}

/* A secret that others may read is refused at the start, by its file's name. */
static void a_secret_must_be_one(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    char path[160];
    FILE *file;

    *state = scene;
    begin(scene);
    spawn_init(&scene->spawn, "alerts: {webhook: \"http://127.0.0.1:9/\", webhook_token_file: token}\n");
    (void)snprintf(path, sizeof path, "%s/token", scene->spawn.dir);
    file = fopen(path, "we");
    assert_non_null(file);
    (void)fprintf(file, "%s\n", TOKEN);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(spawn_start_fails(&scene->spawn), mr_err_exit(MR_EDENIED));
    assert_true(spawn_logged(&scene->spawn, "others may read this"));
    assert_false(spawn_logged(&scene->spawn, TOKEN));
    spawn_forget(&scene->spawn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(what_begins_and_ends_is_told, setup, teardown),
            cmocka_unit_test_setup_teardown(what_is_published_otherwise_counts, setup, teardown),
            cmocka_unit_test_setup_teardown(the_configuration_changes, setup, teardown),
            cmocka_unit_test_setup_teardown(the_alerts_change, setup, teardown),
            cmocka_unit_test_teardown(bad_receivers_do_not_matter, teardown),
            cmocka_unit_test_teardown(a_secret_must_be_one, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
