#include "adapters/sdk/adapter.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sdk/erasure_answer.h"
#include "adapters/sdk/erasure_noted.h"
#include "adapters/sdk/file_alert.h"
#include "adapters/sdk/intake_mend.h"
#include "adapters/sdk/inbox.h"
#include "adapters/sdk/link.h"
#include "adapters/sdk/outbox.h"
#include "proto/base/clock.h"
#include "proto/base/logfmt.h"

struct mr_adapter {
    const struct mr_config *config;
    const struct mr_config_system *system; /* who it speaks for */
    struct mr_adapter_callbacks callbacks;
    void *ctx;
    struct mr_outbox *outbox;
    struct mr_inbox *inbox;
    struct mr_link *link;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
    struct mr_file_alert *file_alert; /* NULL: nobody is told */
};

static void on_added(void *ctx)
{
    struct mr_adapter *adapter = ctx;

    if (adapter->link)
        mr_link_wake(adapter->link);
}

/* ---- notices of erasure ---- */

static int forget(struct mr_adapter *adapter, const Nms__Event__V1__HubErasureNotice *notice, uint32_t *files)
{
    struct mr_outbox_txn *txn;
    int r = mr_outbox_begin(adapter, &txn);

    if (r < 0)
        return r;
    r = mr_mend_forget(txn);
    if (r == 0 && adapter->callbacks.on_erasure)
        r = adapter->callbacks.on_erasure(adapter->ctx, txn, notice, files);
    if (r == 0)
        r = mr_erasure_answer(txn, adapter->config, adapter->system, notice, *files);
    if (r == 0)
        r = mr_erasure_note(txn, notice->request, mr_clock_wall_us(mr_clock_system()));
    if (r == 0)
        return mr_outbox_commit(txn);
    mr_outbox_abort(txn);
    return r;
}

/* The answer is in the outbox before the delivery is finished: a kill between repeats both. */
static void on_builtin(void *ctx, const struct mr_delivered *item)
{
    const Nms__Event__V1__HubErasureNotice *notice = (const void *)item->event->payload;
    struct mr_adapter *adapter = ctx;
    uint32_t files = 0;
    int r;

    if (strcmp(item->event->a.type, MR_TYPE_NOTICE) != 0 || !notice || !adapter->system) {
        mr_adapter_finish(adapter, item->subscription, item->number, MR_FINISH_PARK, "type-not-known");
        return;
    }
    r = forget(adapter, notice, &files);
    mr_logfmt_write(r < 0 ? MR_LEVEL_WARNING : MR_LEVEL_INFO, r < 0 ? "erasure.failed" : "erasure.done",
            "request", MR_N(notice->request), "files", MR_N(files), "error", r < 0 ? mr_err_name(r) : NULL,
            NULL);
    mr_adapter_finish(adapter, item->subscription, item->number, r < 0 ? MR_FINISH_RETRY : MR_FINISH_DONE,
            r < 0 ? mr_err_name(r) : NULL);
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
            .on_builtin = on_builtin,
            .builtin_ctx = adapter,
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
    adapter->config = options->config;
    adapter->system = options->link->system ? mr_config_system(options->config, options->link->system) : NULL;
    adapter->callbacks = options->callbacks;
    adapter->ctx = options->ctx;
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
    adapter->file_alert = mr_file_alert_open(options->loop, options->config, adapter->system);
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
    mr_file_alert_close(adapter->file_alert);
    adapter->file_alert = NULL;
    mr_link_close(link, on_link_closed, adapter);
}

void mr_adapter_file_refused(struct mr_adapter *adapter)
{
    mr_file_alert_refused(adapter->file_alert);
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
