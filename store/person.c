#include <sodium.h>

#include "store/key_tree.h"
#include "store/keyring_internal.h"

/* person -> u8 1 | u8 state | key_id[16]; the key id is zeros once the person is destroyed. */
enum { VERSION = 1, KEY_ID_AT = 2, ROW_BYTES = KEY_ID_AT + MR_KEY_ID_BYTES };

/* ---- the row ---- */

/* The row of exactly this person, merges left aside. */
static int subject_row(struct mr_kv_txn *kv, const uint8_t *person, struct mr_subject *ret)
{
    struct mr_slice value;
    int r = mr_kv_get(kv, MR_KEYRING_SUBJ, mr_slice(person, MR_PERSON_ID_BYTES), &value);

    if (r < 0)
        return r;
    if (value.size != ROW_BYTES || value.data[0] != VERSION || value.data[1] < MR_PERSON_LIVE ||
            value.data[1] > MR_PERSON_DESTROYED)
        return MR_ECORRUPT;
    memmove(ret->person, person, MR_PERSON_ID_BYTES);
    ret->state = (enum mr_person_state)value.data[1];
    memcpy(ret->key_id, value.data + KEY_ID_AT, MR_KEY_ID_BYTES);
    return 0;
}

static int subject_put(struct mr_kv_txn *kv, const struct mr_subject *subject)
{
    uint8_t row[ROW_BYTES] = {VERSION, (uint8_t)subject->state};

    memcpy(row + KEY_ID_AT, subject->key_id, MR_KEY_ID_BYTES);
    return mr_kv_put(
            kv, MR_KEYRING_SUBJ, mr_slice(subject->person, MR_PERSON_ID_BYTES), mr_slice(row, sizeof row));
}

int mr_subject_get(
        struct mr_kv_txn *kv, const uint8_t person[static MR_PERSON_ID_BYTES], struct mr_subject *ret)
{
    uint8_t survivor[MR_PERSON_ID_BYTES];
    int r = mr_alias_resolve(kv, person, survivor);

    return r < 0 ? r : subject_row(kv, survivor, ret);
}

int mr_person_key_id(struct mr_kv_txn *kv, const uint8_t person[static MR_PERSON_ID_BYTES],
        uint8_t ret[static MR_KEY_ID_BYTES])
{
    struct mr_subject subject;
    int r = subject_row(kv, person, &subject);

    if (r == 0)
        memcpy(ret, subject.key_id, MR_KEY_ID_BYTES);
    return r;
}

static int state_error(enum mr_person_state state)
{
    return state == MR_PERSON_LIVE ? 0 : state == MR_PERSON_BLOCKED ? MR_EBLOCKED : MR_EDESTROYED;
}

int mr_subject_live(
        struct mr_kv_txn *kv, const uint8_t person[static MR_PERSON_ID_BYTES], struct mr_subject *ret)
{
    int r = mr_subject_get(kv, person, ret);

    return r < 0 ? r : state_error(ret->state);
}

/* ---- calls ---- */

int mr_person_find_own(struct mr_keyring_txn *txn, enum mr_person_identifier kind, struct mr_slice value,
        uint8_t ret[static MR_PERSON_ID_BYTES])
{
    uint8_t blind[MR_BLIND_BYTES];

    mr_blind_index(txn->keyring->secrets->blind, (uint16_t)kind, value, blind);
    return mr_blind_find(txn, blind, ret);
}

int mr_person_find(struct mr_keyring_txn *txn, enum mr_person_identifier kind, struct mr_slice value,
        uint8_t ret[static MR_PERSON_ID_BYTES])
{
    uint8_t person[MR_PERSON_ID_BYTES];
    int r = mr_person_find_own(txn, kind, value, person);

    return r < 0 ? r : mr_alias_resolve(txn->kv, person, ret);
}

int mr_person_state(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES],
        enum mr_person_state *ret, uint8_t *ret_survivor)
{
    struct mr_subject subject;
    int r = mr_subject_get(txn->kv, person, &subject);

