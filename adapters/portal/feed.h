/*
 * The portal's feed: pages of CloudEvents asked for in turn, each kept together with the place to go on from
 * in one outbox transaction, so that nothing is skipped or lost whatever is killed. docs/adapters.md is the
 * contract. Loop thread only.
 */
#ifndef MR_PORTAL_FEED_H
#define MR_PORTAL_FEED_H

#include "adapters/sdk/adapter.h"
#include "proto/loop/http_client.h"

struct mr_feed;

struct mr_feed_options {
    uv_loop_t *loop;
    struct mr_adapter *adapter;
    struct mr_http_client *client;
    const struct mr_config_system *system;
    const char *url;
    uint32_t interval_ms;
};

/* Starts asking at once. */
int mr_feed_open(struct mr_feed **ret, const struct mr_feed_options *options);
/* Asks no more. Asynchronous: on_closed runs when nothing of it is on the loop. */
void mr_feed_close(struct mr_feed *feed, void (*on_closed)(void *ctx), void *ctx);
/* After on_closed and after the client is closed, so that a page on its way finds nobody. NULL is fine. */
void mr_feed_free(struct mr_feed *feed);

#endif
