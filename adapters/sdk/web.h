/*
 * What an adapter with an HTTP face is made of, besides its own routes: the link to the hub, a server, a
 * client, and the push of what the hub delivers. Opened and closed in the right order, once. Loop thread
 * only.
 */
#ifndef MR_SDK_WEB_H
#define MR_SDK_WEB_H

#include "adapters/sdk/adapter.h"
#include "proto/loop/http_client.h"
#include "proto/loop/http_server.h"
#include "adapters/sdk/push.h"
#include "proto/config/config.h"

struct mr_web_options {
    uv_loop_t *loop;
    const struct mr_config *config;
    const struct mr_config_link *link;
    const char *software;
    const char *listen;
    const char *token_file; /* NULL: no token is asked */
    const char *push_url;   /* NULL: what the hub delivers is parked */
    void (*on_request)(void *ctx, const struct mr_http_request *request);
    /* Of outcomes that are not of a request; as in mr_adapter_callbacks. May be NULL. */
    int (*on_outcome)(void *ctx, struct mr_outbox_txn *txn, const struct mr_outcome *outcome);
    void (*on_outcomes_committed)(void *ctx);
    /* As in mr_adapter_callbacks. May be NULL: what is pushed is kept nowhere. */
    int (*on_erasure)(void *ctx, struct mr_outbox_txn *txn, const Nms__Event__V1__HubErasureNotice *notice,
            uint32_t *files);
    void *ctx;
};

struct mr_web {
    struct mr_web_options options;
    struct mr_adapter *adapter;
    struct mr_http_server *server;
    struct mr_http_client *client;
    struct mr_push *push;
    char *token;
    uv_idle_t closer; /* the last step of closing, out of anybody's callback */
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* On failure what was open closes by itself, and then on_failed(options->ctx) may free the memory; never from
 * inside. */
int mr_web_open(struct mr_web *web, const struct mr_web_options *options, void (*on_failed)(void *ctx),
        struct mr_error *reterr);
/* Asynchronous; takes half-open ones. on_closed runs when the memory may be reused. */
void mr_web_close(struct mr_web *web, void (*on_closed)(void *ctx), void *ctx);

#endif
