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

/* For the table of routes: GET; with POST the parameters are members of the body, for values that no address
 * may have (personal.h). */
void mr_api_read(const struct mr_api_request *request, const struct mr_api_route *route);
/* The same for POST: the body is a JSON object with the arguments; those of the path are added, and If-Match
 * as "if_match". */
void mr_api_act(const struct mr_api_request *request, const struct mr_api_route *route);

/* As mr_api_read or mr_api_act, and `done` answers, with the document; of a failure it is not told. */
typedef void (*mr_api_done_fn)(struct mr_api *api, const struct mr_http_request *http, const char *json);
void mr_api_read_then(
        const struct mr_api_request *request, const struct mr_api_route *route, mr_api_done_fn done);

void mr_api_act_then(
        const struct mr_api_request *request, const struct mr_api_route *route, mr_api_done_fn done);

/* Asks hub/query; arguments are taken. The answer is the method's one document. */
void mr_api_ask(const struct mr_api_request *request, const char *method, json_t *arguments);
/* The same, and `done` answers. */
void mr_api_ask_then(
        const struct mr_api_request *request, const char *method, json_t *arguments, mr_api_done_fn done);

/* The arguments out of path and query, or body; NULL: answered why not. */
json_t *mr_api_arguments(const struct mr_api_request *request, const struct mr_api_route *route);

/* "17" of a path; 0: no number. */
uint64_t mr_api_number(const char *text);

/* The body as a JSON object; NULL: answered why not. */
json_t *mr_api_body(const struct mr_api_request *request);

#endif
