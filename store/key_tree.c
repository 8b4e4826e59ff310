#include "store/key_tree.h"

#include <assert.h>
#include <sodium.h>

#include "proto/base/bytes.h"
#include "proto/base/list.h"
#include "store/erasure.h"
#include "store/key_rotation.h"
#include "store/root_key.h"
#include "store/xchacha.h"

enum {
    WRAP_VERSION = 1,
    GENERATION_AT = 1,
    NONCE_AT = 5,
    BOX_AT = NONCE_AT + MR_NONCE_BYTES,
    WRAP_BYTES = BOX_AT + MR_KEY_BYTES + MR_AEAD_TAG_BYTES, /* 77 */
    DEK_BYTES = 1 + WRAP_BYTES,                             /* the state before it */
    TOMBSTONE_BYTES = 1 + NONCE_AT,                         /* state, version, generation */
    DEK_KEY_BYTES = 2 + MR_KEY_ID_BYTES,
    ROW_KEY_MAX = DEK_KEY_BYTES + 1,
    LAYOUT = 1,
};

/* What a wrapped key is bound to: its kind, its row, and for a person key its state. */
struct wrap_name {
    const char *tag;
    uint8_t row[ROW_KEY_MAX];
    size_t row_size;
};

static const char BUCKET_TAG[] = "hub-bkt-v1";
static const char DEK_TAG[] = "hub-dek-v1";
static const char META_TAG[] = "hub-meta-v1";

enum { WRAP_AAD_MAX = 16 + ROW_KEY_MAX + 4 };

static const char META_LAYOUT[] = "layout";
static const char META_BLIND[] = "kbi";

static size_t wrap_aad(const struct wrap_name *name, uint32_t generation, uint8_t ret[static WRAP_AAD_MAX])
{
    size_t tag_size = strlen(name->tag) + 1;

    assert(tag_size <= 16);
    memcpy(ret, name->tag, tag_size);
    memcpy(ret + tag_size, name->row, name->row_size);
    mr_put_be32(ret + tag_size + name->row_size, generation);
    return tag_size + name->row_size + 4;
}

static void wrap(const uint8_t above[static MR_KEY_BYTES], const struct wrap_name *name, uint32_t generation,
        const uint8_t key[static MR_KEY_BYTES], uint8_t ret[static WRAP_BYTES])
{
    uint8_t aad[WRAP_AAD_MAX];
    size_t aad_size = wrap_aad(name, generation, aad);

    ret[0] = WRAP_VERSION;
    mr_put_be32(ret + GENERATION_AT, generation);
    randombytes_buf(ret + NONCE_AT, MR_NONCE_BYTES);
    mr_xchacha_seal(
            ret + BOX_AT, mr_slice(key, MR_KEY_BYTES), mr_slice(aad, aad_size), ret + NONCE_AT, above);
}

static int unwrap(const uint8_t above[static MR_KEY_BYTES], const struct wrap_name *name,
        struct mr_slice value, uint8_t ret[static MR_KEY_BYTES])
{
    uint8_t aad[WRAP_AAD_MAX];
    size_t aad_size;

    if (value.size != WRAP_BYTES || value.data[0] != WRAP_VERSION)
        return MR_ECORRUPT;
    aad_size = wrap_aad(name, mr_get_be32(value.data + GENERATION_AT), aad);
    return mr_xchacha_open(ret, mr_slice(value.data + BOX_AT, WRAP_BYTES - BOX_AT), mr_slice(aad, aad_size),
                   value.data + NONCE_AT, above)
                   ? 0
                   : MR_ECORRUPT;
}

/* By the root of a generation, which the value names when it is to be opened. */
static int wrap_by_root(const struct mr_keyring *keyring, const struct wrap_name *name, uint32_t generation,
        const uint8_t key[static MR_KEY_BYTES], uint8_t ret[static WRAP_BYTES])
{
    uint8_t root[MR_KEY_BYTES];
    int r = mr_key_roots_get(keyring->roots, generation, root);

    assert(r == 0); /* whoever writes under a root has put it into memory */
    wrap(root, name, generation, key, ret);
    sodium_memzero(root, sizeof root);
    return r;
}

