#include "adapters/sdk/post_outbox.h"

#include "proto/base/logfmt.h"
#include "proto/loop/http_route.h"
#include "proto/wire/json.h"

static int add(void *ctx, struct mr_slice event)
{
    uint64_t sequence;

    return mr_outbox_add(((struct mr_post_outbox *)ctx)->txn, event, mr_slice_str(MR_POST_REF), &sequence);
}

static int get(void *ctx, struct mr_slice key, struct mr_slice *ret)
{
    return mr_outbox_get(((struct mr_post_outbox *)ctx)->txn, key, ret);
}

static int put(void *ctx, struct mr_slice key, struct mr_slice value)
{
    return mr_outbox_put(((struct mr_post_outbox *)ctx)->txn, key, value);
}

static void digest(void *ctx, struct mr_slice data, uint8_t ret[static 16])
{
    mr_outbox_digest(((struct mr_post_outbox *)ctx)->adapter, data, ret);
}

int mr_post_outbox_open(struct mr_post_outbox *outbox, struct mr_adapter *adapter)
{
    *outbox = (struct mr_post_outbox){.adapter = adapter,
            .store = {.ctx = outbox, .add = add, .get = get, .put = put, .digest = digest}};
    return mr_outbox_begin(adapter, &outbox->txn);
}

int mr_post_outbox_close(struct mr_post_outbox *outbox, const struct mr_post *post)
{
    struct mr_post_summary summary;

    mr_post_summary(post, &summary);
    if (summary.failed == 0 && summary.good > 0)
        return mr_outbox_commit(outbox->txn);
    mr_outbox_abort(outbox->txn);
    return summary.failed;
}

static int take_items(
        struct mr_adapter *adapter, json_t *body, mr_post_item_fn fn, void *ctx, struct mr_post **ret)
{
    struct mr_post_outbox outbox;
    struct mr_post *post = NULL;
    json_t *item;
    size_t i;
    int r = mr_post_outbox_open(&outbox, adapter);

    if (r < 0)
        return r;
    r = mr_post_new(&post, &outbox.store);
    if (r < 0) {
        mr_outbox_abort(outbox.txn);
        return r;
    }
    if (json_is_array(body)) {
        json_array_foreach (body, i, item)
            fn(ctx, item, post);
    } else {
        fn(ctx, body, post);
    }
    r = mr_post_outbox_close(&outbox, post);
    *ret = post;
    return r;
}

void mr_post_json(struct mr_adapter *adapter, const struct mr_http_request *request, json_t *body,
        mr_post_item_fn fn, void *ctx,
        void (*answer)(const struct mr_post *post, struct mr_http_exchange *exchange))
{
    struct mr_post *post = NULL;
    struct mr_post_summary summary = {0};
    int r;

    if (json_is_array(body) && (json_array_size(body) == 0 || json_array_size(body) > MR_POST_ITEMS_MAX)) {
        json_decref(body);
        mr_http_answer_problem(request->exchange, 400, "invalid", NULL, "no items, or more than 1000",
                "send 1 to 1000 items in one request");
        return;
    }
    r = take_items(adapter, body, fn, ctx, &post);
    json_decref(body);
    if (r == 0)
        answer(post, request->exchange);
    else
        mr_http_answer_problem(request->exchange, mr_err_http(r) == 507 ? 507 : 503, mr_err_name(r), NULL,
                "the events could not be kept", "nothing was taken: send the request again later");
    if (post)
        mr_post_summary(post, &summary);
    mr_info("post.taken", "path", request->path, "items", MR_N(summary.items), "good", MR_N(summary.good),
            "invalid", MR_N(summary.invalid), "conflicts", MR_N(summary.conflicts), "events",
            MR_N(r == 0 ? summary.events : 0), "error", r == 0 ? NULL : mr_err_name(r));
    mr_post_free(post);
}

void mr_post_request(struct mr_adapter *adapter, const struct mr_http_request *request, mr_post_item_fn fn,
        void *ctx, void (*answer)(const struct mr_post *post, struct mr_http_exchange *exchange))
{
    struct mr_error error = {0};
    json_t *body = mr_json_parse(request->body, "body", &error);

    if (body)
        mr_post_json(adapter, request, body, fn, ctx, answer);
    else
        mr_http_answer_problem(request->exchange, 400, "malformed", error.where, error.what, error.cure);
}
