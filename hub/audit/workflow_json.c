#include "hub/audit/workflow_json.h"

#include "proto/base/hex.h"

static json_t *steps_json(enum mr_workflow_state state)
{
    json_t *steps = json_array();

    for (int i = 0; i < MR_PASSPORT_ACTIONS; i++) {
        enum mr_workflow_action action = (enum mr_workflow_action)i;

        if (mr_workflow_action_possible(action, state))
            (void)json_array_append_new(
                    steps, json_pack("{s:s, s:s}", "step", mr_workflow_action_name(action), "roles",
                                   mr_workflow_action_roles(action)));
    }
    return steps;
}

json_t *mr_workflow_json(const struct mr_workflow_row *row)
{
    char digest[65], tag[MR_WORKFLOW_TAG_MAX];

    mr_workflow_tag(row, tag);
    return json_pack("{s:s, s:s, s:i, s:I, s:s, s:s, s:o}", "state", mr_workflow_state_name(row->state),
            "title", mr_workflow_state_title(row->state), "version", (int)row->version, "as_of",
            (json_int_t)row->as_of, "digest",
            row->version ? mr_hex_encode(row->digest, sizeof row->digest, digest) : "", "tag", tag, "steps",
            steps_json(row->state));
}

int mr_workflow_stored(struct mr_log *log, uint32_t version, const char *argument, struct mr_buf *out,
        struct mr_error *reterr)
{
    int r = mr_workflow_document(log, version, out);

    if (r == MR_ENOTFOUND)
        r = mr_error_set(reterr, r, argument, "submit it first", "no such version was submitted");
    return r;
}