    if (r < 0)
        return r;
    *ret = subject.state;
    if (ret_survivor)
        memcpy(ret_survivor, subject.person, MR_PERSON_ID_BYTES);
    return 0;
}

int mr_person_key(
        struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES], struct mr_slot_key *ret)
{
    struct mr_subject subject;
    int r = mr_subject_live(txn->kv, person, &subject);

    return r < 0 ? r : mr_keyring_txn_key(txn, subject.key_id, ret);
}

int mr_person_own_key(
        struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES], struct mr_slot_key *ret)
{
    struct mr_subject subject;
    int r = subject_row(txn->kv, person, &subject);

    if (r == 0)
        r = state_error(subject.state);
    return r < 0 ? r : mr_keyring_txn_key(txn, subject.key_id, ret);
}

int mr_person_create(
        struct mr_keyring_txn *txn, uint8_t ret[static MR_PERSON_ID_BYTES], struct mr_slot_key *ret_key)
{
    struct mr_key_cache *cache = txn->keyring->cache;
    struct mr_subject subject = {.state = MR_PERSON_LIVE};
    struct mr_slot_key key;
    int r;

    txn->dirty = true;
    randombytes_buf(subject.person, sizeof subject.person);
    randombytes_buf(&key, sizeof key);
    memcpy(subject.key_id, key.id, sizeof key.id);
    r = mr_dek_put(txn->keyring, txn->kv, &key, MR_PERSON_LIVE);
    if (r == 0)
        r = subject_put(txn->kv, &subject);
    if (r == 0) {
        mr_key_cache_put(cache, &key, mr_key_cache_epoch(cache), txn->serial);
        memcpy(ret, subject.person, MR_PERSON_ID_BYTES);
        if (ret_key)
            *ret_key = key;
    }
    sodium_memzero(&key, sizeof key);
    return mr_keyring_broken(txn, r);
}

int mr_person_bind(struct mr_keyring_txn *txn, enum mr_person_identifier kind, struct mr_slice value,
        const uint8_t person[static MR_PERSON_ID_BYTES], uint8_t *ret_other)
{
    uint8_t other[MR_PERSON_ID_BYTES];
    uint8_t blind[MR_BLIND_BYTES];
    struct mr_subject subject;
    int r = mr_subject_live(txn->kv, person, &subject);

    if (r < 0)
        return r;
    r = mr_person_find(txn, kind, value, other);
    if (r == 0 && memcmp(other, subject.person, sizeof other) == 0)
        return 0;
    if (r == 0 && ret_other)
        memcpy(ret_other, other, sizeof other);
    if (r != MR_ENOTFOUND)
        return r == 0 ? MR_EEXISTS : r;
    txn->dirty = true;
    mr_blind_index(txn->keyring->secrets->blind, (uint16_t)kind, value, blind);
    return mr_keyring_broken(txn, mr_blind_put(txn, blind, mr_bucket_of(subject.key_id), subject.person));
}

int mr_person_merge(struct mr_keyring_txn *txn, const uint8_t survivor[static MR_PERSON_ID_BYTES],
        const uint8_t previous[static MR_PERSON_ID_BYTES])
{
    struct mr_subject to, from;
    int r = mr_subject_live(txn->kv, survivor, &to);

    if (r == 0)
        r = mr_subject_live(txn->kv, previous, &from);
    if (r < 0)
        return r;
    if (memcmp(to.person, previous, MR_PERSON_ID_BYTES) == 0)
        return MR_EINVAL;                                       /* the same, or a cycle */
    if (memcmp(from.person, previous, MR_PERSON_ID_BYTES) != 0) /* an alias already */
        return memcmp(from.person, to.person, MR_PERSON_ID_BYTES) == 0 ? 0 : MR_EEXISTS;
    txn->dirty = true;
    r = mr_alias_put(txn->kv, to.person, from.person);
    if (r == 0)
        r = mr_employment_move(txn, &from, &to);
    return mr_keyring_broken(txn, r);
}

