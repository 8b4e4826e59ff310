/*
 * What a transaction has opened: where identifiers lead, which keys persons have, and who is employed
 * nowhere. Events of one person come one after another; each row is wrapped twice, and opening it costs as
 * much as sealing the event. It is kept until the transaction changes anything or ends, and wiped then: an
 * erasure is a transaction of its own, so there is nothing left for it to reach.
 */
#include <string.h>

#include "store/keyring_internal.h"

static size_t place_of_value(enum mr_person_identifier kind, struct mr_slice value)
{
    uint32_t hash = kind;

    for (size_t i = 0; i < value.size; i++)
        hash = hash * 31 + value.data[i];
    return (hash ^ hash >> 8) % MR_KEYRING_OPENED;
}

/* Ids are evenly spread. */
static size_t place_of_person(const uint8_t *person)
{
    return person[0] % MR_KEYRING_OPENED;
}

bool mr_keyring_opened_lead(const struct mr_keyring_txn *txn, enum mr_person_identifier kind,
        struct mr_slice value, uint8_t ret[static MR_PERSON_ID_BYTES])
{
    const struct mr_opened_lead *lead = &txn->leads[place_of_value(kind, value)];

    if (lead->kind != (uint8_t)kind || lead->size != value.size ||
            memcmp(lead->value, value.data, value.size) != 0)
        return false;
    memcpy(ret, lead->person, sizeof lead->person);
    return true;
}

void mr_keyring_keep_lead(struct mr_keyring_txn *txn, enum mr_person_identifier kind, struct mr_slice value,
        const uint8_t person[static MR_PERSON_ID_BYTES])
{
    struct mr_opened_lead *lead = &txn->leads[place_of_value(kind, value)];

    if (value.size == 0 || value.size > sizeof lead->value)
        return;
    lead->kind = (uint8_t)kind;
    lead->size = (uint8_t)value.size;
    memcpy(lead->value, value.data, value.size);
    memcpy(lead->person, person, sizeof lead->person);
}

struct mr_opened_person *mr_keyring_opened_person(
        struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES])
{
    struct mr_opened_person *opened = &txn->persons[place_of_person(person)];

    return opened->is && memcmp(opened->person, person, sizeof opened->person) == 0 ? opened : NULL;
}

void mr_keyring_keep_person(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES],
        const struct mr_subject *subject)
{
    struct mr_opened_person *opened = &txn->persons[place_of_person(person)];

    if (subject->state != MR_PERSON_LIVE || memcmp(subject->person, person, sizeof subject->person) != 0)
        return;
    *opened = (struct mr_opened_person){.is = true};
    memcpy(opened->person, person, sizeof opened->person);
    memcpy(opened->key_id, subject->key_id, sizeof opened->key_id);
}

void mr_keyring_changes(struct mr_keyring_txn *txn)
{
    txn->dirty = true;
    sodium_memzero(txn->leads, sizeof txn->leads);
    sodium_memzero(txn->persons, sizeof txn->persons);
}
