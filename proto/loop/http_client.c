#include "proto/loop/http_client.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "proto/loop/transfers.h"

enum { REPLY_BYTES_MAX = 4 * 1024 * 1024 };

struct mr_http_client {
    struct mr_transfers *transfers;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

struct request {
    struct mr_transfer transfer;
    struct curl_slist *headers;
    struct mr_buf body; /* of the reply */
    bool too_big;
    mr_http_reply_fn done;
    void *ctx;
};

static void request_free(struct mr_transfer *transfer)
{
    struct request *request = MR_CONTAINER(transfer, struct request, transfer);

    curl_slist_free_all(request->headers);
    mr_buf_wipe(&request->body);
    free(request);
}

/* ---- replies ---- */

const char *mr_http_reply_header(const struct mr_http_reply *reply, const char *name)
{
    const struct request *request = reply->transfer;
    struct curl_header *header;

    if (!request || curl_easy_header(request->transfer.easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    return header->value;
}

static void on_done(struct mr_transfer *transfer)
{
    struct request *request = MR_CONTAINER(transfer, struct request, transfer);
    struct mr_http_reply reply = {
            .error = request->too_big ? MR_ETOOBIG : transfer->error, .transfer = request};
    long status = 0;

    if (reply.error == 0 && mr_buf_failed(&request->body))
        reply.error = MR_ENOMEM;
    if (reply.error == 0) {
        (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
        reply.status = (unsigned)status;
        reply.body = mr_buf_slice(&request->body);
    }
    request->done(request->ctx, &reply);
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct request *request = ctx;

    if (size * count > REPLY_BYTES_MAX - request->body.size) {
        request->too_big = true;
        return 0;
    }
    mr_buf_put(&request->body, data, size * count);
    return size * count;
}

/* ---- sending ---- */

static bool set_headers(struct request *request, const char *const *headers)
{
    for (; headers && *headers; headers++) {
        struct curl_slist *longer = curl_slist_append(request->headers, *headers);

        if (!longer)
            return false;
        request->headers = longer;
    }
    /* No "Expect: 100-continue": a second's wait for systems that do not know it. */
    struct curl_slist *longer = curl_slist_append(request->headers, "Expect:");

    if (longer)
        request->headers = longer;
    return longer != NULL;
}

static bool set_options(struct request *request, const char *method, struct mr_slice body)
{
    CURL *e = request->transfer.easy;
    bool ok = curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK &&
              curl_easy_setopt(e, CURLOPT_HTTPHEADER, request->headers) == CURLE_OK;

    if (ok && body.data)
        ok = curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size) == CURLE_OK &&
             curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, body.data) == CURLE_OK;
    (void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(e, CURLOPT_WRITEDATA, request);
    return ok;
}

static bool url_ok(const char *url)
{
    return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

int mr_http_client_send(struct mr_http_client *client, const char *method, const char *url,
        const char *const *headers, struct mr_slice body, uint32_t timeout_ms, mr_http_reply_fn done,
        void *ctx)
{
    struct request *request;

    if (mr_transfers_closing(client->transfers))
        return MR_ECLOSED;
    if (!url_ok(url))
        return MR_EINVAL;
    request = calloc(1, sizeof *request);
    if (!request)
        return MR_ENOMEM;
    request->done = done;
    request->ctx = ctx;
    request->transfer.done = on_done;
    request->transfer.free = request_free;
    if (mr_transfer_init(&request->transfer, url, "http,https", timeout_ms) == 0 &&
            set_headers(request, headers) && set_options(request, method, body) &&
            mr_transfers_add(client->transfers, &request->transfer) == 0)
        return 0;
    mr_transfer_fini(&request->transfer);
    request_free(&request->transfer);
    return MR_ENOMEM;
}

/* ---- life ---- */

int mr_http_client_open(struct mr_http_client **ret, uv_loop_t *loop)
{
    struct mr_http_client *client = calloc(1, sizeof *client);
    int r = client ? mr_transfers_open(&client->transfers, loop) : MR_ENOMEM;

    if (r < 0) {
        free(client);
        return r;
    }
    *ret = client;
    return 0;
}

static void on_transfers_closed(void *ctx)
{
    struct mr_http_client *client = ctx;
    void (*on_closed)(void *ctx) = client->on_closed;
    void *closed_ctx = client->closed_ctx;

    free(client);
    if (on_closed)
        on_closed(closed_ctx);
}

void mr_http_client_close(struct mr_http_client *client, void (*on_closed)(void *ctx), void *ctx)
{
    if (mr_transfers_closing(client->transfers))
        return;
    client->on_closed = on_closed;
    client->closed_ctx = ctx;
    mr_transfers_close(client->transfers, on_transfers_closed, client);
}
