/* People at the HTTP API: invited, a password, logged in and out, locked; and what a cookie alone may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/http_ask.h"
#include "tests/support/run_program.h"

#define PASSWORD "four words are enough"

enum { SECRET_BYTES = 64, WEAK_TRIES = 20 };

struct env {
    struct spawn spawn;
    struct http_ask ask;
    uint16_t port;
    char invited[SECRET_BYTES]; /* the secret that was said at the start */
    char cookie[SECRET_BYTES];
    char csrf[SECRET_BYTES];
};

/* ---- support ---- */

static bool first_account(void *ctx)
{
    struct env *env = ctx;
    char line[1024];
    const char *at;
    FILE *log = fopen(env->spawn.log, "re");

    assert_non_null(log);
    while (fgets(line, sizeof line, log))
        if (strstr(line, "event=hub.first_account") && (at = strstr(line, "invite=boss:")))
            (void)sscanf(at, "invite=boss:%43s", env->invited);
    (void)fclose(log);
    return env->invited[0] != '\0';
}

static json_t *body_json(const struct env *env)
{
    struct mr_slice body = http_ask_body(&env->ask);

    return json_loadb((const char *)body.data, body.size, 0, NULL);
}

static int ask(struct env *env, const char *method, const char *path, bool with_csrf, const char *body)
{
    struct mr_buf kept = env->ask.answer;
    char headers[512], csrf[128] = "";

    if (with_csrf)
        (void)snprintf(csrf, sizeof csrf, "X-CSRF-Token: %s\r\n", env->csrf);
    (void)snprintf(headers, sizeof headers, "Content-Type: application/json\r\nCookie: mr_session=%s\r\n%s",
            env->cookie, csrf);
    env->ask = (struct http_ask){.port = env->port,
            .method = method,
            .path = path,
            .headers = headers,
            .body = mr_slice_str(body),
            .answer = kept};
    return http_ask(&env->ask);
}

static void keep_session(struct env *env)
{
    char header[256];
    json_t *json = body_json(env);

    (void)http_ask_header(&env->ask, "Set-Cookie", header, sizeof header);
    assert_int_equal(sscanf(header, "mr_session=%43s", env->cookie), 1);
    assert_non_null(strstr(header, "HttpOnly"));
    assert_non_null(strstr(header, "SameSite=Strict"));
    (void)snprintf(env->csrf, sizeof env->csrf, "%s", json_string_value(json_object_get(json, "csrf")));
    json_decref(json);
}

static int log_in(struct env *env, const char *name, const char *password)
{
    char body[256];

    (void)snprintf(body, sizeof body, "{\"name\":\"%s\",\"password\":\"%s\"}", name, password);
    env->cookie[0] = '\0';
    return ask(env, "POST", "/api/v1/session", false, body);
}

static void log_in_well(struct env *env)
{
    assert_int_equal(log_in(env, "boss", PASSWORD), 200);
    keep_session(env);
}

static int set_password(struct env *env, const char *name, const char *secret, const char *password)
{
    char body[512];

    (void)snprintf(body, sizeof body, "{\"name\":\"%s\",\"secret\":\"%s\",\"password\":\"%s\"}", name, secret,
            password);
    return ask(env, "POST", "/api/v1/session/password", false, body);
}

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    spawn_init_hub(&env->spawn,
            "operators: [{name: boss, roles: [admin]}, {name: looker, roles: [auditor]}]\n",
            "  ballast_mb: 1\n  space_watermark_mb: 1\n  http_listen: 127.0.0.1:0\n");
    spawn_start(&env->spawn);
    env->port = http_ask_port(&env->spawn);
    spawn_until("the first administrator is invited", first_account, env);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    http_ask_fini(&env->ask);
    spawn_stop(&env->spawn);
    spawn_fini(&env->spawn);
    free(env);
    return 0;
}

/* ---- tests: each leaves what the next one needs ---- */

static void the_invitation_is_good_once(void **state)
{
    struct env *env = *state;

    assert_int_equal(log_in(env, "boss", PASSWORD), 403);
    assert_int_equal(set_password(env, "boss", "no-such-secret", PASSWORD), 403);
    for (int i = 0; i < WEAK_TRIES; i++) { /* the owner looks for a good one: nothing is guessed */
        assert_int_equal(set_password(env, "boss", env->invited, "short"), 400);
        assert_int_equal(set_password(env, "boss", env->invited, "boss is my name, boss"), 400);
    }
    assert_int_equal(set_password(env, "boss", env->invited, PASSWORD), 200);
    keep_session(env);
    assert_int_equal(set_password(env, "boss", env->invited, "another good password"), 403);
}

