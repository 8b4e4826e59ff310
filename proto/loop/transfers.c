/*
 * Traps of libcurl: curl_multi_socket_action() never from inside of its own timer callback (a delay of 0
 * becomes 1 ms), sockets are watched as curl says and never closed by us, and finished transfers are read
 * after each action. They are told from a list, so that a callback may add or close.
 */
#include "proto/loop/transfers.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "proto/base/err.h"

enum { CONNECT_TIMEOUT_MS_MAX = 5000, HOST_CONNECTIONS_MAX = 16 };

struct mr_transfers {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer;
    struct mr_list running;
    struct mr_list finished;
    bool closing;
    bool in_done;
    int open_handles;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* One watched socket; lives until uv has closed its handle. */
struct watch {
    uv_poll_t poll;
    struct mr_transfers *transfers;
    curl_socket_t fd;
};

/* ---- what has ended ---- */

static int error_of(CURLcode result)
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
            {CURLE_LOGIN_DENIED, MR_EDENIED},
    };

    for (size_t i = 0; i < MR_COUNT(map); i++)
        if (map[i].from == result)
            return map[i].to;
    return MR_ECLOSED;
}

static void let_go(struct mr_transfers *transfers, struct mr_transfer *transfer)
{
    mr_list_remove(&transfer->member);
    (void)curl_multi_remove_handle(transfers->multi, transfer->easy);
    mr_transfer_fini(transfer);
    transfer->free(transfer);
}

static void finish_close(struct mr_transfers *transfers);

static void take_finished(struct mr_transfers *transfers)
{
    struct mr_list *member;
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(transfers->multi, &left))) {
        struct mr_transfer *transfer = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        transfer->error = error_of(message->data.result);
        mr_list_remove(&transfer->member);
        mr_list_push_back(&transfers->finished, &transfer->member);
    }
    if (transfers->in_done)
        return;
    transfers->in_done = true;
    while (!transfers->closing && (member = mr_list_pop_front(&transfers->finished))) {
        struct mr_transfer *transfer = MR_CONTAINER(member, struct mr_transfer, member);

        transfer->done(transfer);
        let_go(transfers, transfer);
    }
    transfers->in_done = false;
    if (transfers->closing)
        finish_close(transfers);
}

/* ---- the loop ---- */

static void act(struct mr_transfers *transfers, curl_socket_t fd, int flags)
{
    int running;

    (void)curl_multi_socket_action(transfers->multi, fd, flags, &running);
    take_finished(transfers);
}

static void on_timer(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    struct mr_transfers *transfers = ctx;

    (void)multi;
    if (timeout_ms < 0)
        (void)uv_timer_stop(&transfers->timer);
    else
        (void)uv_timer_start(&transfers->timer, on_timer, timeout_ms > 0 ? (uint64_t)timeout_ms : 1, 0);
    return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = MR_CONTAINER(poll, struct watch, poll);
    int flags = (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);

    act(watch->transfers, watch->fd, status < 0 ? CURL_CSELECT_ERR : flags);
}

static void handle_closed(struct mr_transfers *transfers)
{
    void (*on_closed)(void *ctx) = transfers->on_closed;
    void *ctx = transfers->closed_ctx;

    if (--transfers->open_handles > 0)
        return;
    free(transfers);
    if (on_closed)
        on_closed(ctx);
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct watch *watch = MR_CONTAINER(handle, struct watch, poll);

    handle_closed(watch->transfers);
    free(watch);
}

static void on_timer_closed(uv_handle_t *handle)
{
    handle_closed(handle->data);
}

static struct watch *watch_new(struct mr_transfers *transfers, curl_socket_t fd)
{
    struct watch *watch = calloc(1, sizeof *watch);

