#include <sodium.h>

#include "proto/base/bytes.h"
#include "store/erasure.h"
#include "store/key_rotation.h"
#include "store/key_tree.h"

/*
 * person -> u8 1 | u8 state | nonce[24] | AEAD(bucket key of the person's bucket, key id)[32]; destroyed: u8
 * 1 | u8 3. Wrapped, so that an old page or an old copy does not lead from a person to the slots in the log;
 * by the bucket of the person's id, so that the rows of a bucket stand together. The state is bound: no
 * flipped bit unblocks.
 */
enum {
    VERSION = 1,
    STATE_AT = 1,
    BOX_AT = 2,
    ROW_BYTES = BOX_AT + MR_WRAPPED_ID_BYTES,
    DESTROYED_BYTES = BOX_AT,
};

static const char TAG[] = "hub-subj-v1";

enum { AAD_BYTES = sizeof TAG + MR_PERSON_ID_BYTES + 1 };

static void row_aad(const uint8_t *person, enum mr_person_state state, uint8_t ret[static AAD_BYTES])
{
    memcpy(ret, TAG, sizeof TAG);
    memcpy(ret + sizeof TAG, person, MR_PERSON_ID_BYTES);
    ret[sizeof TAG + MR_PERSON_ID_BYTES] = (uint8_t)state;
}

static int parse(struct mr_slice value, enum mr_person_state *ret)
{
    if (value.size < DESTROYED_BYTES || value.data[0] != VERSION)
        return MR_ECORRUPT;
    *ret = (enum mr_person_state)value.data[STATE_AT];
    switch (*ret) {
    case MR_PERSON_LIVE:
    case MR_PERSON_BLOCKED:
        return value.size == ROW_BYTES ? 0 : MR_ECORRUPT;
    case MR_PERSON_DESTROYED:
        return value.size == DESTROYED_BYTES ? 0 : MR_ECORRUPT;
    default:
        return MR_ECORRUPT;
    }
}

bool mr_keyring_row_destroyed(struct mr_slice value)
{
    enum mr_person_state state;

    return parse(value, &state) == 0 && state == MR_PERSON_DESTROYED;
}

static int get_row(
        struct mr_kv_txn *kv, const uint8_t *person, struct mr_subject *ret, struct mr_slice *ret_row)
{
    int r = mr_kv_get(kv, MR_KEYRING_SUBJ, mr_slice(person, MR_PERSON_ID_BYTES), ret_row);

    if (r < 0)
        return r;
    memmove(ret->person, person, MR_PERSON_ID_BYTES);
    memset(ret->key_id, 0, sizeof ret->key_id);
    return parse(*ret_row, &ret->state);
}

int mr_subject_own(const struct mr_keyring *keyring, struct mr_kv_txn *kv,
        const uint8_t person[static MR_PERSON_ID_BYTES], struct mr_subject *ret)
{
    uint8_t bucket_key[MR_KEY_BYTES];
    uint8_t aad[AAD_BYTES];
    struct mr_slice row;
    int r = get_row(kv, person, ret, &row);

    if (r < 0 || ret->state == MR_PERSON_DESTROYED)
        return r;
    row_aad(ret->person, ret->state, aad);
    r = mr_bucket_key(keyring, kv, mr_bucket_of(ret->person), bucket_key);
    if (r == 0)
        r = mr_id_unwrap(bucket_key, mr_slice(aad, sizeof aad), row.data + BOX_AT, ret->key_id);
    sodium_memzero(bucket_key, sizeof bucket_key);
    return r;
}

int mr_subject_put(const struct mr_keyring *keyring, struct mr_kv_txn *kv, const struct mr_subject *subject)
{
    uint8_t row[ROW_BYTES] = {VERSION, (uint8_t)subject->state};
    size_t size = subject->state == MR_PERSON_DESTROYED ? DESTROYED_BYTES : ROW_BYTES;
    uint8_t bucket_key[MR_KEY_BYTES];
    uint8_t aad[AAD_BYTES];
    int r = 0;

    if (size == ROW_BYTES) {
        row_aad(subject->person, subject->state, aad);
        r = mr_bucket_key(keyring, kv, mr_bucket_of(subject->person), bucket_key);
        if (r == 0)
            mr_id_wrap(bucket_key, mr_slice(aad, sizeof aad), subject->key_id, row + BOX_AT);
        sodium_memzero(bucket_key, sizeof bucket_key);
    }
    if (r < 0)
        return r;
    return mr_kv_put(kv, MR_KEYRING_SUBJ, mr_slice(subject->person, MR_PERSON_ID_BYTES), mr_slice(row, size));
}

int mr_subject_rewrap(
        const struct mr_key_rotation *rotation, struct mr_slice key, struct mr_slice value, uint8_t *out)
{
    const struct mr_bucket_keys *keys;
    uint8_t key_id[MR_KEY_ID_BYTES];
    uint8_t aad[AAD_BYTES];
    enum mr_person_state state;
    int r = key.size == MR_PERSON_ID_BYTES ? parse(value, &state) : MR_ECORRUPT;

    if (r < 0)
        return r;
    if (state == MR_PERSON_DESTROYED)
        return MR_REWRAP_LEAVE;
    keys = mr_key_rotation_bucket(rotation, mr_bucket_of(key.data));
    if (!keys)
        return MR_REWRAP_LEAVE;
    row_aad(key.data, state, aad);
    r = mr_id_unwrap(keys->from, mr_slice(aad, sizeof aad), value.data + BOX_AT, key_id);
    if (r < 0)
        return r;
    memcpy(out, value.data, BOX_AT);
    mr_id_wrap(keys->to, mr_slice(aad, sizeof aad), key_id, out + BOX_AT);
    sodium_memzero(key_id, sizeof key_id);
    return MR_REWRAP_PUT;
}

/* ---- after merges ---- */

int mr_subject_get(const struct mr_keyring *keyring, struct mr_kv_txn *kv,
        const uint8_t person[static MR_PERSON_ID_BYTES], struct mr_subject *ret)
{
    uint8_t survivor[MR_PERSON_ID_BYTES];
    int r = mr_alias_resolve(kv, person, survivor);

    return r < 0 ? r : mr_subject_own(keyring, kv, survivor, ret);
}

int mr_subject_state(
        struct mr_kv_txn *kv, const uint8_t person[static MR_PERSON_ID_BYTES], struct mr_subject *ret)
{
    uint8_t survivor[MR_PERSON_ID_BYTES];
    struct mr_slice row;
    int r = mr_alias_resolve(kv, person, survivor);

    return r < 0 ? r : get_row(kv, survivor, ret, &row);
}

int mr_state_error(enum mr_person_state state)
{
    return state == MR_PERSON_LIVE ? 0 : state == MR_PERSON_BLOCKED ? MR_EBLOCKED : MR_EDESTROYED;
}

int mr_subject_live(const struct mr_keyring *keyring, struct mr_kv_txn *kv,
        const uint8_t person[static MR_PERSON_ID_BYTES], struct mr_subject *ret)
{
    int r = mr_subject_get(keyring, kv, person, ret);

    return r < 0 ? r : mr_state_error(ret->state);
}
