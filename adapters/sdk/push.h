/*
 * Delivered events to an outside system: each one POSTed as a CloudEvent (structured mode), several at a
 * time, those of one subject in order. The delivery is finished by what comes back: 2xx is done; 408, 429,
 * 5xx or nothing is retried by the hub, together with the later ones of the same subject that wait here; any
 * other status parks the event. Loop thread only.
 */
#ifndef MR_SDK_PUSH_H
#define MR_SDK_PUSH_H

#include "adapters/sdk/adapter.h"
#include "proto/loop/http_client.h"

enum { MR_PUSH_IN_FLIGHT_MAX = 8, MR_PUSH_TIMEOUT_MS = 10000 };

struct mr_push;

struct mr_push_options {
    struct mr_http_client *client; /* closed before the push is freed */
    const char *url;
    uint32_t timeout_ms; /* default MR_PUSH_TIMEOUT_MS */
    /* mr_adapter_finish(), or a test's. Called once for every event, unless the push is freed before. */
    void (*finish)(
            void *ctx, const char *subscription, uint64_t number, enum mr_finish how, const char *reason);
    void *ctx;
};

int mr_push_new(struct mr_push **ret, const struct mr_push_options *options);
/* After its client is closed. What is not finished comes again from the hub. NULL is fine. */
void mr_push_free(struct mr_push *push);

/* Copies what it needs. */
void mr_push_event(struct mr_push *push, const struct mr_delivered *item);

size_t mr_push_waiting(const struct mr_push *push);

#endif
