/*
 * A blocking client of the hub's admin socket, for one command's life: queries and their results, no session.
 * Not thread-safe. Errors: MR_ECLOSED no hub there, or it ended; MR_ETIMEOUT it did not answer.
 */
#ifndef MR_HUB_TOOL_ADMIN_CLIENT_H
#define MR_HUB_TOOL_ADMIN_CLIENT_H

#include "proto/base/arena.h"
#include "proto/base/err.h"
#include "proto/config/config.h"
#include "proto/wire/frame.h"

struct admin_client;

int admin_client_open(struct admin_client **ret, const struct mr_config *config, struct mr_error *reterr);
void admin_client_close(struct admin_client *client);

int admin_client_send(struct admin_client *client, const Marshrut__Bus__V1__Frame *frame);
/* Waits for a frame; it lives until the next call. */
int admin_client_receive(
        struct admin_client *client, int timeout_ms, Marshrut__Bus__V1__Frame **ret, struct mr_error *reterr);

#endif