/* The writer's process has rotated since this one, which only reads, was opened. */
static int learn_root(const struct mr_keyring *keyring, uint32_t generation, uint8_t ret[static MR_KEY_BYTES])
{
    struct mr_root root;
    int r = mr_root_read(keyring->root_path, &root, NULL);

    if (r == 0)
        r = MR_ENOTFOUND;
    for (size_t i = 0; i < MR_ROOT_SLOTS && r == MR_ENOTFOUND; i++) {
        if (root.slots[i].state != MR_ROOT_PRESENT || root.slots[i].generation != generation)
            continue;
        mr_key_roots_learn(keyring->roots, generation, root.slots[i].key);
        memcpy(ret, root.slots[i].key, MR_KEY_BYTES);
        r = 0;
    }
    mr_root_wipe(&root);
    return r;
}

static int unwrap_by_root(const struct mr_keyring *keyring, const struct wrap_name *name,
        struct mr_slice value, uint8_t ret[static MR_KEY_BYTES])
{
    uint8_t root[MR_KEY_BYTES];
    uint32_t generation;
    int r;

    if (value.size != WRAP_BYTES)
        return MR_ECORRUPT;
    generation = mr_get_be32(value.data + GENERATION_AT);
    r = mr_key_roots_get(keyring->roots, generation, root);
    if (r < 0 && keyring->read_only)
        r = learn_root(keyring, generation, root);
    r = r < 0 ? MR_ECORRUPT : unwrap(root, name, value, ret);
    sodium_memzero(root, sizeof root);
    return r;
}

/* ---- ids wrapped by a bucket key ---- */

void mr_id_wrap(const uint8_t key[static MR_KEY_BYTES], struct mr_slice aad,
        const uint8_t id[static MR_PERSON_ID_BYTES], uint8_t ret[static MR_WRAPPED_ID_BYTES])
{
    randombytes_buf(ret, MR_NONCE_BYTES);
    mr_xchacha_seal(ret + MR_NONCE_BYTES, mr_slice(id, MR_PERSON_ID_BYTES), aad, ret, key);
}

int mr_id_unwrap(const uint8_t key[static MR_KEY_BYTES], struct mr_slice aad,
        const uint8_t wrapped[static MR_WRAPPED_ID_BYTES], uint8_t ret[static MR_PERSON_ID_BYTES])
{
    return mr_xchacha_open(ret, mr_slice(wrapped + MR_NONCE_BYTES, MR_WRAPPED_ID_BYTES - MR_NONCE_BYTES), aad,
                   wrapped, key)
                   ? 0
                   : MR_ECORRUPT;
}

/* ---- bucket keys ---- */

uint16_t mr_bucket_of(const uint8_t id[static MR_KEY_ID_BYTES])
{
    return mr_get_be16(id) % MR_BUCKETS;
}

static struct wrap_name bucket_name(uint16_t bucket)
{
    struct wrap_name name = {.tag = BUCKET_TAG, .row_size = 2};

    mr_put_be16(name.row, bucket);
    return name;
}

int mr_bucket_key(const struct mr_keyring *keyring, struct mr_kv_txn *kv, uint16_t bucket,
        uint8_t ret[static MR_KEY_BYTES])
{
    struct wrap_name name = bucket_name(bucket);
    struct mr_slice value;
    int r = mr_kv_get(kv, MR_KEYRING_BKT, mr_slice(name.row, name.row_size), &value);

    if (r == 0)
        r = unwrap_by_root(keyring, &name, value, ret);
    /* All were made with the environment: a missing one is damage, and a new one would hide it. */
    return r == MR_ENOTFOUND ? MR_ECORRUPT : r;
}

