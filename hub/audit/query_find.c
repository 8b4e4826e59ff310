/* log.find, and log.find-person, whose question is an event before its answer is seen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/hub.pb-c.h"
#include "hub/audit/args.h"
#include "hub/audit/queries.h"
#include "hub/audit/record_json.h"
#include "hub/audit/search_args.h"
#include "proto/base/hex.h"
#include "proto/wire/codec.h"
#include "proto/wire/digest.h"
#include "proto/wire/ident.h"
#include "store/person_look.h"

enum {
    ID_BYTES_MAX = 256,
    LIMIT_MAX = 1000,
    LIMIT_DEFAULT = 100,
    PERSON_LIMIT_MAX = 200,
    LOOKS_MAX = 200000,
};

struct find {
    const struct mr_method_call *call;
    struct mr_search search;
    uint64_t limit;
    bool count; /* only how many */
    uint64_t found, next;
    mr_emit_fn emit;
    void *ctx;
    json_t *matches; /* instead of emit */
};

static int read_args(struct find *f, uint64_t limit_max, struct mr_error *reterr)
{
    int r = mr_search_order(f->call, &f->search, reterr);

    if (r == 0)
        r = mr_search_args(f->call, &f->search, reterr);
    if (r == 0)
        r = mr_arg_number(f->call, "limit", 1, limit_max, LIMIT_DEFAULT, &f->limit, reterr);
    f->count = json_is_true(json_object_get(f->call->arguments, "count"));
    f->search.looks_max = LOOKS_MAX;
    return r;
}

/* 1: that was enough. */
static int on_record(void *ctx, const struct mr_record *record)
{
    struct find *f = ctx;
    json_t *json;
    int r;

    f->found++;
    if (f->count)
        return 0;
    json = mr_record_json(f->call->house, record);
    if (!json)
        return MR_ENOMEM;
    if (f->matches)
        r = json_array_append_new(f->matches, json) == 0 ? 0 : MR_ENOMEM;
    else
        r = f->emit(f->ctx, json);
    return r != 0 ? r : f->found == f->limit;
}

static int search(struct find *f, struct mr_error *reterr)
{
    int r = mr_search_run(f->call->house, &f->search, on_record, f, &f->next, reterr);

    return r == 1 && f->found == f->limit ? 0 : r;
}

int mr_query_log_find(const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr)
{
    struct find f = {.call = call, .emit = emit, .ctx = ctx};
    int r = read_args(&f, LIMIT_MAX, reterr);

    if (r == 0)
        r = search(&f, reterr);
    if (r != 0)
        return r;
    return emit(ctx, json_pack("{s:I, s:I}", "found", (json_int_t)f.found, "next", (json_int_t)f.next));
}

/* ---- a person ---- */

struct person {
    const char *how; /* "person", "snils", "local" */
    struct mr_person_part *parts;
    size_t parts_count;
};

static int person_missing(struct mr_error *reterr)
{
    return mr_error_set(reterr, MR_EINVAL, "person", "give one of: person, snils, local with its system",
            "it is not said whom to look for");
}

static int by_id(
        const struct mr_method_call *call, const char *text, struct person *ret, struct mr_error *reterr)
{
    uint8_t id[MR_PERSON_ID_BYTES];

    ret->how = "person";
    if (strlen(text) != 2 * sizeof id || mr_hex_decode(text, strlen(text), id, sizeof id) < 0)
        return mr_error_set(reterr, MR_EINVAL, "person",
                "take it from an event, or look by СНИЛС or by the id in a system",
                "this is no id of a person: those have 32 hexadecimal digits");
    return mr_person_look_id(call->house->keyring, id, &ret->parts, &ret->parts_count);
}

static int by_snils(
        const struct mr_method_call *call, const char *text, struct person *ret, struct mr_error *reterr)
{
    char digits[12];

    ret->how = "snils";
    if (mr_ident_snils_normalise(text, digits) < 0 || !mr_ident_snils_ok(digits))
        return mr_error_set(reterr, MR_EINVAL, "snils", "check its digits", "the СНИЛС is wrong");
    return mr_person_look(
            call->house->keyring, MR_IDENTIFIER_SNILS, mr_slice_str(digits), &ret->parts, &ret->parts_count);
}

