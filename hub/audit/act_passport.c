/* passport.set, override, submit, approve, handback, send, answer: each one event, with the rows that it
 * moves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/passport.pb-c.h"
#include "hub/audit/args.h"
#include "hub/audit/queries.h"
#include "hub/project/passport.h"
#include "hub/project/workflow.h"
#include "proto/base/hex.h"
#include "proto/wire/codec.h"
#include "proto/wire/digest.h"

enum { TEXT_BYTES_MAX = 2000, NUMBER_BYTES_MAX = 128, BASIS_BYTES_MAX = 500 };

struct acting {
    const struct mr_method_call *call;
    struct mr_act *act;
    struct mr_error *reterr;
    enum mr_workflow_action action;
    struct mr_workflow_row before, after;
    Nms__Event__V1__PassportVersion version;
    uint8_t file_digest[32];
};

/* Passport's event texts are read by everybody: names of people do not belong there, docs/passport.md says
 * so. */
static int text(const struct acting *a, const char *name, bool required, size_t max, char **ret)
{
    const char *value;
    int r = mr_arg_text(a->call, name, required, max, &value, a->reterr);

    *ret = (char *)value;
    return r;
}

static int date(const struct acting *a, const char *name, bool required, char **ret)
{
    int r = text(a, name, required, 10, ret);

    if (r == 0 && **ret && !mr_fact_date(*ret))
        r = mr_error_set(a->reterr, MR_EINVAL, name, "write it as 2026-03-01", "no date");
    return r;
}

/* The file that proves a value: its name and SHA-256; the file itself stays with who has it. */
static int file(struct acting *a, char **ret_name, ProtobufCBinaryData *ret_digest)
{
    const char *hex;
    int r = text(a, "file_name", false, BASIS_BYTES_MAX, ret_name);

    if (r == 0)
        r = mr_arg_text(a->call, "file_sha256", false, 2 * sizeof a->file_digest, &hex, a->reterr);
    if (r < 0 || !*hex)
        return r;
    if (mr_hex_decode(hex, strlen(hex), a->file_digest, sizeof a->file_digest) < 0)
        return mr_error_set(a->reterr, MR_EINVAL, "file_sha256", "give 64 hexadecimal digits", "no SHA-256");
    *ret_digest = (ProtobufCBinaryData){.len = sizeof a->file_digest, .data = a->file_digest};
    return 0;
}

/* The first of the action's roles that the operator has: method_allowed saw to it that there is one. */
static void role_of(const struct acting *a, char *out, size_t size)
{
    const char *roles = mr_workflow_action_roles(a->action);

    out[0] = '\0';
    for (const char *role = roles; *role;) {
        size_t length = strcspn(role, ",");

        (void)snprintf(out, size, "%.*s", (int)length, role);
        if (mr_config_operator_has(a->call->house->config, a->call->operator_name, out))
            return;
        role += length + (role[length] == ',');
    }
}

static int build_event(struct acting *a, const ProtobufCMessage *payload)
{
    const struct mr_house *house = a->call->house;
    struct mr_uuid7 generator = {0};
    uint8_t uuid[MR_UUID_BYTES];
    char id[MR_UUID_TEXT_MAX], time[MR_TIME_TEXT_MAX], role[32];
    int64_t now = mr_clock_wall_us(house->clock);
    struct mr_attributes attributes = {.source = house->config->hub.source,
            .type = mr_workflow_action_type(a->action),
            .regioncode = house->config->region,
            .actor = a->call->operator_name};

    mr_uuid7_next(&generator, now, uuid);
    role_of(a, role, sizeof role);
    attributes.id = mr_uuid_format(uuid, id);
    attributes.time = mr_time_format(now, time);
    attributes.actorrole = role;
    return mr_event_encode(&a->act->event, &attributes, payload);
}

static int add_state_row(struct acting *a)
{
    struct mr_act_row *row = &a->act->rows[a->act->rows_count++];

    row->table = MR_LOG_DOCUMENT;
    mr_workflow_key_state(&row->key);
    return mr_workflow_encode(&row->value, &a->after);
}

