/* The methods behind the table in methods.c; docs/methods.md has their arguments and answers. */
#ifndef MR_HUB_AUDIT_QUERIES_H
#define MR_HUB_AUDIT_QUERIES_H

#include "hub/audit/method.h"

int mr_query_log_show(const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_log_tail(const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_log_count(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_log_evidence(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_log_facets(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_log_case(const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_log_way(const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_log_cells(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_log_find(const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_act_log_find_person(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);
int mr_query_log_receipt(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_where(const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_balance(const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_act_config_apply(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);
int mr_query_config_plan(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_config_history(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_config_show(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_hold_list(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_log_segments(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_retention_plan(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_retention_run(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_quarantine(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_quarantine_release(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_quarantine_discard(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_quarantine_fix(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_quarantine_approve(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_quarantine_reject(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_act_quarantine_show(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);

int mr_query_erase_request(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_erase_approve(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_erase_reject(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_hold_person_place(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_hold_person_release(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_erase_list(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_erase_show(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);

int mr_query_passport_show(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_passport_explain(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_passport_export(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_passport_check(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);

int mr_query_passport_diff(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_passport_history(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_passport_version(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_passport_workflow(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);

int mr_act_passport_copied(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);
int mr_act_passport_set(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);
int mr_act_passport_override(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);
int mr_act_passport_submit(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);
int mr_act_passport_approve(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);
int mr_act_passport_handback(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);
int mr_act_passport_send(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);
int mr_act_passport_answer(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);

/* Parked deliveries (hub/deliver/parked_row.h). */
int mr_query_parked_list(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_parked_show(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_replay_plan(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_act_replay_start(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);
int mr_act_parked_retry(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);
int mr_act_parked_release(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);
int mr_act_parked_discard(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);

/* Legal holds (hub/keep/hold_rows.h). */
int mr_act_hold_place(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);
int mr_act_hold_release(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);

/* Accounts of the console (hub/http/account.h). */
int mr_query_account_check(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_account_list(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_access_list(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_query_access_reasons(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_act_access_open(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);
int mr_act_access_look(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);
int mr_act_account_new(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);
int mr_act_account_invite(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);
int mr_act_account_lock(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);
int mr_act_account_password(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);
int mr_act_account_unlock(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);

/* Tokens of the HTTP API (hub/http/token.h). */
int mr_query_token_list(
        const struct mr_method_call *call, mr_emit_fn emit, void *ctx, struct mr_error *reterr);
int mr_act_token_new(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);
int mr_act_token_revoke(const struct mr_method_call *call, struct mr_act *ret, struct mr_error *reterr);

#endif
