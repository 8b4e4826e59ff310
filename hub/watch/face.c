#include "hub/watch/face.h"

#include <stdlib.h>
#include <string.h>

#include "hub/watch/exposition.h"
#include "hub/http/console.h"
#include "hub/http/parts.h"
#include "hub/http/problem.h"
#include "hub/hub.h"
#include "hub/watch/metrics.h"
#include "proto/base/logfmt.h"
#include "proto/loop/http_route.h"

enum { BODY_BYTES_MAX = 1024 * 1024, CONNECTIONS_MAX = 256, CONNECTIONS_OF_ONE_MAX = 64, DEADLINE_MS = 5000 };

static void answer_text(const struct mr_http_request *request, const char *problem)
{
    const char *text = problem ? problem : "ok";
    struct mr_buf line = MR_BUF_INIT;

    mr_buf_printf(&line, "%s\n", text);
    mr_http_answer(request->exchange, problem ? 503 : 200, "text/plain; charset=utf-8", mr_buf_slice(&line));
    mr_buf_fini(&line);
}

static const char *not_alive(const struct mr_hub *hub)
{
    return mr_pulse_beats(&hub->pulse) ? NULL : "a commit hangs";
}

const char *mr_face_not_ready(const struct mr_hub *hub)
{
    if (hub->sessions.stopping)
        return "stopping";
    if (hub->publish.read_only)
        return "read-only: no space";
    return not_alive(hub);
}

/* That it is answered at all shows that the loop turns. */
static void get_health(void *ctx, const struct mr_http_request *request)
{
    answer_text(request, not_alive(((const struct mr_face *)ctx)->hub));
}

static void get_ready(void *ctx, const struct mr_http_request *request)
{
    answer_text(request, mr_face_not_ready(((const struct mr_face *)ctx)->hub));
}

static void get_metrics(void *ctx, const struct mr_http_request *request)
{
    struct mr_buf text = MR_BUF_INIT;

    mr_metrics_write(((struct mr_face *)ctx)->hub, &text);
    if (mr_buf_failed(&text))
        answer_text(request, "no memory");
    else
        mr_http_answer(request->exchange, 200, MR_EXPOSITION_TYPE, mr_buf_slice(&text));
    mr_buf_fini(&text);
}

static const struct mr_http_route routes[] = {
        {"GET", "/healthz", get_health},
        {"GET", "/metrics", get_metrics},
        {"GET", "/readyz", get_ready},
};

static void on_request(void *ctx, const struct mr_http_request *request)
{
    struct mr_face *face = ctx;

    if (mr_api_serves(request->path))
        mr_api_request(&face->api, request);
    else if (mr_console_serves(request->path))
        mr_console_request(request);
    else
        mr_http_dispatch(routes, MR_COUNT(routes), ctx, request);
}

static int read_tls(struct mr_face *face, struct mr_http_server_options *options, struct mr_error *reterr)
{
    const struct mr_config_tls *tls = face->hub->config->hub.http_tls;
    int r;

    if (!tls)
        return 0;
    r = mr_config_read_pem(tls->certificate, false, &face->certificate, reterr);
    if (r == 0)
        r = mr_config_read_pem(tls->key, true, &face->key, reterr);
    options->tls_certificate = (const char *)face->certificate.data;
    options->tls_key = (const char *)face->key.data;
    face->api.secure = true;
    return r;
}

static int read_proxies(struct mr_face *face, struct mr_http_server_options *options, struct mr_error *reterr)
{
    const struct mr_config_proxy *proxy = face->hub->config->hub.http_proxy;
    int r = 0;

    if (!proxy)
        return 0;
    face->proxies = calloc(proxy->addresses_count, sizeof *face->proxies);
    if (!face->proxies)
        return MR_ENOMEM;
    for (uint32_t i = 0; r == 0 && i < proxy->addresses_count; i++)
        r = mr_ip_net_parse(&face->proxies[i], proxy->addresses[i]);
    options->proxies = (struct mr_http_proxies){.nets = face->proxies,
            .count = proxy->addresses_count,
            .forwarded = proxy->header && strcmp(proxy->header, "Forwarded") == 0};
    return r < 0 ? mr_error_set(reterr, MR_ECONFIG, "hub.http_proxy.addresses", "write it as 10.0.0.0/8",
                           "no address and no net")
                 : 0;
}

int mr_face_open(struct mr_face *face, struct mr_hub *hub, struct mr_error *reterr)
{
    struct mr_http_server_options options = {.loop = &hub->loop,
            .listen = hub->config->hub.http_listen,
            .body_bytes_max = BODY_BYTES_MAX,
            .connections_max = CONNECTIONS_MAX,
            .connections_per_address_max = CONNECTIONS_OF_ONE_MAX,
            .request_deadline_ms = DEADLINE_MS,
            .on_request = on_request,
            .refuse = mr_problem_say,
            .ctx = face};
    int r;

    *face = (struct mr_face){.hub = hub};
    if (!options.listen)
        return 0;
    r = mr_api_open(&face->api, &hub->query, &hub->house, &hub->loop);
    if (r == 0)
        mr_pulls_open(&face->api, &hub->loop, &hub->sessions, &hub->deliver);
    if (r == 0)
        r = read_tls(face, &options, reterr);
    if (r == 0)
        r = read_proxies(face, &options, reterr);
    if (r == 0)
        r = mr_http_server_open(&face->server, &options, reterr);
    if (r == 0)
        mr_info("hub.http", "listen", options.listen, "port", MR_N(mr_http_server_port(face->server)), "tls",
                options.tls_key ? "yes" : "no");
    return r;
}

void mr_face_look(struct mr_face *face)
{
    const struct mr_hub *hub = face->hub;
    uint64_t head = mr_log_head(hub->house.log);

    face->looked_us = mr_clock_monotonic_us(hub->house.clock);
    if (face->signed_us == 0 || mr_checkpointer_size(hub->checkpointer) >= head)
        face->signed_us = face->looked_us;
    if (face->server && !face->greeted)
        mr_api_first_account(&face->api, mr_http_server_port(face->server));
    face->greeted = true;
}

int64_t mr_face_unsigned_us(const struct mr_face *face)
{
    return face->looked_us - face->signed_us;
}

void mr_face_close(struct mr_face *face)
{
    if (!face->server)
        return;
    mr_http_server_close(face->server, NULL, NULL);
    mr_api_detach(&face->api);
    face->server = NULL;
}

void mr_face_fini(struct mr_face *face)
{
    if (face->api.reader)
        mr_api_close(&face->api);
    free(face->proxies);
    mr_buf_fini(&face->certificate);
    mr_buf_wipe(&face->key);
}
