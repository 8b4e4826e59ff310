/* A listening TCP socket from its address as written in the configuration. */
#ifndef MR_LOOP_HTTP_LISTEN_H
#define MR_LOOP_HTTP_LISTEN_H

#include <stdint.h>

#include "proto/base/err.h"

/*
 * "127.0.0.1:7411", "[::1]:7411"; numeric addresses only; port 0 picks one. Non-blocking, close-on-exec; the
 * caller's. MR_ECONFIG (address), MR_EEXISTS (port taken), MR_EDENIED, MR_ESYSTEM.
 */
int mr_http_listen(const char *address, int *ret_fd, uint16_t *ret_port, struct mr_error *reterr);

#endif
