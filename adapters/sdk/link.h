/*
 * The session with the hub: a DEALER over CURVE that is closed and made anew after any break (a refused
 * handshake kills a DEALER for good, and messages queued in it must not reach the next session before Hello),
 * Hello and resume, publishing what the outbox holds within the hub's window, deliveries with credit, pings.
 * Loop thread only.
 */
#ifndef MR_SDK_LINK_H
#define MR_SDK_LINK_H

#include "adapters/sdk/adapter.h"
#include "adapters/sdk/inbox.h"
#include "adapters/sdk/outbox.h"

struct mr_link;

struct mr_link_options {
    uv_loop_t *loop;
    struct mr_outbox *outbox;
    struct mr_inbox *inbox;
    const char *endpoint;
    const char *hub_public_key; /* Z85 */
    const char *secret_key;     /* Z85; wiped by the caller after open */
    const char *software;
    uint32_t backoff_first_ms; /* 0: 100 */
    uint32_t backoff_max_ms;   /* 0: 10000 */
    struct mr_adapter_callbacks callbacks;
    void *ctx;
    /* Deliveries of subscriptions that are built in; NULL: they are not subscribed to. */
    void (*on_builtin)(void *ctx, const struct mr_delivered *item);
    void *builtin_ctx;
};

int mr_link_open(struct mr_link **ret, const struct mr_link_options *options, struct mr_error *reterr);
/* Asynchronous: Goodbye, close. */
void mr_link_close(struct mr_link *link, void (*on_closed)(void *ctx), void *ctx);

/* Something may be to send: looked at in the next turn of the loop, so that what comes together goes
 * together. */
void mr_link_wake(struct mr_link *link);
/* Queues a Nack; wakes. Lost with the session: the hub then delivers again anyway. */
void mr_link_nack(
        struct mr_link *link, const char *subscription, uint64_t number, bool park, const char *reason);
void mr_link_finished(struct mr_link *link); /* for the progress counter of Ping and Pong */

bool mr_link_up(const struct mr_link *link);
void mr_link_counts(const struct mr_link *link, uint64_t *ret_published, uint64_t *ret_delivered);

#endif
