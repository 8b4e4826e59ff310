/*
 * An adapter's side of the bus: one object that keeps the link to the hub alive (heals itself after any
 * break), sends what the durable outbox holds, and hands over what the hub delivers. docs/adapters.md is the
 * guide.
 *
 * Loop thread only. Nothing is lost or doubled by a kill -9 at any moment, if the adapter
 *  - puts its outgoing events and its own progress into one outbox transaction, and
 *  - makes the effect of a delivered event idempotent by its log number before it calls mr_adapter_finish().
 */
#ifndef MR_SDK_ADAPTER_H
#define MR_SDK_ADAPTER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "event/erasure.pb-c.h"
#include "proto/base/err.h"
#include "proto/base/slice.h"
#include "proto/config/config.h"
#include "proto/wire/codec.h"

struct mr_adapter;

/* One delivered event; borrowed until the callback returns. */
struct mr_delivered {
    const char *subscription;
    uint64_t number;
    uint32_t attempt;
    int64_t recorded_us;
    const struct mr_event *event;  /* decoded; event->bytes are the delivered bytes */
    const char *const *recipients; /* OGRNs, for subscriptions of scope staff */
    size_t recipients_count;
    bool replay;
};

enum mr_finish { MR_FINISH_DONE, MR_FINISH_RETRY, MR_FINISH_PARK };

/* The hub's word on one event of the outbox. Strings are borrowed, never NULL. */
struct mr_outcome {
    uint64_t sequence;
    struct mr_slice ref; /* as given to mr_outbox_add */
    int verdict;         /* Marshrut__Bus__V1__Verdict */
    uint64_t number;     /* 0 when refused */
    const char *code, *field, *reason, *cure;
};

struct mr_outbox_txn;

struct mr_adapter_callbacks {
    /* Must lead to exactly one mr_adapter_finish() for this subscription and number, now or later. May be
     * NULL. */
    void (*on_event)(void *ctx, const struct mr_delivered *item);
    /*
     * Called inside the outbox transaction that takes note of the outcome: what it writes with
     * mr_outbox_put() is durable together with it, so each outcome counts exactly once. May be NULL.
     */
    int (*on_outcome)(void *ctx, struct mr_outbox_txn *txn, const struct mr_outcome *outcome);
    /* After that transaction's commit: time to look whether a file is finished. May be NULL. */
    void (*on_outcomes_committed)(void *ctx);
    /* The link went up or down. May be NULL. */
    void (*on_link)(void *ctx, bool up);
    /*
     * A person is to be forgotten (docs/adapters.md, "Erasure"): destroy what the adapter keeps of them
     * outside of inbox and outbox, and its own rows in txn, which also takes the answer to the hub. May come
     * again for the same request. Adds to *files what was removed; negative: asked again later. NULL: the
     * adapter keeps nothing.
     */
    int (*on_erasure)(void *ctx, struct mr_outbox_txn *txn, const Nms__Event__V1__HubErasureNotice *notice,
            uint32_t *files);
};

struct mr_adapter_options {
    uv_loop_t *loop;
    const struct mr_config *config;
    const struct mr_config_link *link;
    const char *software; /* "marshrut-school/0.1.0" */
    struct mr_adapter_callbacks callbacks;
    void *ctx;
};

/* Opens outbox and inbox under link->state, reads the key, starts connecting. */
int mr_adapter_open(
        struct mr_adapter **ret, const struct mr_adapter_options *options, struct mr_error *reterr);
/* Asynchronous: Goodbye, close; on_closed runs when everything is freed. */
void mr_adapter_close(struct mr_adapter *adapter, void (*on_closed)(void *ctx), void *ctx);

/* The effect of a delivered event is durable (DONE), or it should come again (RETRY), or not by itself
 * (PARK). */
void mr_adapter_finish(struct mr_adapter *adapter, const char *subscription, uint64_t number,
        enum mr_finish how, const char *reason_code);

/* ---- the outbox: one LMDB environment, values sealed under a daily key (decision 6) ---- */

int mr_outbox_begin(struct mr_adapter *adapter, struct mr_outbox_txn **ret);
/* A serialized CloudEvent and what to call it when its outcome comes (at most 64 bytes). Gets the next
 * sequence. */
int mr_outbox_add(
        struct mr_outbox_txn *txn, struct mr_slice event, struct mr_slice ref, uint64_t *ret_sequence);
/* The adapter's own small rows (no personal data in key or value). MR_ENOTFOUND from get. */
int mr_outbox_get(struct mr_outbox_txn *txn, struct mr_slice key, struct mr_slice *ret);
int mr_outbox_put(struct mr_outbox_txn *txn, struct mr_slice key, struct mr_slice value);
int mr_outbox_del(struct mr_outbox_txn *txn, struct mr_slice key);
/* Ascending over keys with the prefix until fn returns non-zero; fn must not write. */
int mr_outbox_each(struct mr_outbox_txn *txn, struct mr_slice prefix,
        int (*fn)(void *ctx, struct mr_slice key, struct mr_slice value), void *fn_ctx);
/* Durable when 0; then the link sends. Frees. */
int mr_outbox_commit(struct mr_outbox_txn *txn);
void mr_outbox_abort(struct mr_outbox_txn *txn);
/* Keyed digest under the outbox's own long-lived secret, for file identities: never a plain hash. */
void mr_outbox_digest(struct mr_adapter *adapter, struct mr_slice data, uint8_t ret[static 16]);

/* A file was refused as a whole: people are told, when `alerts` says so. */
void mr_adapter_file_refused(struct mr_adapter *adapter);

struct mr_adapter_status {
    bool up;
    uint64_t outbox_waiting;
    uint64_t published; /* since start */
    uint64_t delivered;
};
void mr_adapter_status(struct mr_adapter *adapter, struct mr_adapter_status *ret);

#endif
