#include "store/keyring.h"

#include <sodium.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "proto/base/bytes.h"
#include "store/key_tree.h"
#include "store/keyring_internal.h"
#include "store/root_key.h"

enum { CACHE_KEYS = 4096 };

const char *const mr_keyring_tables[MR_KEYRING_TABLES] = {
        [MR_KEYRING_BKT] = "bkt",
        [MR_KEYRING_DEK] = "dek",
        [MR_KEYRING_BIDX] = "bidx",
        [MR_KEYRING_SUBJ] = "subj",
        [MR_KEYRING_ALIAS] = "alias",
        [MR_KEYRING_EMPLOY] = "employ",
        [MR_KEYRING_HOLD] = "hold",
        [MR_KEYRING_META] = "meta",
};

/* ---- open and close ---- */

/* sodium_malloc keeps its own pages out of a dump; this keeps the buffers with opened slots out as well. */
static void no_core_dumps(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_CORE, &limit) == 0) {
        limit.rlim_cur = 0;
        (void)setrlimit(RLIMIT_CORE, &limit);
    }
}

static int open_memory(struct mr_keyring *keyring, const struct mr_keyring_options *options)
{
    keyring->read_only = options->read_only;
    pthread_mutex_init(&keyring->rotation, NULL);
    keyring->root_path = strdup(options->root_path);
    keyring->secrets = sodium_malloc(sizeof *keyring->secrets);
    keyring->aes = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
    if (!keyring->root_path || !keyring->secrets || !keyring->aes || mr_key_roots_new(&keyring->roots) < 0)
        return MR_ENOMEM;
    keyring->secrets_locked = sodium_mlock(keyring->secrets, sizeof *keyring->secrets) == 0;
    return mr_key_cache_new(&keyring->cache, options->cache_keys ? options->cache_keys : CACHE_KEYS);
}

static int open_kv(
        struct mr_keyring *keyring, const struct mr_keyring_options *options, struct mr_error *reterr)
{
    struct mr_kv_options kv = {
            .dir = options->dir,
            .tables = mr_keyring_tables,
            .tables_count = MR_KEYRING_TABLES,
            .checked = MR_KEYRING_CHECKED,
            .read_only = options->read_only,
            .exclusive = !options->read_only,
            .unlocked = options->closed,
    };

    return mr_kv_open(&keyring->kv, &kv, reterr);
}

/* The newest root that is present; NULL: none. */
static const struct mr_root_slot *newest_root(const struct mr_root *root)
{
    const struct mr_root_slot *ret = NULL;

    for (size_t i = 0; i < MR_ROOT_SLOTS; i++)
        if (root->slots[i].state == MR_ROOT_PRESENT && (!ret || root->slots[i].generation > ret->generation))
            ret = &root->slots[i];
    return ret;
}

static int no_root(
        const struct mr_keyring_options *options, const struct mr_root *root, struct mr_error *reterr)
{
    static const char cure[] = "bring root.0 or root.1 back from its escrow place; a new one opens nothing";

    for (size_t i = 0; i < MR_ROOT_SLOTS; i++)
        if (root->slots[i].state == MR_ROOT_DAMAGED)
            return mr_error_set(
                    reterr, MR_ECORRUPT, options->root_path, cure, "the root key root.%zu is damaged", i);
    return mr_error_set(reterr, MR_ENOTFOUND, options->root_path, cure, "no root key here");
}

/* A root that is there already was written by a start that ended before its commit: it is taken, not
 * replaced. */
static int take_or_make_root(struct mr_keyring *keyring, const struct mr_keyring_options *options,
        const struct mr_root *root, struct mr_error *reterr)
{
    const struct mr_root_slot *there = newest_root(root);
    uint32_t generation = there ? there->generation : 1;
    uint8_t key[MR_KEY_BYTES];
    int r = 0;

    if (there) {
        memcpy(key, there->key, sizeof key);
    } else {
        randombytes_buf(key, sizeof key);
        r = mr_root_write(options->root_path, (unsigned)mr_root_free_slot(root), generation, key, reterr);
    }
    if (r == 0) {
        mr_key_roots_add(keyring->roots, generation, key);
        mr_key_roots_switch(keyring->roots, generation);
    }
    sodium_memzero(key, sizeof key);
    return r;
}

