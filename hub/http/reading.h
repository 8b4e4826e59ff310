/* Routes that are answered by a method of hub/audit: its arguments come out of path and query, and its
 * documents become the body. */
#ifndef MR_HUB_HTTP_READING_H
#define MR_HUB_HTTP_READING_H

#include "hub/http/route.h"

enum { MR_API_ARGUMENTS_MAX = 16 };

struct mr_api_argument {
    const char *name; /* in the query; NULL: of the path, in its order */
    const char *argument;
    bool number;
};

struct mr_api_reading {
    const char *method;
    bool list; /* {"items": [documents but the last], and the members of the last one} */
    struct mr_api_argument arguments[MR_API_ARGUMENTS_MAX]; /* up to one without `argument` */
};

/* For the table of routes. */
void mr_api_read(const struct mr_api_request *request, const struct mr_api_route *route);

/* Asks hub/query; arguments are taken. The answer is the method's one document. */
void mr_api_ask(const struct mr_api_request *request, const char *method, json_t *arguments);

#endif
