#include "adapters/sdk/adapter.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sdk/inbox.h"
#include "adapters/sdk/link.h"
#include "adapters/sdk/outbox.h"
#include "proto/base/clock.h"

struct mr_adapter {
    struct mr_outbox *outbox;
    struct mr_inbox *inbox;
    struct mr_link *link;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

static void on_added(void *ctx)
{
    struct mr_adapter *adapter = ctx;

    if (adapter->link)
        mr_link_wake(adapter->link);
}

static int open_link(
        struct mr_adapter *adapter, const struct mr_adapter_options *options, struct mr_error *reterr)
{
    char secret[41];
    struct mr_link_options link = {
            .loop = options->loop,
            .outbox = adapter->outbox,
            .inbox = adapter->inbox,
            .endpoint = options->link->hub,
            .hub_public_key = options->config->hub.public_key,
            .secret_key = secret,
            .software = options->software,
            .callbacks = options->callbacks,
            .ctx = options->ctx,
    };
    int r = mr_config_read_key(options->link->secret_key_file, true, secret, reterr);

    if (r == 0 && !link.endpoint)
        link.endpoint = options->config->hub.listen_count > 0 ? options->config->hub.listen[0] : NULL;
    if (r == 0 && !link.endpoint)
        r = mr_error_set(
                reterr, MR_ECONFIG, "hub.listen", "say where the hub listens", "no endpoint of the hub");
    if (r == 0)
        r = mr_link_open(&adapter->link, &link, reterr);
    sodium_memzero(secret, sizeof secret);
    return r;
}

static void destroy(struct mr_adapter *adapter)
{
    mr_outbox_close(adapter->outbox);
    mr_inbox_close(adapter->inbox);
    free(adapter);
}

int mr_adapter_open(
        struct mr_adapter **ret, const struct mr_adapter_options *options, struct mr_error *reterr)
{
    struct mr_adapter *adapter = calloc(1, sizeof *adapter);
    int r;

    if (!adapter)
        return MR_ENOMEM;
    r = mr_outbox_open(&adapter->outbox, options->link->state, mr_clock_system(), reterr);
    if (r == 0)
        r = mr_inbox_open(&adapter->inbox, options->link->state, reterr);
    if (r == 0)
        r = open_link(adapter, options, reterr);
    if (r < 0) {
        destroy(adapter);
        return r;
    }
    mr_outbox_on_added(adapter->outbox, on_added, adapter);
    *ret = adapter;
    return 0;
}

static void on_link_closed(void *ctx)
{
    struct mr_adapter *adapter = ctx;
    void (*on_closed)(void *closed_ctx) = adapter->on_closed;
    void *closed_ctx = adapter->closed_ctx;

    destroy(adapter);
    if (on_closed)
        on_closed(closed_ctx);
}

void mr_adapter_close(struct mr_adapter *adapter, void (*on_closed)(void *ctx), void *ctx)
{
    struct mr_link *link = adapter->link;

    adapter->on_closed = on_closed;
    adapter->closed_ctx = ctx;
    adapter->link = NULL; /* a commit on the way out wakes nobody */
    mr_link_close(link, on_link_closed, adapter);
}

void mr_adapter_finish(struct mr_adapter *adapter, const char *subscription, uint64_t number,
        enum mr_finish how, const char *reason_code)
{
    struct mr_inbox_subscription *of = mr_inbox_find(adapter->inbox, subscription);

    if (!of || mr_inbox_finish(of, number, how == MR_FINISH_DONE) < 0 || !adapter->link)
        return;
    if (how == MR_FINISH_DONE)
        mr_link_finished(adapter->link);
    else
        mr_link_nack(adapter->link, of->name, number, how == MR_FINISH_PARK, reason_code);
}

int mr_outbox_begin(struct mr_adapter *adapter, struct mr_outbox_txn **ret)
{
    return mr_outbox_txn_begin(adapter->outbox, ret);
}

void mr_outbox_digest(struct mr_adapter *adapter, struct mr_slice data, uint8_t ret[static 16])
{
    mr_outbox_keyed_digest(adapter->outbox, data, ret);
}

void mr_adapter_status(struct mr_adapter *adapter, struct mr_adapter_status *ret)
{
    *ret = (struct mr_adapter_status){
            .outbox_waiting = mr_outbox_last(adapter->outbox) - mr_outbox_noted(adapter->outbox),
    };
    if (!adapter->link)
        return;
    ret->up = mr_link_up(adapter->link);
    mr_link_counts(adapter->link, &ret->published, &ret->delivered);
}
