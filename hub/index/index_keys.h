/*
 * Keys of the secondary indexes, in one place: the indexer writes them, queries, delivery and the search for
 * repeats look for them. Each is a digest of 16 bytes; those of values that senders choose are keyed with the
 * hub's secret, that of a person with the person's own key, so that it goes with the key (decision 4). Any
 * thread.
 */
#ifndef MR_HUB_INDEX_INDEX_KEYS_H
#define MR_HUB_INDEX_INDEX_KEYS_H

#include "store/index.h"
#include "store/keyring.h"

/* What sets the digests of a kind apart from others under the same secret, of the kinds of one keyed text. */
const char *mr_index_key_tag(enum mr_index_kind kind);

/* MR_INDEX_IDENT, and mr_record.ident: identity of an event (decision 10). */
void mr_index_key_ident(const struct mr_keyring *keyring, const char *source, const char *id,
        uint8_t ret[static MR_INDEX_KEY_BYTES]);
/* MR_INDEX_EVENT_ID: of the id alone. */
void mr_index_key_event_id(
        const struct mr_keyring *keyring, const char *id, uint8_t ret[static MR_INDEX_KEY_BYTES]);
void mr_index_key_correlation(
        const struct mr_keyring *keyring, const char *id, uint8_t ret[static MR_INDEX_KEY_BYTES]);
void mr_index_key_organisation(
        const struct mr_keyring *keyring, const char *ogrn, uint8_t ret[static MR_INDEX_KEY_BYTES]);
void mr_index_key_document(
        const struct mr_keyring *keyring, const char *number, uint8_t ret[static MR_INDEX_KEY_BYTES]);
/* MR_INDEX_TYPE: a plain digest, type names are public. */
void mr_index_key_type(const char *type, uint8_t ret[static MR_INDEX_KEY_BYTES]);
void mr_index_key_subscription(uint16_t subscription, uint8_t ret[static MR_INDEX_KEY_BYTES]);
void mr_index_key_system(uint16_t system, uint8_t ret[static MR_INDEX_KEY_BYTES]);
/* MR_INDEX_PERSON: under the person's key. */
void mr_index_key_person(const struct mr_slot_key *key, uint8_t ret[static MR_INDEX_KEY_BYTES]);

#endif