static void who_is_logged_in_may(void **state)
{
    struct env *env = *state;
    json_t *json;

    assert_int_equal(ask(env, "GET", "/api/v1/session", false, ""), 200);
    json = body_json(env);
    assert_string_equal(json_string_value(json_object_get(json, "name")), "boss");
    json_decref(json);
    assert_int_equal(ask(env, "GET", "/api/v1/status", false, ""), 200);
    assert_int_equal(ask(env, "GET", "/api/v1/tokens", false, ""), 200);
    assert_int_equal(ask(env, "POST", "/api/v1/events", true, "{}"), 403); /* no system is a person */
}

/* Another site's page can send the cookie, not the header. */
static void a_cookie_alone_changes_nothing(void **state)
{
    static const char token[] = "{\"name\":\"x\",\"scopes\":\"read\"}";
    struct env *env = *state;
    char right[SECRET_BYTES];

    assert_int_equal(ask(env, "POST", "/api/v1/tokens", false, token), 403);
    memcpy(right, env->csrf, sizeof right);
    env->csrf[0] = env->csrf[0] == 'A' ? 'B' : 'A';
    assert_int_equal(ask(env, "POST", "/api/v1/tokens", true, token), 403);
    memcpy(env->csrf, right, sizeof right);
    assert_int_equal(ask(env, "POST", "/api/v1/tokens", true, token), 200);
}

static void roles_hold(void **state)
{
    struct env *env = *state;
    char secret[SECRET_BYTES];
    json_t *json;

    assert_int_equal(ask(env, "POST", "/api/v1/accounts/looker/invite", true, "{}"), 200);
    json = body_json(env);
    (void)snprintf(secret, sizeof secret, "%s", json_string_value(json_object_get(json, "secret")));
    json_decref(json);
    assert_int_equal(ask(env, "POST", "/api/v1/accounts/stranger/invite", true, "{}"), 400);
    env->cookie[0] = '\0';
    assert_int_equal(set_password(env, "looker", secret, PASSWORD), 200);
    keep_session(env);
    assert_int_equal(ask(env, "GET", "/api/v1/events", false, ""), 200);
    assert_int_equal(ask(env, "POST", "/api/v1/tokens", true, "{\"name\":\"x\",\"scopes\":\"read\"}"), 403);
    assert_int_equal(ask(env, "POST", "/api/v1/accounts/boss/lock", true, "{}"), 403);
    assert_int_equal(ask(env, "GET", "/api/v1/accounts", false, ""), 403);
    assert_int_equal(ask(env, "GET", "/api/v1/tokens", false, ""), 403);
}

/* Whoever had the old one, or stole its cookie, is out with it. */
static void a_new_password_ends_old_logins(void **state)
{
    struct env *env = *state;
    struct env boss = {.port = env->port}, again = {.port = env->port};
    char secret[SECRET_BYTES];
    json_t *json;

    log_in_well(&boss);
    assert_int_equal(ask(env, "GET", "/api/v1/events", false, ""), 200);
    assert_int_equal(ask(&boss, "POST", "/api/v1/accounts/looker/invite", true, "{}"), 200);
    json = body_json(&boss);
    (void)snprintf(secret, sizeof secret, "%s", json_string_value(json_object_get(json, "secret")));
    json_decref(json);
    assert_int_equal(ask(env, "GET", "/api/v1/events", false, ""), 401); /* by the invitation already */
    assert_int_equal(ask(&boss, "GET", "/api/v1/accounts", false, ""), 200);
    assert_non_null(memmem(boss.ask.answer.data, boss.ask.answer.size, "\"invited\"", 9)); /* no password */
    assert_int_equal(set_password(&again, "looker", secret, PASSWORD), 200);
    keep_session(&again);
    assert_int_equal(ask(&again, "GET", "/api/v1/events", false, ""), 200);
    memcpy(env->cookie, again.cookie, sizeof env->cookie);
    memcpy(env->csrf, again.csrf, sizeof env->csrf);
    http_ask_fini(&boss.ask);
    http_ask_fini(&again.ask);
}

