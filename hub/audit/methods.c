/* The table of methods. hub.status is answered by hub/query.c, which has the live state. */
#include <string.h>

#include "hub/audit/queries.h"
#include "proto/base/list.h"

static const struct mr_method methods[] = {
        {"access.list", "auditor,pd-officer", mr_query_access_list, NULL},
        {"access.look", "auditor,pd-officer", NULL, mr_act_access_look},
        {"access.open", "auditor,pd-officer", NULL, mr_act_access_open},
        {"access.reasons", NULL, mr_query_access_reasons, NULL},
        {"account.check", NULL, mr_query_account_check, NULL},
        {"account.invite", "admin", NULL, mr_act_account_invite},
        {"account.list", NULL, mr_query_account_list, NULL},
        {"account.lock", "admin", NULL, mr_act_account_lock},
        {"account.new", "admin", NULL, mr_act_account_new},
        {"account.password", NULL, NULL, mr_act_account_password},
        {"account.unlock", "admin", NULL, mr_act_account_unlock},
        {"balance", NULL, mr_query_balance, NULL, .takes_long = true, .grows = true},
        {"config.apply", "admin", NULL, mr_act_config_apply},
        {"config.history", NULL, mr_query_config_history, NULL},
        {"config.plan", NULL, mr_query_config_plan, NULL},
        {"config.show", NULL, mr_query_config_show, NULL},
        {"erase.approve", "pd-officer", mr_query_erase_approve, NULL, true},
        {"erase.list", NULL, mr_query_erase_list, NULL},
        {"erase.reject", "pd-officer", mr_query_erase_reject, NULL, true},
        {"erase.request", "pd-officer", mr_query_erase_request, NULL, true},
        {"erase.show", NULL, mr_query_erase_show, NULL},
        {"hold.list", NULL, mr_query_hold_list, NULL},
        {"hold.person.place", "pd-officer", mr_query_hold_person_place, NULL, true},
        {"hold.person.release", "pd-officer", mr_query_hold_person_release, NULL, true},
        {"hold.place", "pd-officer,admin", NULL, mr_act_hold_place},
        {"hold.release", "pd-officer,admin", NULL, mr_act_hold_release},
        {"log.case", NULL, mr_query_log_case, NULL, .bounded = true},
        {"log.cells", NULL, mr_query_log_cells, NULL, .takes_long = true, .bounded = true},
        {"log.count", NULL, mr_query_log_count, NULL, .takes_long = true},
        {"log.evidence", NULL, mr_query_log_evidence, NULL, .takes_long = true, .bounded = true},
        {"log.facets", NULL, mr_query_log_facets, NULL, .bounded = true, .takes_long = true},
        {"log.find", NULL, mr_query_log_find, NULL, .bounded = true},
        {"log.find-person", "auditor,pd-officer", NULL, mr_act_log_find_person},
        {"log.receipt", NULL, mr_query_log_receipt, NULL, .bounded = true},
        {"log.segments", NULL, mr_query_log_segments, NULL},
        {"log.show", NULL, mr_query_log_show, NULL, .bounded = true},
        {"log.tail", NULL, mr_query_log_tail, NULL, .bounded = true},
        {"log.way", NULL, mr_query_log_way, NULL, .live = true, .bounded = true},
        {"parked.discard", "pd-officer,admin,cnppm", NULL, mr_act_parked_discard, .bounded = true},
        {"parked.list", NULL, mr_query_parked_list, NULL, .bounded = true},
        {"parked.release", "pd-officer,admin,cnppm", NULL, mr_act_parked_release, .bounded = true},
        {"parked.retry", "pd-officer,admin,cnppm", NULL, mr_act_parked_retry, .bounded = true},
        {"parked.show", NULL, mr_query_parked_show, NULL, .bounded = true},
        {"passport.answer", "federal", NULL, mr_act_passport_answer},
        {"passport.approve", "ministry", NULL, mr_act_passport_approve, .regional = true},
        {"passport.check", NULL, mr_query_passport_check, NULL, .takes_long = true},
        {"passport.copied", "cnppm,ministry", NULL, mr_act_passport_copied, .regional = true},
        {"passport.diff", NULL, mr_query_passport_diff, NULL, .takes_long = true, .regional = true},
        {"passport.explain", NULL, mr_query_passport_explain, NULL, .takes_long = true},
        {"passport.export", NULL, mr_query_passport_export, NULL, .takes_long = true, .regional = true},
        {"passport.handback", "ministry", NULL, mr_act_passport_handback, .regional = true},
        {"passport.history", NULL, mr_query_passport_history, NULL, .regional = true},
        {"passport.override", "cnppm", NULL, mr_act_passport_override, .regional = true},
        {"passport.send", "ministry", NULL, mr_act_passport_send, .regional = true},
        {"passport.set", "cnppm,mms,ipk", NULL, mr_act_passport_set, .regional = true},
        {"passport.show", NULL, mr_query_passport_show, NULL, .takes_long = true, .regional = true},
        {"passport.submit", "cnppm", NULL, mr_act_passport_submit, .regional = true},
        {"passport.version", NULL, mr_query_passport_version, NULL, .regional = true},
        {"passport.workflow", NULL, mr_query_passport_workflow, NULL, .takes_long = true, .regional = true},
        {"quarantine.approve", "pd-officer,admin,cnppm", mr_query_quarantine_approve, NULL, true,
                .bounded = true},
        {"quarantine.discard", "pd-officer,admin,cnppm", mr_query_quarantine_discard, NULL, true,
                .bounded = true},
        {"quarantine.fix", "pd-officer,admin,cnppm", mr_query_quarantine_fix, NULL, true, .bounded = true},
        {"quarantine.list", NULL, mr_query_quarantine, NULL, .bounded = true},
        {"quarantine.reject", "pd-officer,admin,cnppm", mr_query_quarantine_reject, NULL, true,
                .bounded = true},
        {"quarantine.release", "pd-officer,admin,cnppm", mr_query_quarantine_release, NULL, true,
                .bounded = true},
        {"quarantine.show", "auditor,pd-officer,admin,cnppm", NULL, mr_act_quarantine_show, .bounded = true},
        {"replay.plan", NULL, mr_query_replay_plan, NULL, .takes_long = true},
        {"replay.start", "admin", NULL, mr_act_replay_start},
        {"retention.plan", NULL, mr_query_retention_plan, NULL, .takes_long = true},
        {"retention.run", "pd-officer,admin", mr_query_retention_run, NULL},
        {"token.list", NULL, mr_query_token_list, NULL},
        {"token.new", "admin", NULL, mr_act_token_new},
        {"token.revoke", "admin", NULL, mr_act_token_revoke},
        {"where", NULL, mr_query_where, NULL, .live = true, .bounded = true},
};

const struct mr_method *mr_method_at(size_t index)
{
    return index < MR_COUNT(methods) ? &methods[index] : NULL;
}

const struct mr_method *mr_method_find(const char *name)
{
    for (size_t i = 0; i < MR_COUNT(methods); i++)
        if (strcmp(methods[i].name, name) == 0)
            return &methods[i];
    return NULL;
}
