/*
 * The way of a passport's version (decision 30): ЦНППМ submits, the ministry approves or hands back and
 * sends, the Федеральный оператор answers. The state machine is a table; its state is one row of the log,
 * written in the commit of the event that changes it.
 */
#ifndef MR_HUB_PROJECT_WORKFLOW_H
#define MR_HUB_PROJECT_WORKFLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/buf.h"
#include "proto/base/err.h"
#include "store/log.h"

enum mr_workflow_state {
    MR_PASSPORT_DRAFT, /* nothing was submitted yet */
    MR_PASSPORT_SUBMITTED,
    MR_PASSPORT_HANDED_BACK,
    MR_PASSPORT_APPROVED,
    MR_PASSPORT_SENT,
    MR_PASSPORT_AGREED,
    MR_PASSPORT_RETURNED,
    MR_PASSPORT_STATES
};

enum mr_workflow_action {
    MR_PASSPORT_SET,
    MR_PASSPORT_OVERRIDE,
    MR_PASSPORT_SUBMIT,
    MR_PASSPORT_APPROVE,
    MR_PASSPORT_HANDBACK,
    MR_PASSPORT_SEND,
    MR_PASSPORT_AGREE,
    MR_PASSPORT_RETURN,
    MR_PASSPORT_COPY,
    MR_PASSPORT_ACTIONS
};

struct mr_workflow_row {
    enum mr_workflow_state state;
    uint32_t version;   /* of the last submitted one; 0: none */
    uint64_t as_of;     /* log number up to which that version counts */
    uint8_t digest[32]; /* SHA-256 of its canonical JSON */
};

/* What the action makes of the state (version, as_of and digest stay). MR_EINVAL with what is possible
 * instead. */
int mr_workflow_step(const struct mr_workflow_row *from, enum mr_workflow_action action,
        struct mr_workflow_row *ret, struct mr_error *reterr);

const char *mr_workflow_state_name(enum mr_workflow_state state);     /* "handed-back" */
const char *mr_workflow_state_title(enum mr_workflow_state state);    /* Russian */
const char *mr_workflow_action_type(enum mr_workflow_action action);  /* event type */
const char *mr_workflow_action_roles(enum mr_workflow_action action); /* "cnppm,mms,ipk" */

const char *mr_workflow_action_name(enum mr_workflow_action action); /* "handback" */
bool mr_workflow_action_possible(enum mr_workflow_action action, enum mr_workflow_state state);
bool mr_workflow_action_of_cells(
        enum mr_workflow_action action); /* says something of a cell, moves nothing */

/* "submitted-2": no two states that a passport was ever in have the same one. */
enum { MR_WORKFLOW_TAG_MAX = 64 };
void mr_workflow_tag(const struct mr_workflow_row *row, char ret[static MR_WORKFLOW_TAG_MAX]);

/* MR_LOG_DOCUMENT: keys "passport/state" and "passport/version/" u32be. */
void mr_workflow_key_state(struct mr_buf *out);
void mr_workflow_key_version(struct mr_buf *out, uint32_t version);
int mr_workflow_encode(struct mr_buf *out, const struct mr_workflow_row *row);
int mr_workflow_decode(struct mr_workflow_row *ret, struct mr_slice value);
/* The present state; a draft when there is no row. */
int mr_workflow_read(struct mr_log *log, struct mr_workflow_row *ret);
/* Canonical JSON of a submitted version. MR_ENOTFOUND. */
int mr_workflow_document(struct mr_log *log, uint32_t version, struct mr_buf *out);

#endif
