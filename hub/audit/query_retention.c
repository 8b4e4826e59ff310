/* log.segments, retention.plan, retention.run, hold.list: how long the log keeps what, and where it lies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/audit/args.h"
#include "hub/audit/queries.h"
#include "hub/keep/compactor.h"
#include "hub/keep/hold_rows.h"
#include "proto/base/hex.h"

enum { WAIT_MS = 20000, SLICE = 65536, LIMIT_MAX = 10000 };

/* ---- log.segments ---- */

static int add_segment(void *ctx, const struct mr_log_segment *segment)
{
    json_t *list = ctx;
    json_t *json = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "first", (json_int_t)segment->first, "last",
            (json_int_t)segment->last, "generation", (json_int_t)segment->generation, "expired",
            (json_int_t)segment->expired, "stripped", (json_int_t)segment->stripped, "bytes",
            (json_int_t)segment->bytes);

    return json_array_append_new(list, json) == 0 ? 0 : MR_ENOMEM;
}

int mr_query_log_segments(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    json_t *list = json_array();
    struct mr_log_reader *reader;
    uint64_t head, trimmed;
    int r = mr_log_reader_open(call->house->log, &reader);

    (void)reterr;
    if (r == 0) {
        head = mr_log_reader_head(reader);
        trimmed = mr_log_trimmed(reader);
        r = mr_log_segments(reader, add_segment, list);
        mr_log_reader_close(reader);
    }
    if (r == 0)
        r = emit(ctx, json_pack("{s:I, s:I, s:O}", "head", (json_int_t)head, "growing",
                              (json_int_t)(head - trimmed), "segments", list));
    json_decref(list);
    return r;
}

/* ---- retention.plan ---- */

static int add_class(
        const struct mr_house *house, uint32_t index, const struct mr_retention_count *count, json_t *list)
{
    const struct mr_config_retention *config = &house->config->retention;
    bool named = index < config->classes_count;
    uint32_t days = named ? config->classes[index].keep_days : config->default_days;
    json_t *types = json_array(), *json;

    for (uint32_t i = 0; named && i < config->classes[index].types_count; i++)
        (void)json_array_append_new(types, json_string(config->classes[index].types[i]));
    json = json_pack("{s:o, s:I, s:I, s:I, s:I, s:I}", "types", types, "keep_days", (json_int_t)days, "due",
            (json_int_t)count->due, "bytes", (json_int_t)count->bytes, "held", (json_int_t)count->held,
            "waiting", (json_int_t)count->waiting);
    return json_array_append_new(list, json) == 0 ? 0 : MR_ENOMEM;
}

/* The newest record stays in any case. */
static int plan(const struct mr_method_call *call, struct mr_retention *judge, json_t *list)
{
    const struct mr_house *house = call->house;
    struct mr_retention_count *counts = calloc(mr_retention_classes(judge), sizeof *counts);
    struct mr_log_reader *reader;
    uint64_t last_due = 0;
    int r = counts ? mr_log_reader_open(house->log, &reader) : MR_ENOMEM;

    if (r == 0) {
        uint64_t head = mr_log_reader_head(reader);

        for (uint64_t from = 1; r == 0 && from < head; from += SLICE) {
            uint64_t to = from + SLICE < head ? from + SLICE - 1 : head - 1;

            r = mr_retention_scan(judge, reader, from, to, counts, &last_due, NULL, NULL);
            mr_tick(house->tick, "records", to, head);
        }
        mr_log_reader_close(reader);
    }
    for (uint32_t i = 0; r == 0 && i < mr_retention_classes(judge); i++)
        r = add_class(house, i, &counts[i], list);
    free(counts);
    return r;
}

int mr_query_retention_plan(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct mr_retention *judge;
    json_t *list = json_array();
    int r = mr_retention_open(&judge, call->house, reterr);

    if (r == 0) {
        r = plan(call, judge, list);
        mr_retention_close(judge);
    }
    if (r == 0)
        r = emit(ctx, json_pack("{s:I, s:O}", "config_version", (json_int_t)call->house->config_version,
                              "classes", list));
    json_decref(list);
    return r;
}

/* ---- retention.run ---- */

