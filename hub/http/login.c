/* /api/v1/session: logging in and out, and the first password by the secret of an invitation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/http/parts.h"
#include "hub/http/problem.h"
#include "hub/http/reading.h"
#include "hub/http/who.h"
#include "proto/base/list.h"

enum { COST_OF_A_TRY = 12 };

static json_t *scopes_json(uint32_t scopes)
{
    json_t *list = json_array();

    for (int i = 0; mr_token_scope_name(1u << i); i++)
        if (scopes & 1u << i)
            (void)json_array_append_new(list, json_string(mr_token_scope_name(1u << i)));
    return list;
}

static json_t *login_json(struct mr_api *api, const struct mr_web_session *login)
{
    const struct mr_config *config = api->house->config;
    struct mr_account_row account = {0};
    struct mr_limits limits;
    json_t *roles = json_array();
    bool limited;

    (void)mr_api_account(api, login->name, &account);
    limited = mr_api_limits_of(config, &account, &limits);
    if (*account.role)
        (void)json_array_append_new(roles, json_string(account.role));

    for (uint32_t i = 0; i < config->operators_count; i++)
        for (uint32_t j = 0;
                strcmp(config->operators[i].name, login->name) == 0 && j < config->operators[i].roles_count;
                j++)
            (void)json_array_append_new(roles, json_string(config->operators[i].roles[j]));
    return json_pack("{s:s, s:o, s:o, s:b, s:s, s:s, s:s, s:s}", "name", login->name, "roles", roles,
            "scopes", scopes_json(mr_api_scopes_of(config, &account)), "limited", (int)limited, "ogrn",
            limits.ogrn, "oktmo", limits.oktmo, "csrf", login->csrf, "timezone", config->timezone);
}

void mr_api_session(const struct mr_api_request *request, const struct mr_api_route *route)
{
    (void)route;
    mr_api_answer_json(request->http, login_json(request->api, request->login));
}

static void set_cookie(struct mr_api *api, const struct mr_http_request *http, const char *value, int age_s)
{
    char header[256];

    (void)snprintf(header, sizeof header,
            MR_API_COOKIE "=%s; Path=/; Max-Age=%d; HttpOnly; SameSite=Strict%s", value, age_s,
            api->secure ? "; Secure" : "");
    mr_http_answer_header(http->exchange, "Set-Cookie", header);
}

void mr_api_logout(const struct mr_api_request *request, const struct mr_api_route *route)
{
    (void)route;
    mr_web_session_end(&request->api->sessions, request->login);
    set_cookie(request->api, request->http, "", 0);
    mr_api_answer_json(request->http, json_object());
}

/* ---- logging in ---- */

/* By address and by name: guessing is slow from one place, and for one account from everywhere. */
struct tried {
    char keys[2][MR_LIMIT_KEY_BYTES];
};

static struct tried tried_by(const struct mr_http_request *http, const char *name)
{
    struct tried tried = {{"", ""}};

    mr_http_peer(http, tried.keys[0]);
    (void)snprintf(tried.keys[1], sizeof tried.keys[1], "name %s", name ? name : "");
    return tried;
}

/* With the password that was right, and no other one since. */
static bool is_still(struct mr_api *api, const json_t *document, struct mr_account_row *ret)
{
    const char *name = json_string_value(json_object_get(document, "name"));
    const char *set = json_string_value(json_object_get(document, "password_set"));
    int64_t set_us;

    return name && set && mr_api_account(api, name, ret) == 0 &&
           mr_time_parse(set, strlen(set), &set_us) == 0 && set_us == ret->changed_us;
}

/* What this browser had of before is over. */
static void end_former(struct mr_api *api, const struct mr_http_request *http)
{
    const char *cookie = mr_http_cookie(http, MR_API_COOKIE);
    const struct mr_web_session *former =
            cookie ? mr_web_session_find(&api->sessions, cookie, mr_clock_monotonic_us(api->house->clock))
                   : NULL;

    if (former)
        mr_web_session_end(&api->sessions, former);
}

static void on_right(struct mr_api *api, const struct mr_http_request *http, const char *json)
{
    json_t *document = json_loads(json, 0, NULL);
    const char *name = json_string_value(json_object_get(document, "name"));
    const struct tried tried = tried_by(http, name);
    char cookie[MR_SESSION_SECRET_BYTES];
    struct mr_account_row account;
    const struct mr_web_session *login = NULL;

    if (is_still(api, document, &account)) {
        end_former(api, http);
        login = mr_web_session_begin(
                &api->sessions, name, account.changed_us, mr_clock_monotonic_us(api->house->clock), cookie);
    }
    for (size_t i = 0; i < MR_COUNT(tried.keys); i++)
        mr_limit_give(&api->login, tried.keys[i], COST_OF_A_TRY);
    if (login) {
        set_cookie(api, http, cookie, 12 * 3600);
        mr_api_answer_json(http, login_json(api, login));
    } else {
        mr_problem_say(http->exchange, 0, MR_EDENIED, "name",
                "the account was locked, or has another password, meanwhile",
                "ask the administrator of the hub");
    }
    json_decref(document);
}

static bool may_try(const struct mr_api_request *request, const json_t *body)
{
    const struct tried tried = tried_by(request->http, json_string_value(json_object_get(body, "name")));
    int64_t now_us = mr_clock_monotonic_us(request->api->house->clock);
    uint32_t wait_s = 0;

    for (size_t i = 0; i < MR_COUNT(tried.keys) && wait_s == 0; i++)
        wait_s = mr_limit_take(&request->api->login, tried.keys[i], COST_OF_A_TRY, now_us);
    if (wait_s > 0)
        mr_problem_later(request->http->exchange, "password", "too many tries",
                "try again after the seconds in Retry-After", wait_s);
    return wait_s == 0;
}

/* The body is taken. */
static void try_with(const struct mr_api_request *request, json_t *body, const char *method)
{
    if (may_try(request, body))
        mr_api_ask_then(request, method, body, on_right);
    else
        json_decref(body);
}

void mr_api_login(const struct mr_api_request *request, const struct mr_api_route *route)
{
    json_t *body = mr_api_body(request);

    (void)route;
    if (body)
        try_with(request, body, "account.check");
}

/* One that may not be chosen by anybody says nothing of the secret: it is no try. */
static bool may_be_chosen(const struct mr_api_request *request, const json_t *body)
{
    const char *name = json_string_value(json_object_get(body, "name"));
    const char *password = json_string_value(json_object_get(body, "password"));
    struct mr_error error = {0};

    if (!name || !password || mr_account_password_fits(password, name, &error) == 0)
        return true; /* what is missing, the method says */
    mr_problem_answer(request->http->exchange, 0, error.code, &error);
    return false;
}

/* Sets the password, and logs in. */
void mr_api_password(const struct mr_api_request *request, const struct mr_api_route *route)
{
    json_t *body = mr_api_body(request);

    (void)route;
    if (body && may_be_chosen(request, body))
        try_with(request, body, "account.password");
    else
        json_decref(body);
}
