/*
 * /api/v1/access: opening the values of a person to this login for half an hour, and looking at them. The
 * methods behind it say so in the log first; what is open is remembered here (grants.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/audit/access_reason.h"
#include "hub/audit/args.h"
#include "hub/http/parts.h"
#include "hub/http/problem.h"
#include "hub/http/reading.h"
#include "hub/http/who.h"

static int64_t now_us(const struct mr_api *api)
{
    return mr_clock_monotonic_us(api->house->clock);
}

static json_t *grant_json(const struct mr_api *api, const struct mr_grant *grant)
{
    int64_t until_us = mr_clock_wall_us(api->house->clock) + grant->until_us - now_us(api);

    return json_pack("{s:I, s:I, s:b, s:s, s:s, s:o}", "grant", (json_int_t)grant->number, "record",
            grant->record == MR_GRANT_OF_THE_DESK ? 0 : (json_int_t)grant->record, "desk",
            grant->record == MR_GRANT_OF_THE_DESK, "reason", grant->reason, "case", grant->case_code, "until",
            mr_time_json(until_us));
}

/* ---- what is open ---- */

void mr_api_access_mine(const struct mr_api_request *request, const struct mr_api_route *route)
{
    struct mr_api *api = request->api;
    json_t *grants = json_array();

    (void)route;
    for (const struct mr_grant *it = NULL;
            (it = mr_grants_next(&api->grants, request->login->digest, it, now_us(api))) != NULL;)
        (void)json_array_append_new(grants, grant_json(api, it));
    mr_api_answer_json(request->http,
            json_pack("{s:o, s:o}", "reasons", mr_access_reasons_json(api->house->config), "grants", grants));
}

/* ---- opening ---- */

static void on_opened(struct mr_api *api, const struct mr_http_request *http, const char *json)
{
    const char *cookie = mr_http_cookie(http, MR_API_COOKIE);
    const struct mr_web_session *login =
            cookie ? mr_web_session_find(&api->sessions, cookie, now_us(api)) : NULL;
    json_t *document = json_loads(json, 0, NULL);
    struct mr_grant grant = {.number = (uint64_t)json_integer_value(json_object_get(document, "number")),
            .record = (uint64_t)json_integer_value(json_object_get(document, "record"))};
    const char *reason = json_string_value(json_object_get(document, "reason"));
    const char *case_code = json_string_value(json_object_get(document, "case"));

    if (login && reason && case_code) {
        memcpy(grant.login, login->digest, sizeof grant.login);
        (void)snprintf(grant.reason, sizeof grant.reason, "%s", reason);
        (void)snprintf(grant.case_code, sizeof grant.case_code, "%s", case_code);
        mr_grants_add(&api->grants, &grant, now_us(api));
        mr_api_answer_json(http, grant_json(api, mr_grants_find(&api->grants, login->digest, grant.number, 0,
                                                         "", now_us(api))));
    } else {
        mr_problem_say(
                http->exchange, 401, MR_EDENIED, "Cookie", "the login has ended meanwhile", "log in again");
    }
    json_decref(document);
}

void mr_api_access_open(const struct mr_api_request *request, const struct mr_api_route *route)
{
    struct mr_api *api = request->api;
    json_t *body = mr_api_body(request);
    const char *case_code = json_string_value(json_object_get(body, "case"));
    uint64_t record = (uint64_t)json_integer_value(json_object_get(body, "number"));
    const struct mr_grant *open =
            case_code && record && record <= INT64_MAX
                    ? mr_grants_find(&api->grants, request->login->digest, 0, record, case_code, now_us(api))
                    : NULL;

    if (open)
        mr_api_answer_json(request->http, grant_json(api, open));
    else if (body)
        mr_api_ask_then(request, route->reading->method, json_incref(body), on_opened);
    json_decref(body);
}

/* ---- looking ---- */

static bool may_look(const struct mr_api_request *request)
{
    const struct mr_config *config = request->api->house->config;

    return mr_config_operator_has(config, request->operator_name, "auditor") ||
           mr_config_operator_has(config, request->operator_name, "pd-officer");
}

void mr_api_access_look(const struct mr_api_request *request, const struct mr_api_route *route)
{
    struct mr_api *api = request->api;
    uint64_t number = mr_api_number(request->parameters[1]), granted = mr_api_number(request->parameters[0]);
    const struct mr_grant *open =
            granted ? mr_grants_find(&api->grants, request->login->digest, granted, 0, "", now_us(api))
                    : NULL;

    if (open && open->record == MR_GRANT_OF_THE_DESK)
        open = NULL;
    if (!open && !may_look(request))
        mr_problem_say(request->http->exchange, 403, MR_EDENIED, "Cookie",
                "this needs a role of: auditor, pd-officer", "ask somebody who has the role");
    else if (!open)
        mr_problem_say(request->http->exchange, 0, MR_ENOTFOUND, "grant",
                "nothing is open to this login under this number",
                "say a reason and a case: POST /api/v1/access");
    else
        mr_api_ask(request, route->reading->method,
                json_pack("{s:I, s:I, s:I, s:s, s:s}", "number", (json_int_t)number, "allowed",
                        (json_int_t)open->record, "granted", (json_int_t)open->number, "reason", open->reason,
                        "case", open->case_code));
}