int mr_bucket_rewrap(const struct mr_keyring *keyring, struct mr_kv_txn *kv, uint16_t bucket,
        uint32_t generation, const uint8_t *key)
{
    struct wrap_name name = bucket_name(bucket);
    uint8_t same[MR_KEY_BYTES];
    uint8_t value[WRAP_BYTES];
    int r = key ? 0 : mr_bucket_key(keyring, kv, bucket, same);

    if (r == 0)
        r = wrap_by_root(keyring, &name, generation, key ? key : same, value);
    sodium_memzero(same, sizeof same);
    if (r < 0)
        return r;
    return mr_kv_put(kv, MR_KEYRING_BKT, mr_slice(name.row, name.row_size), mr_slice(value, sizeof value));
}

static int create_buckets(struct mr_keyring *keyring, struct mr_kv_txn *kv)
{
    uint32_t generation = mr_key_roots_live(keyring->roots);
    uint8_t key[MR_KEY_BYTES];
    uint8_t value[WRAP_BYTES];
    int r = 0;

    for (uint16_t bucket = 0; bucket < MR_BUCKETS && r == 0; bucket++) {
        struct wrap_name name = bucket_name(bucket);

        randombytes_buf(key, sizeof key);
        r = wrap_by_root(keyring, &name, generation, key, value);
        if (r == 0)
            r = mr_kv_append(
                    kv, MR_KEYRING_BKT, mr_slice(name.row, name.row_size), mr_slice(value, sizeof value));
    }
    sodium_memzero(key, sizeof key);
    return r;
}

/* ---- meta ---- */

static struct wrap_name blind_name(void)
{
    struct wrap_name name = {.tag = META_TAG, .row_size = sizeof META_BLIND - 1};

    memcpy(name.row, META_BLIND, name.row_size);
    return name;
}

static void derive(const struct mr_keyring *keyring, const char *label, uint8_t ret[static MR_KEY_BYTES])
{
    (void)crypto_generichash(ret, MR_KEY_BYTES, (const uint8_t *)label, strlen(label) + 1,
            keyring->secrets->blind, MR_KEY_BYTES);
}

static void derive_secrets(struct mr_keyring *keyring)
{
    derive(keyring, "hub-digest-v1", keyring->secrets->digest);
    derive(keyring, "hub-pseudonym-v1", keyring->secrets->pseudonym);
    mr_keyring_digests_begin(keyring->secrets);
}

int mr_blind_key_put(const struct mr_keyring *keyring, struct mr_kv_txn *kv, uint32_t generation)
{
    struct wrap_name name = blind_name();
    uint8_t value[WRAP_BYTES];
    int r = wrap_by_root(keyring, &name, generation, keyring->secrets->blind, value);

    if (r < 0)
        return r;
    return mr_kv_put(kv, MR_KEYRING_META, mr_slice_str(META_BLIND), mr_slice(value, sizeof value));
}

int mr_key_tree_create(struct mr_keyring *keyring, struct mr_kv_txn *kv)
{
    uint8_t layout[4];
    int r;

    mr_put_be32(layout, LAYOUT);
    randombytes_buf(keyring->secrets->blind, MR_KEY_BYTES);
    derive_secrets(keyring);
    r = mr_kv_put(kv, MR_KEYRING_META, mr_slice_str(META_LAYOUT), mr_slice(layout, sizeof layout));
    if (r == 0)
        r = mr_blind_key_put(keyring, kv, mr_key_roots_live(keyring->roots));
    return r < 0 ? r : create_buckets(keyring, kv);
}