static int by_local(const struct mr_method_call *call, const char *id, const char *system, struct person *ret)
{
    struct mr_buf value = MR_BUF_INIT;
    int r;

    ret->how = "local";
    mr_buf_put(&value, system, strlen(system) + 1);
    mr_buf_put_str(&value, id);
    r = mr_buf_failed(&value) ? MR_ENOMEM
                              : mr_person_look(call->house->keyring, MR_IDENTIFIER_LOCAL,
                                        mr_buf_slice(&value), &ret->parts, &ret->parts_count);
    mr_buf_wipe(&value);
    return r;
}

/* Nobody of that name is an answer too, and an event. */
static int find_person(const struct mr_method_call *call, struct person *ret, struct mr_error *reterr)
{
    const char *id, *snils, *local, *of;
    int r = mr_arg_text(call, "person", false, 64, &id, reterr);

    if (r == 0)
        r = mr_arg_text(call, "snils", false, 32, &snils, reterr);
    if (r == 0)
        r = mr_arg_text(call, "local", false, ID_BYTES_MAX, &local, reterr);
    if (r == 0)
        r = mr_arg_text(call, "local_system", false, 64, &of, reterr);
    if (r < 0)
        return r;
    if ((*id != 0) + (*snils != 0) + (*local && *of) != 1)
        return person_missing(reterr);
    r = *id      ? by_id(call, id, ret, reterr)
        : *snils ? by_snils(call, snils, ret, reterr)
                 : by_local(call, local, of, ret);
    if (r == MR_ENOTFOUND)
        return 0;
    if (r == MR_EBLOCKED || r == MR_EDESTROYED)
        return mr_error_set(reterr, r, "person", "an erasure is on its way or done: marshrut erase list",
                "this person's data may not be looked at");
    return r;
}

static int access_event(
        const struct find *f, const struct person *person, const char *case_code, struct mr_buf *out)
{
    const struct mr_house *house = f->call->house;
    Nms__Event__V1__HubAccessLogged logged = NMS__EVENT__V1__HUB_ACCESS_LOGGED__INIT;
    struct mr_uuid7 generator = {0};
    uint8_t uuid[MR_UUID_BYTES];
    char id[MR_UUID_TEXT_MAX], time[MR_TIME_TEXT_MAX];
    int64_t now = mr_clock_wall_us(house->clock);
    struct mr_attributes attributes = {.source = house->config->hub.source,
            .type = "hub.access.logged.v1",
            .regioncode = house->config->region,
            .actor = f->call->operator_name,
            .actorrole = mr_config_operator_has(house->config, f->call->operator_name, "auditor")
                                 ? "auditor"
                                 : "pd-officer"};

    logged.method = (char *)"log.find-person";
    logged.by = (char *)person->how;
    logged.case_code = (char *)case_code;
    logged.found = (uint32_t)f->found;
    mr_uuid7_next(&generator, now, uuid);
    attributes.id = mr_uuid_format(uuid, id);
    attributes.time = mr_time_format(now, time);
    return mr_event_encode(out, &attributes, &logged.base);
}

static int look_person(struct find *f, struct person *person, struct mr_error *reterr)
{
    int r = find_person(f->call, person, reterr);

    if (r < 0 || person->parts_count == 0)
        return r;
    f->search.parts = person->parts;
    f->search.parts_count = person->parts_count;
    return search(f, reterr);
}

int mr_act_log_find_person(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    struct find f = {.call = call, .matches = json_array()};
    struct person person = {0};
    const char *case_code;
    int r = mr_arg_case(call, &case_code, reterr);

    *ret = (struct mr_act){0};
    if (r == 0)
        r = read_args(&f, PERSON_LIMIT_MAX, reterr);
    if (r == 0)
        r = look_person(&f, &person, reterr);
    if (r == 0)
        r = access_event(&f, &person, case_code, &ret->event);
    if (r == 0) {
        ret->reply = json_pack("{s:b, s:I, s:I, s:O}", "known", person.parts_count > 0, "found",
                (json_int_t)f.found, "next", (json_int_t)f.next, "matches", f.matches);
        r = ret->reply ? 0 : MR_ENOMEM;
    }
    json_decref(f.matches);
    free(person.parts);
    return r;
}
