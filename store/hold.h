/*
 * Legal hold on a person: while there is one, its keys are not destroyed (a court, an inspection, a term of
 * the law). Several may stand beside each other. Blocking stays possible. Merges move the holds to the
 * survivor; they hold for every id and every key of the group.
 *
 * Rows are in `keys/`, table `hold` (docs/storage-keys.md). The text is sealed under the person's key.
 */
#ifndef MR_STORE_HOLD_H
#define MR_STORE_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "store/keyring.h"

enum { MR_HOLD_ID_BYTES = 16, MR_HOLD_TEXT_MAX = 1000 };

/* ---- the resolver's transaction; follow merges ---- */

/* text: case and body, UTF-8, at most MR_HOLD_TEXT_MAX bytes (MR_EINVAL). MR_EEXISTS: the person has a hold
 * of this id. MR_ENOTFOUND, MR_EDESTROYED. */
int mr_person_hold(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES],
        const uint8_t hold[static MR_HOLD_ID_BYTES], const char *text);
/* MR_ENOTFOUND: no such hold on this person. */
int mr_person_hold_release(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES],
        const uint8_t hold[static MR_HOLD_ID_BYTES]);
/* How many holds, or negative (MR_ENOTFOUND: no such person). */
int mr_person_held(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES]);
/* Calls fn for each until it returns non-zero; returns that, 0 at the end, or negative. text is the call's.
 */
typedef int (*mr_hold_fn)(void *ctx, const uint8_t hold[static MR_HOLD_ID_BYTES], const char *text);
int mr_person_holds(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES],
        mr_hold_fn fn, void *ctx);

/* ---- any thread ---- */

/* May the slots under this key be emptied? Cheap while nobody is held. */
int mr_keyring_held(struct mr_keyring *keyring, const uint8_t key_id[static MR_KEY_ID_BYTES], bool *ret);

#endif
