/* POST /api/v1/events: CloudEvents (structured, binary, batch) of the system that the token speaks for. */
#include <string.h>

#include "hub/http/parts.h"
#include "hub/http/problem.h"
#include "hub/http/reading.h"
#include "proto/wire/ce.h"

static const char *header(void *ctx, const char *name)
{
    return mr_http_header(ctx, name);
}

struct question {
    bool dry;
    struct mr_error error;
};

static int on_parameter(void *ctx, const char *name, const char *value)
{
    struct question *q = ctx;

    if (strcmp(name, "dry_run") != 0)
        return mr_error_set(&q->error, MR_EINVAL, name, "docs/api.md lists the parameters of each path",
                "no such parameter");
    q->dry = strcmp(value, "true") == 0;
    return q->dry || strcmp(value, "false") == 0
                   ? 0
                   : mr_error_set(&q->error, MR_EINVAL, name, "give true or false", "neither true nor false");
}

void mr_api_publish(const struct mr_api_request *request, const struct mr_api_route *route)
{
    struct question q = {.dry = false};
    struct mr_error error = {0};
    json_t *events;
    int r = mr_http_each_query(request->http, on_parameter, &q);

    (void)route;
    if (r < 0) {
        mr_problem_answer(request->http->exchange, 0, r, &q.error);
        return;
    }
    events = mr_ce_read(header, (void *)(uintptr_t)request->http, request->http->body, &error);

    if (!events) {
        mr_problem_answer(
                request->http->exchange, error.code == MR_EUNSUPPORTED ? 415 : 0, error.code, &error);
        return;
    }
    if (!json_is_array(events))
        events = json_pack("[o]", events);
    mr_api_ask(request, "publish",
            json_pack("{s:s, s:o, s:b}", "system", request->system, "events", events, "dry_run", (int)q.dry));
}