/* ---- states ---- */

static int block_one(struct mr_keyring_txn *txn, struct mr_subject *subject, enum mr_person_state state)
{
    struct mr_slot_key key;
    enum mr_person_state was;
    int r = mr_dek_get(txn->keyring, txn->kv, subject->key_id, &key, &was);

    if (r == 0)
        r = mr_dek_put(txn->keyring, txn->kv, &key, state);
    sodium_memzero(&key, sizeof key);
    if (r < 0)
        return r;
    mr_buf_put(&txn->drops, subject->key_id, MR_KEY_ID_BYTES);
    subject->state = state;
    return subject_put(txn->kv, subject);
}

static int destroy_one(struct mr_keyring_txn *txn, struct mr_subject *subject)
{
    int r = mr_dek_destroy(txn->keyring, txn->kv, subject->key_id);

    if (r == 0)
        r = mr_employment_forget(txn, subject->person);
    if (r < 0)
        return r;
    mr_buf_put(&txn->drops, subject->key_id, MR_KEY_ID_BYTES);
    subject->state = MR_PERSON_DESTROYED;
    memset(subject->key_id, 0,
            sizeof subject->key_id); /* nothing leads from the person to its slots any more */
    return subject_put(txn->kv, subject);
}

/* First pass of a destruction: which buckets the identifiers are wrapped in. */
static int forget_identifiers(struct mr_keyring_txn *txn, struct mr_slice group)
{
    struct mr_buf buckets = MR_BUF_INIT;
    int r = 0;

    for (size_t at = 0; at < group.size && r == 0; at += MR_PERSON_ID_BYTES) {
        struct mr_subject subject;
        uint16_t bucket;

        r = subject_row(txn->kv, group.data + at, &subject);
        bucket = r == 0 ? mr_bucket_of(subject.key_id) : 0;
        mr_buf_put(&buckets, &bucket, sizeof bucket);
    }
    if (r == 0 && mr_buf_failed(&buckets))
        r = MR_ENOMEM;
    if (r == 0) /* malloc's memory: aligned for any type */
        r = mr_blind_forget(
                txn, group, (const uint16_t *)(const void *)buckets.data, buckets.size / sizeof(uint16_t));
    mr_buf_fini(&buckets);
    return r;
}

static int set_group(struct mr_keyring_txn *txn, struct mr_slice group, enum mr_person_state state)
{
    int r = state == MR_PERSON_DESTROYED ? forget_identifiers(txn, group) : 0;

    for (size_t at = 0; at < group.size && r == 0; at += MR_PERSON_ID_BYTES) {
        struct mr_subject subject;

        r = subject_row(txn->kv, group.data + at, &subject);
        if (r == 0)
            r = state == MR_PERSON_DESTROYED ? destroy_one(txn, &subject) : block_one(txn, &subject, state);
    }
    return r;
}

int mr_person_set_state(struct mr_keyring_txn *txn, const uint8_t person[static MR_PERSON_ID_BYTES],
        enum mr_person_state state)
{
    struct mr_buf group = MR_BUF_INIT;
    struct mr_subject subject;
    int r = mr_subject_get(txn->kv, person, &subject);

    if (r < 0)
        return r;
    if (subject.state == state)
        return 0;
    if (subject.state == MR_PERSON_DESTROYED)
        return MR_EDESTROYED;
    if (state != MR_PERSON_LIVE && state != MR_PERSON_BLOCKED && state != MR_PERSON_DESTROYED)
        return MR_EINVAL;
    txn->dirty = true;
    r = mr_alias_group(txn->kv, subject.person, &group);
    if (r == 0)
        r = set_group(txn, mr_buf_slice(&group), state);
    mr_buf_fini(&group);
    return mr_keyring_broken(txn, r);
}
