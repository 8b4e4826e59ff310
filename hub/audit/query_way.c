/*
 * log.way: one record's way through the hub with its times, each subscription with every attempt; log.cells:
 * the figures of the passport that rest on it. Both of one record by its number: `where` finds more, and
 * costs more.
 */
#include <string.h>

#include "hub/audit/args.h"
#include "hub/audit/delivery_json.h"
#include "hub/audit/queries.h"
#include "hub/audit/rests_json.h"
#include "hub/record/opened.h"
#include "proto/base/bytes.h"
#include "proto/wire/digest.h"

static int number_of(const struct mr_method_call *call, uint64_t *ret, struct mr_error *reterr)
{
    int r = mr_arg_number(call, "number", 1, INT64_MAX, 0, ret, reterr);

    if (r == 0 && *ret == 0)
        r = mr_error_set(reterr, MR_EINVAL, "number", "give a log number", "an argument is missing");
    return r;
}

static int no_record(struct mr_log_reader *reader, struct mr_error *reterr)
{
    return mr_error_set(reterr, MR_ENOTFOUND, "number", "the log begins at 1", "the log ends at %llu",
            (unsigned long long)mr_log_reader_head(reader));
}

/* The hub's id says to the millisecond when it was made: when the event was admitted. */
static json_t *admitted_json(const struct mr_record *record)
{
    char text[MR_UUID_TEXT_MAX];
    uint8_t id[MR_UUID_BYTES];

    if (mr_record_hub_id(record, text, sizeof text) < 0 || mr_uuid_parse(text, strlen(text), id) < 0)
        return json_null();
    return mr_time_json(((int64_t)mr_get_be32(id) << 16 | mr_get_be16(id + 4)) * 1000);
}

static json_t *deliveries_json(
        const struct mr_method_call *call, struct mr_log_reader *reader, const struct mr_record *record)
{
    json_t *deliveries = json_array();

    for (size_t i = 0; i < record->subs_count; i++) {
        json_t *json = mr_delivery_json(call, reader, record->subs[i], record);

        (void)json_object_set_new(
                json, "tries", mr_delivery_tries_json(reader, record->subs[i], record->number));
        (void)json_array_append_new(deliveries, json);
    }
    return deliveries;
}

static json_t *way_json(
        const struct mr_method_call *call, struct mr_log_reader *reader, const struct mr_record *record)
{
    struct mr_slice note;
    uint64_t size = 0;
    char system[64];
    json_t *json;

    if (mr_log_checkpoint(reader, &size, &note) < 0)
        size = 0;
    json = json_pack("{s:I, s:s, s:o, s:o, s:I, s:b, s:I, s:o}", "number", (json_int_t)record->number,
            "system", mr_system_name(call->house, record->system, system, sizeof system), "admitted",
            admitted_json(record), "recorded", mr_time_json(record->recorded_us), "config",
            (json_int_t)record->config, "signed", record->number <= size, "checkpoint", (json_int_t)size,
            "deliveries", deliveries_json(call, reader, record));
    if (json)
        mr_intake_add(reader, record->number, json);
    if (json && record->flags & MR_RECORD_QUARANTINED)
        mr_quarantine_add(reader, record->number, json);
    return json;
}

int mr_query_log_way(const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct mr_log_reader *reader;
    struct mr_record_view view;
    uint64_t number;
    json_t *json;
    int r = number_of(call, &number, reterr);

    if (r == 0)
        r = mr_log_reader_open(call->house->log, &reader);
    if (r < 0)
        return r;
    r = mr_log_read(reader, number, &view, reterr);
    if (r == MR_ENOTFOUND)
        r = no_record(reader, reterr);
    if (r == 0) {
        json = way_json(call, reader, &view.record);
        r = json ? emit(ctx, json) : MR_ENOMEM;
    }
    mr_log_reader_close(reader);
    return r;
}

int mr_query_log_cells(const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct mr_passport passport;
    uint64_t number;
    bool annulled = false;
    json_t *json;
    int r = number_of(call, &number, reterr);

    if (r == 0)
        r = mr_passport_open(&passport, call->house, 0, reterr);
    if (r < 0)
        return r;
    for (size_t i = 0; i < passport.facts.count; i++)
        annulled |= passport.facts.items[i].number == number && passport.fold->annulled[i];
    json = json_pack("{s:I, s:b, s:o}", "number", (json_int_t)number, "annulled", annulled, "cells",
            mr_rests_json(&passport, number));
    mr_passport_fini(&passport);
    return json ? emit(ctx, json) : MR_ENOMEM;
}
