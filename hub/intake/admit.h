/*
 * Admission: may this system say this, and is it well-formed? Needs nothing but the event, the configuration
 * and the clock, so that it can be asked for a dry run too. Any thread.
 */
#ifndef MR_HUB_INTAKE_ADMIT_H
#define MR_HUB_INTAKE_ADMIT_H

#include "hub/intake/decision.h"
#include "proto/wire/codec.h"
#include "proto/wire/rules.h"

enum { MR_ADMIT_ARENA_BYTES = 4 * 1024 * 1024, MR_ADMIT_AHEAD_S_MAX = 24 * 3600 };

struct mr_admit {
    const struct mr_config *config;
    const struct mr_config_system *sender; /* NULL: the hub itself, which has every right */
    int64_t now_us;
    const struct mr_rule_places *places; /* of the field rules; NULL: found by name each time */
};

/*
 * Decodes bytes into ret (in the arena) and decides. Refused, quarantined or STORED, that is: go on. After a
 * refusal `decoded` says whether ret may be looked at.
 */
void mr_admit_event(const struct mr_admit *admit, struct mr_slice bytes, struct mr_arena *arena,
        struct mr_event *ret, bool *decoded, struct mr_decision *decision);

#endif