static int create(struct mr_keyring *keyring, const struct mr_keyring_options *options,
        const struct mr_root *root, struct mr_error *reterr)
{
    struct mr_kv_txn *kv = NULL;
    int r = take_or_make_root(keyring, options, root, reterr);

    if (r == 0)
        r = mr_kv_begin_write(keyring->kv, &kv);
    if (r < 0)
        return r;
    r = mr_key_tree_create(keyring, kv);
    if (r < 0) {
        mr_kv_abort(kv);
        return r;
    }
    return mr_kv_commit(kv);
}

static int unlock(struct mr_keyring *keyring, const struct mr_keyring_options *options,
        const struct mr_root *root, struct mr_error *reterr)
{
    struct mr_kv_txn *kv;
    int r = mr_kv_begin_read(keyring->kv, &kv);

    if (r < 0)
        return r;
    r = mr_key_tree_unlock(keyring, kv, root);
    atomic_store(&keyring->holds, (unsigned)mr_kv_count(kv, MR_KEYRING_HOLD));
    mr_kv_abort(kv);
    if (r == MR_ENOTFOUND && options->create && !options->read_only)
        return create(keyring, options, root, reterr);
    if (r == MR_ENOTFOUND)
        return mr_error_set(reterr, r, options->dir, "check the data folder, or create the hub's data first",
                "the keys environment is empty");
    if (!newest_root(root))
        return no_root(options, root, reterr);
    if (r == MR_ECORRUPT)
        return mr_error_set(reterr, r, options->dir, "give the root key that belongs to this environment",
                "no root key in %s opens this environment", options->root_path);
    if (r == MR_EUNSUPPORTED)
        return mr_error_set(reterr, r, options->dir, "use the version of the hub that wrote it",
                "the keys environment is of another layout, or made by an unreleased version");
    return r;
}

int mr_keyring_open(
        struct mr_keyring **ret, const struct mr_keyring_options *options, struct mr_error *reterr)
{
    struct mr_keyring *keyring = NULL;
    struct mr_root root;
    int r = mr_root_read(options->root_path, &root, reterr);

    if (r < 0)
        return r;
    no_core_dumps();
    if (!newest_root(&root) && (!options->create || options->read_only))
        r = no_root(options, &root, reterr);
    if (r == 0) {
        keyring = calloc(1, sizeof *keyring);
        r = keyring ? open_memory(keyring, options) : MR_ENOMEM;
    }
    if (r == 0)
        r = open_kv(keyring, options, reterr);
    if (r == 0)
        r = unlock(keyring, options, &root, reterr);
    mr_root_wipe(&root);
    if (r < 0) {
        mr_keyring_close(keyring);
        return r;
    }
    *ret = keyring;
    return 0;
}

void mr_keyring_close(struct mr_keyring *keyring)
{
    if (!keyring)
        return;
    mr_kv_close(keyring->kv);
    pthread_mutex_destroy(&keyring->rotation);
    mr_key_cache_free(keyring->cache);
    mr_key_roots_free(keyring->roots);
    free(keyring->root_path);
    sodium_free(keyring->secrets);
    EVP_CIPHER_free(keyring->aes);
    free(keyring);
}

int mr_keyring_maintain(struct mr_keyring *keyring)
{
    return mr_kv_reader_check(keyring->kv);
}

bool mr_keyring_locked(const struct mr_keyring *keyring)
{
    return keyring->secrets_locked && mr_key_roots_locked(keyring->roots) &&
           mr_key_cache_locked(keyring->cache);
}

static int try_roots(struct mr_keyring *keyring, const struct mr_root *root, struct mr_keyring_fit *ret)
{
    struct mr_kv_txn *kv;
    int r = mr_kv_begin_read(keyring->kv, &kv);

    if (r < 0)
        return r;
    r = mr_key_tree_generation(kv, &ret->keys);
    if (r == 0 && mr_key_tree_unlock(keyring, kv, root) == 0) {
        ret->root = mr_key_roots_live(keyring->roots);
        r = mr_key_tree_verify(keyring, kv);
        ret->opens = r == 0;
    }
    mr_kv_abort(kv);
    return r;
}

