/* Proof at start that the door is shut: a client with a key made up just now must be refused on our own
 * listener. */
#ifndef MR_HUB_SESSION_SELFTEST_H
#define MR_HUB_SESSION_SELFTEST_H

#include <uv.h>

#include "proto/base/err.h"

/* Turns the loop until there is an answer or timeout_ms have passed. endpoint: as bound (ZMQ_LAST_ENDPOINT).
 */
int mr_selftest_stranger(uv_loop_t *loop, void *zmq, const char *endpoint, const char *server_key,
        uint32_t timeout_ms, struct mr_error *reterr);

#endif