    if (!watch || uv_poll_init_socket(transfers->loop, &watch->poll, fd) != 0) {
        free(watch);
        return NULL;
    }
    watch->transfers = transfers;
    watch->fd = fd;
    transfers->open_handles++;
    (void)curl_multi_assign(transfers->multi, fd, watch);
    return watch;
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct watch *watch = socket_ctx;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch) {
            (void)curl_multi_assign(((struct mr_transfers *)ctx)->multi, fd, NULL);
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

/* ---- one transfer ---- */

int mr_transfer_init(
        struct mr_transfer *transfer, const char *url, const char *protocols, uint32_t timeout_ms)
{
    CURL *e = curl_easy_init();
    long connect_ms = timeout_ms < CONNECT_TIMEOUT_MS_MAX ? (long)timeout_ms : CONNECT_TIMEOUT_MS_MAX;

    mr_list_init(&transfer->member);
    transfer->easy = e;
    if (!e || curl_easy_setopt(e, CURLOPT_URL, url) != CURLE_OK ||
            curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, protocols) != CURLE_OK) {
        mr_transfer_fini(transfer);
        return MR_ENOMEM;
    }
    (void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(e, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    (void)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    /* A look-up of a name that hangs is left behind: closing would wait for its thread, and the loop with it.
     */
    (void)curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    (void)curl_easy_setopt(e, CURLOPT_PRIVATE, transfer);
    return 0;
}

void mr_transfer_fini(struct mr_transfer *transfer)
{
    if (transfer->easy)
        curl_easy_cleanup(transfer->easy);
    transfer->easy = NULL;
}

int mr_transfers_add(struct mr_transfers *transfers, struct mr_transfer *transfer)
{
    mr_list_push_back(&transfers->running, &transfer->member);
    if (curl_multi_add_handle(transfers->multi, transfer->easy) == CURLM_OK)
        return 0;
    mr_list_remove(&transfer->member);
    return MR_ENOMEM;
}

/* ---- life ---- */

int mr_transfers_open(struct mr_transfers **ret, uv_loop_t *loop)
{
    struct mr_transfers *transfers = calloc(1, sizeof *transfers);

    if (!transfers)
        return MR_ENOMEM;
    transfers->loop = loop;
    mr_list_init(&transfers->running);
    mr_list_init(&transfers->finished);
    transfers->multi = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_multi_init() : NULL;
    if (!transfers->multi) {
        free(transfers);
        return MR_ENOMEM;
    }
    (void)uv_timer_init(loop, &transfers->timer);
    transfers->timer.data = transfers;
    transfers->open_handles = 1;
    (void)curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    (void)curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETDATA, transfers);
    (void)curl_multi_setopt(transfers->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    (void)curl_multi_setopt(transfers->multi, CURLMOPT_TIMERDATA, transfers);
    (void)curl_multi_setopt(transfers->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)HOST_CONNECTIONS_MAX);
    *ret = transfers;
    return 0;
}

static void free_all(struct mr_transfers *transfers, struct mr_list *list)
{
    while (!mr_list_empty(list))
        let_go(transfers, MR_CONTAINER(list->next, struct mr_transfer, member));
}

/* curl closes its kept connections here and takes back their watches, so the callbacks must still work. */
static void finish_close(struct mr_transfers *transfers)
{
    if (!transfers->multi)
        return;
    free_all(transfers, &transfers->running);
    free_all(transfers, &transfers->finished);
    (void)curl_multi_cleanup(transfers->multi);
    transfers->multi = NULL;
    (void)uv_timer_stop(&transfers->timer);
    uv_close((uv_handle_t *)&transfers->timer, on_timer_closed);
}

void mr_transfers_close(struct mr_transfers *transfers, void (*on_closed)(void *ctx), void *ctx)
{
    if (transfers->closing)
        return;
    transfers->closing = true;
    transfers->on_closed = on_closed;
    transfers->closed_ctx = ctx;
    if (!transfers->in_done)
        finish_close(transfers);
}

bool mr_transfers_closing(const struct mr_transfers *transfers)
{
    return transfers->closing;
}
