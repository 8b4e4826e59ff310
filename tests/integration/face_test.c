/* hub.http_listen: metrics and health of a real hub, and clients that mean no good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/base/list.h"
#include "tests/support/bus_client.h"
#include "tests/support/http_ask.h"
#include "tests/support/hub_env.h"

enum { EVENTS = 5 };

struct env {
    struct spawn spawn;
    struct http_ask ask; /* the last one */
};

static int setup_with(void **state, const char *more)
{
    struct env *env = calloc(1, sizeof *env);
    char hub[256];

    (void)snprintf(hub, sizeof hub, "  ballast_mb: 1\n  http_listen: 127.0.0.1:0\n%s", more);
    spawn_init_hub(&env->spawn, "", hub);
    spawn_start(&env->spawn);
    env->ask.port = http_ask_port(&env->spawn);
    *state = env;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, "  space_watermark_mb: 1\n");
}

/* More than any disk has. */
static int setup_read_only(void **state)
{
    return setup_with(state, "  space_watermark_mb: 1048576\n");
}

static int teardown(void **state)
{
    struct env *env = *state;

    http_ask_fini(&env->ask);
    spawn_fini(&env->spawn);
    free(env);
    return 0;
}

/* The status; the body begins at *ret_body. */
static int ask(struct env *env, const char *method, const char *path, const char **ret_body)
{
    env->ask = (struct http_ask){
            .port = env->ask.port, .method = method, .path = path, .answer = env->ask.answer};
    (void)http_ask(&env->ask);
    if (ret_body)
        *ret_body = (const char *)http_ask_body(&env->ask).data;
    return env->ask.status;
}

/* The value of a line that begins exactly so; fails the test without one. */
static double value_of(const char *text, const char *series)
{
    size_t n = strlen(series);

    for (const char *at = strstr(text, series); at; at = strstr(at + 1, series))
        if (at[-1] == '\n' && at[n] == ' ')
            return strtod(at + n + 1, NULL);
    fail_msg("no line of %s", series);
    return 0;
}

static double metric(struct env *env, const char *series)
{
    const char *body;

    assert_int_equal(ask(env, "GET", "/metrics", &body), 200);
    return value_of(body, series);
}

static void health(void **state)
{
    struct env *env = *state;
    const char *body;

    assert_int_equal(ask(env, "GET", "/healthz", &body), 200);
    assert_string_equal(body, "ok\n");
    assert_int_equal(ask(env, "GET", "/readyz", &body), 200);
    assert_string_equal(body, "ok\n");
    assert_int_equal(ask(env, "GET", "/nothing", NULL), 404);
    assert_int_equal(ask(env, "GET", "/metrics/", NULL), 404);
    assert_int_equal(ask(env, "POST", "/metrics", NULL), 405);
    assert_non_null(strstr(mr_buf_str(&env->ask.answer), "\r\nAllow: GET\r\n"));
}

static void alive_but_not_ready_without_space(void **state)
{
    struct env *env = *state;
    const char *body;

    assert_int_equal(ask(env, "GET", "/readyz", &body), 503);
    assert_string_equal(body, "read-only: no space\n");
    assert_int_equal(ask(env, "GET", "/healthz", NULL), 200);
    assert_true(metric(env, "marshrut_ready") == 0);
    assert_true(metric(env, "marshrut_read_only") == 1);
    assert_true(metric(env, "marshrut_alive") == 1);
}

/* Every sample has its family's HELP and TYPE before it, and nothing is there twice. */
static void the_text_is_well_formed(void **state)
{
    struct env *env = *state;
    const char *body;
    char family[128] = "", name[128], type[16];
    int families = 0;

    assert_int_equal(ask(env, "GET", "/metrics", &body), 200);
    assert_non_null(strstr(
            mr_buf_str(&env->ask.answer), "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    for (const char *line = body; *line; line = strchr(line, '\n') + 1) {
        assert_non_null(strchr(line, '\n'));
        if (sscanf(line, "# HELP %127s ", name) == 1) {
            assert_string_not_equal(name, family);
            (void)snprintf(family, sizeof family, "%s", name);
            families++;
        } else if (sscanf(line, "# TYPE %127s %15s", name, type) == 2) {
            assert_string_equal(name, family);
            assert_true(strcmp(type, "gauge") == 0 || strcmp(type, "counter") == 0 ||
                        strcmp(type, "histogram") == 0);
        } else {
            assert_memory_equal(line, family, strlen(family));
        }
    }
    assert_true(families > 30);
}

static bool stored_all(void *ctx)
{
    return metric(ctx, "marshrut_events_total{system=\"portal\",verdict=\"stored\"}") == EVENTS;
}

static bool is_signed(void *ctx)
{
    return metric(ctx, "marshrut_checkpoint_behind_events") == 0 &&
           metric(ctx, "marshrut_index_lag_events") == 0;
}

#define WAITING "marshrut_subscription_waiting_seconds{subscription=\"cnppm-programmes\",system=\"cnppm\"}"
#define PARKED  "marshrut_subscription_parked{subscription=\"cnppm-programmes\",system=\"cnppm\"}"

static bool is_looked_up(void *ctx)
{
    return metric(ctx, WAITING) > 0 && metric(ctx, "marshrut_quarantine_waiting{system=\"copmkp\"}") == 1;
}

static bool is_parked(void *ctx)
{
    return metric(ctx, WAITING) == 0 && metric(ctx, PARKED) == 1;
}

/* What only the store knows: who waits, what is parked, what is to be corrected. */
static void the_store_is_looked_at(void **state)
{
    struct env *env = *state;
    struct bus_client client;
    struct mr_buf event = MR_BUF_INIT;

    bus_connect_as(&client, &env->spawn, SPAWN_COPMKP);
    (void)bus_hello(&client, 7, 0);
    hub_env_deficit(&event, "bad-digits", "11223344599", NULL);
    bus_publish(&client, 1, &event, 1);
    (void)bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK);
    bus_close(&client);
    mr_buf_reset(&event);
    bus_connect_as(&client, &env->spawn, SPAWN_PORTAL);
    (void)bus_hello(&client, 7, 0);
    hub_env_programme(&event, "one");
    bus_publish(&client, 1, &event, 1);
    (void)bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK);
    bus_close(&client);
    mr_buf_fini(&event);
    spawn_until("looked up", is_looked_up, env);
    assert_true(metric(env, PARKED) == 0);

    bus_connect_as(&client, &env->spawn, SPAWN_CNPPM);
    (void)bus_hello(&client, 0, 0);
    bus_subscribe(&client, "cnppm-programmes", 10, 0);
    (void)bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_DELIVER);
    bus_nack(&client, "cnppm-programmes", 2, true);
    spawn_until("parked", is_parked, env);
    bus_close(&client);
}

