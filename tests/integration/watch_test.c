/*
 * Watching records over HTTP against a real hub: what comes, from where one stopped, by filters; nothing
 * counts as delivered; one who does not read is cut, and so is one who may not any more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hub/http/watch.h"
#include "tests/support/api_env.h"
#include "tests/support/bus_client.h"

#define WATCH "/api/v1/events/watch"

enum { WAIT_MS = 60 * 1000, READ_BYTES = 64 * 1024 };

struct env {
    struct api_env api;
    char portal[API_TOKEN_BYTES]; /* publishes */
    char reader[API_TOKEN_BYTES];
    char reader_id[API_TOKEN_BYTES];
    int published;
};

struct watch {
    struct http_ask ask;
    struct mr_buf text; /* as received */
    int fd;
};

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    api_env_open(&env->api, "operators: [{name: boss, roles: [admin]}]\n", "");
    api_env_token(&env->api, "publish", "portal", env->portal, NULL);
    api_env_token(&env->api, "read", "portal", env->reader, env->reader_id);
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

/* ---- support ---- */

static uint64_t publish(struct env *env)
{
    char id[32];

    (void)snprintf(id, sizeof id, "programme-%d", ++env->published);
    return api_publish(&env->api, env->portal, id);
}

static void begin(struct env *env, struct watch *watch, const char *path, const char *headers)
{
    *watch = (struct watch){
            .ask = {.port = env->api.port, .path = path, .token = env->reader, .headers = headers}};
    watch->fd = http_ask_begin(&watch->ask);
}

/* false: the connection is closed. */
static bool read_more(struct watch *watch)
{
    struct pollfd poll_fd = {.fd = watch->fd, .events = POLLIN};
    uint8_t *at = mr_buf_reserve(&watch->text, READ_BYTES);
    ssize_t n;

    assert_non_null(at);
    if (poll(&poll_fd, 1, WAIT_MS) != 1)
        fail_msg("nothing comes after: %s", mr_buf_str(&watch->text));
    n = recv(watch->fd, at, READ_BYTES, 0);
    watch->text.size += n > 0 ? (size_t)n : 0;
    return n > 0;
}

static void read_until(struct watch *watch, const char *text)
{
    while (!strstr(mr_buf_str(&watch->text), text))
        if (!read_more(watch))
            fail_msg("closed before %s: %s", text, mr_buf_str(&watch->text));
}

/* "id: 17\ndata: {" */
static void read_record(struct watch *watch, uint64_t number)
{
    char text[64];

    (void)snprintf(text, sizeof text, "id: %llu\ndata: {\"number\":%llu,", (unsigned long long)number,
            (unsigned long long)number);
    read_until(watch, text);
}

static void end(struct watch *watch)
{
    (void)close(watch->fd);
    mr_buf_fini(&watch->text);
}

struct beginning {
    struct env *env;
    struct watch *watch;
    const char *path;
};

static bool is_begun(void *ctx)
{
    const struct beginning *beginning = ctx;
    struct watch *watch = beginning->watch;

    begin(beginning->env, watch, beginning->path, NULL);
    while (!strstr(mr_buf_str(&watch->text), "retry: ") && read_more(watch))
        ;
    if (strstr(mr_buf_str(&watch->text), "retry: "))
        return true;
    end(watch);
    return false;
}

/* The hub may not have noticed yet that others are gone. */
static void begin_in_time(struct env *env, struct watch *watch, const char *path)
{
    struct beginning beginning = {env, watch, path};

    spawn_until("those of before are known to be gone", is_begun, &beginning);
}

/* ---- tests ---- */

static void records_come_as_they_are_stored(void **state)
{
    struct env *env = *state;
    const uint64_t before = publish(env);
    struct watch watch, other;
    uint64_t number;
    char text[64];

    begin(env, &watch, WATCH "?type=nms.programme.", NULL);
    read_until(&watch, "retry: ");
    assert_non_null(strstr(mr_buf_str(&watch.text), "HTTP/1.1 200"));
    assert_non_null(strstr(mr_buf_str(&watch.text), "Content-Type: text/event-stream"));
    assert_non_null(strstr(mr_buf_str(&watch.text), "Cache-Control: no-store"));
    begin(env, &other, WATCH "?system=school", NULL);
    read_until(&other, "retry: ");
    number = publish(env);
    read_record(&watch, number);
    number = publish(env);
    read_record(&watch, number);
    (void)snprintf(text, sizeof text, "{\"number\":%llu,", (unsigned long long)before);
    assert_null(strstr(mr_buf_str(&watch.text), text)); /* from now on, not from the beginning */
    assert_null(strstr(mr_buf_str(&other.text), "data: "));
    end(&watch);
    end(&other);
}

