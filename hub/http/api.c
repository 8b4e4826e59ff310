#include "hub/http/api.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "hub/http/parts.h"
#include "hub/http/problem.h"
#include "hub/http/route.h"
#include "proto/base/hex.h"

enum { RATE_PER_S = 500, RATE_BURST = 1000, COST_OF_A_WRONG_TOKEN = 50 };

int mr_api_open(struct mr_api *api, struct mr_query *query, struct mr_house *house, uv_loop_t *loop)
{
    int r;

    *api = (struct mr_api){.query = query,
            .house = house,
            .loop = loop,
            .limit = {.per_s = RATE_PER_S, .burst = RATE_BURST}};
    mr_list_init(&api->asks);
    mr_list_init(&api->works);
    r = mr_log_reader_open(house->log, &api->reader);
    if (r == 0)
        mr_log_reader_pause(api->reader);
    return r;
}

void mr_api_detach(struct mr_api *api)
{
    mr_api_asks_detach(api);
    mr_api_works_detach(api);
}

void mr_api_close(struct mr_api *api)
{
    mr_log_reader_close(api->reader);
    api->reader = NULL;
    mr_limit_fini(&api->limit);
}

bool mr_api_serves(const char *path)
{
    static const char api[] = "/api/", log[] = "/log/";

    return strncmp(path, api, sizeof api - 1) == 0 || strncmp(path, log, sizeof log - 1) == 0;
}

/* ---- who asks, and how often ---- */

/* false: answered, too often. */
static bool may_ask(struct mr_api *api, const struct mr_http_request *request, const char *who, uint32_t cost)
{
    uint32_t wait_s = mr_limit_take(&api->limit, who, cost, mr_clock_monotonic_us(api->house->clock));
    char text[16];

    if (wait_s == 0)
        return true;
    (void)snprintf(text, sizeof text, "%u", wait_s);
    mr_http_answer_header(request->exchange, "Retry-After", text);
    mr_problem_say(request->exchange, 429, MR_EAGAIN, "", "too many requests",
            "ask again after the seconds in Retry-After");
    return false;
}

static int check_token(
        struct mr_api *api, const char *token, struct mr_token_row *ret, struct mr_error *error)
{
    int r = mr_log_reader_renew(api->reader);

    if (r == 0)
        r = mr_token_check(api->reader, token, mr_clock_wall_us(api->house->clock), ret, error);
    mr_log_reader_pause(api->reader);
    return r;
}

static void refuse(
        const struct mr_http_request *request, unsigned status, int code, const struct mr_error *error)
{
    if (status == 401)
        mr_http_answer_header(request->exchange, "WWW-Authenticate", "Bearer");
    mr_problem_answer(request->exchange, status, code, error);
}

static const char *token_of(const struct mr_http_request *request)
{
    static const char scheme[] = "Bearer ";
    const char *given = mr_http_header(request, "Authorization");

    return given && strncasecmp(given, scheme, sizeof scheme - 1) == 0 ? given + sizeof scheme - 1 : NULL;
}

/* Fills in who asks. false: answered with why not. */
static bool admit(struct mr_api_request *request, uint32_t scope)
{
    const struct mr_http_request *http = request->http;
    const char *token = token_of(http);
    char who[MR_HTTP_PEER_MAX];
    struct mr_error error = {0};
    int r;

    mr_http_peer(http, who);
    if (!scope)
        return may_ask(request->api, http, who, 1);
    if (!token)
        (void)mr_error_set(&error, MR_EDENIED, "Authorization",
                "send Authorization: Bearer TOKEN; marshrut token new makes one", "no token");
    r = token ? check_token(request->api, token, &request->token, &error) : MR_EDENIED;
    if (r < 0) {
        if (may_ask(request->api, http, who, token ? COST_OF_A_WRONG_TOKEN : 1))
            refuse(http, r == MR_EDENIED ? 401 : 0, r, &error);
        return false;
    }
    (void)mr_hex_encode(request->token.digest, MR_TOKEN_ID_BYTES, who);
    if (!may_ask(request->api, http, who, 1))
        return false;
    if (request->token.scopes & scope)
        return true;
    r = mr_error_set(&error, MR_EDENIED, "Authorization", "ask for a token with this scope",
            "the token has not the scope %s", mr_token_scope_name(scope));
    refuse(http, 403, r, &error);
    return false;
}

void mr_api_request(struct mr_api *api, const struct mr_http_request *http)
{
    struct mr_api_request request = {.api = api, .http = http};
    char allow[64];
    const struct mr_api_route *route = mr_api_route_find(http->method, http->path, request.parameters, allow);

    if (route) {
        if (admit(&request, route->scope))
            route->answer(&request, route);
    } else if (*allow) {
        mr_http_answer_header(http->exchange, "Allow", allow);
        mr_problem_say(http->exchange, 405, MR_EINVAL, "", "this path does not take this method",
                "look at the header Allow");
    } else {
        mr_problem_say(http->exchange, 404, MR_ENOTFOUND, "", "no such path",
                "docs/api.md and /api/v1/openapi.json list the paths");
    }
}
