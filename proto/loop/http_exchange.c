/* One request and its answer: what is asked of libmicrohttpd about it, and how it is answered. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/loop/http_internal.h"

void mr_http_exchange_free(struct mr_http_exchange *exchange)
{
    for (int i = 0; i < exchange->headers_count; i++) {
        free(exchange->headers[i].name);
        free(exchange->headers[i].value);
    }
    if (exchange->response)
        MHD_destroy_response(exchange->response);
    if (exchange->pack)
        mr_http_pack_forget(exchange->pack);
    mr_list_remove(&exchange->member);
    mr_buf_wipe(&exchange->body);
    free(exchange);
}

const char *mr_http_header(const struct mr_http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->exchange->mhd, MHD_HEADER_KIND, name);
}

const char *mr_http_query(const struct mr_http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->exchange->mhd, MHD_GET_ARGUMENT_KIND, name);
}

const char *mr_http_cookie(const struct mr_http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->exchange->mhd, MHD_COOKIE_KIND, name);
}

struct each_query {
    int (*fn)(void *ctx, const char *name, const char *value);
    void *ctx;
    int result;
};

static enum MHD_Result on_query(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct each_query *each = cls;

    (void)kind;
    each->result = each->fn(each->ctx, name, value ? value : "");
    return each->result == 0 ? MHD_YES : MHD_NO;
}

int mr_http_each_query(const struct mr_http_request *request,
        int (*fn)(void *ctx, const char *name, const char *value), void *ctx)
{
    struct each_query each = {fn, ctx, 0};

    (void)MHD_get_connection_values(request->exchange->mhd, MHD_GET_ARGUMENT_KIND, on_query, &each);
    return each.result;
}

void mr_http_answer_header(struct mr_http_exchange *exchange, const char *name, const char *value)
{
    int at = exchange->headers_count;

    assert(!exchange->response && at < MR_HTTP_ANSWER_HEADERS_MAX);
    exchange->headers[at].name = strdup(name);
    exchange->headers[at].value = strdup(value);
    exchange->headers_count++;
}

static void add_headers(const struct mr_http_exchange *exchange, struct MHD_Response *response)
{
    bool cached = false;

    for (int i = 0; i < exchange->headers_count; i++) {
        const char *name = exchange->headers[i].name, *value = exchange->headers[i].value;

        if (!name || !value)
            continue;
        cached |= strcasecmp(name, MHD_HTTP_HEADER_CACHE_CONTROL) == 0;
        (void)MHD_add_response_header(response, name, value);
    }
    if (!cached)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
}

void mr_http_answer(
        struct mr_http_exchange *exchange, unsigned status, const char *content_type, struct mr_slice body)
{
    struct MHD_Response *response;

    assert(!exchange->response);
    response =
            MHD_create_response_from_buffer(body.size, (void *)(uintptr_t)body.data, MHD_RESPMEM_MUST_COPY);
    if (!response) /* out of memory: an empty answer needs next to nothing */
        response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    assert(response);
    mr_http_answer_with(exchange, status, content_type, response);
}

void mr_http_answer_with(struct mr_http_exchange *exchange, unsigned status, const char *content_type,
        struct MHD_Response *response)
{
    (void)MHD_add_response_header(
            response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type ? content_type : "application/json");
    add_headers(exchange, response);
    exchange->response = response;
    exchange->status = status;
    if (exchange->suspended) {
        exchange->suspended = false;
        MHD_resume_connection(exchange->mhd);
        mr_http_server_wake(exchange->server);
    }
}
