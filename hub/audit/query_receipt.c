/* log.receipt: the receipt of one record, made anew from the log. */
#include "hub/audit/args.h"
#include "hub/audit/queries.h"
#include "hub/sign/log_key.h"
#include "hub/sign/receipt.h"

static int emit_receipt(const struct mr_buf *text, uint64_t number, uint64_t size, mr_emit_fn emit, void *ctx)
{
    json_t *json = json_pack("{s:I, s:I, s:s%}", "number", (json_int_t)number, "size", (json_int_t)size,
            "receipt", (const char *)text->data, text->size);

    return json ? emit(ctx, json) : MR_ENOMEM;
}

int mr_query_log_receipt(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct mr_buf text = MR_BUF_INIT;
    struct mr_log_reader *reader;
    struct mr_note_key key;
    uint64_t number, size;
    int r = mr_arg_number(call, "number", 1, INT64_MAX, 0, &number, reterr);

    if (r == 0 && number == 0)
        r = mr_error_set(reterr, MR_EINVAL, "number", "give a log number", "an argument is missing");
    if (r == 0)
        r = mr_log_key_public(&key, call->house->log, reterr);
    if (r == 0)
        r = mr_log_reader_open(call->house->log, &reader);
    if (r < 0)
        return r;
    r = mr_receipt_make(&text, &key, reader, number, &size, reterr);
    if (r == 0)
        r = emit_receipt(&text, number, size, emit, ctx);
    mr_log_reader_close(reader);
    mr_buf_fini(&text);
    return r;
}
