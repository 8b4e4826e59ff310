/* A post whose events go into one transaction of the adapter's outbox. Loop thread; lives within one request.
 */
#ifndef MR_SDK_POST_OUTBOX_H
#define MR_SDK_POST_OUTBOX_H

#include "adapters/sdk/post.h"

struct mr_post_outbox {
    struct mr_adapter *adapter;
    struct mr_outbox_txn *txn;
    struct mr_post_store store;
};

#define MR_POST_REF "post" /* of its events, in outcomes */

/* Begins the transaction. */
int mr_post_outbox_open(struct mr_post_outbox *outbox, struct mr_adapter *adapter);
/* Commits when the post has not failed and something is to be kept, else aborts. 0: durable. */
int mr_post_outbox_close(struct mr_post_outbox *outbox, const struct mr_post *post);

/* One JSON value of a request's body: each element of an array, or the value itself, in order. */
typedef void (*mr_post_item_fn)(void *ctx, json_t *item, struct mr_post *post);
/*
 * Parses the body, gives each item to fn inside one transaction, commits, and then answers through `answer`.
 * What fails as a whole (not JSON, too many items, storage) is answered here.
 */
void mr_post_request(struct mr_adapter *adapter, const struct mr_http_request *request, mr_post_item_fn fn,
        void *ctx, void (*answer)(const struct mr_post *post, struct mr_http_exchange *exchange));
/* The same for a body that is parsed already; takes over the reference. */
void mr_post_json(struct mr_adapter *adapter, const struct mr_http_request *request, json_t *body,
        mr_post_item_fn fn, void *ctx,
        void (*answer)(const struct mr_post *post, struct mr_http_exchange *exchange));

#endif
