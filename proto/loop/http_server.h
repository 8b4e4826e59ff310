/*
 * A small HTTP server on libmicrohttpd (external epoll in the loop), for hub and adapters. Limits: body,
 * header and connection counts, and a deadline of our own for slow senders. Loop thread only.
 */
#ifndef MR_LOOP_HTTP_SERVER_H
#define MR_LOOP_HTTP_SERVER_H

#include <stdint.h>
#include <uv.h>

#include "proto/base/buf.h"
#include "proto/base/err.h"
#include "proto/base/slice.h"
#include "proto/loop/http_forwarded.h"

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
const char *mr_http_cookie(const struct mr_http_request *request, const char *name);
/* Calls fn for each parameter of the query until it returns non-zero, which is returned; value: "" without
 * one. */
int mr_http_each_query(const struct mr_http_request *request,
        int (*fn)(void *ctx, const char *name, const char *value), void *ctx);
/* Whom it comes from, for limits: the peer's address, or behind trusted proxies the one that they have seen;
 * of IPv6 its net of 64 bits. */
enum { MR_HTTP_PEER_MAX = 64 };
void mr_http_peer(const struct mr_http_request *request, char ret[static MR_HTTP_PEER_MAX]);

/*
 * Answers later or now, exactly once; after mr_http_server_close() not at all. body is copied. content_type
 * NULL: application/json.
 */
void mr_http_answer(
        struct mr_http_exchange *exchange, unsigned status, const char *content_type, struct mr_slice body);
/*
 * The same with gzip, for who takes it (the caller has looked, and says Vary). Only what has no secret in it
 * beside text of somebody else: its size tells (BREACH).
 */
void mr_http_answer_packed(
        struct mr_http_exchange *exchange, unsigned status, const char *content_type, struct mr_slice body);
/* Extra response header, before the answer; at most MR_HTTP_ANSWER_HEADERS_MAX. Without a Cache-Control the
 * answer has "no-store". */
enum { MR_HTTP_ANSWER_HEADERS_MAX = 12 };
void mr_http_answer_header(struct mr_http_exchange *exchange, const char *name, const char *value);

struct mr_http_server_options {
    uv_loop_t *loop;
    const char *listen;                   /* "127.0.0.1:7411"; port 0 picks one */
    size_t body_bytes_max;                /* default 1 MiB; more is answered 413 */
    uint32_t connections_max;             /* default 256 */
    uint32_t connections_per_address_max; /* more are closed at once, but those of proxies; 0: no limit */
    struct mr_http_proxies proxies;       /* the nets are the caller's until closed */
    uint32_t request_deadline_ms;         /* from connect to the whole request; default 10000 */
    const char *bearer_token;             /* NULL: none asked; else 401 without it (constant-time compare) */
    const char *tls_certificate; /* PEM, with tls_key; NULL: plain HTTP. Kept by the caller until closed */
    const char *tls_key;
    void (*on_request)(void *ctx, const struct mr_http_request *request);
    /* Answers what is refused by its head or its size; code: of proto/base/err.h. NULL: a JSON object. */
    void (*refuse)(struct mr_http_exchange *exchange, unsigned status, int code, const char *where,
            const char *what, const char *cure);
    void *ctx;
};
int mr_http_server_open(
        struct mr_http_server **ret, const struct mr_http_server_options *options, struct mr_error *reterr);
uint16_t mr_http_server_port(const struct mr_http_server *server);
void mr_http_server_close(struct mr_http_server *server, void (*on_closed)(void *ctx), void *ctx);

#endif
