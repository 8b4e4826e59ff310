/* passport.submit, approve, handback, send, answer: each one event, with the rows that it moves; and what the
 * acts on cells share with them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/passport.pb-c.h"
#include "hub/audit/act_passport.h"
#include "hub/audit/args.h"
#include "hub/audit/queries.h"
#include "proto/base/hex.h"
#include "proto/wire/codec.h"
#include "proto/wire/digest.h"

enum { TEXT_BYTES_MAX = 2000, NUMBER_BYTES_MAX = 128, TAG_BYTES_MAX = 80 };

int mr_passport_act_text(
        const struct mr_passport_act *a, const char *name, bool required, size_t max, char **ret)
{
    const char *value;
    int r = mr_arg_text(a->call, name, required, max, &value, a->reterr);

    *ret = (char *)value;
    return r;
}

static int date(const struct mr_passport_act *a, const char *name, bool required, char **ret)
{
    int r = mr_passport_act_text(a, name, required, 10, ret);

    if (r == 0 && **ret && !mr_fact_date(*ret))
        r = mr_error_set(a->reterr, MR_EINVAL, name, "write it as 2026-03-01", "no date");
    return r;
}

/* The first of the action's roles that the operator has: method_allowed saw to it that there is one. */
static void role_of(const struct mr_passport_act *a, char *out, size_t size)
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

static int build_event(struct mr_passport_act *a, const ProtobufCMessage *payload)
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

static int add_state_row(struct mr_passport_act *a)
{
    struct mr_act_row *row = &a->act->rows[a->act->rows_count++];

    row->table = MR_LOG_DOCUMENT;
    mr_workflow_key_state(&row->key);
    return mr_workflow_encode(&row->value, &a->after);
}

static int reply(struct mr_passport_act *a)
{
    char digest[65];

    a->act->reply = json_pack("{s:s, s:s, s:i, s:s, s:s}", "state", mr_workflow_state_name(a->after.state),
            "title", mr_workflow_state_title(a->after.state), "version", (int)a->after.version, "digest",
            a->after.version ? mr_hex_encode(a->after.digest, sizeof a->after.digest, digest) : "", "type",
            mr_workflow_action_type(a->action));
    return a->act->reply ? 0 : MR_ENOMEM;
}

/* The tag as If-Match has it: in quotes, weak or not. */
static const char *bare(const char *tag, size_t *ret_size)
{
    const char *at = strncmp(tag, "W/", 2) == 0 ? tag + 2 : tag;

    at += *at == '"';
    *ret_size = strcspn(at, "\"");
    return at;
}

int mr_passport_act_match(const struct mr_passport_act *a, const char *tag, const char *what)
{
    const char *given;
    size_t size;
    int r = mr_arg_text(a->call, "if_match", false, TAG_BYTES_MAX, &given, a->reterr);

    if (r < 0 || !*given || strcmp(given, "*") == 0)
        return r;
    given = bare(given, &size);
    if (strlen(tag) == size && strncmp(tag, given, size) == 0)
        return 0;
    return mr_error_set(a->reterr, MR_ECHANGED, "If-Match", "look at it again, then decide anew",
            "%s has changed since you looked at it: it is %s now, and was %.*s", what, tag, (int)size, given);
}

/* A step is over the version and its state; submit, with said, over the last value that was entered too, if
 * the tag tells it. */
static int match_step(const struct mr_passport_act *a, uint64_t said)
{
    char tag[MR_WORKFLOW_TAG_MAX];
    const char *given;
    size_t size;
    int r = mr_arg_text(a->call, "if_match", false, TAG_BYTES_MAX, &given, a->reterr);

    if (r < 0 || !*given)
        return r;
    given = bare(given, &size);
    mr_workflow_tag(&a->before, tag);
    if (strlen(tag) < size && strncmp(given, tag, strlen(tag)) == 0 && given[strlen(tag)] == '-') {
        if (!said)
            return 0;
        (void)snprintf(tag + strlen(tag), sizeof tag - strlen(tag), "-%llu", (unsigned long long)said);
    }
    return mr_passport_act_match(a, tag, "the passport");
}

int mr_passport_act_begin(struct mr_passport_act *a, const struct mr_method_call *call,
        enum mr_workflow_action action, struct mr_act *act, struct mr_error *reterr)
{
    int r;

    *a = (struct mr_passport_act){.call = call, .act = act, .reterr = reterr, .action = action};
    *act = (struct mr_act){0};
    nms__event__v1__passport_version__init(&a->version);
    r = mr_workflow_read(call->house->log, &a->before);
    if (r == 0 && !mr_workflow_action_of_cells(action))
        r = match_step(a, 0);
    return r < 0 ? r : mr_workflow_step(&a->before, action, &a->after, reterr);
}

int mr_passport_act_finish(struct mr_passport_act *a, int r, const ProtobufCMessage *payload)
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

