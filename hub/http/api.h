/*
 * The HTTP API, /api/v1 and /log (docs/api.md, docs/openapi.json): a table of routes over the methods that
 * the tool uses too. Who asks is known by a token; what takes time runs off the loop, in hub/query or on a
 * thread of libuv's pool. Loop thread.
 */
#ifndef MR_HUB_HTTP_API_H
#define MR_HUB_HTTP_API_H

#include <stdbool.h>

#include "hub/http/grants.h"
#include "hub/http/limit.h"
#include "hub/http/pull.h"
#include "hub/http/session.h"
#include "hub/http/token.h"
#include "hub/http/watch.h"
#include "hub/query.h"
#include "proto/loop/http_server.h"

enum { MR_API_PARAMETERS_MAX = 2, MR_API_PARAMETER_BYTES = 200 };

struct mr_api {
    struct mr_query *query;
    struct mr_house *house;
    uv_loop_t *loop;
    struct mr_log_reader *reader; /* of the loop, for tokens; paused between requests */
    struct mr_limit limit;
    struct mr_limit login; /* how often somebody may guess a password */
    struct mr_web_sessions sessions;
    struct mr_grants grants;
    bool secure;          /* TLS: cookies are for it alone */
    struct mr_list asks;  /* questions to hub/query that are not answered yet */
    struct mr_list works; /* on the pool (tiles.c) */
    struct mr_pulls pulls;
    struct mr_watchers watchers;
};

/* One request as a route's function gets it. */
struct mr_api_request {
    struct mr_api *api;
    const struct mr_http_request *http;
    char parameters[MR_API_PARAMETERS_MAX][MR_API_PARAMETER_BYTES]; /* of the path, in its order */
    uint32_t scopes;           /* of enum mr_token_scope: what who asks may do */
    const char *system;        /* that a token speaks for; "" none */
    const char *operator_name; /* who is logged in; "" a token, or nobody */
    bool limited;              /* to what is theirs by `limits` */
    struct mr_limits limits;
    const struct mr_web_session *login; /* NULL: a token, or nobody. Valid until the function returns */
    struct mr_token_row token;
    char who[MR_TURN_WHO_BYTES]; /* whose share of the hub's time it is: token, login, or the address */
};

int mr_api_open(struct mr_api *api, struct mr_query *query, struct mr_house *house, uv_loop_t *loop);
/* Does the path belong to the API? */
bool mr_api_serves(const char *path);
void mr_api_request(struct mr_api *api, const struct mr_http_request *request);
/* After the server was closed: sessions of those who pull end; what is asked still ends by itself, and is
 * answered to nobody. */
void mr_api_detach(struct mr_api *api);
/* After mr_query_close(), when the loop has run to its end: nothing is asked any more. */
void mr_api_close(struct mr_api *api);

#endif
