/* Who asks: a token (RFC 6750), or somebody who is logged in (a cookie). Loop thread. */
#ifndef MR_HUB_HTTP_WHO_H
#define MR_HUB_HTTP_WHO_H

#include "hub/http/api.h"

/* Fills in who asks and whether they may, under this scope (0: everybody) and role (NULL: any). false:
 * answered with why not. */
bool mr_api_admit(struct mr_api_request *request, uint32_t scope, const char *role);

/* What the roles of an operator allow at the console. */
uint32_t mr_api_scopes_of(const struct mr_config *config, const char *operator_name);

/* When the account's password was set, as its row has it; 0: no such account, or it is locked. */
int64_t mr_api_password_since(struct mr_api *api, const char *name);

#define MR_API_COOKIE "mr_session"

#endif
