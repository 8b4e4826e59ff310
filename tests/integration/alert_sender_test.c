/* proto/loop/alert_sender.h: each way to a receiver that is well, and to those that are dead, slow or say no.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/list.h"
#include "proto/loop/alert_sender.h"
#include "proto/loop/http_server.h"
#include "tests/support/fake_smtp.h"
#include "tests/support/tmpdir.h"

enum { DEADLINE_S = 120, SHORT_MS = 500 };

struct scene {
    uv_loop_t loop;
    uv_timer_t deadline;
    struct mr_alert_sender *sender;
    struct mr_http_server *server;
    unsigned status; /* that the server answers */
    bool holds;      /* ... or it does not answer at all */
    int requests;
    char body[1024]; /* of the last request */
    char token[64];
    char url[64];
    char *dir;
    char script[128], out[128];
};

static const struct mr_alert disk_low = {.condition = "disk-low",
        .subject = "",
        .state = "firing",
        .what = "12 MiB are free",
        .cure = "make room",
        .since_us = 1700000000000000,
        .at_us = 1700000060000000};

static void on_deadline(uv_timer_t *timer)
{
    (void)timer;
    fail_msg("did not happen in time");
}

static void on_request(void *ctx, const struct mr_http_request *request)
{
    struct scene *scene = ctx;
    const char *token = mr_http_header(request, "Authorization");

    scene->requests++;
    (void)snprintf(scene->body, sizeof scene->body, "%.*s", (int)request->body.size,
            (const char *)request->body.data);
    (void)snprintf(scene->token, sizeof scene->token, "%s", token ? token : "");
    if (!scene->holds)
        mr_http_answer(request->exchange, scene->status, NULL, mr_slice(NULL, 0));
}

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    const struct mr_http_server_options options = {
            .loop = &scene->loop, .listen = "127.0.0.1:0", .on_request = on_request, .ctx = scene};

    (void)signal(SIGPIPE, SIG_IGN); /* as the programs do: a command that does not read */
    assert_int_equal(uv_loop_init(&scene->loop), 0);
    (void)uv_timer_init(&scene->loop, &scene->deadline);
    (void)uv_timer_start(&scene->deadline, on_deadline, DEADLINE_S * 1000, 0);
    assert_int_equal(mr_http_server_open(&scene->server, &options, NULL), 0);
    (void)snprintf(
            scene->url, sizeof scene->url, "http://127.0.0.1:%u/page", mr_http_server_port(scene->server));
    scene->status = 204;
    scene->dir = mr_tmpdir_new();
    (void)snprintf(scene->script, sizeof scene->script, "%s/page.sh", scene->dir);
    (void)snprintf(scene->out, sizeof scene->out, "%s/out", scene->dir);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    mr_alert_sender_close(scene->sender);
    mr_http_server_close(scene->server, NULL, NULL);
    uv_close((uv_handle_t *)&scene->deadline, NULL);
    (void)uv_run(&scene->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&scene->loop), 0);
    mr_tmpdir_free(scene->dir);
    free(scene);
    return 0;
}

static void open_with(struct scene *scene, struct mr_alert_sender_options options)
{
    options.loop = &scene->loop;
    options.from = "urn:marshrut:24:hub";
    options.retry_first_ms = 1;
    if (options.timeout_ms == 0)
        options.timeout_ms = DEADLINE_S * 1000;
    assert_int_equal(mr_alert_sender_open(&scene->sender, &options, NULL), 0);
}

static void write_script(const struct scene *scene, const char *text)
{
    FILE *file = fopen(scene->script, "we");

    assert_non_null(file);
    (void)fprintf(file, "#!/bin/sh\n%s", text);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(scene->script, 0700), 0);
}

static bool file_is_whole(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(text, 1, size - 1, file) : 0;

    text[n] = 0;
    if (file)
        (void)fclose(file);
    return n > 0 && text[n - 1] == '\n';
}

static void expect_json(const char *text)
{
    static const struct {
        const char *key, *value;
    } members[] = {{"from", "urn:marshrut:24:hub"}, {"condition", "disk-low"}, {"subject", ""},
            {"state", "firing"}, {"since", "2023-11-14T22:13:20.000000Z"},
            {"at", "2023-11-14T22:14:20.000000Z"}, {"what", "12 MiB are free"}, {"cure", "make room"}};
    json_t *json = json_loads(text, 0, NULL);

    assert_non_null(json);
    assert_int_equal(json_object_size(json), MR_COUNT(members));
    for (size_t i = 0; i < MR_COUNT(members); i++)
        assert_string_equal(json_string_value(json_object_get(json, members[i].key)), members[i].value);
    json_decref(json);
}

