#include "hub/http/who.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "hub/http/problem.h"
#include "proto/base/hex.h"
#include "proto/base/list.h"

enum { COST_OF_A_WRONG_TOKEN = 50 };

/* ---- how often ---- */

/* false: answered, too often. */
static bool may_ask(struct mr_api *api, const struct mr_http_request *request, const char *who, uint32_t cost)
{
    uint32_t wait_s = mr_limit_take(&api->limit, who, cost, mr_clock_monotonic_us(api->house->clock));

    if (wait_s > 0)
        mr_problem_later(request->exchange, "", "too many requests",
                "ask again after the seconds in Retry-After", wait_s);
    return wait_s == 0;
}

/* ---- a token ---- */

static int check_token(
        struct mr_api *api, const char *token, struct mr_token_row *ret, struct mr_error *error)
{
    int r = mr_log_reader_renew(api->reader);

    if (r == 0)
        r = mr_token_check(api->reader, token, mr_clock_wall_us(api->house->clock), ret, error);
    mr_log_reader_pause(api->reader);
    return r;
}

static const char *token_of(const struct mr_http_request *request)
{
    static const char scheme[] = "Bearer ";
    const char *given = mr_http_header(request, "Authorization");

    return given && strncasecmp(given, scheme, sizeof scheme - 1) == 0 ? given + sizeof scheme - 1 : NULL;
}

static int by_token(struct mr_api_request *request, const char *token, struct mr_error *error)
{
    int r = check_token(request->api, token, &request->token, error);

    if (r == 0) {
        request->scopes = request->token.scopes;
        request->system = request->token.system;
    }
    return r;
}

/* ---- somebody who is logged in ---- */

uint32_t mr_api_scopes_of(const struct mr_config *config, const struct mr_account_row *account)
{
    static const struct {
        const char *role;
        uint32_t scopes;
    } table[] = {
            {"admin", MR_TOKEN_READ | MR_TOKEN_LOG | MR_TOKEN_PASSPORT},
            {"auditor", MR_TOKEN_READ | MR_TOKEN_LOG | MR_TOKEN_PASSPORT},
            {"cnppm", MR_TOKEN_READ | MR_TOKEN_LOG | MR_TOKEN_PASSPORT},
            {"federal", MR_TOKEN_PASSPORT},
            {"ipk", MR_TOKEN_PASSPORT},
            {"ministry", MR_TOKEN_READ | MR_TOKEN_LOG | MR_TOKEN_PASSPORT},
            {"mms", MR_TOKEN_PASSPORT},
            {"pd-officer", MR_TOKEN_READ | MR_TOKEN_LOG},
    };
    uint32_t scopes = *account->role ? MR_TOKEN_PERSON : 0;
    struct mr_limits limits;

    for (size_t i = 0; !*account->role && i < MR_COUNT(table); i++)
        if (mr_config_operator_has(config, account->name, table[i].role))
            scopes |= table[i].scopes | MR_TOKEN_PERSON;
    /* Of records the routes decide that heed a territory; state, balance and tiles are the region's. */
    return mr_api_limits_of(config, account, &limits) ? scopes & ~(uint32_t)(MR_TOKEN_READ | MR_TOKEN_LOG)
                                                      : scopes;
}

bool mr_api_limits_of(
        const struct mr_config *config, const struct mr_account_row *account, struct mr_limits *ret)
{
    *ret = account->limits;
    return *account->role ? true : mr_limits_of_operator(config, account->name, ret);
}

int mr_api_account(struct mr_api *api, const char *name, struct mr_account_row *ret)
{
    int r = mr_log_reader_renew(api->reader);

    if (r == 0)
        r = mr_account_find(api->reader, name, ret);
    mr_log_reader_pause(api->reader);
    return r == 0 && (ret->locked_us || !ret->changed_us) ? MR_ENOTFOUND : r;
}

