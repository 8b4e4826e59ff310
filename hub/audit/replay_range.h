/* Which events a replay is of. Any thread. */
#ifndef MR_HUB_AUDIT_REPLAY_RANGE_H
#define MR_HUB_AUDIT_REPLAY_RANGE_H

#include "hub/audit/method.h"

struct mr_replay_range {
    const struct mr_config_subscription *subscription;
    uint16_t id;
    uint64_t from, to; /* not above what the subscription has behind it: what is new comes anyway */
};

/* Reads `subscription`, `from` or `from_time`, `to` or `to_time`. */
int mr_replay_range(struct mr_replay_range *ret, const struct mr_method_call *call,
        struct mr_log_reader *reader, struct mr_record_view *view, struct mr_error *reterr);

#endif
