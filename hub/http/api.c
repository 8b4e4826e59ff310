#include "hub/http/api.h"

#include <string.h>

#include "hub/http/parts.h"
#include "hub/http/personal.h"
#include "hub/http/problem.h"
#include "hub/http/route.h"
#include "hub/http/who.h"

enum { RATE_PER_S = 500, RATE_BURST = 1000, LOGIN_PER_S = 1, LOGIN_BURST = 60 };

int mr_api_open(struct mr_api *api, struct mr_query *query, struct mr_house *house, uv_loop_t *loop)
{
    int r;

    *api = (struct mr_api){.query = query,
            .house = house,
            .loop = loop,
            .limit = {.per_s = RATE_PER_S, .burst = RATE_BURST},
            .login = {.per_s = LOGIN_PER_S, .burst = LOGIN_BURST}};
    mr_watchers_open(api, loop);
    mr_list_init(&api->asks);
    mr_list_init(&api->works);
    r = mr_log_reader_open(house->log, &api->reader);
    if (r == 0)
        mr_log_reader_pause(api->reader);
    return r;
}

void mr_api_detach(struct mr_api *api)
{
    mr_pulls_close(api);
    mr_watchers_close(api);
    mr_api_asks_detach(api);
    mr_api_works_detach(api);
}

void mr_api_close(struct mr_api *api)
{
    mr_log_reader_close(api->reader);
    api->reader = NULL;
    mr_limit_fini(&api->limit);
    mr_limit_fini(&api->login);
}

bool mr_api_serves(const char *path)
{
    static const char api[] = "/api/", log[] = "/log/";

    return strncmp(path, api, sizeof api - 1) == 0 || strncmp(path, log, sizeof log - 1) == 0;
}

void mr_api_request(struct mr_api *api, const struct mr_http_request *http)
{
    struct mr_api_request request = {.api = api, .http = http, .system = "", .operator_name = ""};
    char allow[64];
    const struct mr_api_route *route = mr_api_route_find(http->method, http->path, request.parameters, allow);

    if (route) {
        if (mr_api_admit(&request, route) && mr_api_address_is_clean(&request))
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