int mr_passport_act_stored(struct mr_passport_act *a, json_t **ret)
{
    struct mr_buf bytes = MR_BUF_INIT;
    int r = mr_workflow_document(a->call->house->log, a->before.version, &bytes);

    *ret = r == 0 ? json_loadb((const char *)bytes.data, bytes.size, 0, NULL) : NULL;
    mr_buf_fini(&bytes);
    return r < 0 ? r : *ret ? 0 : MR_ECORRUPT;
}

void mr_passport_act_fill_version(struct mr_passport_act *a, const char *campaign)
{
    a->version.campaign_id = (char *)campaign;
    a->version.region_code = a->call->house->config->region;
    a->version.version = a->after.version;
    a->version.digest = (ProtobufCBinaryData){.len = sizeof a->after.digest, .data = a->after.digest};
}

/* ---- steps ---- */

static int add_document(struct mr_passport_act *a, struct mr_passport *passport)
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
    struct mr_passport_act a;
    int r = mr_passport_act_begin(&a, call, MR_PASSPORT_SUBMIT, ret, reterr);

    if (r == 0)
        r = mr_passport_act_text(&a, "note", false, TEXT_BYTES_MAX, &m.note);
    if (r == 0)
        r = mr_passport_open(&passport, call->house, 0, reterr);
    if (r < 0)
        return r;
    r = match_step(&a, mr_passport_said(&passport));
    if (r == 0)
        r = add_document(&a, &passport);
    mr_passport_act_fill_version(&a, mr_passport_campaign(&passport));
    m.passport = &a.version;
    r = mr_passport_act_finish(&a, r, &m.base);
    mr_passport_fini(&passport);
    return r;
}

/* A step over the version that is under way: the payload's texts are read, its version is filled in here. */
static int step(struct mr_passport_act *a, int r, Nms__Event__V1__PassportVersion **version,
        const ProtobufCMessage *payload)
{
    json_t *document = NULL;

    if (r == 0)
        r = mr_passport_act_stored(a, &document);
    if (r == 0) {
        mr_passport_act_fill_version(a, json_string_value(json_object_get(document, "campaign")));
        *version = &a->version;
    }
    r = mr_passport_act_finish(a, r, payload);
    json_decref(document);
    return r;
}

int mr_act_passport_approve(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    Nms__Event__V1__PassportApproved m = NMS__EVENT__V1__PASSPORT_APPROVED__INIT;
    struct mr_passport_act a;
    int r = mr_passport_act_begin(&a, call, MR_PASSPORT_APPROVE, ret, reterr);

    if (r == 0)
        r = mr_passport_act_text(&a, "order_number", false, NUMBER_BYTES_MAX, &m.order_number);
    if (r == 0)
        r = date(&a, "order_date", false, &m.order_date);
    return step(&a, r, &m.passport, &m.base);
}

int mr_act_passport_handback(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    Nms__Event__V1__PassportHandedback m = NMS__EVENT__V1__PASSPORT_HANDEDBACK__INIT;
    struct mr_passport_act a;
    int r = mr_passport_act_begin(&a, call, MR_PASSPORT_HANDBACK, ret, reterr);

    if (r == 0)
        r = mr_passport_act_text(&a, "reason", true, TEXT_BYTES_MAX, &m.reason);
    return step(&a, r, &m.passport, &m.base);
}

int mr_act_passport_send(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    Nms__Event__V1__PassportSent m = NMS__EVENT__V1__PASSPORT_SENT__INIT;
    struct mr_passport_act a;
    int r = mr_passport_act_begin(&a, call, MR_PASSPORT_SEND, ret, reterr);

    if (r == 0)
        r = mr_passport_act_text(&a, "letter_number", true, NUMBER_BYTES_MAX, &m.letter_number);
    if (r == 0)
        r = date(&a, "letter_date", true, &m.letter_date);
    if (r == 0)
        r = mr_passport_act_text(&a, "channel", false, 16, &m.channel);
    if (r == 0 && !m.channel[0])
        m.channel = (char *)"letter";
    return step(&a, r, &m.passport, &m.base);
}

static int answer_agreed(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    Nms__Event__V1__PassportAgreed m = NMS__EVENT__V1__PASSPORT_AGREED__INIT;
    struct mr_passport_act a;
    int r = mr_passport_act_begin(&a, call, MR_PASSPORT_AGREE, ret, reterr);

    if (r == 0)
        r = mr_passport_act_text(&a, "letter_number", false, NUMBER_BYTES_MAX, &m.letter_number);
    if (r == 0)
        r = date(&a, "letter_date", false, &m.letter_date);
    return step(&a, r, &m.passport, &m.base);
}

static int answer_returned(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr)
{
    Nms__Event__V1__PassportReturned m = NMS__EVENT__V1__PASSPORT_RETURNED__INIT;
    struct mr_passport_act a;
    int r = mr_passport_act_begin(&a, call, MR_PASSPORT_RETURN, ret, reterr);

    if (r == 0)
        r = mr_passport_act_text(&a, "letter_number", false, NUMBER_BYTES_MAX, &m.letter_number);
    if (r == 0)
        r = date(&a, "letter_date", false, &m.letter_date);
    if (r == 0)
        r = mr_passport_act_text(&a, "reason", true, TEXT_BYTES_MAX, &m.reason);
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
