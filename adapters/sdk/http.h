/*
 * HTTP for adapters: a small server on libmicrohttpd (external epoll in the loop) and a client on libcurl's
 * multi interface. Limits: body, header and connection counts, deadlines for slow senders. Loop thread only.
 */
#ifndef MR_SDK_HTTP_H
#define MR_SDK_HTTP_H

#include <stdint.h>
#include <uv.h>

#include "proto/base/buf.h"
#include "proto/base/err.h"
#include "proto/base/slice.h"

struct mr_http_server;
struct mr_http_exchange; /* one request waiting for its answer */

struct mr_http_request {
    const char *method;
    const char *path;     /* decoded, without query */
    struct mr_slice body; /* borrowed until answered */
    struct mr_http_exchange *exchange;
};
const char *mr_http_header(const struct mr_http_request *request, const char *name); /* NULL: absent */
const char *mr_http_query(const struct mr_http_request *request, const char *name);

/*
 * Answers later or now, exactly once; after mr_http_server_close() not at all. body is copied. content_type
 * NULL: application/json.
 */
void mr_http_answer(
        struct mr_http_exchange *exchange, unsigned status, const char *content_type, struct mr_slice body);
/* Extra response header, before the answer. */
void mr_http_answer_header(struct mr_http_exchange *exchange, const char *name, const char *value);

struct mr_http_server_options {
    uv_loop_t *loop;
    const char *listen;           /* "127.0.0.1:7411"; port 0 picks one */
    size_t body_bytes_max;        /* default 1 MiB; more is answered 413 */
    uint32_t connections_max;     /* default 256 */
    uint32_t request_deadline_ms; /* from connect to the whole request; default 10000 */
    const char *bearer_token;     /* NULL: none asked; else 401 without it (constant-time compare) */
    void (*on_request)(void *ctx, const struct mr_http_request *request);
    void *ctx;
};
int mr_http_server_open(
        struct mr_http_server **ret, const struct mr_http_server_options *options, struct mr_error *reterr);
uint16_t mr_http_server_port(const struct mr_http_server *server);
void mr_http_server_close(struct mr_http_server *server, void (*on_closed)(void *ctx), void *ctx);

struct mr_http_client;
struct mr_http_reply {
    int error; /* negative: nothing came back (MR_ETIMEOUT, MR_ECLOSED, MR_ETOOBIG ...) */
    unsigned status;
    struct mr_slice body; /* borrowed; at most 4 MiB */
    const void *transfer; /* for mr_http_reply_header() */
};
/* Last header of that name, without spaces around; NULL: absent. Valid until done() returns. */
const char *mr_http_reply_header(const struct mr_http_reply *reply, const char *name);
typedef void (*mr_http_reply_fn)(void *ctx, const struct mr_http_reply *reply);

int mr_http_client_open(struct mr_http_client **ret, uv_loop_t *loop);
/*
 * Only http and https, no redirects, no proxies. timeout_ms covers everything from the name's look-up to the
 * last byte. method with body.data NULL: no body. headers: "Name: value" strings ended by NULL (or NULL),
 * copied, as is the body. done exactly once, never from inside of this call, unless the client is closed
 * before. MR_ENOMEM, MR_EINVAL (url).
 */
int mr_http_client_send(struct mr_http_client *client, const char *method, const char *url,
        const char *const *headers, struct mr_slice body, uint32_t timeout_ms, mr_http_reply_fn done,
        void *ctx);
void mr_http_client_close(struct mr_http_client *client, void (*on_closed)(void *ctx), void *ctx);

#endif
