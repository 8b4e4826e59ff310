/*
 * libcurl's multi interface on a libuv loop. Its traps: curl_multi_socket_action() never from inside of its
 * own timer callback (a delay of 0 becomes 1 ms), sockets are watched as curl says and never closed by us,
 * and finished transfers are read after each action. Replies are given from a list, so that a callback may
 * send or close.
 */
#include "adapters/sdk/http.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/list.h"

enum { REPLY_BYTES_MAX = 4 * 1024 * 1024, CONNECT_TIMEOUT_MS_MAX = 5000, HOST_CONNECTIONS_MAX = 16 };

struct mr_http_client {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer;
    struct mr_list transfers;
    struct mr_list finished;
    bool closing;
    bool in_reply;
    int open_handles;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

struct transfer {
    struct mr_list member;
    CURL *easy;
    struct curl_slist *headers;
    struct mr_buf body;
    bool too_big;
    CURLcode result;
    mr_http_reply_fn done;
    void *ctx;
};

/* One watched socket; lives until uv has closed its handle. */
struct watch {
    uv_poll_t poll;
    struct mr_http_client *client;
    curl_socket_t fd;
};

static void transfer_free(struct mr_http_client *client, struct transfer *transfer)
{
    mr_list_remove(&transfer->member);
    if (transfer->easy) {
        (void)curl_multi_remove_handle(client->multi, transfer->easy);
        curl_easy_cleanup(transfer->easy);
    }
    curl_slist_free_all(transfer->headers);
    mr_buf_wipe(&transfer->body);
    free(transfer);
}

/* ---- replies ---- */

static int error_of(const struct transfer *transfer)
{
    static const struct {
        CURLcode from;
        int to;
    } map[] = {
            {CURLE_OK, 0},
            {CURLE_OPERATION_TIMEDOUT, MR_ETIMEOUT},
            {CURLE_OUT_OF_MEMORY, MR_ENOMEM},
            {CURLE_UNSUPPORTED_PROTOCOL, MR_EINVAL},
            {CURLE_URL_MALFORMAT, MR_EINVAL},
            {CURLE_PEER_FAILED_VERIFICATION, MR_EDENIED},
    };

    if (transfer->too_big)
        return MR_ETOOBIG;
    for (size_t i = 0; i < MR_COUNT(map); i++)
        if (map[i].from == transfer->result)
            return map[i].to;
    return MR_ECLOSED;
}

const char *mr_http_reply_header(const struct mr_http_reply *reply, const char *name)
{
    const struct transfer *transfer = reply->transfer;
    struct curl_header *header;

    if (!transfer || curl_easy_header(transfer->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    return header->value;
}

static void reply(struct transfer *transfer)
{
    struct mr_http_reply reply = {.error = error_of(transfer), .transfer = transfer};
    long status = 0;

    if (reply.error == 0 && mr_buf_failed(&transfer->body))
        reply.error = MR_ENOMEM;
    if (reply.error == 0) {
        (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
        reply.status = (unsigned)status;
        reply.body = mr_buf_slice(&transfer->body);
    }
    transfer->done(transfer->ctx, &reply);
}

static void finish_close(struct mr_http_client *client);

static void take_finished(struct mr_http_client *client)
{
    struct mr_list *member;
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(client->multi, &left))) {
        struct transfer *transfer = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        transfer->result = message->data.result;
        mr_list_remove(&transfer->member);
        mr_list_push_back(&client->finished, &transfer->member);
    }
    if (client->in_reply)
        return;
    client->in_reply = true;
    while (!client->closing && (member = mr_list_pop_front(&client->finished))) {
        struct transfer *transfer = MR_CONTAINER(member, struct transfer, member);

        reply(transfer);
        transfer_free(client, transfer);
    }
    client->in_reply = false;
    if (client->closing)
        finish_close(client);
}

/* ---- the loop ---- */

static void act(struct mr_http_client *client, curl_socket_t fd, int flags)
{
    int running;

    (void)curl_multi_socket_action(client->multi, fd, flags, &running);
    take_finished(client);
}

static void on_timer(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    struct mr_http_client *client = ctx;

    (void)multi;
    if (timeout_ms < 0)
        (void)uv_timer_stop(&client->timer);
    else
        (void)uv_timer_start(&client->timer, on_timer, timeout_ms > 0 ? (uint64_t)timeout_ms : 1, 0);
    return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = MR_CONTAINER(poll, struct watch, poll);
    int flags = (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);

    act(watch->client, watch->fd, status < 0 ? CURL_CSELECT_ERR : flags);
}

static void handle_closed(struct mr_http_client *client)
{
    void (*on_closed)(void *ctx) = client->on_closed;
    void *ctx = client->closed_ctx;

    if (--client->open_handles > 0)
        return;
    free(client);
    if (on_closed)
        on_closed(ctx);
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct watch *watch = MR_CONTAINER(handle, struct watch, poll);

    handle_closed(watch->client);
    free(watch);
}

static void on_timer_closed(uv_handle_t *handle)
{
    handle_closed(handle->data);
}

static struct watch *watch_new(struct mr_http_client *client, curl_socket_t fd)
{
    struct watch *watch = calloc(1, sizeof *watch);

    if (!watch || uv_poll_init_socket(client->loop, &watch->poll, fd) != 0) {
        free(watch);
        return NULL;
    }
    watch->client = client;
    watch->fd = fd;
    client->open_handles++;
    (void)curl_multi_assign(client->multi, fd, watch);
    return watch;
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct watch *watch = socket_ctx;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch) {
            (void)curl_multi_assign(((struct mr_http_client *)ctx)->multi, fd, NULL);
            (void)uv_poll_stop(&watch->poll);
            uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
        }
        return 0;
    }
    if (!watch && !(watch = watch_new(ctx, fd)))
        return -1;
    (void)uv_poll_start(&watch->poll,
            (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0), on_poll);
    return 0;
}

