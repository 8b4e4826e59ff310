/* quarantine.show: what waits for correction, with its values; that somebody looked is an event before it is
 * seen. */
#include <string.h>

#include "event/hub.pb-c.h"
#include "hub/audit/args.h"
#include "hub/audit/queries.h"
#include "hub/desk/desk_internal.h"
#include "proto/base/list.h"
#include "proto/wire/json.h"

static const char *role_of(const struct mr_method_call *call)
{
    static const char *const roles[] = {"auditor", "pd-officer", "admin"};
    size_t i = 0;

    while (i + 1 < MR_COUNT(roles) &&
            !mr_config_operator_has(call->house->config, call->operator_name, roles[i]))
        i++;
    return roles[i];
}

static int access_event(
        const struct mr_method_call *call, uint64_t number, const char *case_code, struct mr_buf *out)
{
    Nms__Event__V1__HubAccessLogged logged = NMS__EVENT__V1__HUB_ACCESS_LOGGED__INIT;
    const struct mr_desk_word word = {.operator_name = call->operator_name, .role = role_of(call)};

    logged.method = (char *)"quarantine.show";
    logged.by = (char *)"number";
    logged.case_code = (char *)case_code;
    logged.found = 1;
    logged.number = number;
    return mr_desk_event(out, call->house, "hub.access.logged.v1", &word, &logged.base);
}

static int show(const struct mr_method_call *call, struct mr_desk_item *item, uint64_t number, json_t **ret,
        struct mr_error *reterr)
{
    const struct mr_quarantine_row *row = &item->row;
    json_t *event;
    char system[64];
    int r = mr_desk_item_open(item, call->house, number, reterr);

    if (r == 0)
        r = mr_desk_item_read(item, call->house, MR_PURPOSE_SHOW, reterr);
    if (r == 0)
        r = mr_event_to_json(mr_buf_slice(&item->opened.unsealed.bytes), &event, reterr);
    if (r < 0)
        return r;
    *ret = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:o, s:I, s:o}", "waits", (json_int_t)number, "system",
            mr_system_name(call->house, row->system, system, sizeof system), "code", row->text.code, "field",
            row->text.field, "reason", row->text.reason, "cure", row->text.cure, "since",
            mr_time_json(row->at_us), "behind", (json_int_t)row->behind, "event", event);
    return *ret ? 0 : MR_ENOMEM;
}

int mr_act_quarantine_show(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    struct mr_desk_item item;
    const char *case_code;
    uint64_t number;
    int r = mr_arg_number(call, "number", 1, INT64_MAX, 0, &number, reterr);

    *ret = (struct mr_act){0};
    if (r == 0 && number == 0)
        r = mr_error_set(reterr, MR_EINVAL, "number", "marshrut quarantine list has the numbers",
                "it is not said which event is meant");
    if (r == 0)
        r = mr_arg_case(call, &case_code, reterr);
    if (r < 0)
        return r;
    r = show(call, &item, number, &ret->reply, reterr);
    mr_desk_item_close(&item);
    if (r == 0)
        r = access_event(call, number, case_code, &ret->event);
    if (r < 0)
        mr_act_fini(ret);
    return r;
}
