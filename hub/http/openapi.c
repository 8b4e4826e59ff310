/* /api/v1/openapi.json: docs/openapi.json, as it was built in. */
#include "embedded/openapi.h" /* made by the build */
#include "hub/http/parts.h"
#include "hub/http/problem.h"

void mr_api_openapi(const struct mr_api_request *request, const struct mr_api_route *route)
{
    (void)route;
    mr_api_answer(request->http, 200, "application/json", "public, max-age=300",
            mr_slice(mr_openapi[0].bytes, mr_openapi[0].size));
}