/* ---- sending ---- */

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct transfer *transfer = ctx;

    if (size * count > REPLY_BYTES_MAX - transfer->body.size) {
        transfer->too_big = true;
        return 0;
    }
    mr_buf_put(&transfer->body, data, size * count);
    return size * count;
}

static bool set_headers(struct transfer *transfer, const char *const *headers)
{
    for (; headers && *headers; headers++) {
        struct curl_slist *longer = curl_slist_append(transfer->headers, *headers);

        if (!longer)
            return false;
        transfer->headers = longer;
    }
    /* No "Expect: 100-continue": a second's wait for systems that do not know it. */
    struct curl_slist *longer = curl_slist_append(transfer->headers, "Expect:");

    if (longer)
        transfer->headers = longer;
    return longer != NULL;
}

static bool set_options(struct transfer *transfer, const char *method, const char *url, struct mr_slice body,
        uint32_t timeout_ms)
{
    CURL *e = transfer->easy;
    long connect_ms = timeout_ms < CONNECT_TIMEOUT_MS_MAX ? (long)timeout_ms : CONNECT_TIMEOUT_MS_MAX;
    bool ok = curl_easy_setopt(e, CURLOPT_URL, url) == CURLE_OK &&
              curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
              curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK &&
              curl_easy_setopt(e, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK;

    if (ok && body.data)
        ok = curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size) == CURLE_OK &&
             curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, body.data) == CURLE_OK;
    (void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(e, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    (void)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    (void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(e, CURLOPT_WRITEDATA, transfer);
    (void)curl_easy_setopt(e, CURLOPT_PRIVATE, transfer);
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
    struct transfer *transfer;

    if (client->closing)
        return MR_ECLOSED;
    if (!url_ok(url))
        return MR_EINVAL;
    transfer = calloc(1, sizeof *transfer);
    if (!transfer)
        return MR_ENOMEM;
    mr_list_init(&transfer->member);
    transfer->done = done;
    transfer->ctx = ctx;
    transfer->easy = curl_easy_init();
    if (!transfer->easy || !set_headers(transfer, headers) ||
            !set_options(transfer, method, url, body, timeout_ms)) {
        transfer_free(client, transfer);
        return MR_ENOMEM;
    }
    mr_list_push_back(&client->transfers, &transfer->member);
    if (curl_multi_add_handle(client->multi, transfer->easy) != CURLM_OK) {
        transfer_free(client, transfer);
        return MR_ENOMEM;
    }
    return 0;
}

/* ---- life ---- */

int mr_http_client_open(struct mr_http_client **ret, uv_loop_t *loop)
{
    struct mr_http_client *client = calloc(1, sizeof *client);

    if (!client)
        return MR_ENOMEM;
    client->loop = loop;
    mr_list_init(&client->transfers);
    mr_list_init(&client->finished);
    client->multi = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_multi_init() : NULL;
    if (!client->multi) {
        free(client);
        return MR_ENOMEM;
    }
    (void)uv_timer_init(loop, &client->timer);
    client->timer.data = client;
    client->open_handles = 1;
    (void)curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    (void)curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    (void)curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    (void)curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    (void)curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)HOST_CONNECTIONS_MAX);
    *ret = client;
    return 0;
}

static void free_all(struct mr_http_client *client, struct mr_list *list)
{
    while (!mr_list_empty(list))
        transfer_free(client, MR_CONTAINER(list->next, struct transfer, member));
}

/* curl closes its kept connections here and takes back their watches, so the callbacks must still work. */
static void finish_close(struct mr_http_client *client)
{
    if (!client->multi)
        return;
    free_all(client, &client->transfers);
    free_all(client, &client->finished);
    (void)curl_multi_cleanup(client->multi);
    client->multi = NULL;
    (void)uv_timer_stop(&client->timer);
    uv_close((uv_handle_t *)&client->timer, on_timer_closed);
}

void mr_http_client_close(struct mr_http_client *client, void (*on_closed)(void *ctx), void *ctx)
{
    if (client->closing)
        return;
    client->closing = true;
    client->on_closed = on_closed;
    client->closed_ctx = ctx;
    if (!client->in_reply)
        finish_close(client);
}
