/* Who acts at the desk of the quarantine, in which role, and by which reference. */
#ifndef MR_HUB_AUDIT_QUARANTINE_WORD_H
#define MR_HUB_AUDIT_QUARANTINE_WORD_H

#include "hub/audit/method.h"
#include "hub/desk/desk.h"

/* Argument reason; required or not. Texts are the call's. */
int mr_quarantine_word_read(
        struct mr_desk_word *ret, const struct mr_method_call *call, bool required, struct mr_error *reterr);
/* 0, or MR_ECLOSED: there is no desk without a running hub. */
int mr_quarantine_needs_hub(const struct mr_method_call *call, struct mr_error *reterr);

/* The first of the roles of the desk that the operator has; auditors only look. */
const char *mr_quarantine_role(const struct mr_method_call *call);

/* Object of a proposed correction that waits, without what is proposed; NULL: there is none. */
struct mr_log_reader;
json_t *mr_quarantine_proposal_json(struct mr_log_reader *reader, uint64_t number);

#endif
