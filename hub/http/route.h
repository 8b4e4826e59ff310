/* The routes of the API: one table, which docs/openapi.json is held against. */
#ifndef MR_HUB_HTTP_ROUTE_H
#define MR_HUB_HTTP_ROUTE_H

#include "hub/http/api.h"

struct mr_api_route;
struct mr_api_reading;

struct mr_api_route {
    const char *method;
    const char *path; /* "/api/v1/events/{number}"; "{rest...}" at its end takes slashes too */
    uint32_t scope;   /* of enum mr_token_scope that the token must have; 0: no token is asked */
    /* Answers, now or later. */
    void (*answer)(const struct mr_api_request *request, const struct mr_api_route *route);
    const struct mr_api_reading *reading; /* of those that answer with a method (reading.h) */
    const char *role; /* that who is logged in must have, where the method itself asks for none; NULL: any */
    bool limited;     /* for who is limited to a territory too: its method heeds that (method.h, `bounded`) */
    bool without_head; /* its GET opens a session, waits or makes a file: HEAD is not answered as GET */
};

const struct mr_api_route *mr_api_route_at(size_t index); /* NULL past the end */
/*
 * The route of method and path, with the parameters of the path. HEAD is answered as GET, but for
 * `without_head`. NULL: ret_allow is "" (no such path) or the methods that it takes.
 */
const struct mr_api_route *mr_api_route_find(const char *method, const char *path,
        char parameters[static MR_API_PARAMETERS_MAX][MR_API_PARAMETER_BYTES], char ret_allow[static 64]);

#endif
