/* quarantine.list: what was taken but waits for correction. */
#include <string.h>

#include "hub/audit/args.h"
#include "hub/audit/queries.h"
#include "hub/prepare.h"

struct listing {
    const struct mr_method_call *call;
    const char *wanted;
    json_t *list;
};

static int add(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct listing *listing = ctx;
    struct mr_quarantine_row row;
    char system[64];
    const char *state;
    json_t *json;
    int r = key.size == MR_QUARANTINE_KEY_BYTES ? mr_quarantine_row_decode(&row, value) : MR_ECORRUPT;

    if (r < 0)
        return r;
    state = mr_quarantine_state_name(row.state);
    if (strcmp(listing->wanted, "all") != 0 && strcmp(listing->wanted, state) != 0)
        return 0;
    json = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:o, s:s}", "number", (json_int_t)mr_get_be64(key.data),
            "system", mr_system_name(listing->call->house, row.system, system, sizeof system), "code",
            row.text.code, "field", row.text.field, "reason", row.text.reason, "cure", row.text.cure, "since",
            mr_time_json(row.at_us), "state", state);
    if (row.replaced_by)
        (void)json_object_set_new(json, "replaced_by", json_integer((json_int_t)row.replaced_by));
    return json_array_append_new(listing->list, json) == 0 ? 0 : MR_ENOMEM;
}

int mr_query_quarantine(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct listing listing = {.call = call};
    struct mr_log_reader *reader;
    int r = mr_arg_text(call, "state", false, 16, &listing.wanted, reterr);

    if (r == 0 && !*listing.wanted)
        listing.wanted = "waiting";
    if (r == 0)
        r = mr_log_reader_open(call->house->log, &reader);
    if (r < 0)
        return r;
    listing.list = json_array();
    r = mr_log_rows(reader, MR_LOG_QUARANTINE, mr_slice(NULL, 0), mr_slice(NULL, 0), add, &listing);
    mr_log_reader_close(reader);
    if (r == 0)
        r = emit(ctx, json_pack("{s:s, s:I, s:O}", "state", listing.wanted, "count",
                              (json_int_t)json_array_size(listing.list), "events", listing.list));
    json_decref(listing.list);
    return r;
}
