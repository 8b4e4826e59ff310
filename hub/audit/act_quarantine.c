/* quarantine.show: what waits for correction, with its values; that somebody looked is an event before it is
 * seen. */
#include <string.h>

#include "event/hub.pb-c.h"
#include "hub/audit/access_reason.h"
#include "hub/audit/args.h"
#include "hub/audit/quarantine_word.h"
#include "hub/audit/queries.h"
#include "hub/intake/admit.h"
#include "hub/desk/desk_internal.h"
#include "proto/wire/json.h"

/* What somebody says who wants to look. */
struct look {
    uint64_t number;
    const char *reason, *case_code;
};

static int access_event(const struct mr_method_call *call, const struct look *look, struct mr_buf *out)
{
    Nms__Event__V1__HubAccessLogged logged = NMS__EVENT__V1__HUB_ACCESS_LOGGED__INIT;
    const struct mr_desk_word word = {.operator_name = call->operator_name, .role = mr_quarantine_role(call)};

    logged.method = (char *)"quarantine.show";
    logged.by = (char *)"number";
    logged.case_code = (char *)look->case_code;
    logged.reason = (char *)look->reason;
    logged.found = 1;
    logged.number = look->number;
    return mr_desk_event(out, call->house, "hub.access.logged.v1", &word, NULL, &logged.base);
}

/* What is proposed, with its values. */
static int add_proposal(const struct mr_method_call *call, const struct mr_desk_item *item,
        const char *system, uint64_t number, json_t *ret, struct mr_error *reterr)
{
    json_t *json = mr_quarantine_proposal_json(item->reader, number), *event = NULL;
    struct mr_buf bytes = MR_BUF_INIT;
    mr_proposal *proposal = NULL;
    struct mr_arena arena;
    struct mr_event opened;
    int r;

    if (!json)
        return 0;
    mr_arena_init(&arena, MR_ADMIT_ARENA_BYTES);
    r = mr_proposal_read(item->reader, number, &proposal);
    if (r == 0)
        r = mr_proposal_open(call->house->keyring, proposal, &bytes);
    if (r == 0)
        r = mr_event_decode(&opened, mr_buf_slice(&bytes), &arena, reterr);
    if (r == 0)
        r = mr_desk_may_show(call->desk, system, &opened, reterr);
    if (r == 0)
        r = mr_event_to_json(mr_buf_slice(&bytes), &event, reterr);
    if (r == 0 && json_object_set_new(json, "proposed", event) == 0)
        (void)json_object_set(ret, "proposal", json);
    mr_proposal_free(proposal);
    mr_arena_fini(&arena);
    mr_buf_wipe(&bytes);
    json_decref(json);
    return r;
}

static int show(const struct mr_method_call *call, struct mr_desk_item *item, const struct look *look,
        json_t **ret, struct mr_error *reterr)
{
    const struct mr_quarantine_row *row = &item->row;
    json_t *event;
    char unknown[64];
    const char *system;
    int r = mr_quarantine_needs_hub(call, reterr);

    if (r == 0)
        r = mr_desk_item_open(item, call->house, look->number, reterr);
    if (r == 0)
        r = mr_desk_item_read(item, call->house, MR_PURPOSE_SHOW, reterr);
    system = mr_system_name(call->house, row->system, unknown, sizeof unknown);
    if (r == 0)
        r = mr_desk_may_show(call->desk, system, &item->opened.event, reterr);
    if (r == 0)
        r = mr_event_to_json(mr_buf_slice(&item->opened.unsealed.bytes), &event, reterr);
    if (r < 0)
        return r;
    *ret = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:o, s:I, s:o, s:{s:s, s:s}}", "waits",
            (json_int_t)look->number, "system", system, "code", row->text.code, "field", row->text.field,
            "reason", row->text.reason, "cure", row->text.cure, "since", mr_time_json(row->at_us), "behind",
            (json_int_t)row->behind, "event", event, "looked", "reason", look->reason, "case",
            look->case_code);
    return *ret ? add_proposal(call, item, system, look->number, *ret, reterr) : MR_ENOMEM;
}

static int read_look(const struct mr_method_call *call, struct look *ret, struct mr_error *reterr)
{
    int r = mr_arg_number(call, "number", 1, INT64_MAX, 0, &ret->number, reterr);

    if (r == 0 && ret->number == 0)
        r = mr_error_set(reterr, MR_EINVAL, "number", "marshrut quarantine list has the numbers",
                "it is not said which event is meant");
    return r < 0 ? r : mr_arg_access(call, &ret->reason, &ret->case_code, reterr);
}

int mr_act_quarantine_show(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    struct mr_desk_item item = {0};
    struct look look;
    int r = read_look(call, &look, reterr);

    *ret = (struct mr_act){0};
    if (r < 0)
        return r;
    r = show(call, &item, &look, &ret->reply, reterr);
    mr_desk_item_close(&item);
    if (r == 0)
        r = access_event(call, &look, &ret->event);
    if (r < 0)
        mr_act_fini(ret);
    return r;
}