static int by_cookie(struct mr_api_request *request, const char *cookie, struct mr_error *error)
{
    struct mr_api *api = request->api;
    const struct mr_web_session *login =
            mr_web_session_find(&api->sessions, cookie, mr_clock_monotonic_us(api->house->clock));
    struct mr_account_row account = {0};

    /* locked, or another password since: out at once */
    if (login &&
            (mr_api_account(api, login->name, &account) < 0 || account.changed_us != login->password_us)) {
        mr_web_session_end(&api->sessions, login);
        login = NULL;
    }
    if (!login)
        return mr_error_set(error, MR_EDENIED, "Cookie", "log in again", "nobody is logged in");
    request->login = login;
    request->operator_name = login->name;
    request->scopes = mr_api_scopes_of(api->house->config, &account);
    request->limited = mr_api_limits_of(api->house->config, &account, &request->limits);
    return 0;
}

/* ---- who ---- */

static void refuse(
        const struct mr_http_request *request, unsigned status, int code, const struct mr_error *error)
{
    if (status == 401)
        mr_http_answer_header(request->exchange, "WWW-Authenticate", "Bearer");
    mr_problem_answer(request->exchange, status, code, error);
}

/* Another site's page can make a browser send the cookie, but not this header. */
static bool is_forged(const struct mr_api_request *request)
{
    return request->login && strcmp(request->http->method, "GET") != 0 &&
           strcmp(request->http->method, "HEAD") != 0 &&
           !mr_web_session_csrf_right(request->login, mr_http_header(request->http, "X-CSRF-Token"));
}

static int identify(struct mr_api_request *request, const char *token, struct mr_error *error)
{
    const char *cookie = mr_http_cookie(request->http, MR_API_COOKIE);

    if (token)
        return by_token(request, token, error);
    if (cookie)
        return by_cookie(request, cookie, error);
    return mr_error_set(error, MR_EDENIED, "Authorization",
            "send Authorization: Bearer TOKEN (marshrut token new makes one), or log in", "no token");
}

/* What is wrong with somebody who is known; 0: nothing. */
static int may_not(
        const struct mr_api_request *request, const struct mr_api_route *route, struct mr_error *error)
{
    /* Who is limited has no scopes: the routes that heed it are named one by one. */
    uint32_t scope = request->limited && route->limited ? MR_TOKEN_PERSON : route->scope;
    const char *role = route->role;

    if (!(request->scopes & scope) && scope == MR_TOKEN_PERSON)
        return mr_error_set(
                error, MR_EDENIED, "Authorization", "log in", "this is for people, not for tokens");
    if (!(request->scopes & scope))
        return mr_error_set(error, MR_EDENIED, "Authorization", "ask for a token or a role that has it",
                "who asks has not the scope %s", mr_token_scope_name(scope));
    if (role && !mr_config_operator_has(request->api->house->config, request->operator_name, role))
        return mr_error_set(
                error, MR_EDENIED, "Cookie", "ask somebody who has the role", "this needs the role %s", role);
    if (is_forged(request))
        return mr_error_set(error, MR_EDENIED, "X-CSRF-Token", "send the value that GET /api/v1/session told",
                "the header is missing or wrong");
    return 0;
}

bool mr_api_admit(struct mr_api_request *request, const struct mr_api_route *route)
{
    const struct mr_http_request *http = request->http;
    const char *token = token_of(http);
    char *who = request->who;
    struct mr_error error = {0};
    int r;

    _Static_assert((int)MR_TURN_WHO_BYTES >= (int)MR_HTTP_PEER_MAX, "an address fits");
    mr_http_peer(http, who);
    if (!route->scope)
        return may_ask(request->api, http, who, 1);
    r = identify(request, token, &error);
    if (r < 0) {
        if (may_ask(request->api, http, who, token ? COST_OF_A_WRONG_TOKEN : 1))
            refuse(http, r == MR_EDENIED ? 401 : 0, r, &error);
        return false;
    }
    if (request->login)
        (void)snprintf(who, sizeof request->who, "login %s", request->login->name);
    else
        (void)mr_hex_encode(request->token.digest, MR_TOKEN_ID_BYTES, who);
    if (!may_ask(request->api, http, who, 1))
        return false;
    r = may_not(request, route, &error);
    if (r < 0)
        refuse(http, 403, r, &error);
    return r == 0;
}
