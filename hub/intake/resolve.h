/*
 * From Person blocks to persons: by the hub's own id, else СНИЛС, else (system, local id). The only place
 * that creates persons and binds identifiers. Runs in the keyring transaction of a batch.
 *
 * What an event that is not taken may leave behind: a person with its СНИЛС, which is harmless (the next
 * event about it finds it). Bindings of local ids, merges and employments are written only after everything
 * else was decided.
 */
#ifndef MR_HUB_INTAKE_RESOLVE_H
#define MR_HUB_INTAKE_RESOLVE_H

#include "hub/intake/decision.h"
#include "hub/record/seal.h"
#include "hub/intake/staffof.h"

struct mr_resolver {
    struct mr_keyring *keyring;
    struct mr_keyring_txn *txn;
    const struct mr_config *config; /* whether the sender may name a person by its own pseudonym */
    const char *system;             /* configured name of the sender, "hub" for the hub itself */
    uint64_t number;                /* the log number that the event will have */
};

struct mr_resolved {
    struct mr_seal_person persons[MR_RECORD_SLOTS_MAX]; /* distinct, in order of first occurrence */
    size_t persons_count;
    uint8_t person_of_span[MR_EVENT_PERSONS_MAX];
    struct mr_buf staffof; /* NUL-terminated; empty when nobody employs them */
    char employers[MR_STAFFOF_SYSTEMS_MAX][sizeof(((struct mr_employment *)0)->system)];
    const char *employer_names[MR_STAFFOF_SYSTEMS_MAX];
    size_t employers_count;
    struct mr_buf identifiers; /* mr_resolve's own: plaintext, until it returns */
};
void mr_resolved_reset(struct mr_resolved *resolved); /* wipes keys; keeps memory */
void mr_resolved_fini(struct mr_resolved *resolved);

/* Does this system know persons by pseudonyms of its own? It looks through all subscriptions. */
bool mr_resolve_by_pseudonym(const struct mr_config *config, const char *system);

/* 0 and decision says what became of it; negative: the keyring failed, and the batch with it. */
int mr_resolve(const struct mr_resolver *resolver, const struct mr_event *event, struct mr_resolved *ret,
        struct mr_decision *decision);

/* ---- for mr_resolve: what an event changes of persons ---- */

/* person.merged: persons[0] and persons[1] of the blocks. Decides "person-conflict" when it cannot be. */
int mr_resolve_merge(const struct mr_resolver *resolver, const struct mr_event *event,
        const struct mr_resolved *resolved, struct mr_decision *decision);
/* employment.started and .ended, and who employs the persons: an end counts from the next event on. */
int mr_resolve_staff(
        const struct mr_resolver *resolver, const struct mr_event *event, struct mr_resolved *resolved);

#endif
