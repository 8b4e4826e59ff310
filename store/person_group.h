/*
 * What an erasure must know of a person before it destroys: under which ids it is known, and under which keys
 * its values are sealed. For the erasure (hub/erasure) and the indexer only: everybody else is refused a
 * blocked person.
 */
#ifndef MR_STORE_PERSON_GROUP_H
#define MR_STORE_PERSON_GROUP_H

#include "store/keyring.h"

struct mr_person_part {
    uint8_t person[MR_PERSON_ID_BYTES];
    uint8_t key_id[MR_KEY_ID_BYTES]; /* zeros once destroyed */
};

/*
 * The person whom `person` is now, then all its aliases: *ret is the caller's (free). Whatever the state.
 * MR_ENOTFOUND. The transaction's thread.
 */
int mr_person_group(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES],
        struct mr_person_part **ret, size_t *ret_count);

/* As mr_keyring_key, but the key of a blocked person is given too, and none enters the cache. Any thread. */
int mr_keyring_key_blocked(
        struct mr_keyring *keyring, const uint8_t key_id[static MR_KEY_ID_BYTES], struct mr_slot_key *ret);

#endif
