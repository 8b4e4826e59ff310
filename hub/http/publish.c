/* POST /api/v1/events: CloudEvents (structured, binary, batch) of the system that the token speaks for. */
#include "hub/http/parts.h"
#include "hub/http/problem.h"
#include "hub/http/reading.h"
#include "proto/wire/ce.h"

static const char *header(void *ctx, const char *name)
{
    return mr_http_header(ctx, name);
}

void mr_api_publish(const struct mr_api_request *request, const struct mr_api_route *route)
{
    struct mr_error error = {0};
    json_t *events = mr_ce_read(header, (void *)(uintptr_t)request->http, request->http->body, &error);

    (void)route;
    if (!events) {
        mr_problem_answer(
                request->http->exchange, error.code == MR_EUNSUPPORTED ? 415 : 0, error.code, &error);
        return;
    }
    if (!json_is_array(events))
        events = json_pack("[o]", events);
    mr_api_ask(request, "publish", json_pack("{s:s, s:o}", "system", request->system, "events", events));
}
