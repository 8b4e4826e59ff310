/*
 * A blocking client of the hub's admin socket, for one command's life: connect, Hello, then frames one by one.
 * Not thread-safe. Errors: MR_ECLOSED no hub there; MR_ETIMEOUT it did not answer.
 */
#ifndef MR_HUB_TOOL_ADMIN_CLIENT_H
#define MR_HUB_TOOL_ADMIN_CLIENT_H

#include "proto/base/arena.h"
#include "proto/base/err.h"
#include "proto/config/config.h"
#include "proto/wire/frame.h"

struct admin_client;

/* as_system: configured system to speak for (publishing); NULL: only queries. */
int admin_client_open(struct admin_client **ret, const struct mr_config *config, const char *as_system,
        uint64_t producer_epoch, struct mr_error *reterr);
void admin_client_close(struct admin_client *client);
const Marshrut__Bus__V1__Welcome *admin_client_welcome(const struct admin_client *client);

int admin_client_send(struct admin_client *client, const Marshrut__Bus__V1__Frame *frame);
/* Waits for a frame; it lives until the next call. Pings are answered here. */
int admin_client_receive(struct admin_client *client, int timeout_ms, Marshrut__Bus__V1__Frame **ret,
        struct mr_error *reterr);

#endif
