#include "hub/audit/quarantine_word.h"

#include "hub/audit/args.h"
#include "hub/desk/proposal.h"
#include "proto/base/list.h"

const char *mr_quarantine_role(const struct mr_method_call *call)
{
    static const char *const roles[] = {"pd-officer", "cnppm", "admin", "auditor"};
    size_t i = 0;

    while (i + 1 < MR_COUNT(roles) &&
            !mr_config_operator_has(call->house->config, call->operator_name, roles[i]))
        i++;
    return roles[i];
}

int mr_quarantine_word_read(
        struct mr_desk_word *ret, const struct mr_method_call *call, bool required, struct mr_error *reterr)
{
    ret->operator_name = call->operator_name;
    ret->role = mr_quarantine_role(call);
    return mr_arg_reference(call, "reason", required, "a code or the number of a case", &ret->reason, reterr);
}

int mr_quarantine_needs_hub(const struct mr_method_call *call, struct mr_error *reterr)
{
    return call->desk ? 0
                      : mr_error_set(reterr, MR_ECLOSED, "hub", "start the hub",
                                "this needs a running hub, and none is running");
}

json_t *mr_quarantine_proposal_json(struct mr_log_reader *reader, uint64_t number)
{
    mr_proposal *proposal;
    json_t *json = NULL, *fields = json_array();

    if (mr_proposal_read(reader, number, &proposal) == 0 && proposal->state == MR_PROPOSAL_WAITING) {
        for (size_t i = 0; i < proposal->n_fields; i++)
            (void)json_array_append_new(fields, json_string(proposal->fields[i]));
        json = json_pack("{s:I, s:s, s:s, s:o, s:o, s:O}", "event", (json_int_t)proposal->event, "by",
                proposal->proposed_by, "reason", proposal->reason, "since", mr_time_json(proposal->at_us),
                "expires", mr_time_json(proposal->expires_us), "fields", fields);
    }
    mr_proposal_free(proposal);
    json_decref(fields);
    return json;
}