static void one_goes_on_where_one_was(void **state)
{
    struct env *env = *state;
    const uint64_t first = publish(env), second = publish(env);
    struct watch watch;
    char header[64], text[64];

    (void)snprintf(header, sizeof header, "Last-Event-ID: %llu\r\n", (unsigned long long)first);
    begin(env, &watch, WATCH, header);
    read_record(&watch, second);
    (void)snprintf(text, sizeof text, "{\"number\":%llu,", (unsigned long long)first);
    assert_null(strstr(mr_buf_str(&watch.text), text));
    end(&watch);
    begin(env, &watch, WATCH "?after=0&system=portal", NULL);
    read_record(&watch, first);
    read_record(&watch, second);
    end(&watch);
}

static void watching_is_not_taking(void **state)
{
    struct env *env = *state;
    json_t *status = bus_ask(&env->api.spawn, "", "hub.status", "{}"), *feed;
    size_t i;

    json_array_foreach (json_object_get(status, "subscriptions"), i, feed) {
        assert_int_equal(json_integer_value(json_object_get(feed, "cursor")), 0);
        assert_true(json_is_false(json_object_get(feed, "connected")));
    }
    assert_int_equal(json_array_size(json_object_get(status, "sessions")), 0);
    json_decref(status);
}

static void what_is_asked_wrongly_is_told(void **state)
{
    struct env *env = *state;

    assert_int_equal(api_get(&env->api, WATCH "?limit=5", env->reader), 400);
    assert_int_equal(api_get(&env->api, WATCH "?system=nobody", env->reader), 400);
    assert_int_equal(api_get(&env->api, WATCH, env->portal), 403);
    env->api.ask.token = env->reader;
    env->api.ask.headers = "Last-Event-ID: x\r\n";
    assert_int_equal(http_ask(&env->api.ask), 400);
}

static void a_head_does_not_watch(void **state)
{
    struct env *env = *state;
    struct http_ask ask = {.port = env->api.port, .method = "HEAD", .path = WATCH, .token = env->reader};
    char allow[16];

    assert_int_equal(http_ask(&ask), 405);
    assert_string_equal(http_ask_header(&ask, "Allow", allow, sizeof allow), "GET");
    http_ask_fini(&ask);
}

static void not_everybody_at_once(void **state)
{
    struct env *env = *state;
    struct watch watches[MR_WATCHERS_OF_ONE_MAX];

    for (size_t i = 0; i < MR_WATCHERS_OF_ONE_MAX; i++)
        begin_in_time(env, &watches[i], WATCH);
    assert_int_equal(api_get(&env->api, WATCH, env->reader), 429);
    for (size_t i = 0; i < MR_WATCHERS_OF_ONE_MAX; i++)
        end(&watches[i]);
}

static bool has_given_up(void *ctx)
{
    const struct env *env = ctx;

    return spawn_logged(&env->api.spawn, "event=http.watch_cut why=slow");
}

/* Its socket is full soon, then what the hub keeps is. */
static void who_does_not_read_is_cut(void **state)
{
    struct env *env = *state;
    struct watch watch;
    int small = 4096;

    begin_in_time(env, &watch, WATCH "?type=nms.");
    (void)setsockopt(watch.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (int i = 0; i < 100; i++) {
        char batch[40 * API_EVENT_BYTES] = "[", event[API_EVENT_BYTES], id[32];

        for (int j = 0; j < 30; j++) {
            (void)snprintf(id, sizeof id, "many-%d-%d", i, j);
            (void)snprintf(batch + strlen(batch), sizeof batch - strlen(batch), "%s%s", j > 0 ? "," : "",
                    api_programme(event, id));
        }
        (void)strncat(batch, "]", sizeof batch - strlen(batch) - 1);
        assert_int_equal(api_post(&env->api, "/api/v1/events", env->portal,
                                 "application/cloudevents-batch+json", batch),
                200);
    }
    spawn_until("it is cut", has_given_up, env);
    end(&watch);
}

/* The last one: the token is gone, and the hub stops while somebody watches. */
static void who_may_not_any_more_is_cut(void **state)
{
    struct env *env = *state;
    struct watch watch;

    begin_in_time(env, &watch, WATCH);
    api_env_revoke(&env->api, env->reader_id);
    while (read_more(&watch))
        ;
    assert_int_equal(api_get(&env->api, WATCH, env->reader), 401);
    end(&watch);
    api_env_token(&env->api, "read", "portal", env->reader, NULL);
    begin_in_time(env, &watch, WATCH);
    spawn_stop(&env->api.spawn);
    while (read_more(&watch))
        ;
    end(&watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(records_come_as_they_are_stored),
            cmocka_unit_test(one_goes_on_where_one_was),
            cmocka_unit_test(watching_is_not_taking),
            cmocka_unit_test(what_is_asked_wrongly_is_told),
            cmocka_unit_test(a_head_does_not_watch),
            cmocka_unit_test(not_everybody_at_once),
            cmocka_unit_test(who_does_not_read_is_cut),
            cmocka_unit_test(who_may_not_any_more_is_cut),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
