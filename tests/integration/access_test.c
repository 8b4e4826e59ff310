/*
 * Who may what over HTTP: every route of the hub, asked by nobody, by a token of each scope and by somebody
 * of each role, against the two tables of docs/api.md; and what is no GET, by a cookie alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/audit/method.h"
#include "hub/http/reading.h"
#include "hub/http/token.h"
#include "tests/support/api_env.h"

#define PASSWORD "four words are enough"
#define OPERATORS                                                                                            \
    "operators: [{name: boss, roles: [admin]}, {name: auditor, roles: [auditor]},"                           \
    " {name: cnppm, roles: [cnppm]}, {name: ministry, roles: [ministry]},"                                   \
    " {name: officer, roles: [pd-officer]}, {name: federal, roles: [federal]},"                              \
    " {name: ipk, roles: [ipk]}, {name: mms, roles: [mms]}]\n"

enum { ROLES = 8, SCOPES_MAX = 16, SECRET_BYTES = 64, NEED_BYTES = 96 };

static const struct {
    const char *role, *name;
} people[ROLES] = {{"admin", "boss"}, {"auditor", "auditor"}, {"cnppm", "cnppm"}, {"ministry", "ministry"},
        {"pd-officer", "officer"}, {"federal", "federal"}, {"ipk", "ipk"}, {"mms", "mms"}};

struct person {
    char cookie[SECRET_BYTES], csrf[SECRET_BYTES];
};

struct env {
    struct api_env api;
    char *document; /* docs/api.md */
    struct person people[ROLES];
    char tokens[SCOPES_MAX][API_TOKEN_BYTES];
    size_t scopes;
};

/* ---- support ---- */

static char *read_document(void)
{
    FILE *file = fopen(MR_SOURCE_DIR "/docs/api.md", "re");
    char *text;
    long size;

    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    size = ftell(file);
    assert_true(size > 0);
    rewind(file);
    text = calloc(1, (size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size, file), size);
    (void)fclose(file);
    return text;
}

static int ask(struct env *env, const char *method, const char *path, const char *headers, const char *body)
{
    struct mr_buf kept = env->api.ask.answer;

    env->api.ask = (struct http_ask){.port = env->api.port,
            .method = method,
            .path = path,
            .headers = headers,
            .body = mr_slice_str(body),
            .answer = kept};
    return http_ask(&env->api.ask);
}

static int ask_as(
        struct env *env, const struct person *person, const char *method, const char *path, const char *csrf)
{
    char headers[384];
    const char *body = strcmp(method, "POST") == 0 ? "{}" : "";

    (void)snprintf(headers, sizeof headers,
            "Content-Type: application/json\r\nCookie: mr_session=%s\r\nX-CSRF-Token: %s\r\n", person->cookie,
            csrf);
    return ask(env, method, path, headers, body);
}

static int ask_with(struct env *env, const char *token, const char *method, const char *path)
{
    const char *body = strcmp(method, "POST") == 0 ? "{}" : "";
    char headers[192];

    (void)snprintf(
            headers, sizeof headers, "Content-Type: application/json\r\nAuthorization: Bearer %s\r\n", token);
    return ask(env, method, path, headers, body);
}

static void log_in(struct env *env, const char *name, struct person *ret)
{
    char secret[SECRET_BYTES], body[256], header[256];
    json_t *json = api_tool(&env->api, (const char *const[]){"account", "invite", name, NULL});

    (void)snprintf(secret, sizeof secret, "%s", json_string_value(json_object_get(json, "secret")));
    json_decref(json);
    (void)snprintf(body, sizeof body, "{\"name\":\"%s\",\"secret\":\"%s\",\"password\":\"" PASSWORD "\"}",
            name, secret);
    assert_int_equal(
            ask(env, "POST", "/api/v1/session/password", "Content-Type: application/json\r\n", body), 200);
    json = api_json(&env->api);
    (void)http_ask_header(&env->api.ask, "Set-Cookie", header, sizeof header);
    assert_int_equal(sscanf(header, "mr_session=%43s", ret->cookie), 1);
    (void)snprintf(ret->csrf, sizeof ret->csrf, "%s", json_string_value(json_object_get(json, "csrf")));
    json_decref(json);
}