int mr_keyring_try(
        const char *dir, const char *root_path, struct mr_keyring_fit *ret, struct mr_error *reterr)
{
    const struct mr_keyring_options options = {
            .dir = dir, .root_path = root_path, .read_only = true, .closed = true};
    struct mr_keyring *keyring = NULL;
    struct mr_root root;
    int r = mr_root_read(root_path, &root, reterr);

    if (r < 0)
        return r;
    *ret = (struct mr_keyring_fit){0};
    no_core_dumps();
    if (newest_root(&root))
        ret->root = newest_root(&root)->generation;
    else
        r = no_root(&options, &root, reterr);
    if (r == 0) {
        keyring = calloc(1, sizeof *keyring);
        r = keyring ? open_memory(keyring, &options) : MR_ENOMEM;
    }
    if (r == 0)
        r = open_kv(keyring, &options, reterr);
    if (r == 0 && (r = try_roots(keyring, &root, ret)) < 0)
        (void)mr_error_set(reterr, r, dir, "take another backup", "keys cannot be read: %s", mr_err_text(r));
    mr_root_wipe(&root);
    mr_keyring_close(keyring);
    return r;
}

/* ---- look-ups ---- */

int mr_keyring_load(struct mr_keyring *keyring, struct mr_kv_txn *kv,
        const uint8_t key_id[static MR_KEY_ID_BYTES], uint64_t epoch, uint64_t serial,
        struct mr_slot_key *ret)
{
    enum mr_person_state state;
    int r = mr_dek_get(keyring, kv, key_id, ret, &state);

    if (r == 0 && state == MR_PERSON_BLOCKED)
        r = MR_EBLOCKED;
    if (r == 0)
        mr_key_cache_put(keyring->cache, ret, epoch, serial);
    else
        sodium_memzero(ret, sizeof *ret);
    return r;
}

/*
 * One look-up in a snapshot of its own, from the key id or from the person. A rotation may end between the
 * snapshot and the reading: the root of the snapshot is gone then, and nothing opens. So once more.
 */
static int look_up(
        struct mr_keyring *keyring, const uint8_t *key_id, const uint8_t *person, struct mr_slot_key *ret)
{
    uint64_t epoch = mr_key_cache_epoch(keyring->cache); /* before the snapshot */
    struct mr_subject subject;
    struct mr_kv_txn *kv;
    int r = mr_kv_begin_read(keyring->kv, &kv);

    if (r < 0)
        return r;
    if (person) {
        r = mr_subject_live(keyring, kv, person, &subject);
        key_id = subject.key_id;
    }
    if (r == 0 && !(person && mr_key_cache_get(keyring->cache, key_id, 0, ret)))
        r = mr_keyring_load(keyring, kv, key_id, epoch, 0, ret);
    mr_kv_abort(kv);
    return r;
}

static int look_up_across_rotations(
        struct mr_keyring *keyring, const uint8_t *key_id, const uint8_t *person, struct mr_slot_key *ret)
{
    uint32_t generation;
    int r;

    do {
        generation = mr_key_roots_live(keyring->roots);
        r = look_up(keyring, key_id, person, ret);
    } while (r == MR_ECORRUPT && generation != mr_key_roots_live(keyring->roots));
    return r;
}

int mr_keyring_key(
        struct mr_keyring *keyring, const uint8_t key_id[static MR_KEY_ID_BYTES], struct mr_slot_key *ret)
{
    if (mr_key_cache_get(keyring->cache, key_id, 0, ret))
        return 0;
    return look_up_across_rotations(keyring, key_id, NULL, ret);
}

int mr_keyring_person_key(
        struct mr_keyring *keyring, const uint8_t person[static MR_PERSON_ID_BYTES], struct mr_slot_key *ret)
{
    return look_up_across_rotations(keyring, NULL, person, ret);
}

uint64_t mr_keyring_epoch(const struct mr_keyring *keyring)
{
    return mr_key_cache_epoch(keyring->cache);
}

int mr_keyring_knows(struct mr_keyring *keyring, const uint8_t key_id[static MR_KEY_ID_BYTES])
{
    struct mr_kv_txn *kv;
    int r = mr_kv_begin_read(keyring->kv, &kv);

    if (r < 0)
        return r;
    r = mr_dek_known(kv, key_id);
    mr_kv_abort(kv);
    return r;
}

int mr_keyring_compact(struct mr_keyring *keyring, struct mr_kv_compaction *ret, struct mr_error *reterr)
{
    return mr_kv_compact(keyring->kv, ret, reterr);
}
