#include <sodium.h>

#include "store/erasure.h"
#include "store/fault.h"
#include "store/key_tree.h"

/* ---- a copy of `keys` for the escrow place ---- */

static int copy_keys(void *ctx, const char *dir, struct mr_error *reterr)
{
    struct mr_keyring *keyring = ctx;

    return mr_kv_copy_rows(keyring->kv, dir, reterr);
}

/* Read back: the copy in `dir` opens with the live root, down to every bucket key. */
static int check_keys(void *ctx, const char *dir, struct mr_error *reterr)
{
    const struct mr_keyring *keyring = ctx;
    const struct mr_kv_options options = {.dir = dir,
            .tables = mr_keyring_tables,
            .tables_count = MR_KEYRING_TABLES,
            .checked = MR_KEYRING_CHECKED,
            .read_only = true,
            .unlocked = true};
    struct mr_kv_txn *txn;
    struct mr_kv *kv;
    int r = mr_kv_open(&kv, &options, reterr);

    if (r < 0)
        return r;
    r = mr_kv_begin_read(kv, &txn);
    if (r == 0) {
        r = mr_key_tree_verify(keyring, txn);
        mr_kv_abort(txn);
    }
    mr_kv_close(kv);
    return r < 0 ? mr_error_set(reterr, r, dir, "check the device of the escrow place",
                           "the copy of keys/ does not read back: %s", mr_err_text(r))
                 : 0;
}

/* ---- what is left to do ---- */

static int confirm(struct mr_keyring *keyring, const struct mr_escrow *escrow, uint32_t generation,
        struct mr_error *reterr)
{
    const struct mr_escrow_copier copier = {.copy = copy_keys, .check = check_keys, .ctx = keyring};
    uint8_t key[MR_KEY_BYTES];
    int r = 0;

    if (escrow->root) {
        r = mr_key_roots_get(keyring->roots, generation, key);
        if (r == 0)
            r = mr_escrow_put_root(escrow->root, generation, key, reterr);
        sodium_memzero(key, sizeof key);
    }
    if (r == 0 && escrow->keys)
        r = mr_escrow_put_keys(escrow->keys, generation, &copier, reterr);
    return r < 0 ? r : mr_escrow_forget_older(escrow, generation, reterr);
}

static bool is_older(const struct mr_root_slot *slot, uint32_t generation)
{
    return slot->state == MR_ROOT_PRESENT && slot->generation < generation;
}

/* Last, as the old root's presence here is what says that the erasure is not finished. */
static int destroy_older(struct mr_keyring *keyring, uint32_t generation, struct mr_error *reterr)
{
    struct mr_root root;
    int r = mr_root_read(keyring->root_path, &root, reterr);

    for (unsigned i = 0; i < MR_ROOT_SLOTS && r == 0; i++) {
        if (!is_older(&root.slots[i], generation))
            continue;
        r = MR_FAULT("keys.erase.destroy");
        if (r < 0)
            mr_error_set(reterr, r, keyring->root_path, "", "cannot destroy the old root key");
        else
            r = mr_root_destroy(keyring->root_path, i, reterr);
        if (r == 0)
            (void)MR_FAULT("keys.erase.destroyed");
    }
    mr_root_wipe(&root);
    return r;
}

int mr_keyring_finish_erasure(
        struct mr_keyring *keyring, const struct mr_escrow *escrow, struct mr_error *reterr)
{
    uint32_t generation;
    int r = 0;

    if (keyring->read_only)
        return mr_error_set(reterr, MR_EDENIED, mr_kv_dir(keyring->kv), "stop the hub, or ask it",
                "the keys are open for reading only");
    if (pthread_mutex_trylock(&keyring->rotation) != 0)
        return mr_error_set(reterr, MR_EAGAIN, mr_kv_dir(keyring->kv), "it goes on by itself",
                "an erasure is being made or finished");
    generation = mr_key_roots_live(keyring->roots);
    if (escrow && (escrow->root || escrow->keys))
        r = confirm(keyring, escrow, generation, reterr);
    if (r == 0)
        r = destroy_older(keyring, generation, reterr);
    pthread_mutex_unlock(&keyring->rotation);
    return r;
}

int mr_keyring_erasure_status(
        struct mr_keyring *keyring, struct mr_erasure_status *ret, struct mr_error *reterr)
{
    uint32_t generation = mr_key_roots_live(keyring->roots);
    struct mr_kv_txn *kv;
    struct mr_root root;
    int r = mr_root_read(keyring->root_path, &root, reterr);

    *ret = (struct mr_erasure_status){.generation = generation};
    for (unsigned i = 0; i < MR_ROOT_SLOTS && r == 0; i++)
        ret->waiting = ret->waiting || is_older(&root.slots[i], generation);
    mr_root_wipe(&root);
    if (r < 0)
        return r;
    r = mr_kv_begin_read(keyring->kv, &kv);
    if (r == 0) {
        r = mr_erasure_is_owed(kv, &ret->owed);
        mr_kv_abort(kv);
    }
    return r < 0 ? mr_error_set(reterr, r, mr_kv_dir(keyring->kv), "", "cannot read what is owed: %s",
                           mr_err_text(r))
                 : 0;
}