static void figures_are_of_what_happened(void **state)
{
    struct env *env = *state;
    struct bus_client client;
    struct mr_buf events[EVENTS] = {MR_BUF_INIT};
    const double head = metric(env, "marshrut_log_head");
    double buckets, count;
    const char *body;

    bus_connect_as(&client, &env->spawn, SPAWN_PORTAL);
    (void)bus_hello(&client, 7, 0);
    for (int i = 0; i < EVENTS; i++) {
        char id[16];

        (void)snprintf(id, sizeof id, "programme-%d", i);
        events[i] = (struct mr_buf)MR_BUF_INIT;
        hub_env_programme(&events[i], id);
    }
    bus_publish(&client, 1, events, EVENTS);
    (void)bus_expect(&client, MARSHRUT__BUS__V1__FRAME__BODY_PUBLISH_ACK);
    spawn_until("stored", stored_all, env);
    assert_true(metric(env, "marshrut_log_head") >= head + EVENTS);
    assert_true(metric(env, "marshrut_events_total{system=\"portal\",verdict=\"refused\"}") == 0);
    assert_true(metric(env, "marshrut_events_total{system=\"school\",verdict=\"stored\"}") == 0);
    assert_true(metric(env, "marshrut_sessions") == 1);
    assert_true(metric(env, "marshrut_resident_memory_bytes") > 1 << 20);
    assert_true(metric(env, "marshrut_disk_free_bytes") > 0);
    spawn_until("signed and indexed", is_signed, env);

    assert_int_equal(ask(env, "GET", "/metrics", &body), 200);
    count = value_of(body, "marshrut_commit_seconds_count");
    buckets = value_of(body, "marshrut_commit_seconds_bucket{le=\"+Inf\"}");
    assert_true(count > 0 && count == buckets && count == value_of(body, "marshrut_commits_total"));
    assert_true(value_of(body, "marshrut_commit_seconds_bucket{le=\"10\"}") <= count);
    assert_true(value_of(body, "marshrut_commit_seconds_sum") > 0);
    for (int i = 0; i < EVENTS; i++)
        mr_buf_fini(&events[i]);
    bus_close(&client);
}

/* Connections that say nothing, or begin and do not end, are cut; meanwhile others are served. */
static void slow_clients_are_cut(void **state)
{
    static const char half[] = "GET /metrics HTTP/1.1\r\nHost: hub\r\nX-Slow: ";
    struct env *env = *state;
    int silent = http_ask_dial(env->ask.port);
    int slow = http_ask_dial(env->ask.port);

    assert_int_equal(send(slow, half, sizeof half - 1, MSG_NOSIGNAL), (ssize_t)sizeof half - 1);
    assert_int_equal(ask(env, "GET", "/healthz", NULL), 200);
    http_ask_read(&env->ask, silent);
    http_ask_read(&env->ask, slow);
    assert_null(strstr(mr_buf_str(&env->ask.answer), " 200 "));
}

static void a_large_body_is_refused(void **state)
{
    static const char head[] = "GET /metrics HTTP/1.1\r\nHost: hub\r\nContent-Length: 100000000\r\n\r\n";
    struct env *env = *state;
    int fd = http_ask_dial(env->ask.port);

    assert_int_equal(send(fd, head, sizeof head - 1, MSG_NOSIGNAL), (ssize_t)sizeof head - 1);
    http_ask_read(&env->ask, fd);
    assert_non_null(strstr(mr_buf_str(&env->ask.answer), " 413 "));
}

/* Off unless configured: the log has no such line. */
static void off_by_default(void **state)
{
    struct spawn spawn;

    (void)state;
    spawn_init(&spawn, "");
    spawn_start(&spawn);
    assert_false(spawn_logged(&spawn, "event=hub.http "));
    spawn_stop(&spawn);
    spawn_fini(&spawn);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            WITH(health),
            WITH(the_text_is_well_formed),
            WITH(figures_are_of_what_happened),
            WITH(the_store_is_looked_at),
            WITH(slow_clients_are_cut),
            WITH(a_large_body_is_refused),
            cmocka_unit_test_setup_teardown(alive_but_not_ready_without_space, setup_read_only, teardown),
            cmocka_unit_test(off_by_default),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
