/* /log: the log as c2sp.org/tlog-tiles has it, for whoever verifies it. Read on a thread of the pool. */
#include <stdlib.h>
#include <string.h>

#include "hub/http/parts.h"
#include "hub/http/problem.h"
#include "hub/sign/log_key.h"
#include "hub/sign/tiles.h"
#include "proto/base/list.h"

/* What never changes may be kept for ever; what grows is asked for again. */
#define KEEP  "private, max-age=31536000, immutable"
#define AGAIN "private, no-cache"

struct work {
    uv_work_t work;
    struct mr_list link; /* of api->works */
    struct mr_api *api;
    struct mr_http_request request; /* exchange NULL: the server is gone */
    int (*read)(struct work *work, struct mr_log_reader *reader);
    const char *content_type, *cache;
    struct mr_tile tile;
    struct mr_buf body;
    struct mr_error error;
    int status;
};

/* ---- on the pool ---- */

static int read_checkpoint(struct work *work, struct mr_log_reader *reader)
{
    struct mr_slice note;
    uint64_t size;
    int r = mr_log_checkpoint(reader, &size, &note);

    if (r == MR_ENOTFOUND)
        return mr_error_set(&work->error, r, "checkpoint", "the hub signs within a second of the first event",
                "the log has no checkpoint yet");
    if (r == 0)
        mr_buf_put_slice(&work->body, note);
    return r;
}

static int read_vkey(struct work *work, struct mr_log_reader *reader)
{
    struct mr_note_key key;
    char text[MR_NOTE_KEY_TEXT_MAX];
    int r = mr_log_key_public(&key, work->api->house->log, &work->error);

    (void)reader;
    if (r == 0)
        mr_buf_printf(&work->body, "%s\n", mr_note_key_format(&key, text));
    return r;
}

/* Only what a checkpoint covers: a tile that grows is told as wide as the signed log has it. */
static int read_tile(struct work *work, struct mr_log_reader *reader)
{
    struct mr_slice note;
    uint64_t size = 0;
    unsigned withheld;
    int r = mr_log_checkpoint(reader, &size, &note);

    if (r < 0 && r != MR_ENOTFOUND)
        return r;
    if (mr_tile_width(work->tile.level, work->tile.index, size) < work->tile.width)
        return mr_error_set(&work->error, MR_ENOTFOUND, "tile", "ask for what /log/checkpoint covers",
                "the signed log has no such tile");
    r = mr_tile_read(reader, &work->tile, &work->body, &withheld, &work->error);
    if (r == 0 && withheld > 0)
        return mr_error_set(&work->error, MR_EEXPIRED, "tile",
                "marshrut log export writes it without them; their hashes are in tile/0",
                "%u entries of this bundle have expired", withheld);
    return r;
}

static void on_work(uv_work_t *uv_work)
{
    struct work *work = MR_CONTAINER(uv_work, struct work, work);
    struct mr_log_reader *reader = NULL;

    work->status = mr_log_reader_open(work->api->house->log, &reader);
    if (work->status == 0)
        work->status = work->read(work, reader);
    mr_log_reader_close(reader);
    if (work->status == 0 && mr_buf_failed(&work->body))
        work->status = MR_ENOMEM;
}

/* ---- on the loop ---- */

static void on_after_work(uv_work_t *uv_work, int status)
{
    struct work *work = MR_CONTAINER(uv_work, struct work, work);

    if (status < 0)
        work->status = MR_ECLOSED;
    if (work->request.exchange && work->status < 0)
        mr_problem_answer(work->request.exchange, 0, work->status, &work->error);
    else if (work->request.exchange)
        mr_api_answer(&work->request, 200, work->content_type, work->cache, mr_buf_slice(&work->body));
    mr_list_remove(&work->link);
    mr_buf_fini(&work->body);
    free(work);
}

void mr_api_works_detach(struct mr_api *api)
{
    mr_list_foreach (it, &api->works)
        MR_CONTAINER(it, struct work, link)->request.exchange = NULL;
}

static void start(const struct mr_api_request *request, const struct work *kind)
{
    struct work *work = calloc(1, sizeof *work);

    if (!work) {
        mr_problem_answer(request->http->exchange, 0, MR_ENOMEM, NULL);
        return;
    }
    *work = *kind;
    work->api = request->api;
    work->request = *request->http;
    mr_list_init(&work->link);
    mr_list_push_back(&request->api->works, &work->link);
    if (uv_queue_work(request->api->loop, &work->work, on_work, on_after_work) != 0)
        on_after_work(&work->work, UV_ECANCELED);
}

void mr_api_checkpoint(const struct mr_api_request *request, const struct mr_api_route *route)
{
    const struct work kind = {
            .read = read_checkpoint, .content_type = "text/plain; charset=utf-8", .cache = AGAIN};

    (void)route;
    start(request, &kind);
}

void mr_api_vkey(const struct mr_api_request *request, const struct mr_api_route *route)
{
    const struct work kind = {.read = read_vkey, .content_type = "text/plain; charset=utf-8", .cache = AGAIN};

    (void)route;
    start(request, &kind);
}

void mr_api_tile(const struct mr_api_request *request, const struct mr_api_route *route)
{
    struct work kind = {.read = read_tile, .content_type = "application/octet-stream", .cache = KEEP};
    char path[MR_API_PARAMETER_BYTES + 8] = "tile/";

    (void)route;
    (void)strncat(path, request->parameters[0], sizeof path - 6);
    if (mr_tile_parse(&kind.tile, path) < 0) {
        mr_problem_say(request->http->exchange, 0, MR_ENOTFOUND, "tile", "not the name of a tile",
                "names are those of c2sp.org/tlog-tiles");
        return;
    }
    start(request, &kind);
}
