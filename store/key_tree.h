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

/* A new environment: meta, K_bi and all bucket keys under secrets->root. Fills the other secrets. */
int mr_key_tree_create(struct mr_keyring *keyring, struct mr_kv_txn *kv);
/* Finds the root that opens this environment and fills the secrets. MR_ENOTFOUND: it is fresh. MR_ECORRUPT.
 */
int mr_key_tree_unlock(struct mr_keyring *keyring, struct mr_kv_txn *kv, const struct mr_root *root);

uint16_t mr_bucket_of(const uint8_t key_id[static MR_KEY_ID_BYTES]);
int mr_bucket_key(const struct mr_keyring *keyring, struct mr_kv_txn *kv, uint16_t bucket,
        uint8_t ret[static MR_KEY_BYTES]);

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