static int reply(struct acting *a)
{
    char digest[65];

    a->act->reply = json_pack("{s:s, s:s, s:i, s:s, s:s}", "state", mr_workflow_state_name(a->after.state),
            "title", mr_workflow_state_title(a->after.state), "version", (int)a->after.version, "digest",
            a->after.version ? mr_hex_encode(a->after.digest, sizeof a->after.digest, digest) : "", "type",
            mr_workflow_action_type(a->action));
    return a->act->reply ? 0 : MR_ENOMEM;
}

static int begin(struct acting *a, const struct mr_method_call *call, enum mr_workflow_action action,
        struct mr_act *act, struct mr_error *reterr)
{
    int r;

    *a = (struct acting){.call = call, .act = act, .reterr = reterr, .action = action};
    *act = (struct mr_act){0};
    nms__event__v1__passport_version__init(&a->version);
    r = mr_workflow_read(call->house->log, &a->before);
    return r < 0 ? r : mr_workflow_step(&a->before, action, &a->after, reterr);
}

/* The event, the state row unless the state stays, the reply; everything is undone on failure. */
static int finish(struct acting *a, int r, const ProtobufCMessage *payload)
{
    if (r == 0)
        r = build_event(a, payload);
    if (r == 0 && memcmp(&a->before, &a->after, sizeof a->before) != 0)
        r = add_state_row(a);
    if (r == 0)
        r = reply(a);
    if (r < 0)
        mr_act_fini(a->act);
    return r;
}

/* Campaign of the version that is under way, out of its stored document. */
static int stored_campaign(struct acting *a, json_t **ret)
{
    struct mr_buf bytes = MR_BUF_INIT;
    int r = mr_workflow_document(a->call->house->log, a->before.version, &bytes);

    *ret = r == 0 ? json_loadb((const char *)bytes.data, bytes.size, 0, NULL) : NULL;
    mr_buf_fini(&bytes);
    return r < 0 ? r : *ret ? 0 : MR_ECORRUPT;
}

static void fill_version(struct acting *a, const char *campaign)
{
    a->version.campaign_id = (char *)campaign;
    a->version.region_code = a->call->house->config->region;
    a->version.version = a->after.version;
    a->version.digest = (ProtobufCBinaryData){.len = sizeof a->after.digest, .data = a->after.digest};
}

/* ---- values ---- */

static int section_of(const struct acting *a, const char *cell, int32_t *ret)
{
    uint64_t section;
    int r;

    if (cell[0] < '1' || cell[0] > '8' || cell[1] != '.')
        return mr_error_set(a->reterr, MR_EINVAL, "cell",
                "begin it with the section and a point, as in 3.premises", "no code of a cell");
    *ret = cell[0] - '0';
    r = mr_arg_number(a->call, "section", 1, 8, (uint64_t)*ret, &section, a->reterr);
    if (r == 0 && section != (uint64_t)*ret)
        r = mr_error_set(a->reterr, MR_EINVAL, "section", "leave it out", "the cell is of another section");
    return r;
}