static int setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);
    const char *scope;

    env->document = read_document();
    api_env_open(&env->api, OPERATORS, "");
    for (; (scope = mr_token_scope_name(1u << env->scopes)) != NULL; env->scopes++)
        api_env_token(&env->api, scope, "portal", env->tokens[env->scopes], NULL);
    for (size_t i = 0; i < ROLES; i++)
        log_in(env, people[i].name, &env->people[i]);
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    struct env *env = *state;

    api_env_close(&env->api);
    free(env->document);
    free(env);
    return 0;
}

/* ---- the tables of the document ---- */

/* What the code says that it takes: "nothing", a scope, "log in", "log in: ROLES". */
static const char *need_of(const struct mr_api_route *route, char ret[static NEED_BYTES])
{
    const struct mr_method *method = route->reading ? mr_method_find(route->reading->method) : NULL;
    const char *roles = route->role ? route->role : method ? method->roles : NULL;

    if (!route->scope)
        (void)snprintf(ret, NEED_BYTES, "nothing");
    else if (route->scope != MR_TOKEN_PERSON)
        (void)snprintf(ret, NEED_BYTES, "%s", mr_token_scope_name(route->scope));
    else
        (void)snprintf(ret, NEED_BYTES, "log in%s%s", roles ? ": " : "", roles ? roles : "");
    return ret;
}

/* The second column of the row that begins with this. */
static const char *documented(
        const struct env *env, const struct mr_api_route *route, char ret[static NEED_BYTES])
{
    char row[192];
    const char *table = strstr(env->document, "## Who may what"), *at;

    (void)snprintf(row, sizeof row, "\n| `%s %s` | ", route->method, route->path);
    at = table ? strstr(table, row) : NULL;
    if (!at)
        fail_msg("docs/api.md, \"Who may what\", has no row for %s %s", route->method, route->path);
    at += strlen(row);
    (void)snprintf(ret, NEED_BYTES, "%.*s", (int)strcspn(at, "|") - 1, at);
    return ret;
}

static void each_route_has_its_row(void **state)
{
    const struct env *env = *state;
    const struct mr_api_route *route;
    size_t count = 0, rows = 0;
    char said[NEED_BYTES], need[NEED_BYTES];
    const char *at = strstr(env->document, "## Who may what");

    for (; (route = mr_api_route_at(count)) != NULL; count++)
        if (strcmp(documented(env, route, said), need_of(route, need)) != 0)
            fail_msg("docs/api.md says of %s %s: %s; it is %s", route->method, route->path, said, need);
    assert_non_null(at);
    for (at++; (at = strstr(at, "\n| `")) != NULL; at++)
        rows += strncmp(at + 4, "GET ", 4) == 0 || strncmp(at + 4, "POST ", 5) == 0 ||
                strncmp(at + 4, "DELETE ", 7) == 0;
    assert_int_equal(rows, count); /* it is the last table of the document */
}

