/* access.list: who looked at whom and why, newest first; access.reasons. The events name nobody
 * (proto/schema/event/hub.proto): whose the records are is asked of log.find-person. */
#include <stdlib.h>
#include <string.h>

#include "event/hub.pb-c.h"
#include "hub/audit/access_reason.h"
#include "hub/audit/args.h"
#include "hub/audit/queries.h"
#include "hub/audit/search.h"
#include "hub/record/opened.h"

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 1000, NAME_MAX_BYTES = 64 };

struct journal {
    const struct mr_method_call *call;
    struct mr_search search;
    struct mr_opened opened;
    const char *who, *case_code, *reason;
    uint64_t record, limit;
    json_t **ring; /* the last `limit` ones */
    uint64_t found;
};

static int read_args(struct journal *j, struct mr_error *reterr)
{
    const struct mr_method_call *call = j->call;
    uint64_t before;
    int r = mr_arg_text(call, "who", false, NAME_MAX_BYTES, &j->who, reterr);

    if (r == 0)
        r = mr_arg_text(call, "case", false, NAME_MAX_BYTES, &j->case_code, reterr);
    if (r == 0)
        r = mr_arg_text(call, "reason", false, MR_ACCESS_REASON_MAX, &j->reason, reterr);
    if (r == 0)
        r = mr_arg_number(call, "record", 0, INT64_MAX, 0, &j->record, reterr);
    if (r == 0)
        r = mr_arg_number(call, "before", 0, INT64_MAX, 0, &before, reterr);
    if (r == 0)
        r = mr_arg_number(call, "limit", 1, LIMIT_MAX, LIMIT_DEFAULT, &j->limit, reterr);
    if (r == 0)
        r = mr_arg_time(call, "from", &j->search.from_us, reterr);
    if (r == 0)
        r = mr_arg_time(call, "to", &j->search.to_us, reterr);
    j->search.type = "hub.access.";
    j->search.last = r == 0 && before > 1 ? before - 1 : 0;
    return r;
}

/* What the two events say, alike. */
struct said {
    const char *method, *by, *case_code, *reason;
    uint64_t record, granted;
    uint32_t found;
    int64_t until_us;
};

static struct said said_of(const struct mr_event *event)
{
    const void *payload = event->payload;

    if (event->payload->descriptor == &nms__event__v1__hub_access_granted__descriptor) {
        const Nms__Event__V1__HubAccessGranted *m = payload;

        return (struct said){.method = "access.open",
                .by = "number",
                .case_code = m->case_code,
                .reason = m->reason,
                .record = m->number,
                .until_us = m->until_us};
    }
    const Nms__Event__V1__HubAccessLogged *m = payload;

    return (struct said){.method = m->method,
            .by = m->by,
            .case_code = m->case_code,
            .reason = m->reason,
            .record = m->number,
            .granted = m->granted,
            .found = m->found};
}

static bool matches(const struct journal *j, const struct said *said, const char *who)
{
    return (!*j->who || strcmp(j->who, who) == 0) &&
           (!*j->case_code || strcmp(j->case_code, said->case_code) == 0) &&
           (!*j->reason || strcmp(j->reason, said->reason) == 0) && (!j->record || j->record == said->record);
}

/* All keys in each line: the tool makes a table of them. */
static json_t *line(const struct mr_record *record, const struct said *said, const struct mr_attributes *a)
{
    return json_pack("{s:I, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:o}", "number",
            (json_int_t)record->number, "at", mr_time_json(record->recorded_us), "who",
            a->actor ? a->actor : "", "role", a->actorrole ? a->actorrole : "", "method", said->method, "by",
            said->by, "case", said->case_code, "reason", said->reason, "record", (json_int_t)said->record,
            "granted", (json_int_t)said->granted, "found", (json_int_t)said->found, "until",
            mr_time_json(said->until_us));
}

static int on_record(void *ctx, const struct mr_record *record)
{
    struct journal *j = ctx;
    const struct mr_attributes *a = &j->opened.event.a;
    struct said said;
    json_t *json;
    int r = mr_opened_read(&j->opened, j->call->house, record, MR_PURPOSE_SHOW, NULL);

    if (r < 0 || !j->opened.event.payload)
        return r == MR_ENOMEM ? r : 0;
    said = said_of(&j->opened.event);
    if (!matches(j, &said, a->actor ? a->actor : ""))
        return 0;
    json = line(record, &said, a);
    if (!json)
        return MR_ENOMEM;
    json_decref(j->ring[j->found % j->limit]);
    j->ring[j->found++ % j->limit] = json;
    return 0;
}

static json_t *page(const struct journal *j)
{
    uint64_t count = j->found < j->limit ? j->found : j->limit, next = 0;
    json_t *items = json_array();

    for (uint64_t i = 1; i <= count; i++) {
        json_t *json = j->ring[(j->found - i) % j->limit];

        next = (uint64_t)json_integer_value(json_object_get(json, "number"));
        (void)json_array_append(items, json);
    }
    return json_pack("{s:o, s:I, s:I}", "items", items, "found", (json_int_t)j->found, "next",
            (json_int_t)(j->found > j->limit ? next : 0));
}

int mr_query_access_list(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct journal j = {.call = call};
    uint64_t next;
    int r = read_args(&j, reterr);

    if (r < 0)
        return r;
    j.ring = calloc(j.limit, sizeof(json_t *));
    if (!j.ring)
        return MR_ENOMEM;
    mr_opened_init(&j.opened);
    r = mr_search_run(call->house, &j.search, on_record, &j, &next, reterr);
    if (r == 0)
        r = emit(ctx, page(&j));
    for (uint64_t i = 0; i < j.limit; i++)
        json_decref(j.ring[i]);
    mr_opened_fini(&j.opened);
    free(j.ring);
    return r;
}

int mr_query_access_reasons(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    (void)reterr;
    return emit(ctx, json_pack("{s:o}", "reasons", mr_access_reasons_json(call->house->config)));
}
