/* Feeds come and go with the configuration, while all others go on. */
#include <stdlib.h>

#include "hub/deliver/deliver_internal.h"

static void on_closed(uv_handle_t *handle)
{
    struct mr_feed *feed = handle->data;

    if (feed->closed++ == 1)
        mr_feed_free(feed);
}

/* Jobs that are on their way know its id only. */
static void close_feed(struct mr_feed *feed)
{
    uv_close((uv_handle_t *)&feed->timer, on_closed);
    uv_close((uv_handle_t *)&feed->release_timer, on_closed);
}

/* The feeds that are there, by id, and new ones for what is new. */
static int gather(struct mr_deliver *deliver, uv_loop_t *loop, const struct mr_config *config,
        struct mr_feed *const *by_id, struct mr_feed **feeds)
{
    int r = mr_log_reader_renew(deliver->reader);

    for (uint32_t i = 0; r == 0 && i < config->subscriptions_count; i++) {
        const struct mr_config_subscription *subscription = &config->subscriptions[i];

        feeds[i] = by_id[mr_names_id(deliver->house->names, MR_NAME_SUBSCRIPTION, subscription->name)];
        if (!feeds[i])
            r = mr_feed_open(&feeds[i], deliver, loop, subscription);
    }
    mr_log_reader_pause(deliver->reader);
    return r;
}

/* Nothing came of it: new ones go again. */
static void undo(struct mr_feed *const *by_id, struct mr_feed *const *feeds, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (feeds[i] && !by_id[feeds[i]->id])
            close_feed(feeds[i]);
}

static void replace(struct mr_deliver *deliver, const struct mr_config *config, struct mr_feed **by_id,
        struct mr_feed **feeds)
{
    for (uint32_t i = 0; i < config->subscriptions_count; i++) {
        feeds[i]->subscription = &config->subscriptions[i];
        by_id[feeds[i]->id] = NULL;
    }
    for (uint32_t i = 0; i < deliver->feeds_count; i++)
        if (by_id[deliver->feeds[i]->id]) {
            deliver->by_id[deliver->feeds[i]->id] = NULL;
            close_feed(deliver->feeds[i]);
        }
    free(deliver->feeds);
    deliver->feeds = feeds;
    deliver->feeds_count = config->subscriptions_count;
    for (uint32_t i = 0; i < deliver->feeds_count; i++)
        deliver->by_id[feeds[i]->id] = feeds[i];
}

int mr_deliver_take(struct mr_deliver *deliver, uv_loop_t *loop, const struct mr_config *config)
{
    uint32_t count = config->subscriptions_count;
    struct mr_feed **feeds = calloc(count + 1u, sizeof(struct mr_feed *));
    struct mr_feed **by_id = calloc(MR_SUBSCRIPTION_IDS, sizeof(struct mr_feed *));
    int r = feeds && by_id ? 0 : MR_ENOMEM;

    for (uint32_t i = 0; r == 0 && i < deliver->feeds_count; i++)
        by_id[deliver->feeds[i]->id] = deliver->feeds[i];
    if (r == 0 && (r = gather(deliver, loop, config, by_id, feeds)) < 0)
        undo(by_id, feeds, count);
    if (r == 0)
        replace(deliver, config, by_id, feeds);
    else
        free(feeds);
    free(by_id);
    mr_deliver_wake(deliver);
    return r;
}
