/*
 * Answers with gzip. What is small is packed at once, what is larger on a thread of libuv's pool while the
 * connection is suspended: the loop has other things to do.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "proto/loop/http_internal.h"

enum { AT_ONCE_BYTES = 64 * 1024, GZIP_WINDOW = 15 + 16, LEVEL = 1, MEMORY = 8 };

struct mr_http_pack {
    uv_work_t work;
    struct mr_http_exchange *exchange; /* NULL: it is gone */
    unsigned status;
    char *content_type;
    struct mr_buf whole, packed;
    bool done;
};

static bool pack(struct mr_slice whole, struct mr_buf *ret)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)whole.data, .avail_in = (uInt)whole.size};
    bool done = false;
    uint8_t *at;

    if (deflateInit2(&z, LEVEL, Z_DEFLATED, GZIP_WINDOW, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    z.avail_out = (uInt)deflateBound(&z, whole.size);
    at = mr_buf_reserve(ret, z.avail_out);
    if (at) {
        z.next_out = at;
        done = deflate(&z, Z_FINISH) == Z_STREAM_END;
        ret->size += z.total_out;
    }
    (void)deflateEnd(&z);
    return done;
}

static void answer(struct mr_http_exchange *exchange, unsigned status, const char *content_type,
        struct mr_slice whole, const struct mr_buf *packed)
{
    if (packed)
        mr_http_answer_header(exchange, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
    mr_http_answer(exchange, status, content_type, packed ? mr_buf_slice(packed) : whole);
}

static void free_pack(struct mr_http_pack *pack)
{
    mr_buf_fini(&pack->whole);
    mr_buf_fini(&pack->packed);
    free(pack->content_type);
    free(pack);
}

static void on_work(uv_work_t *work)
{
    struct mr_http_pack *it = MR_CONTAINER(work, struct mr_http_pack, work);

    it->done = pack(mr_buf_slice(&it->whole), &it->packed);
}

static void on_after_work(uv_work_t *work, int status)
{
    struct mr_http_pack *it = MR_CONTAINER(work, struct mr_http_pack, work);

    if (it->exchange) {
        it->exchange->pack = NULL;
        answer(it->exchange, it->status, it->content_type, mr_buf_slice(&it->whole),
                status == 0 && it->done ? &it->packed : NULL);
    }
    free_pack(it);
}

void mr_http_pack_forget(struct mr_http_pack *pack)
{
    pack->exchange = NULL;
}

/* false: it is answered otherwise. */
static bool begin(
        struct mr_http_exchange *exchange, unsigned status, const char *content_type, struct mr_slice body)
{
    struct mr_http_pack *it = calloc(1, sizeof *it);

    if (!it)
        return false;
    it->exchange = exchange;
    it->status = status;
    it->content_type = strdup(content_type);
    mr_buf_put_slice(&it->whole, body);
    if (!it->content_type || mr_buf_failed(&it->whole) ||
            uv_queue_work(exchange->server->options.loop, &it->work, on_work, on_after_work) != 0) {
        free_pack(it);
        return false;
    }
    exchange->pack = it;
    return true;
}

void mr_http_answer_packed(
        struct mr_http_exchange *exchange, unsigned status, const char *content_type, struct mr_slice body)
{
    struct mr_buf packed = MR_BUF_INIT;

    if (body.size > AT_ONCE_BYTES && body.size < UINT32_MAX && begin(exchange, status, content_type, body))
        return;
    if (body.size <= AT_ONCE_BYTES && pack(body, &packed))
        answer(exchange, status, content_type, body, &packed);
    else
        answer(exchange, status, content_type, body, NULL);
    mr_buf_fini(&packed);
}
