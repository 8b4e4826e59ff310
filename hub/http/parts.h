/* The routes' functions, for the table in route.c. */
#ifndef MR_HUB_HTTP_PARTS_H
#define MR_HUB_HTTP_PARTS_H

#include "hub/http/route.h"

/* What is asked still ends by itself, and is answered to nobody: reading.c, tiles.c. */
void mr_api_asks_detach(struct mr_api *api);
void mr_api_works_detach(struct mr_api *api);

/* types.c */
void mr_api_types(const struct mr_api_request *request, const struct mr_api_route *route);
void mr_api_type(const struct mr_api_request *request, const struct mr_api_route *route);
/* tiles.c: on a thread of the pool, with a reader of its own */
void mr_api_checkpoint(const struct mr_api_request *request, const struct mr_api_route *route);
void mr_api_tile(const struct mr_api_request *request, const struct mr_api_route *route);
void mr_api_vkey(const struct mr_api_request *request, const struct mr_api_route *route);
/* publish.c */
void mr_api_publish(const struct mr_api_request *request, const struct mr_api_route *route);
/* openapi.c */
void mr_api_openapi(const struct mr_api_request *request, const struct mr_api_route *route);

#endif
