/* The adapter of ЦОПМКП: results from a watched folder to the hub, finished courses from the hub to files. */
#ifndef MR_COPMKP_APP_H
#define MR_COPMKP_APP_H

#include <uv.h>

#include "proto/config/config.h"

/* As struct mr_program wants them. */
int mr_copmkp_open(void **ret_app, uv_loop_t *loop, const struct mr_config *config, const char *software,
        struct mr_error *reterr);
void mr_copmkp_close(void *app, void (*on_closed)(void *ctx), void *ctx);

#endif
