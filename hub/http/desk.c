/*
 * /api/v1/quarantine/{number}/show: what waits, with its values. A reason is asked once a case: for half an
 * hour this login looks at more of it by the case alone (grants.h). Each look is an event all the same.
 * /api/v1/quarantine/{number}/approve: one correction.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/audit/args.h"
#include "hub/http/parts.h"
#include "hub/http/problem.h"
#include "hub/http/reading.h"
#include "hub/http/who.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* The one that is open to the login in this case; NULL: none. */
static const struct mr_grant *open_in(
        struct mr_api *api, const struct mr_web_session *login, const char *case_code)
{
    return mr_grants_find(&api->grants, login->digest, 0, MR_GRANT_OF_THE_DESK, case_code,
            mr_clock_monotonic_us(api->house->clock));
}

/* After the first look with a reason. */
static const struct mr_grant *begin(
        struct mr_api *api, const struct mr_web_session *login, json_int_t number, const json_t *looked)
{
    struct mr_grant grant = {.number = (uint64_t)number, .record = MR_GRANT_OF_THE_DESK};

    memcpy(grant.login, login->digest, sizeof grant.login);
    (void)snprintf(grant.reason, sizeof grant.reason, "%s", text_of(looked, "reason"));
    (void)snprintf(grant.case_code, sizeof grant.case_code, "%s", text_of(looked, "case"));
    mr_grants_add(&api->grants, &grant, mr_clock_monotonic_us(api->house->clock));
    return open_in(api, login, grant.case_code);
}

static void on_shown(struct mr_api *api, const struct mr_http_request *http, const char *json)
{
    const char *cookie = mr_http_cookie(http, MR_API_COOKIE);
    int64_t now_us = mr_clock_monotonic_us(api->house->clock);
    const struct mr_web_session *login = cookie ? mr_web_session_find(&api->sessions, cookie, now_us) : NULL;
    json_t *document = json_loads(json, 0, NULL);
    json_t *looked = json_object_get(document, "looked");
    const struct mr_grant *grant = NULL;

    if (login && looked) {
        grant = open_in(api, login, text_of(looked, "case"));
        if (!grant || strcmp(grant->reason, text_of(looked, "reason")) != 0)
            grant = begin(api, login, json_integer_value(json_object_get(document, "number")), looked);
    }
    if (grant) {
        (void)json_object_set_new(looked, "until",
                mr_time_json(mr_clock_wall_us(api->house->clock) + grant->until_us - now_us));
        mr_api_answer_json(http, document);
        return;
    }
    json_decref(document);
    mr_problem_say(
            http->exchange, 401, MR_EDENIED, "Cookie", "the login has ended meanwhile", "log in again");
}

void mr_api_desk_show(const struct mr_api_request *request, const struct mr_api_route *route)
{
    json_t *body = mr_api_body(request);
    const struct mr_grant *open;
    uint64_t number = mr_api_number(request->parameters[0]);

    if (!body)
        return;
    (void)json_object_set_new(body, "number", json_integer((json_int_t)number));
    open = *text_of(body, "reason") ? NULL : open_in(request->api, request->login, text_of(body, "case"));
    if (open)
        (void)json_object_set_new(body, "reason", json_string(open->reason));
    mr_api_ask_then(request, route->reading->method, body, on_shown);
}

/* One approval that may not be is no answer among others: it is a refusal. */
static void on_approved(struct mr_api *api, const struct mr_http_request *http, const char *json)
{
    json_t *document = json_loads(json, 0, NULL);
    const json_t *item = json_array_get(json_object_get(document, "items"), 0);
    int code = json_is_false(json_object_get(item, "done")) ? mr_err_of_name(text_of(item, "code")) : 0;

    (void)api;
    if (code < 0)
        mr_problem_say(http->exchange, 0, code, text_of(item, "where"), text_of(item, "what"),
                text_of(item, "cure"));
    else
        mr_api_answer(http, 200, "application/json", "no-store", mr_slice_str(json));
    json_decref(document);
}

void mr_api_desk_approve(const struct mr_api_request *request, const struct mr_api_route *route)
{
    mr_api_act_then(request, route, on_approved);
}
