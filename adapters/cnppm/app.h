/* The adapter of ЦНППМ: routes, diagnostics and xAPI taken over HTTP and as files; diagnostics pushed to its
 * webhook. */
#ifndef MR_CNPPM_APP_H
#define MR_CNPPM_APP_H

#include <uv.h>

#include "proto/config/config.h"

/* As struct mr_program wants them. */
int mr_cnppm_open(void **ret_app, uv_loop_t *loop, const struct mr_config *config, const char *software,
        struct mr_error *reterr);
void mr_cnppm_close(void *app, void (*on_closed)(void *ctx), void *ctx);

#endif
