/*
 * What a transaction has opened: where identifiers lead, and which keys persons have. Events of one person
 * come one after another; each row is wrapped twice, and opening it costs as much as sealing the event. It is
 * kept until the transaction changes anything or ends, and wiped then: an erasure is a transaction of its
 * own, so there is nothing left for it to reach.
 */
#include <string.h>

#include "store/keyring_internal.h"

/* Blind values and ids are evenly spread. */
static size_t place_of(const uint8_t *bytes)
{
    return bytes[0] % MR_KEYRING_OPENED;
}

bool mr_keyring_opened_lead(const struct mr_keyring_txn *txn, const uint8_t blind[static MR_BLIND_BYTES],
        uint8_t ret[static MR_PERSON_ID_BYTES])
{
    const struct mr_opened_lead *lead = &txn->leads[place_of(blind)];

    if (!lead->is || memcmp(lead->blind, blind, sizeof lead->blind) != 0)
        return false;
    memcpy(ret, lead->person, sizeof lead->person);
    return true;
}

void mr_keyring_keep_lead(struct mr_keyring_txn *txn, const uint8_t blind[static MR_BLIND_BYTES],
        const uint8_t person[static MR_PERSON_ID_BYTES])
{
    struct mr_opened_lead *lead = &txn->leads[place_of(blind)];

    lead->is = true;
    memcpy(lead->blind, blind, sizeof lead->blind);
    memcpy(lead->person, person, sizeof lead->person);
}

bool mr_keyring_opened_key(const struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES],
        uint8_t ret[static MR_KEY_ID_BYTES])
{
    const struct mr_opened_key *key = &txn->keys[place_of(person)];

    if (!key->is || memcmp(key->person, person, sizeof key->person) != 0)
        return false;
    memcpy(ret, key->id, sizeof key->id);
    return true;
}

void mr_keyring_keep_key(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES],
        const uint8_t id[static MR_KEY_ID_BYTES])
{
    struct mr_opened_key *key = &txn->keys[place_of(person)];

    key->is = true;
    memcpy(key->person, person, sizeof key->person);
    memcpy(key->id, id, sizeof key->id);
}

void mr_keyring_changes(struct mr_keyring_txn *txn)
{
    txn->dirty = true;
    sodium_memzero(txn->leads, sizeof txn->leads);
    sodium_memzero(txn->keys, sizeof txn->keys);
}