static void a_webhook_gets_it(void **state)
{
    struct scene *scene = *state;

    open_with(scene, (struct mr_alert_sender_options){.webhook = scene->url, .webhook_token = "a-token"});
    mr_alert_send(scene->sender, &disk_low);
    while (scene->requests == 0)
        (void)uv_run(&scene->loop, UV_RUN_ONCE);
    expect_json(scene->body);
    assert_string_equal(scene->token, "Bearer a-token");
}

/* No is asked again, a limited number of times; then the next one has its turn. */
static void one_that_says_no_is_asked_again(void **state)
{
    struct scene *scene = *state;
    struct mr_alert second = disk_low;

    open_with(scene, (struct mr_alert_sender_options){.webhook = scene->url});
    scene->status = 500;
    second.condition = "second";
    mr_alert_send(scene->sender, &disk_low);
    mr_alert_send(scene->sender, &second);
    while (scene->requests < MR_ALERT_ATTEMPTS_MAX)
        (void)uv_run(&scene->loop, UV_RUN_ONCE);
    assert_null(strstr(scene->body, "second"));
    scene->status = 200;
    while (!strstr(scene->body, "second"))
        (void)uv_run(&scene->loop, UV_RUN_ONCE);
    assert_int_equal(scene->requests, MR_ALERT_ATTEMPTS_MAX + 1);
}

/* A receiver that never answers: one attempt at a time, and what waits is bounded. Closing does not wait. */
static void a_slow_one_costs_a_queue(void **state)
{
    struct scene *scene = *state;

    open_with(scene, (struct mr_alert_sender_options){.webhook = scene->url});
    scene->holds = true;
    for (int i = 0; i < 3 * MR_ALERT_QUEUE_MAX; i++)
        mr_alert_send(scene->sender, &disk_low);
    while (scene->requests == 0)
        (void)uv_run(&scene->loop, UV_RUN_ONCE);
    for (int i = 0; i < 10; i++)
        (void)uv_run(&scene->loop, UV_RUN_NOWAIT);
    assert_int_equal(scene->requests, 1);
}

static void a_time_out_is_an_attempt(void **state)
{
    struct scene *scene = *state;

    open_with(scene, (struct mr_alert_sender_options){.webhook = scene->url, .timeout_ms = SHORT_MS});
    scene->holds = true;
    mr_alert_send(scene->sender, &disk_low);
    while (scene->requests < 3)
        (void)uv_run(&scene->loop, UV_RUN_ONCE);
    scene->holds = false;
}

static void a_command_gets_it(void **state)
{
    struct scene *scene = *state;
    char *argv[] = {scene->script, (char *)"two words", scene->out};
    char text[1024];

    write_script(scene, "[ \"$1\" = 'two words' ] || exit 3\ncat > \"$2\"\n");
    open_with(scene, (struct mr_alert_sender_options){.command = argv, .command_count = MR_COUNT(argv)});
    mr_alert_send(scene->sender, &disk_low);
    while (!file_is_whole(scene->out, text, sizeof text))
        (void)uv_run(&scene->loop, UV_RUN_ONCE);
    expect_json(text);
}

/* A zombie that nobody waits for has ended too. */
static bool has_ended(int pid)
{
    char path[64], text[256] = "";
    const char *state;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
    file = fopen(path, "re");
    if (!file)
        return true;
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    (void)fclose(file);
    state = strrchr(text, ')');
    return !state || state[2] == 'Z' || state[2] == 'X';
}

/* It hangs without reading, with a child: the whole group is killed at the deadline, and it is tried again.
 */
static void a_hanging_command_is_killed(void **state)
{
    struct scene *scene = *state;
    char *argv[] = {scene->script, scene->out};
    char text[1024];
    int pid = 0;

    write_script(scene,
            "if [ -e \"$1\" ]; then exit 0; fi\n"
            "sh -c 'echo $$ > \"$0.new\"; mv \"$0.new\" \"$0\"; exec tail -f /dev/null' \"$1\"\n");
    open_with(scene, (struct mr_alert_sender_options){
                             .command = argv, .command_count = MR_COUNT(argv), .timeout_ms = 1000});
    mr_alert_send(scene->sender, &disk_low);
    while (!file_is_whole(scene->out, text, sizeof text))
        (void)uv_run(&scene->loop, UV_RUN_NOWAIT);
    assert_int_equal(sscanf(text, "%d", &pid), 1);
    while (!has_ended(pid))
        (void)uv_run(&scene->loop, UV_RUN_NOWAIT);
}

