/* In which of four ways a record of the log can be looked at, by its flags: what the search and its counts go
 * by. */
#ifndef MR_HUB_AUDIT_RECORD_STATE_H
#define MR_HUB_AUDIT_RECORD_STATE_H

#include "proto/base/err.h"
#include "store/record.h"

enum mr_record_state {
    MR_RECORD_STATE_ANY,
    MR_RECORD_STATE_OPEN,
    MR_RECORD_STATE_WITH_PERSONS, /* of persons: their fields are sealed */
    MR_RECORD_STATE_QUARANTINED,  /* came wrong; whether it still waits is in its row: quarantine.list */
    MR_RECORD_STATE_EXPIRED,      /* its term has passed: a remnant */
    MR_RECORD_STATES
};

enum mr_record_state mr_record_state(const struct mr_record *record);
const char *mr_record_state_name(enum mr_record_state state); /* "open", "sealed", "quarantined", "expired" */
/* The state of this name; MR_EINVAL with the names there are. */
int mr_record_state_parse(const char *name, enum mr_record_state *ret, struct mr_error *reterr);

#endif
