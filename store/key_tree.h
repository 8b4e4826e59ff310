/*
 * The tree of keys: root -> 4,096 bucket keys -> person keys, and root -> blind-index key. Every key is
 * stored wrapped by the one above it (docs/storage-keys.md, "Keys"). No cache and no state: reads and writes
 * the caller's transaction.
 */
#ifndef MR_STORE_KEY_TREE_H
#define MR_STORE_KEY_TREE_H

#include "store/keyring_internal.h"

enum { MR_BUCKETS = 4096 };

struct mr_root;

/* A new environment: meta, K_bi and all bucket keys under the live root. Fills the secrets. */
int mr_key_tree_create(struct mr_keyring *keyring, struct mr_kv_txn *kv);
/* Finds the root that opens this environment, makes it the live one and fills the secrets. MR_ENOTFOUND: it
 * is fresh. MR_ECORRUPT. */
int mr_key_tree_unlock(struct mr_keyring *keyring, struct mr_kv_txn *kv, const struct mr_root *root);

/* Does another environment, a copy of this one, open with the live root? MR_ECORRUPT. */
int mr_key_tree_verify(const struct mr_keyring *keyring, struct mr_kv_txn *kv);
/* Generation of the root that this snapshot is under. */
int mr_key_tree_generation(struct mr_kv_txn *kv, uint32_t *ret);

/* Of a key id, or of a person's id. */
uint16_t mr_bucket_of(const uint8_t id[static MR_KEY_ID_BYTES]);
/* MR_ECORRUPT: also when the row is of a root that is not in memory any more (a snapshot of before a
 * rotation). */
int mr_bucket_key(const struct mr_keyring *keyring, struct mr_kv_txn *kv, uint16_t bucket,
        uint8_t ret[static MR_KEY_BYTES]);

/* For a rotation: the bucket's key, or the new one `key`, under the root of `generation`; and K_bi. */
int mr_bucket_rewrap(const struct mr_keyring *keyring, struct mr_kv_txn *kv, uint16_t bucket,
        uint32_t generation, const uint8_t *key);
int mr_blind_key_put(const struct mr_keyring *keyring, struct mr_kv_txn *kv, uint32_t generation);

/* An id wrapped by a bucket key: nonce[24] | AEAD(key, id)[32]. Unwrap: MR_ECORRUPT. */
enum { MR_WRAPPED_ID_BYTES = MR_NONCE_BYTES + MR_PERSON_ID_BYTES + MR_AEAD_TAG_BYTES };
void mr_id_wrap(const uint8_t key[static MR_KEY_BYTES], struct mr_slice aad,
        const uint8_t id[static MR_PERSON_ID_BYTES], uint8_t ret[static MR_WRAPPED_ID_BYTES]);
int mr_id_unwrap(const uint8_t key[static MR_KEY_BYTES], struct mr_slice aad,
        const uint8_t wrapped[static MR_WRAPPED_ID_BYTES], uint8_t ret[static MR_PERSON_ID_BYTES]);

/* MR_EDESTROYED: destroyed or never there. A blocked key is returned: see *ret_state. */
int mr_dek_get(const struct mr_keyring *keyring, struct mr_kv_txn *kv,
        const uint8_t key_id[static MR_KEY_ID_BYTES], struct mr_slot_key *ret,
        enum mr_person_state *ret_state);
int mr_dek_put(const struct mr_keyring *keyring, struct mr_kv_txn *kv, const struct mr_slot_key *key,
        enum mr_person_state state);
/* Leaves a row that says that the key was destroyed. */
int mr_dek_destroy(
        const struct mr_keyring *keyring, struct mr_kv_txn *kv, const uint8_t key_id[static MR_KEY_ID_BYTES]);
/* Is there a row for the key, destroyed or not? */
int mr_dek_known(struct mr_kv_txn *kv, const uint8_t key_id[static MR_KEY_ID_BYTES]);

#endif
