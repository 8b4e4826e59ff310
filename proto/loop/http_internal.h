/* What http_server.c and http_exchange.c share: nobody else's. */
#ifndef MR_LOOP_HTTP_INTERNAL_H
#define MR_LOOP_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <stdbool.h>

#include "proto/base/list.h"
#include "proto/loop/http_server.h"
#include "proto/loop/http_stream.h"
#include "proto/loop/http_token.h"

enum { MR_HTTP_HEAD_BYTES_MAX = 32 * 1024 }; /* request line and headers */

struct mr_http_pack;

struct mr_http_server {
    struct mr_http_server_options options;
    struct MHD_Daemon *daemon;
    uint16_t port;
    uint8_t token[MR_HTTP_TOKEN_DIGEST_BYTES];
    uv_poll_t poll;
    uv_prepare_t prepare;
    uv_timer_t run_timer;
    uv_timer_t deadline_timer;
    struct mr_list deadlines;   /* struct connection, earliest first: all get the same span */
    struct mr_list connections; /* all of them */
    uint32_t connections_count;
    struct mr_list exchanges;
    bool in_run;
    bool run_soon;
    bool has_room; /* the last run ended connections: who waits at the door is let in by the next */
    bool closing;
    int open_handles;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

struct connection {
    struct mr_list member; /* of deadlines while one is set */
    uint64_t deadline_ms;
    int fd;
    struct mr_list all;  /* of server->connections */
    struct mr_ip ip;     /* mr_ip_one() of the peer's */
    bool odd_uri;        /* the address that is asked for now has a NUL or a blank */
    const char *uri_end; /* of that address as it was read, at its first NUL; only compared */
};

struct mr_http_exchange {
    struct mr_list member;
    struct mr_http_server *server;
    struct MHD_Connection *mhd;
    struct connection *connection;
    struct mr_buf body;
    const struct mr_http_odd *odd; /* with early_status: why the head is not taken */
    unsigned early_status;         /* decided by the headers alone; the body is thrown away */
    bool suspended;
    unsigned status;
    struct MHD_Response *response; /* not NULL: answered */
    struct mr_http_stream *stream; /* NULL: the answer is whole */
    struct mr_http_pack *pack;     /* not NULL: its answer is being packed */
    struct {
        char *name;
        char *value;
    } headers[MR_HTTP_ANSWER_HEADERS_MAX];
    int headers_count;
};

/* Why a head is refused, in words (http_screen.c). */
struct mr_http_odd {
    unsigned status;
    int code; /* of proto/base/err.h */
    const char *where, *what, *cure;
};
/* NULL: it is not. Static. */
const struct mr_http_odd *mr_http_screen(
        struct MHD_Connection *mhd, const struct connection *connection, const char *version);
void *mr_http_look_at_uri(void *cls, const char *uri, struct MHD_Connection *mhd);
/* http_door.c */
enum MHD_Result mr_http_may_enter(void *cls, const struct sockaddr *address, socklen_t size);
void mr_http_entered(
        struct mr_http_server *server, struct connection *connection, const struct sockaddr *address);
void mr_http_left(struct mr_http_server *server, struct connection *connection);
void mr_http_pack_forget(struct mr_http_pack *pack);     /* its exchange is gone */
void mr_http_server_wake(struct mr_http_server *server); /* what was resumed goes on */
/* Answers with a response that is made: takes it. */
void mr_http_answer_with(struct mr_http_exchange *exchange, unsigned status, const char *content_type,
        struct MHD_Response *response);
void mr_http_stream_closed(struct mr_http_stream *stream); /* frees it */
void mr_http_exchange_free(struct mr_http_exchange *exchange);

#endif
