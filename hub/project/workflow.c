#include "hub/project/workflow.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/bytes.h"
#include "proto/base/list.h"

enum { ROW_VERSION = 1, ROW_BYTES = 1 + 1 + 4 + 8 + 32 };

static const struct {
    const char *name, *title;
} states[MR_PASSPORT_STATES] = {
        [MR_PASSPORT_DRAFT] = {"draft", "заполняется"},
        [MR_PASSPORT_SUBMITTED] = {"submitted", "передан в министерство"},
        [MR_PASSPORT_HANDED_BACK] = {"handed-back", "возвращён в ЦНППМ"},
        [MR_PASSPORT_APPROVED] = {"approved", "утверждён"},
        [MR_PASSPORT_SENT] = {"sent", "направлен Федеральному оператору"},
        [MR_PASSPORT_AGREED] = {"agreed", "согласован"},
        [MR_PASSPORT_RETURNED] = {"returned", "возвращён Федеральным оператором"},
};

#define IN(state) (1u << MR_PASSPORT_##state)
enum { FILLING = IN(DRAFT) | IN(HANDED_BACK) | IN(RETURNED) | IN(AGREED) };

/* verb: what can be done, as the cure says it. An agreed passport stays as it is: a new version begins beside
 * it. */
static const struct {
    unsigned from; /* bits of states */
    enum mr_workflow_state to;
    bool stays;
    const char *name, *verb, *type, *roles;
} actions[MR_PASSPORT_ACTIONS] = {
        [MR_PASSPORT_SET] = {FILLING, 0, true, "set", "filled", "nms.passport.section.filled.v1",
                "cnppm,mms,ipk"},
        [MR_PASSPORT_OVERRIDE] = {FILLING, 0, true, "override", "overridden",
                "nms.passport.section.overridden.v1", "cnppm"},
        [MR_PASSPORT_SUBMIT] = {FILLING, MR_PASSPORT_SUBMITTED, false, "submit", "submitted",
                "nms.passport.filled.v1", "cnppm"},
        [MR_PASSPORT_APPROVE] = {IN(SUBMITTED), MR_PASSPORT_APPROVED, false, "approve", "approved",
                "nms.passport.approved.v1", "ministry"},
        [MR_PASSPORT_HANDBACK] = {IN(SUBMITTED), MR_PASSPORT_HANDED_BACK, false, "handback", "handed back",
                "nms.passport.handedback.v1", "ministry"},
        [MR_PASSPORT_SEND] = {IN(APPROVED), MR_PASSPORT_SENT, false, "send", "sent", "nms.passport.sent.v1",
                "ministry"},
        [MR_PASSPORT_AGREE] = {IN(SENT), MR_PASSPORT_AGREED, false, "agree", "answered (agreed)",
                "nms.passport.agreed.v1", "federal"},
        [MR_PASSPORT_RETURN] = {IN(SENT), MR_PASSPORT_RETURNED, false, "return", "answered (returned)",
                "nms.passport.returned.v1", "federal"},
        [MR_PASSPORT_COPY] = {IN(APPROVED) | IN(SENT) | IN(AGREED), 0, true, "copied",
                "marked as copied to the cabinet", "nms.passport.section.copied.v1", "cnppm,ministry"},
};

const char *mr_workflow_state_name(enum mr_workflow_state state)
{
    return states[state].name;
}

const char *mr_workflow_state_title(enum mr_workflow_state state)
{
    return states[state].title;
}

const char *mr_workflow_action_type(enum mr_workflow_action action)
{
    return actions[action].type;
}

const char *mr_workflow_action_roles(enum mr_workflow_action action)
{
    return actions[action].roles;
}

const char *mr_workflow_action_name(enum mr_workflow_action action)
{
    return actions[action].name;
}

bool mr_workflow_action_possible(enum mr_workflow_action action, enum mr_workflow_state state)
{
    return (actions[action].from & (1u << state)) != 0;
}

bool mr_workflow_action_of_cells(enum mr_workflow_action action)
{
    return actions[action].stays;
}

