/*
 * What an event rests on: events that it names and that the log must know. An annulment of nothing, or a
 * deficit whose diagnostic was refused, waits for correction.
 */
#ifndef MR_HUB_INTAKE_MENTION_H
#define MR_HUB_INTAKE_MENTION_H

#include "hub/intake/decision.h"
#include "hub/intake/dedup.h"
#include "proto/wire/codec.h"

/*
 * Of an event that was admitted. Looks at what was given a number before, also in the same batch; events of
 * other sources are looked for in annulments only. 0 (the decision may be a quarantine now), or negative.
 */
int mr_mention_check(struct mr_dedup *dedup, const struct mr_keyring *keyring, const struct mr_event *event,
        struct mr_decision *decision);

#endif