static void who_is_locked_is_out(void **state)
{
    struct env *env = *state;
    struct env boss = {.port = env->port};

    log_in_well(&boss);
    assert_int_equal(ask(&boss, "POST", "/api/v1/accounts/looker/lock", true, "{}"), 200);
    assert_int_equal(ask(env, "GET", "/api/v1/events", false, ""), 401);
    assert_int_equal(log_in(env, "looker", PASSWORD), 403);
    assert_int_equal(ask(&boss, "POST", "/api/v1/accounts/looker/unlock", true, "{}"), 200);
    assert_int_equal(ask(&boss, "DELETE", "/api/v1/session", true, ""), 200);
    assert_int_equal(ask(&boss, "GET", "/api/v1/session", false, ""), 401);
    http_ask_fini(&boss.ask);
}

/* A cookie that was stolen, and not used while the account was locked, is no good afterwards either. */
static void a_lock_ends_what_was_not_used(void **state)
{
    struct env *env = *state;
    struct env boss = {.port = env->port}, thief = {.port = env->port};

    log_in_well(&boss);
    assert_int_equal(log_in(&thief, "looker", PASSWORD), 200);
    keep_session(&thief);
    assert_int_equal(ask(&thief, "GET", "/api/v1/events", false, ""), 200);
    assert_int_equal(ask(&boss, "POST", "/api/v1/accounts/looker/lock", true, "{}"), 200);
    assert_int_equal(ask(&boss, "POST", "/api/v1/accounts/looker/unlock", true, "{}"), 200);
    assert_int_equal(ask(&thief, "GET", "/api/v1/events", false, ""), 401);
    assert_int_equal(log_in(env, "looker", PASSWORD), 200);
    keep_session(env);
    http_ask_fini(&boss.ask);
    http_ask_fini(&thief.ask);
}

/* Whoever logs in in the place of another, or anew, leaves nothing open behind. */
static void a_login_ends_the_one_before(void **state)
{
    struct env *env = *state;
    struct env here = {.port = env->port}, former = {.port = env->port};

    assert_int_equal(log_in(&here, "looker", PASSWORD), 200);
    keep_session(&here);
    former = (struct env){.port = env->port};
    memcpy(former.cookie, here.cookie, sizeof former.cookie);
    memcpy(former.csrf, here.csrf, sizeof former.csrf);
    assert_int_equal(ask(&former, "GET", "/api/v1/session", false, ""), 200);
    assert_int_equal(ask(&here, "POST", "/api/v1/session", false,
                             "{\"name\":\"looker\",\"password\":\"" PASSWORD "\"}"),
            200); /* with the cookie */
    keep_session(&here);
    assert_string_not_equal(here.cookie, former.cookie);
    assert_int_equal(ask(&former, "GET", "/api/v1/session", false, ""), 401);
    assert_int_equal(ask(&here, "GET", "/api/v1/session", false, ""), 200);
    http_ask_fini(&here.ask);
    http_ask_fini(&former.ask);
}

static void guessing_is_slow(void **state)
{
    struct env *env = *state;
    int tries = 0;

    while (log_in(env, "looker", "a wrong password") == 403)
        assert_true(tries++ < 100);
    assert_int_equal(env->ask.status, 429);
}

/* No password, secret, cookie or digest of them stands anywhere that is written. */
static void nothing_secret_is_logged(void **state)
{
    struct env *env = *state;
    const char *const argv[] = {"marshrut", "-c", env->spawn.config, "--json", "tail", NULL};
    struct run_program run = {0};

    run_program(&run, argv);
    assert_int_equal(run.status, 0);
    assert_non_null(strstr(run_program_out(&run), "hub.account.changed.v1"));
    assert_null(strstr(run_program_out(&run), env->invited));
    assert_null(strstr(run_program_out(&run), "argon2"));
    run_program_fini(&run);
    assert_false(spawn_logged(&env->spawn, PASSWORD));
    assert_false(spawn_logged(&env->spawn, env->cookie[0] ? env->cookie : "argon2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_invitation_is_good_once),
            cmocka_unit_test(who_is_logged_in_may),
            cmocka_unit_test(a_cookie_alone_changes_nothing),
            cmocka_unit_test(roles_hold),
            cmocka_unit_test(a_new_password_ends_old_logins),
            cmocka_unit_test(nothing_secret_is_logged),
            cmocka_unit_test(a_lock_ends_what_was_not_used),
            cmocka_unit_test(a_login_ends_the_one_before),
            cmocka_unit_test(
                    who_is_locked_is_out), /* tries that fail are few: those that have some come last */
            cmocka_unit_test(guessing_is_slow),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