/* "| admin, auditor | `read`, `log` |": does the role have the scope? */
static bool role_has(const struct env *env, const char *role, const char *scope)
{
    char line[256], quoted[40];
    const char *at = strstr(env->document, "\n| role | may look at |");

    assert_non_null(at);
    (void)snprintf(quoted, sizeof quoted, "`%s`", scope);
    for (at++; *at == '|'; at += strcspn(at, "\n") + 1) {
        const char *second;
        size_t size = strlen(role);

        (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
        second = strstr(line + 1, "| ");
        for (const char *word = line; second && (word = strstr(word, role)) != NULL && word < second; word++)
            if (word[-1] == ' ' && (word[size] == ',' || word[size] == ' '))
                return strstr(second, quoted) != NULL;
    }
    fail_msg("docs/api.md has no row for the role %s", role);
    return false;
}

static bool role_may(const struct env *env, const char *role, const char *need)
{
    size_t size = strlen(role);

    if (strcmp(need, "nothing") == 0 || strcmp(need, "log in") == 0)
        return true;
    if (strncmp(need, "log in: ", 8) != 0)
        return role_has(env, role, need);
    for (const char *at = need + 8;; at += strcspn(at, ",") + 1) {
        if (strncmp(at, role, size) == 0 && (at[size] == ',' || !at[size]))
            return true;
        if (!strchr(at, ','))
            return false;
    }
}

/* ---- the walk ---- */

/* Of nothing that there is, so that nothing is done; and an answer that ends. */
static const char *path_of(const struct mr_api_route *route, char ret[static 192])
{
    size_t used = 0;

    for (const char *at = route->path; *at && used < 128; at++) {
        if (*at != '{') {
            ret[used++] = *at;
            continue;
        }
        ret[used++] = '9';
        at += strcspn(at, "}");
    }
    ret[used] = '\0';
    if (strcmp(route->path, "/api/v1/events/watch") == 0)
        (void)strncat(ret, "?nonsense=1", 191 - strlen(ret));
    return ret;
}

static bool is_goodbye(const struct mr_api_route *route)
{
    return strcmp(route->method, "DELETE") == 0;
}

static void assert_may(const struct mr_api_route *route, const char *who, int status, bool may)
{
    bool denied = status == 401 || status == 403;

    if (status == 429 || status == 500 || denied == may)
        fail_msg("%s %s as %s: %d, and may: %d", route->method, route->path, who, status, may);
}

static void tokens_may_what_is_said(void **state)
{
    struct env *env = *state;
    const struct mr_api_route *route;
    char need[NEED_BYTES], path[192];

    for (size_t i = 0; (route = mr_api_route_at(i)) != NULL; i++) {
        documented(env, route, need);
        path_of(route, path);
        if (strcmp(need, "nothing") == 0)
            continue; /* a password that is wrong is 403 too */
        assert_int_equal(ask(env, route->method, path, "", ""), 401);
        for (size_t j = 0; j < env->scopes; j++) {
            const char *scope = mr_token_scope_name(1u << j);

            assert_may(route, scope, ask_with(env, env->tokens[j], route->method, path),
                    strcmp(need, scope) == 0);
        }
    }
}

static void people_may_what_is_said(void **state)
{
    struct env *env = *state;
    const struct mr_api_route *route;
    char need[NEED_BYTES], path[192];

    for (size_t i = 0; (route = mr_api_route_at(i)) != NULL; i++) {
        documented(env, route, need);
        path_of(route, path);
        if (strcmp(need, "nothing") == 0 || is_goodbye(route))
            continue;
        for (size_t j = 0; j < ROLES; j++)
            assert_may(route, people[j].role,
                    ask_as(env, &env->people[j], route->method, path, env->people[j].csrf),
                    role_may(env, people[j].role, need));
    }
}

/* Another site can make a browser send the cookie. */
static void a_cookie_alone_changes_nothing(void **state)
{
    struct env *env = *state;
    const struct mr_api_route *route;
    char need[NEED_BYTES], path[192];
    size_t looked = 0;

    for (size_t i = 0; (route = mr_api_route_at(i)) != NULL; i++) {
        documented(env, route, need);
        if (strcmp(route->method, "GET") == 0 || strcmp(need, "nothing") == 0)
            continue;
        path_of(route, path);
        assert_int_equal(ask_as(env, &env->people[0], route->method, path, ""), 403);
        assert_int_equal(ask_as(env, &env->people[0], route->method, path, env->people[1].csrf), 403);
        looked++;
    }
    assert_true(looked > 10);
    for (size_t j = 0; j < ROLES; j++) { /* the last: they are out */
        assert_int_equal(ask_as(env, &env->people[j], "DELETE", "/api/v1/session", env->people[j].csrf), 200);
        assert_int_equal(ask_as(env, &env->people[j], "GET", "/api/v1/session", ""), 401);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(each_route_has_its_row),
            cmocka_unit_test(tokens_may_what_is_said),
            cmocka_unit_test(people_may_what_is_said),
            cmocka_unit_test(a_cookie_alone_changes_nothing),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
