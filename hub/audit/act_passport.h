/*
 * What the acts on the passport share. Texts of the passport's events are read by everybody: names of people
 * do not belong there, docs/passport.md says so. For act_passport*.c only.
 */
#ifndef MR_HUB_AUDIT_ACT_PASSPORT_H
#define MR_HUB_AUDIT_ACT_PASSPORT_H

#include "event/passport.pb-c.h"
#include "hub/audit/method.h"
#include "hub/project/passport.h"
#include "hub/project/workflow.h"

struct mr_passport_act {
    const struct mr_method_call *call;
    struct mr_act *act;
    struct mr_error *reterr;
    enum mr_workflow_action action;
    struct mr_workflow_row before, after;
    Nms__Event__V1__PassportVersion version;
    uint8_t file_digest[32];
};

/* Reads the state, holds a step against `if_match`, and takes the step. Sets *act empty. */
int mr_passport_act_begin(struct mr_passport_act *a, const struct mr_method_call *call,
        enum mr_workflow_action action, struct mr_act *act, struct mr_error *reterr);
/* The event, the state row unless the state stays, the reply; everything is undone when r < 0 or on failure.
 */
int mr_passport_act_finish(struct mr_passport_act *a, int r, const ProtobufCMessage *payload);

/* An argument, as mr_arg_text gives it: a text of the call's JSON. */
int mr_passport_act_text(
        const struct mr_passport_act *a, const char *name, bool required, size_t max, char **ret);
/* MR_ECHANGED when `if_match` is given and is not this tag. what: "the cell 3.premises". */
int mr_passport_act_match(const struct mr_passport_act *a, const char *tag, const char *what);

/* Document of the version that is under way; json_decref() it. */
int mr_passport_act_stored(struct mr_passport_act *a, json_t **ret);
/* Sets a->version. Borrows campaign. */
void mr_passport_act_fill_version(struct mr_passport_act *a, const char *campaign);

#endif
