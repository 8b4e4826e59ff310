/* passport.show, explain, export, check. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/audit/args.h"
#include "hub/audit/queries.h"
#include "hub/project/export.h"
#include "hub/project/workflow.h"
#include "proto/base/hex.h"

enum { EXPLAIN_MAX = 10000, EXPLAIN_DEFAULT = 100 };

static int open_passport(const struct mr_method_call *call, struct mr_passport *ret,
        struct mr_workflow_row *row, struct mr_error *reterr)
{
    uint64_t as_of;
    int r = mr_arg_number(call, "as_of", 1, INT64_MAX, 0, &as_of, reterr);

    if (r == 0)
        r = mr_workflow_read(call->house->log, row);
    return r < 0 ? r : mr_passport_open(ret, call->house, as_of, reterr);
}

static json_t *workflow_json(const struct mr_workflow_row *row)
{
    char digest[65];

    return json_pack("{s:s, s:s, s:i, s:I, s:s}", "state", mr_workflow_state_name(row->state), "title",
            mr_workflow_state_title(row->state), "version", (int)row->version, "as_of",
            (json_int_t)row->as_of, "digest",
            row->version ? mr_hex_encode(row->digest, sizeof row->digest, digest) : "");
}

int mr_query_passport_show(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct mr_passport passport;
    struct mr_workflow_row row;
    json_t *json;
    int r = open_passport(call, &passport, &row, reterr);

    if (r < 0)
        return r;
    json = mr_passport_json(&passport, false);
    mr_passport_fini(&passport);
    if (json)
        (void)json_object_set_new(json, "workflow", workflow_json(&row));
    return json ? emit(ctx, json) : MR_ENOMEM;
}

static json_t *explain(const struct mr_cell *cell, uint64_t after, uint64_t limit)
{
    json_t *json = mr_cell_json(cell, true), *numbers = json_array();
    uint64_t next = 0;

    for (size_t i = 0; i < cell->events_count; i++) {
        if (cell->events[i] <= after)
            continue;
        if (json_array_size(numbers) == limit) {
            next = cell->events[i - 1];
            break;
        }
        (void)json_array_append_new(numbers, json_integer((json_int_t)cell->events[i]));
    }
    (void)json_object_set_new(json, "numbers", numbers);
    if (next)
        (void)json_object_set_new(json, "next_after", json_integer((json_int_t)next));
    return json;
}

int mr_query_passport_explain(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct mr_passport passport;
    struct mr_workflow_row row;
    const struct mr_cell *cell;
    const char *code;
    uint64_t after, limit;
    int r = mr_arg_text(call, "cell", true, MR_CELL_CODE_MAX, &code, reterr);

    if (r == 0)
        r = mr_arg_number(call, "after", 0, INT64_MAX, 0, &after, reterr);
    if (r == 0)
        r = mr_arg_number(call, "limit", 1, EXPLAIN_MAX, EXPLAIN_DEFAULT, &limit, reterr);
    if (r == 0)
        r = open_passport(call, &passport, &row, reterr);
    if (r < 0)
        return r;
    cell = mr_cells_find(passport.cells, code);
    if (cell)
        r = emit(ctx, explain(cell, after, limit));
    else
        r = mr_error_set(reterr, MR_ENOTFOUND, "cell", "passport show lists the cells", "no such cell");
    mr_passport_fini(&passport);
    return r;
}

static json_t *export_json(const char *format, const struct mr_buf *bytes)
{
    size_t size = sodium_base64_encoded_len(bytes->size, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(size);
    json_t *json;

    if (!text)
        return NULL;
    sodium_bin2base64(text, size, bytes->data, bytes->size, sodium_base64_VARIANT_ORIGINAL);
    json = json_pack("{s:s, s:I, s:s}", "format", format, "bytes", (json_int_t)bytes->size, "base64", text);
    free(text);
    return json;
}

int mr_query_passport_export(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct mr_passport passport;
    struct mr_workflow_row row;
    struct mr_buf bytes = MR_BUF_INIT;
    const char *format;
    json_t *json;
    int r = mr_arg_text(call, "format", true, 8, &format, reterr);

    if (r == 0)
        r = open_passport(call, &passport, &row, reterr);
    if (r < 0)
        return r;
    r = mr_export(&passport, format, &bytes, reterr);
    mr_passport_fini(&passport);
    if (r == 0) {
        json = export_json(format, &bytes);
        r = json ? emit(ctx, json) : MR_ENOMEM;
    }
    mr_buf_fini(&bytes);
    return r;
}

static json_t *difference_json(uint32_t version, const struct mr_passport_difference *d)
{
    char text[160];

    if (d->equal)
        (void)snprintf(text, sizeof text, "equal");
    else if (d->rules)
        (void)snprintf(text, sizeof text, "differs: made by other versions of the rules");
    else if (d->erased > 0)
        (void)snprintf(text, sizeof text, "differs by %lld erased persons", (long long)d->erased);
    else
        (void)snprintf(text, sizeof text, "differs: configuration or blocked persons are not what they were");
    return json_pack("{s:i, s:b, s:s, s:I, s:I}", "version", (int)version, "equal", d->equal, "result", text,
            "erased", (json_int_t)d->erased, "cells", (json_int_t)d->cells);
}

int mr_query_passport_check(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct mr_workflow_row row;
    struct mr_passport_difference difference;
    struct mr_buf stored = MR_BUF_INIT;
    uint64_t version;
    int r = mr_workflow_read(call->house->log, &row);

    if (r == 0)
        r = mr_arg_number(call, "version", 1, UINT32_MAX, row.version, &version, reterr);
    if (r == 0)
        r = mr_workflow_document(call->house->log, (uint32_t)version, &stored);
    if (r == MR_ENOTFOUND)
        r = mr_error_set(reterr, r, "version", "submit it first", "no such version was submitted");
    if (r == 0)
        r = mr_passport_compare(call->house, mr_buf_slice(&stored), &difference, reterr);
    mr_buf_fini(&stored);
    return r < 0 ? r : emit(ctx, difference_json((uint32_t)version, &difference));
}
