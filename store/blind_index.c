#include <sodium.h>

#include "proto/base/bytes.h"
#include "store/key_rotation.h"
#include "store/key_tree.h"
#include "store/keyring_internal.h"

/*
 * blind[32] -> u8 1 | u16be bucket | nonce[24] | AEAD(bucket key, person id)[32]. Where an identifier leads
 * is readable only with the bucket's key, so that an erasure that destroys bucket keys takes the links in old
 * pages along.
 */
enum {
    VERSION = 1,
    BUCKET_AT = 1,
    BOX_AT = 3,
    ROW_BYTES = BOX_AT + MR_WRAPPED_ID_BYTES,
};

static const char TAG[] = "hub-bidx-v1";

enum { AAD_BYTES = sizeof TAG + MR_BLIND_BYTES + 2 };

static const char BLIND_TAG[] = "hub-bi-v1";

enum { BLIND_HEAD_BYTES = sizeof BLIND_TAG + 2 };

static void blind_head(uint16_t kind, uint8_t ret[static BLIND_HEAD_BYTES])
{
    memcpy(ret, BLIND_TAG, sizeof BLIND_TAG);
    mr_put_be16(ret + sizeof BLIND_TAG, kind);
}

void mr_blind_index(const uint8_t key[static MR_KEY_BYTES], uint16_t kind, struct mr_slice value,
        uint8_t ret[static MR_BLIND_BYTES])
{
    crypto_generichash_state state;
    uint8_t head[BLIND_HEAD_BYTES];

    blind_head(kind, head);
    (void)crypto_generichash_init(&state, key, MR_KEY_BYTES, MR_BLIND_BYTES);
    (void)crypto_generichash_update(&state, head, sizeof head);
    if (value.size > 0)
        (void)crypto_generichash_update(&state, value.data, value.size);
    (void)crypto_generichash_final(&state, ret, MR_BLIND_BYTES);
    sodium_memzero(&state, sizeof state);
}

void mr_keyring_blind(const struct mr_keyring *keyring, enum mr_person_identifier kind, struct mr_slice value,
        uint8_t ret[static MR_BLIND_BYTES])
{
    struct mr_lanes_message message = {.parts_count = 2, .ret = ret};
    uint8_t head[BLIND_HEAD_BYTES];

    if (!mr_lanes_here()) {
        mr_blind_index(keyring->secrets->blind, (uint16_t)kind, value, ret);
        return;
    }
    blind_head((uint16_t)kind, head);
    message.parts[0] = mr_slice(head, sizeof head);
    message.parts[1] = value;
    mr_lanes_digest(&keyring->secrets->blind_lanes, &message, 1);
}

static void row_aad(const uint8_t *blind, uint16_t bucket, uint8_t ret[static AAD_BYTES])
{
    memcpy(ret, TAG, sizeof TAG);
    memcpy(ret + sizeof TAG, blind, MR_BLIND_BYTES);
    mr_put_be16(ret + sizeof TAG + MR_BLIND_BYTES, bucket);
}

static int open_row(const struct mr_keyring *keyring, struct mr_kv_txn *kv, const uint8_t *blind,
        struct mr_slice value, uint8_t ret[static MR_PERSON_ID_BYTES])
{
    uint8_t bucket_key[MR_KEY_BYTES];
    uint8_t aad[AAD_BYTES];
    uint16_t bucket;
    int r;

    if (value.size != ROW_BYTES || value.data[0] != VERSION)
        return MR_ECORRUPT;
    bucket = mr_get_be16(value.data + BUCKET_AT);
    row_aad(blind, bucket, aad);
    r = mr_bucket_key(keyring, kv, bucket, bucket_key);
    if (r == 0)
        r = mr_id_unwrap(bucket_key, mr_slice(aad, sizeof aad), value.data + BOX_AT, ret);
    sodium_memzero(bucket_key, sizeof bucket_key);
    return r;
}

int mr_blind_find(struct mr_keyring_txn *txn, const uint8_t blind[static MR_BLIND_BYTES],
        uint8_t ret[static MR_PERSON_ID_BYTES])
{
    struct mr_slice value;
    int r = mr_kv_get(txn->kv, MR_KEYRING_BIDX, mr_slice(blind, MR_BLIND_BYTES), &value);

    return r < 0 ? r : open_row(txn->keyring, txn->kv, blind, value, ret);
}