/* Asks for a run, or waits on for the one of a ticket; an answer that is not `ended` is asked again. */
int mr_query_retention_run(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct mr_compactor_run run = {0};
    uint64_t ticket;
    int r = mr_arg_number(call, "ticket", 1, INT64_MAX, 0, &ticket, reterr);

    if (r < 0)
        return r;
    if (!call->compactor)
        return mr_error_set(reterr, MR_EAGAIN, "", "start the hub", "only a running hub can do this");
    if (ticket == 0)
        ticket = mr_compactor_ask(call->compactor);
    r = mr_compactor_wait(call->compactor, ticket, WAIT_MS, &run);
    if (r == MR_EAGAIN)
        return emit(ctx, json_pack("{s:I, s:b}", "ticket", (json_int_t)ticket, "ended", 0));
    if (r == 0 && run.status < 0)
        r = mr_error_set(reterr, run.status, "compactor", "the hub's log says why: compactor.failed",
                "the run did not come to its end: %s", mr_err_text(run.status));
    if (r < 0)
        return r;
    return emit(ctx, json_pack("{s:I, s:b, s:I, s:I, s:I, s:I}", "ticket", (json_int_t)ticket, "ended", 1,
                             "expired", (json_int_t)run.expired, "held", (json_int_t)run.held, "waiting",
                             (json_int_t)run.waiting, "freed_bytes", (json_int_t)run.freed_bytes));
}

/* ---- hold.list ---- */

struct holds {
    json_t *list;
    uint64_t limit;                           /* 0: all */
    uint8_t after[MR_HOLD_ROW_KEY_BYTES];     /* is left out */
    bool behind;                              /* after is given */
    char last[2 * MR_HOLD_ROW_KEY_BYTES + 1]; /* of the list */
};

static int add_hold(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct holds *holds = ctx;
    json_t *json;
    struct mr_hold_row row;
    char hex[2 * MR_HOLD_ROW_KEY_BYTES + 1];
    int r = key.size == MR_HOLD_ROW_KEY_BYTES ? mr_hold_row_decode(&row, value) : MR_ECORRUPT;

    if (r == 0 && holds->behind && memcmp(key.data, holds->after, sizeof holds->after) == 0)
        return 0;
    if (r == 0 && holds->limit > 0 && json_array_size(holds->list) == holds->limit)
        return 1;
    if (r < 0)
        return r;
    json = json_pack("{s:s, s:s, s:o, s:s, s:s}", "hold", mr_hex_encode(key.data, key.size, hex), "kind",
            mr_hold_kind_name(row.kind), "placed", mr_time_json(row.at_us), "by", row.operator_name, "case",
            row.case_reference);
    if (row.kind == MR_HOLD_NUMBERS) {
        (void)json_object_set_new(json, "from", json_integer((json_int_t)row.from));
        (void)json_object_set_new(json, "to", json_integer((json_int_t)row.to));
    } else if (row.kind == MR_HOLD_TYPE) {
        (void)json_object_set_new(json, "type", json_string(row.type));
    }
    (void)snprintf(holds->last, sizeof holds->last, "%s", hex);
    return json_array_append_new(holds->list, json) == 0 ? 0 : MR_ENOMEM;
}

static int read_page(const struct mr_method_call *call, struct holds *holds, struct mr_error *reterr)
{
    const char *after;
    int r = mr_arg_number(call, "limit", 1, LIMIT_MAX, 0, &holds->limit, reterr);

    if (r == 0)
        r = mr_arg_text(call, "after", false, sizeof holds->last - 1, &after, reterr);
    if (r < 0 || !*after)
        return r;
    holds->behind = mr_hex_decode(after, strlen(after), holds->after, sizeof holds->after) == 0;
    return holds->behind ? 0
                         : mr_error_set(reterr, MR_EINVAL, "after", "give `next` of the answer before",
                                   "no id of a hold");
}

int mr_query_hold_list(const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct holds holds = {.list = json_array()};
    struct mr_slice from = {0};
    struct mr_log_reader *reader;
    json_t *json;
    int r = read_page(call, &holds, reterr);

    if (r == 0)
        r = mr_log_reader_open(call->house->log, &reader);
    if (r == 0) {
        if (holds.behind)
            from = mr_slice(holds.after, sizeof holds.after);
        r = mr_log_rows(reader, MR_LOG_HOLD, mr_slice(NULL, 0), from, add_hold, &holds);
        mr_log_reader_close(reader);
    }
    if (r >= 0) {
        json = json_pack("{s:I, s:O}", "count", (json_int_t)json_array_size(holds.list), "holds", holds.list);
        if (json && holds.limit > 0)
            (void)json_object_set_new(json, "next", json_string(r == 1 ? holds.last : ""));
        r = emit(ctx, json);
    }
    json_decref(holds.list);
    return r;
}