/* Each version is submitted once and passes each state once. */
void mr_workflow_tag(const struct mr_workflow_row *row, char ret[static MR_WORKFLOW_TAG_MAX])
{
    (void)snprintf(ret, MR_WORKFLOW_TAG_MAX, "%s-%u", states[row->state].name, row->version);
}

/* "approved or handed back" */
static void possible(enum mr_workflow_state state, char *out, size_t size)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < MR_COUNT(actions) && at < size; i++)
        if (mr_workflow_action_possible((enum mr_workflow_action)i, state))
            at += (size_t)snprintf(out + at, size - at, "%s%s", at ? " or " : "", actions[i].verb);
}

int mr_workflow_step(const struct mr_workflow_row *from, enum mr_workflow_action action,
        struct mr_workflow_row *ret, struct mr_error *reterr)
{
    char can[160];

    if (!mr_workflow_action_possible(action, from->state)) {
        possible(from->state, can, sizeof can);
        return mr_error_set(reterr, MR_EINVAL, "passport",
                "take one of these steps; docs/passport.md says by whom", "passport v%u is %s; it can be %s",
                from->version, states[from->state].name, can);
    }
    *ret = *from;
    if (!actions[action].stays)
        ret->state = actions[action].to;
    return 0;
}

void mr_workflow_key_state(struct mr_buf *out)
{
    mr_buf_put_str(out, "passport/state");
}

void mr_workflow_key_version(struct mr_buf *out, uint32_t version)
{
    mr_buf_put_str(out, "passport/version/");
    mr_buf_put_be32(out, version);
}

int mr_workflow_encode(struct mr_buf *out, const struct mr_workflow_row *row)
{
    mr_buf_put_u8(out, ROW_VERSION);
    mr_buf_put_u8(out, (uint8_t)row->state);
    mr_buf_put_be32(out, row->version);
    mr_buf_put_be64(out, row->as_of);
    mr_buf_put(out, row->digest, sizeof row->digest);
    return mr_buf_failed(out) ? MR_ENOMEM : 0;
}

int mr_workflow_decode(struct mr_workflow_row *ret, struct mr_slice value)
{
    if (value.size != ROW_BYTES || value.data[0] != ROW_VERSION || value.data[1] >= MR_PASSPORT_STATES)
        return MR_ECORRUPT;
    ret->state = (enum mr_workflow_state)value.data[1];
    ret->version = mr_get_be32(value.data + 2);
    ret->as_of = mr_get_be64(value.data + 6);
    memcpy(ret->digest, value.data + 14, sizeof ret->digest);
    return 0;
}

static int read_row(struct mr_log *log, const struct mr_buf *key, struct mr_buf *out)
{
    struct mr_log_reader *reader;
    struct mr_slice value;
    int r = mr_buf_failed(key) ? MR_ENOMEM : mr_log_reader_open(log, &reader);

    if (r < 0)
        return r;
    r = mr_log_row(reader, MR_LOG_DOCUMENT, mr_buf_slice(key), &value);
    if (r == 0) {
        mr_buf_put_slice(out, value);
        r = mr_buf_failed(out) ? MR_ENOMEM : 0;
    }
    mr_log_reader_close(reader);
    return r;
}

int mr_workflow_read(struct mr_log *log, struct mr_workflow_row *ret)
{
    struct mr_buf key = MR_BUF_INIT, value = MR_BUF_INIT;
    int r;

    *ret = (struct mr_workflow_row){.state = MR_PASSPORT_DRAFT};
    mr_workflow_key_state(&key);
    r = read_row(log, &key, &value);
    if (r == 0)
        r = mr_workflow_decode(ret, mr_buf_slice(&value));
    mr_buf_fini(&key);
    mr_buf_fini(&value);
    return r == MR_ENOTFOUND ? 0 : r;
}

int mr_workflow_document(struct mr_log *log, uint32_t version, struct mr_buf *out)
{
    struct mr_buf key = MR_BUF_INIT;
    int r;

    mr_workflow_key_version(&key, version);
    r = read_row(log, &key, out);
    mr_buf_fini(&key);
    return r;
}