int mr_key_tree_unlock(struct mr_keyring *keyring, struct mr_kv_txn *kv, const struct mr_root *root)
{
    struct wrap_name name = blind_name();
    struct mr_slice value;
    int r = mr_kv_get(kv, MR_KEYRING_META, mr_slice_str(META_LAYOUT), &value);

    if (r == MR_ENOTFOUND && mr_kv_get(kv, MR_KEYRING_META, mr_slice_str("format"), &value) != MR_ENOTFOUND)
        return MR_EUNSUPPORTED; /* of the time before version 1 */
    if (r < 0)
        return r;
    if (value.size != 4 || mr_get_be32(value.data) != LAYOUT)
        return MR_EUNSUPPORTED;
    r = mr_kv_get(kv, MR_KEYRING_META, mr_slice_str(META_BLIND), &value);
    if (r < 0)
        return r == MR_ENOTFOUND ? MR_ECORRUPT : r;
    r = MR_ECORRUPT;
    for (size_t i = 0; i < MR_ROOT_SLOTS && r < 0; i++) {
        const struct mr_root_slot *slot = &root->slots[i];

        if (slot->state != MR_ROOT_PRESENT || slot->generation == 0 ||
                unwrap(slot->key, &name, value, keyring->secrets->blind) < 0)
            continue;
        if (slot->generation != mr_get_be32(value.data + GENERATION_AT))
            return MR_ECORRUPT;
        mr_key_roots_add(keyring->roots, slot->generation, slot->key);
        mr_key_roots_switch(keyring->roots, slot->generation);
        r = 0;
    }
    if (r == 0)
        derive_secrets(keyring);
    return r;
}

bool mr_keyring_row_generation(struct mr_slice key, struct mr_slice value, uint32_t *ret)
{
    if (!mr_slice_equal(key, mr_slice_str(META_BLIND)) || value.size != WRAP_BYTES)
        return false;
    *ret = mr_get_be32(value.data + GENERATION_AT);
    return true;
}

int mr_key_tree_generation(struct mr_kv_txn *kv, uint32_t *ret)
{
    struct mr_slice value;
    int r = mr_kv_get(kv, MR_KEYRING_META, mr_slice_str(META_BLIND), &value);

    if (r == MR_ENOTFOUND || (r == 0 && !mr_keyring_row_generation(mr_slice_str(META_BLIND), value, ret)))
        r = MR_ECORRUPT;
    return r;
}

int mr_key_tree_verify(const struct mr_keyring *keyring, struct mr_kv_txn *kv)
{
    struct wrap_name name = blind_name();
    uint8_t key[MR_KEY_BYTES];
    struct mr_slice value;
    int r = mr_kv_get(kv, MR_KEYRING_META, mr_slice_str(META_BLIND), &value);

    if (r == 0)
        r = unwrap_by_root(keyring, &name, value, key);
    if (r == 0 && sodium_memcmp(key, keyring->secrets->blind, sizeof key) != 0)
        r = MR_ECORRUPT;
    for (uint32_t bucket = 0; bucket < MR_BUCKETS && r == 0; bucket++)
        r = mr_bucket_key(keyring, kv, (uint16_t)bucket, key);
    sodium_memzero(key, sizeof key);
    return r == MR_ENOTFOUND ? MR_ECORRUPT : r;
}

/* ---- person keys ---- */

static struct wrap_name dek_name(const uint8_t *key_id, enum mr_person_state state)
{
    struct wrap_name name = {.tag = DEK_TAG, .row_size = ROW_KEY_MAX};

    mr_put_be16(name.row, mr_bucket_of(key_id));
    memcpy(name.row + 2, key_id, MR_KEY_ID_BYTES);
    name.row[DEK_KEY_BYTES] =
            (uint8_t)state; /* bound, not part of the row's key: a block cannot be undone by a bit */
    return name;
}

static int dek_row(struct mr_kv_txn *kv, const uint8_t *key_id, struct mr_slice *ret)
{
    struct wrap_name name = dek_name(key_id, MR_PERSON_LIVE);

    return mr_kv_get(kv, MR_KEYRING_DEK, mr_slice(name.row, DEK_KEY_BYTES), ret);
}

int mr_dek_known(struct mr_kv_txn *kv, const uint8_t key_id[static MR_KEY_ID_BYTES])
{
    struct mr_slice value;

    return dek_row(kv, key_id, &value);
}