int mr_act_passport_set(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    Nms__Event__V1__PassportSectionFilled m = NMS__EVENT__V1__PASSPORT_SECTION_FILLED__INIT;
    Nms__Event__V1__PassportCell cell = NMS__EVENT__V1__PASSPORT_CELL__INIT, *cells[] = {&cell};
    struct mr_passport passport = {0};
    struct acting a;
    int r = begin(&a, call, MR_PASSPORT_SET, ret, reterr);

    if (r == 0)
        r = text(&a, "cell", true, MR_CELL_CODE_MAX - 1, &cell.cell);
    if (r == 0)
        r = section_of(&a, cell.cell, &m.section);
    if (r == 0)
        r = text(&a, "value", true, MR_CELL_VALUE_MAX - 1, &cell.value);
    if (r == 0)
        r = text(&a, "unit", false, 31, &cell.unit);
    if (r == 0)
        r = text(&a, "oktmo", false, 8, &m.oktmo);
    if (r == 0)
        r = text(&a, "basis", true, BASIS_BYTES_MAX, &m.basis);
    if (r == 0)
        r = file(&a, &m.file_name, &m.file_digest);
    if (r == 0)
        r = mr_passport_open(&passport, call->house, 0, reterr);
    if (r < 0)
        return r;
    if (mr_cells_find(passport.cells, cell.cell) &&
            strcmp(mr_cells_find(passport.cells, cell.cell)->state, "entered") != 0)
        r = mr_error_set(reterr, MR_EINVAL, "cell", "use passport override, with the reason",
                "this cell is computed from events");
    m.campaign_id = (char *)mr_passport_campaign(&passport);
    m.region_code = call->house->config->region;
    m.cells = cells;
    m.n_cells = 1;
    r = finish(&a, r, &m.base);
    mr_passport_fini(&passport);
    return r;
}

int mr_act_passport_override(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    Nms__Event__V1__PassportSectionOverridden m = NMS__EVENT__V1__PASSPORT_SECTION_OVERRIDDEN__INIT;
    Nms__Event__V1__PassportCell cell = NMS__EVENT__V1__PASSPORT_CELL__INIT;
    struct mr_passport passport = {0};
    const struct mr_cell *found;
    struct acting a;
    int r = begin(&a, call, MR_PASSPORT_OVERRIDE, ret, reterr);

    if (r == 0)
        r = text(&a, "cell", true, MR_CELL_CODE_MAX - 1, &cell.cell);
    if (r == 0)
        r = text(&a, "value", true, MR_CELL_VALUE_MAX - 1, &cell.value);
    if (r == 0)
        r = text(&a, "reason", true, BASIS_BYTES_MAX, &m.reason);
    if (r == 0)
        r = text(&a, "oktmo", false, 8, &m.oktmo);
    if (r == 0)
        r = file(&a, &m.file_name, &m.file_digest);
    if (r == 0)
        r = mr_passport_open(&passport, call->house, 0, reterr);
    if (r < 0)
        return r;
    found = mr_cells_find(passport.cells, cell.cell);
    if (!found || strcmp(found->state, "entered") == 0) {
        r = mr_error_set(reterr, found ? MR_EINVAL : MR_ENOTFOUND, "cell",
                "use passport set for values without events", "no computed cell of this code");
    } else {
        m.section = found->section;
        m.computed_value = (char *)(found->computed[0] ? found->computed : found->value);
        cell.unit = (char *)found->unit;
    }
    m.campaign_id = (char *)mr_passport_campaign(&passport);
    m.region_code = call->house->config->region;
    m.cell = &cell;
    r = finish(&a, r, &m.base);
    mr_passport_fini(&passport);
    return r;
}

/* ---- steps ---- */

static int add_document(struct acting *a, struct mr_passport *passport)
{
    struct mr_act_row *row = &a->act->rows[a->act->rows_count++];

    row->table = MR_LOG_DOCUMENT;
    a->after.version = a->before.version + 1;
    a->after.as_of = passport->facts.through;
    passport->version = a->after.version;
    mr_workflow_key_version(&row->key, a->after.version);
    return mr_passport_canonical(passport, &row->value, a->after.digest);
}

int mr_act_passport_submit(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    Nms__Event__V1__PassportFilled m = NMS__EVENT__V1__PASSPORT_FILLED__INIT;
    struct mr_passport passport = {0};
    struct acting a;
    int r = begin(&a, call, MR_PASSPORT_SUBMIT, ret, reterr);

    if (r == 0)
        r = text(&a, "note", false, TEXT_BYTES_MAX, &m.note);
    if (r == 0)
        r = mr_passport_open(&passport, call->house, 0, reterr);
    if (r < 0)
        return r;
    r = add_document(&a, &passport);
    fill_version(&a, mr_passport_campaign(&passport));
    m.passport = &a.version;
    r = finish(&a, r, &m.base);
    mr_passport_fini(&passport);
    return r;
}