static void a_command_that_is_not_there(void **state)
{
    struct scene *scene = *state;
    char missing[] = "/nonexistent/page";
    char *argv[] = {missing};

    open_with(scene,
            (struct mr_alert_sender_options){.command = argv, .command_count = 1, .webhook = scene->url});
    mr_alert_send(scene->sender, &disk_low);
    while (scene->requests == 0) /* the other way has it all the same */
        (void)uv_run(&scene->loop, UV_RUN_ONCE);
}

static void a_mail_gets_there(void **state)
{
    static const char *const wanted[] = {"MAIL FROM:<hub@example.org>", "RCPT TO:<a@example.org>\n",
            "RCPT TO:<b@example.org>\n", "Date: Tue, 14 Nov 2023 22:14:20 +0000\n",
            "From: <hub@example.org>\n", "To: <a@example.org>,\n <b@example.org>\n",
            "Subject: [marshrut] firing: disk-low\n", "Auto-Submitted: auto-generated\n",
            "\n\n12 MiB are free\n", "What to do: make room\n", "From: urn:marshrut:24:hub\n"};
    struct scene *scene = *state;
    struct fake_smtp smtp;
    char *to[] = {(char *)"a@example.org", (char *)"b@example.org"};
    char url[64];

    fake_smtp_open(&smtp, &scene->loop, false);
    (void)snprintf(url, sizeof url, "smtp://127.0.0.1:%d", smtp.port);
    open_with(scene,
            (struct mr_alert_sender_options){
                    .mail_server = url, .mail_from = "hub@example.org", .mail_to = to, .mail_to_count = 2});
    mr_alert_send(scene->sender, &disk_low);
    while (smtp.mails == 0)
        (void)uv_run(&scene->loop, UV_RUN_ONCE);
    for (size_t i = 0; i < MR_COUNT(wanted); i++)
        if (!strstr(mr_buf_str(&smtp.mail), wanted[i]))
            fail_msg("not in the mail: %s\n%s", wanted[i], mr_buf_str(&smtp.mail));
    fake_smtp_close(&smtp);
}

/* With a login and a server that has no TLS nothing is said: the password would be readable. */
static void no_password_without_tls(void **state)
{
    struct scene *scene = *state;
    struct fake_smtp smtp;
    char *to[] = {(char *)"a@example.org"};
    char url[64];

    fake_smtp_open(&smtp, &scene->loop, false);
    (void)snprintf(url, sizeof url, "smtp://127.0.0.1:%d", smtp.port);
    open_with(scene, (struct mr_alert_sender_options){.mail_server = url,
                             .mail_from = "hub@example.org",
                             .mail_to = to,
                             .mail_to_count = 1,
                             .mail_user = "hub",
                             .mail_password = "secret"});
    mr_alert_send(scene->sender, &disk_low);
    while (smtp.connections < 2) /* tried again */
        (void)uv_run(&scene->loop, UV_RUN_ONCE);
    assert_int_equal(smtp.mails, 0);
    assert_int_equal(smtp.mail.size, 0);
    fake_smtp_close(&smtp);
}

static void a_silent_mail_server_is_left(void **state)
{
    struct scene *scene = *state;
    struct fake_smtp smtp;
    char *to[] = {(char *)"a@example.org"};
    char url[64];

    fake_smtp_open(&smtp, &scene->loop, true);
    (void)snprintf(url, sizeof url, "smtp://127.0.0.1:%d", smtp.port);
    open_with(scene, (struct mr_alert_sender_options){.mail_server = url,
                             .mail_from = "hub@example.org",
                             .mail_to = to,
                             .mail_to_count = 1,
                             .timeout_ms = SHORT_MS});
    mr_alert_send(scene->sender, &disk_low);
    while (smtp.connections < 2)
        (void)uv_run(&scene->loop, UV_RUN_ONCE);
    fake_smtp_close(&smtp);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            WITH(a_webhook_gets_it),
            WITH(one_that_says_no_is_asked_again),
            WITH(a_slow_one_costs_a_queue),
            WITH(a_time_out_is_an_attempt),
            WITH(a_command_gets_it),
            WITH(a_hanging_command_is_killed),
            WITH(a_command_that_is_not_there),
            WITH(a_mail_gets_there),
            WITH(no_password_without_tls),
            WITH(a_silent_mail_server_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
