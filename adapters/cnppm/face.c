#include "adapters/cnppm/face.h"

#include "adapters/cnppm/api_item.h"
#include "adapters/sdk/post_outbox.h"
#include "proto/base/bytes.h"
#include "proto/base/list.h"
#include "proto/loop/http_route.h"

enum { FORGET_AT_ONCE_MAX = 10000, KEY_BYTES = sizeof MR_XAPI_KEY_PREFIX - 1 + 16 };

static void route_item(void *ctx, json_t *item, struct mr_post *post)
{
    mr_api_item(MR_API_ROUTES, &((struct mr_cnppm_face *)ctx)->xapi.speaker, item, post);
}

static void diagnostic_item(void *ctx, json_t *item, struct mr_post *post)
{
    mr_api_item(MR_API_DIAGNOSTICS, &((struct mr_cnppm_face *)ctx)->xapi.speaker, item, post);
}

static void statement_item(void *ctx, json_t *item, struct mr_post *post)
{
    mr_xapi_statement(&((struct mr_cnppm_face *)ctx)->xapi, item, post);
}

static void post_routes(void *ctx, const struct mr_http_request *request)
{
    mr_post_request(((struct mr_cnppm_face *)ctx)->adapter, request, route_item, ctx, mr_post_answer);
}

static void post_diagnostics(void *ctx, const struct mr_http_request *request)
{
    mr_post_request(((struct mr_cnppm_face *)ctx)->adapter, request, diagnostic_item, ctx, mr_post_answer);
}

static json_t *ids_of(const json_t *results)
{
    json_t *ids = json_array();
    json_t *result;
    size_t i;

    json_array_foreach ((json_t *)(uintptr_t)results, i, result)
        (void)json_array_append(ids, json_array_get(json_object_get(result, "ids"), 0));
    return ids;
}

void mr_cnppm_face_answer_statements(const struct mr_post *post, struct mr_http_exchange *exchange)
{
    struct mr_post_summary summary;

    mr_post_summary(post, &summary);
    mr_http_answer_header(exchange, "X-Experience-API-Version", "1.0.3");
    if (summary.good == summary.items)
        mr_http_answer_json(exchange, 200, ids_of(mr_post_results(post)));
    else
        mr_http_answer_json(exchange, summary.invalid > 0 ? 400 : 409,
                json_pack("{s:O}", "results", mr_post_results(post)));
}

static void post_statements(void *ctx, const struct mr_http_request *request)
{
    const char *version = mr_http_header(request, "X-Experience-API-Version");

    if (!version || strncmp(version, "1.0", 3) != 0 || (version[3] != '\0' && version[3] != '.')) {
        mr_http_answer_header(request->exchange, "X-Experience-API-Version", "1.0.3");
        mr_http_answer_problem(request->exchange, 400, "invalid", "X-Experience-API-Version",
                "missing, or not a version 1.0", "send X-Experience-API-Version: 1.0.3");
        return;
    }
    mr_post_request(((struct mr_cnppm_face *)ctx)->adapter, request, statement_item, ctx,
            mr_cnppm_face_answer_statements);
}

void mr_cnppm_face_request(void *ctx, const struct mr_http_request *request)
{
    static const struct mr_http_route routes[] = {
            {"POST", "/api/routes", post_routes},
            {"POST", "/api/diagnostics", post_diagnostics},
            {"POST", "/xAPI/statements", post_statements},
    };

    mr_http_dispatch(routes, MR_COUNT(routes), ctx, request);
}

/* ---- forgetting ---- */

struct old_rows {
    uint32_t before_day;
    struct mr_buf keys; /* KEY_BYTES each */
};

static int collect_old(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct old_rows *rows = ctx;

    if (key.size == KEY_BYTES && value.size == 20 && mr_get_be32(value.data + 16) < rows->before_day)
        mr_buf_put_slice(&rows->keys, key);
    return rows->keys.size >= (size_t)FORGET_AT_ONCE_MAX * KEY_BYTES;
}

static int delete_rows(struct mr_outbox_txn *txn, const struct mr_buf *keys)
{
    int r = 0;

    for (size_t at = 0; r == 0 && at < keys->size; at += KEY_BYTES)
        r = mr_outbox_del(txn, mr_slice(keys->data + at, KEY_BYTES));
    return r;
}

int mr_cnppm_face_forget(struct mr_cnppm_face *face)
{
    uint32_t today = (uint32_t)(mr_clock_wall_us(face->xapi.clock) / (86400LL * 1000000));
    struct old_rows rows = {.before_day = today - MR_XAPI_KEPT_DAYS};
    struct mr_outbox_txn *txn;
    int r = mr_outbox_begin(face->adapter, &txn);

    if (r < 0)
        return r;
    r = mr_outbox_each(txn, mr_slice_str(MR_XAPI_KEY_PREFIX), collect_old, &rows);
    if (r >= 0)
        r = mr_buf_failed(&rows.keys) ? MR_ENOMEM : delete_rows(txn, &rows.keys);
    if (r == 0)
        r = mr_outbox_commit(txn);
    else
        mr_outbox_abort(txn);
    mr_buf_fini(&rows.keys);
    return r;
}
