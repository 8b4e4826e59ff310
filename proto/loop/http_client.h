/* An HTTP client on transfers.h. Loop thread only. */
#ifndef MR_LOOP_HTTP_CLIENT_H
#define MR_LOOP_HTTP_CLIENT_H

#include <stdint.h>
#include <uv.h>

#include "proto/base/buf.h"
#include "proto/base/err.h"
#include "proto/base/slice.h"

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
