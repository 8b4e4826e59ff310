/* passport.workflow, history, version: how far it has come, who did what, and what was submitted. */
#include "hub/audit/args.h"
#include "hub/audit/queries.h"
#include "hub/audit/workflow_json.h"
#include "proto/base/hex.h"
#include "proto/wire/digest.h"

int mr_query_passport_workflow(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct mr_workflow_row row;
    json_t *json;
    int r = mr_workflow_read(call->house->log, &row);

    (void)reterr;
    if (r < 0)
        return r;
    json = mr_workflow_json(&row);
    if (json)
        (void)json_object_set_new(json, "timezone", json_string(call->house->config->timezone));
    return json ? emit(ctx, json) : MR_ENOMEM;
}

/* All events of the passport name no person: whoever may see it may see how it came about. */
int mr_query_passport_history(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    static const char *const passed[] = {"first", "limit"};
    struct mr_method_call find = *call;
    json_t *arguments = json_pack("{s:s}", "type", "nms.passport.");
    int r;

    if (!arguments)
        return MR_ENOMEM;
    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++)
        if (json_object_get(call->arguments, passed[i]))
            (void)json_object_set(arguments, passed[i], json_object_get(call->arguments, passed[i]));
    find.arguments = arguments;
    r = mr_query_log_find(&find, emit, ctx, reterr);
    json_decref(arguments);
    return r;
}

int mr_query_passport_version(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct mr_workflow_row row;
    struct mr_buf bytes = MR_BUF_INIT;
    uint8_t digest[32];
    char hex[65];
    uint64_t version;
    json_t *json = NULL;
    int r = mr_workflow_read(call->house->log, &row);

    if (r == 0)
        r = mr_arg_number(call, "version", 1, UINT32_MAX, row.version, &version, reterr);
    if (r == 0)
        r = mr_workflow_stored(call->house->log, (uint32_t)version, "version", &bytes, reterr);
    if (r == 0) {
        mr_sha256(mr_buf_slice(&bytes), digest);
        json = json_pack("{s:I, s:s, s:s%}", "version", (json_int_t)version, "digest",
                mr_hex_encode(digest, sizeof digest, hex), "document", (const char *)bytes.data, bytes.size);
        r = json ? emit(ctx, json) : MR_ENOMEM;
    }
    mr_buf_fini(&bytes);
    return r;
}
