#include "adapters/sdk/push.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/list.h"
#include "proto/base/logfmt.h"
#include "proto/wire/json.h"
#include "proto/wire/traceparent.h"

enum { NAME_BYTES = 64, KEY_BYTES = 96, ID_BYTES = 256 };

struct mr_push {
    struct mr_push_options options;
    char *url;
    struct mr_list items; /* in order of delivery, those in flight too */
    size_t count;
    size_t in_flight;
};

struct item {
    struct mr_list member;
    struct mr_push *push;
    char subscription[NAME_BYTES];
    uint64_t number;
    uint32_t attempt;
    char key[KEY_BYTES]; /* events of one key go one after another */
    char id[ID_BYTES];
    char trace[MR_TRACEPARENT_TEXT_MAX]; /* "": none */
    struct mr_buf body;
    bool in_flight;
};

int mr_push_new(struct mr_push **ret, const struct mr_push_options *options)
{
    struct mr_push *push = calloc(1, sizeof *push);

    if (!push)
        return MR_ENOMEM;
    push->options = *options;
    push->url = strdup(options->url);
    if (push->options.timeout_ms == 0)
        push->options.timeout_ms = MR_PUSH_TIMEOUT_MS;
    mr_list_init(&push->items);
    if (!push->url) {
        free(push);
        return MR_ENOMEM;
    }
    *ret = push;
    return 0;
}

static void item_free(struct item *item)
{
    mr_buf_wipe(&item->body);
    free(item);
}

void mr_push_free(struct mr_push *push)
{
    struct mr_list *member;

    if (!push)
        return;
    while ((member = mr_list_pop_front(&push->items)))
        item_free(MR_CONTAINER(member, struct item, member));
    free(push->url);
    free(push);
}

size_t mr_push_waiting(const struct mr_push *push)
{
    return push->count;
}

static void finish(struct item *item, enum mr_finish how, const char *reason)
{
    struct mr_push *push = item->push;

    mr_list_remove(&item->member);
    push->count--;
    push->options.finish(push->options.ctx, item->subscription, item->number, how, reason);
    item_free(item);
}

/* What waits behind a failed event of its key must not overtake it. */
static void give_back_key(struct mr_push *push, const char *key)
{
    mr_list_foreach_safe (it, &push->items) {
        struct item *item = MR_CONTAINER(it, struct item, member);

        if (!item->in_flight && strcmp(item->key, key) == 0)
            finish(item, MR_FINISH_RETRY, "order");
    }
}

static enum mr_finish judge(const struct mr_http_reply *reply)
{
    if (reply->error != 0 || reply->status == 408 || reply->status == 429 || reply->status >= 500)
        return MR_FINISH_RETRY;
    return reply->status >= 200 && reply->status < 300 ? MR_FINISH_DONE : MR_FINISH_PARK;
}

static void start_more(struct mr_push *push);

static void on_reply(void *ctx, const struct mr_http_reply *reply)
{
    struct item *item = ctx;
    struct mr_push *push = item->push;
    enum mr_finish how = judge(reply);
    char reason[32] = "";
    char key[KEY_BYTES];

    push->in_flight--;
    item->in_flight = false;
    if (reply->error != 0)
        (void)snprintf(reason, sizeof reason, "%s", mr_err_name(reply->error));
    else if (how != MR_FINISH_DONE)
        (void)snprintf(reason, sizeof reason, "http-%u", reply->status);
    if (how != MR_FINISH_DONE)
        mr_warn("push.failed", "number", MR_N(item->number), "attempt", MR_N(item->attempt), "reason", reason,
                "then", how == MR_FINISH_RETRY ? "retry" : "park");
    memcpy(key, item->key, sizeof key);
    finish(item, how, reason);
    if (how == MR_FINISH_RETRY)
        give_back_key(push, key);
    start_more(push);
}

static int start(struct mr_push *push, struct item *item)
{
    char key[ID_BYTES + 32];
    char number[64];
    char attempt[64];
    char trace[MR_TRACEPARENT_TEXT_MAX + 16];
    const char *headers[] = {"Content-Type: application/cloudevents+json; charset=utf-8", key, number,
            attempt, item->trace[0] ? trace : NULL, NULL};

    (void)snprintf(key, sizeof key, "Idempotency-Key: %s", item->id);
    (void)snprintf(number, sizeof number, "Marshrut-Number: %llu", (unsigned long long)item->number);
    (void)snprintf(attempt, sizeof attempt, "Marshrut-Attempt: %u", item->attempt);
    (void)snprintf(trace, sizeof trace, "traceparent: %s", item->trace);
    return mr_http_client_send(push->options.client, "POST", push->url, headers, mr_buf_slice(&item->body),
            push->options.timeout_ms, on_reply, item);
}

static bool key_is_busy(const struct mr_push *push, const struct item *item)
{
    mr_list_foreach (it, (struct mr_list *)(uintptr_t)&push->items) {
        const struct item *earlier = MR_CONTAINER(it, struct item, member);

        if (earlier == item)
            return false;
        if (strcmp(earlier->key, item->key) == 0)
            return true;
    }
    return false;
}

static void start_more(struct mr_push *push)
{
    mr_list_foreach_safe (it, &push->items) {
        struct item *item = MR_CONTAINER(it, struct item, member);

        if (push->in_flight >= MR_PUSH_IN_FLIGHT_MAX)
            return;
        if (item->in_flight || key_is_busy(push, item))
            continue;
        if (start(push, item) == 0) {
            item->in_flight = true;
            push->in_flight++;
        } else {
            finish(item, MR_FINISH_RETRY, "not-sent");
        }
    }
}

/* Header values are one line; an id is any string. */
static void copy_line(char *out, size_t size, const char *text)
{
    size_t used = 0;

    for (; text && *text && used + 1 < size; text++)
        if ((unsigned char)*text >= ' ' && *text != 0x7f)
            out[used++] = *text;
    out[used] = '\0';
}

static struct item *item_new(struct mr_push *push, const struct mr_delivered *delivered)
{
    const struct mr_attributes *a = &delivered->event->a;
    struct item *item = calloc(1, sizeof *item);
    json_t *json = NULL;
    char *text = NULL;

    if (!item)
        return NULL;
    mr_list_init(&item->member);
    item->push = push;
    item->number = delivered->number;
    item->attempt = delivered->attempt;
    copy_line(item->subscription, sizeof item->subscription, delivered->subscription);
    copy_line(item->id, sizeof item->id, a->id);
    if (!a->traceparent || !mr_traceparent_read(a->traceparent, item->trace))
        item->trace[0] = 0;
    copy_line(item->key, sizeof item->key, a->subject ? a->subject : a->partitionkey);
    if (mr_event_to_json(delivered->event->bytes, &json, NULL) == 0)
        text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (text)
        mr_buf_put_str(&item->body, text);
    free(text);
    if (!text || mr_buf_failed(&item->body)) {
        item_free(item);
        return NULL;
    }
    return item;
}

void mr_push_event(struct mr_push *push, const struct mr_delivered *delivered)
{
    struct item *item = item_new(push, delivered);

    if (!item) {
        push->options.finish(
                push->options.ctx, delivered->subscription, delivered->number, MR_FINISH_RETRY, "no-memory");
        return;
    }
    mr_list_push_back(&push->items, &item->member);
    push->count++;
    start_more(push);
}
