#include <sodium.h>
#include <stdlib.h>

#include "store/keyring_internal.h"

int mr_keyring_begin(struct mr_keyring *keyring, struct mr_keyring_txn **ret)
{
    struct mr_keyring_txn *txn;
    int r;

    if (keyring->read_only)
        return MR_EDENIED;
    txn = calloc(1, sizeof *txn);
    if (!txn)
        return MR_ENOMEM;
    r = mr_kv_begin_write(keyring->kv, &txn->kv);
    if (r < 0) {
        free(txn);
        return r;
    }
    txn->keyring = keyring;
    txn->serial = ++keyring->serial; /* LMDB's writer lock is held: one at a time */
    *ret = txn;
    return 0;
}

/* After the commit, so that a reader with an older snapshot can no longer bring the key back. */
static void end(struct mr_keyring_txn *txn, bool committed)
{
    struct mr_key_cache *cache = txn->keyring->cache;

    mr_key_cache_settle(cache, txn->serial, committed);
    for (size_t at = 0; committed && at < txn->drops.size; at += MR_KEY_ID_BYTES)
        mr_key_cache_drop(cache, txn->drops.data + at);
    mr_buf_fini(&txn->drops);
    sodium_memzero(txn, sizeof *txn);
    free(txn);
}

int mr_keyring_commit(struct mr_keyring_txn *txn)
{
    struct mr_keyring *keyring = txn->keyring;
    bool holds_changed = txn->holds;
    unsigned holds = holds_changed ? (unsigned)mr_kv_count(txn->kv, MR_KEYRING_HOLD) : 0;
    int r = txn->ret;

    if (r == 0 && mr_buf_failed(&txn->drops))
        r = MR_ENOMEM;
    if (r < 0)
        mr_kv_abort(txn->kv);
    else
        r = mr_kv_commit(txn->kv);
    if (r == 0 && holds_changed)
        atomic_store(&keyring->holds, holds);
    end(txn, r == 0);
    return r;
}

void mr_keyring_abort(struct mr_keyring_txn *txn)
{
    if (!txn)
        return;
    mr_kv_abort(txn->kv);
    end(txn, false);
}

bool mr_keyring_changed(const struct mr_keyring_txn *txn)
{
    return txn->dirty;
}

int mr_keyring_broken(struct mr_keyring_txn *txn, int r)
{
    if (r < 0 && txn->ret == 0)
        txn->ret = r;
    return r;
}

int mr_keyring_txn_key(
        struct mr_keyring_txn *txn, const uint8_t key_id[static MR_KEY_ID_BYTES], struct mr_slot_key *ret)
{
    struct mr_key_cache *cache = txn->keyring->cache;

    if (mr_key_cache_get(cache, key_id, txn->serial, ret))
        return 0;
    return mr_keyring_load(
            txn->keyring, txn->kv, key_id, mr_key_cache_epoch(cache), txn->dirty ? txn->serial : 0, ret);
}

int mr_keyring_del_rows(
        struct mr_kv_txn *kv, enum mr_keyring_table table, struct mr_slice keys, size_t key_size)
{
    int r = 0;

    for (size_t at = 0; at < keys.size && r == 0; at += key_size)
        r = mr_kv_del(kv, table, mr_slice(keys.data + at, key_size));
    return r;
}
