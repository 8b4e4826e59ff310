/*
 * Who is it: an identifier, or an id, to a person and all that were merged into it, on a snapshot of its own.
 * Any thread; also of a keyring that is read-only. For those who may ask for a person: each such question is
 * to be an event of its own (decision 24).
 */
#ifndef MR_STORE_PERSON_LOOK_H
#define MR_STORE_PERSON_LOOK_H

#include "store/person_group.h"

/*
 * value is normalised (digits of a СНИЛС; system, NUL, local id). *ret: the person as it is after merges,
 * then its aliases; the caller's (free). MR_ENOTFOUND, MR_EBLOCKED, MR_EDESTROYED.
 */
int mr_person_look(struct mr_keyring *keyring, enum mr_person_identifier kind, struct mr_slice value,
        struct mr_person_part **ret, size_t *ret_count);
/* The same by the hub's id of the person, or of one that was merged into it. */
int mr_person_look_id(struct mr_keyring *keyring, const uint8_t person[static MR_PERSON_ID_BYTES],
        struct mr_person_part **ret, size_t *ret_count);

#endif
