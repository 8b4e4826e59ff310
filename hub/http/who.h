/* Who asks: a token (RFC 6750), or somebody who is logged in (a cookie). Loop thread. */
#ifndef MR_HUB_HTTP_WHO_H
#define MR_HUB_HTTP_WHO_H

#include "hub/http/route.h"

/* Fills in who asks and whether they may, by the route's scope and role. false: answered with why not. */
bool mr_api_admit(struct mr_api_request *request, const struct mr_api_route *route);

/* What the roles of an account allow at the console. */
uint32_t mr_api_scopes_of(const struct mr_config *config, const struct mr_account_row *account);

/* What it is limited to, by its own row or as an operator of the configuration; false: to nothing. */
bool mr_api_limits_of(
        const struct mr_config *config, const struct mr_account_row *account, struct mr_limits *ret);

/* The account as it is now: 0, or MR_ENOTFOUND and the like; also when it is locked or has no password. */
int mr_api_account(struct mr_api *api, const char *name, struct mr_account_row *ret);

#define MR_API_COOKIE "mr_session"

#endif
