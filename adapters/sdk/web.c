#include "adapters/sdk/web.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sdk/file.h"
#include "adapters/sdk/post_outbox.h"
#include "bus.pb-c.h"
#include "proto/base/logfmt.h"

enum { TOKEN_BYTES_MIN = 16, TOKEN_BYTES_MAX = 512 };

/* ---- what the hub says ---- */

static void on_event(void *ctx, const struct mr_delivered *item)
{
    struct mr_web *web = ctx;

    if (web->push)
        mr_push_event(web->push, item);
    else
        mr_adapter_finish(web->adapter, item->subscription, item->number, MR_FINISH_PARK, "no-push-url");
}

static void finish(
        void *ctx, const char *subscription, uint64_t number, enum mr_finish how, const char *reason)
{
    mr_adapter_finish(((struct mr_web *)ctx)->adapter, subscription, number, how, reason);
}

/* The sender has its answer already; the administrator sees what became of it. No value of the event is
 * logged. */
static void log_outcome(const struct mr_outcome *outcome)
{
    const char *event = outcome->verdict == MARSHRUT__BUS__V1__VERDICT__VERDICT_REFUSED ? "post.refused"
                        : outcome->verdict == MARSHRUT__BUS__V1__VERDICT__VERDICT_QUARANTINED
                                ? "post.quarantined"
                                : NULL;

    if (event)
        mr_warn(event, "number", MR_N(outcome->number), "code", outcome->code, "field", outcome->field);
}

static int on_outcome(void *ctx, struct mr_outbox_txn *txn, const struct mr_outcome *outcome)
{
    struct mr_web *web = ctx;

    if (mr_slice_equal(outcome->ref, mr_slice_str(MR_POST_REF))) {
        log_outcome(outcome);
        return 0;
    }
    return web->options.on_outcome ? web->options.on_outcome(web->options.ctx, txn, outcome) : 0;
}

static void on_outcomes_committed(void *ctx)
{
    struct mr_web *web = ctx;

    if (web->options.on_outcomes_committed)
        web->options.on_outcomes_committed(web->options.ctx);
}

/* ---- opening ---- */

static int read_token(struct mr_web *web, struct mr_error *reterr)
{
    struct mr_buf text = MR_BUF_INIT;
    size_t size;
    int r;

    if (!web->options.token_file)
        return 0;
    r = mr_file_read(web->options.token_file, TOKEN_BYTES_MAX, &text);
    size = text.size;
    while (size > 0 && strchr(" \r\n\t", text.data[size - 1]))
        size--;
    if (r == 0 && size < TOKEN_BYTES_MIN)
        r = MR_EINVAL;
    if (r == 0) {
        web->token = strndup((const char *)text.data, size);
        r = web->token ? 0 : MR_ENOMEM;
    }
    mr_buf_wipe(&text);
    if (r < 0)
        return mr_error_set(reterr, MR_ECONFIG, web->options.token_file,
                "put one line of at least 16 characters there, readable by the adapter only",
                "no usable token: %s", mr_err_text(r));
    return 0;
}

static int on_erasure(
        void *ctx, struct mr_outbox_txn *txn, const Nms__Event__V1__HubErasureNotice *notice, uint32_t *files)
{
    struct mr_web *web = ctx;

    return web->options.on_erasure ? web->options.on_erasure(web->options.ctx, txn, notice, files) : 0;
}

static int open_adapter(struct mr_web *web, struct mr_error *reterr)
{
    struct mr_adapter_options options = {
            .loop = web->options.loop,
            .config = web->options.config,
            .link = web->options.link,
            .software = web->options.software,
            .callbacks = {.on_event = on_event,
                    .on_outcome = on_outcome,
                    .on_outcomes_committed = on_outcomes_committed,
                    .on_erasure = on_erasure},
            .ctx = web,
    };

    return mr_adapter_open(&web->adapter, &options, reterr);
}

static int open_client(struct mr_web *web)
{
    struct mr_push_options options = {.url = web->options.push_url, .finish = finish, .ctx = web};
    int r = mr_http_client_open(&web->client, web->options.loop);

    if (r < 0 || !web->options.push_url)
        return r;
    options.client = web->client;
    return mr_push_new(&web->push, &options);
}

/* Last: requests may come at once. */
static int open_server(struct mr_web *web, struct mr_error *reterr)
{
    struct mr_http_server_options options = {.loop = web->options.loop,
            .listen = web->options.listen,
            .bearer_token = web->token,
            .on_request = web->options.on_request,
            .ctx = web->options.ctx};
    int r;

    if (!web->options.listen)
        return 0;
    r = mr_http_server_open(&web->server, &options, reterr);
    if (r == 0)
        mr_info("http.listening", "port", MR_N(mr_http_server_port(web->server)));
    return r;
}

int mr_web_open(struct mr_web *web, const struct mr_web_options *options, void (*on_failed)(void *ctx),
        struct mr_error *reterr)
{
    int r;

    *web = (struct mr_web){.options = *options};
    (void)uv_idle_init(options->loop, &web->closer);
    web->closer.data = web;
    r = read_token(web, reterr);
    if (r == 0)
        r = open_client(web);
    if (r == 0)
        r = open_adapter(web, reterr);
    if (r == 0)
        r = open_server(web, reterr);
    if (r < 0)
        mr_web_close(web, on_failed, options->ctx);
    return r;
}

/* ---- closing: no new requests, then no replies, then the link ---- */

static void on_closer_closed(uv_handle_t *handle)
{
    struct mr_web *web = handle->data;

    web->on_closed(web->closed_ctx);
}

static void on_adapter_closed(void *ctx)
{
    struct mr_web *web = ctx;

    if (web->token)
        sodium_memzero(web->token, strlen(web->token));
    free(web->token);
    web->token = NULL;
    uv_close((uv_handle_t *)&web->closer, on_closer_closed);
}

static void on_client_closed(void *ctx)
{
    struct mr_web *web = ctx;

    mr_push_free(web->push);
    web->push = NULL;
    if (web->adapter)
        mr_adapter_close(web->adapter, on_adapter_closed, web);
    else
        on_adapter_closed(web);
}

static void on_server_closed(void *ctx)
{
    struct mr_web *web = ctx;

    if (web->client)
        mr_http_client_close(web->client, on_client_closed, web);
    else
        on_client_closed(web);
}

void mr_web_close(struct mr_web *web, void (*on_closed)(void *ctx), void *ctx)
{
    web->on_closed = on_closed;
    web->closed_ctx = ctx;
    if (web->server)
        mr_http_server_close(web->server, on_server_closed, web);
    else
        on_server_closed(web);
}