int mr_dek_get(const struct mr_keyring *keyring, struct mr_kv_txn *kv,
        const uint8_t key_id[static MR_KEY_ID_BYTES], struct mr_slot_key *ret,
        enum mr_person_state *ret_state)
{
    uint8_t bucket_key[MR_KEY_BYTES];
    struct wrap_name name;
    struct mr_slice value;
    int r = dek_row(kv, key_id, &value);

    if (r < 0)
        return r == MR_ENOTFOUND ? MR_EDESTROYED : r;
    if (value.size == TOMBSTONE_BYTES && value.data[0] == MR_PERSON_DESTROYED)
        return MR_EDESTROYED;
    if (value.size != DEK_BYTES || (value.data[0] != MR_PERSON_LIVE && value.data[0] != MR_PERSON_BLOCKED))
        return MR_ECORRUPT;
    *ret_state = (enum mr_person_state)value.data[0];
    name = dek_name(key_id, *ret_state);
    r = mr_bucket_key(keyring, kv, mr_bucket_of(key_id), bucket_key);
    if (r == 0)
        r = unwrap(bucket_key, &name, mr_slice(value.data + 1, WRAP_BYTES), ret->dek);
    memcpy(ret->id, key_id, MR_KEY_ID_BYTES);
    sodium_memzero(bucket_key, sizeof bucket_key);
    return r;
}

int mr_dek_put(const struct mr_keyring *keyring, struct mr_kv_txn *kv, const struct mr_slot_key *key,
        enum mr_person_state state)
{
    struct wrap_name name = dek_name(key->id, state);
    uint8_t bucket_key[MR_KEY_BYTES];
    uint8_t value[DEK_BYTES];
    int r = mr_bucket_key(keyring, kv, mr_bucket_of(key->id), bucket_key);

    if (r < 0)
        return r;
    value[0] = (uint8_t)state;
    wrap(bucket_key, &name, mr_key_roots_live(keyring->roots), key->dek, value + 1);
    sodium_memzero(bucket_key, sizeof bucket_key);
    return mr_kv_put(kv, MR_KEYRING_DEK, mr_slice(name.row, DEK_KEY_BYTES), mr_slice(value, sizeof value));
}

int mr_dek_destroy(
        const struct mr_keyring *keyring, struct mr_kv_txn *kv, const uint8_t key_id[static MR_KEY_ID_BYTES])
{
    struct wrap_name name = dek_name(key_id, MR_PERSON_DESTROYED);
    uint8_t value[TOMBSTONE_BYTES] = {MR_PERSON_DESTROYED, WRAP_VERSION};

    mr_put_be32(value + 1 + GENERATION_AT, mr_key_roots_live(keyring->roots));
    return mr_kv_put(kv, MR_KEYRING_DEK, mr_slice(name.row, DEK_KEY_BYTES), mr_slice(value, sizeof value));
}

int mr_dek_rewrap(
        const struct mr_key_rotation *rotation, struct mr_slice key, struct mr_slice value, uint8_t *out)
{
    const struct mr_bucket_keys *keys;
    uint8_t dek[MR_KEY_BYTES];
    struct wrap_name name;
    int r;

    if (value.size == TOMBSTONE_BYTES)
        return MR_REWRAP_LEAVE;
    if (key.size != DEK_KEY_BYTES || value.size != DEK_BYTES)
        return MR_ECORRUPT;
    keys = mr_key_rotation_bucket(rotation, mr_get_be16(key.data));
    assert(keys);
    name = dek_name(key.data + 2, (enum mr_person_state)value.data[0]);
    r = unwrap(keys->from, &name, mr_slice(value.data + 1, WRAP_BYTES), dek);
    if (r < 0)
        return r;
    out[0] = value.data[0];
    wrap(keys->to, &name, mr_key_rotation_generation(rotation), dek, out + 1);
    sodium_memzero(dek, sizeof dek);
    return MR_REWRAP_PUT;
}