int mr_blind_put(struct mr_keyring_txn *txn, const uint8_t blind[static MR_BLIND_BYTES], uint16_t bucket,
        const uint8_t person[static MR_PERSON_ID_BYTES])
{
    uint8_t bucket_key[MR_KEY_BYTES];
    uint8_t aad[AAD_BYTES];
    uint8_t row[ROW_BYTES];
    int r = mr_bucket_key(txn->keyring, txn->kv, bucket, bucket_key);

    if (r < 0)
        return r;
    row[0] = VERSION;
    mr_put_be16(row + BUCKET_AT, bucket);
    row_aad(blind, bucket, aad);
    mr_id_wrap(bucket_key, mr_slice(aad, sizeof aad), person, row + BOX_AT);
    sodium_memzero(bucket_key, sizeof bucket_key);
    return mr_kv_put(txn->kv, MR_KEYRING_BIDX, mr_slice(blind, MR_BLIND_BYTES), mr_slice(row, sizeof row));
}

struct forget {
    const struct mr_keyring_txn *txn;
    struct mr_slice persons;
    const uint16_t *buckets;
    size_t count;
    struct mr_buf keys;
};

/* Only rows of the persons' own buckets are opened. */
static int collect(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct forget *forget = ctx;
    uint8_t person[MR_PERSON_ID_BYTES];
    bool mine = false;

    if (key.size != MR_BLIND_BYTES || value.size != ROW_BYTES)
        return MR_ECORRUPT;
    for (size_t i = 0; i < forget->count && !mine; i++)
        mine = forget->buckets[i] == mr_get_be16(value.data + BUCKET_AT);
    if (!mine)
        return 0;
    /* A damaged row of somebody else must not stop an erasure. */
    if (open_row(forget->txn->keyring, forget->txn->kv, key.data, value, person) < 0)
        return 0;
    for (size_t at = 0; at < forget->persons.size; at += MR_PERSON_ID_BYTES)
        if (memcmp(forget->persons.data + at, person, sizeof person) == 0) {
            mr_buf_put_slice(&forget->keys, key);
            break;
        }
    return 0;
}

int mr_blind_forget(
        struct mr_keyring_txn *txn, struct mr_slice persons, const uint16_t *buckets, size_t count)
{
    struct forget forget = {.txn = txn, .persons = persons, .buckets = buckets, .count = count};
    int r = mr_kv_rows(txn->kv, MR_KEYRING_BIDX, mr_slice(NULL, 0), mr_slice(NULL, 0), collect, &forget);

    if (r == 0 && mr_buf_failed(&forget.keys))
        r = MR_ENOMEM;
    if (r == 0)
        r = mr_keyring_del_rows(txn->kv, MR_KEYRING_BIDX, mr_buf_slice(&forget.keys), MR_BLIND_BYTES);
    mr_buf_fini(&forget.keys);
    return r;
}

int mr_blind_rewrap(
        const struct mr_key_rotation *rotation, struct mr_slice key, struct mr_slice value, uint8_t *out)
{
    const struct mr_bucket_keys *keys;
    uint8_t person[MR_PERSON_ID_BYTES];
    uint8_t aad[AAD_BYTES];
    int r;

    if (key.size != MR_BLIND_BYTES || value.size != ROW_BYTES || value.data[0] != VERSION)
        return MR_ECORRUPT;
    keys = mr_key_rotation_bucket(rotation, mr_get_be16(value.data + BUCKET_AT));
    if (!keys)
        return MR_REWRAP_LEAVE;
    row_aad(key.data, mr_get_be16(value.data + BUCKET_AT), aad);
    r = mr_id_unwrap(keys->from, mr_slice(aad, sizeof aad), value.data + BOX_AT, person);
    if (r < 0)
        return r;
    if (mr_key_rotation_forgets(rotation, person))
        return MR_REWRAP_DELETE;
    memcpy(out, value.data, BOX_AT);
    mr_id_wrap(keys->to, mr_slice(aad, sizeof aad), person, out + BOX_AT);
    return MR_REWRAP_PUT;
}
