/* The routes' functions, for the table in route.c. */
#ifndef MR_HUB_HTTP_PARTS_H
#define MR_HUB_HTTP_PARTS_H

#include "hub/http/route.h"

/* What is asked still ends by itself, and is answered to nobody: reading.c, tiles.c. */
void mr_api_asks_detach(struct mr_api *api);
void mr_api_works_detach(struct mr_api *api);

/* first.c: once, when the hub runs */
void mr_api_first_account(struct mr_api *api, uint16_t port);

/* types.c */
void mr_api_types(const struct mr_api_request *request, const struct mr_api_route *route);
void mr_api_type(const struct mr_api_request *request, const struct mr_api_route *route);
/* tiles.c: on a thread of the pool, with a reader of its own */
void mr_api_checkpoint(const struct mr_api_request *request, const struct mr_api_route *route);
void mr_api_tile(const struct mr_api_request *request, const struct mr_api_route *route);
void mr_api_vkey(const struct mr_api_request *request, const struct mr_api_route *route);
/* passport.c */
void mr_api_passport_export(const struct mr_api_request *request, const struct mr_api_route *route);
void mr_api_passport_version(const struct mr_api_request *request, const struct mr_api_route *route);
void mr_api_passport_workflow(const struct mr_api_request *request, const struct mr_api_route *route);
/* evidence.c */
void mr_api_events_export(const struct mr_api_request *request, const struct mr_api_route *route);
/* publish.c */
void mr_api_publish(const struct mr_api_request *request, const struct mr_api_route *route);
/* login.c */
void mr_api_session(const struct mr_api_request *request, const struct mr_api_route *route);
void mr_api_login(const struct mr_api_request *request, const struct mr_api_route *route);
void mr_api_logout(const struct mr_api_request *request, const struct mr_api_route *route);
void mr_api_password(const struct mr_api_request *request, const struct mr_api_route *route);
/* pull.c, pull_ack.c */
void mr_api_inbox(const struct mr_api_request *request, const struct mr_api_route *route);
void mr_api_inbox_ack(const struct mr_api_request *request, const struct mr_api_route *route);
/* watch.c */
void mr_api_watch(const struct mr_api_request *request, const struct mr_api_route *route);
/* access.c */
void mr_api_access_mine(const struct mr_api_request *request, const struct mr_api_route *route);
void mr_api_access_open(const struct mr_api_request *request, const struct mr_api_route *route);
void mr_api_access_look(const struct mr_api_request *request, const struct mr_api_route *route);
/* desk.c */
void mr_api_desk_approve(const struct mr_api_request *request, const struct mr_api_route *route);
void mr_api_desk_show(const struct mr_api_request *request, const struct mr_api_route *route);
/* sessions.c */
void mr_api_sessions(const struct mr_api_request *request, const struct mr_api_route *route);
void mr_api_session_end(const struct mr_api_request *request, const struct mr_api_route *route);
/* openapi.c */
void mr_api_openapi(const struct mr_api_request *request, const struct mr_api_route *route);

#endif