/* A step over the version that is under way: the payload's texts are read, its version is filled in here. */
static int step(
        struct acting *a, int r, Nms__Event__V1__PassportVersion **version, const ProtobufCMessage *payload)
{
    json_t *document = NULL;

    if (r == 0)
        r = stored_campaign(a, &document);
    if (r == 0) {
        fill_version(a, json_string_value(json_object_get(document, "campaign")));
        *version = &a->version;
    }
    r = finish(a, r, payload);
    json_decref(document);
    return r;
}

int mr_act_passport_approve(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    Nms__Event__V1__PassportApproved m = NMS__EVENT__V1__PASSPORT_APPROVED__INIT;
    struct acting a;
    int r = begin(&a, call, MR_PASSPORT_APPROVE, ret, reterr);

    if (r == 0)
        r = text(&a, "order_number", false, NUMBER_BYTES_MAX, &m.order_number);
    if (r == 0)
        r = date(&a, "order_date", false, &m.order_date);
    return step(&a, r, &m.passport, &m.base);
}

int mr_act_passport_handback(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    Nms__Event__V1__PassportHandedback m = NMS__EVENT__V1__PASSPORT_HANDEDBACK__INIT;
    struct acting a;
    int r = begin(&a, call, MR_PASSPORT_HANDBACK, ret, reterr);

    if (r == 0)
        r = text(&a, "reason", true, TEXT_BYTES_MAX, &m.reason);
    return step(&a, r, &m.passport, &m.base);
}

int mr_act_passport_send(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    Nms__Event__V1__PassportSent m = NMS__EVENT__V1__PASSPORT_SENT__INIT;
    struct acting a;
    int r = begin(&a, call, MR_PASSPORT_SEND, ret, reterr);

    if (r == 0)
        r = text(&a, "letter_number", true, NUMBER_BYTES_MAX, &m.letter_number);
    if (r == 0)
        r = date(&a, "letter_date", true, &m.letter_date);
    if (r == 0)
        r = text(&a, "channel", false, 16, &m.channel);
    if (r == 0 && !m.channel[0])
        m.channel = (char *)"letter";
    return step(&a, r, &m.passport, &m.base);
}

static int answer_agreed(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    Nms__Event__V1__PassportAgreed m = NMS__EVENT__V1__PASSPORT_AGREED__INIT;
    struct acting a;
    int r = begin(&a, call, MR_PASSPORT_AGREE, ret, reterr);

    if (r == 0)
        r = text(&a, "letter_number", false, NUMBER_BYTES_MAX, &m.letter_number);
    if (r == 0)
        r = date(&a, "letter_date", false, &m.letter_date);
    return step(&a, r, &m.passport, &m.base);
}

static int answer_returned(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    Nms__Event__V1__PassportReturned m = NMS__EVENT__V1__PASSPORT_RETURNED__INIT;
    struct acting a;
    int r = begin(&a, call, MR_PASSPORT_RETURN, ret, reterr);

    if (r == 0)
        r = text(&a, "letter_number", false, NUMBER_BYTES_MAX, &m.letter_number);
    if (r == 0)
        r = date(&a, "letter_date", false, &m.letter_date);
    if (r == 0)
        r = text(&a, "reason", true, TEXT_BYTES_MAX, &m.reason);
    return step(&a, r, &m.passport, &m.base);
}

int mr_act_passport_answer(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    const char *answer;
    int r = mr_arg_text(call, "answer", true, 16, &answer, reterr);

    if (r < 0)
        return r;
    if (strcmp(answer, "agreed") == 0)
        return answer_agreed(call, ret, reterr);
    if (strcmp(answer, "returned") == 0)
        return answer_returned(call, ret, reterr);
    return mr_error_set(reterr, MR_EINVAL, "answer", "say agreed or returned", "no such answer");
}
