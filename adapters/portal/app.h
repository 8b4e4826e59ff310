/* The portal adapter: CloudEvents taken over HTTP and from the portal's feed; passport and routes pushed to
 * it. */
#ifndef MR_PORTAL_APP_H
#define MR_PORTAL_APP_H

#include <uv.h>

#include "proto/config/config.h"

/* As struct mr_program wants them. */
int mr_portal_open(void **ret_app, uv_loop_t *loop, const struct mr_config *config, const char *software,
        struct mr_error *reterr);
void mr_portal_close(void *app, void (*on_closed)(void *ctx), void *ctx);

#endif
