/* Which function answers which path and method, as a table; and the two bodies that every face answers errors
 * with. */
#ifndef MR_LOOP_HTTP_ROUTE_H
#define MR_LOOP_HTTP_ROUTE_H

#include <jansson.h>
#include <stddef.h>

#include "proto/loop/http_server.h"

struct mr_http_route {
    const char *method;
    const char *path; /* whole path */
    void (*answer)(void *ctx, const struct mr_http_request *request);
};

/* Calls the route's function, or answers 404 or 405 (with Allow). */
void mr_http_dispatch(
        const struct mr_http_route *routes, size_t count, void *ctx, const struct mr_http_request *request);

/* {"error": ..., "field": ..., "problem": ..., "cure": ...}; NULL members are left out. */
void mr_http_answer_problem(struct mr_http_exchange *exchange, unsigned status, const char *error,
        const char *field, const char *problem, const char *cure);
/* From a filled mr_error: status of its code, where as field. */
void mr_http_answer_error(struct mr_http_exchange *exchange, int code, const struct mr_error *error);
/* Compact JSON; takes over the reference. NULL: 503. */
void mr_http_answer_json(struct mr_http_exchange *exchange, unsigned status, json_t *json);

/* Is the request's Content-Type this media type, whatever its parameters? */
bool mr_http_content_is(const struct mr_http_request *request, const char *media_type);

#endif
