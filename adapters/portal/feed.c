#include "adapters/portal/feed.h"

#include <sodium.h>
#include <stdlib.h>

#include "adapters/portal/ce.h"
#include "adapters/portal/feed_place.h"
#include "adapters/sdk/post_outbox.h"
#include "proto/base/logfmt.h"
#include "proto/loop/backoff.h"
#include "proto/wire/json.h"

enum { REPLY_TIMEOUT_MS = 20000, BACKOFF_FIRST_MS = 500, BACKOFF_MAX_MS = 60000 };
static const char place_key[] = "feed:place";

struct mr_feed {
    struct mr_feed_options options;
    char *url;
    uv_timer_t timer;
    struct mr_backoff backoff;
    struct mr_buf place;
    bool closing;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

static void on_timer(uv_timer_t *timer);

static void ask_again(struct mr_feed *feed, uint64_t delay_ms)
{
    if (!feed->closing)
        (void)uv_timer_start(&feed->timer, on_timer, delay_ms, 0);
}

/* `what` names the failure without anything that the other side sent. */
static void failed(struct mr_feed *feed, const char *what, long number)
{
    uint32_t delay_ms = mr_backoff_next(&feed->backoff, randombytes_random());

    mr_warn("feed.failed", "what", what, "status", MR_N(number), "again_ms", MR_N(delay_ms));
    ask_again(feed, delay_ms);
}

static int read_place(struct mr_feed *feed)
{
    struct mr_outbox_txn *txn;
    struct mr_slice place;
    int r = mr_outbox_begin(feed->options.adapter, &txn);

    if (r < 0)
        return r;
    r = mr_outbox_get(txn, mr_slice_str(place_key), &place);
    if (r == 0)
        mr_buf_put_slice(&feed->place, place);
    mr_outbox_abort(txn);
    return r == MR_ENOTFOUND || r == 0 ? 0 : r;
}

/* ---- a page ---- */

/* The good items are kept; those that are no events are left out and said, or the feed would stand for ever.
 */
static void take_items(struct mr_feed *feed, json_t *page, struct mr_post *post)
{
    json_t *item;
    size_t i;

    json_array_foreach (page, i, item)
        mr_ce_item(feed->options.system, item, post);
    json_array_foreach (mr_post_results(post), i, item)
        if (json_object_get(item, "problem"))
            mr_warn("feed.item.invalid", "index", MR_N(i), "field",
                    json_string_value(json_object_get(item, "field")), "problem",
                    json_string_value(json_object_get(item, "problem")));
}

/* Events and place together. */
static int keep_page(struct mr_feed *feed, json_t *page, struct mr_slice next)
{
    struct mr_post_outbox outbox;
    struct mr_post_summary summary = {0};
    struct mr_post *post = NULL;
    int r = mr_post_outbox_open(&outbox, feed->options.adapter);

    if (r < 0)
        return r;
    r = mr_post_new(&post, &outbox.store);
    if (r == 0) {
        take_items(feed, page, post);
        mr_post_summary(post, &summary);
        r = summary.failed;
    }
    if (r == 0)
        r = mr_outbox_put(outbox.txn, mr_slice_str(place_key), next);
    if (r == 0)
        r = mr_outbox_commit(outbox.txn);
    else
        mr_outbox_abort(outbox.txn);
    mr_post_free(post);
    if (r == 0 && summary.items > 0)
        mr_info("feed.page", "items", MR_N(summary.items), "events", MR_N(summary.events), "invalid",
                MR_N(summary.invalid));
    return r;
}

static void take_page(struct mr_feed *feed, json_t *page, const struct mr_http_reply *reply)
{
    struct mr_buf next = MR_BUF_INIT;
    int told = mr_feed_place_next(feed->url, mr_http_reply_header(reply, "Marshrut-Cursor"),
            mr_http_reply_header(reply, "Link"), &next);
    bool moved = told == 0 && !mr_slice_equal(mr_buf_slice(&next), mr_buf_slice(&feed->place));
    size_t items = json_array_size(page);
    int r;

    if (told == 1)
        mr_buf_put_slice(&next, mr_buf_slice(&feed->place));
    if (told < 0 || mr_buf_failed(&next)) {
        failed(feed, "next-place", reply->status);
        mr_buf_fini(&next);
        return;
    }
    r = items > 0 || moved ? keep_page(feed, page, mr_buf_slice(&next)) : 0;
    if (r < 0) {
        failed(feed, mr_err_name(r), reply->status);
        mr_buf_fini(&next);
        return;
    }
    mr_buf_fini(&feed->place);
    feed->place = next;
    mr_backoff_reset(&feed->backoff);
    ask_again(feed, items > 0 && moved ? 0 : feed->options.interval_ms);
}

static void on_reply(void *ctx, const struct mr_http_reply *reply)
{
    struct mr_feed *feed = ctx;
    json_t *page;

    if (feed->closing)
        return;
    if (reply->error != 0) {
        failed(feed, mr_err_name(reply->error), 0);
    } else if (reply->status == 204) {
        mr_backoff_reset(&feed->backoff);
        ask_again(feed, feed->options.interval_ms);
    } else if (reply->status != 200) {
        failed(feed, "status", reply->status);
    } else {
        page = mr_json_parse(reply->body, "feed", NULL);
        if (json_is_array(page))
            take_page(feed, page, reply);
        else
            failed(feed, "not-a-json-array", reply->status);
        json_decref(page);
    }
}

static void on_timer(uv_timer_t *timer)
{
    static const char *const headers[] = {"Accept: application/cloudevents-batch+json", NULL};
    struct mr_feed *feed = timer->data;
    struct mr_buf url = MR_BUF_INIT;
    const char *place = mr_buf_str(&feed->place);
    int r = place ? mr_feed_place_url(feed->url, place, &url) : MR_ENOMEM;

    if (r == 0 && mr_buf_str(&url))
        r = mr_http_client_send(feed->options.client, "GET", mr_buf_str(&url), headers, mr_slice(NULL, 0),
                REPLY_TIMEOUT_MS, on_reply, feed);
    mr_buf_fini(&url);
    if (r < 0)
        failed(feed, mr_err_name(r), 0);
}

/* ---- life ---- */

void mr_feed_free(struct mr_feed *feed)
{
    if (!feed)
        return;
    mr_buf_fini(&feed->place);
    free(feed->url);
    free(feed);
}

int mr_feed_open(struct mr_feed **ret, const struct mr_feed_options *options)
{
    struct mr_feed *feed = calloc(1, sizeof *feed);
    int r;

    if (!feed)
        return MR_ENOMEM;
    feed->options = *options;
    feed->backoff = (struct mr_backoff){.first_ms = BACKOFF_FIRST_MS, .max_ms = BACKOFF_MAX_MS};
    feed->url = strdup(options->url);
    r = feed->url ? read_place(feed) : MR_ENOMEM;
    if (r < 0) {
        mr_feed_free(feed);
        return r;
    }
    (void)uv_timer_init(options->loop, &feed->timer);
    feed->timer.data = feed;
    ask_again(feed, 0);
    *ret = feed;
    return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct mr_feed *feed = handle->data;

    feed->on_closed(feed->closed_ctx);
}

void mr_feed_close(struct mr_feed *feed, void (*on_closed)(void *ctx), void *ctx)
{
    feed->closing = true;
    feed->on_closed = on_closed;
    feed->closed_ctx = ctx;
    uv_close((uv_handle_t *)&feed->timer, on_timer_closed);
}
