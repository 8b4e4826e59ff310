/* /api/v1/sessions: who is logged in, and ending a login: one's own; an administrator any. */
#include <string.h>

#include "hub/audit/args.h"
#include "hub/http/parts.h"
#include "hub/http/problem.h"
#include "hub/http/who.h"
#include "proto/base/hex.h"

enum { ID_BYTES = 8, ID_TEXT_MAX = 2 * ID_BYTES + 1 };

/* The beginning of the cookie's digest: nobody can log in with it. */
static const char *id_of(const struct mr_web_session *login, char ret[static ID_TEXT_MAX])
{
    return mr_hex_encode(login->digest, ID_BYTES, ret);
}

static bool may_see(const struct mr_api_request *request, const struct mr_web_session *login)
{
    return strcmp(login->name, request->operator_name) == 0 ||
           mr_config_operator_has(request->api->house->config, request->operator_name, "admin");
}

void mr_api_sessions(const struct mr_api_request *request, const struct mr_api_route *route)
{
    struct mr_api *api = request->api;
    int64_t now_us = mr_clock_monotonic_us(api->house->clock);
    int64_t wall_us = mr_clock_wall_us(api->house->clock) - now_us;
    json_t *items = json_array();
    char id[ID_TEXT_MAX];

    (void)route;
    for (size_t i = 0; i < api->sessions.count; i++) {
        const struct mr_web_session *login = &api->sessions.list[i];

        if (may_see(request, login) && !mr_web_session_over(login, now_us))
            (void)json_array_append_new(items,
                    json_pack("{s:s, s:s, s:o, s:o, s:b}", "id", id_of(login, id), "name", login->name,
                            "began", mr_time_json(wall_us + login->began_us), "used",
                            mr_time_json(wall_us + login->used_us), "current", login == request->login));
    }
    mr_api_answer_json(request->http, json_pack("{s:o}", "items", items));
}

void mr_api_session_end(const struct mr_api_request *request, const struct mr_api_route *route)
{
    struct mr_api *api = request->api;
    char id[ID_TEXT_MAX];

    (void)route;
    for (size_t i = 0; i < api->sessions.count; i++) {
        const struct mr_web_session *login = &api->sessions.list[i];

        if (may_see(request, login) && strcmp(id_of(login, id), request->parameters[0]) == 0) {
            mr_web_session_end(&api->sessions, login);
            mr_api_answer_json(request->http, json_object());
            return;
        }
    }
    mr_problem_say(request->http->exchange, 0, MR_ENOTFOUND, "id", "there is no such login of yours",
            "GET /api/v1/sessions lists them");
}
