/*
 * access.open: one login may look at the persons of a record for half an hour; access.look: the values of one
 * record. Each is an event before it is answered. Who may keep open what was opened is the caller's to say
 * (hub/http/grants.h).
 */
#include <string.h>

#include "event/hub.pb-c.h"
#include "hub/audit/access_reason.h"
#include "hub/audit/args.h"
#include "hub/audit/queries.h"
#include "hub/record/opened.h"
#include "proto/base/list.h"
#include "proto/wire/json.h"

static const int64_t open_us = 30LL * 60 * 1000000;

/* A record with persons, as somebody is to see it. */
struct look {
    const struct mr_method_call *call;
    uint64_t number;
    const char *reason, *case_code;
    struct mr_log_reader *reader;
    struct mr_record_view view;
    struct mr_opened opened;
};

static int read_args(struct look *look, struct mr_error *reterr)
{
    const struct mr_method_call *call = look->call;
    int r = mr_arg_number(call, "number", 1, INT64_MAX, 0, &look->number, reterr);

    if (r == 0 && look->number == 0)
        r = mr_error_set(reterr, MR_EINVAL, "number", "give a log number", "it is not said which record");
    return r < 0 ? r : mr_arg_access(call, &look->reason, &look->case_code, reterr);
}

static int refused(int r, struct mr_error *reterr)
{
    if (r == MR_EBLOCKED || r == MR_EDESTROYED)
        return mr_error_set(reterr, r, "number", "an erasure is on its way or done: marshrut erase list",
                "this person's data may not be looked at");
    return r;
}

static int open_record(struct look *look, struct mr_error *reterr)
{
    const struct mr_record *record = &look->view.record;
    int r = mr_log_reader_open(look->call->house->log, &look->reader);

    if (r == 0)
        r = mr_log_read(look->reader, look->number, &look->view, reterr);
    if (r == MR_ENOTFOUND)
        r = mr_error_set(reterr, r, "number", "the log begins at 1", "the log ends at %llu",
                (unsigned long long)mr_log_reader_head(look->reader));
    if (r < 0)
        return r;
    if (!(record->flags & MR_RECORD_SEALED) || record->flags & MR_RECORD_QUARANTINED)
        return mr_error_set(reterr, MR_EINVAL, "number",
                "what stands openly: log show; what waits for correction: quarantine show",
                "this record has no values of persons to open");
    r = mr_opened_read(&look->opened, look->call->house, record, MR_PURPOSE_SHOW, reterr);
    if (r == 0 && look->opened.unsealed.persons_count == 0)
        r = mr_error_set(reterr, MR_EINVAL, "number", "look at one that is about a person",
                "this record is about no person");
    return refused(r, reterr);
}

static void close_record(struct look *look)
{
    mr_opened_fini(&look->opened);
    if (look->reader)
        mr_log_reader_close(look->reader);
}

static const char *role_of(const struct mr_method_call *call)
{
    return mr_config_operator_has(call->house->config, call->operator_name, "pd-officer") ? "pd-officer"
                                                                                          : "auditor";
}

int mr_act_access_open(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    Nms__Event__V1__HubAccessGranted granted = NMS__EVENT__V1__HUB_ACCESS_GRANTED__INIT;
    struct look look = {.call = call};
    int r;

    *ret = (struct mr_act){0};
    mr_opened_init(&look.opened);
    r = read_args(&look, reterr);
    if (r == 0)
        r = open_record(&look, reterr);
    close_record(&look);
    if (r < 0)
        return r;
    granted.number = look.number;
    granted.reason = (char *)look.reason;
    granted.case_code = (char *)look.case_code;
    granted.until_us = mr_clock_wall_us(call->house->clock) + open_us;
    r = mr_act_event(call, ret, "hub.access.granted.v1", role_of(call), &granted.base);
    if (r == 0)
        ret->reply = json_pack("{s:I, s:s, s:s, s:o}", "record", (json_int_t)look.number, "reason",
                look.reason, "case", look.case_code, "until", mr_time_json(granted.until_us));
    if (r < 0)
        mr_act_fini(ret);
    return r;
}

/* ---- looking ---- */

/* Is somebody of the opened record also of the record that was allowed? By ids, which stay after a merge. */
static int of_the_same_person(struct look *look, uint64_t allowed, struct mr_error *reterr)
{
    struct mr_record_view view;
    struct mr_opened opened;
    bool same = false;
    int r;

    mr_opened_init(&opened);
    r = mr_log_read(look->reader, allowed, &view, reterr);
    if (r == 0)
        r = refused(
                mr_opened_read(&opened, look->call->house, &view.record, MR_PURPOSE_SHOW, reterr), reterr);
    for (size_t i = 0; r == 0 && i < opened.unsealed.persons_count; i++)
        for (size_t j = 0; j < look->opened.unsealed.persons_count; j++)
            same |= memcmp(opened.unsealed.persons[i].id, look->opened.unsealed.persons[j].id,
                            MR_PERSON_ID_BYTES) == 0;
    mr_opened_fini(&opened);
    if (r == 0 && !same)
        r = mr_error_set(reterr, MR_EDENIED, "number", "say a reason and a case for this one",
                "what was opened is another person");
    return r;
}

/* `allowed`: a record for whose persons this was opened, `granted`: by which event; the caller's to know. */
static int read_allowed(struct look *look, uint64_t *ret_granted, struct mr_error *reterr)
{
    uint64_t allowed;
    int r = mr_arg_number(look->call, "allowed", 0, INT64_MAX, 0, &allowed, reterr);

    if (r == 0)
        r = mr_arg_number(look->call, "granted", 0, INT64_MAX, 0, ret_granted, reterr);
    return r < 0 || allowed == 0 || allowed == look->number ? r : of_the_same_person(look, allowed, reterr);
}

static int logged(const struct look *look, uint64_t granted, struct mr_act *ret)
{
    Nms__Event__V1__HubAccessLogged event = NMS__EVENT__V1__HUB_ACCESS_LOGGED__INIT;

    event.method = (char *)"access.look";
    event.by = (char *)"number";
    event.case_code = (char *)look->case_code;
    event.found = 1;
    event.number = look->number;
    event.reason = (char *)look->reason;
    event.granted = granted;
    return mr_act_event(look->call, ret, "hub.access.logged.v1", role_of(look->call), &event.base);
}

int mr_act_access_look(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    struct look look = {.call = call};
    json_t *event = NULL;
    uint64_t granted;
    int r;

    *ret = (struct mr_act){0};
    mr_opened_init(&look.opened);
    r = read_args(&look, reterr);
    if (r == 0)
        r = open_record(&look, reterr);
    if (r == 0)
        r = read_allowed(&look, &granted, reterr);
    if (r == 0)
        r = mr_event_to_json(mr_buf_slice(&look.opened.unsealed.bytes), &event, reterr);
    if (r == 0)
        r = logged(&look, granted, ret);
    close_record(&look);
    if (r == 0)
        ret->reply = json_pack("{s:I, s:O}", "record", (json_int_t)look.number, "event", event);
    json_decref(event);
    if (r < 0)
        mr_act_fini(ret);
    return r;
}
