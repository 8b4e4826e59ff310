#include "adapters/portal/app.h"

#include <stdlib.h>

#include "adapters/portal/ce.h"
#include "adapters/portal/feed.h"
#include "adapters/sdk/post_outbox.h"
#include "adapters/sdk/program.h"
#include "adapters/sdk/web.h"
#include "proto/base/list.h"
#include "proto/loop/http_route.h"

struct portal {
    const struct mr_config_system *system;
    struct mr_web web;
    struct mr_feed *feed;
    struct mr_closing closing;
};

static const char *header(void *ctx, const char *name)
{
    return mr_http_header(ctx, name);
}

static void event_item(void *ctx, json_t *item, struct mr_post *post)
{
    mr_ce_item(((struct portal *)ctx)->system, item, post);
}

static void post_events(void *ctx, const struct mr_http_request *request)
{
    struct portal *portal = ctx;
    struct mr_error error = {0};
    json_t *body = mr_ce_read(header, (void *)(uintptr_t)request, request->body, &error);

    if (body)
        mr_post_json(portal->web.adapter, request, body, event_item, portal, mr_post_answer);
    else if (error.code == MR_EUNSUPPORTED)
        mr_http_answer_problem(request->exchange, 415, "unsupported", error.where, error.what, error.cure);
    else
        mr_http_answer_error(request->exchange, error.code ? error.code : MR_EMALFORMED, &error);
}

static void on_request(void *ctx, const struct mr_http_request *request)
{
    static const struct mr_http_route routes[] = {{"POST", "/api/events", post_events}};

    mr_http_dispatch(routes, MR_COUNT(routes), ctx, request);
}

static void portal_free(void *ctx)
{
    struct portal *portal = ctx;

    mr_feed_free(portal->feed);
    mr_program_app_closed(portal, portal->closing);
}

static void on_feed_closed(void *ctx)
{
    struct portal *portal = ctx;

    mr_web_close(&portal->web, portal_free, portal);
}

void mr_portal_close(void *app, void (*on_closed)(void *ctx), void *ctx)
{
    struct portal *portal = app;

    portal->closing = (struct mr_closing){on_closed, ctx};
    if (portal->feed)
        mr_feed_close(portal->feed, on_feed_closed, portal);
    else
        on_feed_closed(portal);
}

static int open_feed(struct portal *portal, const struct mr_config_portal *config)
{
    struct mr_feed_options options = {
            .loop = portal->web.options.loop,
            .adapter = portal->web.adapter,
            .client = portal->web.client,
            .system = portal->system,
            .url = config->poll_url,
            .interval_ms = config->poll_interval_ms,
    };

    return config->poll_url ? mr_feed_open(&portal->feed, &options) : 0;
}

int mr_portal_open(void **ret_app, uv_loop_t *loop, const struct mr_config *config, const char *software,
        struct mr_error *reterr)
{
    const struct mr_config_portal *own = config->adapters.portal;
    struct portal *portal;
    void *memory;
    int r = mr_program_app(&memory, sizeof *portal, own, "adapters.portal", reterr);

    if (r < 0)
        return r;
    portal = memory;
    portal->system = mr_config_system(config, own->link.system);
    r = mr_web_open(&portal->web,
            &(struct mr_web_options){.loop = loop,
                    .config = config,
                    .link = &own->link,
                    .software = software,
                    .listen = own->listen,
                    .token_file = own->token_file,
                    .push_url = own->push_url,
                    .on_request = on_request,
                    .ctx = portal},
            portal_free, reterr);
    if (r < 0)
        return r;
    r = open_feed(portal, own);
    if (r < 0) {
        mr_portal_close(portal, NULL, NULL);
        return mr_error_set(reterr, r, "adapters.portal.poll_url", NULL, "the feed does not start");
    }
    *ret_app = portal;
    return 0;
}
