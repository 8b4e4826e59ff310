#include "hub/audit/record_state.h"

#include <assert.h>
#include <string.h>

static const char *const names[MR_RECORD_STATES] = {[MR_RECORD_STATE_OPEN] = "open",
        [MR_RECORD_STATE_WITH_PERSONS] = "sealed",
        [MR_RECORD_STATE_QUARANTINED] = "quarantined",
        [MR_RECORD_STATE_EXPIRED] = "expired"};

enum mr_record_state mr_record_state(const struct mr_record *record)
{
    if (record->flags & MR_RECORD_EXPIRED)
        return MR_RECORD_STATE_EXPIRED;
    if (record->flags & MR_RECORD_QUARANTINED)
        return MR_RECORD_STATE_QUARANTINED;
    return record->flags & MR_RECORD_SEALED ? MR_RECORD_STATE_WITH_PERSONS : MR_RECORD_STATE_OPEN;
}

const char *mr_record_state_name(enum mr_record_state state)
{
    assert(state > MR_RECORD_STATE_ANY && state < MR_RECORD_STATES);
    return names[state];
}

int mr_record_state_parse(const char *name, enum mr_record_state *ret, struct mr_error *reterr)
{
    for (int i = MR_RECORD_STATE_ANY + 1; i < MR_RECORD_STATES; i++)
        if (strcmp(names[i], name) == 0) {
            *ret = (enum mr_record_state)i;
            return 0;
        }
    return mr_error_set(
            reterr, MR_EINVAL, "state", "say open, sealed, quarantined or expired", "no such state");
}
